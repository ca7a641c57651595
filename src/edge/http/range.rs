//! Byte ranges (RFC 9110 §14). One range is answered; a list of them is not worth its cost and is ignored, which
//! the RFC allows.

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything: no range, or one that is not understood.
    All,
    /// Bytes `from..to`.
    Part {
        /// First byte.
        from: u64,
        /// One past the last byte.
        to: u64,
    },
    /// Nothing that is there.
    Unsatisfiable,
}

/// What `header` asks for of a body of `len` bytes.
#[must_use]
pub fn wanted(header: Option<&str>, len: u64) -> Wanted {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Wanted::All;
    };
    let Some((first, last)) = range.split_once('-') else { return Wanted::All };
    match (number(first), number(last)) {
        (Some(from), last) if last.is_some() || range.ends_with('-') => {
            if last.is_some_and(|last| last < from) {
                return Wanted::All;
            }
            if from >= len {
                return Wanted::Unsatisfiable;
            }
            Wanted::Part { from, to: last.map_or(len, |last| last.saturating_add(1).min(len)) }
        }
        (None, Some(suffix)) if first.is_empty() => {
            if suffix == 0 || len == 0 {
                return Wanted::Unsatisfiable;
            }
            Wanted::Part { from: len.saturating_sub(suffix), to: len }
        }
        _ => Wanted::All,
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // A position beyond any file is still a position.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_in_its_three_forms() {
        assert_eq!(wanted(Some("bytes=0-3"), 10), Wanted::Part { from: 0, to: 4 });
        assert_eq!(wanted(Some("bytes=4-"), 10), Wanted::Part { from: 4, to: 10 });
        assert_eq!(wanted(Some("bytes=-3"), 10), Wanted::Part { from: 7, to: 10 });
        assert_eq!(wanted(Some("bytes=-30"), 10), Wanted::Part { from: 0, to: 10 });
        assert_eq!(wanted(Some("bytes=8-99"), 10), Wanted::Part { from: 8, to: 10 });
    }

    #[test]
    fn a_range_outside_is_unsatisfiable() {
        assert_eq!(wanted(Some("bytes=10-"), 10), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=99999999999999999999-"), 10), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=-0"), 10), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=1-b",
        ] {
            assert_eq!(wanted(Some(header), 10), Wanted::All, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::All);
    }

    proptest::proptest! {
        #[test]
        fn a_part_is_always_inside_the_body(header in "(bytes=)?[0-9,-]{0,24}", len in 0_u64..1000) {
            if let Wanted::Part { from, to } = wanted(Some(&header), len) {
                proptest::prop_assert!(from < to && to <= len);
            }
        }
    }
}
