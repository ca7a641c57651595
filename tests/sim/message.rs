//! What nodes of a simulated cluster say to each other, and what stands in their log.

use std::sync::Arc;

use weir_cluster::liveness::{Beat, Heard};
use weir_cluster::{Applied, Command, Refusal};
use weir_model::cluster::NodeLoad;
use weir_model::{ActorId, Epoch, Incarnation, NodeId};

/// Numbers a proposal; the same one sent twice is made once.
pub(super) type RequestId = (NodeId, Incarnation, u64);

/// What a proposal did.
pub(super) type Outcome = Result<Applied, Refusal>;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) term: u64,
    /// None for the entry with which a leader begins.
    pub(super) request: Option<(RequestId, Command)>,
}

#[derive(Debug, Clone)]
pub(super) enum Message {
    Append(Append),
    Appended { term: u64, round: u64, fits: bool, len: u64 },
    AskVote { term: u64, last: (u64, u64) },
    Voted { term: u64, yes: bool },
    Operate(Command),
    Propose { id: RequestId, command: Command },
    Done { id: RequestId, index: u64, outcome: Outcome },
    Beat { beat: Beat, load: NodeLoad },
    Answer { beat: Beat, heard: Heard },
    Start(ActorId),
    Move { actor: ActorId, epoch: Epoch, from: NodeId },
    HandOver { actor: ActorId, epoch: Epoch },
    Handed { actor: ActorId, epoch: Epoch },
    SendAway { stream: ActorId, to: Option<NodeId> },
    Publish { stream: ActorId, connection: u64 },
    Gone { stream: ActorId, connection: u64 },
    Say { actor: ActorId, believed: Epoch, hops: u8 },
    Want { stream: ActorId },
    Place { stream: ActorId, epoch: Epoch, from: NodeId, hops: Vec<NodeId> },
    Subscribe { stream: ActorId, distance: Option<usize> },
    Segment { stream: ActorId, epoch: Epoch, number: u64, hops: Vec<NodeId> },
}

/// A leader's round: its entries from `prev` on, as far as the receiver is thought to lack them.
#[derive(Debug, Clone)]
pub(super) struct Append {
    pub(super) term: u64,
    pub(super) round: u64,
    /// Index and term of the entry before the first of `entries`.
    pub(super) prev: (u64, u64),
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) commit: u64,
}
