//! Questions about money: first how much, then, with what the node says it would do, whether.

use weir_model::charge::LedgerId;
use weir_model::money::{BalanceChange, MoneyReceipt};

use super::{Confirm, Need, Then};
use crate::act::Act;
use crate::act::money::{Deed, Tried, Wish};
use crate::state::edit::Edit;

/// Accounts shown at most; a refund touches half as many.
const CHANGES_MAX: usize = 8;

/// What the node is asked to try, while it has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The number it was asked with.
    pub id: u64,
    /// The question it will be.
    pub title: String,
    /// Under which id it will be done.
    pub once: LedgerId,
    /// The reason that was given with it already.
    pub reason: String,
}

impl Confirm {
    /// Asks how much before a wallet is credited.
    #[must_use]
    pub fn credit(account: &str, currency: Option<&str>) -> Self {
        let deed = Deed::Credit { account: account.to_owned(), amount: String::new() };
        let line = match currency {
            Some(code) => format!("What was paid in by hand, in {code}."),
            None => "What was paid in by hand.".into(),
        };
        Self::amount(format!("Credit {account}?"), line, false, Wish::Deed(deed))
    }

    /// Asks how much before the payment of a record is given back.
    #[must_use]
    pub fn refund(seq: u64, what: &str, currency: Option<&str>) -> Self {
        let wish = Wish::RefundOf { seq, amount: None };
        let line = match currency {
            Some(code) => format!("{what}, in {code}."),
            None => format!("{what}."),
        };
        Self::amount(wish.title(), line, true, wish)
    }

    fn amount(title: String, line: String, all: bool, wish: Wish) -> Self {
        Self {
            title,
            lines: vec![line],
            need: Need::Amount { all },
            edit: Edit::default(),
            problem: None,
            then: Then::Try(wish),
        }
    }

    /// Asks before a deed that was tried.
    #[must_use]
    pub fn tried(tried: Tried, trial: &Trial) -> Self {
        Self {
            title: tried.deed.title(),
            lines: lines(&tried),
            need: Need::Reason,
            edit: Edit::of(&trial.reason),
            problem: None,
            then: Then::Act(Act::Money {
                deed: tried.deed,
                once: trial.once,
                reason: String::new(),
            }),
        }
    }
}

fn lines(tried: &Tried) -> Vec<String> {
    let MoneyReceipt { changes, amount, available, currency, .. } = &tried.receipt;
    let mut lines: Vec<String> = changes.iter().filter_map(changed).collect();
    let more = lines.len().saturating_sub(CHANGES_MAX);
    lines.truncate(CHANGES_MAX);
    if more > 0 {
        lines.push(format!("and {more} accounts more"));
    }
    if lines.is_empty() {
        lines.push("Nothing would change.".into());
    }
    lines.push(match &tried.deed {
        Deed::Refund { charge, .. } => format!("{amount} {currency} of {charge}"),
        Deed::Credit { .. } => format!("{available} {currency} can be spent then"),
        Deed::Stand { frozen: true, .. } => "nothing leaves it until it is unfrozen".into(),
        Deed::Stand { frozen: false, .. } => "it can be used again".into(),
        Deed::Payout { arrived: true, .. } => format!("the streamer has {amount} {currency}"),
        Deed::Payout { arrived: false, .. } => {
            format!("{amount} {currency} can be paid out again")
        }
    });
    lines
}

/// What is another on an account then; none when nothing is.
fn changed(change: &BalanceChange) -> Option<String> {
    let BalanceChange { account, before, after } = change;
    let pairs = [
        ("", &before.balance, &after.balance),
        ("reserved ", &before.reserved, &after.reserved),
        ("", &before.standing, &after.standing),
    ];
    let differ = pairs.iter().filter(|(_, before, after)| before != after);
    let said: Vec<_> =
        differ.map(|(what, before, after)| format!("{what}{before} -> {after}")).collect();
    (!said.is_empty()).then(|| format!("{account}  {}", said.join(", ")))
}

/// Whether it can be an amount; whether it has too many digits the node says.
#[must_use]
pub fn is_amount(typed: &str) -> bool {
    let (whole, behind) = typed.split_once('.').unwrap_or((typed, "0"));
    [whole, behind].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn with_amount(wish: Wish, typed: String) -> Wish {
    let some = (!typed.is_empty()).then(|| typed.clone());
    match wish {
        Wish::Deed(Deed::Credit { account, .. }) => {
            Wish::Deed(Deed::Credit { account, amount: typed })
        }
        Wish::Deed(Deed::Refund { charge, .. }) => {
            Wish::Deed(Deed::Refund { charge, amount: some })
        }
        Wish::RefundOf { seq, .. } => Wish::RefundOf { seq, amount: some },
        whole @ Wish::Deed(Deed::Stand { .. } | Deed::Payout { .. }) => whole,
    }
}

#[cfg(test)]
mod tests {
    use weir_model::money::BalanceState;

    use super::*;

    #[test]
    fn amounts_are_plain_decimal_text() {
        for good in ["5", "5.00", "0.01"] {
            assert!(is_amount(good), "{good}");
        }
        for bad in ["", "-5", "5.", ".5", "5,00", "1e3", "5.0.0", "x"] {
            assert!(!is_amount(bad), "{bad}");
        }
    }

    #[test]
    fn only_what_would_be_another_is_shown_of_an_account() {
        let state = |balance: &str, reserved: &str, standing: &str| BalanceState {
            balance: balance.into(),
            reserved: reserved.into(),
            standing: standing.into(),
        };
        let change = |before, after| BalanceChange { account: "a".into(), before, after };
        let same = state("5.00", "1.00", "open");
        assert_eq!(changed(&change(same.clone(), same.clone())), None);
        let less = changed(&change(same.clone(), state("3.00", "0.00", "open")));
        assert_eq!(less.as_deref(), Some("a  5.00 -> 3.00, reserved 1.00 -> 0.00"));
        let frozen = changed(&change(same, state("5.00", "1.00", "frozen")));
        assert_eq!(frozen.as_deref(), Some("a  open -> frozen"));
    }
}
