//! What staff did, and what it came to.

use weir_model::Timestamp;
use weir_model::audit::{ActOutcome, AuditEntry};

use crate::conn::money::ROWS_MAX;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::money::rows::{actor, came_to};
use crate::state::nav::{MoneyPage, View};
use crate::text;
use crate::theme::Tone;

use super::ledger::following;
use super::money;
use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 9] = [
    right("ENTRY", 7, 0),
    right("AGE", 6, 0),
    left("WHO", 12, 0),
    left("ACTION", 14, 0),
    wide("TARGET", 14),
    wide("REASON", 10),
    wide("CAME TO", 10),
    wide("DETAIL", 20),
    left("TOKEN", 20, 1),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, before: Option<u64>) {
    let list = &state.lists.audit;
    let line = || {
        let before = before.map(|before| format!(" before {before}")).unwrap_or_default();
        format!(
            "{}{before}, {}; n shows older",
            table::counted(list, "entries"),
            following(state, list)
        )
    };
    let Some(body) = &mut money::body(paint, state, &MoneyPage::Audit(before), line) else {
        return;
    };
    let (entries, now) = (&state.shown().money.audit, state.node_now());
    table::draw::<AuditEntry>(body, list, &COLUMNS, |index| match entries.get(index) {
        Some(entry) => cells(entry, now),
        None => Vec::new(),
    });
    table::empty(body, list, "Nobody did anything yet.");
}

fn cells(entry: &AuditEntry, now: Option<Timestamp>) -> Vec<Cell> {
    let tone = if entry.outcome == ActOutcome::Failed { Tone::Warning } else { Tone::Text };
    let age = now.map(|now| text::duration(now.since_ms(entry.at)));
    vec![
        (entry.seq.to_string(), Tone::Dim),
        (age.unwrap_or_default(), Tone::Dim),
        (actor(entry), Tone::Accent),
        (entry.action.clone(), Tone::Text),
        (entry.target.clone(), Tone::Text),
        (entry.reason.clone(), Tone::Text),
        (came_to(entry), tone),
        (entry.detail.clone(), Tone::Dim),
        (entry.token.clone(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    if command != Command::Older {
        return None;
    }
    let entries = &state.shown().money.audit;
    Some(match entries.first().filter(|_| entries.len() >= ROWS_MAX) {
        Some(first) => Intent::Open(View::Money(MoneyPage::Audit(Some(first.seq)))),
        None => Intent::Tell("there are no older entries".into()),
    })
}
