//! How often something may be tried: a token bucket per key (an address's network, an account's name), told by one
//! number each, the time at which the bucket is full again (the generic cell rate algorithm, ITU-T I.371).
//!
//! A place is taken before the attempt and given back when it succeeds, so that many attempts at once cost as much as
//! the same one after the other.

use std::collections::{BTreeMap, BTreeSet};

/// How much a bucket holds and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Attempts at once from a full bucket; at least 1.
    pub burst: u32,
    /// Milliseconds until one more is there.
    pub refill_ms: u64,
}

/// Nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Milliseconds until the next attempt.
    pub retry_ms: u64,
}

impl Spent {
    /// The same in seconds, rounded up, at least 1.
    #[must_use]
    pub const fn retry_secs(self) -> u64 {
        let secs = self.retry_ms.div_ceil(1000);
        if secs == 0 { 1 } else { secs }
    }
}

/// Budgets by key, at most so many of them. Times are milliseconds on any clock that never goes back.
///
/// When there is no room for another key, the one whose bucket is full soonest is forgotten: it tells least. Whoever
/// wants a deeply spent bucket forgotten has to spend all others as deeply first, whatever number of keys he has.
#[derive(Debug)]
pub struct Budgets<K> {
    rate: Rate,
    keys_max: usize,
    full_at: BTreeMap<K, u64>,
    by_time: BTreeSet<(u64, K)>,
    forgotten: u64,
}

impl<K: Ord + Clone> Budgets<K> {
    /// Full buckets for everybody.
    #[must_use]
    pub fn new(rate: Rate, keys_max: usize) -> Self {
        let (full_at, by_time) = (BTreeMap::new(), BTreeSet::new());
        Self { rate, keys_max, full_at, by_time, forgotten: 0 }
    }

    /// Takes one attempt of `key`.
    ///
    /// # Errors
    /// When none is left.
    pub fn take(&mut self, key: &K, now_ms: u64) -> Result<(), Spent> {
        let full_at = self.full_at.get(key).copied().unwrap_or(0).max(now_ms);
        let depth = full_at - now_ms;
        let after = depth.saturating_add(self.rate.refill_ms);
        let capacity = u64::from(self.rate.burst.max(1)).saturating_mul(self.rate.refill_ms);
        if after > capacity {
            return Err(Spent { retry_ms: after - capacity });
        }
        self.drop_full(now_ms);
        if !self.full_at.contains_key(key) && self.full_at.len() >= self.keys_max {
            self.forget_soonest();
        }
        self.set(key, now_ms.saturating_add(after));
        Ok(())
    }

    /// Whether the next attempt of `key` would be refused.
    #[must_use]
    pub fn is_spent(&self, key: &K, now_ms: u64) -> bool {
        let full_at = self.full_at.get(key).copied().unwrap_or(0);
        let capacity = u64::from(self.rate.burst.max(1)).saturating_mul(self.rate.refill_ms);
        full_at.saturating_sub(now_ms).saturating_add(self.rate.refill_ms) > capacity
    }

    /// Gives an attempt of `key` back: it was none.
    pub fn give_back(&mut self, key: &K, now_ms: u64) {
        let Some(full_at) = self.full_at.get(key).copied() else { return };
        let earlier = full_at.saturating_sub(self.rate.refill_ms);
        if earlier > now_ms {
            self.set(key, earlier);
        } else {
            self.remove(key);
        }
    }

    /// Keys that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.full_at.len()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.full_at.is_empty()
    }

    /// Keys that were forgotten before their buckets were full, since the start.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn set(&mut self, key: &K, full_at: u64) {
        self.remove(key);
        self.full_at.insert(key.clone(), full_at);
        self.by_time.insert((full_at, key.clone()));
    }

    fn remove(&mut self, key: &K) {
        if let Some(full_at) = self.full_at.remove(key) {
            self.by_time.remove(&(full_at, key.clone()));
        }
    }

    /// Full buckets say nothing.
    fn drop_full(&mut self, now_ms: u64) {
        while let Some((full_at, _)) = self.by_time.first()
            && *full_at <= now_ms
        {
            if let Some((_, key)) = self.by_time.pop_first() {
                self.full_at.remove(&key);
            }
        }
    }

    fn forget_soonest(&mut self) {
        if let Some((_, key)) = self.by_time.pop_first() {
            self.full_at.remove(&key);
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { burst: 3, refill_ms: 1000 };

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut budgets = Budgets::new(RATE, 8);
        (0..3).for_each(|_| budgets.take(&"a", 0).unwrap());
        assert!(budgets.is_spent(&"a", 999) && !budgets.is_spent(&"a", 1000));
        assert_eq!(budgets.take(&"a", 0), Err(Spent { retry_ms: 1000 }));
        assert_eq!(budgets.take(&"a", 999).unwrap_err().retry_secs(), 1);
        assert_eq!(budgets.take(&"b", 0), Ok(()), "others have their own");
        assert_eq!(budgets.take(&"a", 1000), Ok(()));
        assert!(budgets.take(&"a", 1000).is_err());
        (0..3).for_each(|_| budgets.take(&"a", 9000).unwrap());
        assert_eq!(budgets.len(), 1, "full buckets are dropped");
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let mut budgets = Budgets::new(RATE, 8);
        for now in 0..100 {
            budgets.take(&1, now).unwrap();
            budgets.give_back(&1, now);
        }
        assert!(budgets.is_empty());
        budgets.give_back(&2, 0);
        assert!(budgets.is_empty());
    }

    #[test]
    fn many_shallow_keys_do_not_push_a_deep_one_out() {
        let mut budgets = Budgets::new(RATE, 100);
        (0..3).for_each(|_| budgets.take(&0, 0).unwrap());
        for stranger in 1..10_000 {
            budgets.take(&stranger, 0).unwrap();
        }
        assert_eq!((budgets.len(), budgets.forgotten()), (100, 9_900));
        assert!(budgets.take(&0, 0).is_err(), "it is still remembered");
    }

    proptest! {
        #[test]
        fn a_budget_never_admits_more_than_its_rate(
            burst in 1_u32..6,
            refill_ms in 1_u64..2_000,
            steps in prop::collection::vec((0_u64..3_000, any::<bool>()), 1..200),
        ) {
            let mut budgets = Budgets::new(Rate { burst, refill_ms }, 4);
            let (mut now, mut admitted) = (0, Vec::new());
            for (pause, _) in steps {
                now += pause;
                if budgets.take(&"key", now).is_ok() {
                    admitted.push(now);
                }
            }
            for (at, first) in admitted.iter().enumerate() {
                for (count, last) in admitted[at..].iter().enumerate() {
                    let most = u64::from(burst) + (last - first) / refill_ms;
                    prop_assert!((count as u64) < most, "{first}..{last}");
                }
            }
        }

        #[test]
        fn the_map_stays_bounded_and_its_two_sides_agree(
            steps in prop::collection::vec((0_u16..40, 0_u64..500, any::<bool>()), 1..300),
        ) {
            let mut budgets = Budgets::new(RATE, 8);
            let mut now = 0;
            for (key, pause, back) in steps {
                now += pause;
                if budgets.take(&key, now).is_ok() && back {
                    budgets.give_back(&key, now);
                }
                prop_assert!(budgets.len() <= 8);
                prop_assert_eq!(budgets.full_at.len(), budgets.by_time.len());
            }
        }
    }
}
