//! Drawing that cannot leave its area, so that no size of terminal can make it panic.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Widget};

use crate::text;
use crate::theme::{Theme, Tone};

/// A part of the screen and the looks.
pub struct Paint<'b> {
    buf: &'b mut Buffer,
    area: Rect,
    /// The looks.
    pub theme: Theme,
}

impl<'b> Paint<'b> {
    /// Paints into a part of a buffer.
    pub fn new(buf: &'b mut Buffer, area: Rect, theme: Theme) -> Self {
        let area = area.intersection(buf.area);
        Self { buf, area, theme }
    }

    /// A smaller part, given in the buffer's own coordinates.
    pub fn within(&mut self, area: Rect) -> Paint<'_> {
        Paint { area: area.intersection(self.area), theme: self.theme, buf: self.buf }
    }

    /// The lines from `y` on, at most `rows` of them.
    pub fn rows(&mut self, y: u16, rows: u16) -> Paint<'_> {
        let y = y.min(self.area.height);
        let rows = rows.min(self.area.height - y);
        let area = Rect { y: self.area.y + y, height: rows, ..self.area };
        self.within(area)
    }

    /// The area in the buffer's coordinates.
    #[must_use]
    pub const fn area(&self) -> Rect {
        self.area
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.area.width
    }

    /// Lines.
    #[must_use]
    pub const fn height(&self) -> u16 {
        self.area.height
    }

    /// Writes at a place; answers the column behind it. What does not fit is cut with a mark.
    pub fn at(&mut self, x: u16, y: u16, text: &str, tone: Tone) -> u16 {
        let style = self.theme.style(tone);
        self.styled(x, y, text, style)
    }

    /// Writes a whole line.
    pub fn line(&mut self, y: u16, text: &str, tone: Tone) {
        self.at(0, y, text, tone);
    }

    /// Writes pieces one behind the other.
    pub fn spans(&mut self, x: u16, y: u16, pieces: &[(&str, Tone)]) -> u16 {
        pieces.iter().fold(x, |x, (text, tone)| self.at(x, y, text, *tone))
    }

    /// Writes a line that ends at the right border.
    pub fn right(&mut self, y: u16, text: &str, tone: Tone) {
        let wide = u16::try_from(text::width(text)).unwrap_or(u16::MAX);
        self.at(self.area.width.saturating_sub(wide), y, text, tone);
    }

    /// Gives a whole line a tone, whatever stands there.
    pub fn tint(&mut self, y: u16, tone: Tone) {
        if y < self.area.height {
            let line = Rect { y: self.area.y + y, height: 1, ..self.area };
            self.buf.set_style(line, self.theme.style(tone));
        }
    }

    /// A bordered box over what was there; answers its inside.
    pub fn boxed(&mut self, area: Rect, title: &str) -> Paint<'_> {
        let area = area.intersection(self.area);
        let block = Block::bordered()
            .border_set(self.theme.border())
            .border_style(self.theme.style(Tone::Accent))
            .title(format!(" {title} "));
        let inner = block.inner(area);
        Clear.render(area, self.buf);
        block.render(area, self.buf);
        self.within(inner)
    }

    fn styled(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if x >= self.area.width || y >= self.area.height {
            return x;
        }
        let room = usize::from(self.area.width - x);
        let fitted = text::fit(text, room, self.theme.ascii);
        let (end, _) = self.buf.set_stringn(self.area.x + x, self.area.y + y, fitted, room, style);
        end - self.area.x
    }
}
