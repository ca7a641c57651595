//! Plans of moves: what `rebalance` would win, and how one node is emptied.
//!
//! Each actor is looked at once, in the order of names, and scored as if it were nowhere; the loads and counts
//! include the moves planned before it. So a plan ends, never swings, and holds nothing that wins less than
//! [`GAIN_MIN`]: less would not pay for a move, and a moment's load would shake the cluster.

use weir_model::cluster::{Duty, MovePlan, PlannedMove};
use weir_model::{ActorKind, Lease, NodeId};

use super::census::Census;
use super::{Choice, OVERLOAD, View, Want, decide};
use crate::limits::MOVES_MAX;
use crate::members::Member;

/// Points a move has to win at the least.
pub const GAIN_MIN: i64 = 100;

/// Streams that one plan moves.
pub const STREAMS_MAX: usize = 8;

/// What nobody notices first.
const MOVABLE: [ActorKind; 5] = [
    ActorKind::Transcoder,
    ActorKind::Puller,
    ActorKind::Recorder,
    ActorKind::Room,
    ActorKind::Stream,
];

/// Moves that pay: of everything that may be moved while it runs, what wins at least [`GAIN_MIN`] points, and what
/// must not be where it is (cordoned nodes keep what they have; draining ones do not). Sessions and rooms follow their
/// streams.
///
/// A stream moves by its publisher's being told to reconnect, which viewers may notice: only [`STREAMS_MAX`] of them
/// are in a plan, and the next one goes on from there.
#[must_use]
pub fn rebalance(view: &View<'_>) -> MovePlan {
    let mut census = Census::of(view, None);
    let mut plan = MovePlan::default();
    for kind in MOVABLE {
        let leases = view.directory.leases.iter().filter(|lease| lease.actor.kind == kind);
        let mut moved = 0;
        for lease in leases {
            if kind == ActorKind::Stream && moved == STREAMS_MAX {
                plan.staying += 1;
                continue;
            }
            let step = better_place(view, &mut census, lease);
            moved += usize::from(step.is_some());
            add(&mut plan, &mut census, step, lease);
        }
    }
    plan
}

/// How to empty a node: whatever it owns, with where it goes. First what nobody notices, then streams one at a time
/// with what belongs to them behind, so that a viewer is never asked to move twice. An actor that no other node can
/// have is listed without a target: it stays until the operator decides.
#[must_use]
pub fn drain(view: &View<'_>, node: NodeId) -> MovePlan {
    let mut census = Census::of(view, None);
    census.drain(node);
    let mut leases: Vec<&Lease> = view.directory.leases.held_by(node).collect();
    leases.sort_by_key(|lease| {
        let alone = matches!(
            lease.actor.kind,
            ActorKind::Puller | ActorKind::Recorder | ActorKind::Transcoder
        );
        let channel = if alone { "" } else { lease.actor.key.channel() };
        (!alone, channel.to_owned(), lease.actor.clone())
    });
    let mut plan = MovePlan::default();
    for lease in leases {
        census.take(&lease.actor, node);
        let choice = place(view, &census, lease);
        let reason = drain_reason(lease, &choice);
        let step = step(view, lease, choice.node, None, reason);
        census.put(&lease.actor, choice.node.unwrap_or(node));
        add_counted(&mut plan, step);
    }
    plan
}

/// A move that pays, already made in `census`; none when the actor stays.
fn better_place(view: &View<'_>, census: &mut Census, lease: &Lease) -> Option<PlannedMove> {
    census.take(&lease.actor, lease.node);
    let mut choice = place(view, census, lease);
    if lease.actor.kind == ActorKind::Stream {
        by_number(view, census, lease, &mut choice);
    }
    let planned = worth_it(view, lease, &choice);
    let target = planned.as_ref().and_then(|step| step.to);
    census.put(&lease.actor, target.unwrap_or(lease.node));
    planned
}

fn place(view: &View<'_>, census: &Census, lease: &Lease) -> Choice {
    // A stream leaves its publisher's node only by the publisher's going elsewhere, which points decide.
    decide(view, census, &Want { actor: lease.actor.clone(), near: None })
}

/// Streams are spread by their number alone: what makes a node busy, transcoders most of all, follows them, and would
/// pull them back. So a node that has too much to do gets no further stream and keeps those it has.
fn by_number(view: &View<'_>, census: &Census, lease: &Lease, choice: &mut Choice) {
    let takes_work = view.directory.members.of(lease.node).is_some_and(Member::takes_work);
    let only_busy = takes_work && census.load(lease.node) > i64::from(OVERLOAD);
    for score in &mut choice.scores {
        if only_busy && score.node == lease.node {
            score.barred = None;
        }
        score.points = -census.count(score.node, lease.actor.kind) * GAIN_MIN;
    }
    let fit = choice.scores.iter().filter(|score| score.barred.is_none());
    // The first of equals: scores are in the order of what else speaks for a node.
    let best = fit.rev().max_by_key(|score| (score.points, score.node == lease.node));
    choice.node = best.map(|score| score.node);
    if let Some(best) = best {
        choice.rule = format!("On {}: it has the fewest streams.", best.name);
    }
}

fn worth_it(view: &View<'_>, lease: &Lease, choice: &Choice) -> Option<PlannedMove> {
    let (from, to) = (lease.node, choice.node?);
    if from == to {
        return None;
    }
    let points = |node| choice.scores.iter().find(|score| score.node == node);
    let (here, there) = (points(from), points(to)?);
    let serving_elsewhere = view.directory.members.of(from).map(|member| member.duty);
    let gain = here.map_or(i64::MAX, |here| there.points.saturating_sub(here.points));
    match here.and_then(|here| here.barred.clone()) {
        // A cordon says "nothing new", and an actor that runs is nothing new; suspects are the leader's business.
        Some(_) if serving_elsewhere == Some(Duty::Cordoned) => None,
        Some(_) if view.directory.members.of(from).is_some_and(|member| !is_up(member)) => None,
        Some(why) => Some(step(
            view,
            lease,
            Some(to),
            None,
            format!("it must leave: its node {why}; {}", choice.rule),
        )),
        None if gain >= GAIN_MIN => {
            let how = match lease.actor.kind {
                ActorKind::Stream => "its publisher is told to reconnect. ",
                _ => "",
            };
            let reason = format!("wins {gain} points. {how}{}", choice.rule);
            Some(step(view, lease, Some(to), Some(gain), reason))
        }
        None => None,
    }
}

fn is_up(member: &Member) -> bool {
    member.state == weir_model::cluster::NodeState::Up
}

fn drain_reason(lease: &Lease, choice: &Choice) -> String {
    match (lease.actor.kind, choice.node) {
        (_, None) => format!("it has to stay for now. {}", choice.rule),
        (ActorKind::Stream, Some(_)) => {
            format!("its publisher is told to reconnect. {}", choice.rule)
        }
        _ => choice.rule.clone(),
    }
}

/// One step of a plan, with the names that people know its nodes by.
#[must_use]
pub fn step(
    view: &View<'_>,
    lease: &Lease,
    to: Option<NodeId>,
    gain: Option<i64>,
    reason: String,
) -> PlannedMove {
    let name = |node| view.directory.members.name(node);
    let (actor, epoch, from) = (lease.actor.clone(), lease.epoch, lease.node);
    let (from_name, to_name) = (name(from), to.map(name));
    PlannedMove { actor, epoch, from, from_name, to, to_name, gain, reason }
}

fn add(plan: &mut MovePlan, census: &mut Census, step: Option<PlannedMove>, lease: &Lease) {
    let Some(step) = step else {
        plan.staying += 1;
        return;
    };
    let to = step.to;
    if !add_counted(plan, step)
        && let Some(to) = to
    {
        // Not in the plan, so not in its consequences.
        census.take(&lease.actor, to);
        census.put(&lease.actor, lease.node);
    }
}

fn add_counted(plan: &mut MovePlan, step: PlannedMove) -> bool {
    plan.truncated |= plan.moves.len() >= MOVES_MAX;
    if !plan.truncated {
        plan.moves.push(step);
    }
    !plan.truncated
}
