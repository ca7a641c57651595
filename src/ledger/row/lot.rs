//! Lots: money of one origin, and parts of it.

use weir_model::AccountId;

use super::{At, Id};
use crate::account::{Account, Kind};
use crate::request::Provider;

/// Money of one origin. A user spends what expires first, then what was paid first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lot {
    /// Whose.
    pub owner: AccountId,
    /// Paid, given, or put right.
    pub origin: Origin,
    /// What came in.
    pub units: u64,
    /// What is neither spent nor reserved.
    pub left: u64,
    /// What went back to whoever paid it, or is on its way there.
    pub paid_back: u64,
    /// What disputes took that are open or lost.
    pub disputed: u64,
    /// Disputes of it that are open: nothing of it can be spent then.
    pub reviews: u32,
    /// What lost disputes took and neither the wallet nor anybody else has made good: what comes back to this lot does.
    /// Nothing is left of the lot then.
    pub lost: u64,
    /// When the rest is gone; never for paid money.
    pub expires_at: Option<At>,
    /// The record that made it.
    pub born: u64,
    /// Whether its time is over.
    pub state: LotState,
}

/// Where a lot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Origin {
    /// The user paid for it.
    Paid {
        /// There the money is, and by there it goes back.
        provider: Provider,
    },
    /// The platform gave it: not refundable in money and never paid out.
    Promo,
    /// A correction put it there: no provider knows of it, so it is neither paid back nor disputed.
    Correction,
}

/// Whether the time of a lot is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum LotState {
    /// No.
    Open,
    /// Yes: what comes back to it is gone.
    Expired,
}

impl Lot {
    /// The account that it lies on.
    #[must_use]
    pub const fn account(&self) -> Account {
        match self.origin {
            Origin::Paid { .. } | Origin::Correction => Account::wallet(self.owner),
            Origin::Promo => Account::person(Kind::Promo, self.owner),
        }
    }

    /// What its owner can spend of it at `now`.
    #[must_use]
    pub fn spendable(&self, now: At) -> u64 {
        let is_good = self.is_open() && self.expires_at.is_none_or(|at| at > now);
        if is_good { self.left } else { 0 }
    }

    /// The lot with so much more that came in, when a number says that.
    pub(crate) fn with(self, units: u64) -> Option<Self> {
        let (more, left) = (self.units.checked_add(units)?, self.left.checked_add(units)?);
        Some(Self { units: more, left, ..self })
    }

    /// What its provider may still take of it without taking more than was paid.
    #[must_use]
    pub const fn disputable(&self) -> u64 {
        self.units.saturating_sub(self.paid_back).saturating_sub(self.disputed)
    }

    fn is_open(&self) -> bool {
        self.state == LotState::Open && self.reviews == 0
    }

    /// Its place among the lots that its owner can spend, if it is one.
    pub(crate) fn place(&self, id: Id) -> Option<Place> {
        let order = match (self.origin, self.expires_at) {
            (Origin::Promo, at) => (0, at.map_or(u64::MAX, |at| at.0)),
            (Origin::Paid { .. } | Origin::Correction, _) => (1, self.born),
        };
        (self.left > 0 && self.is_open()).then_some((order.0, order.1, id))
    }
}

/// Given before paid, order among these, lot.
pub(crate) type Place = (u8, u64, Id);

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

/// Takes up to `units` off, in the order in which they are given back: what was taken last comes first. Of each part
/// `kept` says what stays.
pub(crate) fn unwind(
    taken: &mut Vec<Taken>,
    mut units: u64,
    mut kept: impl FnMut(&Taken) -> u64,
) -> Vec<Taken> {
    let mut back = Vec::new();
    for last in taken.iter_mut().rev() {
        let part = last.units.saturating_sub(kept(last)).min(units);
        if part > 0 {
            back.push(Taken { lot: last.lot, units: part });
        }
        last.units -= part;
        units -= part;
    }
    taken.retain(|part| part.units > 0);
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
        assert_eq!(unwind(&mut all, 6, |_| 0), taken(&[(2, 4), (1, 2)]));
        assert_eq!(all, taken(&[(1, 5)]));
    }

    #[test]
    fn what_is_kept_is_passed_over() {
        let mut all = taken(&[(1, 5), (2, 4), (3, 2)]);
        let back = unwind(&mut all, 6, |part| if part.lot == 2 { 3 } else { 0 });
        assert_eq!(back, taken(&[(3, 2), (2, 1), (1, 3)]));
        assert_eq!(all, taken(&[(1, 2), (2, 3)]));
    }

    #[test]
    fn a_slice_of_sources_follows_their_order() {
        let sources = taken(&[(1, 5), (2, 4), (3, 1)]);
        assert_eq!(slice(&sources, 4, 10), taken(&[(1, 1), (2, 4), (3, 1)]));
        assert_eq!(slice(&sources, 5, 6), taken(&[(2, 1)]));
        assert_eq!(slice(&sources, 3, 3), []);
    }
}
