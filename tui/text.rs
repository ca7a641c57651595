//! Figures as people read them, and text that fits its place.

use ratatui::text::Span;
use weir_model::Timestamp;

/// Bits per second in four or five characters: `2.50M`, `850k`.
#[must_use]
pub fn bitrate(bits: u64) -> String {
    scaled(bits, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

/// A count in at most five characters.
#[must_use]
pub fn count(n: u64) -> String {
    if n < 100_000 { n.to_string() } else { bitrate(n) }
}

/// Bytes with a binary unit.
#[must_use]
pub fn bytes(n: u64) -> String {
    scaled(n, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"])
}

fn scaled(n: u64, step: f64, units: &[&str]) -> String {
    let mut value = n as f64;
    let mut unit = 0;
    while value >= step * 0.9995 && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let suffix = units.get(unit).copied().unwrap_or_default();
    match () {
        () if unit == 0 || value >= 99.5 => format!("{value:.0}{suffix}"),
        () if value >= 9.995 => format!("{value:.1}{suffix}"),
        () => format!("{value:.2}{suffix}"),
    }
}

/// A span of time in at most six characters: `45s`, `3m12s`, `1h02m`, `12d03h`.
#[must_use]
pub fn duration(ms: i64) -> String {
    let s = (ms / 1000).max(0);
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
        86_400..8_640_000 => format!("{}d{:02}h", s / 86_400, s / 3600 % 24),
        _ => format!("{}d", s / 86_400),
    }
}

/// Whole seconds of an age, or a longer span.
#[must_use]
pub fn age(ms: u64) -> String {
    let s = ms / 1000;
    if s < 100 { format!("{s} s") } else { duration(i64::try_from(ms).unwrap_or(i64::MAX)) }
}

/// Time of day in UTC.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    let s = at.0.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Day and minute in UTC.
#[must_use]
pub fn day(at: Timestamp) -> String {
    let full = at.to_string();
    full.get(..16).map_or_else(|| full.clone(), |minute| minute.replace('T', " "))
}

/// Frames per second without a needless fraction.
#[must_use]
pub fn fps(value: f64) -> String {
    if (value - value.round()).abs() < 0.05 {
        format!("{:.0}", value.round())
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// Columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// The text, or its start and a mark when it is wider than `columns`.
#[must_use]
pub fn fit(text: &str, columns: usize, ascii: bool) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let more = width(c.encode_utf8(&mut [0; 4]));
        if used + more + 1 > columns {
            break;
        }
        used += more;
        kept.push(c);
    }
    if columns > 0 {
        kept.push(if ascii { '~' } else { '…' });
    }
    kept
}

/// The text in lines of at most `columns`, broken at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let gap = usize::from(!line.is_empty());
        if width(line) + gap + width(word) <= columns {
            line.push_str(if gap == 1 { " " } else { "" });
            line.push_str(word);
        } else if width(word) <= columns {
            lines.push(word.to_owned());
        } else {
            break_word(&mut lines, word, columns);
        }
    }
    lines
}

fn break_word(lines: &mut Vec<String>, word: &str, columns: usize) {
    let mut line = String::new();
    for c in word.chars() {
        if width(&line) + width(c.encode_utf8(&mut [0; 4])) > columns {
            lines.push(std::mem::take(&mut line));
        }
        line.push(c);
    }
    lines.push(line);
    lines.retain(|l| !l.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_stay_short_up_to_the_largest() {
        assert_eq!(bitrate(0), "0");
        assert_eq!(bitrate(999), "999");
        assert_eq!(bitrate(999_999), "1.00M");
        assert_eq!(bitrate(2_500_000), "2.50M");
        assert_eq!(bitrate(12_345_678), "12.3M");
        assert_eq!(bitrate(u64::MAX), "18.4E");
        assert_eq!(bytes(123 << 20), "123 MiB");
    }

    #[test]
    fn spans_show_their_two_largest_units() {
        assert_eq!(duration(-5), "0s");
        assert_eq!(duration(59_999), "59s");
        assert_eq!(duration(192_000), "3m12s");
        assert_eq!(duration(3_720_000), "1h02m");
        assert_eq!(duration(273_600_000), "3d04h");
        assert_eq!(duration(i64::MAX), "106751991167d");
    }

    #[test]
    fn time_of_day_is_that_of_utc_before_1970_too() {
        assert_eq!(clock(Timestamp(1_700_000_000_120)), "22:13:20");
        assert_eq!(clock(Timestamp(-1000)), "23:59:59");
        assert_eq!(day(Timestamp(1_700_000_000_120)), "2023-11-14 22:13");
        assert_eq!(day(Timestamp(i64::MAX)).len(), 16);
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        assert_eq!(fit("demo", 4, false), "demo");
        assert_eq!(fit("demos", 4, false), "dem…");
        assert_eq!(fit("demos", 4, true), "dem~");
        assert_eq!(fit("配信配信", 5, false), "配信…");
        assert_eq!(fit("x", 0, false), "");
    }

    #[test]
    fn long_words_are_broken_and_others_kept() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("aaaaaaa b", 3), ["aaa", "aaa", "a b"]);
    }

    #[test]
    fn whole_frame_rates_have_no_fraction() {
        assert_eq!(fps(30.0), "30");
        assert_eq!(fps(29.97), "30");
        assert_eq!(fps(23.5), "23.5");
    }
}
