//! A frame as an SVG picture: one text run per stretch of equal style, so that a picture stays small and searchable.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::text::width;

/// Size of a cell in the picture's units; the ratio of common monospace fonts at 14 units.
const CELL: (f64, f64) = (8.43, 18.0);
/// Room around the frame.
const MARGIN: f64 = 10.0;
const BACK: &str = "#10151d";
const FRONT: &str = "#d7dde6";

/// How a stretch looks.
#[derive(PartialEq, Eq, Clone)]
struct Look {
    fore: String,
    back: String,
    bold: bool,
    dim: bool,
}

/// The whole picture.
#[must_use]
pub fn document(frame: &Buffer) -> String {
    let columns = f64::from(frame.area.width);
    let lines = f64::from(frame.area.height);
    let (w, h) = (columns * CELL.0 + 2.0 * MARGIN, lines * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACK}\"/>\n"
    );
    let row_width = usize::from(frame.area.width).max(1);
    for (y, row) in frame.content.chunks(row_width).enumerate() {
        line(&mut svg, y, row);
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, y: usize, row: &[Cell]) {
    let mut x = 0;
    while let Some(first) = row.get(x) {
        let start = x;
        let style = look(first);
        let mut text = String::new();
        while let Some(cell) = row.get(x).filter(|cell| look(cell) == style) {
            text.push_str(cell.symbol());
            x += width(cell.symbol()).max(1);
        }
        run(svg, start, y, x - start, &text, &style);
    }
}

fn run(svg: &mut String, x: usize, y: usize, columns: usize, text: &str, look: &Look) {
    let (left, top) = (MARGIN + x as f64 * CELL.0, MARGIN + y as f64 * CELL.1);
    let wide = columns as f64 * CELL.0;
    // Writing to a String cannot fail.
    if look.back != BACK {
        let (high, fill) = (CELL.1, &look.back);
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high}\" fill=\"{fill}\"/>"
        );
    }
    let kept = text.trim_end();
    if kept.trim_start().is_empty() {
        return;
    }
    let base = top + CELL.1 * 0.75;
    let length = width(kept) as f64 * CELL.0;
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let fade = if look.dim { " opacity=\"0.6\"" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{base:.1}\" fill=\"{}\"{weight}{fade} textLength=\"{length:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{}</text>",
        look.fore,
        escaped(kept)
    );
}

fn look(cell: &Cell) -> Look {
    let (mut fore, mut back) = (colour(cell.fg, FRONT), colour(cell.bg, BACK));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fore, &mut back);
    }
    Look {
        fore,
        back,
        bold: cell.modifier.contains(Modifier::BOLD),
        dim: cell.modifier.contains(Modifier::DIM),
    }
}

fn colour(colour: Color, default: &str) -> String {
    let name = match colour {
        Color::Rgb(r, g, b) => return format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Black => "#1b222c",
        Color::Red => "#e06c75",
        Color::Green => "#73c97a",
        Color::Yellow => "#e8b339",
        Color::Cyan => "#61c3d9",
        Color::White => "#ffffff",
        Color::DarkGray => "#7f8c9b",
        _ => default,
    };
    name.to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let mut frame = Buffer::empty(Rect::new(0, 0, 20, 1));
        frame.set_string(0, 0, "<script>&amp;", Style::new());
        let svg = document(&frame);
        assert!(svg.contains("&lt;script&gt;&amp;amp;"));
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn equal_neighbours_share_a_run_and_colours_are_kept() {
        let mut frame = Buffer::empty(Rect::new(0, 0, 9, 1));
        frame.set_string(0, 0, "abc", Style::new().fg(Color::Rgb(1, 2, 3)));
        frame.set_string(3, 0, "配信", Style::new());
        let svg = document(&frame);
        assert!(svg.contains("fill=\"#010203\"") && svg.contains(">abc</text>"));
        assert!(svg.contains(">配信</text>"));
        assert_eq!(svg.matches("<text").count(), 2);
    }
}
