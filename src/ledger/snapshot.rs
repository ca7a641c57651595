//! A ledger's state at one moment, as bytes: for a follower that begins, and for a start that need not read everything.

use crate::account::{Account, Balance};
use crate::record::{Head, Unreadable};
use crate::request::Provider;
use crate::row::{
    Charge, ChargeId, Dispute, DueId, Event, Founding, Heard, Hold, HoldId, Id, Lot, MemberId,
    Membership, Payout, Policy, Repayment, Report, SeatId, Told,
};
use crate::state::{AskedId, Seen, State};
use crate::table::View;

/// Everything of a [`State`] that does not follow from the rest. Taking one costs a pointer for each page.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    pub(crate) head: Head,
    pub(crate) founding: Option<Founding>,
    pub(crate) policy: Policy,
    pub(crate) balances: View<Account, Balance>,
    pub(crate) lots: View<Id, Lot>,
    pub(crate) holds: View<HoldId, Hold>,
    pub(crate) charges: View<ChargeId, Charge>,
    pub(crate) dues: View<DueId, u64>,
    pub(crate) events: View<Id, Event>,
    pub(crate) seats: View<SeatId, u32>,
    pub(crate) members: View<MemberId, Membership>,
    pub(crate) payouts: View<Id, Payout>,
    pub(crate) repayments: View<Id, Repayment>,
    pub(crate) disputes: View<Id, Dispute>,
    pub(crate) writeoffs: View<HoldId, u64>,
    pub(crate) corrected: View<u64, u64>,
    pub(crate) moved: View<(), u64>,
    pub(crate) newest_act: u64,
    pub(crate) seen: View<AskedId, Seen>,
    pub(crate) heard: View<Id, Heard>,
    pub(crate) settled: View<Id, u64>,
    pub(crate) reports: View<Provider, Report>,
    pub(crate) told: View<Id, Told>,
}

/// The form of the bytes; a newer one is refused by older programs.
const VERSION: u8 = 1;

impl Snapshot {
    /// Its bytes: a version, then postcard. The same state gives the same bytes on every node.
    ///
    /// # Errors
    /// When it cannot be written, which no state brings about.
    pub fn bytes(&self) -> Result<Vec<u8>, Unreadable> {
        postcard::to_extend(self, vec![VERSION]).map_err(|error| Unreadable(error.to_string()))
    }

    /// The snapshot that has these bytes.
    ///
    /// # Errors
    /// When they are none that this version knows.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        match bytes.split_first() {
            Some((&VERSION, body)) => match postcard::take_from_bytes(body) {
                Ok((snapshot, [])) => Ok(snapshot),
                Ok(_) => Err(Unreadable("more than a snapshot".into())),
                Err(error) => Err(Unreadable(error.to_string())),
            },
            Some((version, _)) => Err(Unreadable(format!("a snapshot of version {version}"))),
            None => Err(Unreadable("an empty snapshot".into())),
        }
    }

    /// Where the ledger stood.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The state that it was taken of.
    #[must_use]
    pub fn into_state(self) -> State {
        State::of(&self)
    }
}
