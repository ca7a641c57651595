//! How busy the nodes are, as they said with their heartbeats. Soft: kept apart from the directory,
//! never in the log, gone with the process, and too old after a few missed heartbeats.

use std::collections::BTreeMap;

use weir_model::cluster::NodeLoad;
use weir_model::{Incarnation, NodeId};

use crate::limits::NODES_MAX;
use crate::liveness::TTL_MS;

/// A load that is older than this says nothing about now: the node's lease has run out by then.
pub const LOAD_FRESH_MS: u64 = TTL_MS;

/// The newest load of each node.
#[derive(Debug, Clone, Default)]
pub struct Loads {
    nodes: BTreeMap<NodeId, Heard>,
    dropped: u64,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    incarnation: Incarnation,
    seq: u64,
    at_ms: u64,
    load: NodeLoad,
}

impl Loads {
    /// Takes a heartbeat's load, received at `now_ms`. One that arrives late, from before the newest one, is passed over.
    pub fn report(
        &mut self,
        node: NodeId,
        incarnation: Incarnation,
        seq: u64,
        load: NodeLoad,
        now_ms: u64,
    ) {
        let known = self.nodes.get(&node);
        if known.is_some_and(|old| (old.incarnation, old.seq) >= (incarnation, seq)) {
            return;
        }
        if known.is_none() && self.nodes.len() >= NODES_MAX {
            self.dropped += 1;
            return;
        }
        self.nodes.insert(node, Heard { incarnation, seq, at_ms: now_ms, load });
    }

    /// A node's load, unless it is too old.
    #[must_use]
    pub fn of(&self, node: NodeId, now_ms: u64) -> Option<NodeLoad> {
        let heard = self.nodes.get(&node)?;
        (now_ms.saturating_sub(heard.at_ms) <= LOAD_FRESH_MS).then_some(heard.load)
    }

    /// Forgets a node that was removed.
    pub fn forget(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    /// Reports that found no room; zero in a cluster within its limits.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(cpu: u16) -> NodeLoad {
        NodeLoad { cpu, ..NodeLoad::default() }
    }

    #[test]
    fn a_heartbeat_that_was_overtaken_does_not_bring_old_load_back() {
        let mut loads = Loads::default();
        let node = NodeId(1);
        loads.report(node, Incarnation(1), 5, cpu(500), 100);
        loads.report(node, Incarnation(1), 4, cpu(400), 110);
        assert_eq!(loads.of(node, 120), Some(cpu(500)));
        loads.report(node, Incarnation(2), 1, cpu(100), 130);
        assert_eq!(loads.of(node, 140), Some(cpu(100)));
    }

    #[test]
    fn a_load_that_nobody_renews_is_unknown_and_nodes_beyond_the_limit_are_counted() {
        let mut loads = Loads::default();
        for id in 0..=NODES_MAX as u64 {
            loads.report(NodeId(id), Incarnation(1), 1, cpu(1), 0);
        }
        assert_eq!(loads.dropped(), 1);
        assert_eq!(loads.of(NodeId(0), LOAD_FRESH_MS + 1), None);
        loads.forget(NodeId(0));
        assert_eq!(loads.of(NodeId(0), 0), None);
    }
}
