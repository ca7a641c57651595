//! What operators ask of a cluster, and what came of it.

use super::MovePlan;
use crate::{NodeId, Roles, Timestamp};

/// A change of one node (`POST /v1/nodes/{id}/…`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NodeChange {
    /// It keeps what it has and gets nothing new.
    Cordon,
    /// It takes whatever it is given again; ends a drain too.
    Uncordon,
    /// It is cordoned, and what it has is moved away.
    Drain,
    /// It votes.
    Promote,
    /// It votes no more.
    Demote,
    /// It leaves for ever; its certificate is refused.
    Remove,
    /// It is given up at once although the leader would wait: others may take over what it owned. For an operator
    /// who is sure that it is dead.
    Fence,
}

impl NodeChange {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Cordon,
        Self::Uncordon,
        Self::Drain,
        Self::Promote,
        Self::Demote,
        Self::Remove,
        Self::Fence,
    ];

    /// The word used in URLs and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Drain => "drain",
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Remove => "remove",
            Self::Fence => "fence",
        }
    }

    /// What was done, for sentences and kinds of events. A drain only begins with the order.
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Self::Cordon => "cordoned",
            Self::Uncordon => "uncordoned",
            Self::Drain => "draining",
            Self::Promote => "promoted",
            Self::Demote => "demoted",
            Self::Remove => "removed",
            Self::Fence => "fenced",
        }
    }
}

/// What a change of a node did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NodeChanged {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// What it is there for; empty from a version that does not say.
    #[serde(default)]
    pub roles: Roles,
    /// What was asked.
    pub change: NodeChange,
    /// False when it was so already.
    pub changed: bool,
    /// What moves away because of it, in the order of moving.
    pub plan: MovePlan,
}

/// `POST /v1/nodes/invites`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// What the new node may be there for; a word that is no role is refused.
    pub roles: Vec<crate::Role>,
    /// How long the invitation is good, seconds; an hour when absent.
    #[serde(default)]
    pub ttl_secs: Option<u64>,
}

/// An invitation, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct InviteInfo {
    /// Its public name.
    pub id: String,
    /// What the new node may be there for.
    pub roles: Roles,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to be good.
    pub expires_at: Timestamp,
    /// The node that used it; it is good once.
    pub used_by: Option<NodeId>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl InviteInfo {
    /// Whether it is still good, in one word: `open`, `used`, `revoked`, `expired`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.used_by, self.revoked_at) {
            (Some(_), _) => "used",
            (None, Some(_)) => "revoked",
            (None, None) if self.expires_at <= now => "expired",
            (None, None) => "open",
        }
    }
}

/// The only answer that ever holds an invitation's secret.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct InvitedNode {
    /// The token, shown this once; empty after a dry run.
    pub token: String,
    /// Where the new node connects to, `host:port`.
    pub join: String,
    /// What to type on the new machine once the token is in the file that it names.
    pub command: String,
    /// The invitation.
    #[serde(flatten)]
    pub info: InviteInfo,
}

/// `POST /v1/actors/{kind}/{key}/move`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct MoveActor {
    /// The node's name or id; the best place when absent.
    #[serde(default)]
    pub to: Option<String>,
}
