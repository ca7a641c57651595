//! Viewings that were thrown out, each until a time, so that no edge takes one back in.
//!
//! Every edge keeps the whole set. Sets of two nodes are merged by taking the later end of each kick, in any order
//! and as often as one likes, so that an edge that was away catches up from anybody.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::{Timestamp, ViewingId};

use crate::limits::KICKS_MAX;

/// The kicks in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kicks {
    until: BTreeMap<ViewingId, Timestamp>,
    by_end: BTreeSet<(Timestamp, ViewingId)>,
    dropped: u64,
}

impl Kicks {
    /// Keeps a viewing out until a time, if it was not kept out for longer already. Answers whether that is new.
    pub fn add(&mut self, id: ViewingId, until: Timestamp, now: Timestamp) -> bool {
        self.expire(now);
        let before = self.until.get(&id).copied();
        if until <= now || before.is_some_and(|before| before >= until) {
            return false;
        }
        if let Some(before) = before {
            self.by_end.remove(&(before, id));
        }
        self.until.insert(id, until);
        self.by_end.insert((until, id));
        self.make_room();
        self.until.contains_key(&id)
    }

    /// Takes over another node's kicks. Answers with what was new here, to be acted on and passed on.
    pub fn merge(
        &mut self,
        others: impl IntoIterator<Item = (ViewingId, Timestamp)>,
        now: Timestamp,
    ) -> Vec<ViewingId> {
        others
            .into_iter()
            .filter(|(id, until)| self.add(*id, *until, now))
            .map(|(id, _)| id)
            .collect()
    }

    /// Whether a viewing is kept out now.
    #[must_use]
    pub fn is_kicked(&self, id: ViewingId, now: Timestamp) -> bool {
        self.until.get(&id).is_some_and(|until| *until > now)
    }

    /// All kicks with their ends, for another node.
    pub fn iter(&self) -> impl Iterator<Item = (ViewingId, Timestamp)> {
        self.until.iter().map(|(id, until)| (*id, *until))
    }

    /// Forgets what has ended.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some((until, id)) = self.by_end.first().copied() {
            if until > now {
                return;
            }
            self.by_end.pop_first();
            self.until.remove(&id);
        }
    }

    /// Kicks that were dropped before their end because there were more than [`KICKS_MAX`].
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn make_room(&mut self) {
        while self.until.len() > KICKS_MAX {
            let Some((_, id)) = self.by_end.pop_first() else { return };
            self.until.remove(&id);
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1000);

    #[test]
    fn a_kick_ends_by_itself_and_the_longer_of_two_counts() {
        let mut kicks = Kicks::default();
        let id = ViewingId(1);
        assert!(kicks.add(id, Timestamp(2000), NOW));
        assert!(!kicks.add(id, Timestamp(1500), NOW), "shorter");
        assert!(!kicks.add(ViewingId(2), NOW, NOW), "over already");
        assert!(kicks.is_kicked(id, Timestamp(1999)) && !kicks.is_kicked(id, Timestamp(2000)));
        kicks.expire(Timestamp(2000));
        assert_eq!(kicks, Kicks::default());
    }

    #[test]
    fn beyond_the_limit_the_kick_that_ends_first_is_dropped_and_counted() {
        let mut kicks = Kicks::default();
        for at in 0..KICKS_MAX as u64 {
            kicks.add(ViewingId(at), Timestamp(5000 + at as i64), NOW);
        }
        assert!(!kicks.add(ViewingId(999_999), Timestamp(4000), NOW));
        assert!(kicks.add(ViewingId(999_999), Timestamp(90_000), NOW));
        assert_eq!((kicks.dropped(), kicks.iter().count()), (2, KICKS_MAX));
        assert!(!kicks.is_kicked(ViewingId(0), NOW));
    }

    proptest! {
        #[test]
        fn nodes_that_merge_in_any_order_agree(
            ours in prop::collection::vec((0u64..9, 900i64..1100), 0..20),
            theirs in prop::collection::vec((0u64..9, 900i64..1100), 0..20)
        ) {
            let of = |all: &[(u64, i64)]| {
                let mut kicks = Kicks::default();
                kicks.merge(all.iter().map(|(id, until)| (ViewingId(*id), Timestamp(*until))), NOW);
                kicks
            };
            let (a, b) = (of(&ours), of(&theirs));
            let (mut ab, mut ba) = (a.clone(), b.clone());
            let news = ab.merge(b.iter(), NOW);
            ba.merge(a.iter(), NOW);
            prop_assert_eq!(&ab, &ba);
            prop_assert!(news.iter().all(|id| ab.is_kicked(*id, NOW)));
            prop_assert!(ab.merge(b.iter(), NOW).is_empty());
        }
    }
}
