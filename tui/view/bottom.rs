//! The bottom line: the most useful keys here, or what is being typed.

use ratatui::layout::Position;

use crate::keymap;
use crate::prompt;
use crate::state::edit::Edit;
use crate::state::{Mode, State};
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;

/// Draws the line; answers where the text cursor is.
pub fn draw(paint: &mut Paint<'_>, state: &State) -> Option<Position> {
    match &state.mode {
        Mode::Filter(edit, error) => {
            let offered = prompt::complete_field(&edit.before(), state);
            let hint = match (edit.is_empty(), offered.is_empty()) {
                (true, _) => "text  !text  ~fuzzy  re:pattern  viewers>9 and state==live".into(),
                (false, true) if error.is_some() => "not understood yet  esc clear".into(),
                (false, true) => "enter keep  esc clear".into(),
                (false, false) => offered.join("  "),
            };
            typed_with(paint, "/", edit, &hint)
        }
        Mode::Prompt(edit) => {
            let offered = prompt::complete(&edit.text(), state).join("  ");
            typed_with(paint, ":", edit, &offered)
        }
        Mode::Columns(_) => {
            let more = ("w", "wide");
            keys(paint, &[("space", "show or hide"), ("enter", "sort"), more, ("esc", "close")]);
            None
        }
        Mode::Confirm(ask) => {
            keys(paint, &[("enter", ask.enter()), ("esc", "do nothing")]);
            None
        }
        Mode::Trying(_) => {
            keys(paint, &[("esc", "do nothing")]);
            None
        }
        Mode::Quit => {
            keys(paint, &[("y", "quit"), ("any other key", "stay")]);
            None
        }
        Mode::Help => {
            keys(paint, &[("any key", "close")]);
            None
        }
        Mode::Normal => {
            let shown: Vec<_> = keymap::bottom(state).iter().map(|b| (b.keys, b.name)).collect();
            keys(paint, &shown);
            None
        }
    }
}

/// Draws what is typed, and a hint in the room that is left.
fn typed_with(paint: &mut Paint<'_>, sign: &str, edit: &Edit, hint: &str) -> Option<Position> {
    let cursor = typed(paint, sign, edit);
    let used = text::width(&edit.text()) + 3;
    let room = usize::from(paint.width()).saturating_sub(used);
    paint.right(0, &text::fit(hint, room, paint.theme.ascii), Tone::Dim);
    cursor
}

fn keys(paint: &mut Paint<'_>, keys: &[(&str, &str)]) {
    let mut x: u16 = 0;
    for (key, name) in keys {
        let wide = u16::try_from(text::width(key) + text::width(name) + 1).unwrap_or(u16::MAX);
        if x.saturating_add(wide) > paint.width() {
            return;
        }
        x = paint.spans(x, 0, &[(key, Tone::Accent), (" ", Tone::Text), (name, Tone::Dim)]) + 2;
    }
}

/// Draws a sign and the text behind it, scrolled so that the cursor is seen.
pub(super) fn typed(paint: &mut Paint<'_>, sign: &str, edit: &Edit) -> Option<Position> {
    let x = paint.at(0, 0, sign, Tone::Accent);
    let room = usize::from(paint.width().saturating_sub(x + 1));
    let before = edit.before();
    let mut hidden = 0;
    while text::width(&before.chars().skip(hidden).collect::<String>()) > room {
        hidden += 1;
    }
    let seen: String = edit.text().chars().skip(hidden).collect();
    let left: String = before.chars().skip(hidden).collect();
    paint.at(x, 0, &seen, Tone::Text);
    let at = x + u16::try_from(text::width(&left)).unwrap_or(0);
    let area = paint.area();
    (at < area.width && area.height > 0).then_some(Position::new(area.x + at, area.y))
}
