//! A stream's tree as its owner keeps it: who asked lately, from whom they could not pull, and the plan in force.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::NodeId;

use super::{Demand, Plan, Site, plan};

/// Who has not asked for so long, and is not fed by the owner, is gone, milliseconds: three of the times at which
/// nodes that pull from others ask again.
pub const FORGET_MS: u64 = 15_000;
/// From whom a node could not pull it is not sent to again for so long, milliseconds: a node that was away for a
/// moment is back by then.
pub const AVOID_MS: u64 = 30_000;

/// What a tree grows from.
#[derive(Debug, Clone, Copy)]
pub struct Root<'a> {
    /// The stream's key.
    pub stream: &'a str,
    /// Its owner.
    pub owner: NodeId,
    /// Nodes that may take part, the owner among them.
    pub sites: &'a [Site],
}

/// A node asks from whom it is to pull.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// From whom it could not.
    pub avoid: BTreeSet<NodeId>,
    /// Nodes that the owner feeds at this moment.
    pub fed: BTreeSet<NodeId>,
}

/// What the owner remembers of one stream. At most one entry for each node of the cluster.
#[derive(Debug, Default)]
pub struct Branches {
    asked: BTreeMap<NodeId, Asked>,
    plan: Plan,
}

#[derive(Debug, Default)]
struct Asked {
    at_ms: u64,
    /// Since then it has not said whom it avoids.
    said_ms: u64,
    avoid: BTreeSet<NodeId>,
}

impl Asked {
    fn avoids(&self, now_ms: u64) -> BTreeSet<NodeId> {
        let said = now_ms.saturating_sub(self.said_ms) < AVOID_MS;
        if said { self.avoid.clone() } else { BTreeSet::new() }
    }
}

impl Branches {
    /// From whom `node` is to pull: the owner, or another node that pulls the stream. `now_ms` never goes back.
    pub fn place(&mut self, root: Root<'_>, node: NodeId, asking: Asking, now_ms: u64) -> NodeId {
        for fed in asking.fed {
            self.asked.entry(fed).or_default().at_ms = now_ms;
        }
        self.asked.insert(node, Asked { at_ms: now_ms, said_ms: now_ms, avoid: asking.avoid });
        self.asked.retain(|_, asked| now_ms.saturating_sub(asked.at_ms) < FORGET_MS);
        let demand = Demand {
            stream: root.stream.to_owned(),
            origins: BTreeSet::from([root.owner]),
            edges: self.asked.keys().copied().collect(),
            copies: 0,
            avoid: self.asked.iter().map(|(id, one)| (*id, one.avoids(now_ms))).collect(),
        };
        self.plan = plan(root.sites, &demand, &self.plan);
        // Who is no site of the directory here, yet, has nobody else.
        self.plan.pulls.get(&node).map_or(root.owner, |pull| pull.from)
    }

    /// A node pulls the stream no more; whether it did.
    pub fn leave(&mut self, node: NodeId) -> bool {
        self.plan.pulls.remove(&node);
        self.asked.remove(&node).is_some()
    }

    /// The plan in force.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::replication::admit;

    const OWNER: NodeId = NodeId(0);

    fn sites(count: u64, fan_out: u32) -> Vec<Site> {
        let site = |id| Site { id: NodeId(id), zone: None, fan_out, relays: true };
        (0..count).map(site).collect()
    }

    fn asks(branches: &mut Branches, sites: &[Site], node: u64, avoid: &[u64], now_ms: u64) -> u64 {
        let root = Root { stream: "demo", owner: OWNER, sites };
        let avoid = avoid.iter().copied().map(NodeId).collect();
        // As long as they follow the plan.
        let fed = branches.plan().children(OWNER).collect();
        branches.place(root, NodeId(node), Asking { avoid, fed }, now_ms).0
    }

    #[test]
    fn up_to_the_fan_out_everybody_is_fed_by_the_owner_and_the_next_one_by_one_of_them() {
        let (sites, mut branches) = (sites(8, 3), Branches::default());
        let first: Vec<u64> = (1..=3).map(|id| asks(&mut branches, &sites, id, &[], 0)).collect();
        assert_eq!(first, [0, 0, 0]);
        let relay = asks(&mut branches, &sites, 4, &[], 0);
        assert!((1..=3).contains(&relay), "{relay}");
        assert_eq!(asks(&mut branches, &sites, 4, &[], 1), relay, "asked again");
    }

    #[test]
    fn who_cannot_pull_from_a_node_gets_another_one_and_in_the_end_the_owner() {
        let (sites, mut branches) = (sites(8, 2), Branches::default());
        for id in [1, 2] {
            asks(&mut branches, &sites, id, &[], 0);
        }
        let first = asks(&mut branches, &sites, 3, &[], 0);
        let second = asks(&mut branches, &sites, 3, &[first], 0);
        assert_eq!([first.min(second), first.max(second)], [1, 2]);
        assert_eq!(asks(&mut branches, &sites, 3, &[1, 2], 0), 0);
        assert_eq!(branches.plan().over_budget.len(), 1, "and that is said");
    }

    #[test]
    fn nobody_else_is_sent_where_somebody_could_not_pull_until_that_is_long_ago() {
        let (sites, mut branches) = (sites(8, 2), Branches::default());
        for id in [1, 2] {
            asks(&mut branches, &sites, id, &[], 0);
        }
        let dead = asks(&mut branches, &sites, 3, &[], 0);
        let other = asks(&mut branches, &sites, 3, &[dead], 0);
        assert_eq!(asks(&mut branches, &sites, 4, &[], 0), other);
        assert_eq!(asks(&mut branches, &sites, 5, &[], AVOID_MS), dead);
    }

    #[test]
    fn who_left_or_was_not_heard_for_long_makes_room() {
        let (sites, mut branches) = (sites(8, 2), Branches::default());
        for id in [1, 2] {
            asks(&mut branches, &sites, id, &[], 0);
        }
        assert!(branches.leave(NodeId(1)));
        assert!(!branches.leave(NodeId(1)));
        assert_eq!(asks(&mut branches, &sites, 3, &[], 1), 0);
        assert_ne!(asks(&mut branches, &sites, 4, &[], 1), 0);
        asks(&mut branches, &sites, 5, &[], FORGET_MS);
        assert!(branches.plan().pulls.contains_key(&NodeId(4)));
        asks(&mut branches, &sites, 5, &[], FORGET_MS + 1);
        assert!(!branches.plan().pulls.contains_key(&NodeId(4)), "{:?}", branches.plan());
        assert_eq!(branches.plan().children(OWNER).count(), 2, "whom the owner feeds is there");
    }

    proptest! {
        #[test]
        fn whatever_they_ask_nobody_is_sent_round_in_a_circle_or_where_they_could_not_pull(
            fan_out in 1u32..4,
            asked in prop::collection::vec((1u64..12, prop::collection::vec(1u64..12, 0..4), 0u64..4_000), 1..60)
        ) {
            let (sites, mut branches, mut now_ms) = (sites(12, fan_out), Branches::default(), 0);
            for (node, avoid, passed_ms) in asked {
                now_ms += passed_ms;
                let parent = asks(&mut branches, &sites, node, &avoid, now_ms);
                prop_assert!(!avoid.contains(&parent));
                for (child, pull) in &branches.plan().pulls {
                    prop_assert_eq!(admit(*child, &pull.hops), Ok(()));
                }
                if branches.plan().over_budget.is_empty() {
                    prop_assert_eq!(asks(&mut branches, &sites, node, &avoid, now_ms), parent);
                }
            }
        }
    }
}
