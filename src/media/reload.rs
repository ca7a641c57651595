//! Delivery directives of a playlist request and what to do about them (RFC 8216bis §6.2.5).

/// How far `_HLS_msn` may lie beyond the newest whole segment before it is an error (§6.2.5.2).
const ADVANCE_SEGMENTS: u64 = 2;

/// The directives of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reload {
    /// `_HLS_msn`: answer when the playlist holds this segment.
    pub msn: Option<u64>,
    /// `_HLS_part`: … or this part of it.
    pub part: Option<u64>,
    /// `_HLS_skip`: a delta update is welcome.
    pub skip: bool,
}

/// A directive whose value makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} must be a decimal number")]
pub struct BadDirective(pub &'static str);

/// Where a playlist ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tip {
    /// Number of the segment that is open or opens next; every smaller one is whole.
    pub next_msn: u64,
    /// Parts of the open segment.
    pub open_parts: u64,
    /// Parts of the newest whole segment; 0 for a gap.
    pub last_parts: u64,
}

impl Tip {
    /// The newest segment or part as `LAST-MSN` and `LAST-PART` (§4.4.5.4); none before the first one.
    #[must_use]
    pub fn last(&self) -> Option<(u64, Option<u64>)> {
        if self.open_parts > 0 {
            return Some((self.next_msn, Some(self.open_parts - 1)));
        }
        Some((self.next_msn.checked_sub(1)?, self.last_parts.checked_sub(1)))
    }
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Answer with the playlist as it is.
    Ready,
    /// Hold it until the playlist changed, then decide again.
    Wait,
    /// Refuse it at once, with the reason.
    BadRequest(&'static str),
}

impl Reload {
    /// Reads the directives of a query string; parameters it does not know are ignored.
    ///
    /// # Errors
    /// When a number is none.
    pub fn parse(query: &str) -> Result<Self, BadDirective> {
        let mut found = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "_HLS_msn" => found.msn = Some(number("_HLS_msn", value)?),
                "_HLS_part" => found.part = Some(number("_HLS_part", value)?),
                "_HLS_skip" => found.skip = matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether its answer depends on a point in the stream and may be shared by a cache.
    #[must_use]
    pub const fn is_blocking(&self) -> bool {
        self.msn.is_some()
    }

    /// What to do at `tip`. An `ended` playlist never changes and so never blocks.
    #[must_use]
    pub fn decide(&self, tip: &Tip, ended: bool, part_target_us: i64) -> Decision {
        let Some(msn) = self.msn else {
            return match self.part {
                Some(_) => Decision::BadRequest("_HLS_part needs _HLS_msn"),
                None => Decision::Ready,
            };
        };
        if ended {
            return Decision::Ready;
        }
        if msn >= tip.next_msn.saturating_add(ADVANCE_SEGMENTS) {
            return Decision::BadRequest("_HLS_msn lies too far in the future");
        }
        match self.part {
            None if msn < tip.next_msn => Decision::Ready,
            None => Decision::Wait,
            Some(part) => decide_part(msn, part, tip, advance_parts(part_target_us)),
        }
    }
}

fn decide_part(msn: u64, part: u64, tip: &Tip, advance: u64) -> Decision {
    if msn.saturating_add(1) < tip.next_msn {
        return Decision::Ready;
    }
    if msn < tip.next_msn {
        // Past the end of the newest whole segment means part 0 of the next one (§6.2.5.2).
        let there = part < tip.last_parts || tip.last_parts == 0 || tip.open_parts > 0;
        return if there { Decision::Ready } else { Decision::Wait };
    }
    let parts = if msn == tip.next_msn { tip.open_parts } else { 0 };
    if part < parts {
        Decision::Ready
    } else if part >= parts.saturating_add(advance) {
        Decision::BadRequest("_HLS_part lies too far in the future")
    } else {
        Decision::Wait
    }
}

/// The Advance Part Limit: three parts, or as many as make three seconds (§6.2.5.2).
fn advance_parts(part_target_us: i64) -> u64 {
    if part_target_us >= 1_000_000 {
        return 3;
    }
    let parts = 3_000_000_i64.checked_div(part_target_us.max(1)).unwrap_or(3);
    u64::try_from(parts).unwrap_or(3).max(3)
}

fn number(name: &'static str, text: &str) -> Result<u64, BadDirective> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let value = if digits { text.parse().ok() } else { None };
    value.ok_or(BadDirective(name))
}

#[cfg(test)]
mod tests {
    use super::Decision::{Ready, Wait};
    use super::*;

    /// Segment 10 is whole with 10 parts, segment 11 is open with 3.
    const TIP: Tip = Tip { next_msn: 11, open_parts: 3, last_parts: 10 };

    fn ask(query: &str) -> Decision {
        Reload::parse(query).unwrap().decide(&TIP, false, 200_000)
    }

    fn is_bad(decision: Decision) -> bool {
        matches!(decision, Decision::BadRequest(_))
    }

    #[test]
    fn h11_a_segment_blocks_until_it_is_whole() {
        assert_eq!(ask("_HLS_msn=11"), Wait);
        assert_eq!(ask("_HLS_msn=12"), Wait);
        assert_eq!(ask("_HLS_msn=10"), Ready);
    }

    #[test]
    fn h11_a_part_blocks_until_it_is_there() {
        assert_eq!(ask("_HLS_msn=11&_HLS_part=2"), Ready);
        assert_eq!(ask("_HLS_msn=11&_HLS_part=3"), Wait);
        assert_eq!(ask("v=abc&_HLS_part=0&_HLS_msn=12"), Wait);
    }

    #[test]
    fn h11_a_part_past_the_end_of_its_segment_is_part_0_of_the_next() {
        assert_eq!(ask("_HLS_msn=10&_HLS_part=10"), Ready);
        let just_closed = Tip { next_msn: 11, open_parts: 0, last_parts: 10 };
        let past = Reload { msn: Some(10), part: Some(10), skip: false };
        assert_eq!(past.decide(&just_closed, false, 200_000), Wait);
        let last = Reload { part: Some(9), ..past };
        assert_eq!(last.decide(&just_closed, false, 200_000), Ready);
    }

    #[test]
    fn h11_a_gap_has_no_parts_and_still_answers() {
        let gap = Tip { next_msn: 11, open_parts: 0, last_parts: 0 };
        let reload = Reload { msn: Some(10), part: Some(0), skip: false };
        assert_eq!(reload.decide(&gap, false, 200_000), Ready);
    }

    #[test]
    fn h11_the_past_is_answered_at_once() {
        assert_eq!(ask("_HLS_msn=0"), Ready);
        assert_eq!(ask("_HLS_msn=9&_HLS_part=99"), Ready);
    }

    #[test]
    fn h11_the_far_future_is_refused_at_once() {
        assert!(is_bad(ask("_HLS_msn=13")));
        assert!(is_bad(ask("_HLS_msn=18446744073709551615")));
        assert!(is_bad(ask("_HLS_msn=11&_HLS_part=18")));
        assert_eq!(ask("_HLS_msn=11&_HLS_part=17"), Wait);
        assert!(is_bad(ask("_HLS_msn=12&_HLS_part=15")));
    }

    #[test]
    fn h11_a_part_without_its_segment_is_refused() {
        assert!(is_bad(ask("_HLS_part=0")));
    }

    #[test]
    fn h11_directives_are_ignored_after_the_end() {
        let late = Reload { msn: Some(99), part: Some(7), skip: false };
        assert_eq!(late.decide(&TIP, true, 200_000), Ready);
    }

    #[test]
    fn h12_skip_is_read_in_both_versions() {
        assert!(Reload::parse("_HLS_skip=YES").unwrap().skip);
        assert!(Reload::parse("_HLS_skip=v2&_HLS_msn=4").unwrap().skip);
        assert!(!Reload::parse("_HLS_skip=no").unwrap().skip);
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for query in ["_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=1.5", "_HLS_part=x", "_HLS_msn=+1"] {
            assert!(Reload::parse(query).is_err(), "{query}");
        }
        assert!(Reload::parse("_HLS_msn=99999999999999999999").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_query_makes_it_panic(query in ".{0,80}", next in 0_u64.., open in 0_u64..100) {
            let tip = Tip { next_msn: next, open_parts: open, last_parts: 10 };
            if let Ok(reload) = Reload::parse(&query) {
                let _ = reload.decide(&tip, false, 200_000);
            }
        }
    }
}
