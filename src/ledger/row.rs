//! What the ledger keeps beside accounts: where money came from, what is reserved, what was paid for.
//!
//! A record holds each row that it changed as it is afterwards, so that the state is the fold of the records, whatever
//! later versions decide.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind, Standing};
use crate::request::Provider;
use crate::split::Split;

/// Microseconds since 1970-01-01T00:00:00Z by the ledger's own time, which never stands still or goes back from one
/// record to the next.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
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

/// Money of one origin. A user spends what expires first, then what was paid first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lot {
    /// Whose.
    pub owner: AccountId,
    /// Paid, or given.
    pub origin: Origin,
    /// What came in.
    pub units: u64,
    /// What is neither spent nor reserved.
    pub left: u64,
    /// When the rest is gone; never for paid money.
    pub expires_at: Option<At>,
    /// The record that made it.
    pub born: u64,
    /// Whether it can be spent.
    pub state: LotState,
}

/// Where a lot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Origin {
    /// The user paid for it.
    Paid,
    /// The platform gave it: not refundable in money and never paid out.
    Promo,
}

/// Whether a lot can be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum LotState {
    /// Yes.
    Open,
    /// Its payment is disputed: no.
    Disputed,
    /// Its time is over: no, and what comes back to it is gone.
    Expired,
    /// Its dispute was lost: no, and what comes back to it makes the loss smaller.
    Lost,
}

impl Lot {
    /// The account that it lies on.
    #[must_use]
    pub const fn account(&self, id: Id) -> Account {
        match self.origin {
            Origin::Paid => Account::wallet(self.owner),
            Origin::Promo => Account { kind: Kind::Promo, of: id },
        }
    }

    /// Its place among the lots that its owner can spend, if it is one.
    pub(crate) fn place(&self, id: Id) -> Option<Place> {
        let order = match (self.origin, self.expires_at) {
            (Origin::Promo, at) => (0, at.map_or(u64::MAX, |at| at.0)),
            (Origin::Paid, _) => (1, self.born),
        };
        let is_open = self.left > 0 && self.state == LotState::Open;
        is_open.then_some((self.owner, order.0, order.1, id))
    }
}

/// Owner, given before paid, order among these, lot.
pub(crate) type Place = (AccountId, u8, u64, Id);

/// A part of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Taken {
    /// Which lot.
    pub lot: Id,
    /// How much of it.
    pub units: u64,
}

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

/// What a creator has pending that becomes payable at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
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

/// Adds to what was taken; neighbours of the same lot are one.
pub(crate) fn append(taken: &mut Vec<Taken>, more: &[Taken]) {
    for part in more {
        match taken.last_mut() {
            Some(last) if last.lot == part.lot => last.units += part.units,
            _ => taken.push(*part),
        }
    }
}

/// Takes the last `units` off, in the order in which they are given back: what was taken last comes first.
pub(crate) fn unwind(taken: &mut Vec<Taken>, mut units: u64) -> Vec<Taken> {
    let mut back = Vec::new();
    while units > 0
        && let Some(last) = taken.last_mut()
    {
        let part = last.units.min(units);
        back.push(Taken { lot: last.lot, units: part });
        last.units -= part;
        units -= part;
        if last.units == 0 {
            taken.pop();
        }
    }
    back
}

/// The parts of `sources` between the `from`th and the `to`th unit.
pub(crate) fn slice(sources: &[Taken], from: u64, to: u64) -> Vec<Taken> {
    let mut at = 0_u64;
    let mut parts = Vec::new();
    for source in sources {
        let end = at.saturating_add(source.units);
        let units = end.min(to).saturating_sub(at.max(from));
        if units > 0 {
            parts.push(Taken { lot: source.lot, units });
        }
        at = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(parts: &[(Id, u64)]) -> Vec<Taken> {
        parts.iter().map(|(lot, units)| Taken { lot: *lot, units: *units }).collect()
    }

    #[test]
    fn what_was_taken_last_is_given_back_first() {
        let mut all = taken(&[(1, 5)]);
        append(&mut all, &taken(&[(1, 2), (2, 4)]));
        assert_eq!(all, taken(&[(1, 7), (2, 4)]));
        assert_eq!(unwind(&mut all, 6), taken(&[(2, 4), (1, 2)]));
        assert_eq!(all, taken(&[(1, 5)]));
    }

    #[test]
    fn a_slice_of_sources_follows_their_order() {
        let sources = taken(&[(1, 5), (2, 4), (3, 1)]);
        assert_eq!(slice(&sources, 4, 10), taken(&[(1, 1), (2, 4), (3, 1)]));
        assert_eq!(slice(&sources, 5, 6), taken(&[(2, 1)]));
        assert_eq!(slice(&sources, 3, 3), []);
    }
}
