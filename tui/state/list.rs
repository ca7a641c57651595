//! A list on a page: which rows pass the filter, in which order, and where the cursor is.
//!
//! The cursor holds on to a row's id, not to a line: rows that come, go or change places never move it to another row,
//! so a key pressed now acts on what was read a moment ago. Arranging happens when data, filter or order change;
//! moving and drawing touch only what is visible.

use std::cell::Cell;
use std::cmp::Ordering;

use serde_json::Value;
use weir_client::filter::Filter;
use weir_client::filter::fields::Fields;
use weir_model::Timestamp;

use super::columns::Columns;

/// A thing that can be listed.
pub trait Row {
    /// Names of its columns, in the order of the table. Each is an order it can be sorted by.
    const COLUMNS: &'static [&'static str];
    /// How many of the last columns are shown only when asked for.
    const EXTRAS: usize = 0;
    /// What an expression of the filter can ask.
    const FIELDS: Fields;
    /// What stays the same while the row changes.
    fn id(&self) -> String;
    /// What the filter looks at when it looks for a text.
    fn text(&self) -> String;
    /// What the filter looks at when it compares fields: the same JSON as the command line prints.
    fn json(&self) -> Value;
    /// Comparison by one of the columns.
    fn compare(&self, other: &Self, column: usize) -> Ordering;
}

/// A way to move the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Lines down, or up when negative.
    By(isize),
    /// Pages down, or up when negative.
    Pages(isize),
    /// Half pages down, or up when negative.
    Halves(isize),
    /// First row.
    First,
    /// Last row.
    Last,
}

/// One list.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Which rows are shown.
    pub filter: Filter,
    /// The column it is sorted by.
    pub order: usize,
    /// Largest first.
    pub descending: bool,
    /// Which columns are shown.
    pub columns: Columns,
    rows: Vec<usize>,
    total: usize,
    cursor: usize,
    id: Option<String>,
    // The drawing side reports how far it scrolled and how much fits.
    top: Cell<usize>,
    height: Cell<usize>,
}

impl List {
    /// A list in the given order.
    #[must_use]
    pub fn ordered(order: usize, descending: bool) -> Self {
        Self { order, descending, ..Self::default() }
    }

    /// Filters and sorts anew; the cursor stays on its row, or on its line when the row is gone. `now` is the node's
    /// clock, for filters over times.
    pub fn arrange<R: Row>(&mut self, data: &[R], now: Timestamp) {
        self.total = data.len();
        let keeps = |row: &R| self.filter.keeps(|| row.text(), || row.json(), now);
        let kept = |(i, row): (usize, &R)| keeps(row).then_some(i);
        self.rows = data.iter().enumerate().filter_map(kept).collect();
        let (order, descending) = (self.order, self.descending);
        self.rows.sort_by(|a, b| {
            let (Some(a), Some(b)) = (data.get(*a), data.get(*b)) else { return Ordering::Equal };
            let by = a.compare(b, order);
            if descending { by.reverse() } else { by }
        });
        let held = self.id.take();
        let found = held.and_then(|id| {
            self.rows.iter().position(|i| data.get(*i).is_some_and(|row| row.id() == id))
        });
        self.cursor = found.unwrap_or_else(|| self.cursor.min(self.rows.len().saturating_sub(1)));
        self.hold(data);
    }

    /// Moves the cursor.
    pub fn go<R: Row>(&mut self, step: Move, data: &[R]) {
        let last = self.rows.len().saturating_sub(1);
        let page = isize::try_from(self.height.get().max(2) - 1).unwrap_or(1);
        let by = |n: isize| self.cursor.saturating_add_signed(n).min(last);
        self.cursor = match step {
            Move::By(n) => by(n),
            Move::Pages(n) => by(n.saturating_mul(page)),
            Move::Halves(n) => by(n.saturating_mul((page / 2).max(1))),
            Move::First => 0,
            Move::Last => last,
        };
        self.hold(data);
    }

    /// Puts the cursor on a row when it is shown.
    pub fn select<R: Row>(&mut self, id: &str, data: &[R]) {
        let at = |i: &usize| data.get(*i).is_some_and(|row| row.id() == id);
        if let Some(found) = self.rows.iter().position(at) {
            self.cursor = found;
            self.hold(data);
        }
    }

    /// Lets the cursor stay on its line instead of its row, so that new rows at the top are followed.
    pub fn follow(&mut self) {
        self.id = None;
    }

    /// Begins anew for rows of something else: none is hidden, and the cursor is on the first.
    pub fn begin(&mut self) {
        (self.filter, self.cursor, self.id) = (Filter::default(), 0, None);
    }

    /// Sorts by the next column that is on the screen.
    pub fn next_order<R: Row>(&mut self, data: &[R], now: Timestamp) {
        let count = R::COLUMNS.len().max(1);
        let next = (1..=count).map(|step| (self.order + step) % count);
        let seen = |column: &usize| self.columns.seen::<R>(*column);
        self.order = next.into_iter().find(seen).unwrap_or(self.order);
        self.arrange(data, now);
    }

    /// Sorts by a column; the one it is sorted by already is turned round.
    pub fn order_by<R: Row>(&mut self, column: usize, data: &[R], now: Timestamp) {
        if self.order == column {
            self.descending = !self.descending;
        } else if column < R::COLUMNS.len() {
            self.order = column;
        }
        self.arrange(data, now);
    }

    /// The row under the cursor.
    #[must_use]
    pub fn selected<'d, R>(&self, data: &'d [R]) -> Option<&'d R> {
        data.get(*self.rows.get(self.cursor)?)
    }

    /// The cursor's line among the shown rows.
    #[must_use]
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// Rows that pass the filter.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row passes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows in all.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }

    /// The lines visible in `height` rows: line number and index into the data. Scrolls as little as needed.
    pub fn window(&self, height: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let lowest = (self.cursor + 1).saturating_sub(height);
        let furthest = self.rows.len().saturating_sub(height);
        let top = self.top.get().clamp(lowest, self.cursor.max(lowest)).min(furthest.max(lowest));
        self.top.set(top);
        self.height.set(height);
        self.rows.iter().copied().enumerate().skip(top).take(height)
    }

    fn hold<R: Row>(&mut self, data: &[R]) {
        self.id = self.selected(data).map(Row::id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Row for &str {
        const COLUMNS: &'static [&'static str] = &["name", "length", "last"];
        const EXTRAS: usize = 1;
        const FIELDS: Fields = &[];
        fn id(&self) -> String {
            (*self).to_owned()
        }
        fn text(&self) -> String {
            (*self).to_owned()
        }
        fn json(&self) -> Value {
            Value::Null
        }
        fn compare(&self, other: &Self, column: usize) -> Ordering {
            if column == 0 { self.cmp(other) } else { self.len().cmp(&other.len()) }
        }
    }

    const NOW: Timestamp = Timestamp(0);

    #[test]
    fn the_cursor_stays_on_its_row_when_others_come() {
        let mut list = List::default();
        list.arrange(&["b", "d"], NOW);
        list.go(Move::Last, &["b", "d"]);
        let data = ["a", "b", "c", "d", "e"];
        list.arrange(&data, NOW);
        assert_eq!(list.selected(&data), Some(&"d"));
    }

    #[test]
    fn a_row_that_goes_leaves_the_cursor_on_a_neighbour() {
        let mut list = List::default();
        list.arrange(&["a", "b"], NOW);
        list.go(Move::Last, &["a", "b"]);
        list.arrange(&["a"], NOW);
        assert_eq!(list.selected(&["a"]), Some(&"a"));
        list.arrange::<&str>(&[], NOW);
        assert_eq!(list.selected::<&str>(&[]), None);
        list.go::<&str>(Move::By(5), &[]);
        assert_eq!(list.cursor(), 0);
    }

    #[test]
    fn orders_go_round_and_turn_round() {
        let data = ["ccc", "a", "bb"];
        let mut list = List::default();
        list.arrange(&data, NOW);
        assert_eq!(list.window(9).map(|(_, i)| data[i]).collect::<Vec<_>>(), ["a", "bb", "ccc"]);
        list.next_order(&data, NOW);
        list.descending = true;
        list.arrange(&data, NOW);
        assert_eq!(list.window(9).map(|(_, i)| data[i]).collect::<Vec<_>>(), ["ccc", "bb", "a"]);
        list.next_order(&data, NOW);
        assert_eq!(list.order, 0, "the extra column is not shown");
        list.columns.wide = true;
        list.order_by(1, &data, NOW);
        list.next_order(&data, NOW);
        assert_eq!(list.order, 2);
        let turned = !list.descending;
        list.order_by(2, &data, NOW);
        assert_eq!((list.order, list.descending), (2, turned));
    }

    #[test]
    fn the_window_scrolls_only_when_the_cursor_leaves_it() {
        let data: Vec<&str> = ["a", "b", "c", "d", "e", "f"].into();
        let mut list = List::default();
        list.arrange(&data, NOW);
        let tops = |list: &List| list.window(3).map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(tops(&list), [0, 1, 2]);
        list.go(Move::By(3), &data);
        assert_eq!(tops(&list), [1, 2, 3]);
        list.go(Move::By(-1), &data);
        assert_eq!(tops(&list), [1, 2, 3]);
        list.go(Move::First, &data);
        assert_eq!(tops(&list), [0, 1, 2]);
        assert_eq!(list.window(0).count(), 0);
        list.go(Move::Last, &data);
        assert_eq!(list.window(100).count(), 6);
    }
}
