//! Who may watch a channel that is sold: whoever holds a [`Pass`].
//!
//! The ledger knows who paid, but only voters keep it, and an edge cannot ask one of them with every request. So what
//! follows from the ledger is written down where every edge looks, in the directory: one pass for each account and each
//! thing that it bought. [`Pass::due`] is the only place that says who gets one, from what the ledger says at that
//! moment; what was paid back, has ended or belongs to a frozen wallet is no pass any more. A pass has an end of its own,
//! so that an edge which hears nothing for long shows nothing that was not paid for.

use std::collections::BTreeSet;

use weir_ledger::account::{Account, Standing};
use weir_ledger::row::{At, ChargeId, EventState, Id, MemberId, Row, SeatId};
use weir_ledger::{Record, State};
use weir_model::{Access, AccountId, ChannelName, Timestamp};

/// What can be bought, by its name in the ledger.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Good {
    /// Time as a member of a channel.
    Channel(#[serde(with = "hex")] Id),
    /// A place at an event.
    Event(#[serde(with = "hex")] Id),
}

/// Names a pass.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct PassId {
    /// For what.
    pub good: Good,
    /// Whose.
    pub account: AccountId,
}

/// That somebody may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Whose it is, and for what.
    pub id: PassId,
    /// Not from then on; none while nobody knows when the event ends.
    pub until: Option<Timestamp>,
}

/// Somebody who asked that his membership goes on, and what he agreed to: at another price it does not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// Who.
    pub account: AccountId,
    /// Of which channel.
    pub channel: ChannelName,
    /// What a period costs, decimal text.
    pub price: String,
    /// How long it is.
    pub period_secs: u64,
}

/// Whether a channel is open, as one node knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// This node has not heard of the channel: nobody knows yet who may watch.
    Unheard,
    /// For everybody.
    Open,
    /// For members.
    Members,
    /// For whoever has a ticket.
    Ticket,
}

/// Passes that a record may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These, or none.
    Some(BTreeSet<PassId>),
    /// Nobody can say which without looking at all of them.
    All,
}

impl Door {
    /// That of a channel with this access.
    #[must_use]
    pub const fn of(access: &Access) -> Self {
        match access {
            Access::Public => Self::Open,
            Access::Members { .. } => Self::Members,
            Access::Ticket { .. } => Self::Ticket,
        }
    }
}

impl Good {
    /// What opens a channel that the ledger calls `channel`; none when it is open.
    #[must_use]
    pub const fn that_opens(access: &Access, channel: Id) -> Option<Self> {
        match access {
            Access::Public => None,
            Access::Members { .. } => Some(Self::Channel(channel)),
            Access::Ticket { event, .. } => Some(Self::Event(event.number())),
        }
    }
}

impl Renewal {
    /// Whether a channel still has what was agreed.
    #[must_use]
    pub fn fits(&self, access: &Access) -> bool {
        matches!(
            access,
            Access::Members { price, period_secs, .. }
                if (price, period_secs) == (&self.price, &self.period_secs)
        )
    }

    /// How long before its end a period is followed by the next one: an hour, but not before most of it is over.
    /// Nothing of it is lost, the next one begins where it ends.
    #[must_use]
    pub fn ahead_ms(&self) -> i64 {
        let tenth = i64::try_from(self.period_secs.saturating_mul(100)).unwrap_or(i64::MAX);
        tenth.min(3_600_000)
    }
}

impl Pass {
    /// The pass that somebody has to have at `now`, by what the ledger says; none when he has to have none.
    #[must_use]
    pub fn due(state: &State, id: PassId, now: At) -> Option<Self> {
        if state.balance(&Account::wallet(id.account)).standing != Standing::Open {
            return None;
        }
        let until = match id.good {
            Good::Channel(channel) => {
                let until = state.member(MemberId { user: id.account, channel }).until;
                (until > now).then(|| Some(until.time()))
            }
            Good::Event(event) => {
                has_seat(state, SeatId { event, user: id.account }).then_some(None)
            }
        };
        until.map(|until| Self { id, until })
    }

    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Whether somebody has paid for a place at an event that is not over, and was not paid back.
fn has_seat(state: &State, seat: SeatId) -> bool {
    let SeatId { event, user } = seat;
    let is_open = state.event(event).is_some_and(|event| event.state == EventState::Open);
    let ticket = || state.charge(ChargeId::Ticket { event, user, nth: state.seat(seat) });
    is_open && ticket().is_some_and(|charge| charge.net() > 0)
}

impl Touched {
    /// By a record.
    #[must_use]
    pub fn by(record: &Record) -> Self {
        let mut some = BTreeSet::new();
        for row in &record.rows {
            match row {
                Row::Standing(..) => return Self::All,
                Row::Event(_, event) if event.state != EventState::Open => return Self::All,
                Row::Member(MemberId { user, channel }, _) => {
                    some.insert(PassId { good: Good::Channel(*channel), account: *user });
                }
                Row::Charge(ChargeId::Ticket { event, user, .. }, _) => {
                    some.insert(PassId { good: Good::Event(*event), account: *user });
                }
                _ => {}
            }
        }
        Self::Some(some)
    }

    /// By either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Some(mut one), Self::Some(other)) => {
                one.extend(other);
                Self::Some(one)
            }
            _ => Self::All,
        }
    }
}

/// JSON numbers end at 53 bits in many programs.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{id:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
