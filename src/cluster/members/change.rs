//! What can happen to the members, as it stands in the log, and why some of it is refused.

use weir_model::cluster::Duty;
use weir_model::{Incarnation, NodeId};

use super::Profile;

/// Why a node is given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyFenced {
    /// Its leader did not hear from it for too long.
    #[default]
    Silence,
    /// It stops, and said so.
    Leave,
    /// An operator is sure that it is dead.
    Operator,
}

impl WhyFenced {
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) const fn is_silence(&self) -> bool {
        matches!(self, Self::Silence)
    }
}

/// A change of the members, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Change {
    /// A node showed a valid invitation.
    Join {
        /// The node.
        id: NodeId,
        /// What it said of itself.
        profile: Profile,
    },
    /// A member started, or came back after it had been fenced. All older incarnations of it are fenced by this.
    Start {
        /// The node.
        id: NodeId,
        /// This start.
        incarnation: Incarnation,
        /// What it said of itself.
        profile: Profile,
    },
    /// The leader has not heard from it for a while.
    Suspect {
        /// The node.
        id: NodeId,
        /// The start that fell silent.
        incarnation: Incarnation,
    },
    /// The leader heard from it again before it was given up.
    Recover {
        /// The node.
        id: NodeId,
        /// The start that was heard again.
        incarnation: Incarnation,
    },
    /// The leader gave it up after its lease had run out, or an operator did who is sure that it is dead: a living
    /// node learns of this only by reading the log.
    Fence {
        /// The node.
        id: NodeId,
        /// The start that is given up; a newer one is not meant.
        incarnation: Incarnation,
        /// Why.
        #[serde(default, skip_serializing_if = "WhyFenced::is_silence")]
        why: WhyFenced,
    },
    /// `weir node cordon`, `drain` and `uncordon`.
    SetDuty {
        /// The node.
        id: NodeId,
        /// What is wanted of it from now on.
        duty: Duty,
    },
    /// `weir node promote` and `demote`; follows the change of the log's own membership.
    SetVoter {
        /// The node.
        id: NodeId,
        /// Whether it votes from now on.
        voter: bool,
    },
    /// `weir node remove`.
    Remove {
        /// The node.
        id: NodeId,
    },
}

impl Change {
    /// The node it is about.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        match self {
            Self::Join { id, .. }
            | Self::Start { id, .. }
            | Self::Suspect { id, .. }
            | Self::Recover { id, .. }
            | Self::Fence { id, .. }
            | Self::SetDuty { id, .. }
            | Self::SetVoter { id, .. }
            | Self::Remove { id } => *id,
        }
    }
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// It had happened before.
    Nothing,
    /// The members are different now.
    Something,
    /// … and whatever this incarnation of the node owned has no owner any more.
    Lost(Incarnation),
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeRefusal {
    /// Not a member.
    #[error("no node of this cluster has that id; join it with an invitation first")]
    Unknown,
    /// Not a member any more.
    #[error(
        "that node was removed from the cluster; to have it back, empty its data directory and invite it again"
    )]
    Removed,
    /// There is a newer start of the same node.
    #[error(
        "a newer start of that node is known ({newest}); two processes share one data directory, or its clock went back"
    )]
    OldIncarnation {
        /// The newest start.
        newest: Incarnation,
    },
    /// It was given up.
    #[error(
        "that start of the node was given up; it has to stop what it owns and start as a newer incarnation"
    )]
    Fenced,
    /// Another node is called so.
    #[error("the name belongs to {by}; set another `name` in [node]")]
    NameTaken {
        /// Who has it.
        by: NodeId,
    },
    /// Too many or too long texts.
    #[error(
        "a node's name, addresses and labels are at most 200 characters each, 8 URLs of a kind and 16 labels"
    )]
    TooLong,
    /// [`crate::limits::NODES_MAX`] is reached.
    #[error("the cluster has as many nodes as it can have; remove one or start another cell")]
    Full,
    /// It may not vote.
    #[error("the node's certificate has no voter role; invite it again with `--roles voter,…`")]
    NoVoterRole,
    /// [`crate::limits::VOTERS_MAX`] is reached.
    #[error("there are seven voters already; demote one first")]
    TooManyVoters,
    /// Nobody would vote.
    #[error("that is the only voter; promote another node first")]
    LastVoter,
    /// It votes.
    #[error("the node votes; `weir node demote` it first")]
    StillVotes,
}
