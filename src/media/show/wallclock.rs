//! Programme date-time: the show's media time beside the wall clock.
//!
//! An encoder's clock drifts against ours (100 ppm is 8.6 s in a day), and frames arrive with jitter.
//! The anchor, the wall time of 0 on the show's line, therefore follows the least delayed arrivals of
//! the last seconds, in steps too small for a player to notice.

use weir_model::Timestamp;

use crate::extreme::Greatest;

/// Largest change of the anchor per [`Wallclock::anchor`] call, milliseconds. One call per segment of
/// 2 s follows a drift of 500 ppm and stays far below the 50 ms that players tolerate between segments.
pub const ANCHOR_STEP_MS: i64 = 1;

/// Arrivals are compared over this span, milliseconds.
const OBSERVED_MS: i64 = 10_000;

/// Keeps the anchor of one show.
#[derive(Debug, Clone)]
pub struct Wallclock {
    anchor: Timestamp,
    /// Media time less the time of arrival, milliseconds.
    lead: Greatest,
}

impl Wallclock {
    /// A show whose line begins at `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self { anchor: start, lead: Greatest::new(OBSERVED_MS, start.0) }
    }

    /// Media of time `media_us` on the show's line arrived at `now`.
    pub fn observe(&mut self, media_us: i64, now: Timestamp) {
        self.lead.observe(media_us / 1000 - now.0, now.0);
    }

    /// The line goes on behind a discontinuity, where date-times may jump: `media_us` is `now` from here on.
    pub const fn set(&mut self, media_us: i64, now: Timestamp) {
        self.forget(now);
        self.anchor = Timestamp(now.0 - media_us / 1000);
    }

    /// The time line was broken at `now`: what was observed before says nothing any more.
    pub const fn forget(&mut self, now: Timestamp) {
        self.lead.restart(now.0);
    }

    /// The anchor for the next segment.
    pub fn anchor(&mut self) -> Timestamp {
        // Only a full span tells drift from jitter.
        if let Some(lead) = self.lead.settled() {
            let step = (-lead - self.anchor.0).clamp(-ANCHOR_STEP_MS, ANCHOR_STEP_MS);
            self.anchor = self.anchor.plus_ms(step);
        }
        self.anchor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_of_the_uplink_does_not_move_the_programme_date_time() {
        let mut clock = Wallclock::new(Timestamp(1_000_000));
        for second in 0..600 {
            let late = [0, 40, 300, 15][usize::try_from(second % 4).unwrap()];
            clock.observe(second * 1_000_000, Timestamp(1_000_000 + second * 1000 + late));
            assert_eq!(clock.anchor(), Timestamp(1_000_000));
        }
    }

    #[test]
    fn behind_a_discontinuity_the_programme_date_time_is_the_wall_clock_at_once() {
        let mut clock = Wallclock::new(Timestamp(1_000_000));
        clock.observe(0, Timestamp(1_007_000));
        clock.set(3_000_000, Timestamp(1_010_000));
        assert_eq!(clock.anchor(), Timestamp(1_007_000));
        clock.observe(4_000_000, Timestamp(1_011_000));
        assert_eq!(clock.anchor(), Timestamp(1_007_000));
    }

    #[test]
    fn a_day_of_100_ppm_drift_stays_within_100_ms() {
        for ppm in [100, -100] {
            let mut clock = Wallclock::new(Timestamp(0));
            for segment in 0..43_200_i64 {
                let now = Timestamp(segment * 2_000);
                let media_us = segment * 2_000 * (1_000_000 + ppm) / 1000;
                clock.observe(media_us, now);
                let pdt = clock.anchor().0 + media_us / 1000;
                assert!((pdt - now.0).abs() <= 100, "{pdt} at {now}");
            }
        }
    }
}
