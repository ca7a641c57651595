//! When nodes were given up, for a leader that begins.

use std::collections::{BTreeSet, VecDeque};

use weir_model::cluster::NodeState;
use weir_model::{Incarnation, NodeId};

use super::BRAKE_WINDOW_MS;
use crate::limits::NODES_MAX;
use crate::members::{Members, WhyFenced};

/// What a node has seen of fencings lately: the brake counts on where the leader before stopped. Who stopped by itself
/// does not count, nor whom an operator gave up.
#[derive(Debug, Clone, Default)]
pub struct Fencings {
    /// None before the first look: since when somebody was given up then is not known.
    seen: Option<BTreeSet<(NodeId, Incarnation)>>,
    at: VecDeque<u64>,
}

impl Fencings {
    /// Looks at the members after a change of them was applied at `now_ms` of the monotonic clock.
    pub fn look(&mut self, members: &Members, now_ms: u64) {
        let fallen = members.iter().filter(|member| {
            member.state == NodeState::Fenced && member.fenced == WhyFenced::Silence
        });
        let fallen = fallen.map(|member| (member.id, member.incarnation)).collect::<BTreeSet<_>>();
        for _ in self.seen.iter().flat_map(|seen| fallen.difference(seen)) {
            self.at.push_back(now_ms);
        }
        self.seen = Some(fallen);
        self.at.retain(|at| now_ms.saturating_sub(*at) < BRAKE_WINDOW_MS);
        let excess = self.at.len().saturating_sub(NODES_MAX);
        self.at.drain(..excess);
    }

    /// When, oldest first; [`Watch::take_office`](super::Watch::take_office) drops what is too old.
    pub fn times(&self) -> impl Iterator<Item = u64> + '_ {
        self.at.iter().copied()
    }
}
