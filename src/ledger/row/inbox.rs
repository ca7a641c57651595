//! What payment providers said, and what they were told.

use weir_model::AccountId;

use super::{At, DisputeState, Id, PayoutState};
use crate::Amount;
use crate::request::{Provider, PspRef};

/// Something that a provider says, once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Made of the provider and its own name of the event: the same event has the same id.
    pub event: Id,
    /// Who says it.
    pub provider: Provider,
    /// What the provider calls the event.
    pub name: PspRef,
    /// When the provider says it happened.
    pub created: At,
    /// What.
    pub news: News,
}

/// What happened at a provider. Its own payments and disputes have ids made of their names, ours are our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum News {
    /// A user paid. The payment's id names the lot.
    Paid {
        /// Which payment.
        payment: Id,
        /// Whose wallet.
        user: AccountId,
        /// How much.
        amount: Amount,
    },
    /// What was paid is ours to take out, less what the provider keeps.
    Settled {
        /// Which payment.
        payment: Id,
        /// How much of it.
        amount: Amount,
        /// What the provider keeps of that, minor units.
        fee: u64,
    },
    /// A customer disputes a payment, and the provider took it back.
    Disputed {
        /// Which dispute.
        dispute: Id,
        /// Which payment.
        payment: Id,
        /// How much.
        amount: Amount,
        /// What the provider takes for that, minor units.
        fee: u64,
    },
    /// A dispute is over.
    DisputeEnded {
        /// Which.
        dispute: Id,
        /// How.
        state: DisputeState,
    },
    /// A payout arrived or came back.
    PayoutEnded {
        /// Which.
        payout: Id,
        /// How.
        state: PayoutState,
    },
    /// Money that was to go back to whoever paid it arrived there or did not.
    RefundEnded {
        /// Which repayment.
        repayment: Id,
        /// How.
        state: PayoutState,
    },
    /// What the provider says that it holds, minor units.
    Holds {
        /// Not ours to take out yet.
        pending: i64,
        /// Ours to take out.
        available: i64,
    },
}

/// What became of what a provider said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Heard {
    /// It is in the books, with the record that first heard of it or a later one; or staff put it aside.
    Counted,
    /// What it is about is not there yet. It is counted in the record that brings that.
    Waits {
        /// What was said.
        notice: Box<Notice>,
        /// What it waits for.
        on: On,
        /// Since when.
        since: At,
    },
    /// The books say otherwise, and nothing but staff will change that.
    Stopped {
        /// What was said.
        notice: Box<Notice>,
        /// What is against it.
        why: String,
        /// Since when.
        since: At,
    },
}

/// What an event waits for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum On {
    /// That it is told of the payment.
    Payment(Id),
    /// That it is told of the dispute.
    Dispute(Id),
}

/// The newest that a provider said about what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// When, by the provider.
    pub created: At,
    /// Not ours to take out yet, minor units.
    pub pending: i64,
    /// Ours to take out.
    pub available: i64,
}

/// How far a provider was told of a payout. Each attempt is recorded before it is made, so that nobody makes it twice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// Attempts.
    pub tries: u32,
    /// When the first was made …
    pub first: At,
    /// … and when the newest.
    pub last: At,
    /// What came of that.
    pub state: Telling,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Telling {
    /// Nobody knows yet.
    Tried,
    /// The provider has it.
    Sent,
    /// The provider does not, or nobody knows: why.
    Failed(String),
}

impl Heard {
    /// What was said, while it is not counted.
    #[must_use]
    pub const fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Counted => None,
            Self::Waits { notice, .. } | Self::Stopped { notice, .. } => Some(notice),
        }
    }
}
