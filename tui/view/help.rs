//! The keys that hold on the open page, from the table of bindings.

use crate::keymap::{self, Binding};
use crate::state::State;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;

/// Columns of the keys.
const KEYS: u16 = 7;

/// Draws the help over the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let area = paint.area();
    let title = match super::shell(state) {
        Some(line) => format!("Keys on this page; in a shell: {line}"),
        None => "Keys on this page".into(),
    };
    let room = usize::from(area.width.saturating_sub(4));
    let title = text::fit(&title, room, paint.theme.ascii);
    let mut inner = paint.boxed(area, &title);
    let all: Vec<&Binding> = keymap::valid(state).collect();
    let rows = usize::from(inner.height()).max(1);
    let columns = all.len().div_ceil(rows).max(1);
    let wide = usize::from(inner.width()) / columns;
    for (n, binding) in all.iter().enumerate() {
        let (column, y) = (n / rows, u16::try_from(n % rows).unwrap_or(0));
        let x = u16::try_from(column * wide).unwrap_or(u16::MAX);
        let room = wide.saturating_sub(usize::from(KEYS) + 2);
        let help = text::fit(binding.help, room, inner.theme.ascii);
        inner.at(x + 1, y, binding.keys, Tone::Accent);
        inner.at(x + 1 + KEYS, y, &help, Tone::Text);
    }
}
