//! Lines about money.

use weir_model::SessionId;
use weir_model::money::PersonalAccount;

use super::reason;
use crate::act::money::{Deed, Wish};
use crate::intent::Intent;
use crate::state::State;
use crate::state::confirm::{Confirm, is_amount};
use crate::state::nav::{MoneyPage, View, WalletPage};

/// What a line about money asks for; none when it is no such line.
pub(super) fn parse(words: &[&str], state: &State) -> Option<Result<Intent, String>> {
    Some(match words {
        ["session", "show", id] | ["session" | "se", id] => {
            session(id).map(|id| Intent::Open(View::Money(MoneyPage::Session(id))))
        }
        ["session", "end", id, rest @ ..] => end_session(id, rest, state),
        ["wallet", "show", name] | ["wallet" | "w", name] => {
            Ok(Intent::Open(View::Money(MoneyPage::Wallet(WalletPage::of(name)))))
        }
        ["wallet", "credit", name, amount, rest @ ..] => credit(name, amount, rest),
        ["wallet", verb @ ("freeze" | "unfreeze"), name, rest @ ..] => stand(verb, name, rest),
        ["payout", verb @ ("paid" | "fail"), id, rest @ ..] => payout(verb, id, rest),
        ["refund", charge, rest @ ..] => refund(charge, rest),
        ["ledger", "explain", seq] => match seq.parse() {
            Ok(seq) => Ok(Intent::Open(View::Money(MoneyPage::Record(seq)))),
            Err(_) => Err(format!("`{seq}` is no number of a record")),
        },
        _ => return None,
    })
}

fn session(id: &str) -> Result<SessionId, String> {
    id.parse().map_err(|error: weir_model::id::InvalidId| error.to_string())
}

fn end_session(id: &str, rest: &[&str], state: &State) -> Result<Intent, String> {
    let id = session(id)?;
    let known = state.shown().money.sessions.iter().find(|one| one.id == id);
    let known = known.ok_or_else(|| format!("open the sessions first (:se), then end {id}"))?;
    let reason = reason(rest).ok_or("session end ID [--reason TEXT]")?;
    Ok(Intent::Ask(Box::new(Confirm::end_session(known, &reason))))
}

fn credit(name: &str, amount: &str, rest: &[&str]) -> Result<Intent, String> {
    let reason = reason(rest).filter(|_| is_amount(amount));
    let reason = reason.ok_or("wallet credit ACCOUNT AMOUNT [--reason TEXT], like 5.00")?;
    let deed = Deed::Credit { account: name.to_owned(), amount: amount.to_owned() };
    Ok(Intent::Try(Wish::Deed(deed), reason))
}

fn stand(verb: &str, name: &str, rest: &[&str]) -> Result<Intent, String> {
    let reason = reason(rest).ok_or_else(|| format!("wallet {verb} ACCOUNT [--reason TEXT]"))?;
    let (account, of) = (name.to_owned(), PersonalAccount::Wallet);
    Ok(Intent::Try(Wish::Deed(Deed::Stand { account, of, frozen: verb == "freeze" }), reason))
}

fn payout(verb: &str, id: &str, rest: &[&str]) -> Result<Intent, String> {
    let id = id.parse().map_err(|error: weir_model::charge::InvalidLedgerId| error.to_string())?;
    let reason = reason(rest).ok_or_else(|| format!("payout {verb} ID [--reason TEXT]"))?;
    Ok(Intent::Try(Wish::Deed(Deed::Payout { id, arrived: verb == "paid" }), reason))
}

fn refund(charge: &str, rest: &[&str]) -> Result<Intent, String> {
    let charge =
        charge.parse().map_err(|error: weir_model::charge::InvalidChargeName| error.to_string())?;
    let (amount, rest) = match rest {
        [amount, rest @ ..] if is_amount(amount) => (Some((*amount).to_owned()), rest),
        rest => (None, rest),
    };
    let reason = reason(rest).ok_or("refund PAYMENT [AMOUNT] [--reason TEXT]")?;
    Ok(Intent::Try(Wish::Deed(Deed::Refund { charge, amount }), reason))
}
