//! A node's points for an actor, each with its reason in words.

use weir_model::cluster::{NodeScore, ScorePart};
use weir_model::{ActorId, NodeId};

use super::census::Census;
use super::{View, Way};
use crate::members::Member;
use crate::rendezvous;

/// Points of an idle node; a busy one has fewer in proportion.
const LOAD_POINTS: i64 = 600;

/// Points of the node where the channel's stream is: no media cross a link.
const SAME_NODE_POINTS: i64 = 300;

/// Points of a node in the same failure domain: media cross a short link.
const SAME_ZONE_POINTS: i64 = 100;

/// Points lost for each actor of the same kind there, so that one death does not take them all …
const SPREAD_POINTS: i64 = 30;

/// … until distance no longer matters.
const SPREAD_POINTS_MAX: i64 = 600;

/// Points of the node to which an actor is tied: more than anything else gives.
const TIED_POINTS: i64 = 1000;

pub(super) fn of(
    view: &View<'_>,
    census: &Census,
    actor: &ActorId,
    member: &Member,
    near: Option<NodeId>,
    way: Way,
) -> NodeScore {
    let parts = match way {
        Way::Tied(node) => tied(node == member.id),
        Way::Hashed => vec![hashed(view, actor, member)],
        Way::Scored => vec![
            by_load(census, member),
            by_locality(view, member, near),
            by_spread(census, actor, member),
        ],
    };
    NodeScore {
        node: member.id,
        name: member.profile.name.clone(),
        points: parts.iter().map(|part| part.points).sum(),
        parts,
        barred: None,
    }
}

/// A node's ticket for an actor.
pub(super) fn ticket(view: &View<'_>, actor: &ActorId, node: NodeId) -> u64 {
    let weight = view.directory.members.of(node).map_or(1, |member| member.profile.weight);
    rendezvous::ticket(&actor.to_string(), node, weight)
}

fn part(name: &str, points: i64, text: String) -> ScorePart {
    ScorePart { name: name.to_owned(), points, text }
}

fn tied(here: bool) -> Vec<ScorePart> {
    let own = || part("locality", TIED_POINTS, "it belongs to this node".to_owned());
    if here { vec![own()] } else { Vec::new() }
}

/// The ticket as points up to 1000, so that people can compare; equal points are told apart by the ticket itself.
fn hashed(view: &View<'_>, actor: &ActorId, member: &Member) -> ScorePart {
    let points = i64::try_from(ticket(view, actor, member.id) / (u64::MAX / 1000)).unwrap_or(1000);
    let weight = member.profile.weight.clamp(1, rendezvous::WEIGHT_MAX);
    part("hash", points, format!("the best of {weight} tickets drawn by the hash of the name"))
}

fn by_load(census: &Census, member: &Member) -> ScorePart {
    let points = LOAD_POINTS * (1000 - census.rounded_load(member.id)) / 1000;
    part("load", points, format!("{} % busy", census.load(member.id) / 10))
}

fn by_locality(view: &View<'_>, member: &Member, near: Option<NodeId>) -> ScorePart {
    let Some(near) = near else {
        return part("locality", 0, "the channel has no stream now".to_owned());
    };
    if near == member.id {
        return part("locality", SAME_NODE_POINTS, "the channel's stream is here".to_owned());
    }
    let zone = view.directory.members.of(near).and_then(Member::zone);
    match zone {
        Some(zone) if member.zone() == Some(zone) => {
            let text = format!("the channel's stream is in the same zone, {zone}");
            part("locality", SAME_ZONE_POINTS, text)
        }
        _ => part("locality", 0, "the channel's stream is elsewhere".to_owned()),
    }
}

fn by_spread(census: &Census, actor: &ActorId, member: &Member) -> ScorePart {
    let count = census.count(member.id, actor.kind).max(0);
    let points = -(count * SPREAD_POINTS).min(SPREAD_POINTS_MAX);
    let plural = if count == 1 { "" } else { "s" };
    part("spread", points, format!("{count} other {}{plural} here", actor.kind))
}
