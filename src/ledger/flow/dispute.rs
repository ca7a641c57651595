//! Payments that a customer disputes at the bank: the provider takes the money back, and says later for good or not.

use super::payout::available;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Provider;
use crate::row::{
    Charge, ChargeState, Dispute, DisputeState, Id, Lot, LotState, Origin, Row, Taken,
};

/// Payments that one lost dispute takes back from those who got them; the platform bears the rest.
const CLAWED_MAX: usize = 3;

/// Disputes. All of it is repeatable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DisputeCommand {
    /// The provider took a payment back.
    Open {
        /// Named by the provider's own id.
        dispute: Id,
        /// Which payment.
        lot: Id,
        /// By whom.
        provider: Provider,
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
}

pub(super) fn run(draft: &mut Draft<'_>, command: &DisputeCommand) -> Result<Receipt, Refusal> {
    match *command {
        DisputeCommand::Open { dispute, lot, provider, fee } => {
            open(draft, dispute, lot, provider, fee)
        }
        DisputeCommand::End { dispute, state } => end(draft, dispute, state),
    }
}

fn open(
    draft: &mut Draft<'_>,
    id: Id,
    lot_id: Id,
    provider: Provider,
    fee: u64,
) -> Result<Receipt, Refusal> {
    if let Ok(known) = draft.dispute(id) {
        return match known.lot == lot_id {
            true => Ok(Receipt::default()),
            false => Err(Refusal::Exists { what: What::Dispute, id }),
        };
    }
    let lot = draft.lot(lot_id)?;
    if lot.origin == Origin::Promo {
        return Err(Refusal::Invalid("nobody paid for what was given".into()));
    }
    if lot.state != LotState::Open {
        return Err(Refusal::Disputed);
    }
    let units = lot.units;
    draft.post(in_review(), available(provider), units)?;
    draft.post(Account::single(Kind::PspFees), available(provider), fee)?;
    draft.put(Row::Lot(lot_id, Lot { state: LotState::Disputed, ..lot }));
    let state = DisputeState::Open;
    draft.put(Row::Dispute(id, Dispute { lot: lot_id, units, provider, state }));
    Ok(Receipt { units, available: draft.spendable(lot.owner) })
}

fn end(draft: &mut Draft<'_>, id: Id, state: DisputeState) -> Result<Receipt, Refusal> {
    let dispute = draft.dispute(id)?;
    if dispute.state == state {
        return Ok(Receipt::default());
    }
    if dispute.state != DisputeState::Open || state == DisputeState::Open {
        return Err(Refusal::Over { what: What::Dispute });
    }
    let (lot, units) = (draft.lot(dispute.lot)?, dispute.units);
    match state {
        DisputeState::Lost => lose(draft, &dispute, lot)?,
        DisputeState::Won | DisputeState::Open => {
            draft.post(available(dispute.provider), in_review(), units)?;
            draft.put(Row::Lot(dispute.lot, Lot { state: LotState::Open, ..lot }));
        }
    }
    draft.put(Row::Dispute(id, Dispute { state, ..dispute }));
    Ok(Receipt { units, available: draft.spendable(lot.owner) })
}

/// What is left of the payment is gone, what was spent of it comes from whoever got it, or is the platform's loss.
fn lose(draft: &mut Draft<'_>, dispute: &Dispute, lot: Lot) -> Result<(), Refusal> {
    let from_wallet = lot.left.min(dispute.units);
    draft.charge_account(lot.account(dispute.lot), from_wallet)?;
    let (left, state) = (lot.left - from_wallet, LotState::Lost);
    draft.put(Row::Lot(dispute.lot, Lot { left, state, ..lot }));
    let clawed = if draft.policy().claws_back { claw_back(draft, dispute.lot)? } else { 0 };
    let lost = dispute.units.saturating_sub(from_wallet).saturating_sub(clawed);
    draft.charge_account(Account::single(Kind::ChargebackLoss), lost)?;
    draft.credit(in_review(), dispute.units)
}

fn claw_back(draft: &mut Draft<'_>, lot: Id) -> Result<u64, Refusal> {
    let mut clawed = 0_u64;
    for id in draft.spent_on(lot, CLAWED_MAX) {
        let Some(mut charge) = draft.charge(id) else { continue };
        if charge.state == ChargeState::Escrowed {
            continue;
        }
        let (net, units) = (charge.net(), without(&mut charge, lot));
        draft.share(&charge.split, net, net - units)?;
        charge.refunded = charge.refunded.checked_add(units).ok_or(Refusal::Overflow)?;
        clawed = clawed.checked_add(units).ok_or(Refusal::Overflow)?;
        draft.put(Row::Charge(id, charge));
    }
    Ok(clawed)
}

/// Takes all of a lot out of what was paid; how much that was.
fn without(charge: &mut Charge, lot: Id) -> u64 {
    let (gone, kept): (Vec<Taken>, Vec<Taken>) =
        charge.taken.iter().partition(|part| part.lot == lot);
    charge.taken = kept;
    gone.iter().map(|part| part.units).sum()
}

const fn in_review() -> Account {
    Account::single(Kind::DisputesInReview)
}
