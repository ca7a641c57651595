//! Payments that a customer disputes at the bank: the provider takes the money back, and says later for good or not.
//!
//! A loss is the platform's at once. By the rules of that time it is then taken back from whoever got the money, one
//! payment for each record, and what comes back to the payment in any other way makes it smaller too.

use super::payout::available;
use super::ticket;
use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Provider;
use crate::row::{Charge, ChargeState, Dispute, DisputeState, Id, Lot, Origin, Row, Taken, unwind};

/// Disputes. All of it is repeatable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DisputeCommand {
    /// The provider took something of a payment back.
    Open {
        /// Named by the provider's own id.
        dispute: Id,
        /// Which payment.
        lot: Id,
        /// By whom: whoever brought it.
        provider: Provider,
        /// How much. What is more than is left of the payment is a loss at once.
        amount: Amount,
        /// What it takes for that, minor units.
        fee: u64,
    },
    /// The provider says what became of it.
    End {
        /// Which.
        dispute: Id,
        /// What.
        state: DisputeState,
    },
    /// Takes what was lost out of one more payment that it went into. Whoever asks, asks until nothing moves.
    Recover {
        /// Which.
        dispute: Id,
    },
}

pub(super) fn run(draft: &mut Draft<'_>, command: &DisputeCommand) -> Result<Receipt, Refusal> {
    match *command {
        DisputeCommand::Open { dispute, lot, provider, amount, fee } => {
            open(draft, dispute, lot, (provider, amount.units(), fee))
        }
        DisputeCommand::End { dispute, state } => end(draft, dispute, state),
        DisputeCommand::Recover { dispute } => recover(draft, dispute),
    }
}

fn open(
    draft: &mut Draft<'_>,
    id: Id,
    lot_id: Id,
    (provider, units, fee): (Provider, u64, u64),
) -> Result<Receipt, Refusal> {
    if let Ok(known) = draft.dispute(id) {
        let is_same = (known.lot, known.provider) == (lot_id, provider);
        return match is_same && known.units + known.excess == units {
            true => Ok(Receipt::default()),
            false => Err(Refusal::Exists { name: Name::Dispute(id) }),
        };
    }
    let lot = draft.lot(lot_id)?;
    if lot.origin != (Origin::Paid { provider }) {
        return Err(Refusal::Invalid(format!("nobody paid that through {provider}")));
    }
    let (counted, owner) = (lot.disputable().min(units), lot.owner);
    let excess = units - counted;
    draft.post(in_review(), available(provider), counted)?;
    draft.post(loss(), available(provider), excess)?;
    draft.post(Account::single(Kind::PspFees), available(provider), fee)?;
    let reviews = lot.reviews.checked_add(1).ok_or(Refusal::Overflow)?;
    draft.put(Row::Lot(lot_id, Lot { reviews, disputed: lot.disputed + counted, ..lot }));
    let (claws_back, recoverable, state) = (false, 0, DisputeState::Open);
    let (lot, units) = (lot_id, counted);
    let row = Dispute { lot, units, excess, provider, claws_back, recoverable, state };
    draft.put(Row::Dispute(id, row));
    Ok(Receipt::of(counted + excess, draft.spendable(owner)))
}

fn end(draft: &mut Draft<'_>, id: Id, state: DisputeState) -> Result<Receipt, Refusal> {
    let dispute = draft.dispute(id)?;
    if dispute.state == state {
        return Ok(Receipt::default());
    }
    if dispute.state != DisputeState::Open || state == DisputeState::Open {
        return Err(Refusal::Over { what: What::Dispute });
    }
    let lot = draft.lot(dispute.lot)?;
    let lot = Lot { reviews: lot.reviews.saturating_sub(1), ..lot };
    let lost = match state {
        DisputeState::Lost => lose(draft, &dispute, lot)?,
        DisputeState::Won | DisputeState::Open => win(draft, &dispute, lot)?,
    };
    let claws_back = state == DisputeState::Lost && draft.policy().claws_back;
    let recoverable = if claws_back { lost } else { 0 };
    draft.put(Row::Dispute(id, Dispute { state, claws_back, recoverable, ..dispute }));
    Ok(Receipt::of(dispute.units + dispute.excess, draft.spendable(lot.owner)))
}

/// Nothing is lost then.
fn win(draft: &mut Draft<'_>, dispute: &Dispute, lot: Lot) -> Result<u64, Refusal> {
    draft.post(available(dispute.provider), in_review(), dispute.units)?;
    draft.post(available(dispute.provider), loss(), dispute.excess)?;
    let disputed = lot.disputed.saturating_sub(dispute.units);
    draft.put(Row::Lot(dispute.lot, Lot { disputed, ..lot }));
    Ok(0)
}

/// What is left of the payment covers it; the rest, which this answers with, is the platform's loss.
fn lose(draft: &mut Draft<'_>, dispute: &Dispute, lot: Lot) -> Result<u64, Refusal> {
    let taken = dispute.units.checked_add(dispute.excess).ok_or(Refusal::Overflow)?;
    let from_wallet = lot.left.min(taken);
    draft.charge_account(lot.account(), from_wallet)?;
    draft.charge_account(loss(), dispute.units.saturating_sub(from_wallet))?;
    // The excess was a loss from the beginning.
    draft.credit(loss(), from_wallet.saturating_sub(dispute.units))?;
    draft.credit(in_review(), dispute.units)?;
    let missing = taken - from_wallet;
    let lost = lot.lost.checked_add(missing).ok_or(Refusal::Overflow)?;
    draft.put(Row::Lot(dispute.lot, Lot { left: lot.left - from_wallet, lost, ..lot }));
    Ok(missing)
}

fn recover(draft: &mut Draft<'_>, id: Id) -> Result<Receipt, Refusal> {
    let dispute = draft.dispute(id)?;
    if dispute.state != DisputeState::Lost {
        return Err(Refusal::NotDue { what: What::Dispute });
    }
    let lot = draft.lot(dispute.lot)?;
    // Others of the same payment may be lost that the platform bears.
    let most = lot.lost.min(dispute.recoverable);
    let charge_id = draft.spent_on(dispute.lot).filter(|_| most > 0);
    let Some((charge_id, mut charge)) = charge_id.and_then(|id| Some((id, draft.charge(id)?)))
    else {
        return Ok(Receipt::of(0, draft.spendable(lot.owner)));
    };
    let back = all_of(&mut charge, dispute.lot, most);
    let (net, units) = (charge.net(), back.iter().map(|part| part.units).sum());
    match charge.state {
        ChargeState::Escrowed => ticket::give_back(draft, charge_id, net, units)?,
        ChargeState::Open | ChargeState::Settled => draft.share(&charge.split, net, net - units)?,
    }
    charge.recovered = charge.recovered.checked_add(units).ok_or(Refusal::Overflow)?;
    draft.make_good(&back)?;
    let payer = charge.payer;
    draft.put(Row::Charge(charge_id, charge));
    let recoverable = dispute.recoverable.saturating_sub(units);
    draft.put(Row::Dispute(id, Dispute { recoverable, ..dispute }));
    Ok(Receipt::of(units, draft.spendable(payer)))
}

/// Takes up to `most` of a lot out of what was paid.
fn all_of(charge: &mut Charge, lot: Id, most: u64) -> Vec<Taken> {
    unwind(&mut charge.taken, most, |part| if part.lot == lot { 0 } else { part.units })
}

const fn in_review() -> Account {
    Account::single(Kind::DisputesInReview)
}

const fn loss() -> Account {
    Account::single(Kind::ChargebackLoss)
}
