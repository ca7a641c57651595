//! Accounts of people; behind each is its wallet.

use weir_model::{Account, AccountName};

use crate::conn::money::ROWS_MAX;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::money::rows::standing;
use crate::state::nav::{MoneyPage, View, WalletPage};
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;
use super::table::{self, Cell, Column, left, wide};

const COLUMNS: [Column; 6] = [
    wide("NAME", 12),
    wide("ROLES", 16),
    left("STATE", 8, 0),
    left("PASSWORD", 9, 3),
    left("CREATED", 16, 1),
    left("ACCOUNT", 20, 2),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, after: Option<&AccountName>) {
    let list = &state.lists.people;
    let page = MoneyPage::People(after.cloned());
    let people = &state.shown().money.people;
    let Some(body) = &mut money::body(paint, state, &page, || {
        let from = after.map(|after| format!(" behind {after}")).unwrap_or_default();
        let more = if people.len() < ROWS_MAX { "" } else { "; n shows more" };
        format!("{} by name{from}{more}", table::counted(list, "accounts"))
    }) else {
        return;
    };
    table::draw::<Account>(body, list, &COLUMNS, |index| match people.get(index) {
        Some(account) => cells(account),
        None => Vec::new(),
    });
    table::empty(body, list, "No accounts: weir account create NAME makes one.");
}

fn cells(account: &Account) -> Vec<Cell> {
    let tone = if account.disabled_at.is_some() { Tone::Warning } else { Tone::Ok };
    vec![
        (account.name.to_string(), Tone::Accent),
        (account.roles.to_string(), Tone::Text),
        (standing(account).into(), tone),
        (if account.password { "yes" } else { "no" }.into(), Tone::Dim),
        (text::day(account.created_at), Tone::Dim),
        (account.id.to_string(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    let people = &state.shown().money.people;
    match command {
        Command::Open => Some(state.lists.people.selected(people).map_or(Intent::None, |one| {
            Intent::Open(View::Money(MoneyPage::Wallet(WalletPage::of(&one.name))))
        })),
        Command::Older => Some(match people.last().filter(|_| people.len() >= ROWS_MAX) {
            Some(last) => Intent::Open(View::Money(MoneyPage::People(Some(last.name.clone())))),
            None => Intent::Tell("these are the last accounts".into()),
        }),
        _ => None,
    }
}
