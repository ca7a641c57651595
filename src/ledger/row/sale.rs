//! What is sold, what leaves, and what is disputed.

use weir_model::AccountId;

use super::{At, Id};
use crate::Amount;
use crate::request::Provider;
use crate::split::Split;

/// Something that tickets are sold for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// Of one ticket.
    pub price: Amount,
    /// Tickets there are.
    pub capacity: u32,
    /// Tickets that were sold and not given back.
    pub sold: u32,
    /// Who gets what of each.
    pub split: Split,
    /// What became of it.
    pub state: EventState,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum EventState {
    /// Tickets are sold.
    Open,
    /// It took place: what was paid is its creator's.
    Delivered,
    /// It did not: what was paid is given back.
    Cancelled,
}

/// Until when somebody is a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Membership {
    /// Until then.
    pub until: At,
    /// Periods that were paid by the member.
    pub periods: u32,
    /// When the newest of them began …
    pub from: At,
    /// … and ends.
    pub to: At,
}

/// Money on its way to a creator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Payout {
    /// To whom.
    pub creator: AccountId,
    /// How much.
    pub units: u64,
    /// By whom.
    pub provider: Provider,
    /// What became of it.
    pub state: PayoutState,
}

/// What became of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PayoutState {
    /// Nothing yet.
    Open,
    /// The creator has it.
    Paid,
    /// It came back.
    Failed,
}

/// Unspent money on its way back to whoever paid it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Repayment {
    /// The payment.
    pub lot: Id,
    /// How much of it.
    pub units: u64,
    /// By whom: whoever brought it.
    pub provider: Provider,
    /// What became of it.
    pub state: PayoutState,
}

/// A customer who says at the bank that a payment was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dispute {
    /// The payment.
    pub lot: Id,
    /// What the provider took back of it.
    pub units: u64,
    /// What it took beyond what was left of the payment: a loss from the beginning.
    pub excess: u64,
    /// Which provider.
    pub provider: Provider,
    /// Whether what was spent comes from whoever got it, by the rules when it was lost.
    pub claws_back: bool,
    /// What may still be taken back for that.
    pub recoverable: u64,
    /// What became of it.
    pub state: DisputeState,
}

/// What became of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DisputeState {
    /// Nothing yet.
    Open,
    /// The money came back.
    Won,
    /// It did not.
    Lost,
}
