//! How the cluster as a whole is: what one node sees of members and agreement, and what is wrong with it.

use super::{ClusterNode, LeaseInfo, LinkInfo};
use crate::stream::HealthLevel;
use crate::{NodeId, Timestamp};

/// What a node is in the agreement on the directory.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RaftRole {
    /// Orders all changes.
    Leader,
    /// Votes and follows.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Follows without a vote.
    Learner,
    /// Takes part no longer.
    Stopped,
}

impl RaftRole {
    /// The word used in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Learner => "learner",
            Self::Stopped => "stopped",
        }
    }
}

/// A node in the agreement, as the asked node sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct RaftPeer {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// What it is, as far as the asked node can tell.
    pub role: RaftRole,
    /// Whether it votes.
    pub voter: bool,
    /// Index of the newest entry that it has; only the leader knows.
    pub matched: Option<u64>,
    /// Entries it is behind the leader; only the leader knows.
    pub lag: Option<u64>,
}

/// The agreement on the directory, as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct RaftInfo {
    /// That node.
    pub node: NodeId,
    /// What it is.
    pub role: RaftRole,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The leader's name.
    pub leader_name: Option<String>,
    /// Rises with each election.
    pub term: u64,
    /// Index of its newest entry.
    pub last_log: u64,
    /// Index of the newest entry that it made.
    pub applied: u64,
    /// Index of the newest entry in its snapshot; none before the first one.
    pub snapshot: Option<u64>,
    /// Time since most voters answered the leader, milliseconds; only the leader knows.
    pub quorum_age_ms: Option<u64>,
    /// Voters first, then those that only follow; each by name.
    pub peers: Vec<RaftPeer>,
}

/// Whether the voters can agree on anything.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
pub struct Quorum {
    /// Voters there are.
    pub voters: u64,
    /// How many of them must agree.
    pub needed: u64,
    /// How many of them are heard from.
    pub up: u64,
}

impl Quorum {
    /// Whether enough voters are there.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.up >= self.needed && self.voters > 0
    }
}

/// Nodes that run one version.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct VersionCount {
    /// The program's version.
    pub version: String,
    /// How many nodes run it.
    pub nodes: u64,
}

/// Something that an operator should know of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ClusterFinding {
    /// Stable word for scripts, e.g. `quorum_lost`.
    pub code: String,
    /// How bad.
    pub level: HealthLevel,
    /// The node it is about.
    pub node: Option<NodeId>,
    /// What is the case, in a sentence.
    pub text: String,
    /// What to do, in a sentence; empty when nothing is to be done.
    pub advice: String,
}

/// What is wrong, for monitoring (`GET /v1/cluster/check`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct CheckReport {
    /// The worst of the findings; `ok` without any.
    pub level: HealthLevel,
    /// What is wrong, the worst first.
    pub findings: Vec<ClusterFinding>,
}

impl CheckReport {
    /// The report on these findings.
    #[must_use]
    pub fn of(mut findings: Vec<ClusterFinding>) -> Self {
        findings.sort_by_key(|one| std::cmp::Reverse(one.level));
        let level = findings.first().map_or(HealthLevel::Ok, |one| one.level);
        Self { level, findings }
    }
}

/// The cluster as one of its nodes sees it (`GET /v1/cluster`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ClusterStatus {
    /// The asked node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its clock.
    pub now: Timestamp,
    /// Whether the voters can agree.
    pub quorum: Quorum,
    /// The agreement.
    pub raft: RaftInfo,
    /// Versions that run, most nodes first.
    pub versions: Vec<VersionCount>,
    /// The clock that is furthest from the asked node's, milliseconds; none when none was measured.
    pub clock_skew_ms: Option<i64>,
    /// Leases held.
    pub leases: u64,
    /// Actors that lost their node and wait for another.
    pub vacant: u64,
    /// All members, by name.
    pub members: Vec<ClusterNode>,
    /// What is wrong, the worst first.
    pub warnings: Vec<ClusterFinding>,
}

/// One node with what it has (`GET /v1/nodes/{id}`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NodeDetail {
    /// The node.
    #[serde(flatten)]
    pub node: ClusterNode,
    /// What it owns.
    pub actors: Vec<LeaseInfo>,
    /// Links of the asked node to it.
    pub links: Vec<LinkInfo>,
}
