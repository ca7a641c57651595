//! The next block of a session.

use super::{OPEN_BLOCKS_MAX, escrow};
use crate::draft::{Draft, SOURCES_MAX};
use crate::flow::payment::must_pay_others;
use crate::leg::Stage;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Terms;
use crate::row::{At, Charge, ChargeState, Hold, HoldId, HoldState, Row};

/// A block to be reserved.
pub(super) struct Block {
    pub(super) id: HoldId,
    pub(super) units: u64,
    pub(super) expires_at: At,
}

pub(super) fn reserve(
    draft: &mut Draft<'_>,
    block: Block,
    terms: &Terms,
    epoch: u64,
) -> Result<Receipt, Refusal> {
    let mut charge = draft.charge(block.id.charge()).unwrap_or_else(|| Charge::open(terms));
    must_be_agreed(&charge, block.id, terms)?;
    let is_new = charge.fence(epoch)?;
    if let Some(known) = draft.hold(block.id) {
        must_be_same(draft, &block, &known)?;
        if is_new {
            draft.put(Row::Charge(block.id.charge(), charge));
        }
        return Ok(Receipt::of(0, draft.spendable(terms.payer)));
    }
    must_be_next(&charge, &block)?;
    must_pay_others(terms.payer, &terms.split)?;
    let Block { id, units, expires_at } = block;
    let sources = draft.spend(terms.payer, units)?;
    if draft.sources_of(id.charge(), &charge) + sources.len() > SOURCES_MAX {
        return Err(Refusal::TooLarge);
    }
    draft.set_aside(Stage::Reserved, escrow(id.session), &sources)?;
    charge.blocks = id.block;
    charge.open.push(id.block);
    charge.reserved = charge.reserved.checked_add(units).ok_or(Refusal::Overflow)?;
    draft.put(Row::Charge(id.charge(), charge));
    let (captured, state) = (0, HoldState::Open);
    draft.put(Row::Hold(id, Hold { sources, units, captured, expires_at, state }));
    Ok(Receipt::of(units, draft.spendable(terms.payer)))
}

fn must_be_agreed(charge: &Charge, id: HoldId, terms: &Terms) -> Result<(), Refusal> {
    let Terms { payer, cap, split } = terms;
    match (charge.payer, charge.cap, &charge.split) == (*payer, cap.units(), split) {
        true => Ok(()),
        false => Err(Refusal::Exists { name: Name::Charge(id.charge()) }),
    }
}

/// Refuses a block that is there in other words, and one that nothing can be taken from any more.
fn must_be_same(draft: &Draft<'_>, block: &Block, known: &Hold) -> Result<(), Refusal> {
    if known.units != block.units {
        return Err(Refusal::Exists { name: Name::Hold(block.id) });
    }
    match known.is_good(draft.now()) {
        true => Ok(()),
        false => Err(Refusal::Over { what: What::Hold }),
    }
}

fn must_be_next(charge: &Charge, block: &Block) -> Result<(), Refusal> {
    if charge.state != ChargeState::Open {
        return Err(Refusal::Over { what: What::Charge });
    }
    // A block that was skipped would never be settled.
    if Some(block.id.block) != charge.blocks.checked_add(1) {
        return Err(Refusal::Unknown { name: Name::Hold(block.id) });
    }
    if charge.open.len() >= OPEN_BLOCKS_MAX {
        let text = format!("{OPEN_BLOCKS_MAX} blocks are open; close one before the next");
        return Err(Refusal::Invalid(text));
    }
    let left = charge.cap.saturating_sub(charge.total).saturating_sub(charge.reserved);
    match block.units > left {
        true => Err(Refusal::TooMuch { what: What::Charge, left }),
        false => Ok(()),
    }
}
