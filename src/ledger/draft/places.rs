//! Where the rows of a draft stand.

use std::collections::BTreeMap;

use crate::row::Key;

/// Most records have fewer rows than this, and looking through them is faster than anything else.
const FEW: usize = 16;

/// Numbers of rows from 0, in the order in which they were noted.
#[derive(Clone, Default)]
pub(super) struct Places {
    first: Vec<Key>,
    more: BTreeMap<Key, usize>,
}

impl Places {
    pub(super) fn get(&self, key: &Key) -> Option<usize> {
        let known = self.first.iter().position(|known| known == key);
        known.or_else(|| self.more.get(key).copied())
    }

    /// The number of a row, the next one when it has none.
    pub(super) fn note(&mut self, key: Key) -> usize {
        if let Some(known) = self.get(&key) {
            return known;
        }
        let next = self.first.len() + self.more.len();
        if next < FEW {
            self.first.push(key);
        } else {
            self.more.insert(key, next);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_keeps_the_number_that_it_was_given_first() {
        let mut places = Places::default();
        for _ in 0..2 {
            for number in 0..3 * FEW {
                let key = Key::Lot(number as u128 * 7);
                assert_eq!(places.note(key), number);
                assert_eq!(places.get(&key), Some(number));
            }
        }
        assert_eq!(places.get(&Key::Policy), None);
    }
}
