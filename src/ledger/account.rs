//! Accounts: what they are called, what they may do, what is on them.

use std::fmt;

use weir_model::AccountId;

/// What an account is for; decides which side it grows on and whether it may fall below zero.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Kind {
    /// Asset: paid by customers, not yet ours to take out.
    PspPending,
    /// Asset: what the payment provider would pay out now.
    PspAvailable,
    /// Asset: on its way to creators' banks.
    BankInTransit,
    /// Asset: withdrawn by a dispute that is open.
    DisputesInReview,
    /// Asset: what a creator owes after refunds.
    CreatorDebt,
    /// Liability: a user's paid money.
    Wallet,
    /// Liability: money that a user was given.
    Promo,
    /// Liability: earned, not payable yet.
    CreatorPending,
    /// Liability: a creator may have it paid out.
    CreatorPayable,
    /// Liability: reserved for a session.
    EscrowSession,
    /// Liability: tickets of an event that has not taken place.
    EscrowEvent,
    /// Income: the platform's shares.
    PlatformFees,
    /// Income: promotional money that expired.
    PlatformBreakage,
    /// Expense: what payment providers keep.
    PspFees,
    /// Expense: promotional money that was given.
    PlatformPromo,
    /// Expense: disputes that were lost.
    ChargebackLoss,
    /// Expense: what nobody could be charged for.
    Writeoff,
}

/// How an account appears in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Grows by debits.
    Assets,
    /// Grows by credits.
    Liabilities,
    /// Grows by credits.
    Income,
    /// Grows by debits.
    Expenses,
}

impl Kind {
    /// Where it stands in reports.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::PspPending
            | Self::PspAvailable
            | Self::BankInTransit
            | Self::DisputesInReview
            | Self::CreatorDebt => Class::Assets,
            Self::Wallet
            | Self::Promo
            | Self::CreatorPending
            | Self::CreatorPayable
            | Self::EscrowSession
            | Self::EscrowEvent => Class::Liabilities,
            Self::PlatformFees | Self::PlatformBreakage => Class::Income,
            Self::PspFees | Self::PlatformPromo | Self::ChargebackLoss | Self::Writeoff => {
                Class::Expenses
            }
        }
    }

    /// Debits, reserved ones too, may not exceed credits.
    #[must_use]
    pub const fn is_without_overdraft(self) -> bool {
        matches!(self.class(), Class::Liabilities)
    }

    /// Credits, reserved ones too, may not exceed debits.
    #[must_use]
    pub const fn is_without_underdraft(self) -> bool {
        matches!(self, Self::CreatorDebt | Self::DisputesInReview)
    }

    /// Its owner can want something of it, which operators can stop: what a user pays with, what a creator is paid.
    #[must_use]
    pub const fn has_owner(self) -> bool {
        matches!(self, Self::Wallet | Self::CreatorPayable)
    }

    const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::PspPending => ("psp", "pending"),
            Self::PspAvailable => ("psp", "available"),
            Self::BankInTransit => ("bank", "in_transit"),
            Self::DisputesInReview => ("disputes", "in_review"),
            Self::CreatorDebt => ("creator", "debt"),
            Self::Wallet => ("user", "wallet"),
            Self::Promo => ("user", "promo"),
            Self::CreatorPending => ("creator", "pending"),
            Self::CreatorPayable => ("creator", "payable"),
            Self::EscrowSession => ("escrow", "session"),
            Self::EscrowEvent => ("escrow", "event"),
            Self::PlatformFees => ("platform", "fees"),
            Self::PlatformBreakage => ("platform", "breakage"),
            Self::PspFees => ("platform", "psp_fees"),
            Self::PlatformPromo => ("platform", "promo"),
            Self::ChargebackLoss => ("platform", "chargeback_loss"),
            Self::Writeoff => ("platform", "writeoff"),
        }
    }
}

/// Names an account: what it is for, and whose. Nobody has to open one: it is there, with nothing on it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Account {
    /// What it is for.
    pub kind: Kind,
    /// Whose: a person, a provider, a session, an event; zero where there is only one.
    pub of: u128,
}

impl Account {
    /// The account of a kind that there is once.
    #[must_use]
    pub const fn single(kind: Kind) -> Self {
        Self { kind, of: 0 }
    }

    /// A person's account.
    #[must_use]
    pub const fn person(kind: Kind, of: AccountId) -> Self {
        Self { kind, of: of.0 as u128 }
    }

    /// Whose it is, when it can be a person's.
    #[must_use]
    pub fn owner(&self) -> Option<AccountId> {
        u64::try_from(self.of).ok().map(AccountId)
    }

    /// The wallet of `user`.
    #[must_use]
    pub const fn wallet(user: AccountId) -> Self {
        Self::person(Kind::Wallet, user)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, what) = self.kind.path();
        match (self.kind, u64::try_from(self.of)) {
            (_, Ok(0)) => write!(f, "{group}:{what}"),
            (
                Kind::Wallet
                | Kind::Promo
                | Kind::CreatorDebt
                | Kind::CreatorPending
                | Kind::CreatorPayable,
                Ok(id),
            ) => {
                write!(f, "{group}:{}:{what}", AccountId(id))
            }
            _ => write!(f, "{group}:{:032x}:{what}", self.of),
        }
    }
}

/// What an operator said about an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Standing {
    /// Nothing.
    #[default]
    Open,
    /// Its owner can have nothing leave it. What is reserved may still be taken, and so may what a bank or a refund
    /// takes back; and what is owed to its owner arrives.
    Frozen,
    /// The same, of an account that was empty then and whose owner has gone.
    Closed,
}

/// What is on an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Balance {
    /// Reserved, not taken yet.
    pub debits_pending: u128,
    /// Taken.
    pub debits_posted: u128,
    /// Promised, not given yet.
    pub credits_pending: u128,
    /// Given.
    pub credits_posted: u128,
    /// What an operator said.
    pub standing: Standing,
    /// The newest record with a leg on it; zero before the first.
    pub touched: u64,
}

impl Balance {
    /// What may still leave: given, less what was taken or is reserved.
    #[must_use]
    pub const fn available(&self) -> u128 {
        self.credits_posted.saturating_sub(self.debits_posted.saturating_add(self.debits_pending))
    }

    /// What is on it on its own side: of `class` that grows by debits, debits less credits; else credits less debits.
    /// Reserved money is still on it. Negative when the other side is larger.
    #[must_use]
    pub fn net(&self, class: Class) -> i128 {
        let (debits, credits) =
            (self.debits_posted.cast_signed(), self.credits_posted.cast_signed());
        match class {
            Class::Assets | Class::Expenses => debits - credits,
            Class::Liabilities | Class::Income => credits - debits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_called_by_what_they_are_for() {
        let user = AccountId(0xab);
        assert_eq!(Account::wallet(user).to_string(), "user:acc_00000000000000ab:wallet");
        assert_eq!(Account::single(Kind::PlatformFees).to_string(), "platform:fees");
        let event = Account { kind: Kind::EscrowEvent, of: 1 << 100 };
        assert_eq!(event.to_string(), "escrow:00000010000000000000000000000000:event");
    }

    #[test]
    fn what_is_reserved_is_not_available_and_still_there() {
        let balance = Balance {
            debits_pending: 30,
            debits_posted: 20,
            credits_posted: 100,
            ..Balance::default()
        };
        assert_eq!(balance.available(), 50);
        assert_eq!(balance.net(Class::Liabilities), 80);
        assert_eq!(balance.net(Class::Assets), -80);
    }
}
