//! What somebody can spend.

use std::collections::BTreeSet;

use crate::row::{At, Id, Place};

/// The lots that somebody can spend, in the order in which they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purse {
    lots: BTreeSet<Place>,
    /// What is in them.
    sum: u128,
}

impl Purse {
    /// A lot that stood at a place with so much goes to another one, or becomes another sum.
    pub(super) fn change(&mut self, out: Option<(Place, u64)>, into: Option<(Place, u64)>) {
        let units = |one: Option<(Place, u64)>| one.map_or(0, |(_, units)| u128::from(units));
        self.sum = self.sum.saturating_sub(units(out)) + units(into);
        let (out, into) = (out.map(|(place, _)| place), into.map(|(place, _)| place));
        if out != into {
            out.map(|place| self.lots.remove(&place));
            self.lots.extend(into);
        }
    }

    /// What is in it.
    pub(super) const fn sum(&self) -> u128 {
        self.sum
    }

    /// The lots, in their order.
    pub(crate) fn lots(&self) -> impl Iterator<Item = Id> {
        self.lots.iter().map(|place| place.2)
    }

    /// Those of them whose time is over at `now` and that nobody has swept yet: few, because given money ends by the
    /// hour.
    pub(super) fn over(&self, now: At) -> impl Iterator<Item = Id> {
        self.lots.range((0, 0, 0)..=(0, now.0, Id::MAX)).map(|place| place.2)
    }

    /// A lot of given money that ends at that time.
    pub(crate) fn given_until(&self, ends: Option<At>) -> Option<Id> {
        let ends = ends.map_or(u64::MAX, |at| at.0);
        self.lots.range((0, ends, 0)..=(0, ends, Id::MAX)).next().map(|place| place.2)
    }
}
