//! What went wrong is put right by a further record; nothing is ever changed.

use weir_model::AccountId;

use super::control::{is_approved, must_be_approved};
use crate::Amount;
use crate::account::{Account, Class, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Request;
use crate::row::{Id, Lot, Origin, Row};
use crate::split::Recipient;

/// A transfer that puts a record right. All corrections of one record move no more than it moved itself.
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
    let Correction { corrects, debit, credit, amount, second } = *correction;
    let units = amount.units();
    let unknown = Refusal::Unknown { name: Name::Record(corrects) };
    let (left, corrected) = draft.correctable(corrects).ok_or(unknown)?;
    // All of one record together, so that nobody corrects by himself in small steps what he may not at once.
    let is_small = units.saturating_add(corrected) <= draft.policy().correction_max;
    must_be_approved(is_small || is_approved(request, second))?;
    if units > left {
        return Err(Refusal::TooMuch { what: What::Record, left });
    }
    if debit.kind == Kind::Promo && credit != Account::single(Kind::PlatformPromo) {
        return Err(Refusal::Invalid("what was given goes back to whoever gave it".into()));
    }
    take_from(draft, debit, units)?;
    give_to(draft, request.id, credit, units)?;
    must_be_there(draft, debit, Class::Income)?;
    must_be_there(draft, credit, Class::Expenses)?;
    draft.put(Row::Corrected(corrects, corrected.saturating_add(units)));
    Ok(Receipt::of(units, draft.balance(credit)?.available()))
}

fn take_from(draft: &mut Draft<'_>, account: Account, units: u64) -> Result<(), Refusal> {
    match account.kind {
        Kind::Wallet | Kind::Promo => {
            let fits = |lot: &Lot| lot.account() == account;
            let taken = draft.draw(account, owner(account)?, units, fits)?;
            draft.debit(&taken)
        }
        Kind::CreatorPending => {
            let available = draft.balance(account)?.available();
            match draft.take_pending(owner(account)?, units)? {
                0 => Ok(()),
                _ => Err(Refusal::Insufficient { account, available }),
            }
        }
        _ if is_open_to_corrections(account.kind) => draft.charge_account(account, units),
        _ => Err(Refusal::Invalid(format!("{account} is what its open items are"))),
    }
}

fn give_to(draft: &mut Draft<'_>, id: Id, account: Account, units: u64) -> Result<(), Refusal> {
    match account.kind {
        Kind::Wallet => {
            draft.must_be_new(id)?;
            draft.open_lot(id, owner(account)?, Origin::Correction, units, None);
            draft.credit(account, units)
        }
        Kind::CreatorPending => draft.give(Recipient::Creator(owner(account)?), units),
        _ if is_open_to_corrections(account.kind) => draft.credit(account, units),
        _ => Err(Refusal::Invalid(format!("{account} is what its open items are"))),
    }
}

/// Refuses to take more of what the platform earned or spent, which is what `falls`, than there is. What a provider
/// holds is the provider's to say, and may be overdrawn.
fn must_be_there(draft: &Draft<'_>, account: Account, falls: Class) -> Result<(), Refusal> {
    let class = account.kind.class();
    match class == falls && draft.balance(account)?.net(class) < 0 {
        true => Err(Refusal::Insufficient { account, available: 0 }),
        false => Ok(()),
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
    account.owner().ok_or_else(|| Refusal::Invalid(format!("{account} is nobody's")))
}
