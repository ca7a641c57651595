//! Invitations as the store's callers see them: without the hash of their secret.

use weir_model::{AccountId, InviteId, NodeId, Role, Roles, Timestamp};

use super::record::InviteRecord;

/// An invitation of a machine into the cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Invite {
    /// Its public name.
    pub id: InviteId,
    /// What the newcomer may be there for.
    pub roles: Roles,
    /// Who made it.
    pub made_by: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to be good.
    pub expires_at: Timestamp,
    /// The node that used it; it is good once.
    pub used_by: Option<NodeId>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// A node became a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Admission {
    /// By this invitation.
    pub invite: InviteId,
    /// With these roles.
    pub roles: Roles,
}

/// Why an invitation does not admit a node.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum InviteRefusal {
    /// No invitation has this secret or this id.
    #[error("no such invitation; make a new one with `weir node invite`")]
    Unknown,
    /// It is too old.
    #[error("the invitation expired at {0}; make a new one with `weir node invite`")]
    Expired(Timestamp),
    /// Somebody joined with it.
    #[error("the invitation was used already; make a new one with `weir node invite`")]
    Used,
    /// An operator took it back.
    #[error("the invitation was taken back; ask the operator who gave it for a new one")]
    Revoked,
    /// It is not for this role.
    #[error("the invitation is not for the role `{0}`; invite with `--roles`, or ask for fewer")]
    Role(Role),
    /// The newcomer has the id of a member.
    #[error(
        "{0} is a member of the cluster already; to join as a new node, empty its data directory first"
    )]
    Member(NodeId),
}

impl From<&InviteRecord> for Invite {
    fn from(record: &InviteRecord) -> Self {
        Self {
            id: record.id,
            roles: record.roles,
            made_by: record.made_by,
            created_at: record.created_at,
            expires_at: record.expires_at,
            used_by: record.used_by,
            used_at: record.used_at,
            revoked_at: record.revoked_at,
        }
    }
}
