//! The tree below the origins: what was there is kept where it fits, the rest is attached where it is best.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_model::NodeId;

use super::{Demand, OverBudget, Plan, Site};
use crate::limits::HOPS_MAX;
use crate::rendezvous;

/// A tree that grows. A node is in it when its depth is known.
pub(super) struct Tree<'a> {
    sites: &'a BTreeMap<NodeId, &'a Site>,
    origins: &'a BTreeSet<NodeId>,
    avoid: &'a BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// Whom anybody avoids: others are given nobody who comes.
    shunned: BTreeSet<NodeId>,
    /// Spread relaying over nodes, stream by stream.
    tickets: BTreeMap<NodeId, u64>,
    parent: BTreeMap<NodeId, NodeId>,
    depth: BTreeMap<NodeId, usize>,
    children: BTreeMap<NodeId, u32>,
}

/// Children by parent, as they were.
type Old = BTreeMap<NodeId, Vec<NodeId>>;

impl<'a> Tree<'a> {
    pub(super) fn new(
        sites: &'a BTreeMap<NodeId, &'a Site>,
        origins: &'a BTreeSet<NodeId>,
        demand: &'a Demand,
    ) -> Self {
        let ticket = |id| rendezvous::ticket(&demand.stream, id, 1);
        Self {
            sites,
            origins,
            avoid: &demand.avoid,
            shunned: demand.avoid.values().flatten().copied().collect(),
            tickets: sites.keys().map(|id| (*id, ticket(*id))).collect(),
            parent: BTreeMap::new(),
            depth: origins.iter().map(|origin| (*origin, 0)).collect(),
            children: BTreeMap::new(),
        }
    }

    /// Attaches every wanted node. Each round attaches at least one, so it ends.
    pub(super) fn grow(&mut self, wanted: &BTreeSet<NodeId>, before: &Plan) {
        let mut old = Old::new();
        for (child, pull) in &before.pulls {
            if wanted.contains(child) {
                old.entry(pull.from).or_default().push(*child);
            }
        }
        // Where not all can stay, the widest do: the most nodes hang below them.
        old.values_mut().for_each(|children| children.sort_by_key(|child| self.rank(*child)));
        for origin in self.origins {
            self.keep_below(*origin, &old);
        }
        while let Some(next) = self.next_loose(wanted, before) {
            self.attach(next, before);
            self.keep_below(next, &old);
        }
    }

    pub(super) fn parents(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.parent.iter().map(|(child, parent)| (*child, *parent))
    }

    /// The way of the media to a node: the origin first, the node last.
    pub(super) fn way_to(&self, node: NodeId) -> Vec<NodeId> {
        let up = std::iter::successors(Some(node), |at| self.parent.get(at).copied());
        let mut way: Vec<NodeId> = up.take(HOPS_MAX + 1).collect();
        way.reverse();
        way
    }

    pub(super) fn over_budget(&self) -> Vec<OverBudget> {
        let over = self.children.iter().map(|(node, children)| OverBudget {
            node: *node,
            children: *children,
            fan_out: self.fan_out(*node),
        });
        over.filter(|one| one.children > one.fan_out).collect()
    }

    /// Keeps what was below a node, as far as budgets and depth allow.
    fn keep_below(&mut self, top: NodeId, old: &Old) {
        let mut queue = VecDeque::from([top]);
        while let Some(node) = queue.pop_front() {
            for child in old.get(&node).into_iter().flatten() {
                let free = !self.depth.contains_key(child) && self.has_room(node);
                if free && !self.avoids(*child, node) {
                    self.link(*child, node);
                    queue.push_back(*child);
                }
            }
        }
    }

    /// The next node to attach: the top of what was torn off, the widest first, so that it makes room for others.
    /// In a circle, which only a report can contain, there is no top; it is cut anywhere. Whoever fits nowhere waits
    /// for the others: one of them may have room for it.
    fn next_loose(&self, wanted: &BTreeSet<NodeId>, before: &Plan) -> Option<NodeId> {
        let loose = |id: &NodeId| wanted.contains(id) && !self.depth.contains_key(id);
        let hangs = |id: &NodeId| {
            let from = before.pulls.get(id).map(|pull| pull.from);
            from.is_some_and(|from| loose(&from) && self.may_feed(from) && !self.avoids(*id, from))
        };
        let all = wanted.iter().copied().filter(loose);
        let mut all: Vec<_> = all.map(|id| (hangs(&id), self.rank(id), id)).collect();
        all.sort_unstable();
        let first = all.first()?;
        // Nearly always it is the first: fitting costs a look at the whole tree.
        let mut tops = all.iter().take_while(|one| one.0 == first.0);
        let fits = |id: NodeId| self.free_parent(id).is_some() || self.narrower_leaf(id).is_some();
        Some(tops.find(|one| fits(one.2)).unwrap_or(first).2)
    }

    fn attach(&mut self, node: NodeId, before: &Plan) {
        if let Some(parent) = self.free_parent(node) {
            self.link(node, parent);
        } else if let Some(leaf) = self.narrower_leaf(node) {
            self.take_place_of(leaf, node);
        } else {
            let was_at = before.pulls.get(&node).map(|pull| pull.from);
            let was_at = was_at.filter(|from| !self.avoids(node, *from));
            if let Some(parent) = self.least_burdened(node, was_at) {
                self.link(node, parent);
            }
        }
    }

    /// One that nobody avoids, nearest to the origin, in the same zone, with the fewest children.
    fn free_parent(&self, node: NodeId) -> Option<NodeId> {
        let zone = self.sites.get(&node).and_then(|site| site.zone.as_ref());
        let other_zone =
            |id: NodeId| self.sites.get(&id).and_then(|site| site.zone.as_ref()) != zone;
        let fits = |id: NodeId| self.has_room(id) && !self.avoids(node, id);
        let best = self.depth.iter().filter(|(id, _)| fits(**id)).min_by_key(|(id, depth)| {
            let near = (**depth, other_zone(**id), self.count(**id), Reverse(self.ticket(**id)));
            (self.is_shunned(**id), near)
        });
        best.map(|(id, _)| *id)
    }

    /// A node that feeds nobody and could feed fewer than `node`, and may stand one hop further away.
    fn narrower_leaf(&self, node: NodeId) -> Option<NodeId> {
        if self.width(node) == 0 {
            return None;
        }
        let fits = |id: NodeId, depth: usize| {
            depth < HOPS_MAX
                && self.count(id) == 0
                && self.width(id) < self.width(node)
                && !self.avoids(id, node)
                && self.parent.get(&id).is_some_and(|parent| !self.avoids(node, *parent))
        };
        let below = self.parent.keys().filter_map(|id| Some((*id, *self.depth.get(id)?)));
        below
            .filter(|(id, depth)| fits(*id, *depth))
            .min_by_key(|(id, depth)| (*depth, self.width(*id), *id))
            .map(|(id, _)| id)
    }

    fn take_place_of(&mut self, leaf: NodeId, node: NodeId) {
        let Some(parent) = self.parent.remove(&leaf) else { return };
        if let Some(count) = self.children.get_mut(&parent) {
            *count -= 1;
        }
        self.link(node, parent);
        self.link(leaf, node);
    }

    /// When nobody has room: where it was, else the smallest excess, nearest to the origin.
    fn least_burdened(&self, node: NodeId, was_at: Option<NodeId>) -> Option<NodeId> {
        let may = |id: NodeId| self.may_feed(id) && !self.avoids(node, id);
        let able = self.depth.iter().filter(|(id, depth)| may(**id) && **depth < HOPS_MAX);
        let excess = |id: NodeId| self.count(id).saturating_sub(self.fan_out(id));
        let best =
            able.min_by_key(|(id, depth)| (was_at != Some(**id), excess(**id), **depth, **id));
        best.map(|(id, _)| *id)
    }

    fn link(&mut self, child: NodeId, parent: NodeId) {
        let depth = self.depth.get(&parent).map_or(1, |depth| depth + 1);
        self.parent.insert(child, parent);
        self.depth.insert(child, depth);
        *self.children.entry(parent).or_default() += 1;
    }

    /// Origins feed even while they are being drained: there is nobody else.
    fn may_feed(&self, id: NodeId) -> bool {
        self.origins.contains(&id) || self.sites.get(&id).is_some_and(|site| site.relays)
    }

    fn avoids(&self, child: NodeId, parent: NodeId) -> bool {
        let avoided = self.avoid.get(&child).is_some_and(|avoid| avoid.contains(&parent));
        avoided && !self.origins.contains(&parent)
    }

    fn is_shunned(&self, id: NodeId) -> bool {
        self.shunned.contains(&id) && !self.origins.contains(&id)
    }

    fn has_room(&self, id: NodeId) -> bool {
        let depth = self.depth.get(&id).copied().unwrap_or_default();
        self.may_feed(id) && self.count(id) < self.fan_out(id) && depth < HOPS_MAX
    }

    fn count(&self, id: NodeId) -> u32 {
        self.children.get(&id).copied().unwrap_or_default()
    }

    fn fan_out(&self, id: NodeId) -> u32 {
        self.sites.get(&id).map_or(0, |site| site.fan_out)
    }

    /// How many it can feed, if it may feed at all.
    fn width(&self, id: NodeId) -> u32 {
        if self.may_feed(id) { self.fan_out(id) } else { 0 }
    }

    /// The order of attaching.
    fn rank(&self, id: NodeId) -> (Reverse<u32>, Reverse<u64>, NodeId) {
        (Reverse(self.width(id)), Reverse(self.ticket(id)), id)
    }

    fn ticket(&self, id: NodeId) -> u64 {
        self.tickets.get(&id).copied().unwrap_or_default()
    }
}
