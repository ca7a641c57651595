//! What is reserved, and what is paid for.

use weir_model::AccountId;

use super::{At, Taken};
use crate::request::Terms;
use crate::split::Split;

/// Money that is reserved for a block of a session.
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

    /// Whether something can be taken from it at `now`.
    #[must_use]
    pub fn is_good(&self, now: At) -> bool {
        self.state == HoldState::Open && self.expires_at > now
    }
}

/// Something that is paid for, at once or as it goes on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Charge {
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
    /// Taken of that for disputes that were lost.
    pub recovered: u64,
    /// What its open blocks have reserved.
    pub reserved: u64,
    /// The lots of what was paid and is still there, in the order in which it was taken.
    pub taken: Vec<Taken>,
    /// Blocks that were reserved.
    pub blocks: u32,
    /// Those of them that are open.
    pub open: Vec<u32>,
    /// The newest owner of its session that was seen.
    pub epoch: u64,
    /// Whether more can be reserved.
    pub state: ChargeState,
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
    /// A payment that begins.
    pub(crate) fn open(terms: &Terms) -> Self {
        Self {
            payer: terms.payer,
            split: terms.split.clone(),
            cap: terms.cap.units(),
            total: 0,
            refunded: 0,
            recovered: 0,
            reserved: 0,
            taken: Vec::new(),
            blocks: 0,
            open: Vec::new(),
            epoch: 0,
            state: ChargeState::Open,
        }
    }

    /// Paid and still there.
    #[must_use]
    pub const fn net(&self) -> u64 {
        self.total.saturating_sub(self.refunded).saturating_sub(self.recovered)
    }
}
