//! Who owns what in the cluster.

use weir_model::cluster::LeaseInfo;

use crate::state::State;
use crate::state::cluster::owned;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 6] = [
    wide("ACTOR", 20),
    wide("NODE", 10),
    left("STATE", 6, 0),
    right("FOR", 6, 1),
    right("EPOCH", 10, 2),
    right("INCARNATION", 14, 0),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.actors;
    let actors = &state.shown().actors;
    table::draw::<LeaseInfo>(paint, list, &COLUMNS, |index| match actors.get(index) {
        Some(lease) => cells(lease, state),
        None => Vec::new(),
    });
    super::nothing(paint, state, list, "Nothing is owned: no stream is live.");
}

fn cells(lease: &LeaseInfo, state: &State) -> Vec<Cell> {
    let tone = if lease.node.is_some() { Tone::Ok } else { Tone::Bad };
    let age = state.node_now().map(|now| text::duration(now.since_ms(lease.since)));
    let incarnation = lease.incarnation.map(|one| one.to_string()).unwrap_or_default();
    vec![
        (lease.actor.to_string(), Tone::Accent),
        (lease.node_name.clone(), Tone::Text),
        (owned(lease).into(), tone),
        (age.unwrap_or_default(), Tone::Dim),
        (lease.epoch.to_string(), Tone::Dim),
        (incarnation, Tone::Dim),
    ]
}
