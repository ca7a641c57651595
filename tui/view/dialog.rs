//! Questions over the page.

use ratatui::layout::{Position, Rect};

use crate::state::State;
use crate::state::confirm::{Confirm, Trial};
use crate::text;
use crate::theme::Tone;

use super::bottom::typed;
use super::paint::Paint;

/// Widest a question gets: a line that is read at once.
const COLUMNS_MAX: u16 = 70;

/// Columns of the terminal that the choice of columns takes.
const CHOICE_COLUMNS: u16 = 42;

/// Draws a question before an act; answers where the text cursor is.
pub fn confirm(paint: &mut Paint<'_>, ask: &Confirm) -> Option<Position> {
    let inside = usize::from(paint.width().min(COLUMNS_MAX).saturating_sub(4));
    let lines: Vec<String> = ask.lines.iter().flat_map(|l| text::wrap(l, inside)).collect();
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(6);
    let area = centred(paint.area(), rows);
    let mut inner = paint.boxed(area, &ask.title);
    let mut y = 0;
    for line in &lines {
        inner.at(1, y, line, Tone::Text);
        y += 1;
    }
    inner.at(1, y + 1, &format!("{}:", ask.label()), Tone::Title);
    let cursor = typed(&mut inner.rows(y + 2, 1), " ", &ask.edit);
    match ask.problem {
        Some(problem) => inner.at(1, y + 3, problem, Tone::Bad),
        None => inner.at(1, y + 3, ask.hint(), Tone::Dim),
    };
    cursor
}

/// Draws what the node is asked to try.
pub fn trying(paint: &mut Paint<'_>, trial: &Trial) {
    let area = centred(paint.area(), 4);
    let mut inner = paint.boxed(area, &trial.title);
    inner.at(1, 0, "The node is asked what would be on each account then.", Tone::Text);
    inner.at(1, 1, "Nothing is done before you have seen it; esc does nothing", Tone::Dim);
}

/// Draws the question before leaving while acts are under way.
pub fn quit(paint: &mut Paint<'_>, state: &State) {
    let area = centred(paint.area(), 5);
    let mut inner = paint.boxed(area, "Quit?");
    let line = format!("Acts that wait for the node's answer: {}", state.log.running());
    inner.at(1, 0, &line, Tone::Text);
    inner.at(1, 1, "They go on, but their outcome will not be seen here.", Tone::Text);
    inner.at(1, 2, "y quits, any other key stays", Tone::Dim);
}

/// Draws the choice of columns, the cursor on one of them.
pub fn columns(paint: &mut Paint<'_>, state: &State, at: usize) {
    let columns = state.columns();
    let rows = u16::try_from(columns.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = centred(paint.area(), rows);
    let width = area.width.min(CHOICE_COLUMNS);
    let area = Rect { x: area.x + (area.width - width) / 2, width, ..area };
    let mut inner = paint.boxed(area, "Columns");
    let descending = state.list().is_some_and(|list| list.descending);
    // In a low terminal the cursor's line is the last one seen.
    let hidden = (at + 1).saturating_sub(usize::from(inner.height()));
    for (y, (n, (name, wanted, sorted))) in (0..).zip(columns.iter().enumerate().skip(hidden)) {
        let cursor = if n == at { ">" } else { " " };
        let mark = if *wanted { "[x]" } else { "[ ]" };
        let order = match (sorted, descending) {
            (false, _) => "",
            (true, false) => "sorted, smallest first",
            (true, true) => "sorted, largest first",
        };
        inner.at(0, y, &format!("{cursor}{mark} {name:<11} {order}"), Tone::Text);
        if n == at {
            inner.tint(y, Tone::Selected);
        }
    }
}

fn centred(area: Rect, rows: u16) -> Rect {
    let width = area.width.min(COLUMNS_MAX);
    let height = area.height.min(rows);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
