//! Who pulls a stream's segments from whom: a tree below the origin, made anew by the stream's owner whenever
//! somebody comes, goes or dies.
//!
//! In it are the edges whose viewers ask for the stream, and as many further nodes as are needed so that `copies`
//! nodes hold its window. While the origin has room everybody pulls from it; beyond that a tree grows, widest
//! nodes first. What fits stays: a node's place changes only when its parent goes, or is full, or gives its place
//! to a wider node. So a viewer more or less somewhere does not reconnect half of the cluster.
//!
//! The plan is advice: a node may act on an old one. Therefore each feeder sends the list of nodes that its media
//! have passed, [`admit`] refuses a circle, and [`keeps_its_pull`] settles two who ask each other. [`Branches`] is
//! what an owner remembers between two plans.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::NodeId;
use weir_model::cluster::ReplicaRole;

use crate::limits::{HOPS_MAX, REPLICAS_MAX};

mod branches;
mod copies;
mod sites;
mod tree;

pub use branches::{AVOID_MS, Asking, Branches, FORGET_MS, Root};
pub use sites::{kept_at, sites};
use tree::Tree;

/// A node that may take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The node; alive and a member.
    pub id: NodeId,
    /// Its failure domain; a node without one is its own.
    pub zone: Option<String>,
    /// Nodes that it can feed with this stream, after what it sends otherwise.
    pub fan_out: u32,
    /// Whether it may feed others and keep copies: not for one that is being drained.
    pub relays: bool,
}

/// Who needs a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// The stream's key; spreads relaying over nodes, stream by stream.
    pub stream: String,
    /// Where it is made: one node, or several that make the same bytes.
    pub origins: BTreeSet<NodeId>,
    /// Nodes whose viewers ask for it.
    pub edges: BTreeSet<NodeId>,
    /// Nodes that shall hold its window in any case, origins included; at most [`REPLICAS_MAX`].
    pub copies: usize,
    /// By node, from whom it could not pull. Origins are never avoided: there is nobody else.
    pub avoid: BTreeMap<NodeId, BTreeSet<NodeId>>,
}

/// One node's part of the plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pull {
    /// From whom.
    pub from: NodeId,
    /// Why.
    pub role: ReplicaRole,
    /// The way of the media: the origin first, `from` last.
    pub hops: Vec<NodeId>,
}

/// A node that the plan asks to feed more nodes than it said it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OverBudget {
    /// The node.
    pub node: NodeId,
    /// How many it is to feed.
    pub children: u32,
    /// How many it can.
    pub fan_out: u32,
}

/// Who pulls from whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// By node; origins pull from nobody.
    pub pulls: BTreeMap<NodeId, Pull>,
    /// Nodes that keep a copy with or without viewers, beside the origins.
    #[serde(default)]
    pub replicas: BTreeSet<NodeId>,
    /// Where budgets do not suffice. An operator adds nodes or bandwidth.
    #[serde(default)]
    pub over_budget: Vec<OverBudget>,
    /// Copies that were asked for and have no node.
    #[serde(default)]
    pub missing_copies: usize,
    /// Nodes that need the stream while no origin is alive; they serve what they hold.
    #[serde(default)]
    pub unreached: BTreeSet<NodeId>,
}

impl Plan {
    /// What a new owner of the stream finds: who pulls from whom, and who says that it keeps a copy.
    #[must_use]
    pub fn observed(pulls: impl IntoIterator<Item = (NodeId, NodeId, ReplicaRole)>) -> Self {
        let mut plan = Self::default();
        for (node, from, role) in pulls {
            if role == ReplicaRole::Replica {
                plan.replicas.insert(node);
            }
            plan.pulls.insert(node, Pull { from, role, hops: vec![from] });
        }
        plan
    }

    /// Nodes that pull from `node`.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.pulls.iter().filter(move |(_, pull)| pull.from == node).map(|(child, _)| *child)
    }
}

/// Makes the plan. `before` is the one in force; the default when there is none.
#[must_use]
pub fn plan(sites: &[Site], demand: &Demand, before: &Plan) -> Plan {
    let sites: BTreeMap<NodeId, &Site> = sites.iter().map(|site| (site.id, site)).collect();
    let origins: BTreeSet<NodeId> =
        demand.origins.iter().copied().filter(|id| sites.contains_key(id)).collect();
    let copies = demand.copies.min(REPLICAS_MAX);
    let replicas = copies::choose(&sites, &origins, demand, copies, &before.replicas);
    let is_wanted = |id: &NodeId| sites.contains_key(id) && !origins.contains(id);
    let wanted: BTreeSet<NodeId> =
        demand.edges.union(&replicas).copied().filter(is_wanted).collect();
    let missing_copies = copies.saturating_sub(origins.len() + replicas.len());
    if origins.is_empty() {
        return Plan { unreached: wanted, replicas, missing_copies, ..Plan::default() };
    }
    let mut tree = Tree::new(&sites, &origins, demand);
    tree.grow(&wanted, before);
    let role = |id: &NodeId| match demand.edges.contains(id) {
        true => ReplicaRole::Edge,
        false => ReplicaRole::Replica,
    };
    let pulls = tree.parents().map(|(id, from)| {
        let pull = Pull { from, role: role(&id), hops: tree.way_to(from) };
        (id, pull)
    });
    let pulls = pulls.collect();
    let over_budget = tree.over_budget();
    Plan { pulls, replicas, over_budget, missing_copies, unreached: BTreeSet::new() }
}

/// Why a feeder is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HopRefusal {
    /// What it feeds has been here, or twice at one place.
    #[error("the media would go in a circle; ask the stream's owner whom to pull from")]
    Circle,
    /// It is too far from the origin.
    #[error(
        "the feeder is more than 5 hops from the origin; ask the stream's owner whom to pull from"
    )]
    TooFar,
}

/// Whether `me` may take a stream from a feeder whose media have come by `hops`, the origin first, itself last.
///
/// # Errors
/// When they would go in a circle, or too far.
pub fn admit(me: NodeId, hops: &[NodeId]) -> Result<(), HopRefusal> {
    if hops.len() > HOPS_MAX {
        return Err(HopRefusal::TooFar);
    }
    let distinct: BTreeSet<&NodeId> = hops.iter().collect();
    if distinct.len() < hops.len() || hops.contains(&me) {
        return Err(HopRefusal::Circle);
    }
    Ok(())
}

/// Of two nodes that ask each other for the same stream, whether `me` goes on asking: the one nearer to the origin
/// feeds, at equal distance the one with the smaller id. The distance is none for a node that has no media yet.
#[must_use]
pub fn keeps_its_pull(me: (NodeId, Option<usize>), peer: (NodeId, Option<usize>)) -> bool {
    let far = |(id, distance): (NodeId, Option<usize>)| (distance.unwrap_or(usize::MAX), id);
    far(me) > far(peer)
}

#[cfg(test)]
mod tests;
