//! The cluster as its operators see it: nodes, links, leases, placements, replicas.

use crate::lease::{ActorId, Epoch, Incarnation};
use crate::role::Roles;
use crate::{ChannelName, NodeId, Timestamp};

mod change;
mod status;

pub use change::{Invite, InviteInfo, InvitedNode, MoveActor, NodeChange, NodeChanged};
pub use status::{
    CheckReport, ClusterFinding, ClusterStatus, NodeDetail, Quorum, RaftInfo, RaftPeer, RaftRole,
    VersionCount,
};

/// How the cluster regards a node.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Admitted, not yet started.
    Joining,
    /// Heard from in time.
    Up,
    /// Not heard from for a while; keeps what it has, gets nothing new.
    Suspect,
    /// Given up: others may take over what it had. It comes back as a newer incarnation.
    Fenced,
    /// Not a member any more; its certificate is refused.
    Removed,
}

impl NodeState {
    /// The word used in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Fenced => "fenced",
            Self::Removed => "removed",
        }
    }
}

/// What operators want of a node; outlives restarts and fencing.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Takes whatever it is given.
    #[default]
    Serving,
    /// Keeps what it has and gets nothing new.
    Cordoned,
    /// Cordoned, and what it has is moved away.
    Draining,
}

impl Duty {
    /// The word used in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Cordoned => "cordoned",
            Self::Draining => "draining",
        }
    }
}

/// How busy a node is. Sent with its heartbeats, never through the log. Shares are in thousandths.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(default)]
pub struct NodeLoad {
    /// Processor in use, of all its cores.
    pub cpu: u16,
    /// Memory in use, of what it may use.
    pub memory: u16,
    /// Network sent, of what its line carries; 0 when nobody told the line's rate.
    pub network: u16,
    /// Media received, bits per second.
    pub ingest_bitrate: u64,
    /// Media sent, bits per second.
    pub egress_bitrate: u64,
    /// Streams it owns.
    pub streams: u32,
    /// Publishers connected to it.
    pub publishers: u32,
    /// Viewings it serves.
    pub viewers: u32,
    /// Bytes free on the disk of its data directory; 0 when it did not say.
    pub disk_free: u64,
    /// Less is free than it keeps: as leader it makes no change that people ask for.
    pub disk_low: bool,
}

/// A node in a list (`GET /v1/nodes`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ClusterNode {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// How the cluster regards it.
    pub state: NodeState,
    /// What operators want of it.
    pub duty: Duty,
    /// What it is there for.
    pub roles: Roles,
    /// Whether it votes on the directory.
    pub voter: bool,
    /// Whether it leads the voters.
    pub leader: bool,
    /// Its failure domain, when it has a label.
    pub zone: Option<String>,
    /// Where other nodes reach it, `host:port`.
    pub link: String,
    /// Where publishers reach it.
    pub publish_urls: Vec<String>,
    /// Where viewers reach it.
    pub watch_urls: Vec<String>,
    /// Program version.
    pub version: String,
    /// Its newest start.
    pub incarnation: Incarnation,
    /// Time since the leader heard from it, milliseconds; none when it never did.
    pub heard_ms: Option<u64>,
    /// Its clock minus the asked node's, milliseconds; none when not measured.
    pub clock_skew_ms: Option<i64>,
    /// Actors it owns.
    pub leases: u64,
    /// How busy it is; none when it did not say lately.
    pub load: Option<NodeLoad>,
    /// Entries of the log that it is behind the leader; none when the asked node does not know.
    pub lag: Option<u64>,
    /// Links of the asked node to it that work.
    pub links_up: u32,
    /// Links of the asked node to it that do not.
    pub links_down: u32,
}

/// State of the connection between two nodes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// In use.
    Up,
    /// Being made.
    Connecting,
    /// Gone; tried again later.
    Down,
}

impl LinkState {
    /// The word used in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Connecting => "connecting",
            Self::Down => "down",
        }
    }
}

/// A link as the node at its near end sees it (`GET /v1/links`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LinkInfo {
    /// The near end.
    pub from: NodeId,
    /// Its name.
    #[serde(default)]
    pub from_name: String,
    /// The far end.
    pub to: NodeId,
    /// Its name.
    #[serde(default)]
    pub to_name: String,
    /// Where the far end is reached.
    pub remote: String,
    /// `control` or `media`.
    pub lane: String,
    /// Its state.
    pub state: LinkState,
    /// When that state began.
    pub since: Timestamp,
    /// Round trip, microseconds.
    pub rtt_us: u64,
    /// Packets lost, in a million.
    pub loss_ppm: u32,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Streams open on it.
    pub streams: u32,
    /// How far what the near end copies from the far end is behind, milliseconds; none where it copies nothing.
    pub lag_ms: Option<u64>,
    /// Protocol version that both ends agreed on.
    pub protocol: u32,
    /// Why it went down the last time.
    pub last_error: Option<String>,
}

/// A lease in a list (`GET /v1/actors`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LeaseInfo {
    /// The actor.
    pub actor: ActorId,
    /// Its owner; none after its node was fenced and before somebody took over.
    pub node: Option<NodeId>,
    /// The owner's name, or its id when it has left.
    pub node_name: String,
    /// The newest epoch.
    pub epoch: Epoch,
    /// Which start of the owner; none without an owner.
    pub incarnation: Option<Incarnation>,
    /// When it was claimed or lost.
    pub since: Timestamp,
}

/// One reason for a node's score.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ScorePart {
    /// `load`, `locality`, `spread`, `hash`.
    pub name: String,
    /// What it adds.
    pub points: i64,
    /// Why, in plain words.
    pub text: String,
}

/// A node's score for one actor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NodeScore {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Sum of the parts.
    pub points: i64,
    /// What the sum is made of.
    pub parts: Vec<ScorePart>,
    /// Why it cannot have the actor; none when it can.
    pub barred: Option<String>,
}

/// Why an actor is where it is, or would be (`weir actor explain`, `weir stream explain`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PlacementInfo {
    /// The actor.
    pub actor: ActorId,
    /// Where it runs now.
    pub current: Option<NodeId>,
    /// Where it would be placed now; none for a stream that nobody publishes.
    pub chosen: Option<NodeId>,
    /// The rule that decided, in a sentence.
    pub rule: String,
    /// Every node, best first, those that cannot have it last; empty for a stream that nobody publishes.
    pub scores: Vec<NodeScore>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PlannedMove {
    /// The actor.
    pub actor: ActorId,
    /// The epoch that the take-over names.
    pub epoch: Epoch,
    /// Where it runs.
    pub from: NodeId,
    /// That node's name, or its id when it has left. Empty from a node that tells none.
    #[serde(default)]
    pub from_name: String,
    /// Where it goes; none when no node can have it now.
    pub to: Option<NodeId>,
    /// That node's name.
    #[serde(default)]
    pub to_name: Option<String>,
    /// Points won; none when it has to leave whatever that costs.
    pub gain: Option<i64>,
    /// Why, in a sentence.
    pub reason: String,
}

impl PlannedMove {
    /// Where it runs, in a word for people.
    #[must_use]
    pub fn from_text(&self) -> String {
        if self.from_name.is_empty() { self.from.to_string() } else { self.from_name.clone() }
    }

    /// Where it goes, in a word for people; empty when no node can have it now.
    #[must_use]
    pub fn to_text(&self) -> String {
        let id = || self.to.map(|to| to.to_string());
        self.to_name.clone().or_else(id).unwrap_or_default()
    }
}

/// What `rebalance` or `drain` would do, in the order of doing (`POST /v1/cluster/rebalance`).
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct MovePlan {
    /// The steps.
    pub moves: Vec<PlannedMove>,
    /// Actors that were looked at and stay.
    pub staying: u64,
    /// Whether there is more to do than one plan may hold.
    pub truncated: bool,
    /// What was planned and could not be done; the others were. Absent when there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedMove>,
}

/// A step that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct RefusedMove {
    /// The actor, which stays.
    pub actor: ActorId,
    /// Why, in a sentence.
    pub reason: String,
}

/// Why a node holds a stream's window.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaRole {
    /// The stream is made there.
    Origin,
    /// Its viewers ask for it.
    Edge,
    /// So that the window survives, with or without viewers.
    Replica,
}

impl ReplicaRole {
    /// The word used in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Edge => "edge",
            Self::Replica => "replica",
        }
    }
}

/// A copy of a stream's window (`GET /v1/replicas`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ReplicaInfo {
    /// The stream.
    pub channel: ChannelName,
    /// Where the copy is.
    pub node: NodeId,
    /// The name of that node.
    #[serde(default)]
    pub node_name: String,
    /// Why it is there.
    pub role: ReplicaRole,
    /// Where it is pulled from; none at the origin.
    pub from: Option<NodeId>,
    /// The name of that node.
    #[serde(default)]
    pub from_name: Option<String>,
    /// Nodes between the publisher's and this one.
    pub hops: Vec<NodeId>,
    /// How far its newest part is behind the origin's, milliseconds; none before anything came.
    pub lag_ms: Option<u64>,
    /// Number of its newest segment.
    pub msn: Option<u64>,
    /// Viewings of this stream there.
    pub viewers: u64,
}
