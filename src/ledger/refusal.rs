//! Why the ledger did not do something. Refusals of requests are recorded: what was refused once stays refused.

use std::fmt;

use crate::account::Account;
use crate::request::Provider;
use crate::row::{ChargeId, HoldId, Id, MemberId};

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Refusal {
    /// Less is there than was asked for.
    #[error("{account} has {available} units left")]
    Insufficient {
        /// Whose money.
        account: Account,
        /// What was there.
        available: u128,
    },
    /// An operator froze the account.
    #[error("{account} is frozen")]
    Frozen {
        /// Which.
        account: Account,
    },
    /// The account was closed.
    #[error("{account} is closed")]
    Closed {
        /// Which.
        account: Account,
    },
    /// Only what is empty can be closed.
    #[error("{account} is not empty")]
    NotEmpty {
        /// Which.
        account: Account,
    },
    /// A sum or an amount would leave its range.
    #[error("an amount would be larger than the ledger can say")]
    Overflow,
    /// One record would have too many parts.
    #[error("it draws on too many small amounts for one record; pay it in smaller parts")]
    TooLarge,
    /// Nothing has that name.
    #[error("there is no {name}")]
    Unknown {
        /// What was looked for.
        name: Name,
    },
    /// Something else has that name, or it is there already.
    #[error("there is a {name} already")]
    Exists {
        /// What it is.
        name: Name,
    },
    /// It is over.
    #[error("the {what} is over")]
    Over {
        /// What.
        what: What,
    },
    /// It is not yet time.
    #[error("the {what} is not due yet")]
    NotDue {
        /// What.
        what: What,
    },
    /// More than is left of it.
    #[error("{left} units are left of the {what}")]
    TooMuch {
        /// Of what.
        what: What,
        /// What could be asked for.
        left: u64,
    },
    /// Somebody with a newer lease has taken over.
    #[error("the session is run by a later owner, epoch {newest}")]
    Stale {
        /// The newest epoch that was seen.
        newest: u64,
    },
    /// What is disputed is not refunded as well.
    #[error("the payment is disputed at the payment provider; wait for the dispute's end")]
    Disputed,
    /// Whoever owes is paid nothing.
    #[error("{account} is {units} units")]
    Indebted {
        /// Whose debt.
        account: Account,
        /// How much.
        units: u128,
    },
    /// Nobody has said what the ledger is.
    #[error("the ledger is not founded; its first record names it and its currency")]
    Unfounded,
    /// The ledger is another one.
    #[error(
        "the ledger was founded with another name or counts another currency already, which never change"
    )]
    Founded,
    /// Its rules are newer than this program.
    #[error("the ledger follows rules {rules}, which this program does not know; update it")]
    Rules {
        /// Which.
        rules: u16,
    },
    /// No clock that is right says that.
    #[error("the clock is beyond the year 2199; set it right")]
    Clock,
    /// Numbers that the command's own rules refuse.
    #[error("{0}")]
    Invalid(String),
    /// Another request has its id.
    #[error(
        "another request has this id, and record {seq} is what came of it; a new request needs a new id"
    )]
    Mismatch {
        /// The other one's record.
        seq: u64,
    },
    /// Too much of what a provider said waits.
    #[error(
        "too many events of {provider} wait for what they are about; `weir provider show {provider}` lists them"
    )]
    Full {
        /// Who said it.
        provider: Provider,
    },
}

/// What something is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Name {
    /// Money that came in or was given.
    Lot(Id),
    /// Money that is reserved.
    Hold(HoldId),
    /// Something that is paid for.
    Charge(ChargeId),
    /// Something that tickets are for.
    Event(Id),
    /// Somebody who is a member.
    Member(MemberId),
    /// Money on its way to a creator.
    Payout(Id),
    /// Money on its way back to whoever paid it.
    Repayment(Id),
    /// A dispute.
    Dispute(Id),
    /// An entry of the ledger that did something.
    Record(u64),
    /// Something that a provider said.
    Notice(Id),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lot(id) => write!(f, "lot {id:032x}"),
            Self::Hold(id) => write!(f, "block {} of {}", id.block, id.charge()),
            Self::Charge(id) => id.fmt(f),
            Self::Event(id) => write!(f, "event {id:032x}"),
            Self::Member(id) => write!(f, "membership of {id}"),
            Self::Payout(id) => write!(f, "payout {id:032x}"),
            Self::Repayment(id) => write!(f, "repayment {id:032x}"),
            Self::Dispute(id) => write!(f, "dispute {id:032x}"),
            Self::Record(seq) => write!(f, "record {seq} that did something"),
            Self::Notice(id) => write!(f, "provider's event {id:032x}"),
        }
    }
}

/// Sorts of what the ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// Money that came in or was given.
    Lot,
    /// Money that is reserved.
    Hold,
    /// Something that is paid for.
    Charge,
    /// Something that tickets are for.
    Event,
    /// Money on its way to a creator.
    Payout,
    /// Money on its way back to whoever paid it.
    Repayment,
    /// A dispute.
    Dispute,
    /// An entry of the ledger.
    Record,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lot => "lot",
            Self::Hold => "hold",
            Self::Charge => "charge",
            Self::Event => "event",
            Self::Payout => "payout",
            Self::Repayment => "repayment",
            Self::Dispute => "dispute",
            Self::Record => "record",
        })
    }
}
