//! Segments on their way: edges ask the owner of a stream, the owner plans who pulls from whom, feeders feed whoever
//! subscribed. The plan and the rules of refusal are the product's `replication`; receivers pass its epoch gate.

use std::collections::{BTreeMap, BTreeSet};

use weir_cluster::lease::EpochGate;
use weir_cluster::replication::{self, Demand, Plan, Site};
use weir_model::{ActorId, Epoch, NodeId};

use super::message::Message;
use super::node::{Node, Out};

/// A segment's length.
pub(super) const SEGMENT_MS: u64 = 1000;
/// Between two plans of an owner, and two questions of an edge.
const PLAN_MS: u64 = 500;
const ASK_MS: u64 = 1000;
/// Who does not ask again is forgotten after this.
const FORGET_MS: u64 = 4000;
/// Copies of each stream, the owner's included.
const COPIES: usize = 2;
/// Nodes that one node feeds; small, so that trees grow.
const FAN_OUT: u32 = 2;

/// A plan with what it was made from.
pub(super) struct Planned {
    pub(super) sites: Vec<Site>,
    pub(super) demand: Demand,
    pub(super) plan: Plan,
}

/// What a node knows of streams.
#[derive(Default)]
pub(super) struct Media {
    /// Actors that shall be somewhere; configuration, the same on every node.
    pub(super) placed: Vec<ActorId>,
    /// Streams that this node's viewers watch.
    pub(super) watched: BTreeSet<ActorId>,
    /// As owner: who asked, the plan in force, the newest segment.
    made: BTreeMap<ActorId, Made>,
    /// As receiver.
    pub(super) pulls: BTreeMap<ActorId, Pulled>,
    /// As feeder: who subscribed, until when.
    children: BTreeMap<ActorId, BTreeMap<NodeId, u64>>,
    next_plan: u64,
    next_ask: u64,
}

#[derive(Default)]
struct Made {
    asked: BTreeMap<NodeId, u64>,
    plan: Plan,
    number: u64,
    next: u64,
}

#[derive(Default)]
pub(super) struct Pulled {
    gate: EpochGate,
    from: Option<NodeId>,
    told: u64,
    hops: Option<usize>,
    /// Epoch and number of the newest segment.
    pub(super) newest: (Epoch, u64),
    pub(super) at: u64,
}

impl Media {
    /// What outlives a fencing or a crash: configuration and viewers.
    pub(super) fn emptied(&mut self) -> Self {
        let (placed, watched) =
            (std::mem::take(&mut self.placed), std::mem::take(&mut self.watched));
        Self { placed, watched, ..Self::default() }
    }
}

impl Pulled {
    /// A plan that nobody renews is followed for as long as it brings media.
    fn is_followed(&self, now: u64) -> bool {
        is_new(self.told, now) || is_new(self.at, now)
    }
}

fn is_new(at: u64, now: u64) -> bool {
    at > 0 && now.saturating_sub(at) < FORGET_MS
}

impl Node {
    /// Streams that this node makes now.
    fn streams(&self, now: u64) -> Vec<(ActorId, Epoch)> {
        let live = self.sessions.keys();
        live.filter_map(|stream| Some((stream.clone(), self.may_act(stream, now)?))).collect()
    }

    pub(super) fn relay(&mut self, now: u64, out: &mut Out) {
        let streams = self.streams(now);
        self.media.made.retain(|stream, _| streams.iter().any(|(live, _)| live == stream));
        if now >= self.media.next_plan {
            self.media.next_plan = now + PLAN_MS;
            for (stream, epoch) in &streams {
                self.plan(stream, *epoch, now, out);
            }
        }
        for (stream, epoch) in streams {
            // Who makes it pulls it from nobody.
            self.media.pulls.remove(&stream);
            let made = self.media.made.entry(stream.clone()).or_default();
            if now >= made.next {
                made.next = now + SEGMENT_MS;
                // By the clock, so that they rise also when the making begins anew.
                made.number = (made.number + 1).max(now / SEGMENT_MS);
                let (number, hops) = (made.number, vec![self.id]);
                self.feed(&stream, epoch, number, &hops, now, out);
            }
        }
        if now >= self.media.next_ask {
            self.media.next_ask = now + ASK_MS;
            self.ask(now, out);
        }
    }

    pub(super) fn handle_media(&mut self, from: NodeId, message: Message, now: u64, out: &mut Out) {
        match message {
            Message::Want { stream } => {
                if let Some(made) = self.media.made.get_mut(&stream) {
                    made.asked.insert(from, now);
                }
            }
            Message::Place { stream, epoch, from, hops } => {
                let pulled = self.media.pulls.entry(stream).or_default();
                if pulled.gate.admit(epoch).is_ok() && replication::admit(self.id, &hops).is_ok() {
                    (pulled.from, pulled.told) = (Some(from), now);
                }
            }
            Message::Subscribe { stream, distance } => self.subscribed(from, stream, distance, now),
            Message::Segment { stream, epoch, number, hops } => {
                let pulled = self.media.pulls.entry(stream.clone()).or_default();
                let fits = replication::admit(self.id, &hops).is_ok();
                if !fits || pulled.gate.admit(epoch).is_err() || pulled.newest >= (epoch, number) {
                    return;
                }
                (pulled.newest, pulled.at, pulled.hops) = ((epoch, number), now, Some(hops.len()));
                let mut hops = hops;
                hops.push(self.id);
                self.feed(&stream, epoch, number, &hops, now, out);
            }
            _ => {}
        }
    }

    /// As owner: who pulls from whom from now on.
    fn plan(&mut self, stream: &ActorId, epoch: Epoch, now: u64, out: &mut Out) {
        let sites = replication::sites(&self.directory.members, FAN_OUT);
        let made = self.media.made.entry(stream.clone()).or_default();
        made.asked.retain(|_, asked| now.saturating_sub(*asked) < FORGET_MS);
        let demand = Demand {
            stream: stream.key.as_str().to_owned(),
            origins: [self.id].into(),
            edges: made.asked.keys().copied().collect(),
            copies: COPIES,
            ..Demand::default()
        };
        let plan = replication::plan(&sites, &demand, &made.plan);
        for (node, pull) in &plan.pulls {
            let (stream, from, hops) = (stream.clone(), pull.from, pull.hops.clone());
            out.sends.push((*node, Message::Place { stream, epoch, from, hops }));
        }
        made.plan = plan.clone();
        out.plans.push(Planned { sites, demand, plan });
    }

    /// As edge: says whose viewers want what, and keeps subscriptions alive.
    fn ask(&mut self, now: u64, out: &mut Out) {
        for stream in &self.media.watched {
            if let Some(lease) = self.directory.leases.of(stream) {
                out.sends.push((lease.node, Message::Want { stream: stream.clone() }));
            }
        }
        for (stream, pulled) in &mut self.media.pulls {
            if !is_new(pulled.at, now) {
                pulled.hops = None;
            }
            let followed = pulled.is_followed(now);
            if let Some(from) = pulled.from.filter(|_| followed) {
                let (stream, distance) = (stream.clone(), pulled.hops);
                out.sends.push((from, Message::Subscribe { stream, distance }));
            }
        }
    }

    fn subscribed(&mut self, from: NodeId, stream: ActorId, distance: Option<usize>, now: u64) {
        let own = self.media.pulls.get_mut(&stream);
        let pulls = |own: &&mut Pulled| own.from == Some(from) && own.is_followed(now);
        if let Some(own) = own.filter(pulls) {
            let (me, peer) = ((self.id, own.hops), (from, distance));
            if replication::keeps_its_pull(me, peer) {
                return;
            }
            own.from = None;
        }
        self.media.children.entry(stream).or_default().insert(from, now + FORGET_MS);
    }

    fn feed(
        &mut self,
        stream: &ActorId,
        epoch: Epoch,
        number: u64,
        hops: &[NodeId],
        now: u64,
        out: &mut Out,
    ) {
        let Some(children) = self.media.children.get_mut(stream) else { return };
        children.retain(|_, until| now < *until);
        for child in children.keys() {
            let (stream, hops) = (stream.clone(), hops.to_vec());
            out.sends.push((*child, Message::Segment { stream, epoch, number, hops }));
        }
    }
}
