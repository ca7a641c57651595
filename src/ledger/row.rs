//! What the ledger keeps beside accounts: where money came from, what is reserved, what was paid for.
//!
//! A record holds each row that it changed as it is afterwards, so that the state is the fold of the records, whatever
//! later versions decide.

use crate::account::{Account, Standing};
use crate::request::Provider;

mod id;
mod inbox;
mod lot;
mod payment;
mod policy;
mod sale;

pub use id::{At, ChargeId, DueId, HoldId, Id, MemberId, SeatId};
pub use inbox::{Heard, News, Notice, On, Report, Telling, Told};
pub use lot::{Lot, LotState, Origin, Taken};
pub(crate) use lot::{Place, append, slice, unwind};
pub use payment::{Charge, ChargeState, Hold, HoldState};
pub use policy::{Founding, Policy, RULES};
pub use sale::{
    Dispute, DisputeState, Event, EventState, Membership, Payout, PayoutState, Repayment,
};

/// A row as it is after a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Row {
    /// What the ledger is.
    Founding(Founding),
    /// The rules.
    Policy(Policy),
    /// What an operator said about an account.
    Standing(Account, Standing),
    /// A lot.
    Lot(Id, Lot),
    /// A hold.
    Hold(HoldId, Hold),
    /// A charge.
    Charge(ChargeId, Charge),
    /// Units that become payable at that time.
    Due(DueId, u64),
    /// An event.
    Event(Id, Event),
    /// Tickets for an event that a user has bought so far.
    Seat(SeatId, u32),
    /// Until when somebody is a member.
    Member(MemberId, Membership),
    /// A payout.
    Payout(Id, Payout),
    /// Money on its way back to whoever paid it.
    Repayment(Id, Repayment),
    /// A dispute.
    Dispute(Id, Dispute),
    /// Units of a block that was settled too late: nobody is charged for them.
    Writeoff(HoldId, u64),
    /// Units that corrections of that record moved so far.
    Corrected(u64, u64),
    /// What staff did; the record of the act before it, zero for the first.
    Act(u64),
    /// What became of something that a provider said.
    Heard(Id, Heard),
    /// Units of a payment that its provider settled so far.
    Settled(Id, u64),
    /// What a provider says that it holds.
    Report(Provider, Report),
    /// How far a provider was told of a payout.
    Told(Id, Told),
}

/// What a row is about. A record holds one row of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Founding,
    Policy,
    Standing(Account),
    Lot(Id),
    Hold(HoldId),
    Charge(ChargeId),
    Due(DueId),
    Event(Id),
    Seat(SeatId),
    Member(MemberId),
    Payout(Id),
    Repayment(Id),
    Dispute(Id),
    Writeoff(HoldId),
    Corrected(u64),
    Act,
    Heard(Id),
    Settled(Id),
    Report(Provider),
    Told(Id),
}

impl Row {
    pub(crate) const fn key(&self) -> Key {
        match self {
            Self::Founding(_) => Key::Founding,
            Self::Policy(_) => Key::Policy,
            Self::Standing(account, _) => Key::Standing(*account),
            Self::Lot(id, _) => Key::Lot(*id),
            Self::Hold(id, _) => Key::Hold(*id),
            Self::Charge(id, _) => Key::Charge(*id),
            Self::Due(id, _) => Key::Due(*id),
            Self::Event(id, _) => Key::Event(*id),
            Self::Seat(id, _) => Key::Seat(*id),
            Self::Member(id, _) => Key::Member(*id),
            Self::Payout(id, _) => Key::Payout(*id),
            Self::Repayment(id, _) => Key::Repayment(*id),
            Self::Dispute(id, _) => Key::Dispute(*id),
            Self::Writeoff(id, _) => Key::Writeoff(*id),
            Self::Corrected(seq, _) => Key::Corrected(*seq),
            Self::Act(_) => Key::Act,
            Self::Heard(id, _) => Key::Heard(*id),
            Self::Settled(id, _) => Key::Settled(*id),
            Self::Report(provider, _) => Key::Report(*provider),
            Self::Told(id, _) => Key::Told(*id),
        }
    }
}
