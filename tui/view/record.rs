//! One record of the ledger: who asked for what, what it did, and which payment it was.

use weir_model::money::{LedgerExplanation, PostingStage};

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::state::nav::MoneyPage;
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, seq: u64) {
    let page = MoneyPage::Record(seq);
    let title = || format!("record {seq} of the ledger");
    let Some(body) = &mut money::body(paint, state, &page, title) else { return };
    let Some(found) = state.shown().money.record.as_deref() else { return };
    let wide = usize::from(body.width().saturating_sub(2));
    let mut y: u16 = 0;
    for sentence in &found.sentences {
        body.at(0, y, "-", Tone::Accent);
        for line in text::wrap(sentence, wide) {
            body.at(2, y, &line, Tone::Text);
            y = y.saturating_add(1);
        }
    }
    let height = body.height();
    postings(&mut body.rows(y.saturating_add(1), height), found);
}

fn postings(paint: &mut Paint<'_>, found: &LedgerExplanation) {
    let record = &found.record;
    paint.line(
        0,
        "ACCOUNT                                  STAGE       DEBIT     CREDIT",
        Tone::Title,
    );
    let mut y = 1;
    for posting in &record.postings {
        let stage = match posting.stage {
            PostingStage::Posted => "posted",
            PostingStage::Reserved => "reserved",
            PostingStage::Released => "released",
        };
        let side = |amount: &Option<String>| amount.clone().unwrap_or_default();
        let account = text::fit(&posting.account, 40, paint.theme.ascii);
        let (debit, credit) = (side(&posting.debit), side(&posting.credit));
        let line = format!("{account:<40} {stage:<8} {debit:>9}  {credit:>9}");
        paint.line(y, &line, Tone::Text);
        y = y.saturating_add(1);
    }
    for charge in &record.charges {
        paint.line(y.saturating_add(1), &format!("payment {charge}"), Tone::Accent);
        y = y.saturating_add(1);
    }
    let hash = format!("hash {}", record.hash);
    paint.line(y.saturating_add(1), &hash, Tone::Dim);
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State, seq: u64) -> Option<Intent> {
    if command != Command::Refund {
        return None;
    }
    let known = &state.shown().money;
    let record = known.record.as_deref().filter(|_| known.is_of(&MoneyPage::Record(seq)));
    Some(match record {
        Some(found) => Intent::Ask(Box::new(Confirm::refund(seq, &found.record.what, None))),
        None => Intent::Tell("wait until the node has told this record".into()),
    })
}
