//! Which columns of a list are shown. The first one names the row and always stays.

use std::cell::Cell;

use super::list::Row;

/// The choice of columns of one list, for this run.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The extra columns are shown, at the cost of others where there is no room.
    pub wide: bool,
    hidden: u32,
    added: u32,
    // The drawing side reports what had room.
    drawn: Cell<u32>,
}

const fn bit(column: usize) -> u32 {
    if column < 32 { 1 << column } else { 0 }
}

impl Columns {
    /// Whether a column of such rows is wanted.
    #[must_use]
    pub const fn wanted<R: Row>(&self, column: usize) -> bool {
        let extra = column + R::EXTRAS >= R::COLUMNS.len();
        let by_itself = !extra || self.wide || self.added & bit(column) != 0;
        column == 0 || (by_itself && self.hidden & bit(column) == 0)
    }

    /// Whether a column is wanted and had room on the last frame, if there was one.
    #[must_use]
    pub fn seen<R: Row>(&self, column: usize) -> bool {
        let drawn = self.drawn.get();
        self.wanted::<R>(column) && (drawn == 0 || drawn & bit(column) != 0)
    }

    /// Hides a column that is wanted, shows one that is not; false for the one that always stays.
    pub const fn toggle<R: Row>(&mut self, column: usize) -> bool {
        if column == 0 {
            return false;
        }
        if self.wanted::<R>(column) {
            self.hidden |= bit(column);
            self.added &= !bit(column);
        } else {
            self.hidden &= !bit(column);
            self.added |= bit(column);
        }
        true
    }

    /// Notes which columns are on the screen.
    pub fn note(&self, drawn: impl Iterator<Item = usize>) {
        self.drawn.set(drawn.fold(0, |all, column| all | bit(column)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_model::{StreamInfo, Viewing};

    #[test]
    fn the_first_column_stays_and_extras_come_when_asked_for() {
        let mut columns = Columns::default();
        let extra = StreamInfo::COLUMNS.len() - 1;
        assert!(columns.wanted::<StreamInfo>(1) && !columns.wanted::<StreamInfo>(extra));
        assert!(!columns.toggle::<StreamInfo>(0) && columns.wanted::<StreamInfo>(0));
        columns.toggle::<StreamInfo>(1);
        columns.toggle::<StreamInfo>(extra);
        assert!(!columns.wanted::<StreamInfo>(1) && columns.wanted::<StreamInfo>(extra));
        columns.toggle::<StreamInfo>(1);
        columns.toggle::<StreamInfo>(extra);
        columns.wide = true;
        assert!(columns.wanted::<StreamInfo>(1) && !columns.wanted::<StreamInfo>(extra));
        assert!(columns.wanted::<StreamInfo>(extra - 1));
    }

    #[test]
    fn a_column_without_room_is_not_seen() {
        let columns = Columns::default();
        assert!(columns.seen::<Viewing>(1));
        columns.note([0, 2].into_iter());
        assert!(columns.seen::<Viewing>(2) && !columns.seen::<Viewing>(1));
    }
}
