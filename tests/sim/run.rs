//! Whole runs: a time in which everything breaks, then healing, then how long until all is well.

use std::collections::BTreeSet;

use weir_model::cluster::{Duty, NodeState};
use weir_model::{ActorId, ActorKind, NodeId};

use super::checks::{Counts, Kind, Wrong, acts};
use super::plant::Plant;
use super::world::World;

/// How long things break, in microseconds.
const FAULTS_US: (u64, u64) = (20_000_000, 50_000_000);
/// All must be well this long after healing: an election, two heartbeats, a brake's window for who stays dead and
/// for those who were given up before, the waiting of a leader, a placement, and moves, one after the other.
const HEAL_US: u64 = 90_000_000;
/// Nothing is moved any more for this long: two plans of a leader.
const REST_US: u64 = 9_000_000;
/// A viewer's edge has had a segment within this.
const FED_US: u64 = 4_000_000;
const LOOK_US: u64 = 500_000;

/// What a run was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) counts: Counts,
    pub(super) entries: u64,
    /// From healing until all was well.
    pub(super) healed_us: u64,
    /// A number that two equal runs share.
    pub(super) print: u64,
}

/// Runs a seed.
pub(super) fn run(seed: u64, plant: Plant) -> Result<Ran, Wrong> {
    let mut world = World::new(seed, plant);
    let faults = world.dice.between(FAULTS_US.0, FAULTS_US.1);
    world.run(faults)?;
    let (dead, leaving) = who_stays_away(&mut world);
    world.heal(dead, leaving);
    let begin = world.now;
    let mut missing = Some("nothing was looked at".to_owned());
    while missing.is_some() && world.now < begin + HEAL_US {
        let next = world.now + LOOK_US;
        world.run(next)?;
        missing = what_is_missing(&world, dead, leaving);
    }
    if let Some(text) = missing {
        return Err(Wrong { kind: Kind::NotAlive, text });
    }
    let (counts, entries) = (world.checks.counts, world.checks.len());
    let healed_us = world.now - begin;
    Ok(Ran { counts, entries, healed_us, print: world.dice.next() })
}

/// Some runs end with one node dead for good, some with one that is being drained.
fn who_stays_away(world: &mut World) -> (Option<NodeId>, Option<NodeId>) {
    let ids: Vec<NodeId> = world.machines.keys().copied().collect();
    let voters = world
        .machines
        .values()
        .filter(|one| one.node.profile.roles.contains(weir_model::Role::Voter));
    let one = world.dice.clone().pick(&ids);
    let enough = voters.count() >= 3;
    match world.dice.between(0, 2) {
        0 if enough => (one, None),
        1 if enough => (None, one),
        _ => (None, None),
    }
}

/// The first thing that is not as it should be.
fn what_is_missing(world: &World, dead: Option<NodeId>, leaving: Option<NodeId>) -> Option<String> {
    let members = &world.checks.directory.members;
    for machine in world.machines.values() {
        let id = machine.node.id;
        let state = members.of(id).map(|member| member.state);
        let wanted = if dead == Some(id) { NodeState::Fenced } else { NodeState::Up };
        let duty = if leaving == Some(id) { Duty::Draining } else { Duty::Serving };
        // Who died before it was ever admitted has nothing to be fenced for.
        if state != Some(wanted) && !(dead == Some(id) && state == Some(NodeState::Joining)) {
            return Some(format!("{id} is {state:?}"));
        }
        if members.of(id).is_some_and(|member| member.duty != duty) {
            return Some(format!("{id} is not yet {duty:?}"));
        }
        if dead != Some(id) && machine.node.directory != world.checks.directory {
            return Some(format!("{id} has read up to {}", machine.node.applied));
        }
    }
    let streams = world.publishers.iter().map(|publisher| &publisher.stream);
    let homeless = streams.chain(&world.placed).find_map(|actor| owners(world, actor));
    homeless.or_else(|| drained(world, leaving)).or_else(|| unfed(world, dead)).or_else(|| {
        let rests = world.now - world.checks.granted_at > REST_US;
        (!rests).then(|| "something was moved lately".to_owned())
    })
}

fn owners(world: &World, actor: &ActorId) -> Option<String> {
    let machines = world.machines.values();
    let acting = machines.filter(|one| acts(one, &world.publishers, actor, world.now));
    let acting: Vec<NodeId> = acting.map(|one| one.node.id).collect();
    let lease = world.checks.directory.leases.of(actor).map(|lease| lease.node);
    (acting.len() != 1 || acting.first().copied() != lease)
        .then(|| format!("{actor} is owned by {lease:?}, {acting:?} act for it"))
}

/// A node that is being drained ends with nothing that another node could have.
fn drained(world: &World, leaving: Option<NodeId>) -> Option<String> {
    let held: BTreeSet<&ActorId> =
        world.checks.directory.leases.held_by(leaving?).map(|lease| &lease.actor).collect();
    (!held.is_empty()).then(|| format!("{leaving:?} still has {held:?}"))
}

fn unfed(world: &World, dead: Option<NodeId>) -> Option<String> {
    let living = world.machines.values().filter(|one| Some(one.node.id) != dead);
    living.into_iter().find_map(|machine| {
        let (node, now) = (&machine.node, machine.clock(world.now));
        node.media.watched.iter().find_map(|stream| {
            let lease = world.checks.directory.leases.of(stream)?;
            let pulled = node.media.pulls.get(stream);
            let fresh = pulled.is_some_and(|pulled| {
                pulled.newest.0 == lease.epoch && (now.saturating_sub(pulled.at)) * 1000 < FED_US
            });
            let own = lease.node == node.id && stream.kind == ActorKind::Stream;
            (!fresh && !own).then(|| format!("{} gets nothing of {stream}", node.id))
        })
    })
}
