//! Payments at once, what is given back of any payment, and when a creator may have it.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Terms;
use crate::row::{self, Charge, ChargeState, Id, LotState, Purpose, Row};

pub(super) fn tip(
    draft: &mut Draft<'_>,
    id: Id,
    terms: &Terms,
    amount: Amount,
) -> Result<Receipt, Refusal> {
    if draft.charge(id).is_some() {
        return Err(Refusal::Exists { what: What::Charge, id });
    }
    let units = amount.units();
    if amount > terms.cap {
        return Err(Refusal::TooMuch { what: What::Charge, left: terms.cap.units() });
    }
    let mut charge = Charge::open(terms, Purpose::Tip);
    let taken = draft.spend(terms.payer, units)?;
    let parts: Vec<_> = charge.split.between(0, units).collect();
    draft.pay(&taken, parts.into_iter())?;
    (charge.total, charge.taken, charge.state) = (units, taken, ChargeState::Settled);
    draft.put(Row::Charge(id, charge));
    Ok(Receipt { units, available: draft.spendable(terms.payer) })
}

/// Reverses the split of the last units that are left of a payment, and gives them to the lots that they came from.
pub(super) fn refund(draft: &mut Draft<'_>, id: Id, amount: Amount) -> Result<Receipt, Refusal> {
    let unknown = Refusal::Unknown { what: What::Charge, id };
    let mut charge = draft.charge(id).ok_or(unknown)?;
    let (units, net) = (amount.units(), charge.net());
    if units > net {
        return Err(Refusal::TooMuch { what: What::Charge, left: net });
    }
    for part in &charge.taken {
        if draft.lot(part.lot)?.state == LotState::Disputed {
            return Err(Refusal::Disputed);
        }
    }
    let back = row::unwind(&mut charge.taken, units);
    for (to, change) in charge.split.between(net, net - units).collect::<Vec<_>>() {
        if change >= 0 {
            draft.give(to, change.unsigned_abs())?;
        } else {
            draft.take(to, change.unsigned_abs())?;
        }
    }
    draft.refill(&back)?;
    charge.refunded = charge.refunded.checked_add(units).ok_or(Refusal::Overflow)?;
    let payer = charge.payer;
    draft.put(Row::Charge(id, charge));
    Ok(Receipt { units, available: draft.spendable(payer) })
}

/// What became due is payable. At most [`DUES_MAX`] hours of it at a time: whoever asks, asks until nothing is left.
pub(super) fn mature(draft: &mut Draft<'_>, creator: AccountId) -> Result<Receipt, Refusal> {
    let (mut units, now) = (0_u64, draft.now());
    let dues = draft.dues_of(creator);
    for id in dues.into_iter().rev().filter(|id| id.at <= now).take(DUES_MAX) {
        units = units.checked_add(draft.due(id)).ok_or(Refusal::Overflow)?;
        draft.put(Row::Due(id, 0));
    }
    let [pending, payable] = [Kind::CreatorPending, Kind::CreatorPayable]
        .map(|kind| Account::person(kind, creator));
    draft.post(pending, payable, units)?;
    Ok(Receipt { units, available: draft.balance(payable)?.available() })
}

/// Rows of one record.
const DUES_MAX: usize = 48;
