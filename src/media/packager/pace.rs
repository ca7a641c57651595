//! When time without media has to be declared, so that a live playlist never stands still.
//!
//! RFC 8216bis §6.2.1 wants a new segment within 1.5 target durations of the one before. While media
//! comes, the packager sees to that by media time. When none comes, because the publisher stalls or is
//! gone, only real time can: [`Pace`] says when to close what is open and how much time to declare.
//! It reads no clock; every instant is an argument, in microseconds of one monotonic clock.

use super::PackagerConfig;

/// The playlist is kept going this long after its newest segment, per cent of a target: media that is
/// merely late has most of the 150 % that are allowed, and the rest is for whoever is late here.
const AFTER_PERCENT: i64 = 125;

/// A rendition whose newest segment is so old ends the open one if others have left it, per cent of a target:
/// its last frames are likely to come before.
const LAG_PERCENT: i64 = 140;

/// Silence that counts as a stall when a segment is overdue, per cent of a target. With [`AFTER_PERCENT`]
/// before it, a silence that begins at the last moment is still declared within 150 %.
const SILENT_PERCENT: i64 = 25;

/// Watches the pace of one show.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    after_us: i64,
    silent_us: i64,
    lag_us: i64,
    gap_us: i64,
    /// When the newest segment appeared; none while there is no playlist to keep going.
    segment_us: Option<i64>,
    /// When the newest media came.
    media_us: i64,
    /// What was declared since then; none while nothing has to be.
    declared_us: Option<i64>,
}

impl Pace {
    /// For playlists of such segments: the longest one is the target, a usual one the length of a gap.
    #[must_use]
    pub(super) fn new(config: PackagerConfig) -> Self {
        let target_us = config.segment_max_us.max(1);
        Self {
            after_us: percent(target_us, AFTER_PERCENT),
            silent_us: percent(target_us, SILENT_PERCENT),
            lag_us: percent(target_us, LAG_PERCENT),
            gap_us: config.segment_us.max(1),
            segment_us: None,
            media_us: 0,
            declared_us: None,
        }
    }

    /// Media came. Behind declared gaps it answers how much of the time since the last media they do not
    /// cover, microseconds: the media belongs so far behind their end.
    pub(super) fn media(&mut self, now_us: i64) -> Option<i64> {
        let silent_us = self.silent_us_at(now_us);
        self.media_us = now_us;
        self.declared_us.take().map(|declared_us| silent_us.saturating_sub(declared_us).max(0))
    }

    /// A silence was declared since the newest media.
    #[must_use]
    pub(super) const fn is_declared(&self) -> bool {
        self.declared_us.is_some()
    }

    /// A segment is overdue at `now_us`: it has to end with what it has.
    #[must_use]
    pub(super) fn is_overdue(&self, now_us: i64) -> bool {
        self.segment_us.is_some_and(|at_us| now_us >= at_us.saturating_add(self.after_us))
    }

    /// There are playlists to keep going.
    #[must_use]
    pub(super) const fn has_begun(&self) -> bool {
        self.segment_us.is_some()
    }

    /// A new segment appeared in the playlists.
    pub(super) const fn segment(&mut self, now_us: i64) {
        self.segment_us = Some(now_us);
    }

    /// The show is over, or another begins: nothing is declared before its first segment.
    pub(super) const fn stop(&mut self) {
        self.segment_us = None;
        self.declared_us = None;
    }

    /// When to ask [`Self::due`] again.
    #[must_use]
    pub(super) fn due_us(&self) -> Option<i64> {
        let segment_us = self.segment_us?;
        Some(match self.declared_us {
            Some(declared_us) => {
                self.media_us.saturating_add(declared_us).saturating_add(self.gap_us)
            }
            None => {
                let overdue_us = segment_us.saturating_add(self.after_us);
                overdue_us.max(self.media_us.saturating_add(self.silent_us))
            }
        })
    }

    /// When a rendition whose newest segment appeared at `segment_us` has waited long enough for frames of a
    /// segment that others have left.
    pub(super) const fn lag_due_us(&self, segment_us: i64) -> i64 {
        segment_us.saturating_add(self.lag_us)
    }

    /// How much time without media has to be declared now, microseconds; 0 only closes what is open.
    pub(super) fn due(&mut self, now_us: i64) -> Option<i64> {
        if now_us < self.due_us()? {
            return None;
        }
        let declared_us = self.declared_us.unwrap_or(0);
        // Whole gaps: what is left may still become media.
        let gaps = self.silent_us_at(now_us).saturating_sub(declared_us) / self.gap_us;
        let gap_us = gaps.max(0).saturating_mul(self.gap_us);
        self.declared_us = Some(declared_us.saturating_add(gap_us));
        Some(gap_us)
    }

    fn silent_us_at(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(self.media_us)
    }
}

const fn percent(of: i64, percent: i64) -> i64 {
    of.saturating_mul(percent) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    const CONFIG: PackagerConfig =
        PackagerConfig { segment_us: 2 * SECOND, segment_max_us: 4 * SECOND, part_us: 200_000 };

    #[test]
    fn nothing_is_due_before_the_first_segment_and_after_the_end() {
        let mut pace = Pace::new(CONFIG);
        assert_eq!(pace.media(SECOND), None);
        assert_eq!((pace.due_us(), pace.due(100 * SECOND)), (None, None));
        pace.segment(3 * SECOND);
        assert_eq!(pace.due_us(), Some(8 * SECOND));
        pace.stop();
        assert_eq!(pace.due(100 * SECOND), None);
    }

    #[test]
    fn media_that_is_merely_late_declares_nothing() {
        let mut pace = Pace::new(CONFIG);
        pace.segment(0);
        assert_eq!(pace.media(3 * SECOND), None);
        assert_eq!(pace.due(5 * SECOND - 1), None);
        assert_eq!(pace.media(5 * SECOND - 1), None);
        assert_eq!(pace.due(5 * SECOND), None, "it was not silent for long enough");
        assert_eq!(
            pace.due_us(),
            Some(6 * SECOND - 1),
            "and is told within 1.5 targets all the same"
        );
    }

    #[test]
    fn silence_is_declared_in_whole_gaps_at_the_pace_of_real_time() {
        let mut pace = Pace::new(CONFIG);
        pace.segment(0);
        assert_eq!(pace.media(SECOND), None);
        assert_eq!(pace.due(5 * SECOND), Some(4 * SECOND));
        assert_eq!(pace.due(6 * SECOND), None);
        assert_eq!(pace.due_us(), Some(7 * SECOND));
        assert_eq!(pace.due(7 * SECOND), Some(2 * SECOND));
        assert_eq!(pace.media(7 * SECOND + 300_000), Some(300_000));
        assert_eq!(pace.media(7 * SECOND + 300_000), None, "once");
    }

    #[test]
    fn silence_shorter_than_a_gap_only_closes_what_is_open() {
        let mut pace = Pace::new(CONFIG);
        pace.segment(0);
        assert_eq!(pace.media(4 * SECOND), None);
        assert_eq!(pace.due(5 * SECOND), Some(0));
        assert_eq!(pace.due_us(), Some(6 * SECOND));
        assert_eq!(pace.media(5 * SECOND + 500_000), Some(1_500_000));
    }
}
