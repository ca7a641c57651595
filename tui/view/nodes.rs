//! Nodes of the cluster, and what is wanted of them.

use weir_model::cluster::{ClusterNode, Duty, NodeChange, NodeState};

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::cluster::{load, vote};
use crate::state::confirm::Confirm;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 17] = [
    wide("NODE", 8),
    left("STATE", 7, 0),
    left("DUTY", 8, 0),
    left("ROLES", 12, 4),
    left("VOTE", 6, 2),
    right("CPU", 4, 3),
    right("STRM", 5, 5),
    right("VIEW", 5, 4),
    right("ACT", 4, 1),
    right("LAG", 4, 3),
    right("LINKS", 5, 2),
    right("HEARD", 6, 6),
    right("SKEW", 6, 0),
    left("ZONE", 8, 0),
    left("VERSION", 8, 0),
    left("LINK", 21, 0),
    left("ID", 21, 0),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.nodes;
    let nodes = &state.shown().nodes;
    table::draw::<ClusterNode>(paint, list, &COLUMNS, |index| match nodes.get(index) {
        Some(node) => cells(node),
        None => Vec::new(),
    });
    super::nothing(paint, state, list, "No nodes are known yet.");
}

fn cells(node: &ClusterNode) -> Vec<Cell> {
    let count = |n: Option<u64>| n.map(text::count).unwrap_or_default();
    let state = match node.state {
        NodeState::Up => Tone::Ok,
        NodeState::Fenced | NodeState::Removed => Tone::Bad,
        NodeState::Joining | NodeState::Suspect => Tone::Warning,
    };
    let duty = if node.duty == Duty::Serving { Tone::Text } else { Tone::Warning };
    let links = format!("{}/{}", node.links_up, node.links_up + node.links_down);
    let cpu = load(node, |load| u64::from(load.cpu / 10)).map(|cpu| format!("{cpu}%"));
    let heard = node.heard_ms.map(text::age).unwrap_or_default();
    let skew = node.clock_skew_ms.map(|ms| format!("{ms}ms")).unwrap_or_default();
    vec![
        (node.name.clone(), Tone::Accent),
        (node.state.as_str().into(), state),
        (node.duty.as_str().into(), duty),
        (node.roles.to_string(), Tone::Text),
        (vote(node).into(), Tone::Text),
        (cpu.unwrap_or_default(), Tone::Text),
        (count(load(node, |load| u64::from(load.streams))), Tone::Text),
        (count(load(node, |load| u64::from(load.viewers))), Tone::Text),
        (text::count(node.leases), Tone::Text),
        (count(node.lag), Tone::Text),
        (links, if node.links_down > 0 { Tone::Warning } else { Tone::Text }),
        (heard, Tone::Dim),
        (skew, Tone::Dim),
        (node.zone.clone().unwrap_or_default(), Tone::Dim),
        (node.version.clone(), Tone::Dim),
        (node.link.clone(), Tone::Dim),
        (node.id.to_string(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    let change = match command {
        Command::Cordon => NodeChange::Cordon,
        Command::Uncordon => NodeChange::Uncordon,
        Command::Drain => NodeChange::Drain,
        Command::Rebalance => return Some(Intent::Ask(Box::new(Confirm::rebalance("")))),
        _ => return None,
    };
    let node = state.lists.nodes.selected(&state.shown().nodes);
    Some(match node {
        Some(node) => Intent::Ask(Box::new(Confirm::change_node(node, change, ""))),
        None => Intent::Tell("there is no node under the cursor".into()),
    })
}
