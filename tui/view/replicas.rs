//! Copies of streams' windows, and how far each is behind.

use weir_model::cluster::{ReplicaInfo, ReplicaRole};

use crate::state::State;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

/// A copy that is further behind than this is shown as late: players of low latency begin to wait.
const LATE_MS: u64 = 1000;

const COLUMNS: [Column; 8] = [
    wide("CHANNEL", 12),
    wide("NODE", 10),
    left("ROLE", 7, 0),
    left("FROM", 10, 1),
    right("HOPS", 5, 3),
    right("LAG", 8, 0),
    right("SEGMENT", 8, 2),
    right("VIEW", 5, 1),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.replicas;
    let replicas = &state.shown().replicas;
    table::draw::<ReplicaInfo>(paint, list, &COLUMNS, |index| match replicas.get(index) {
        Some(replica) => cells(replica),
        None => Vec::new(),
    });
    super::nothing(paint, state, list, "There are no copies: no stream is live.");
}

fn cells(replica: &ReplicaInfo) -> Vec<Cell> {
    let late = replica.lag_ms.is_none_or(|ms| ms > LATE_MS);
    let lag = replica.lag_ms.map_or_else(|| "?".to_owned(), |ms| format!("{ms}ms"));
    let role = if replica.role == ReplicaRole::Origin { Tone::Ok } else { Tone::Text };
    vec![
        (replica.channel.to_string(), Tone::Accent),
        (replica.node_name.clone(), Tone::Text),
        (replica.role.as_str().into(), role),
        (replica.from_name.clone().unwrap_or_default(), Tone::Dim),
        (replica.hops.len().to_string(), Tone::Dim),
        (lag, if late { Tone::Warning } else { Tone::Text }),
        (replica.msn.map(|msn| msn.to_string()).unwrap_or_default(), Tone::Text),
        (text::count(replica.viewers), Tone::Text),
    ]
}
