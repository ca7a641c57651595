//! Money on its way out: to creators' banks, and back to whoever paid.

use weir_model::AccountId;

use super::repayment;
use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::leg::Stage;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Provider;
use crate::row::{Id, Payout, PayoutState, Row};

/// Rows of one record.
const DUES_MAX: usize = 48;

/// Money on its way out, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PayoutCommand {
    /// What a creator earned long enough ago becomes payable. Repeatable.
    Mature {
        /// Who.
        creator: AccountId,
    },
    /// Reserves what a creator is to get. The request's id names the payout.
    Request {
        /// Who.
        creator: AccountId,
        /// How much.
        amount: Amount,
        /// By whom.
        provider: Provider,
    },
    /// The provider says what became of a payout. Repeatable.
    End {
        /// Which.
        payout: Id,
        /// What.
        state: PayoutState,
    },
    /// What a provider held became available there, less what it keeps.
    Settle {
        /// Which provider.
        provider: Provider,
        /// How much.
        amount: Amount,
        /// What it keeps of that, minor units.
        fee: u64,
    },
    /// Reserves unspent money that is to go back to where it was paid from. The request's id names the repayment.
    PayBack {
        /// Which payment.
        lot: Id,
        /// How much of it.
        amount: Amount,
        /// By whom: whoever brought it.
        provider: Provider,
    },
    /// The provider says what became of a repayment. Repeatable.
    EndPayBack {
        /// Which.
        repayment: Id,
        /// What.
        state: PayoutState,
    },
}

impl PayoutCommand {
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Mature { .. } | Self::End { .. } | Self::EndPayBack { .. })
    }
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    id: Id,
    command: &PayoutCommand,
) -> Result<Receipt, Refusal> {
    match *command {
        PayoutCommand::Mature { creator } => mature(draft, creator),
        PayoutCommand::Request { creator, amount, provider } => {
            request(draft, id, creator, amount, provider)
        }
        PayoutCommand::End { payout, state } => end(draft, payout, state),
        PayoutCommand::Settle { provider, amount, fee } => settle(draft, provider, amount, fee),
        PayoutCommand::PayBack { lot, amount, provider } => {
            repayment::pay_back(draft, id, lot, amount, provider)
        }
        PayoutCommand::EndPayBack { repayment, state } => repayment::end(draft, repayment, state),
    }
}

/// Reserves what a creator is to get. The provider is told afterwards, with the payout's id as its own idempotency key.
fn request(
    draft: &mut Draft<'_>,
    id: Id,
    creator: AccountId,
    amount: Amount,
    provider: Provider,
) -> Result<Receipt, Refusal> {
    if draft.payout(id).is_ok() {
        return Err(Refusal::Exists { name: Name::Payout(id) });
    }
    draft.must_be_open(payable(creator))?;
    let owed = draft.debt(creator)?;
    if owed > 0 {
        return Err(Refusal::Indebted { account: debt(creator), units: owed });
    }
    let (units, state) = (amount.units(), PayoutState::Open);
    draft.both(Stage::Reserved, payable(creator), in_transit(), units)?;
    draft.put(Row::Payout(id, Payout { creator, units, provider, state }));
    receipt(draft, creator, units)
}

/// The provider says what became of it. What was paid may still come back.
fn end(draft: &mut Draft<'_>, id: Id, state: PayoutState) -> Result<Receipt, Refusal> {
    let payout = draft.payout(id)?;
    let Payout { creator, units, provider, .. } = payout;
    if payout.state == state {
        return receipt(draft, creator, 0);
    }
    if payout.state == PayoutState::Open {
        draft.both(Stage::Released, payable(creator), in_transit(), units)?;
    }
    match (payout.state, state) {
        (PayoutState::Open, PayoutState::Paid) => {
            draft.post(payable(creator), available(provider), units)?;
        }
        (PayoutState::Open, PayoutState::Failed) => pay_debt(draft, creator, units)?,
        (PayoutState::Paid, PayoutState::Failed) => {
            draft.post(available(provider), payable(creator), units)?;
            pay_debt(draft, creator, units)?;
        }
        _ => return Err(Refusal::Over { what: What::Payout }),
    }
    draft.put(Row::Payout(id, Payout { state, ..payout }));
    receipt(draft, creator, units)
}

/// What came back pays what its creator owes by now.
fn pay_debt(draft: &mut Draft<'_>, creator: AccountId, units: u64) -> Result<(), Refusal> {
    let owed = u64::try_from(draft.debt(creator)?).unwrap_or(u64::MAX);
    draft.post(payable(creator), debt(creator), owed.min(units))
}

/// What the provider holds for us becomes ours to take out, less what it keeps.
fn settle(
    draft: &mut Draft<'_>,
    provider: Provider,
    amount: Amount,
    fee: u64,
) -> Result<Receipt, Refusal> {
    let units = amount.units();
    let Some(rest) = units.checked_sub(fee) else {
        return Err(Refusal::Invalid("the fee is larger than what it is for".into()));
    };
    let pending = Account { kind: Kind::PspPending, of: provider.of() };
    draft.post(available(provider), pending, rest)?;
    draft.post(Account::single(Kind::PspFees), pending, fee)?;
    Ok(Receipt::of(units, 0))
}

/// What became due is payable. At most [`DUES_MAX`] hours of it at a time, and what one sum holds: whoever asks, asks
/// until nothing is left.
fn mature(draft: &mut Draft<'_>, creator: AccountId) -> Result<Receipt, Refusal> {
    let (mut units, now) = (0_u64, draft.now());
    let dues = draft.dues_of(creator);
    for id in dues.into_iter().rev().filter(|id| id.at <= now).take(DUES_MAX) {
        let Some(sum) = units.checked_add(draft.due(id)) else { break };
        units = sum;
        draft.put(Row::Due(id, 0));
    }
    let [pending, payable] =
        [Kind::CreatorPending, Kind::CreatorPayable].map(|kind| Account::person(kind, creator));
    draft.post(pending, payable, units)?;
    Ok(Receipt::of(units, draft.balance(payable)?.available()))
}

pub(super) const fn available(provider: Provider) -> Account {
    Account { kind: Kind::PspAvailable, of: provider.of() }
}

const fn payable(creator: AccountId) -> Account {
    Account::person(Kind::CreatorPayable, creator)
}

const fn debt(creator: AccountId) -> Account {
    Account::person(Kind::CreatorDebt, creator)
}

pub(super) const fn in_transit() -> Account {
    Account::single(Kind::BankInTransit)
}

fn receipt(draft: &Draft<'_>, creator: AccountId, units: u64) -> Result<Receipt, Refusal> {
    Ok(Receipt::of(units, draft.balance(payable(creator))?.available()))
}
