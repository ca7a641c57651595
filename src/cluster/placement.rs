//! Where an actor goes, and why. The same function decides, explains and plans, so that what an operator reads is
//! what the cluster does.
//!
//! A stream is where its publisher is connected; a session is beside its stream; a room too while the channel is
//! live, else where weighted rendezvous hashing puts it; pullers, recorders and transcoders go to the best score of
//! load, locality and spread. [`Rule`]s pin and forbid. Before any of it, a node has to be able: up, not cordoned,
//! of the right role, not overloaded, allowed by the rules.
//!
//! Scores are whole points, so that they are the same on every machine; ties go to the greater rendezvous ticket.

use weir_model::cluster::{Duty, NodeScore, NodeState, PlacementInfo};
use weir_model::{ActorId, ActorKind, NodeId, Role};

use crate::Directory;
use crate::load::Loads;
use crate::members::Member;

mod beside;
mod census;
mod plan;
mod rules;
mod score;

pub use beside::beside_stream;
pub use plan::{GAIN_MIN, STREAMS_MAX, drain, rebalance, step};
pub use rules::{Effect, Rule, Rules, RulesRefusal, Where};

use census::Census;

/// Share of processor, memory or line, in thousandths, above which a node gets nothing more that is placed by score.
pub const OVERLOAD: u16 = 900;

/// What placement looks at.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Members and leases.
    pub directory: &'a Directory,
    /// Soft loads; a node without one is taken for half busy.
    pub loads: &'a Loads,
    /// The operators' rules.
    pub rules: &'a Rules,
    /// Now, by the clock that stamped the loads.
    pub now_ms: u64,
}

/// An actor that looks for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The actor.
    pub actor: ActorId,
    /// The node it belongs to: a stream's publisher's. For other kinds none is needed: what has a channel is drawn
    /// to the channel's stream.
    pub near: Option<NodeId>,
}

/// Where an actor goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The node; none when no node can have it now.
    pub node: Option<NodeId>,
    /// What decided, in a sentence.
    pub rule: String,
    /// Every node, best first, those that cannot have it last.
    pub scores: Vec<NodeScore>,
}

/// Decides where an actor goes, as if it were nowhere yet.
#[must_use]
pub fn choose(view: &View<'_>, want: &Want) -> Choice {
    decide(view, &Census::of(view, Some(&want.actor)), want)
}

/// Decides where several actors go, one after the other: each counts for those after it, so that what one node's
/// death leaves behind does not all go to the same place.
#[must_use]
pub fn choose_all(view: &View<'_>, wants: &[Want]) -> Vec<Choice> {
    let mut census = Census::of(view, None);
    let mut choices = Vec::with_capacity(wants.len());
    for want in wants {
        if let Some(lease) = view.directory.leases.of(&want.actor) {
            census.take(&want.actor, lease.node);
        }
        let choice = decide(view, &census, want);
        if let Some(node) = choice.node {
            census.put(&want.actor, node);
        }
        choices.push(choice);
    }
    choices
}

/// What is said of a stream that nobody publishes. The node that would have most points is of no interest: the
/// publisher decides.
const NOWHERE: &str = "On no node now: a stream is where its publisher is connected.";

/// [`choose`] for operators, beside where the actor is now.
#[must_use]
pub fn explain(view: &View<'_>, want: &Want) -> PlacementInfo {
    let current = view.directory.leases.of(&want.actor).map(|lease| lease.node);
    let choice = match (want.actor.kind, current) {
        (ActorKind::Stream, None) => {
            Choice { node: None, rule: NOWHERE.into(), scores: Vec::new() }
        }
        _ => choose(view, want),
    };
    PlacementInfo {
        actor: want.actor.clone(),
        current,
        chosen: choice.node,
        rule: choice.rule,
        scores: choice.scores,
    }
}

/// How a kind of actor finds its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// On one node and no other.
    Tied(NodeId),
    /// By weighted rendezvous hashing.
    Hashed,
    /// By points.
    Scored,
}

fn way(kind: ActorKind, near: Option<NodeId>) -> Way {
    match (kind, near) {
        (ActorKind::Stream | ActorKind::Session | ActorKind::Room, Some(node)) => Way::Tied(node),
        (ActorKind::Room, None) => Way::Hashed,
        _ => Way::Scored,
    }
}

/// The role that a node needs to have an actor of this kind; one of them is enough.
const fn roles_for(kind: ActorKind) -> &'static [Role] {
    match kind {
        ActorKind::Stream | ActorKind::Session | ActorKind::Room | ActorKind::Puller => {
            &[Role::Ingest]
        }
        ActorKind::Recorder => &[Role::Ingest, Role::Edge],
        ActorKind::Transcoder => &[Role::Transcode],
    }
}

fn decide(view: &View<'_>, census: &Census, want: &Want) -> Choice {
    let near = want.near.or_else(|| census.stream_of(&want.actor));
    let way = way(want.actor.kind, near);
    let all = view.directory.members.iter();
    let mut scores: Vec<NodeScore> = all
        .map(|member| {
            let mut score = score::of(view, census, &want.actor, member, near, way);
            score.barred = barred(view, census, &want.actor, member, way);
            score
        })
        .collect();
    scores.sort_by_cached_key(|score| {
        let ticket = score::ticket(view, &want.actor, score.node);
        (score.barred.is_some(), std::cmp::Reverse((score.points, ticket)), score.node)
    });
    let node = scores.first().filter(|best| best.barred.is_none()).map(|best| best.node);
    let rule = rule(view, &want.actor, way, node);
    Choice { node, rule, scores }
}

/// Why a node cannot have an actor.
fn barred(
    view: &View<'_>,
    census: &Census,
    actor: &ActorId,
    member: &Member,
    way: Way,
) -> Option<String> {
    if let Way::Tied(node) = way
        && node != member.id
    {
        let name = view.directory.members.name(node);
        return Some(match actor.kind {
            ActorKind::Stream => format!("its publisher is connected to {name}"),
            kind => format!("a {kind} is beside its stream, which is on {name}"),
        });
    }
    if let Some(sentence) = unfit(census, member) {
        return Some(sentence);
    }
    let roles = roles_for(actor.kind);
    if !roles.iter().any(|role| member.profile.roles.contains(*role)) {
        let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        return Some(format!("has not the role {}", words.join(" or ")));
    }
    if let Some(sentence) = view.rules.bar(actor, member) {
        return Some(sentence);
    }
    // What follows its stream or its hash would only be torn apart by a moment's load.
    let load = census.load(member.id);
    (way == Way::Scored && load > i64::from(OVERLOAD))
        .then(|| format!("is overloaded: {} % busy", load / 10))
}

fn unfit(census: &Census, member: &Member) -> Option<String> {
    let state = match member.state {
        NodeState::Up => None,
        NodeState::Joining => Some("has joined and not started yet"),
        NodeState::Suspect => Some("has not been heard from for a while"),
        NodeState::Fenced => Some("was given up after it fell silent"),
        NodeState::Removed => Some("was removed"),
    };
    let duty = match member.duty {
        _ if census.is_drained(member.id) => Some("is being drained"),
        Duty::Serving => None,
        Duty::Cordoned => Some("is cordoned"),
        Duty::Draining => Some("is being drained"),
    };
    state.or(duty).map(str::to_owned)
}

/// What decided, in a sentence.
fn rule(view: &View<'_>, actor: &ActorId, way: Way, node: Option<NodeId>) -> String {
    let name = |node| view.directory.members.name(node);
    let Some(node) = node else {
        return match way {
            Way::Tied(only) => {
                format!("Nowhere: only {} could have it, and that node cannot.", name(only))
            }
            Way::Hashed | Way::Scored => "Nowhere: no node can have it now.".to_owned(),
        };
    };
    let node = name(node);
    if let Some(pin) = view.rules.pin(actor) {
        return format!(
            "On {node}: rule `{}` pins it, and among what it allows {node} is best.",
            pin.name
        );
    }
    match (way, actor.kind) {
        (Way::Tied(_), ActorKind::Stream) => {
            format!("On {node}: a stream is where its publisher is connected.")
        }
        (Way::Tied(_), kind) => format!("On {node}: a {kind} is beside its channel's stream."),
        (Way::Hashed, kind) => format!(
            "On {node}: nobody publishes on the channel, so the hash of the {kind}'s name decides."
        ),
        (Way::Scored, _) => {
            format!("On {node}: it has the most points of load, locality and spread.")
        }
    }
}

#[cfg(test)]
mod tests;
