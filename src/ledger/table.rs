//! Rows that can be looked at as they were at one moment, while they go on changing.
//!
//! Rows lie in pages that a [`View`] shares; a page that is shared is copied when one of its rows changes. So a view
//! costs a pointer for each page, a change costs at most one page, and a reader that takes its time never makes a
//! writer wait. Pages that two views share are the same rows, which makes a checkpoint as large as what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows of a page: a few kilobytes to copy.
const PAGE_ROWS: usize = 32;

/// One page.
pub type Page<K, V> = Vec<(K, V)>;

/// Rows by key. They are replaced and never removed.
#[derive(Debug, Clone)]
pub struct Table<K, V> {
    places: BTreeMap<K, usize>,
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
        Self { places: BTreeMap::new(), pages: Vec::new() }
    }
}

impl<K: Ord + Copy, V: Clone> Table<K, V> {
    /// The row at `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let place = *self.places.get(key)?;
        let (_, row) = self.pages.get(place / PAGE_ROWS)?.get(place % PAGE_ROWS)?;
        Some(row)
    }

    /// Puts `row` at `key`, in place of the one that was there.
    pub fn put(&mut self, key: K, row: V) {
        let next = self.places.len();
        let place = *self.places.entry(key).or_insert(next);
        if place / PAGE_ROWS == self.pages.len() {
            self.pages.push(Arc::new(Vec::with_capacity(PAGE_ROWS)));
        }
        let page = Arc::make_mut(&mut self.pages[place / PAGE_ROWS]);
        match page.get_mut(place % PAGE_ROWS) {
            Some(there) => there.1 = row,
            None => page.push((key, row)),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
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
        view.rows().for_each(|(key, row)| table.put(*key, row.clone()));
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
                let mut page = Vec::with_capacity(PAGE_ROWS);
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
            first.into_iter().for_each(|(key, row)| table.put(key, row));
            let before = table.view();
            then.into_iter().for_each(|(key, row)| table.put(key, row));
            let after = table.view();
            let mut pages: Vec<Page<u64, u32>> = before.pages.iter().map(|page| page.to_vec()).collect();
            for (at, page) in after.changed_since(&before) {
                pages.resize(pages.len().max(at + 1), Vec::new());
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
