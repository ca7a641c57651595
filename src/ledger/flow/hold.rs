//! Money that is reserved block by block and taken while a session goes on.

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::leg::Stage;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Terms;
use crate::row::{Charge, ChargeState, Hold, HoldId, HoldState, Id, Row, slice};

mod reserve;

/// Blocks of a session that are open at once: one is reserved while the one before it runs out.
pub(crate) const OPEN_BLOCKS_MAX: usize = 2;

/// Money that is reserved. All of it is repeatable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HoldCommand {
    /// Reserves the next block of a session.
    Reserve {
        /// Which block of which session.
        hold: HoldId,
        /// What was agreed when the session began; the same with each block.
        terms: Terms,
        /// How much.
        amount: Amount,
        /// After how many milliseconds the rest is free again, at most a day.
        lives_ms: u64,
        /// Whose lease of the session it is.
        epoch: u64,
    },
    /// Takes from a hold until `total` of it is taken: totals that were reached before change nothing.
    Capture {
        /// Which.
        hold: HoldId,
        /// Taken of the hold afterwards.
        total: u64,
        /// Whose lease of the session it is.
        epoch: u64,
    },
    /// The same, and the rest is free again. When its time is over, what was not taken by then is written off.
    Close {
        /// Which.
        hold: HoldId,
        /// Taken of the hold afterwards.
        total: u64,
        /// Whose lease of the session it is.
        epoch: u64,
        /// Whether no further block follows: everything that the session has reserved is free again.
        ends: bool,
    },
    /// What is left of a hold after its time is free again.
    Expire {
        /// Which.
        hold: HoldId,
    },
}

pub(super) fn run(draft: &mut Draft<'_>, command: &HoldCommand) -> Result<Receipt, Refusal> {
    match command {
        HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch } => {
            let expires_at = draft.now().plus_ms(*lives_ms);
            let block = reserve::Block { id: *hold, units: amount.units(), expires_at };
            reserve::reserve(draft, block, terms, *epoch)
        }
        HoldCommand::Capture { hold, total, epoch } => capture(draft, *hold, *total, *epoch),
        HoldCommand::Close { hold, total, epoch, ends } => {
            close(draft, *hold, *total, *epoch, *ends)
        }
        HoldCommand::Expire { hold } => expire(draft, *hold),
    }
}

fn capture(draft: &mut Draft<'_>, id: HoldId, total: u64, epoch: u64) -> Result<Receipt, Refusal> {
    let (mut charge, mut hold) = both(draft, id)?;
    let is_new = charge.fence(epoch)?;
    let units = take(draft, id, &mut charge, &mut hold, total)?;
    let payer = charge.payer;
    if units > 0 {
        draft.put(Row::Hold(id, hold));
    }
    if units > 0 || is_new {
        draft.put(Row::Charge(id.charge(), charge));
    }
    Ok(Receipt::of(units, draft.spendable(payer)))
}

fn close(
    draft: &mut Draft<'_>,
    id: HoldId,
    total: u64,
    epoch: u64,
    ends: bool,
) -> Result<Receipt, Refusal> {
    let (mut charge, mut hold) = both(draft, id)?;
    let mut changed = charge.fence(epoch)?;
    let (mut units, mut written_off) = (0, 0);
    if hold.is_good(draft.now()) {
        units = take(draft, id, &mut charge, &mut hold, total)?;
    } else {
        written_off = write_off(draft, id, &hold, total);
    }
    if hold.state == HoldState::Open {
        release(draft, id, &mut charge, hold, HoldState::Closed)?;
        changed = true;
    }
    if ends && charge.state == ChargeState::Open {
        for block in charge.open.clone() {
            let other = HoldId { block, ..id };
            let (_, hold) = both(draft, other)?;
            release(draft, other, &mut charge, hold, HoldState::Closed)?;
        }
        charge.state = ChargeState::Settled;
        changed = true;
    }
    let payer = charge.payer;
    if changed {
        draft.put(Row::Charge(id.charge(), charge));
    }
    Ok(Receipt { written_off, ..Receipt::of(units, draft.spendable(payer)) })
}

/// Notes for the report what was delivered and is settled too late to be taken.
fn write_off(draft: &mut Draft<'_>, id: HoldId, hold: &Hold, total: u64) -> u64 {
    let late = total.min(hold.units).saturating_sub(hold.captured);
    if late > draft.written_off(id) {
        draft.put(Row::Writeoff(id, late));
    }
    late
}

fn expire(draft: &mut Draft<'_>, id: HoldId) -> Result<Receipt, Refusal> {
    let (mut charge, hold) = both(draft, id)?;
    let (rest, payer) = (hold.rest(), charge.payer);
    if hold.state == HoldState::Open {
        if hold.expires_at > draft.now() {
            return Err(Refusal::NotDue { what: What::Hold });
        }
        release(draft, id, &mut charge, hold, HoldState::Expired)?;
        draft.put(Row::Charge(id.charge(), charge));
    }
    Ok(Receipt::of(rest, draft.spendable(payer)))
}

fn both(draft: &Draft<'_>, id: HoldId) -> Result<(Charge, Hold), Refusal> {
    let unknown = |name| Refusal::Unknown { name };
    let charge = draft.charge(id.charge()).ok_or_else(|| unknown(Name::Charge(id.charge())))?;
    let hold = draft.hold(id).ok_or_else(|| unknown(Name::Hold(id)))?;
    Ok((charge, hold))
}

impl Charge {
    /// Refuses whoever lost the session, and says whether somebody has newly taken it over.
    fn fence(&mut self, epoch: u64) -> Result<bool, Refusal> {
        if epoch < self.epoch {
            return Err(Refusal::Stale { newest: self.epoch });
        }
        Ok(std::mem::replace(&mut self.epoch, epoch) < epoch)
    }
}

/// Takes from the hold until `total` of it is taken; answers with what was taken now.
fn take(
    draft: &mut Draft<'_>,
    id: HoldId,
    charge: &mut Charge,
    hold: &mut Hold,
    total: u64,
) -> Result<u64, Refusal> {
    if total <= hold.captured {
        return Ok(0);
    }
    if !hold.is_good(draft.now()) {
        return Err(Refusal::Over { what: What::Hold });
    }
    if total > hold.units {
        return Err(Refusal::TooMuch { what: What::Hold, left: hold.rest() });
    }
    let (units, taken) = (total - hold.captured, slice(&hold.sources, hold.captured, total));
    draft.set_aside(Stage::Released, escrow(id.session), &taken)?;
    draft.debit(&taken)?;
    draft.earn(charge, units, &taken)?;
    charge.reserved = charge.reserved.saturating_sub(units);
    hold.captured = total;
    Ok(units)
}

/// What was not taken is free again.
fn release(
    draft: &mut Draft<'_>,
    id: HoldId,
    charge: &mut Charge,
    mut hold: Hold,
    state: HoldState,
) -> Result<(), Refusal> {
    charge.reserved = charge.reserved.saturating_sub(hold.rest());
    charge.open.retain(|block| *block != id.block);
    let rest = slice(&hold.sources, hold.captured, hold.units);
    hold.state = state;
    draft.set_aside(Stage::Released, escrow(id.session), &rest)?;
    draft.put(Row::Hold(id, hold));
    draft.restore(&rest)
}

const fn escrow(session: Id) -> Account {
    Account { kind: Kind::EscrowSession, of: session }
}
