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

/// Names somebody as a member of something.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct MemberId {
    /// Who.
    pub user: AccountId,
    /// Of which channel.
    pub channel: Id,
}

/// Until when somebody is a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Membership {
    /// Until then.
    pub until: At,
    /// Periods that were paid by the member.
    pub periods: u32,
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

/// A customer who says at the bank that a payment was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dispute {
    /// The payment.
    pub lot: Id,
    /// What the provider took back.
    pub units: u64,
    /// Which provider.
    pub provider: Provider,
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
