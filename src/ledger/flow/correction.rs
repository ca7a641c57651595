//! What went wrong is put right by a further record; nothing is ever changed.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Request;
use crate::row::{Id, Lot, LotState, Origin, Row};
use crate::split::Recipient;

/// A transfer that puts a record right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Correction {
    /// The number of that record.
    pub corrects: u64,
    /// From this account's debit side …
    pub debit: Account,
    /// … to this one's credit side.
    pub credit: Account,
    /// How much.
    pub amount: Amount,
    /// Who approved it beside whoever asks.
    pub second: Option<AccountId>,
}

pub(super) fn correct(
    draft: &mut Draft<'_>,
    request: &Request,
    correction: &Correction,
) -> Result<Receipt, Refusal> {
    let Correction { corrects, debit, credit, amount, second } = correction;
    let units = amount.units();
    if *corrects == 0 || *corrects >= draft.seq() {
        return Err(Refusal::Unknown { what: What::Record, id: u128::from(*corrects) });
    }
    let alone = second.is_none_or(|second| second == request.by);
    if alone && units > draft.policy().correction_max {
        return Err(Refusal::Invalid("a second person has to approve it".into()));
    }
    take_from(draft, *debit, units)?;
    give_to(draft, request.id, *credit, units)?;
    Ok(Receipt { units, available: draft.balance(*credit)?.available() })
}

fn take_from(draft: &mut Draft<'_>, account: Account, units: u64) -> Result<(), Refusal> {
    match account.kind {
        Kind::Wallet => {
            let paid = |lot: &Lot| lot.origin == Origin::Paid;
            let taken = draft.spend_of(owner(account)?, units, paid)?;
            draft.debit(&taken)
        }
        Kind::Promo => {
            let lot = draft.lot(account.of)?;
            let left = lot.left.checked_sub(units).filter(|_| lot.state == LotState::Open);
            let left = left.ok_or(Refusal::TooMuch { what: What::Lot, left: lot.left })?;
            draft.put(Row::Lot(account.of, Lot { left, ..lot }));
            draft.charge_account(account, units)
        }
        Kind::CreatorPending => draft.take(Recipient::Creator(owner(account)?), units),
        _ if is_open_to_corrections(account.kind) => draft.charge_account(account, units),
        _ => Err(Refusal::Invalid(format!("{account} is what its open items are"))),
    }
}

fn give_to(draft: &mut Draft<'_>, id: Id, account: Account, units: u64) -> Result<(), Refusal> {
    match account.kind {
        Kind::Wallet => {
            draft.open_lot(id, owner(account)?, Origin::Paid, units, None);
            draft.credit(account, units)
        }
        Kind::CreatorPending => draft.give(Recipient::Creator(owner(account)?), units),
        _ if is_open_to_corrections(account.kind) => draft.credit(account, units),
        _ => Err(Refusal::Invalid(format!("{account} is what its open items are"))),
    }
}

/// Accounts that stand for nothing beside them.
const fn is_open_to_corrections(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::PspPending
            | Kind::PspAvailable
            | Kind::PlatformFees
            | Kind::PlatformBreakage
            | Kind::PspFees
            | Kind::PlatformPromo
            | Kind::ChargebackLoss
            | Kind::Writeoff
    )
}

fn owner(account: Account) -> Result<AccountId, Refusal> {
    u64::try_from(account.of)
        .map(AccountId)
        .map_err(|_| Refusal::Invalid(format!("{account} is nobody's")))
}
