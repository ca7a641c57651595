//! Where rows lie, by the hash of their keys.
//!
//! Keys come from people, so the hash has a secret of the process: nobody can choose keys that fall together. What is
//! found does not depend on it, and nothing is ever listed in its order.

use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Parts that grow one after the other, so that no change waits for all of them.
const PARTS: usize = 64;

/// Bits of a hash that are kept beside a place: enough to tell keys apart without looking at them.
const HASH_BITS: u32 = 28;

/// A place and a part of its key's hash in one word.
#[derive(Clone, Copy)]
struct Spot(u64);

impl Spot {
    const fn new(hash: u64, place: usize) -> Self {
        Self((place as u64) << HASH_BITS | hash & ((1 << HASH_BITS) - 1))
    }

    const fn place(self) -> usize {
        (self.0 >> HASH_BITS) as usize
    }

    /// The kept bits where the table looks for them: at both ends.
    const fn hash(self) -> u64 {
        let kept = self.0 & ((1 << HASH_BITS) - 1);
        kept | kept << (u64::BITS - HASH_BITS)
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Index {
    secret: RandomState,
    parts: Vec<HashTable<Spot>>,
}

impl Default for Index {
    fn default() -> Self {
        Self { secret: RandomState::new(), parts: vec![HashTable::new(); PARTS] }
    }
}

impl Index {
    pub(super) fn hash(&self, key: &impl Hash) -> u64 {
        self.secret.hash_one(key)
    }

    /// The place that `is_it`, among those with that hash.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let wanted = Spot::new(hash, 0).hash();
        let part = self.parts.get(part_of(hash))?;
        let spot = part.find(wanted, |spot| spot.hash() == wanted && is_it(spot.place()))?;
        Some(spot.place())
    }

    /// Notes a place that is not there.
    pub(super) fn insert(&mut self, hash: u64, place: usize) {
        let spot = Spot::new(hash, place);
        if let Some(part) = self.parts.get_mut(part_of(hash)) {
            part.insert_unique(spot.hash(), spot, |spot| spot.hash());
        }
    }
}

/// By bits that no spot keeps.
const fn part_of(hash: u64) -> usize {
    (hash >> HASH_BITS) as usize % PARTS
}
