//! The node: what it is, what it uses, where it listens, and every background loop.

use weir_model::node::{LoopInfo, NodeStatus};

use crate::graph;
use crate::state::State;
use crate::state::rows::loop_state;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const LOOPS: [Column; 8] = [
    wide("LOOP", 18),
    left("STATE", 9, 0),
    right("QUEUE", 6, 1),
    right("DONE", 6, 3),
    right("ERRORS", 7, 0),
    right("AGE", 6, 4),
    wide("LAST ERROR", 16),
    left("STARTED", 16, 0),
];

/// Lines that the list of loops always keeps.
const LOOP_ROWS_MIN: u16 = 6;

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let Some(status) = state.shown().status.clone() else {
        paint.line(0, "Waiting for the node.", Tone::Dim);
        return;
    };
    facts(paint, state, &status);
    let room = paint.height().saturating_sub(3 + LOOP_ROWS_MIN);
    let used = endpoints(&mut paint.rows(3, room), &status);
    let y = 3 + used;
    let list = &state.lists.loops;
    let line = table::counted(list, "background loops");
    paint.line(y, &line, Tone::Dim);
    let height = paint.height();
    let body = &mut paint.rows(y + 1, height);
    table::draw::<LoopInfo>(body, list, &LOOPS, |index| match status.loops.get(index) {
        Some(info) => cells(info, state),
        None => Vec::new(),
    });
    table::empty(body, list, "The node reports no loops.");
}

fn facts(paint: &mut Paint<'_>, state: &State, status: &NodeStatus) {
    let up = state.node_now().map(|now| text::duration(now.since_ms(status.started_at)));
    let roles = status.roles.join(", ");
    let x = paint.spans(0, 0, &[(&status.name, Tone::Accent), ("  up ", Tone::Dim)]);
    let x = paint.at(x, 0, &up.unwrap_or_default(), Tone::Text);
    paint.spans(x, 0, &[("  roles ", Tone::Dim), (&roles, Tone::Text)]);
    let cpu = match state.history.cpu_percent() {
        Some(percent) => format!("{percent:.1} % of a core now, "),
        None => String::new(),
    };
    let line = format!(
        "memory {}  processor {cpu}{:.1} s in all",
        text::bytes(status.rss_bytes),
        status.cpu_seconds
    );
    paint.line(1, &line, Tone::Text);
    let columns = usize::from(paint.width() / 2).saturating_sub(18).min(60);
    let ascii = paint.theme.ascii;
    let ingest = graph::spark(&state.history.ingest(), columns, ascii);
    let viewers = graph::spark(&state.history.viewers(), columns, ascii);
    let rate = format!("{:>6}bit/s ", text::bitrate(status.ingest_bitrate));
    let watching = format!("  viewers {:>5} ", text::count(status.viewers));
    paint.spans(
        0,
        2,
        &[
            ("ingest ", Tone::Dim),
            (&rate, Tone::Text),
            (&ingest, Tone::Ok),
            (&watching, Tone::Text),
            (&viewers, Tone::Ok),
        ],
    );
}

/// Draws the addresses, two on a line where they fit; answers the lines used.
fn endpoints(paint: &mut Paint<'_>, status: &NodeStatus) -> u16 {
    let half = paint.width() / 2;
    for (n, endpoint) in (0_u16..).zip(&status.endpoints) {
        let (x, y) = (n % 2 * half, n / 2);
        let name = format!("{:<8}", endpoint.name);
        let url = text::fit(&endpoint.url, usize::from(half.saturating_sub(9)), paint.theme.ascii);
        paint.spans(x, y, &[(&name, Tone::Dim), (&url, Tone::Text)]);
    }
    let lines = u16::try_from(status.endpoints.len().div_ceil(2)).unwrap_or(u16::MAX);
    lines.min(paint.height())
}

fn cells(info: &LoopInfo, state: &State) -> Vec<Cell> {
    let word = loop_state(info);
    let tone = match (word, info.last_error.is_some()) {
        ("stopped", true) => Tone::Bad,
        ("stopped", false) => Tone::Dim,
        _ => Tone::Text,
    };
    let now = state.node_now();
    let age = now.map(|now| text::duration(now.since_ms(info.since))).unwrap_or_default();
    let errors = if info.errors > 0 { Tone::Warning } else { Tone::Text };
    vec![
        (info.name.clone(), Tone::Text),
        (word.into(), tone),
        (text::count(info.queue), Tone::Text),
        (text::count(info.done), Tone::Text),
        (text::count(info.errors), errors),
        (age, Tone::Dim),
        (info.last_error.clone().unwrap_or_default(), errors),
        (text::day(info.since), Tone::Dim),
    ]
}
