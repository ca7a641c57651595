//! What was spent of lots.

use std::collections::VecDeque;
use std::fmt;

/// For each lot, by the number of its row, the payments that something of it went into, by the numbers of theirs, oldest
/// first. New payments come to the end and old ones are given back first, so that both cost a moment.
#[derive(Clone, Default)]
pub(crate) struct Spent(Vec<VecDeque<usize>>);

/// A lot that nothing was spent of is one that was never noted.
impl fmt::Debug for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noted = self.0.iter().enumerate().filter(|(_, payments)| !payments.is_empty());
        f.debug_map().entries(noted).finish()
    }
}

impl Spent {
    /// Something of `lot` went into `payment`.
    pub(crate) fn note(&mut self, lot: usize, payment: usize) {
        if self.0.len() <= lot {
            self.0.resize(lot + 1, VecDeque::new());
        }
        let payments = &mut self.0[lot];
        if payments.back().is_none_or(|newest| *newest < payment) {
            payments.push_back(payment);
        } else if let Err(place) = payments.binary_search(&payment) {
            payments.insert(place, payment);
        }
    }

    /// Nothing of `lot` is in `payment` any more.
    pub(crate) fn forget(&mut self, lot: usize, payment: usize) {
        let Some(payments) = self.0.get_mut(lot) else { return };
        if let Ok(place) = payments.binary_search(&payment) {
            payments.remove(place);
        }
    }

    /// The oldest payment that something of `lot` is in.
    pub(crate) fn oldest(&self, lot: usize) -> Option<usize> {
        self.0.get(lot)?.front().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_oldest_payment_of_a_lot_is_found_whatever_came_and_went(
            acts in prop::collection::vec((any::<bool>(), 0_usize..3, 0_usize..20), 0..200),
        ) {
            let (mut spent, mut known) = (Spent::default(), vec![BTreeSet::new(); 3]);
            for (comes, lot, payment) in acts {
                if comes {
                    spent.note(lot, payment);
                    known[lot].insert(payment);
                } else {
                    spent.forget(lot, payment);
                    known[lot].remove(&payment);
                }
                prop_assert_eq!(spent.oldest(lot), known[lot].first().copied());
            }
        }
    }
}
