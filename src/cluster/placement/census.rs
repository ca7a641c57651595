//! Who would be where: the leases, with the moves of a plan already made in thought.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::cluster::NodeLoad;
use weir_model::{ActorId, ActorKind, NodeId};

use super::View;

/// What a node without a known load is taken for, in thousandths.
const UNKNOWN_LOAD: i64 = 500;

/// Nodes are compared by what they report in steps of this many thousandths: a percent comes and goes, and two plans
/// made one after the other shall be the same.
const LOAD_STEP: i64 = 50;

/// What an actor adds to a node's load until the node itself reports it, in thousandths of a common machine.
pub(super) const fn cost(kind: ActorKind) -> i64 {
    match kind {
        ActorKind::Transcoder => 200,
        ActorKind::Stream | ActorKind::Puller => 10,
        ActorKind::Recorder => 5,
        ActorKind::Session | ActorKind::Room => 1,
    }
}

/// Loads and counts as they would be.
#[derive(Debug, Clone)]
pub(super) struct Census {
    /// As the nodes report it.
    load: BTreeMap<NodeId, i64>,
    /// What the moves add to it and take from it.
    planned: BTreeMap<NodeId, i64>,
    count: BTreeMap<(NodeId, ActorKind), i64>,
    /// Channels' streams, by key.
    streams: BTreeMap<String, NodeId>,
    drained: BTreeSet<NodeId>,
}

impl Census {
    /// As it is, but without one actor: a node must not be scored down by what is to be placed.
    pub(super) fn of(view: &View<'_>, without: Option<&ActorId>) -> Self {
        let directory = view.directory;
        let known = |id| view.loads.of(id, view.now_ms).map_or(UNKNOWN_LOAD, |load| share(&load));
        let load = directory.members.iter().map(|member| (member.id, known(member.id))).collect();
        let (count, streams) = (BTreeMap::new(), BTreeMap::new());
        let (planned, drained) = (BTreeMap::new(), BTreeSet::new());
        let mut census = Self { load, planned, count, streams, drained };
        for lease in directory.leases.iter() {
            *census.count.entry((lease.node, lease.actor.kind)).or_default() += 1;
            if lease.actor.kind == ActorKind::Stream {
                census.streams.insert(lease.actor.key.as_str().to_owned(), lease.node);
            }
        }
        if let Some(lease) = without.and_then(|actor| directory.leases.of(actor)) {
            census.take(&lease.actor, lease.node);
        }
        census
    }

    /// An actor leaves a node.
    pub(super) fn take(&mut self, actor: &ActorId, node: NodeId) {
        self.shift(actor.kind, node, -1);
    }

    /// An actor comes to a node.
    pub(super) fn put(&mut self, actor: &ActorId, node: NodeId) {
        self.shift(actor.kind, node, 1);
        if actor.kind == ActorKind::Stream {
            self.streams.insert(actor.key.as_str().to_owned(), node);
        }
    }

    /// From now on the node counts as being drained.
    pub(super) fn drain(&mut self, node: NodeId) {
        self.drained.insert(node);
    }

    pub(super) fn is_drained(&self, node: NodeId) -> bool {
        self.drained.contains(&node)
    }

    /// A node's load in thousandths; above 1000 when more is planned than it has.
    pub(super) fn load(&self, node: NodeId) -> i64 {
        (self.reported(node) + self.planned(node)).max(0)
    }

    /// The same, to compare nodes by.
    pub(super) fn rounded_load(&self, node: NodeId) -> i64 {
        let steps = (self.reported(node) + LOAD_STEP / 2) / LOAD_STEP;
        (steps * LOAD_STEP + self.planned(node)).max(0)
    }

    fn reported(&self, node: NodeId) -> i64 {
        self.load.get(&node).copied().unwrap_or(UNKNOWN_LOAD)
    }

    fn planned(&self, node: NodeId) -> i64 {
        self.planned.get(&node).copied().unwrap_or_default()
    }

    /// Actors of a kind on a node.
    pub(super) fn count(&self, node: NodeId, kind: ActorKind) -> i64 {
        self.count.get(&(node, kind)).copied().unwrap_or_default()
    }

    /// The node of the stream that an actor belongs to; none for a stream itself.
    pub(super) fn stream_of(&self, actor: &ActorId) -> Option<NodeId> {
        if actor.kind == ActorKind::Stream {
            return None;
        }
        self.streams.get(actor.key.channel()).copied()
    }

    fn shift(&mut self, kind: ActorKind, node: NodeId, by: i64) {
        *self.count.entry((node, kind)).or_default() += by;
        *self.planned.entry(node).or_default() += by * cost(kind);
    }
}

/// The scarcest of what a node has.
fn share(load: &NodeLoad) -> i64 {
    i64::from(load.cpu.max(load.memory).max(load.network))
}
