//! Consensus as its operators see it.

use std::sync::atomic::Ordering;

use openraft::{EmptyNode, RaftMetrics, ServerState};
use weir_model::NodeId;

use super::log::LogFigures;
use super::membership;
use super::propose::Figures;

/// What a node is in consensus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
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

/// Another node as the leader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which.
    pub node: NodeId,
    /// Entries it is behind; none when it never answered.
    pub lag: Option<u64>,
}

/// Consensus on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// This node.
    pub node: NodeId,
    /// What it is.
    pub part: Part,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// Rises with each election.
    pub term: u64,
    /// Index of its newest entry.
    pub last_log: Option<u64>,
    /// Index of the newest entry that was made.
    pub applied: Option<u64>,
    /// Index of the newest entry in its snapshot.
    pub snapshot: Option<u64>,
    /// Index of the newest entry that is no longer in its log.
    pub purged: Option<u64>,
    /// Milliseconds since a quorum answered, on the leader.
    pub quorum_age_ms: Option<u64>,
    /// Nodes that vote.
    pub voters: Vec<NodeId>,
    /// Nodes that only learn.
    pub learners: Vec<NodeId>,
    /// The other nodes, on the leader.
    pub peers: Vec<PeerStatus>,
    /// The log's figures.
    pub log: LogFigures,
    /// Changes that wait here.
    pub waiting: u64,
    /// Changes that were answered here.
    pub answered: u64,
    /// Attempts that were repeated.
    pub retried: u64,
    /// Changes whose callers gave up.
    pub given_up: u64,
    /// Why consensus stopped.
    pub failed: Option<String>,
}

impl Status {
    pub(super) fn of(
        metrics: &RaftMetrics<u64, EmptyNode>,
        log: LogFigures,
        figures: &Figures,
    ) -> Self {
        let voters: Vec<u64> = metrics.membership_config.voter_ids().collect();
        let nodes = metrics.membership_config.nodes().map(|(id, _)| *id);
        let learners = nodes.filter(|id| !voters.contains(id)).map(NodeId).collect();
        let peers = metrics.replication.iter().flat_map(|all| all.keys());
        let peers = peers.filter(|id| **id != metrics.id);
        let peers =
            peers.map(|id| PeerStatus { node: NodeId(*id), lag: membership::lag(metrics, *id) });
        let read = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
        let failed = metrics.running_state.as_ref().err();
        Self {
            node: NodeId(metrics.id),
            part: part(metrics),
            leader: metrics.current_leader.map(NodeId),
            term: metrics.current_term,
            last_log: metrics.last_log_index,
            applied: metrics.last_applied.map(|id| id.index),
            snapshot: metrics.snapshot.map(|id| id.index),
            purged: metrics.purged.map(|id| id.index),
            quorum_age_ms: metrics.millis_since_quorum_ack,
            peers: peers.collect(),
            voters: voters.into_iter().map(NodeId).collect(),
            learners,
            log,
            waiting: read(&figures.waiting),
            answered: read(&figures.answered),
            retried: read(&figures.retried),
            given_up: read(&figures.given_up),
            failed: failed.map(ToString::to_string),
        }
    }
}

fn part(metrics: &RaftMetrics<u64, EmptyNode>) -> Part {
    if metrics.running_state.is_err() {
        return Part::Stopped;
    }
    match metrics.state {
        ServerState::Leader => Part::Leader,
        ServerState::Follower => Part::Follower,
        ServerState::Candidate => Part::Candidate,
        ServerState::Learner => Part::Learner,
        ServerState::Shutdown => Part::Stopped,
    }
}
