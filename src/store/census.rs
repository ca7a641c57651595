//! A digest over all records that changes with each of them and is written in the same batch. sled drops
//! pages that it cannot read without a word; a census that does not fit tells that records are missing.

use std::collections::HashMap;

use super::sled::{Raw, RawChange};

/// Name of its record. No entry has this name.
pub(super) const CENSUS: &[u8] = b"census";

/// The sum of the digests of all records; the order in which they came does not matter.
#[derive(Default)]
pub(super) struct Census {
    digests: HashMap<Vec<u8>, u128>,
    sum: u128,
}

impl Census {
    /// Counts `records`.
    pub(super) fn of(records: &[Raw]) -> Self {
        let mut census = Self::default();
        for (name, bytes) in records {
            census.count(name, Some(bytes));
        }
        census
    }

    /// Counts a change and answers with the bytes that belong into its batch.
    pub(super) fn change(&mut self, changes: &[RawChange]) -> Vec<u8> {
        for (name, bytes) in changes {
            self.count(name, bytes.as_deref());
        }
        self.bytes()
    }

    /// Whether `stored` was written for exactly these records. An empty database needs none.
    pub(super) fn fits(&self, stored: Option<&[u8]>) -> bool {
        match stored {
            Some(stored) => *stored == *self.bytes(),
            None => self.digests.is_empty(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        format!("{} {:032x}", self.digests.len(), self.sum).into_bytes()
    }

    fn count(&mut self, name: &[u8], bytes: Option<&[u8]>) {
        let old = match bytes {
            Some(bytes) => {
                let new = digest(name, bytes);
                self.sum = self.sum.wrapping_add(new);
                self.digests.insert(name.to_vec(), new)
            }
            None => self.digests.remove(name),
        };
        self.sum = self.sum.wrapping_sub(old.unwrap_or_default());
    }
}

fn digest(name: &[u8], bytes: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(name.len() as u64).to_be_bytes()).update(name).update(bytes);
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    u128::from_be_bytes(digest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_census_kept_by_changes_is_the_census_of_what_they_leave(
            changes in prop::collection::vec((0_u8..6, prop::option::of(any::<u8>())), 0..40),
        ) {
            let mut kept = Census::default();
            let mut left = std::collections::BTreeMap::new();
            for (name, byte) in changes {
                let change = (vec![name], byte.map(|byte| vec![byte]));
                match &change.1 {
                    Some(bytes) => left.insert(change.0.clone(), bytes.clone()),
                    None => left.remove(&change.0),
                };
                let bytes = kept.change(&[change]);
                let records: Vec<Raw> = left.clone().into_iter().collect();
                prop_assert!(Census::of(&records).fits(Some(&bytes)));
                let fewer = records.get(1..).unwrap_or_default();
                prop_assert_eq!(Census::of(fewer).fits(Some(&bytes)), records.is_empty());
            }
        }
    }

    #[test]
    fn only_an_empty_database_needs_no_census() {
        assert!(Census::of(&[]).fits(None));
        assert!(!Census::of(&[(vec![1], vec![2])]).fits(None));
    }
}
