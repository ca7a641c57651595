//! What happened, newest first.

use weir_model::Event;

use crate::state::State;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Column, left, wide};

const COLUMNS: [Column; 6] = [
    left("TIME", 8, 0),
    left("KIND", 18, 1),
    left("CHANNEL", 12, 2),
    wide("TEXT", 20),
    wide("FIELDS", 12),
    left("CURSOR", 16, 3),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.events;
    let events = &state.shown().events;
    let follows = match (list.cursor(), state.held()) {
        (_, Some(_)) => "held; space continues",
        (0, None) => "following the newest",
        (_, None) => "not following; g returns to the newest",
    };
    let line = format!("{}, times in UTC, {follows}", table::counted(list, "events"));
    paint.line(0, &line, Tone::Dim);
    let height = paint.height();
    let body = &mut paint.rows(1, height);
    table::draw::<Event>(body, list, &COLUMNS, |index| match events.get(index) {
        Some(event) => vec![
            (text::clock(event.at), Tone::Dim),
            (event.kind.clone(), tone(&event.kind)),
            (event.channel.as_ref().map(ToString::to_string).unwrap_or_default(), Tone::Accent),
            (event.text.clone(), Tone::Text),
            (fields(event), Tone::Dim),
            (event.cursor.to_string(), Tone::Dim),
        ],
        None => Vec::new(),
    });
    table::empty(body, list, "Nothing happened yet.");
}

fn fields(event: &Event) -> String {
    let all: Vec<_> = event.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    all.join(" ")
}

/// Draws an event on one line, without its channel.
pub fn event_line(paint: &mut Paint<'_>, y: u16, event: &Event) {
    let kind = format!(" {:<18} ", event.kind);
    paint.spans(
        0,
        y,
        &[
            (&text::clock(event.at), Tone::Dim),
            (&kind, tone(&event.kind)),
            (&event.text, Tone::Text),
        ],
    );
}

fn tone(kind: &str) -> Tone {
    let verb = kind.rsplit('.').next().unwrap_or(kind);
    match verb {
        "refused" | "failed" | "error" | "kicked" | "lost" => Tone::Warning,
        _ => Tone::Text,
    }
}
