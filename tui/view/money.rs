//! What all pages about money share: the line above the rows, and what stands there until the node has answered.

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::nav::{MoneyPage, TOP, TOP_CLUSTER, View};
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::{audit, ledger, payouts, people, record, session, sessions, wallet};

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, page: &MoneyPage) {
    match page {
        MoneyPage::Sessions => sessions::draw(paint, state),
        MoneyPage::Session(id) => session::draw(paint, state, *id),
        MoneyPage::People(after) => people::draw(paint, state, after.as_ref()),
        MoneyPage::Wallet(page) => wallet::draw(paint, state, page),
        MoneyPage::Payouts => payouts::draw(paint, state),
        MoneyPage::Ledger(from) => ledger::draw(paint, state, *from),
        MoneyPage::Audit(before) => audit::draw(paint, state, *before),
        MoneyPage::Record(seq) => record::draw(paint, state, *seq),
    }
}

/// What a command means on that page.
#[must_use]
pub fn intent(command: Command, state: &State, page: &MoneyPage) -> Option<Intent> {
    let here = match page {
        MoneyPage::Sessions => sessions::intent(command, state),
        MoneyPage::Session(id) => session::intent(command, state, *id),
        MoneyPage::People(_) => people::intent(command, state),
        MoneyPage::Wallet(page) => wallet::intent(command, state, page),
        MoneyPage::Payouts => payouts::intent(command, state),
        MoneyPage::Ledger(_) => ledger::intent(command, state),
        MoneyPage::Audit(_) => audit::intent(command, state),
        MoneyPage::Record(seq) => record::intent(command, state, *seq),
    };
    here.or_else(|| (command == Command::Pane).then(|| next(page)))
}

/// The next page about money, round; they have no digits.
fn next(page: &MoneyPage) -> Intent {
    let pages = &TOP[TOP_CLUSTER..];
    let at = pages.iter().position(|(top, ..)| *top == View::Money(page.clone()));
    let next = at.and_then(|at| pages.get((at + 1) % pages.len()));
    next.map_or(Intent::None, |(view, ..)| Intent::Open(view.clone()))
}

/// The command line that prints that page, and whether it takes the page's filter.
#[must_use]
pub fn shell(page: &MoneyPage) -> (String, bool) {
    match page {
        MoneyPage::Sessions => ("weir session list".into(), true),
        MoneyPage::Session(id) => (format!("weir session show {id}"), false),
        MoneyPage::People(None) => ("weir account list".into(), true),
        MoneyPage::People(Some(after)) => (format!("weir account list --after {after}"), true),
        MoneyPage::Wallet(page) => (wallet::shell(page), false),
        MoneyPage::Payouts => ("weir payout list".into(), true),
        MoneyPage::Ledger(None) => ("weir ledger tail".into(), true),
        MoneyPage::Ledger(Some(from)) => (format!("weir ledger tail --from {from}"), true),
        MoneyPage::Audit(None) => ("weir audit list".into(), true),
        MoneyPage::Audit(Some(before)) => (format!("weir audit list --before {before}"), true),
        MoneyPage::Record(seq) => (format!("weir ledger explain {seq}"), false),
    }
}

/// Draws the first line, and answers with the room below it; none while the node has not said what the page shows.
/// A refusal stands in place of the line, so that rows of before are not taken for those of now.
pub(super) fn body<'p>(
    paint: &'p mut Paint<'_>,
    state: &State,
    page: &MoneyPage,
    line: impl FnOnce() -> String,
) -> Option<Paint<'p>> {
    let data = state.shown();
    let is_told = data.money.is_of(page);
    match &data.refused {
        Some(why) => {
            let old = if is_told { " What follows is older." } else { "" };
            let line = format!("{why}{old}");
            paint.line(
                0,
                &text::fit(&line, usize::from(paint.width()), paint.theme.ascii),
                Tone::Warning,
            );
        }
        None if !is_told => paint.line(0, "Asking the node.", Tone::Dim),
        None => paint.line(0, &line(), Tone::Dim),
    }
    let height = paint.height();
    is_told.then(|| paint.rows(1, height))
}
