//! Rows that can be looked at as they were at one moment, while they go on changing.
//!
//! Rows lie in pages that a [`View`] shares; a page that is shared is copied when one of its rows changes. So a view
//! costs a pointer for each page, a change costs at most one page, and a reader that takes its time never makes a
//! writer wait. Pages that two views share are the same rows, which makes a checkpoint as large as what changed.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use arrayvec::ArrayVec;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod index;

use index::Index;

/// Rows of a page: a few kilobytes to copy.
const PAGE_ROWS: usize = 32;

/// One page, whose rows lie in it.
pub type Page<K, V> = ArrayVec<(K, V), PAGE_ROWS>;

/// Rows by key. They are replaced and never removed.
#[derive(Clone)]
pub struct Table<K, V> {
    index: Index,
    len: usize,
    pages: Vec<Arc<Page<K, V>>>,
}

/// Rows by their number from 1. They are added and never changed.
#[derive(Debug, Clone)]
pub struct List<V> {
    pages: Vec<Arc<Page<(), V>>>,
}

/// All rows as they were at one moment, in the order in which they came into being.
#[derive(Debug, Clone)]
pub struct View<K, V> {
    pages: Vec<Arc<Page<K, V>>>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { index: Index::default(), len: 0, pages: Vec::new() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Table<K, V> {
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

    /// The page of a row, for a change.
    fn page(&mut self, place: usize) -> &mut Page<K, V> {
        Arc::make_mut(&mut self.pages[place / PAGE_ROWS])
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

    /// A table with the rows of `view`, in the same pages.
    #[must_use]
    pub fn of(view: &View<K, V>) -> Self {
        let mut table = Self::default();
        for (key, row) in view.rows() {
            table.put(*key, row.clone());
        }
        table
    }
}

impl<V> Default for List<V> {
    fn default() -> Self {
        Self { pages: Vec::new() }
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
    }

    /// All rows as they are now.
    #[must_use]
    pub fn view(&self) -> View<(), V> {
        View { pages: self.pages.clone() }
    }

    /// A list with the rows of `view`.
    #[must_use]
    pub fn of(view: &View<(), V>) -> Self {
        let mut list = Self::default();
        view.rows().for_each(|(_, row)| list.push(row.clone()));
        list
    }
}

impl<K, V> View<K, V> {
    /// All rows, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &(K, V)> {
        self.pages.iter().flat_map(|page| page.iter())
    }

    /// Number and rows of each page that is not the one that `before` has.
    pub fn changed_since<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (usize, &'a Page<K, V>)> {
        let is_same = |at: usize, page: &Arc<Page<K, V>>| {
            before.pages.get(at).is_some_and(|known| Arc::ptr_eq(known, page))
        };
        let pages = self.pages.iter().enumerate();
        pages.filter(move |(at, page)| !is_same(*at, page)).map(|(at, page)| (at, &**page))
    }

    /// The view that has these pages, in order.
    #[must_use]
    pub fn of(pages: Vec<Page<K, V>>) -> Self {
        Self { pages: pages.into_iter().map(Arc::new).collect() }
    }
}

impl<K, V> Default for View<K, V> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<K: Serialize, V: Serialize> Serialize for View<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let count = self.pages.iter().map(|page| page.len()).sum();
        let mut all = to.serialize_seq(Some(count))?;
        self.rows().try_for_each(|row| all.serialize_element(row))?;
        all.end()
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for View<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut rows = Vec::<(K, V)>::deserialize(from)?.into_iter().peekable();
        let mut pages = Vec::new();
        while rows.peek().is_some() {
            pages.push(rows.by_ref().take(PAGE_ROWS).collect());
        }
        Ok(Self::of(pages))
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
            for list in [List::of(&list.view()), list] {
                for (number, row) in (1..).zip(&rows) {
                    prop_assert_eq!(list.get(number), Some(row));
                }
                prop_assert_eq!((list.get(0), list.get(rows.len() as u64 + 1)), (None, None));
            }
        }

        /// A checkpoint that is brought up to date by the changed pages is the newer view.
        #[test]
        fn the_changed_pages_make_the_older_view_the_newer_one(
            first in prop::collection::vec((0_u64..200, any::<u32>()), 0..200),
            then in prop::collection::vec((0_u64..400, any::<u32>()), 0..200),
        ) {
            let mut table = Table::default();
            for (key, row) in first {
                table.put(key, row);
            }
            let before = table.view();
            for (key, row) in then {
                table.put(key, row);
            }
            let after = table.view();
            let mut pages: Vec<Page<u64, u32>> = before.pages.iter().map(|page| (**page).clone()).collect();
            for (at, page) in after.changed_since(&before) {
                pages.resize(pages.len().max(at + 1), Page::new());
                pages[at] = page.clone();
            }
            let mended = View::of(pages);
            prop_assert_eq!(mended.rows().collect::<Vec<_>>(), after.rows().collect::<Vec<_>>());
            let again = Table::of(&mended).view();
            prop_assert_eq!(again.rows().collect::<Vec<_>>(), after.rows().collect::<Vec<_>>());
            prop_assert_eq!(after.changed_since(&after).count(), 0);
        }
    }
}
