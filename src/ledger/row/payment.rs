//! What is reserved, and what is paid for.

use weir_model::AccountId;

use super::{At, Id, Taken};
use crate::split::Split;

/// Names a hold: the blocks of a charge are reserved one after the other, from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct HoldId {
    /// What is paid for.
    pub charge: Id,
    /// Which block of it.
    pub block: u32,
}

/// Money that is reserved for a block of a charge.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    /// From where, in the order in which it is taken.
    pub sources: Vec<Taken>,
    /// How much.
    pub units: u64,
    /// How much of it was taken so far; never falls.
    pub captured: u64,
    /// From then on the rest is free again.
    pub expires_at: At,
    /// Whether more can be taken.
    pub state: HoldState,
}

/// Whether more can be taken from a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HoldState {
    /// Yes.
    Open,
    /// Settled by its owner.
    Closed,
    /// Its time was over.
    Expired,
}

impl Hold {
    /// What is still reserved.
    #[must_use]
    pub fn rest(&self) -> u64 {
        match self.state {
            HoldState::Open => self.units.saturating_sub(self.captured),
            HoldState::Closed | HoldState::Expired => 0,
        }
    }
}

/// Something that is paid for, at once or as it goes on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Charge {
    /// What it is.
    pub purpose: Purpose,
    /// Who pays.
    pub payer: AccountId,
    /// Who gets what; does not change.
    pub split: Split,
    /// What the payer agreed to at most.
    pub cap: u64,
    /// Paid in all.
    pub total: u64,
    /// Given back of that.
    pub refunded: u64,
    /// The lots of what was paid and not given back, in the order in which it was taken.
    pub taken: Vec<Taken>,
    /// Blocks that were reserved.
    pub blocks: u32,
    /// The newest owner of its session that was seen.
    pub epoch: u64,
    /// Whether more can be reserved.
    pub state: ChargeState,
}

/// What is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Purpose {
    /// Time in a private session.
    Session,
    /// A tip.
    Tip,
    /// A place at an event.
    Ticket {
        /// Which.
        event: Id,
    },
    /// A time as a member of a channel.
    Membership,
    /// Times as members that somebody gave to others.
    Gift,
}

/// Whether more can be reserved for a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ChargeState {
    /// Yes.
    Open,
    /// No, and nobody has the money yet: it waits for what it was paid for.
    Escrowed,
    /// It is over.
    Settled,
}

impl Charge {
    /// Paid and not given back.
    #[must_use]
    pub const fn net(&self) -> u64 {
        self.total.saturating_sub(self.refunded)
    }
}
