//! What must hold after every step, seen from outside with true time.
//!
//! - every node applies the same entries with the same answers, and what was acknowledged is among them;
//! - an epoch has one owner, and an actor's epochs rise;
//! - nobody is given up before its own clock says that its lease has ended;
//! - at no instant do two nodes believe that they may act for the same actor;
//! - once something was accepted under an epoch, nothing is accepted under an older one;
//! - the brake holds;
//! - plans of replication have no circle, reach everybody, keep the copies on distinct nodes, and rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_cluster::lease::LeaseDone;
use weir_cluster::liveness::brake_limit;
use weir_cluster::members::{Change, Changed};
use weir_cluster::{Applied, Command, Directory, replication};
use weir_model::{ActorId, ActorKind, Epoch, NodeId};

use super::media::Planned;
use super::message::{Entry, Outcome, RequestId};
use super::world::{Machine, Publisher};

/// What the brake's window is at least in true time: 30 s by the fastest clock, less what may lie between a
/// decision and its commit.
const BRAKE_US: u64 = 22_000_000;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Diverged,
    LostWrite,
    EpochTwice,
    GivenUpTooEarly,
    TwoOwners,
    OldEpochAccepted,
    Brake,
    Plan,
    NotAlive,
}

#[derive(Debug, Clone)]
pub(super) struct Wrong {
    pub(super) kind: Kind,
    pub(super) text: String,
}

type Machines = BTreeMap<NodeId, Machine>;

/// The one true history, as far as it was committed, and what was seen beside it.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) wrong: Option<Wrong>,
    pub(super) directory: Directory,
    history: Vec<(Arc<Entry>, Option<Outcome>)>,
    made: BTreeMap<RequestId, u64>,
    epochs: BTreeSet<Epoch>,
    newest: BTreeMap<ActorId, Epoch>,
    accepted: BTreeMap<ActorId, Epoch>,
    fences: Vec<u64>,
    /// When a lease was granted last.
    pub(super) granted_at: u64,
    pub(super) counts: Counts,
}

/// How much happened, to see that a run is not empty.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) told: u64,
    pub(super) accepted: u64,
    pub(super) granted: u64,
    pub(super) taken_over: u64,
    pub(super) fenced: u64,
    pub(super) plans: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.told += other.told;
        self.accepted += other.accepted;
        self.granted += other.granted;
        self.taken_over += other.taken_over;
        self.fenced += other.fenced;
        self.plans += other.plans;
    }
}

impl Checks {
    pub(super) fn fail(&mut self, kind: Kind, text: String) {
        self.wrong.get_or_insert(Wrong { kind, text });
    }

    pub(super) fn len(&self) -> u64 {
        self.history.len() as u64
    }

    pub(super) fn applied(
        &mut self,
        machines: &Machines,
        now: u64,
        (index, entry, outcome): (u64, Arc<Entry>, Option<Outcome>),
    ) {
        if let Some((known, answer)) = self.history.get(index as usize - 1) {
            if *known != entry || *answer != outcome {
                self.fail(Kind::Diverged, format!("entry {index}: {known:?} and {entry:?}"));
            }
            return;
        }
        let own = entry.request.as_ref().filter(|(id, _)| !self.made.contains_key(id));
        let own = own.map(|(_, command)| self.directory.apply(index, command));
        if own != outcome {
            self.fail(Kind::Diverged, format!("entry {index}: {own:?} and {outcome:?}"));
        }
        if let (Some((id, command)), Some(Ok(done))) = (&entry.request, &own) {
            self.made.insert(*id, index);
            self.committed(machines, now, command, done);
        }
        if let Some((id, _)) = &entry.request {
            self.made.entry(*id).or_insert(index);
        }
        self.history.push((entry, outcome));
    }

    fn committed(&mut self, machines: &Machines, now: u64, command: &Command, done: &Applied) {
        match (command, done) {
            (_, Applied::Lease(LeaseDone::Granted { lease, before })) => {
                self.granted_at = now;
                self.counts.granted += 1;
                self.counts.taken_over += u64::from(before.is_some());
                let last = self.newest.insert(lease.actor.clone(), lease.epoch);
                if !self.epochs.insert(lease.epoch) || last.is_some_and(|last| last >= lease.epoch)
                {
                    self.fail(Kind::EpochTwice, format!("{lease:?} after {last:?}"));
                }
            }
            (
                Command::Member(Change::Fence { id, .. }),
                Applied::Member { changed: Changed::Lost(incarnation), .. },
            ) => {
                self.counts.fenced += 1;
                self.fences.push(now);
                self.check_brake(now);
                let Some(machine) = machines.get(id).filter(|machine| machine.running) else {
                    return;
                };
                let (lease, clock) = (&machine.node.lease, machine.clock(now));
                if lease.incarnation() == *incarnation && lease.is_valid(clock) {
                    let left = lease.until_ms() - clock;
                    let text = format!("{id} was given up with {left} ms left by its own clock");
                    self.fail(Kind::GivenUpTooEarly, text);
                }
            }
            _ => {}
        }
    }

    fn check_brake(&mut self, now: u64) {
        let lately = self.fences.iter().filter(|at| now - **at < BRAKE_US).count();
        let limit = brake_limit(self.directory.members.len());
        if lately > limit {
            self.fail(Kind::Brake, format!("{lately} nodes were given up, at most {limit}"));
        }
    }

    /// A node was told that its request was made.
    pub(super) fn told(&mut self, id: RequestId, index: u64) {
        self.counts.told += 1;
        if self.made.get(&id) != Some(&index) {
            self.fail(Kind::LostWrite, format!("{id:?} was acknowledged and is not at {index}"));
        }
    }

    /// An owner accepted a request.
    pub(super) fn accepted(&mut self, actor: ActorId, epoch: Epoch) {
        self.counts.accepted += 1;
        let newest = self.accepted.entry(actor.clone()).or_default();
        let before = *newest;
        *newest = before.max(epoch);
        if epoch < before {
            self.fail(Kind::OldEpochAccepted, format!("{actor}: {epoch} after {before}"));
        }
    }

    /// After a step of `id`: what it believes, nobody else does.
    pub(super) fn one_acts(
        &mut self,
        machines: &Machines,
        publishers: &[Publisher],
        id: NodeId,
        now: u64,
    ) {
        let Some(machine) = machines.get(&id) else { return };
        for actor in machine.node.owned.keys() {
            let acting = |machine: &&Machine| acts(machine, publishers, actor, now);
            if !acting(&machine) {
                continue;
            }
            let others = machines.values().filter(|other| other.node.id != id);
            if let Some(other) =
                others.filter(|other| acting(other)).map(|other| other.node.id).next()
            {
                self.fail(Kind::TwoOwners, format!("{id} and {other} both act for {actor}"));
            }
        }
    }

    pub(super) fn planned(&mut self, planned: &Planned) {
        self.counts.plans += 1;
        if let Err(text) = check_plan(planned) {
            self.fail(Kind::Plan, format!("{text}: {:?} of {:?}", planned.plan, planned.demand));
        }
    }
}

/// Whether a node acts for an actor now. Of a stream only the node can, to which the encoder really is connected.
pub(super) fn acts(machine: &Machine, publishers: &[Publisher], actor: &ActorId, now: u64) -> bool {
    let connected = || {
        let publisher = publishers.iter().find(|publisher| publisher.stream == *actor);
        publisher.is_some_and(|publisher| publisher.at == Some(machine.node.id))
    };
    machine.acts()
        && machine.node.may_act(actor, machine.clock(now)).is_some()
        && (actor.kind != ActorKind::Stream || connected())
}

fn check_plan(planned: &Planned) -> Result<(), &'static str> {
    let Planned { sites, demand, plan } = planned;
    let known: BTreeSet<NodeId> = sites.iter().map(|site| site.id).collect();
    let origins: BTreeSet<NodeId> = demand.origins.intersection(&known).copied().collect();
    for (node, pull) in &plan.pulls {
        if replication::admit(*node, &pull.hops).is_err() {
            return Err("a circle, or too long a way");
        }
        if pull.hops.last() != Some(&pull.from)
            || !pull.hops.first().is_some_and(|top| origins.contains(top))
        {
            return Err("a way that does not lead to an origin");
        }
        if !origins.contains(&pull.from) && !plan.pulls.contains_key(&pull.from) {
            return Err("a feeder that is not fed");
        }
    }
    let reached = |edge: &&NodeId| plan.pulls.contains_key(edge) || origins.contains(edge);
    if !origins.is_empty() && !demand.edges.intersection(&known).all(|edge| reached(&edge)) {
        return Err("an edge that is not reached");
    }
    let able = sites.iter().filter(|site| site.relays || origins.contains(&site.id)).count();
    let holders: BTreeSet<&NodeId> = plan.replicas.union(&origins).collect();
    if !plan.replicas.is_disjoint(&origins)
        || holders.len() != demand.copies.min(able).max(origins.len())
    {
        return Err("copies that are too few or on the same node");
    }
    let again = replication::plan(sites, demand, plan);
    if again == *plan { Ok(()) } else { Err("the same demand again moves somebody") }
}
