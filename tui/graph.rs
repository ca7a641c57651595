//! Small graphs out of block characters, or ASCII.

const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 9] = [" ", "_", "_", ".", ".", "-", "-", "=", "#"];

/// The newest `columns` values as one line, right aligned, scaled to their maximum.
#[must_use]
pub fn spark(values: &[u64], columns: usize, ascii: bool) -> String {
    bars(values, columns, 1, ascii).pop().unwrap_or_default()
}

/// Most columns one value is drawn over in a tall graph: wider ones look like a wall.
const STRETCH_MAX: usize = 4;

/// The newest values as `rows` lines, top first; a tall graph is stretched over its whole width.
#[must_use]
pub fn bars(values: &[u64], columns: usize, rows: usize, ascii: bool) -> Vec<String> {
    let shown = columns.min(values.len());
    let newest = values.get(values.len() - shown..).unwrap_or_default();
    let stretch = if rows > 1 { STRETCH_MAX } else { 1 };
    let used = columns.min(shown * stretch);
    let top = u128::from(newest.iter().copied().max().unwrap_or(0)).max(1);
    let steps = rows as u128 * 8;
    let glyphs = if ascii { ASCII } else { BLOCKS };
    let glyph = |value: u64, row: usize| {
        // A silent second is drawn as the lowest mark, a missing one as nothing.
        let height = (u128::from(value) * steps).div_ceil(top).max(1);
        let level = height.saturating_sub(row as u128 * 8).min(8) as usize;
        glyphs.get(level).copied().unwrap_or(" ")
    };
    let line = |row: usize| {
        let drawn = (0..used).filter_map(|x| newest.get(x * shown / used));
        let bars: String = drawn.map(|value| glyph(*value, row)).collect();
        " ".repeat(columns - used) + &bars
    };
    (0..rows).rev().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_draws_nothing() {
        assert_eq!(spark(&[], 5, false), "     ");
        assert_eq!(spark(&[1, 2], 0, false), "");
        assert!(bars(&[1], 3, 0, false).is_empty());
    }

    #[test]
    fn silence_is_a_low_line_and_not_a_gap() {
        assert_eq!(spark(&[0, 0, 0], 4, false), " ▁▁▁");
    }

    #[test]
    fn steady_is_full_and_the_newest_are_kept() {
        assert_eq!(spark(&[7, 7, 7], 3, false), "███");
        assert_eq!(spark(&[100, 1, 2, 4, 8], 4, false), "▁▂▄█");
        assert_eq!(spark(&[1, 8], 2, true), "_#");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        assert_eq!(spark(&[u64::MAX, 0, u64::MAX / 2], 3, false), "█▁▄");
    }

    #[test]
    fn a_tall_graph_fills_rows_from_below_and_its_whole_width() {
        assert_eq!(bars(&[1, 2], 4, 2, false), ["  ██", "████"]);
        for line in bars(&[3, 9, 1], 10, 3, false) {
            assert_eq!(line.chars().count(), 10);
        }
    }
}
