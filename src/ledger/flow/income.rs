//! Money that comes in: paid by users, given by the platform.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Provider;
use crate::row::{At, Id, Lot, LotState, Origin, Row};

/// Money that comes in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum IncomeCommand {
    /// A user's payment arrived at a payment provider. The request's id names the lot.
    TopUp {
        /// Whose wallet.
        user: AccountId,
        /// How much.
        amount: Amount,
        /// The provider.
        provider: Provider,
    },
    /// The platform gives a user money that can only be spent here. The request's id names the lot, unless something
    /// is left of one that ends at the same time: it is added to that one.
    Grant {
        /// To whom.
        user: AccountId,
        /// How much.
        amount: Amount,
        /// When the rest is gone: by the end of that hour.
        expires_at: Option<At>,
    },
    /// What is left of a lot after its time is gone. Repeatable.
    Expire {
        /// Which.
        lot: Id,
    },
}

impl IncomeCommand {
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Expire { .. })
    }
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    id: Id,
    command: &IncomeCommand,
) -> Result<Receipt, Refusal> {
    match *command {
        IncomeCommand::TopUp { user, amount, provider } => {
            top_up(draft, id, user, amount, provider)
        }
        IncomeCommand::Grant { user, amount, expires_at } => {
            grant(draft, id, user, amount, expires_at)
        }
        IncomeCommand::Expire { lot } => expire(draft, lot),
    }
}

pub(super) fn top_up(
    draft: &mut Draft<'_>,
    id: Id,
    user: AccountId,
    amount: Amount,
    provider: Provider,
) -> Result<Receipt, Refusal> {
    draft.must_be_new(id)?;
    let psp = Account { kind: Kind::PspPending, of: provider.of() };
    draft.post(psp, Account::wallet(user), amount.units())?;
    draft.open_lot(id, user, Origin::Paid { provider }, amount.units(), None);
    Ok(Receipt::of(amount.units(), draft.spendable(user)))
}

pub(super) fn grant(
    draft: &mut Draft<'_>,
    id: Id,
    user: AccountId,
    amount: Amount,
    expires_at: Option<At>,
) -> Result<Receipt, Refusal> {
    if expires_at.is_some_and(|at| at <= draft.now()) {
        return Err(Refusal::Over { what: What::Lot });
    }
    let (units, expires_at) = (amount.units(), expires_at.map(|at| at.rounded_up(1)));
    let promo = Account::person(Kind::Promo, user);
    draft.post(Account::single(Kind::PlatformPromo), promo, units)?;
    let known = draft.promo_until(user, expires_at).and_then(|id| Some((id, draft.lot(id).ok()?)));
    match known.and_then(|(id, lot)| Some((id, lot.with(units)?))) {
        Some((id, more)) => draft.put(Row::Lot(id, more)),
        None => {
            draft.must_be_new(id)?;
            draft.open_lot(id, user, Origin::Promo, units, expires_at);
        }
    }
    Ok(Receipt::of(units, draft.spendable(user)))
}

/// Unspent promotional money is income again.
pub(super) fn expire(draft: &mut Draft<'_>, id: Id) -> Result<Receipt, Refusal> {
    let lot = draft.lot(id)?;
    let available = |draft: &Draft<'_>| draft.spendable(lot.owner);
    if lot.state == LotState::Expired {
        return Ok(Receipt::of(0, available(draft)));
    }
    if lot.expires_at.is_none_or(|at| at > draft.now()) {
        return Err(Refusal::NotDue { what: What::Lot });
    }
    draft.post(lot.account(), Account::single(Kind::PlatformBreakage), lot.left)?;
    draft.put(Row::Lot(id, Lot { left: 0, state: LotState::Expired, ..lot }));
    Ok(Receipt::of(lot.left, available(draft)))
}
