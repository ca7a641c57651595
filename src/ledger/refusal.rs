//! Why the ledger did not do something. Refusals of requests are recorded: what was refused once stays refused.

use crate::account::Account;

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
    #[error("too much for one record; do it in parts")]
    TooLarge,
    /// Nothing has that id.
    #[error("there is no {what} {id:032x}")]
    Unknown {
        /// What was looked for.
        what: What,
        /// Its id.
        id: u128,
    },
    /// Something else has that id.
    #[error("there is a {what} {id:032x} already")]
    Exists {
        /// What it is.
        what: What,
        /// Its id.
        id: u128,
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
}

/// What the ledger knows by id.
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
    /// A ticket.
    Ticket,
    /// A subscription.
    Subscription,
    /// Money on its way out.
    Payout,
    /// A dispute.
    Dispute,
    /// An entry of the ledger.
    Record,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lot => "lot",
            Self::Hold => "hold",
            Self::Charge => "charge",
            Self::Event => "event",
            Self::Ticket => "ticket",
            Self::Subscription => "subscription",
            Self::Payout => "payout",
            Self::Dispute => "dispute",
            Self::Record => "record",
        })
    }
}
