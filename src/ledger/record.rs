//! Records: what was asked, what came of it, and what it changed.

use crate::chain::Link;
use crate::leg::{Leg, Side, Stage};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::row::{At, ChargeId, Row};

/// What a request brought about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// Units that it moved or reserved.
    pub units: u64,
    /// What its payer or owner can spend afterwards.
    pub available: u128,
    /// Units that a block was settled for too late: nobody is charged for them.
    pub written_off: u64,
}

impl Receipt {
    /// What most requests bring about.
    pub(crate) const fn of(units: u64, available: u128) -> Self {
        Self { units, available, written_off: 0 }
    }
}

/// An entry of the ledger; never changed, never removed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// When; later than the one before.
    pub at: At,
    /// What was asked.
    pub request: Request,
    /// What came of it.
    pub result: Result<Receipt, Refusal>,
    /// What it did to accounts; nothing when it was refused.
    pub legs: Vec<Leg>,
    /// What it changed beside them, as it is afterwards.
    pub rows: Vec<Row>,
}

/// A record as a journal stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// The chain up to it.
    pub link: Link,
    /// For each account that a leg is on, in the order in which they first appear: the newest record before this one
    /// that touched it, zero when there is none. They lead through everything that ever happened on an account.
    pub before: Vec<u64>,
}

/// Bytes that are no record, or not of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not of a ledger: {0}")]
pub struct Unreadable(pub(crate) String);

/// Where a ledger stands: its newest record and the chain up to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// Zero before the first.
    pub seq: u64,
    /// Its time.
    pub at: At,
    /// The hash of all records up to it.
    pub link: Link,
}

/// The form of a record's bytes; a newer one is refused by older programs.
const VERSION: u8 = 1;

/// Most records are smaller.
const BYTES_USUAL: usize = 384;

impl Record {
    /// Whether it may change what somebody has a right to: a membership, a ticket, an event, a standing.
    #[must_use]
    pub fn is_about_rights(&self) -> bool {
        let is = |row: &Row| {
            matches!(
                row,
                Row::Standing(..)
                    | Row::Event(..)
                    | Row::Member(..)
                    | Row::Charge(ChargeId::Ticket { .. }, _)
            )
        };
        self.rows.iter().any(is)
    }

    /// Its canonical bytes, which the chain is made of: a version, then postcard 1, fields in their order.
    ///
    /// # Errors
    /// When it cannot be written, which no record brings about.
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::with_capacity(BYTES_USUAL);
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).map_err(|error| Refusal::Invalid(error.to_string()))
    }

    /// The record that has these canonical bytes.
    ///
    /// # Errors
    /// When they are none of a record, or not its canonical ones.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |text: String| Unreadable(text);
        let body = match bytes.split_first() {
            Some((&VERSION, body)) => body,
            Some((version, _)) => return Err(unreadable(format!("a record of form {version}"))),
            None => return Err(unreadable("an empty record".into())),
        };
        let record: Self = postcard::from_bytes(body).map_err(|e| unreadable(e.to_string()))?;
        let again = record.bytes().map_err(|e| unreadable(e.to_string()))?;
        (again == bytes).then_some(record).ok_or_else(|| unreadable("other bytes say it".into()))
    }
}

impl Record {
    /// Units that it moved from one account to another; none when it was refused.
    #[must_use]
    pub fn moved(&self) -> u64 {
        let posted =
            self.legs.iter().filter(|leg| (leg.side, leg.stage) == (Side::Debit, Stage::Posted));
        posted.fold(0, |sum: u64, leg| sum.saturating_add(leg.units))
    }
}

impl Head {
    /// The head after `record`, with the chain up to it.
    #[must_use]
    pub const fn then(record: &Record, link: Link) -> Self {
        Self { seq: record.seq, at: record.at, link }
    }

    /// The time of the next record: `wall`, or a moment later than the one before.
    ///
    /// # Errors
    /// When that is a time that no clock which is right says ([`At::LAST`]).
    pub fn next_at(&self, wall: At) -> Result<At, Refusal> {
        let at = wall.max(At(self.at.0.saturating_add(1)));
        if at > At::LAST { Err(Refusal::Clock) } else { Ok(at) }
    }
}
