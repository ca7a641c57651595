//! Where rows lie, by the hash of their keys.
//!
//! Keys come from people, so the hash has a secret of the process: nobody can choose keys that fall together. What is
//! found does not depend on it, and nothing is ever listed in its order.
//!
//! A place is found by looking through words that lie side by side, because what a lookup costs is memory that is far
//! away: one line here, and one of the row.

use std::hash::{BuildHasher, Hash, RandomState};

/// Parts that grow one after the other, so that no change waits for all of them.
const PARTS: usize = 64;

/// Bits of a hash that are kept beside a place: by them a part finds it, and tells most keys apart.
const HASH_BITS: u32 = 28;
const HASH_MASK: u64 = (1 << HASH_BITS) - 1;

/// See the module.
#[derive(Clone)]
pub(super) struct Index {
    secret: RandomState,
    parts: Vec<Part>,
}

/// Each place stands in the first free word from the one that its hash says.
#[derive(Clone, Default)]
struct Part {
    /// A power of two of them, or none; zero where nothing stands.
    spots: Vec<u64>,
    len: usize,
    /// Words that do not stand yet.
    expected: Vec<u64>,
}

impl Default for Index {
    fn default() -> Self {
        Self { secret: RandomState::new(), parts: vec![Part::default(); PARTS] }
    }
}

impl Index {
    pub(super) fn hash(&self, key: &impl Hash) -> u64 {
        self.secret.hash_one(key)
    }

    /// The place that `is_it`, among those with that hash.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let part = &self.parts[part_of(hash)];
        let last = part.spots.len().checked_sub(1)?;
        let mut at = part.first(hash);
        // A third of the words is free, so that this ends.
        while part.spots[at] != 0 {
            let spot = part.spots[at];
            if (spot ^ hash) & HASH_MASK == 0 && is_it(place_of(spot)) {
                return Some(place_of(spot));
            }
            at = (at + 1) & last;
        }
        None
    }

    /// The word where looking for that hash begins; zero when there is none.
    pub(super) fn word(&self, hash: u64) -> u64 {
        let part = &self.parts[part_of(hash)];
        part.spots.get(part.first(hash)).copied().unwrap_or_default()
    }

    /// Notes a place that is not there.
    pub(super) fn insert(&mut self, hash: u64, place: usize) {
        let part = &mut self.parts[part_of(hash)];
        part.make_room(1);
        part.put(spot(hash, place));
        part.len += 1;
    }

    /// Puts a place that is not there aside for [`Self::settle`].
    pub(super) fn expect(&mut self, hash: u64, place: usize) {
        self.parts[part_of(hash)].expected.push(spot(hash, place));
    }

    /// Notes everything that was put aside: part by part, because one part is near and all of them are far away.
    pub(super) fn settle(&mut self) {
        for part in &mut self.parts {
            let expected = std::mem::take(&mut part.expected);
            part.make_room(expected.len());
            part.len += expected.len();
            expected.into_iter().for_each(|spot| part.put(spot));
        }
    }
}

impl Part {
    const fn first(&self, hash: u64) -> usize {
        match self.spots.len() {
            0 => 0,
            len => (hash & HASH_MASK) as usize & (len - 1),
        }
    }

    fn put(&mut self, spot: u64) {
        let (mut at, last) = (self.first(spot), self.spots.len() - 1);
        while self.spots[at] != 0 {
            at = (at + 1) & last;
        }
        self.spots[at] = spot;
    }

    /// A third of the words stays free.
    fn make_room(&mut self, more: usize) {
        let wanted = (self.len + more) * 3;
        if wanted > self.spots.len() * 2 {
            self.grow(wanted.div_ceil(2).next_power_of_two().max(8));
        }
    }

    fn grow(&mut self, words: usize) {
        let roomier = vec![0; words];
        let before = std::mem::replace(&mut self.spots, roomier);
        before.into_iter().filter(|spot| *spot != 0).for_each(|spot| self.put(spot));
    }
}

/// A place and the kept bits of its hash in one word, which is not zero.
const fn spot(hash: u64, place: usize) -> u64 {
    (place as u64 + 1) << HASH_BITS | hash & HASH_MASK
}

const fn place_of(spot: u64) -> usize {
    (spot >> HASH_BITS) as usize - 1
}

/// By bits that no spot keeps.
const fn part_of(hash: u64) -> usize {
    (hash >> HASH_BITS) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_with_the_same_hash_are_told_apart_by_whoever_knows_the_keys() {
        let mut index = Index::default();
        assert_eq!(index.find(7, |_| true), None);
        for place in 0..100 {
            // All of them begin at the last word, and go on at the first.
            index.insert(HASH_MASK, place);
        }
        for wanted in 0..100 {
            assert_eq!(index.find(HASH_MASK, |place| place == wanted), Some(wanted));
        }
        assert_eq!(index.find(HASH_MASK, |place| place == 100), None);
        assert_eq!(index.find(HASH_MASK ^ 1, |_| true), None);
    }
}
