//! Links of the asked node to the others.

use weir_model::cluster::{LinkInfo, LinkState};

use crate::state::State;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 13] = [
    wide("TO", 8),
    left("LANE", 7, 0),
    left("STATE", 10, 0),
    right("FOR", 6, 4),
    right("RTT", 8, 0),
    right("LOSS", 6, 1),
    right("SENT", 8, 3),
    right("RECV", 8, 3),
    right("STRM", 4, 5),
    right("LAG", 6, 1),
    wide("ERROR", 8),
    left("REMOTE", 21, 0),
    right("PROTO", 5, 0),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.links;
    let links = &state.shown().links;
    table::draw::<LinkInfo>(paint, list, &COLUMNS, |index| match links.get(index) {
        Some(link) => cells(link, state),
        None => Vec::new(),
    });
    super::nothing(paint, state, list, "This node has no links: it is alone.");
}

fn cells(link: &LinkInfo, state: &State) -> Vec<Cell> {
    let tone = match link.state {
        LinkState::Up => Tone::Ok,
        LinkState::Connecting => Tone::Warning,
        LinkState::Down => Tone::Bad,
    };
    let age = state.node_now().map(|now| text::duration(now.since_ms(link.since)));
    let lossy = if link.loss_ppm > 10_000 { Tone::Warning } else { Tone::Text };
    vec![
        (link.to_name.clone(), Tone::Accent),
        (link.lane.clone(), Tone::Text),
        (link.state.as_str().into(), tone),
        (age.unwrap_or_default(), Tone::Dim),
        (format!("{:.1}ms", link.rtt_us as f64 / 1000.0), Tone::Text),
        (format!("{:.2}%", f64::from(link.loss_ppm) / 10_000.0), lossy),
        (text::bytes(link.sent_bytes), Tone::Text),
        (text::bytes(link.received_bytes), Tone::Text),
        (link.streams.to_string(), Tone::Text),
        (link.lag_ms.map(|ms| format!("{ms}ms")).unwrap_or_default(), Tone::Text),
        (link.last_error.clone().unwrap_or_default(), Tone::Dim),
        (link.remote.clone(), Tone::Dim),
        (link.protocol.to_string(), Tone::Dim),
    ]
}
