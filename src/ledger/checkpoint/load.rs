//! The state that pages are of.

use serde::de::DeserializeOwned;

use super::{Core, PageId, VERSION};
use crate::record::Unreadable;
use crate::row::RULES;
use crate::state::State;
use crate::table::PAGE_ROWS;

/// The number of `moved`.
const MOVED: u8 = 13;
/// The number of `seen`, the largest table beside payments.
const SEEN: u8 = 14;

/// Takes pages in the order of their names. Two of them, each for its half, are as quick as two threads.
#[derive(Debug)]
pub struct Loader {
    state: State,
    half: u8,
    /// For each lot the payments that something of it went into, in their order.
    spent: Vec<Vec<usize>>,
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
        let mut state = State::default();
        state.reserve(core, |table| Self::half_of(table) == half);
        Ok(Self { state, half, spent: Vec::new() })
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
        self.state.load(id, bytes, &mut self.spent).ok_or_else(wrong)
    }

    /// The state that all pages were of.
    ///
    /// # Errors
    /// When some did not come.
    pub fn join(self, other: Self, core: &Core) -> Result<State, Unreadable> {
        let (first, second) = if self.half == 0 { (self, other) } else { (other, self) };
        let mut state = first.state;
        for (set, list) in state.spent.iter_mut().zip(first.spent) {
            *set = list.into_iter().collect();
        }
        (state.moved, state.seen) = (second.state.moved, second.state.seen);
        (state.head, state.founding) = (core.head, core.founding.clone());
        (state.policy, state.newest_act) = (core.policy, core.newest_act);
        state.unknown_rules = Some(core.policy.rules).filter(|rules| *rules > RULES);
        let is_whole = state.has_rows_of(core) && state.totals().are_even();
        state.forget_changes();
        is_whole.then_some(state).ok_or_else(|| Unreadable("pages are missing".into()))
    }
}

/// Rows of a page of a table, put by a function or only added.
macro_rules! page {
    ($state:ident, $name:ident, $id:ident, $bytes:ident) => {
        page!($state, $name, $id, $bytes, |key, row| {
            $state.$name.append(key, row);
        })
    };
    ($state:ident, $name:ident, $id:ident, $bytes:ident, $put:expr) => {{
        if $state.$name.len() != $id.number as usize * PAGE_ROWS {
            return None;
        }
        rows($bytes)?.into_iter().for_each(|(key, row)| $put(key, row));
    }};
}

impl State {
    /// None when it is no page, or not the one that comes next.
    fn load(&mut self, id: PageId, bytes: &[u8], spent: &mut Vec<Vec<usize>>) -> Option<()> {
        match id.table {
            0 => page!(self, balances, id, bytes, |key, row| {
                self.totals.count(&row);
                self.balances.append(key, row);
            }),
            1 => page!(self, lots, id, bytes, |key, row| self.put_lot(key, row)),
            2 => page!(self, holds, id, bytes, |key, row| self.put_hold(key, &row)),
            3 => page!(self, charges, id, bytes, |key, row| self.load_charge(key, row, spent)),
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
            _ => return None,
        }
        Some(())
    }
}

fn rows<K: DeserializeOwned, V: DeserializeOwned>(bytes: &[u8]) -> Option<Vec<(K, V)>> {
    match postcard::take_from_bytes(bytes) {
        Ok((rows, [])) => Some(rows),
        _ => None,
    }
}
