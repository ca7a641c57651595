//! Payments at once, and what is given back of any payment.

use super::ticket;
use crate::Amount;
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Terms;
use crate::row::{self, Charge, ChargeState, Id, LotState, Purpose, Row};

/// Payments at once, and refunds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PaymentCommand {
    /// Pays now. The request's id names the charge.
    Tip {
        /// What was agreed.
        terms: Terms,
        /// How much.
        amount: Amount,
    },
    /// Gives back of any payment.
    Refund {
        /// Which payment.
        charge: Id,
        /// How much of it.
        amount: Amount,
    },
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    id: Id,
    command: &PaymentCommand,
) -> Result<Receipt, Refusal> {
    match command {
        PaymentCommand::Tip { terms, amount } => at_once(draft, id, terms, *amount, Purpose::Tip),
        PaymentCommand::Refund { charge, amount } => refund(draft, *charge, *amount),
    }
}

/// Takes a whole payment now and splits it.
pub(super) fn at_once(
    draft: &mut Draft<'_>,
    id: Id,
    terms: &Terms,
    amount: Amount,
    purpose: Purpose,
) -> Result<Receipt, Refusal> {
    if draft.charge(id).is_some() {
        return Err(Refusal::Exists { what: What::Charge, id });
    }
    let units = amount.units();
    if amount > terms.cap {
        return Err(Refusal::TooMuch { what: What::Charge, left: terms.cap.units() });
    }
    let mut charge = Charge::open(terms, purpose);
    let taken = draft.spend(terms.payer, units)?;
    draft.debit(&taken)?;
    draft.share(&charge.split, 0, units)?;
    (charge.total, charge.taken, charge.state) = (units, taken, ChargeState::Settled);
    draft.put(Row::Charge(id, charge));
    Ok(Receipt { units, available: draft.spendable(terms.payer) })
}

/// Reverses the split of the last units that are left of a payment, and gives them to the lots that they came from.
fn refund(draft: &mut Draft<'_>, id: Id, amount: Amount) -> Result<Receipt, Refusal> {
    let unknown = Refusal::Unknown { what: What::Charge, id };
    let mut charge = draft.charge(id).ok_or(unknown)?;
    let (units, net) = (amount.units(), charge.net());
    if units > net {
        return Err(Refusal::TooMuch { what: What::Charge, left: net });
    }
    for part in &charge.taken {
        // The customer has, or will have, that money from the bank.
        if matches!(draft.lot(part.lot)?.state, LotState::Disputed | LotState::Lost) {
            return Err(Refusal::Disputed);
        }
    }
    match charge.state {
        ChargeState::Escrowed => ticket::give_back(draft, &charge, units)?,
        ChargeState::Open | ChargeState::Settled => draft.share(&charge.split, net, net - units)?,
    }
    let back = row::unwind(&mut charge.taken, units);
    draft.refill(&back)?;
    charge.refunded = charge.refunded.checked_add(units).ok_or(Refusal::Overflow)?;
    let payer = charge.payer;
    draft.put(Row::Charge(id, charge));
    Ok(Receipt { units, available: draft.spendable(payer) })
}
