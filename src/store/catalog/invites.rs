//! Invitations: made, used once or taken back, and forgotten when they are of no use and others need the place.

use weir_cluster::members::{Change as MemberChange, Profile};
use weir_model::{AccountId, InviteId, NodeId, Roles, Timestamp};

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::invite::{Admission, Invite, InviteRefusal};
use super::super::record::{Hex32, InviteRecord};
use super::{Catalog, Planned};

/// Invitations that are remembered: more than an operator has open, few enough to look through for a secret.
pub(in crate::store) const INVITES_MAX: usize = 256;

/// What a new invitation is made of.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::store) struct NewInvite {
    pub(in crate::store) id: InviteId,
    pub(in crate::store) hash: Hex32,
    pub(in crate::store) roles: Roles,
    pub(in crate::store) made_by: AccountId,
    pub(in crate::store) expires_at: Timestamp,
    pub(in crate::store) now: Timestamp,
}

impl InviteRecord {
    /// Why it admits nobody at `now`.
    fn check(&self, now: Timestamp) -> Result<(), InviteRefusal> {
        if self.used_by.is_some() {
            return Err(InviteRefusal::Used);
        }
        if self.revoked_at.is_some() {
            return Err(InviteRefusal::Revoked);
        }
        if self.expires_at <= now {
            return Err(InviteRefusal::Expired(self.expires_at));
        }
        Ok(())
    }

    /// The roles of a newcomer that wants these; all that the invitation is for when it says none.
    fn grant(&self, wanted: Roles) -> Result<Roles, InviteRefusal> {
        match wanted.iter().find(|role| !self.roles.contains(*role)) {
            Some(role) => Err(InviteRefusal::Role(role)),
            None if wanted.is_empty() => Ok(self.roles),
            None => Ok(wanted),
        }
    }
}

impl Catalog {
    /// Makes an invitation. When there are too many, the oldest that admits nobody is forgotten.
    pub(super) fn plan_invite(&self, new: NewInvite) -> Planned<Invite> {
        let NewInvite { id, hash, roles, made_by, expires_at, now } = new;
        if roles.is_empty() {
            return Err(StoreError::Invalid("an invitation is for at least one role".into()));
        }
        if expires_at <= now {
            return Err(StoreError::Invalid("the invitation would have expired already".into()));
        }
        if self.invites.contains_key(&id) || self.invite_by_hash(&hash).is_some() {
            return Err(StoreError::Exists { what: format!("invitation {id}") });
        }
        let mut changes = Vec::new();
        if self.invites.len() >= INVITES_MAX {
            let limit = INVITES_MAX;
            let full = || StoreError::Limit { what: "open invitations".into(), limit };
            let dead = self.invites.values().filter(|invite| invite.check(now).is_err());
            let oldest = dead.min_by_key(|invite| (invite.created_at, invite.id));
            changes.push(Change::RemoveInvite(oldest.ok_or_else(full)?.id));
        }
        let (created_at, used_by, used_at, revoked_at) = (now, None, None, None);
        let record = InviteRecord {
            id,
            hash,
            roles,
            made_by,
            created_at,
            expires_at,
            used_by,
            used_at,
            revoked_at,
        };
        let answer = Invite::from(&record);
        changes.push(Change::Put(Entry::Invite(record)));
        Ok((changes, answer))
    }

    /// Takes an invitation back; one that was taken back already stays as it is.
    pub(super) fn plan_invite_revocation(&self, id: InviteId, now: Timestamp) -> Planned<Invite> {
        let unknown = StoreError::Invite(InviteRefusal::Unknown);
        let mut invite = self.invites.get(&id).cloned().ok_or(unknown)?;
        if invite.used_by.is_some() {
            return Err(StoreError::Invite(InviteRefusal::Used));
        }
        if invite.revoked_at.is_some() {
            return Ok((Vec::new(), Invite::from(&invite)));
        }
        invite.revoked_at = Some(now);
        let answer = Invite::from(&invite);
        Ok((vec![Change::Put(Entry::Invite(invite))], answer))
    }

    /// Uses an invitation up and makes the node a member, both or neither. An id that is a member's is refused:
    /// a guest must not get a certificate in its name.
    pub(super) fn plan_admission(
        &self,
        hash: &Hex32,
        node: NodeId,
        mut profile: Profile,
        now: Timestamp,
        index: u64,
    ) -> Planned<Admission> {
        let refused = StoreError::Invite;
        let found = self.invite_by_hash(hash).ok_or(refused(InviteRefusal::Unknown))?;
        found.check(now).map_err(refused)?;
        let roles = found.grant(profile.roles).map_err(refused)?;
        if self.directory.members.of(node).is_some() {
            return Err(refused(InviteRefusal::Member(node)));
        }
        profile.roles = roles;
        let join = weir_cluster::Command::Member(MemberChange::Join { id: node, profile });
        let (mut changes, _) = self.plan_cluster(&join, index)?;
        let used = InviteRecord { used_by: Some(node), used_at: Some(now), ..found.clone() };
        let invite = used.id;
        changes.push(Change::Put(Entry::Invite(used)));
        Ok((changes, Admission { invite, roles }))
    }

    fn invite_by_hash(&self, hash: &Hex32) -> Option<&InviteRecord> {
        self.invites.values().find(|invite| invite.hash == *hash)
    }
}
