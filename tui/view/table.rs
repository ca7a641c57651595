//! A table that draws only the rows one sees.

use crate::state::list::{List, Row};
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Columns of the terminal it needs.
    pub width: u16,
    /// Whether it takes what is left over.
    pub grows: bool,
    /// Whether figures stand at the right.
    pub right: bool,
    /// Dropped first when there is no room: the highest.
    pub drop: u8,
}

/// A column for text.
#[must_use]
pub const fn left(title: &'static str, width: u16, drop: u8) -> Column {
    Column { title, width, grows: false, right: false, drop }
}

/// A column for figures.
#[must_use]
pub const fn right(title: &'static str, width: u16, drop: u8) -> Column {
    Column { title, width, grows: false, right: true, drop }
}

/// A column for text that takes the room left over.
#[must_use]
pub const fn wide(title: &'static str, width: u16) -> Column {
    Column { title, width, grows: true, right: false, drop: 0 }
}

/// A cell: what it says, and its tone.
pub type Cell = (String, Tone);

/// Columns of the cursor's mark.
const MARK: u16 = 1;

/// The columns that fit, with their final widths.
fn fitting(mut kept: Vec<(usize, Column)>, room: u16) -> Vec<(usize, Column)> {
    let need = |kept: &[(usize, Column)]| -> u16 {
        kept.iter().map(|(_, c)| c.width + 1).sum::<u16>().saturating_sub(1)
    };
    while need(&kept) > room && kept.len() > 1 {
        let worst = kept.iter().enumerate().max_by_key(|(_, (_, c))| c.drop).map(|(at, _)| at);
        let Some(at) = worst else { break };
        kept.remove(at);
    }
    let growing = kept.iter().filter(|(_, c)| c.grows).count();
    let spare = room.saturating_sub(need(&kept));
    let share = spare / u16::try_from(growing.max(1)).unwrap_or(1);
    for (_, column) in &mut kept {
        if column.grows {
            column.width += share;
        }
    }
    kept
}

/// Draws heads and the visible rows of a list. `row` is asked for visible rows only, by their place in the data.
/// The columns are those of the row's type, in that order.
pub fn draw<R: Row>(
    paint: &mut Paint<'_>,
    list: &List,
    columns: &[Column],
    mut row: impl FnMut(usize) -> Vec<Cell>,
) {
    let all = columns.iter().copied().enumerate();
    let wanted = all.filter(|(n, _)| list.columns.wanted::<R>(*n)).collect();
    let columns = fitting(wanted, paint.width().saturating_sub(MARK));
    list.columns.note(columns.iter().map(|(n, _)| *n));
    heads(paint, &columns, list);
    let height = usize::from(paint.height().saturating_sub(1));
    for (y, (line, index)) in (1..).zip(list.window(height)) {
        let cells = row(index);
        let selected = line == list.cursor();
        cells_at(paint, y, &columns, &cells, selected);
    }
}

fn heads(paint: &mut Paint<'_>, columns: &[(usize, Column)], list: &List) {
    let mark = match list.descending {
        true => paint.theme.symbol("▼", "v"),
        false => paint.theme.symbol("▲", "^"),
    };
    let mut x = MARK;
    for (n, column) in columns {
        let sorted = list.order == *n;
        let title = if sorted { format!("{}{mark}", column.title) } else { column.title.into() };
        place(paint, x, 0, column, &title, Tone::Title);
        x += column.width + 1;
    }
}

fn cells_at(
    paint: &mut Paint<'_>,
    y: u16,
    columns: &[(usize, Column)],
    cells: &[Cell],
    selected: bool,
) {
    let mut x = MARK;
    for (index, column) in columns {
        if let Some((text, tone)) = cells.get(*index) {
            place(paint, x, y, column, text, *tone);
        }
        x += column.width + 1;
    }
    if selected {
        paint.at(0, y, ">", Tone::Text);
        paint.tint(y, Tone::Selected);
    }
}

fn place(paint: &mut Paint<'_>, x: u16, y: u16, column: &Column, text: &str, tone: Tone) {
    let fitted = text::fit(text, usize::from(column.width), paint.theme.ascii);
    let used = u16::try_from(text::width(&fitted)).unwrap_or(column.width);
    let pad = if column.right { column.width.saturating_sub(used) } else { 0 };
    paint.at(x + pad, y, &fitted, tone);
}

/// `3 streams`, or `2 of 3 streams` when a filter hides some.
#[must_use]
pub fn counted(list: &List, noun: &str) -> String {
    if list.len() == list.total() {
        format!("{} {noun}", list.total())
    } else {
        format!("{} of {} {noun}", list.len(), list.total())
    }
}

/// The line in place of rows when there are none.
pub fn empty(paint: &mut Paint<'_>, list: &List, nothing: &str) {
    if list.is_empty() {
        let text =
            if list.total() > 0 { "No row passes the filter; esc clears it." } else { nothing };
        paint.at(MARK, 1, text, Tone::Dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [wide("NAME", 5), right("N", 4, 2), left("WORD", 6, 1)];

    fn titles(room: u16) -> Vec<(&'static str, u16)> {
        fitting(COLUMNS.into_iter().enumerate().collect(), room)
            .iter()
            .map(|(_, c)| (c.title, c.width))
            .collect()
    }

    #[test]
    fn spare_room_goes_to_the_growing_column() {
        assert_eq!(titles(20), [("NAME", 8), ("N", 4), ("WORD", 6)]);
    }

    #[test]
    fn the_least_important_column_is_dropped_first() {
        assert_eq!(titles(15), [("NAME", 8), ("WORD", 6)]);
        assert_eq!(titles(7), [("NAME", 7)]);
        assert_eq!(titles(0), [("NAME", 5)]);
    }
}
