//! The state that pages are of.

use serde::de::DeserializeOwned;

use super::{Core, PageId, VERSION};
use crate::record::Unreadable;
use crate::row::RULES;
use crate::state::State;
use crate::table::{PAGE_ROWS, Page};

/// The number of `moved`.
const MOVED: u8 = 13;
/// The number of `seen`, the largest table beside payments.
const SEEN: u8 = 14;

/// Takes pages in the order of their names. Two of them, each for its half, are as quick as two threads.
#[derive(Debug)]
pub struct Loader {
    state: State,
    half: u8,
    /// The table of the newest page.
    table: u8,
}

impl Loader {
    /// How many halves there are.
    pub const HALVES: u8 = 2;

    /// Takes the pages of one half of the state.
    ///
    /// # Errors
    /// When the state has another form than this program knows.
    pub fn new(core: &Core, half: u8) -> Result<Self, Unreadable> {
        if core.version != VERSION {
            return Err(Unreadable(format!("a checkpoint of version {}", core.version)));
        }
        Ok(Self { state: State::default(), half, table: 0 })
    }

    /// Whose a table's pages are.
    #[must_use]
    pub const fn half_of(table: u8) -> u8 {
        matches!(table, MOVED | SEEN) as u8
    }

    /// Takes a page.
    ///
    /// # Errors
    /// When it is none, or the one before it did not come.
    pub fn page(&mut self, id: PageId, bytes: &[u8]) -> Result<(), Unreadable> {
        let wrong = || Unreadable(format!("page {} of table {}", id.number, id.table));
        if Self::half_of(id.table) != self.half {
            return Err(wrong());
        }
        if id.table != self.table {
            self.state.settle(self.table);
            self.table = id.table;
        }
        self.state.load(id, bytes).ok_or_else(wrong)
    }

    /// What is to be done behind the last page, which takes a while.
    #[must_use]
    pub fn finish(mut self) -> Self {
        self.state.settle(self.table);
        self
    }

    /// The state that all pages were of, of halves that are finished.
    ///
    /// # Errors
    /// When some did not come.
    pub fn join(self, other: Self, core: &Core) -> Result<State, Unreadable> {
        let (first, second) = if self.half == 0 { (self, other) } else { (other, self) };
        let mut state = first.state;
        (state.moved, state.seen) = (second.state.moved, second.state.seen);
        (state.head, state.founding) = (core.head, core.founding.clone());
        (state.policy, state.newest_act) = (core.policy, core.newest_act);
        state.unknown_rules = Some(core.policy.rules).filter(|rules| *rules > RULES);
        let is_whole = state.has_rows_of(core) && state.totals().are_even();
        state.forget_changes();
        is_whole.then_some(state).ok_or_else(|| Unreadable("pages are missing".into()))
    }
}

/// A page of a table: added as it is, or its rows put one after the other where something is derived from each.
macro_rules! page {
    ($state:ident, $name:ident, $id:ident, $bytes:ident) => {
        $state.$name.load($id.number, page($bytes)?).then_some(())
    };
    ($state:ident, $name:ident, $id:ident, $bytes:ident, $put:expr) => {{
        if $state.$name.len() != $id.number as usize * PAGE_ROWS {
            return None;
        }
        Some(page($bytes)?.into_iter().for_each(|(key, row)| $put(key, row)))
    }};
}

/// Settles tables by their numbers.
macro_rules! settle {
    ($($number:literal $name:ident: $key:ty => $row:ty),* $(,)?) => {
        impl State {
            /// All pages of a table are there.
            fn settle(&mut self, table: u8) {
                match table {
                    $($number => self.$name.settle(),)*
                    _ => {}
                }
            }
        }
    };
}

tables!(settle);

impl State {
    /// None when it is no page, or not the one that comes next.
    fn load(&mut self, id: PageId, bytes: &[u8]) -> Option<()> {
        match id.table {
            0 => {
                let page = page(bytes)?;
                page.iter().for_each(|(_, balance)| self.totals.count(balance));
                self.balances.load(id.number, page).then_some(())
            }
            1 => page!(self, lots, id, bytes, |key, row| self.put_lot(key, row)),
            2 => page!(self, holds, id, bytes, |key, row| self.put_hold(key, &row)),
            3 => {
                let from = self.charges.len();
                page!(self, charges, id, bytes).map(|()| self.derive_from_charges(from))
            }
            4 => page!(self, dues, id, bytes, |key, row| self.put_due(key, row)),
            5 => page!(self, events, id, bytes),
            6 => page!(self, seats, id, bytes),
            7 => page!(self, members, id, bytes),
            8 => page!(self, payouts, id, bytes, |key, row| self.put_payout(key, row)),
            9 => page!(self, repayments, id, bytes),
            10 => page!(self, disputes, id, bytes, |key, row| self.put_dispute(key, row)),
            11 => page!(self, writeoffs, id, bytes),
            12 => page!(self, corrected, id, bytes),
            MOVED => page!(self, moved, id, bytes),
            SEEN => page!(self, seen, id, bytes),
            15 => page!(self, heard, id, bytes, |key, row| self.put_heard(key, &row)),
            16 => page!(self, settled, id, bytes),
            17 => page!(self, reports, id, bytes),
            18 => page!(self, told, id, bytes),
            _ => None,
        }
    }
}

fn page<K: DeserializeOwned, V: DeserializeOwned>(bytes: &[u8]) -> Option<Page<K, V>> {
    match postcard::take_from_bytes(bytes) {
        Ok((page, [])) => Some(page),
        _ => None,
    }
}
