//! What a request would bring about, and what the ledger's refusals say to whoever asked.

use weir_ledger::account::{Account, Balance, Kind};
use weir_ledger::record::Receipt;
use weir_ledger::request::{Command, MemberCommand, PaymentCommand, PayoutCommand};
use weir_ledger::row::ChargeId;
use weir_ledger::state::{Change, Done};
use weir_ledger::{Currency, Refusal, Request};
use weir_model::charge::{ChargeName, LedgerId};
use weir_model::money::{BalanceChange, BalanceState, MoneyReceipt};
use weir_model::{AccountId, ApiError, ErrorCode};

use super::names::name_of;
use super::read::{Reader, broken, standing};
use crate::actors::clock;

impl Reader<'_> {
    pub(super) fn rehearse(
        &self,
        first: &[Request],
        request: &Request,
        of: Option<AccountId>,
    ) -> Result<MoneyReceipt, ApiError> {
        let wall = clock::now().into();
        let rehearsed = self.ledger.read(|state| state.rehearse_after(first, request, wall));
        let no = |refusal: Refusal| refused(&refusal, self.currency.as_ref());
        let rehearsed = rehearsed.map_err(no)?;
        let (seq, replayed, result) = match rehearsed.done {
            Done::Recorded(entry) => (Some(entry.record.seq), false, entry.record.result),
            Done::Replayed(seq) => (Some(seq), true, self.result_of(seq)?),
            Done::Unchanged(receipt) => (None, true, Ok(receipt)),
            Done::Mismatch(seq) => return Err(no(Refusal::Mismatch { seq })),
            Done::Refused(refusal) => return Err(no(refusal)),
        };
        let receipt = receipt_of(request, self.currency.as_ref(), &result.map_err(no)?);
        let seen = rehearsed.accounts.iter().filter(|change| is_seen(&change.account, of));
        let changes = seen.map(|change| self.change(change)).collect();
        Ok(MoneyReceipt { seq, replayed, changes, ..receipt })
    }

    fn result_of(&self, seq: u64) -> Result<Result<Receipt, Refusal>, ApiError> {
        let record = self.ledger.record(seq).map_err(broken)?;
        let missing = || ApiError::new(ErrorCode::NotFound, format!("there is no record {seq}"));
        Ok(record.ok_or_else(missing)?.result)
    }

    fn change(&self, change: &Change) -> BalanceChange {
        let class = change.account.kind.class();
        let state = |balance: &Balance| BalanceState {
            balance: self.signed(balance.net(class)),
            reserved: self.money(balance.debits_pending),
            standing: standing(balance.standing).into(),
        };
        let (before, after) = (state(&change.before), state(&change.after));
        BalanceChange { account: change.account.to_string(), before, after }
    }
}

/// Whether what is on `account` is shown to somebody who may see only what is his, if there is such a one.
fn is_seen(account: &Account, of: Option<AccountId>) -> bool {
    let is_personal = matches!(
        account.kind,
        Kind::Wallet
            | Kind::Promo
            | Kind::CreatorPending
            | Kind::CreatorPayable
            | Kind::CreatorDebt
    );
    of.is_none() || (is_personal && account.owner() == of)
}

/// What came of `request`, as far as its receipt and its own words say it.
#[must_use]
pub fn receipt_of(
    request: &Request,
    currency: Option<&Currency>,
    receipt: &Receipt,
) -> MoneyReceipt {
    let money = |units: u128| decimal(currency, units);
    let id = LedgerId::new(request.id);
    let charge = match &request.command {
        Command::Payment(PaymentCommand::Tip { .. }) => Some(ChargeName::Tip(request.id)),
        Command::Payment(PaymentCommand::Refund { charge, .. }) => Some(name_of(*charge)),
        Command::Member(MemberCommand::Gift(_)) => Some(ChargeName::Gift(request.id)),
        Command::Member(MemberCommand::Subscribe { member, period, .. }) => {
            Some(name_of(ChargeId::Period { member: *member, number: *period }))
        }
        _ => None,
    };
    let payout = match &request.command {
        Command::Payout(PayoutCommand::Request { .. }) => id,
        Command::Payout(PayoutCommand::End { payout, .. }) => LedgerId::new(*payout),
        _ => None,
    };
    MoneyReceipt {
        what: request.command.name().into(),
        id,
        seq: None,
        replayed: false,
        durability: None,
        amount: money(receipt.units.into()),
        available: money(receipt.available),
        currency: currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
        charge,
        payout,
        changes: Vec::new(),
    }
}

/// What a refusal of the ledger is over the API: what is wrong, with amounts in `currency`, and what to do.
#[must_use]
pub fn refused(refusal: &Refusal, currency: Option<&Currency>) -> ApiError {
    let money = |units: u128| {
        let code = currency.map(Currency::code).unwrap_or("units");
        format!("{} {code}", decimal(currency, units))
    };
    let error = |code, text: String| ApiError::new(code, text);
    let conflict = |text: String| error(ErrorCode::Conflict, text);
    match refusal {
        Refusal::Insufficient { account, available } => {
            conflict(format!("{account} has {} left", money(*available)))
                .hint("`weir wallet show` says what is reserved; a new attempt needs a new id")
        }
        Refusal::TooMuch { what, left } => {
            conflict(format!("{} are left of the {what}", money((*left).into())))
                .hint("ask for no more than that, with a new id")
        }
        Refusal::Indebted { account, units } => conflict(format!("{account} is {}", money(*units)))
            .hint("whoever owes is paid nothing until what he earns has made it good"),
        Refusal::Frozen { .. } => conflict(refusal.to_string())
            .hint("`weir wallet unfreeze` opens it again; a new attempt needs a new id"),
        Refusal::Mismatch { seq } => conflict(refusal.to_string())
            .hint(format!("`weir ledger explain {seq}` says what it was")),
        Refusal::Closed { .. }
        | Refusal::NotEmpty { .. }
        | Refusal::Exists { .. }
        | Refusal::Over { .. }
        | Refusal::NotDue { .. }
        | Refusal::Stale { .. }
        | Refusal::Disputed
        | Refusal::Founded => conflict(refusal.to_string()),
        Refusal::Unknown { .. } => unknown(refusal.to_string()),
        Refusal::Overflow | Refusal::TooLarge | Refusal::Invalid(_) => {
            error(ErrorCode::Invalid, refusal.to_string())
        }
        Refusal::Full { .. } => error(ErrorCode::Unavailable, refusal.to_string()),
        Refusal::Unfounded | Refusal::Rules { .. } | Refusal::Clock => {
            error(ErrorCode::Unavailable, refusal.to_string())
        }
    }
}

fn unknown(text: String) -> ApiError {
    ApiError::new(ErrorCode::NotFound, text)
        .hint("`weir ledger tail` shows what there is, `weir ledger explain SEQ` what it is called")
}

fn decimal(currency: Option<&Currency>, units: u128) -> String {
    currency.map_or_else(|| units.to_string(), |currency| currency.decimal(units).to_string())
}
