//! What the ledger keeps beside accounts: where money came from, what is reserved, what was paid for.
//!
//! A record holds each row that it changed as it is afterwards, so that the state is the fold of the records, whatever
//! later versions decide.

use weir_model::AccountId;

use crate::account::{Account, Standing};

mod lot;
mod payment;
mod sale;

pub use lot::{Lot, LotState, Origin, Taken};
pub(crate) use lot::{Place, append, slice, unwind};
pub use payment::{Charge, ChargeState, Hold, HoldId, HoldState, Purpose};
pub use sale::{
    Dispute, DisputeState, Event, EventState, MemberId, Membership, Payout, PayoutState,
};

/// Microseconds since 1970-01-01T00:00:00Z by the ledger's own time, which never stands still or goes back from one
/// record to the next.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct At(pub u64);

impl At {
    /// That many milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000)))
    }
}

/// Names a lot, a charge, an event, a payout: random, or derived from what it is about.
pub type Id = u128;

/// An id that follows from what it is about, so that asking twice names the same thing.
#[must_use]
pub(crate) fn derived_id(what: &str, of: Id, number: u64) -> Id {
    let mut hasher = blake3::Hasher::new_derive_key("weir 2026-11 ledger derived id");
    hasher.update(what.as_bytes()).update(&[0]).update(&of.to_be_bytes());
    let hash = hasher.update(&number.to_be_bytes()).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash.as_bytes()[..16]);
    Id::from_be_bytes(id)
}

/// What a creator has pending that becomes payable at one time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct DueId {
    /// Who.
    pub creator: AccountId,
    /// When.
    pub at: At,
}

/// A row as it is after a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Row {
    /// What an operator said about an account.
    Standing(Account, Standing),
    /// A lot.
    Lot(Id, Lot),
    /// A hold.
    Hold(HoldId, Hold),
    /// A charge.
    Charge(Id, Charge),
    /// Units that become payable at that time.
    Due(DueId, u64),
    /// An event.
    Event(Id, Event),
    /// Until when somebody is a member.
    Member(MemberId, Membership),
    /// A payout.
    Payout(Id, Payout),
    /// A dispute.
    Dispute(Id, Dispute),
    /// The rules.
    Policy(Policy),
}

/// Rules of a ledger that its operators may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Policy {
    /// Hours until what a creator earned becomes payable.
    pub pending_hours: u16,
    /// Corrections above this need a second person.
    pub correction_max: u64,
    /// What was spent of a payment whose dispute is lost comes from whoever got it, and not from the platform.
    pub claws_back: bool,
}

impl Default for Policy {
    /// Seven days, two people, and the platform bears losses.
    fn default() -> Self {
        Self { pending_hours: 7 * 24, correction_max: 0, claws_back: false }
    }
}
