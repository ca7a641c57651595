//! Invitations: the secret is made here, told once, and only its hash is kept.

use weir_cluster::members::{Member, Members};
use weir_model::cluster::{Invite, InviteInfo, InvitedNode, NodeState};
use weir_model::{ApiError, ErrorCode, InviteId, Role, Roles};

use super::Operate;
use crate::actors::clock;
use crate::link::invite::Token;
use crate::store;

/// Time enough to walk to another machine.
const TTL_SECS: u64 = 3600;

/// The file that the new machine's command names; the token belongs into no command line.
const TOKEN_FILE: &str = "invitation";

impl Operate {
    pub(super) fn all_invites(&self) -> Vec<InviteInfo> {
        self.store.invites().into_iter().rev().map(info).collect()
    }

    pub(super) async fn make_invite(
        &self,
        wish: Invite,
        dry_run: bool,
    ) -> Result<InvitedNode, ApiError> {
        let join = self.door()?;
        let roles: Roles = wish.roles.into_iter().collect();
        let secs = i64::try_from(wish.ttl_secs.unwrap_or(TTL_SECS)).unwrap_or(i64::MAX);
        let now = clock::now();
        let expires_at = now.plus_ms(secs.saturating_mul(1000));
        let token = Token::new(self.mesh.trust.fingerprint(), expires_at);
        let token = token.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
        let hash = token.secret_hash(&self.store.invitation_key());
        let store = if dry_run { self.store.rehearsal() } else { self.store.clone() };
        let made = store.create_invite(hash, roles, expires_at, now).await?;
        let command = format!("weir-node --join {join} --token-file {TOKEN_FILE} --roles {roles}");
        Ok(InvitedNode { token: token.to_string(), join, command, info: info(made) })
    }

    pub(super) async fn take_back(&self, id: &str, dry_run: bool) -> Result<InviteInfo, ApiError> {
        let unknown = || {
            let text = format!("there is no invitation {id}");
            ApiError::new(ErrorCode::NotFound, text)
                .hint("`weir node invites` shows those there are")
        };
        let id: InviteId = id.parse().map_err(|_| unknown())?;
        let store = if dry_run { self.store.rehearsal() } else { self.store.clone() };
        let revoked = store.revoke_invite(id, clock::now()).await;
        revoked.map(info).map_err(|error| match ApiError::from(error) {
            error if error.code == ErrorCode::NotFound => unknown(),
            error => error,
        })
    }

    /// Where a newcomer is let in: this node, or another one that holds the cluster's authority.
    fn door(&self) -> Result<String, ApiError> {
        if self.mesh.trust.authority().is_some() {
            return Ok(self.link.clone());
        }
        let directory = self.store.cluster();
        let other = able(&directory.members, self.mesh.consensus.leader());
        other.map(|member| member.profile.link.clone()).ok_or_else(|| {
            let text = "no voter is up, and only they let new nodes in";
            ApiError::new(ErrorCode::Unavailable, text)
                .hint("`weir cluster check` says what is wrong")
        })
    }
}

/// The leader before others: it hands the new node's entry to nobody.
fn able(members: &Members, leader: Option<weir_model::NodeId>) -> Option<&Member> {
    let able = |member: &&Member| {
        member.state == NodeState::Up && member.profile.roles.contains(Role::Voter)
    };
    members.iter().filter(able).max_by_key(|member| leader == Some(member.id))
}

fn info(invite: store::Invite) -> InviteInfo {
    let store::Invite { id, roles, created_at, expires_at, used_by, revoked_at, .. } = invite;
    InviteInfo { id: id.to_string(), roles, created_at, expires_at, used_by, revoked_at }
}
