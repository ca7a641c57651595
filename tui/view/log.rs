//! What was done from this console, each with the command line that does the same.

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::log::{Entry, Outcome};
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Column, left, wide};

const COLUMNS: [Column; 4] =
    [left("TIME", 8, 2), left("OUTCOME", 8, 0), wide("COMMAND", 30), wide("ANSWER", 10)];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.log;
    let entries = state.log.entries();
    table::draw::<Entry>(paint, list, &COLUMNS, |index| match entries.get(index) {
        Some(entry) => {
            let tone = match entry.outcome {
                Outcome::Running => Tone::Warning,
                Outcome::Done(_) => Tone::Ok,
                Outcome::Failed(_) => Tone::Bad,
            };
            vec![
                (entry.at.map(text::clock).unwrap_or_default(), Tone::Dim),
                (entry.outcome.word().into(), tone),
                (entry.cli.clone(), Tone::Text),
                (entry.outcome.text().into(), Tone::Text),
            ]
        }
        None => Vec::new(),
    });
    table::empty(paint, list, "Nothing was done from this console yet.");
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    if command != Command::Copy {
        return None;
    }
    let entry = state.lists.log.selected(state.log.entries());
    Some(entry.map_or(Intent::None, |entry| Intent::Copy(entry.cli.clone())))
}
