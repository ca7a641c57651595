//! Formats: a table for people, tab-separated lines for pipes, JSON and JSON lines for programs. Pure.

use std::fmt::Write;

use serde::Serialize;
use weir_model::Timestamp;
use weir_model::human::duration;

/// What `-o` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns on a terminal; tab-separated without a header in a pipe.
    #[default]
    Table,
    /// One JSON value.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// How a command shows what it got.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) format: Format,
    /// The output goes to a terminal.
    pub(crate) terminal: bool,
    /// For relative times.
    pub(crate) now: Timestamp,
}

/// Rows below a header.
pub(crate) struct Table {
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Names with values, one per line.
pub(crate) struct Sheet(pub(crate) Vec<(&'static str, String)>);

impl View {
    /// A list of things.
    pub(crate) fn list<T: Serialize>(&self, items: &[T], table: impl FnOnce() -> Table) -> String {
        match self.format {
            Format::Table => table().render(self.terminal),
            Format::Json => json(&items),
            Format::Jsonl => items.iter().map(json_line).collect(),
        }
    }

    /// One thing.
    pub(crate) fn one<T: Serialize>(&self, item: &T, sheet: impl FnOnce() -> Sheet) -> String {
        match self.format {
            Format::Table => sheet().render(self.terminal),
            Format::Json => json(item),
            Format::Jsonl => json_line(item),
        }
    }

    /// One thing that people read as a table.
    pub(crate) fn rows<T: Serialize>(&self, item: &T, table: impl FnOnce() -> Table) -> String {
        self.text(item, || table().render(self.terminal))
    }

    /// One thing that has its own text.
    pub(crate) fn text<T: Serialize>(&self, item: &T, text: impl FnOnce() -> String) -> String {
        match self.format {
            Format::Table => text(),
            Format::Json => json(item),
            Format::Jsonl => json_line(item),
        }
    }

    /// How long ago something was.
    pub(crate) fn ago(&self, at: Timestamp) -> String {
        match self.now.since_ms(at) {
            // Two clocks are never the same; what was made a moment ago was not made in the future.
            ms if ms > -1000 => format!("{} ago", duration(ms)),
            ms => format!("in {}", duration(-ms)),
        }
    }
}

impl Table {
    fn render(&self, terminal: bool) -> String {
        let mut rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
        if !terminal {
            return rows.iter().map(|row| row.join("\t") + "\n").collect();
        }
        rows.insert(0, self.header.iter().map(|name| (*name).to_owned()).collect());
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        rows.iter().map(|row| aligned(row, &widths)).collect()
    }
}

impl Sheet {
    fn render(&self, terminal: bool) -> String {
        let wide = self.0.iter().map(|(name, _)| width(name)).max().unwrap_or_default();
        let mut text = String::new();
        for (name, value) in &self.0 {
            let value = clean(value);
            let _ = match terminal {
                true => writeln!(text, "{}", format!("{name:wide$}  {value}").trim_end()),
                false => writeln!(text, "{name}\t{value}"),
            };
        }
        text
    }
}

/// One JSON object on one line.
pub(crate) fn json_line<T: Serialize>(item: &T) -> String {
    serde_json::to_string(item).unwrap_or_default() + "\n"
}

fn json<T: Serialize>(item: &T) -> String {
    serde_json::to_string_pretty(item).unwrap_or_default() + "\n"
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row
        .iter()
        .zip(widths)
        .map(|(cell, wide)| format!("{cell}{}  ", " ".repeat(wide.saturating_sub(width(cell)))));
    cells.collect::<String>().trim_end().to_owned() + "\n"
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Text from outside (an encoder's name, say) must not move the cursor or break a line; an empty cell
/// would shift the columns of whoever splits at blanks.
pub(crate) fn clean(text: &str) -> String {
    if text.is_empty() {
        return "-".into();
    }
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View = View { format: Format::Table, terminal: true, now: Timestamp(60_000) };

    fn table() -> Table {
        let rows = vec![
            vec!["demo".into(), "live".into(), "Grüße".into()],
            vec!["a-longer-name".into(), String::new(), "x\u{1b}[2J\ty".into()],
        ];
        Table { header: vec!["CHANNEL", "STATE", "TITLE"], rows }
    }

    #[test]
    fn a_terminal_gets_aligned_columns_with_a_header() {
        assert_eq!(
            table().render(true),
            "CHANNEL        STATE  TITLE\n\
             demo           live   Grüße\n\
             a-longer-name  -      x\u{fffd}[2J\u{fffd}y\n"
        );
    }

    #[test]
    fn a_pipe_gets_tabs_and_no_header() {
        let text = table().render(false);
        assert_eq!(text, "demo\tlive\tGrüße\na-longer-name\t-\tx\u{fffd}[2J\u{fffd}y\n");
    }

    #[test]
    fn programs_get_json_whatever_the_terminal() {
        for terminal in [true, false] {
            let json = View { format: Format::Json, terminal, ..VIEW };
            assert_eq!(json.list(&[1, 2], table), "[\n  1,\n  2\n]\n");
            let lines = View { format: Format::Jsonl, terminal, ..VIEW };
            assert_eq!(lines.list(&[1, 2], table), "1\n2\n");
        }
    }

    #[test]
    fn times_are_relative_to_now() {
        assert_eq!(VIEW.ago(Timestamp(15_000)), "45 s ago");
        assert_eq!(VIEW.ago(Timestamp(3_660_000)), "in 1 h 0 min");
    }
}
