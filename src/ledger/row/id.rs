//! What rows are called by.

use std::fmt;

use weir_model::{AccountId, Timestamp};

/// Names a lot, a session, an event, a payout: random, or derived from what it is about.
pub type Id = u128;

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

const HOUR_US: u64 = 3_600_000_000;

impl At {
    /// The end of the year 2199: a clock that says more is wrong, and what it dated could never be followed.
    pub const LAST: Self = Self(7_258_118_400_000_000 - 1);

    /// The same moment as everything else counts it.
    #[must_use]
    pub fn time(self) -> Timestamp {
        Timestamp(i64::try_from(self.0 / 1_000).unwrap_or(i64::MAX))
    }

    /// That many milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000)))
    }

    /// The next full multiple of that many hours, or itself.
    #[must_use]
    pub const fn rounded_up(self, hours: u64) -> Self {
        let step = HOUR_US.saturating_mul(hours);
        Self(self.0.div_ceil(step).saturating_mul(step))
    }
}

impl From<Timestamp> for At {
    /// The beginning of 1970 for what is before.
    fn from(time: Timestamp) -> Self {
        Self(u64::try_from(time.0).unwrap_or_default().saturating_mul(1_000))
    }
}

/// Names something that is paid for. Each sort has names of its own, so that nobody can put one in another's place.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum ChargeId {
    /// Time in a private session.
    Session(Id),
    /// A tip, by the id of its request.
    Tip(Id),
    /// A place at an event.
    Ticket {
        /// Which event.
        event: Id,
        /// Whose place.
        user: AccountId,
        /// Which of that user's tickets for it, counted from 1: one is bought after another was given back.
        nth: u32,
    },
    /// A time as a member of a channel.
    Period {
        /// Who, of which channel.
        member: MemberId,
        /// Which period, counted from 1.
        number: u32,
    },
    /// Times as members for others, by the id of its request.
    Gift(Id),
}

impl ChargeId {
    /// Of all of them, the one that comes first, and the one that comes last.
    pub(crate) const ENDS: (Self, Self) = (Self::Session(0), Self::Gift(Id::MAX));
}

impl fmt::Display for ChargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session {id:032x}"),
            Self::Tip(id) => write!(f, "tip {id:032x}"),
            Self::Ticket { event, user, nth } => {
                write!(f, "ticket {nth} of {user} for event {event:032x}")
            }
            Self::Period { member, number } => write!(f, "period {number} of {member}"),
            Self::Gift(id) => write!(f, "gift {id:032x}"),
        }
    }
}

/// Names a hold: the blocks of a session are reserved one after the other, from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct HoldId {
    /// Of which session.
    pub session: Id,
    /// Which block of it.
    pub block: u32,
}

impl HoldId {
    /// What it is reserved for.
    #[must_use]
    pub const fn charge(&self) -> ChargeId {
        ChargeId::Session(self.session)
    }
}

/// Names what a user bought of an event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct SeatId {
    /// Which event.
    pub event: Id,
    /// Who.
    pub user: AccountId,
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

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in channel {:032x}", self.user, self.channel)
    }
}

/// What a creator has pending that becomes payable at one time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct DueId {
    /// Who.
    pub creator: AccountId,
    /// When.
    pub at: At,
}
