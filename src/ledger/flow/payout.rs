//! Money on its way out: to creators' banks, and back to whoever paid.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::leg::Stage;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Provider;
use crate::row::{Id, Lot, LotState, Origin, Payout, PayoutState, Row};

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
    /// Unspent money goes back to where it was paid from.
    PayBack {
        /// Which payment.
        lot: Id,
        /// How much of it.
        amount: Amount,
        /// By whom.
        provider: Provider,
    },
}

impl PayoutCommand {
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Mature { .. } | Self::End { .. })
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
        PayoutCommand::PayBack { lot, amount, provider } => pay_back(draft, lot, amount, provider),
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
        return Err(Refusal::Exists { what: What::Payout, id });
    }
    draft.must_be_open(payable(creator))?;
    let (units, state) = (amount.units(), PayoutState::Open);
    draft.both(Stage::Reserved, payable(creator), in_transit(), units)?;
    draft.put(Row::Payout(id, Payout { creator, units, provider, state }));
    receipt(draft, creator, units)
}

/// The provider says what became of it.
fn end(draft: &mut Draft<'_>, id: Id, state: PayoutState) -> Result<Receipt, Refusal> {
    let payout = draft.payout(id)?;
    let Payout { creator, units, provider, .. } = payout;
    if payout.state == state {
        return receipt(draft, creator, 0);
    }
    if payout.state != PayoutState::Open {
        return Err(Refusal::Over { what: What::Payout });
    }
    draft.both(Stage::Released, payable(creator), in_transit(), units)?;
    if state == PayoutState::Paid {
        draft.post(payable(creator), available(provider), units)?;
    }
    draft.put(Row::Payout(id, Payout { state, ..payout }));
    receipt(draft, creator, units)
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
    Ok(Receipt { units, available: 0 })
}

/// Unspent money goes back to where it was paid from. What was given is not money.
fn pay_back(
    draft: &mut Draft<'_>,
    id: Id,
    amount: Amount,
    provider: Provider,
) -> Result<Receipt, Refusal> {
    let (lot, units) = (draft.lot(id)?, amount.units());
    if lot.origin == Origin::Promo {
        return Err(Refusal::Invalid("what was given is not paid back".into()));
    }
    if lot.state != LotState::Open {
        return Err(Refusal::Disputed);
    }
    draft.must_be_open(lot.account(id))?;
    let left = lot.left.checked_sub(units);
    let left = left.ok_or(Refusal::TooMuch { what: What::Lot, left: lot.left })?;
    draft.post(lot.account(id), available(provider), units)?;
    draft.put(Row::Lot(id, Lot { left, ..lot }));
    Ok(Receipt { units, available: draft.spendable(lot.owner) })
}

/// What became due is payable. At most [`DUES_MAX`] hours of it at a time: whoever asks, asks until nothing is left.
fn mature(draft: &mut Draft<'_>, creator: AccountId) -> Result<Receipt, Refusal> {
    let (mut units, now) = (0_u64, draft.now());
    let dues = draft.dues_of(creator);
    for id in dues.into_iter().rev().filter(|id| id.at <= now).take(DUES_MAX) {
        units = units.checked_add(draft.due(id)).ok_or(Refusal::Overflow)?;
        draft.put(Row::Due(id, 0));
    }
    let [pending, payable] =
        [Kind::CreatorPending, Kind::CreatorPayable].map(|kind| Account::person(kind, creator));
    draft.post(pending, payable, units)?;
    Ok(Receipt { units, available: draft.balance(payable)?.available() })
}

pub(super) const fn available(provider: Provider) -> Account {
    Account { kind: Kind::PspAvailable, of: provider.of() }
}

const fn payable(creator: AccountId) -> Account {
    Account::person(Kind::CreatorPayable, creator)
}

const fn in_transit() -> Account {
    Account::single(Kind::BankInTransit)
}

fn receipt(draft: &Draft<'_>, creator: AccountId, units: u64) -> Result<Receipt, Refusal> {
    Ok(Receipt { units, available: draft.balance(payable(creator))?.available() })
}
