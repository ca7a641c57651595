//! Lots: money of one origin, and parts of it.

use weir_model::AccountId;

use super::{At, Id};
use crate::account::{Account, Kind};

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
