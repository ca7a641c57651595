//! Payouts: what is on its way to streamers, and what became of it.

use weir_model::Timestamp;
use weir_model::money::{PayoutInfo, PayoutState};

use crate::act::money::{Deed, Wish};
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::money::rows::payout_state;
use crate::state::nav::{MoneyPage, View, WalletPage};
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 7] = [
    wide("WHO", 20),
    left("STATE", 7, 0),
    right("AMOUNT", 10, 0),
    left("PROVIDER", 10, 1),
    right("SINCE", 6, 0),
    right("RECORD", 7, 2),
    left("PAYOUT", 32, 3),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.payouts;
    let line = || format!("{}, the newest", table::counted(list, "payouts"));
    let Some(body) = &mut money::body(paint, state, &MoneyPage::Payouts, line) else { return };
    let (known, now) = (&state.shown().money, state.node_now());
    table::draw::<PayoutInfo>(body, list, &COLUMNS, |index| match known.payouts.get(index) {
        Some(payout) => cells(payout, now),
        None => Vec::new(),
    });
    table::empty(body, list, "Nobody has asked for a payout yet.");
}

fn cells(payout: &PayoutInfo, now: Option<Timestamp>) -> Vec<Cell> {
    let tone = match payout.state {
        PayoutState::Open => Tone::Warning,
        PayoutState::Paid => Tone::Ok,
        PayoutState::Failed => Tone::Bad,
    };
    let since = now.map(|now| text::duration(now.since_ms(payout.at)));
    vec![
        (payout.account.to_string(), Tone::Accent),
        (payout_state(payout).into(), tone),
        (payout.amount.clone(), Tone::Text),
        (payout.provider.clone(), Tone::Text),
        (since.unwrap_or_default(), Tone::Dim),
        (payout.seq.to_string(), Tone::Dim),
        (payout.id.to_string(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    let arrived = match command {
        Command::Open => None,
        Command::PayoutPaid => Some(true),
        Command::PayoutFailed => Some(false),
        _ => return None,
    };
    let payout = state.lists.payouts.selected(&state.shown().money.payouts);
    Some(match (payout, arrived) {
        (None, _) => Intent::Tell("there is no payout under the cursor".into()),
        (Some(payout), None) => {
            Intent::Open(View::Money(MoneyPage::Wallet(WalletPage::of(payout.account))))
        }
        (Some(payout), Some(arrived)) => ended(payout, arrived),
    })
}

/// Also what was paid may come back yet.
fn ended(payout: &PayoutInfo, arrived: bool) -> Intent {
    match (payout.state, arrived) {
        (PayoutState::Failed, _) => Intent::Tell("it has failed already".into()),
        (PayoutState::Paid, true) => Intent::Tell("it has been paid already".into()),
        (PayoutState::Open, _) | (PayoutState::Paid, false) => {
            let deed = Deed::Payout { id: payout.id, arrived };
            Intent::Try(Wish::Deed(deed), String::new())
        }
    }
}
