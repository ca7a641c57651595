//! What an operator can do with money from the console.
//!
//! Every deed is tried first: the node says what would be on each account, the operator looks, and only then is it done.
//! It has an id from the first try on, so that it is done once, however often it is asked for.

use weir_model::charge::{ChargeName, LedgerId};
use weir_model::money::{MoneyReceipt, PersonalAccount};

use super::word;

/// Something done with money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Puts money into a wallet that was paid in by hand.
    Credit {
        /// Whose, by name or id.
        account: String,
        /// How much, decimal text.
        amount: String,
    },
    /// Lets nothing leave what somebody pays with or is paid, or opens it again.
    Stand {
        /// Whose, by name or id.
        account: String,
        /// Which of his accounts.
        of: PersonalAccount,
        /// Whether it is frozen then.
        frozen: bool,
    },
    /// Gives a payment back.
    Refund {
        /// Which one.
        charge: ChargeName,
        /// How much of it; all that is left when absent.
        amount: Option<String>,
    },
    /// Says what became of a payout.
    Payout {
        /// Which one.
        id: LedgerId,
        /// Whether the streamer has it; else it came back.
        arrived: bool,
    },
}

/// What is tried. A line of a statement names a record; which payment that was is asked of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// This.
    Deed(Deed),
    /// The payment of a record is given back.
    RefundOf {
        /// Its number.
        seq: u64,
        /// How much of it; all that is left when absent.
        amount: Option<String>,
    },
}

/// What a deed would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The deed.
    pub deed: Deed,
    /// The node's answer, with each account before and after.
    pub receipt: MoneyReceipt,
}

impl Deed {
    /// The question before it.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Credit { account, amount } => format!("Credit {account} with {amount}?"),
            Self::Stand { account, of, frozen } => {
                let verb = if *frozen { "Freeze" } else { "Unfreeze" };
                format!("{verb} the {} of {account}?", account_word(*of))
            }
            Self::Refund { amount: Some(amount), .. } => format!("Give back {amount}?"),
            Self::Payout { id, arrived: true } => format!("Has payout {id} arrived?"),
            Self::Payout { id, arrived: false } => format!("Did payout {id} come back?"),
            Self::Refund { amount: None, .. } => "Give back all that is left?".into(),
        }
    }

    /// The command line with the same effect, without its reason.
    pub(super) fn cli(&self, once: LedgerId) -> String {
        let line = match self {
            Self::Credit { account, amount } => {
                format!("weir wallet credit {} {}", word(account), word(amount))
            }
            Self::Stand { account, of, frozen } => {
                let verb = if *frozen { "freeze" } else { "unfreeze" };
                format!("weir wallet {verb} {} --of {}", word(account), account_word(*of))
            }
            Self::Refund { charge, amount } => {
                let amount = amount.as_ref().map(|amount| format!(" {}", word(amount)));
                format!("weir refund {charge}{}", amount.unwrap_or_default())
            }
            // It names what it is about, so it is done once without another id.
            Self::Payout { id, arrived } => {
                let verb = if *arrived { "paid" } else { "fail" };
                return format!("weir payout {verb} {id}");
            }
        };
        format!("{line} --id {once}")
    }
}

impl Wish {
    /// The question before it.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Deed(deed) => deed.title(),
            Self::RefundOf { seq, .. } => format!("Give back the payment of record {seq}?"),
        }
    }
}

/// The word for an account of a person, as the command line takes it.
#[must_use]
pub const fn account_word(of: PersonalAccount) -> &'static str {
    match of {
        PersonalAccount::Wallet => "wallet",
        PersonalAccount::Pending => "pending",
        PersonalAccount::Payable => "payable",
        PersonalAccount::Debt => "debt",
    }
}
