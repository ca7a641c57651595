//! Unspent money on its way back to where it was paid from. What was given is not money, and what a correction put there
//! was paid by nobody.

use super::payout::{available, in_transit};
use crate::Amount;
use crate::draft::Draft;
use crate::leg::Stage;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Provider;
use crate::row::{Id, Lot, Origin, PayoutState, Repayment, Row, Taken};

/// Reserves what is to go back. The provider is told afterwards, with the repayment's id as its own idempotency key.
pub(super) fn pay_back(
    draft: &mut Draft<'_>,
    id: Id,
    lot_id: Id,
    amount: Amount,
    provider: Provider,
) -> Result<Receipt, Refusal> {
    if draft.repayment(id).is_ok() {
        return Err(Refusal::Exists { name: Name::Repayment(id) });
    }
    let (lot, units) = (draft.lot(lot_id)?, amount.units());
    if lot.origin != (Origin::Paid { provider }) {
        return Err(Refusal::Invalid(format!("nobody paid that through {provider}")));
    }
    if lot.reviews > 0 {
        return Err(Refusal::Disputed);
    }
    draft.must_be_open(lot.account())?;
    // Of a payment that was lost in part, no more goes back than its provider has not taken already.
    let left = lot.left.min(lot.disputable());
    if units > left {
        return Err(Refusal::TooMuch { what: What::Lot, left });
    }
    draft.both(Stage::Reserved, lot.account(), in_transit(), units)?;
    let (left, paid_back) = (lot.left - units, lot.paid_back + units);
    draft.put(Row::Lot(lot_id, Lot { left, paid_back, ..lot }));
    let state = PayoutState::Open;
    draft.put(Row::Repayment(id, Repayment { lot: lot_id, units, provider, state }));
    Ok(Receipt::of(units, draft.spendable(lot.owner)))
}

/// The provider says what became of it. What was paid may still come back.
pub(super) fn end(draft: &mut Draft<'_>, id: Id, state: PayoutState) -> Result<Receipt, Refusal> {
    let repayment = draft.repayment(id)?;
    let Repayment { lot: lot_id, units, provider, .. } = repayment;
    let lot = draft.lot(lot_id)?;
    if repayment.state == state {
        return Ok(Receipt::of(0, draft.spendable(lot.owner)));
    }
    if repayment.state == PayoutState::Open {
        draft.both(Stage::Released, lot.account(), in_transit(), units)?;
    }
    match (repayment.state, state) {
        (PayoutState::Open, PayoutState::Paid) => {
            draft.post(lot.account(), available(provider), units)?;
        }
        (PayoutState::Open, PayoutState::Failed) => come_back(draft, &repayment, lot)?,
        (PayoutState::Paid, PayoutState::Failed) => {
            draft.post(available(provider), lot.account(), units)?;
            come_back(draft, &repayment, lot)?;
        }
        _ => return Err(Refusal::Over { what: What::Repayment }),
    }
    draft.put(Row::Repayment(id, Repayment { state, ..repayment }));
    Ok(Receipt::of(units, draft.spendable(lot.owner)))
}

fn come_back(draft: &mut Draft<'_>, repayment: &Repayment, lot: Lot) -> Result<(), Refusal> {
    let Repayment { lot: id, units, .. } = *repayment;
    let paid_back = lot.paid_back.saturating_sub(units);
    draft.put(Row::Lot(id, Lot { paid_back, ..lot }));
    draft.restore(&[Taken { lot: id, units }])
}
