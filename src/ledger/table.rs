//! Rows that can be looked at as they were at one moment, while they go on changing.
//!
//! Rows lie in pages that a [`View`] shares; a page that is shared is copied when one of its rows changes. So a view
//! costs a pointer for each page, a change costs at most one page, and a reader that takes its time never makes a
//! writer wait. A table notes which of its pages changed, which makes a checkpoint as large as what changed.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use arrayvec::ArrayVec;

mod changed;
mod index;

use changed::Changed;
use index::Index;

/// Rows of a page: a few kilobytes to copy.
pub(crate) const PAGE_ROWS: usize = 32;

/// One page, whose rows lie in it.
pub type Page<K, V> = ArrayVec<(K, V), PAGE_ROWS>;

/// Rows by key. They are replaced and never removed.
#[derive(Clone)]
pub struct Table<K, V> {
    index: Index,
    len: usize,
    pages: Vec<Arc<Page<K, V>>>,
    changed: Changed,
}

/// Rows by their number from 1. They are added and never changed.
#[derive(Clone)]
pub struct List<V> {
    pages: Vec<Arc<Page<(), V>>>,
    changed: Changed,
}

/// Pages with their numbers, as they were at one moment.
pub(crate) type Pages<K, V> = Vec<(u32, Arc<Page<K, V>>)>;

/// All rows as they were at one moment, in the order in which they came into being.
#[derive(Debug, Clone)]
pub struct View<K, V> {
    pages: Vec<Arc<Page<K, V>>>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        let (index, changed) = (Index::default(), Changed::default());
        Self { index, len: 0, pages: Vec::new(), changed }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pages.iter().flat_map(|page| page.iter())).finish()
    }
}

impl<V: fmt::Debug> fmt::Debug for List<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pages.iter().flat_map(|page| page.iter())).finish()
    }
}

impl<K: Hash + Eq + Copy, V: Clone> Table<K, V> {
    /// The row at `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.row(self.find(self.index.hash(key), key)?).map(|(_, row)| row)
    }

    /// Puts `row` at `key`; answers with the one that was there.
    pub fn put(&mut self, key: K, row: V) -> Option<V> {
        self.put_at(self.place(&key), key, row).1
    }

    /// The same where it is known which number the row at `key` has, if it has one; answers with the number too.
    pub(crate) fn put_at(&mut self, place: Option<usize>, key: K, row: V) -> (usize, Option<V>) {
        match place {
            Some(at) => (at, Some(std::mem::replace(&mut self.page(at)[at % PAGE_ROWS].1, row))),
            None => (self.add(self.index.hash(&key), key, row), None),
        }
    }

    /// Changes the row at `key`, which is made when it is not there.
    pub(crate) fn change(&mut self, key: K, with: impl FnOnce(&mut V))
    where
        V: Default,
    {
        let hash = self.index.hash(&key);
        let place = self.find(hash, &key).unwrap_or_else(|| self.add(hash, key, V::default()));
        with(&mut self.page(place)[place % PAGE_ROWS].1);
    }

    /// The number of the row at `key`, counted from 0.
    pub(crate) fn place(&self, key: &K) -> Option<usize> {
        self.find(self.index.hash(key), key)
    }

    /// Something of the memory that looking for `key` begins with, which is near from then on.
    pub(crate) fn touch(&self, key: &K) -> u64 {
        self.index.word(self.index.hash(key))
    }

    /// The row of that number.
    pub(crate) fn row(&self, place: usize) -> Option<&(K, V)> {
        self.pages.get(place / PAGE_ROWS)?.get(place % PAGE_ROWS)
    }

    fn find(&self, hash: u64, key: &K) -> Option<usize> {
        self.index.find(hash, |place| self.row(place).is_some_and(|(known, _)| known == key))
    }

    fn add(&mut self, hash: u64, key: K, row: V) -> usize {
        let place = self.len;
        if place.is_multiple_of(PAGE_ROWS) {
            self.pages.push(Arc::new(Page::new()));
        }
        self.page(place).push((key, row));
        self.index.insert(hash, place);
        self.len += 1;
        place
    }

    /// Adds the page of that number, whose rows are not there; whether it is the one that comes next. The rows are found
    /// by their keys once the table is settled.
    pub(crate) fn load(&mut self, number: u32, page: Page<K, V>) -> bool {
        if !is_next(self.len, number) {
            return false;
        }
        for (place, (key, _)) in (self.len..).zip(&page) {
            self.index.expect(self.index.hash(key), place);
        }
        self.len += page.len();
        self.pages.push(Arc::new(page));
        true
    }

    /// Makes everything that was loaded be found by its key.
    pub(crate) fn settle(&mut self) {
        self.index.settle();
    }

    /// The page of a row, for a change.
    fn page(&mut self, place: usize) -> &mut Page<K, V> {
        self.changed.note(place / PAGE_ROWS);
        Arc::make_mut(&mut self.pages[place / PAGE_ROWS])
    }

    /// The pages that changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> Pages<K, V> {
        self.changed.take(&self.pages)
    }

    /// Nothing has changed since somebody asked last.
    pub(crate) fn forget_changes(&mut self) {
        self.changed = Changed::default();
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All rows as they are now.
    #[must_use]
    pub fn view(&self) -> View<K, V> {
        View { pages: self.pages.clone() }
    }
}

impl<V> Default for List<V> {
    fn default() -> Self {
        Self { pages: Vec::new(), changed: Changed::default() }
    }
}

impl<V: Clone> List<V> {
    /// The row of that number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&V> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        let (_, row) = self.pages.get(place / PAGE_ROWS)?.get(place % PAGE_ROWS)?;
        Some(row)
    }

    /// Adds the next row.
    pub fn push(&mut self, row: V) {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE_ROWS => Arc::make_mut(page).push(((), row)),
            _ => {
                let mut page = Page::new();
                page.push(((), row));
                self.pages.push(Arc::new(page));
            }
        }
        self.changed.note(self.pages.len() - 1);
    }

    /// Adds the page of that number; whether it is the one that comes next.
    pub(crate) fn load(&mut self, number: u32, page: Page<(), V>) -> bool {
        let is_next = is_next(self.len(), number);
        if is_next {
            self.pages.push(Arc::new(page));
        }
        is_next
    }

    /// Its rows are found by their numbers, so that nothing is left to be done when all are there.
    pub(crate) const fn settle(&self) {}

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        let full = self.pages.len().saturating_sub(1) * PAGE_ROWS;
        self.pages.last().map_or(0, |last| full + last.len())
    }

    /// The pages that changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> Pages<(), V> {
        self.changed.take(&self.pages)
    }

    /// Nothing has changed since somebody asked last.
    pub(crate) fn forget_changes(&mut self) {
        self.changed = Changed::default();
    }
}

/// Whether the page of that number comes behind so many rows.
fn is_next(rows: usize, number: u32) -> bool {
    rows == number as usize * PAGE_ROWS
}

impl<K, V> View<K, V> {
    /// All rows, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &(K, V)> {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

impl<K, V> Default for View<K, V> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_is_a_map_and_its_views_stay_as_they_were(
            puts in prop::collection::vec((0_u64..200, any::<u32>()), 0..400),
            looks in prop::collection::vec(0_usize..400, 0..6),
        ) {
            let (mut table, mut known) = (Table::default(), BTreeMap::new());
            let mut seen: Vec<(View<u64, u32>, BTreeMap<u64, u32>)> = Vec::new();
            for (at, (key, row)) in puts.into_iter().enumerate() {
                if looks.contains(&at) {
                    seen.push((table.view(), known.clone()));
                }
                table.put(key, row);
                known.insert(key, row);
                prop_assert_eq!(table.get(&key), Some(&row));
            }
            seen.push((table.view(), known.clone()));
            for (view, known) in &seen {
                prop_assert_eq!(&view.rows().copied().collect::<BTreeMap<u64, u32>>(), known);
            }
            prop_assert_eq!(table.len(), known.len());
        }

        #[test]
        fn a_list_is_numbered_from_one(rows in prop::collection::vec(any::<u32>(), 0..100)) {
            let mut list = List::default();
            rows.iter().for_each(|row| list.push(*row));
            for (number, row) in (1..).zip(&rows) {
                prop_assert_eq!(list.get(number), Some(row));
            }
            prop_assert_eq!((list.get(0), list.get(rows.len() as u64 + 1)), (None, None));
            prop_assert_eq!(list.len(), rows.len());
        }

        /// The pages that changed, laid over those from before, are the table.
        #[test]
        fn the_changed_pages_make_the_older_table_the_newer_one(
            first in prop::collection::vec((0_u64..200, any::<u32>()), 0..200),
            then in prop::collection::vec((0_u64..400, any::<u32>()), 0..200),
        ) {
            let (mut table, mut pages) = (Table::default(), BTreeMap::new());
            for puts in [first, then] {
                for (key, row) in puts {
                    table.put(key, row);
                }
                pages.extend(table.take_changed());
            }
            let kept: Vec<(u64, u32)> = pages.values().flat_map(|page| page.iter()).copied().collect();
            prop_assert_eq!(kept, table.view().rows().copied().collect::<Vec<_>>());
            prop_assert!(table.take_changed().is_empty());
        }
    }
}
