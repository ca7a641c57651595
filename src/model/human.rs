//! Numbers as people read them in tables and sentences. JSON never uses these.

/// A bitrate with three digits: `0 bit/s`, `64.0 kbit/s`, `2.50 Mbit/s`.
#[must_use]
pub fn bitrate(bits_per_second: u64) -> String {
    scaled(bits_per_second as f64, 1000.0, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s"])
}

/// An amount of memory with three digits: `512 B`, `1.50 MiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// A length of time by its two largest units: `45 s`, `3 min 5 s`, `2 h 0 min`, `4 d 7 h`.
#[must_use]
pub fn duration(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = units.iter();
    let mut name = unit.next().copied().unwrap_or_default();
    let whole = value < step;
    // 999.6 would be written as a four-digit 1000.
    while value >= step - 0.5 {
        let Some(next) = unit.next() else { break };
        value /= step;
        name = next;
    }
    let digits = match value {
        _ if whole => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits_and_a_unit() {
        let rates = [0, 999, 64_000, 2_500_000, 12_345_678, 999_999, 3_000_000_000];
        assert_eq!(
            rates.map(bitrate),
            [
                "0 bit/s",
                "999 bit/s",
                "64.0 kbit/s",
                "2.50 Mbit/s",
                "12.3 Mbit/s",
                "1.00 Mbit/s",
                "3.00 Gbit/s"
            ]
        );
        assert_eq!([512, 1_572_864].map(bytes), ["512 B", "1.50 MiB"]);
    }

    #[test]
    fn durations_have_two_units() {
        let lengths = [-5, 45_900, 185_000, 7_200_000, 370_800_000];
        assert_eq!(lengths.map(duration), ["0 s", "45 s", "3 min 5 s", "2 h 0 min", "4 d 7 h"]);
    }
}
