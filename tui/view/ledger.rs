//! Records of the ledger as they come, the newest first.

use weir_model::Timestamp;
use weir_model::money::LedgerRecord;

use crate::conn::money::ROWS_MAX;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::list::List;
use crate::state::money::rows::did;
use crate::state::nav::{MoneyPage, View};
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 7] = [
    right("RECORD", 7, 0),
    right("AGE", 6, 1),
    left("WHAT", 14, 0),
    wide("DID", 14),
    wide("REASON", 12),
    left("BY", 20, 3),
    left("HASH", 64, 4),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, from: Option<u64>) {
    let list = &state.lists.records;
    let line = || {
        let from = from.map(|from| format!(" from {from} on")).unwrap_or_default();
        format!(
            "{}{from}, {}; n shows older",
            table::counted(list, "records"),
            following(state, list)
        )
    };
    let Some(body) = &mut money::body(paint, state, &MoneyPage::Ledger(from), line) else { return };
    let (known, now) = (&state.shown().money, state.node_now());
    table::draw::<LedgerRecord>(body, list, &COLUMNS, |index| match known.records.get(index) {
        Some(record) => cells(record, now),
        None => Vec::new(),
    });
    table::empty(body, list, "The ledger has no record yet.");
}

/// Whether new rows move the cursor.
pub(super) fn following(state: &State, list: &List) -> &'static str {
    match (list.cursor(), state.held()) {
        (_, Some(_)) => "held, space continues",
        (0, None) => "following the newest",
        (_, None) => "not following, g returns to the newest",
    }
}

fn cells(record: &LedgerRecord, now: Option<Timestamp>) -> Vec<Cell> {
    let tone = if record.refused.is_some() { Tone::Warning } else { Tone::Text };
    let age = now.map(|now| text::duration(now.since_ms(record.at)));
    vec![
        (record.seq.to_string(), Tone::Accent),
        (age.unwrap_or_default(), Tone::Dim),
        (record.what.clone(), Tone::Text),
        (did(record), tone),
        (record.reason.clone(), Tone::Dim),
        (record.by.to_string(), Tone::Text),
        (record.hash.clone(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    let records = &state.shown().money.records;
    match command {
        Command::Open => Some(match state.lists.records.selected(records) {
            Some(record) => Intent::Open(View::Money(MoneyPage::Record(record.seq))),
            None => Intent::None,
        }),
        Command::Older => Some(match records.first().filter(|first| first.seq > 1) {
            Some(first) => {
                let from = first.seq.saturating_sub(ROWS_MAX as u64).max(1);
                Intent::Open(View::Money(MoneyPage::Ledger(Some(from))))
            }
            None => Intent::Tell("there are no older records".into()),
        }),
        _ => None,
    }
}
