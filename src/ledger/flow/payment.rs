//! Payments at once, and what is given back of any payment.

use std::collections::BTreeMap;

use weir_model::AccountId;

use super::{membership, ticket};
use crate::Amount;
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Terms;
use crate::row::{Charge, ChargeId, ChargeState, Id, Row, Taken, unwind};
use crate::split::{Recipient, Split};

/// Payments at once, and refunds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PaymentCommand {
    /// Pays now. The request's id names the tip.
    Tip {
        /// What was agreed.
        terms: Terms,
        /// How much.
        amount: Amount,
    },
    /// Gives back of any payment.
    Refund {
        /// Which payment.
        charge: ChargeId,
        /// How much of it; none: all that is left.
        amount: Option<Amount>,
    },
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    id: Id,
    command: &PaymentCommand,
) -> Result<Receipt, Refusal> {
    match command {
        PaymentCommand::Tip { terms, amount } => at_once(draft, ChargeId::Tip(id), terms, *amount),
        PaymentCommand::Refund { charge, amount } => refund(draft, *charge, *amount),
    }
}

/// Takes a whole payment now and splits it.
pub(super) fn at_once(
    draft: &mut Draft<'_>,
    id: ChargeId,
    terms: &Terms,
    amount: Amount,
) -> Result<Receipt, Refusal> {
    if draft.charge(id).is_some() {
        return Err(Refusal::Exists { name: Name::Charge(id) });
    }
    must_pay_others(terms.payer, &terms.split)?;
    let units = amount.units();
    if amount > terms.cap {
        return Err(Refusal::TooMuch { what: What::Charge, left: terms.cap.units() });
    }
    let mut charge = Charge::open(terms);
    let taken = draft.spend(terms.payer, units)?;
    draft.debit(&taken)?;
    draft.earn(&mut charge, units, &taken)?;
    charge.state = ChargeState::Settled;
    draft.put(Row::Charge(id, charge));
    Ok(Receipt::of(units, draft.spendable(terms.payer)))
}

/// Refuses a payer who would get something of it: what was given could be made into what is paid out.
pub(super) fn must_pay_others(payer: AccountId, split: &Split) -> Result<(), Refusal> {
    match split.names(Recipient::Creator(payer)) {
        true => Err(Refusal::Invalid("nobody pays himself".into())),
        false => Ok(()),
    }
}

/// Reverses the split of the last units that are left of a payment, and gives them to the lots that they came from.
/// What of it is disputed or lost stays: the customer has that money from the bank, or may have.
fn refund(draft: &mut Draft<'_>, id: ChargeId, amount: Option<Amount>) -> Result<Receipt, Refusal> {
    let unknown = Refusal::Unknown { name: Name::Charge(id) };
    let mut charge = draft.charge(id).ok_or(unknown)?;
    let net = charge.net();
    let units = amount.map_or(net, Amount::units);
    if units > net || net == 0 {
        return Err(Refusal::TooMuch { what: What::Charge, left: net });
    }
    let back = refundable(draft, &mut charge.taken, units)?;
    match charge.state {
        ChargeState::Escrowed => ticket::give_back(draft, id, net, units)?,
        ChargeState::Open | ChargeState::Settled => draft.share(&charge.split, net, net - units)?,
    }
    draft.refill(&back)?;
    charge.refunded = charge.refunded.checked_add(units).ok_or(Refusal::Overflow)?;
    if let ChargeId::Period { member, number } = id
        && charge.net() == 0
    {
        membership::give_back(draft, member, number);
    }
    let payer = charge.payer;
    draft.put(Row::Charge(id, charge));
    Ok(Receipt::of(units, draft.spendable(payer)))
}

fn refundable(
    draft: &Draft<'_>,
    taken: &mut Vec<Taken>,
    units: u64,
) -> Result<Vec<Taken>, Refusal> {
    let mut kept = BTreeMap::new();
    for part in taken.iter() {
        let lot = draft.lot(part.lot)?;
        let all = if lot.reviews > 0 { u64::MAX } else { lot.lost };
        kept.insert(part.lot, all);
    }
    let back = unwind(taken, units, |part| {
        let left = kept.entry(part.lot).or_default();
        let stays = part.units.min(*left);
        *left -= stays;
        stays
    });
    match back.iter().map(|part| part.units).sum::<u64>() == units {
        true => Ok(back),
        false => Err(Refusal::Disputed),
    }
}
