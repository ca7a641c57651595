//! Money that is reserved block by block and taken while a session goes on.

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::{Draft, parts_of};
use crate::leg::Stage;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Terms;
use crate::row::{self, At, Charge, ChargeState, Hold, HoldId, HoldState, Id, Purpose, Row, Taken};

/// Money that is reserved. All of it is repeatable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HoldCommand {
    /// Reserves the next block of a session.
    Reserve {
        /// Which block of which charge.
        hold: HoldId,
        /// What was agreed when the session began; the same with each block.
        terms: Terms,
        /// How much.
        amount: Amount,
        /// When the rest is free again.
        expires_at: At,
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
    /// The same, and the rest is free again.
    Close {
        /// Which.
        hold: HoldId,
        /// Taken of the hold afterwards.
        total: u64,
        /// Whose lease of the session it is.
        epoch: u64,
        /// Whether no further block follows.
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
        HoldCommand::Reserve { hold, terms, amount, expires_at, epoch } => {
            let block = Block { id: *hold, amount: *amount, expires_at: *expires_at };
            reserve(draft, block, terms, *epoch)
        }
        HoldCommand::Capture { hold, total, epoch } => capture(draft, *hold, *total, *epoch),
        HoldCommand::Close { hold, total, epoch, ends } => {
            close(draft, *hold, *total, *epoch, *ends)
        }
        HoldCommand::Expire { hold } => expire(draft, *hold),
    }
}

/// A block to be reserved.
struct Block {
    id: HoldId,
    amount: Amount,
    expires_at: At,
}

fn reserve(
    draft: &mut Draft<'_>,
    block: Block,
    terms: &Terms,
    epoch: u64,
) -> Result<Receipt, Refusal> {
    let Block { id, amount, expires_at } = block;
    let units = amount.units();
    if let Some(known) = draft.hold(id) {
        return match known.units == units {
            true => Ok(receipt(draft, 0, terms)),
            false => Err(Refusal::Exists { what: What::Hold, id: id.charge }),
        };
    }
    let charge = draft.charge(id.charge).unwrap_or_else(|| Charge::open(terms, Purpose::Session));
    let charge = charge.reserved_for(draft, id, terms, epoch)?;
    if expires_at <= draft.now() {
        return Err(Refusal::Over { what: What::Hold });
    }
    let left = charge.cap.saturating_sub(charge.total).saturating_sub(rests(draft, id, &charge));
    if units > left {
        return Err(Refusal::TooMuch { what: What::Charge, left });
    }
    let sources = draft.spend(terms.payer, units)?;
    move_pending(draft, Stage::Reserved, id.charge, &sources)?;
    draft.put(Row::Charge(id.charge, charge));
    let (captured, state) = (0, HoldState::Open);
    draft.put(Row::Hold(id, Hold { sources, units, captured, expires_at, state }));
    Ok(receipt(draft, units, terms))
}

fn capture(draft: &mut Draft<'_>, id: HoldId, total: u64, epoch: u64) -> Result<Receipt, Refusal> {
    let (mut charge, mut hold) = owned(draft, id, epoch)?;
    let units = take(draft, id, &mut charge, &mut hold, total)?;
    if units > 0 {
        draft.put(Row::Hold(id, hold));
        draft.put(Row::Charge(id.charge, charge.clone()));
    }
    Ok(Receipt { units, available: draft.spendable(charge.payer) })
}

fn close(
    draft: &mut Draft<'_>,
    id: HoldId,
    total: u64,
    epoch: u64,
    ends: bool,
) -> Result<Receipt, Refusal> {
    let (mut charge, mut hold) = owned(draft, id, epoch)?;
    let units = take(draft, id, &mut charge, &mut hold, total)?;
    let was_open = hold.state == HoldState::Open;
    if was_open {
        release(draft, id, &mut hold, HoldState::Closed)?;
        draft.put(Row::Hold(id, hold));
    }
    let ends = ends && charge.state == ChargeState::Open;
    if ends {
        charge.state = ChargeState::Settled;
    }
    if was_open || ends {
        draft.put(Row::Charge(id.charge, charge.clone()));
    }
    Ok(Receipt { units, available: draft.spendable(charge.payer) })
}

fn expire(draft: &mut Draft<'_>, id: HoldId) -> Result<Receipt, Refusal> {
    let (charge, mut hold) = both(draft, id)?;
    let rest = hold.rest();
    if hold.state == HoldState::Open {
        if hold.expires_at > draft.now() {
            return Err(Refusal::NotDue { what: What::Hold });
        }
        release(draft, id, &mut hold, HoldState::Expired)?;
        draft.put(Row::Hold(id, hold));
    }
    Ok(Receipt { units: rest, available: draft.spendable(charge.payer) })
}

impl Charge {
    /// A payment that begins.
    pub(super) fn open(terms: &Terms, purpose: Purpose) -> Self {
        Self {
            purpose,
            payer: terms.payer,
            split: terms.split.clone(),
            cap: terms.cap.units(),
            total: 0,
            refunded: 0,
            taken: Vec::new(),
            blocks: 0,
            epoch: 0,
            state: ChargeState::Open,
        }
    }

    /// The charge with one more block, if the block is the next one and on the terms that were agreed.
    fn reserved_for(
        mut self,
        draft: &Draft<'_>,
        id: HoldId,
        terms: &Terms,
        epoch: u64,
    ) -> Result<Self, Refusal> {
        let Terms { payer, cap, split } = terms;
        if (self.payer, self.cap, &self.split) != (*payer, cap.units(), split) {
            return Err(Refusal::Exists { what: What::Charge, id: id.charge });
        }
        if self.state != ChargeState::Open {
            return Err(Refusal::Over { what: What::Charge });
        }
        if epoch < self.epoch {
            return Err(Refusal::Stale { newest: self.epoch });
        }
        // A block that was skipped would never be settled; one that is there was found by the caller.
        if id.block != self.blocks + 1 || draft.hold(id).is_some() {
            return Err(Refusal::Unknown { what: What::Hold, id: id.charge });
        }
        (self.blocks, self.epoch) = (id.block, epoch);
        Ok(self)
    }
}

/// What earlier blocks still have reserved. Only the last two can be open: a block is reserved while the one before
/// it runs out.
fn rests(draft: &Draft<'_>, id: HoldId, charge: &Charge) -> u64 {
    let before = (1..charge.blocks).rev().take(OPEN_BLOCKS_MAX);
    let holds = before.filter_map(|block| draft.hold(HoldId { block, ..id }));
    holds.map(|hold| hold.rest()).sum()
}

/// Blocks of a charge that are open at once.
const OPEN_BLOCKS_MAX: usize = 16;

fn both(draft: &Draft<'_>, id: HoldId) -> Result<(Charge, Hold), Refusal> {
    let unknown = |what| Refusal::Unknown { what, id: id.charge };
    let charge = draft.charge(id.charge).ok_or_else(|| unknown(What::Charge))?;
    let hold = draft.hold(id).ok_or_else(|| unknown(What::Hold))?;
    Ok((charge, hold))
}

/// The hold and its charge, for whoever has the newest lease of the session.
fn owned(draft: &Draft<'_>, id: HoldId, epoch: u64) -> Result<(Charge, Hold), Refusal> {
    let (mut charge, hold) = both(draft, id)?;
    if epoch < charge.epoch {
        return Err(Refusal::Stale { newest: charge.epoch });
    }
    charge.epoch = epoch;
    Ok((charge, hold))
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
    if hold.state != HoldState::Open || hold.expires_at <= draft.now() {
        return Err(Refusal::Over { what: What::Hold });
    }
    if total > hold.units {
        return Err(Refusal::TooMuch { what: What::Hold, left: hold.rest() });
    }
    let (units, (taken, _)) = (total - hold.captured, parts_of(hold, total));
    let (before, net) = (charge.net(), charge.net().checked_add(units).ok_or(Refusal::Overflow)?);
    move_pending(draft, Stage::Released, id.charge, &taken)?;
    draft.debit(&taken)?;
    draft.share(&charge.split, before, net)?;
    charge.total = charge.total.checked_add(units).ok_or(Refusal::Overflow)?;
    row::append(&mut charge.taken, &taken);
    hold.captured = total;
    Ok(units)
}

/// What was not taken is free again.
fn release(
    draft: &mut Draft<'_>,
    id: HoldId,
    hold: &mut Hold,
    state: HoldState,
) -> Result<(), Refusal> {
    let (_, rest) = parts_of(hold, hold.captured);
    hold.state = state;
    move_pending(draft, Stage::Released, id.charge, &rest)?;
    draft.restore(&rest)
}

fn move_pending(
    draft: &mut Draft<'_>,
    stage: Stage,
    charge: Id,
    sources: &[Taken],
) -> Result<(), Refusal> {
    let escrow = Account { kind: Kind::EscrowSession, of: charge };
    for source in sources {
        let account = draft.lot(source.lot)?.account(source.lot);
        draft.both(stage, account, escrow, source.units)?;
    }
    Ok(())
}

fn receipt(draft: &Draft<'_>, units: u64, terms: &Terms) -> Receipt {
    Receipt { units, available: draft.spendable(terms.payer) }
}
