//! When media that comes behind declared gaps is media of now.
//!
//! What a publisher could not send waits in its queues and comes in a burst, while the gaps have told that
//! time already: appended, it would put the show ahead of the clock for good. So [`CatchUp`] knows the
//! publisher's *lead*, its media time minus the time of arrival, as it was before the silence. Behind the
//! gaps media is late until the lead is back; or until it is steady instead, because the encoder was frozen
//! and goes on where it stopped. It reads no clock: instants and places are microseconds, and arguments.

use super::PackagerConfig;
use crate::extreme::Greatest;

/// The lead is back when it is within this of what it was, microseconds: jitter of the uplink and the
/// distance of the tracks.
pub(super) const TOLERANCE_US: i64 = 500_000;

/// The greatest lead of this span, and of the one before it, is the publisher's, microseconds.
const OBSERVED_US: i64 = 1_000_000;

/// Steady is what advances by no more than [`STEADY_PERCENT`] of the time that passes in this span,
/// microseconds.
const STEADY_US: i64 = 1_000_000;
const STEADY_PERCENT: i64 = 125;

/// A silence that begins the span anew, microseconds: what it holds back may still come at once.
const SILENT_US: i64 = 500_000;

/// Media that is neither in time nor steady for so long is taken as it comes, microseconds.
const LATE_MAX_US: i64 = 20_000_000;

/// The lead of one publisher, and what comes behind declared gaps.
#[derive(Debug, Clone)]
pub(super) struct CatchUp {
    /// How long a key frame is awaited, microseconds.
    key_wait_us: i64,
    /// Media time less the time of arrival, microseconds.
    lead: Greatest,
    coming: Option<Coming>,
}

/// Media that comes behind declared gaps.
#[derive(Debug, Clone, Copy)]
struct Coming {
    since_us: i64,
    last_us: i64,
    /// The greatest media time so far.
    newest_us: i64,
    /// Where the span that tells whether it is steady began: arrival and media time.
    mark: (i64, i64),
    /// Since when it is media of now.
    ready: Option<Ready>,
}

#[derive(Debug, Clone, Copy)]
struct Ready {
    since_us: i64,
    back: Back,
}

/// A publisher is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Back {
    /// Its lead from now on, microseconds.
    pub(super) lead_us: i64,
    /// The lead is what it was: the frames lie where they belong.
    pub(super) in_place: bool,
}

/// One frame that came behind declared gaps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) now_us: i64,
    /// Its end on the publisher's line.
    pub(super) media_us: i64,
    /// A show can go on with it: a picture that needs no other, or sound without pictures.
    pub(super) start: bool,
    /// It lies before the end of the gaps, where it would have been without them.
    pub(super) covered: bool,
}

impl CatchUp {
    pub(super) fn new(config: PackagerConfig) -> Self {
        Self {
            key_wait_us: config.segment_max_us,
            lead: Greatest::new(OBSERVED_US, 0),
            coming: None,
        }
    }

    /// Media until `media_us` on the publisher's line came while nothing was declared.
    pub(super) fn observe(&mut self, media_us: i64, now_us: i64) {
        self.lead.observe(media_us.saturating_sub(now_us), now_us);
    }

    /// The publisher's line is another one: what is known of its lead says nothing any more.
    pub(super) const fn forget(&mut self) {
        self.lead.restart(0);
        self.coming = None;
    }

    /// A frame came behind declared gaps: none while it is late and has to be dropped.
    pub(super) fn arrive(&mut self, arrival: Arrival) -> Option<Back> {
        let wanted_us = self.lead.get();
        let coming = self.coming.get_or_insert_with(|| Coming::new(arrival));
        coming.note(arrival, self.key_wait_us);
        coming.judge(wanted_us, arrival.now_us);
        let Ready { since_us, back } = coming.ready?;
        let waited = arrival.now_us.saturating_sub(since_us) >= self.key_wait_us;
        if !waited && (!arrival.start || back.in_place && arrival.covered) {
            return None;
        }
        self.coming = None;
        if !back.in_place {
            self.lead.restart(arrival.now_us);
            self.lead.observe(back.lead_us, arrival.now_us);
        }
        Some(back)
    }
}

impl Coming {
    const fn new(first: Arrival) -> Self {
        Self {
            since_us: first.now_us,
            last_us: first.now_us,
            newest_us: first.media_us,
            mark: (first.now_us, first.media_us),
            ready: None,
        }
    }

    /// A silence of `long_us` begins everything anew: its time was declared, too.
    fn note(&mut self, Arrival { now_us, media_us, .. }: Arrival, long_us: i64) {
        let silent_us = now_us.saturating_sub(self.last_us);
        self.last_us = now_us;
        if silent_us > long_us {
            self.since_us = now_us;
        }
        if silent_us > SILENT_US {
            self.mark = (now_us, self.newest_us);
            self.ready = None;
        }
        self.newest_us = self.newest_us.max(media_us);
    }

    fn judge(&mut self, wanted_us: Option<i64>, now_us: i64) {
        let lead_us = self.newest_us.saturating_sub(now_us);
        let in_place = wanted_us
            .filter(|wanted_us| lead_us >= wanted_us.saturating_sub(TOLERANCE_US))
            .map(|wanted_us| Back { lead_us: wanted_us, in_place: true });
        // What was steady and is in a hurry now was late after all.
        let known = self
            .ready
            .map(|ready| ready.back)
            .filter(|back| !back.in_place && lead_us <= back.lead_us.saturating_add(TOLERANCE_US));
        if self.ready.is_some() && known.is_none() {
            self.mark = (now_us, self.newest_us);
        }
        let settled = || {
            let may = wanted_us.is_none() || known.is_none() && self.is_steady(now_us);
            may.then_some(Back { lead_us, in_place: false })
        };
        let back = in_place.or(known).or_else(settled);
        if back.is_none() && now_us.saturating_sub(self.mark.0) >= STEADY_US {
            self.mark = (now_us, self.newest_us);
        }
        let since_us = self.ready.map_or(now_us, |ready| ready.since_us);
        self.ready = back.map(|back| Ready { since_us, back });
    }

    fn is_steady(&self, now_us: i64) -> bool {
        let passed_us = now_us.saturating_sub(self.mark.0);
        let advanced_us = self.newest_us.saturating_sub(self.mark.1);
        passed_us >= STEADY_US && advanced_us <= passed_us.saturating_mul(STEADY_PERCENT) / 100
            || now_us.saturating_sub(self.since_us) >= LATE_MAX_US
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const FRAME: i64 = 40_000;

    /// One whose publisher was half a second ahead when it fell silent at 10 s.
    fn silent() -> CatchUp {
        let config =
            PackagerConfig { segment_us: 2 * SECOND, segment_max_us: 4 * SECOND, part_us: 200_000 };
        let mut one = CatchUp::new(config);
        one.observe(10 * SECOND + 500_000, 10 * SECOND);
        one
    }

    fn picture(media_us: i64, now_us: i64) -> Arrival {
        Arrival { now_us, media_us, start: true, covered: false }
    }

    /// Frames that come at the speed of life from `now_us` on, until one is taken.
    fn taken(one: &mut CatchUp, media_us: i64, now_us: i64, start: bool) -> (i64, Back) {
        let arrival = |n| Arrival { start, ..picture(media_us + n * FRAME, now_us + n * FRAME) };
        let first = (0..1_000).find_map(|n| Some((n * FRAME, one.arrive(arrival(n))?)));
        first.expect("it is taken at last")
    }

    #[test]
    fn a_backlog_is_late_until_the_lead_is_back() {
        let mut one = silent();
        let now_us = 20 * SECOND;
        for media_us in (10 * SECOND..20 * SECOND).step_by(40_000) {
            assert_eq!(one.arrive(picture(media_us, now_us)), None, "{media_us}");
        }
        let back = Back { lead_us: 500_000, in_place: true };
        assert_eq!(one.arrive(picture(now_us, now_us)), Some(back));
    }

    #[test]
    fn an_encoder_that_was_frozen_is_taken_when_it_is_steady_for_a_second() {
        let mut one = silent();
        let back = Back { lead_us: -10 * SECOND, in_place: false };
        assert_eq!(taken(&mut one, 10 * SECOND, 20 * SECOND, true), (SECOND, back));
    }

    #[test]
    fn what_was_steady_and_hurries_before_its_key_frame_is_late_after_all() {
        let mut one = silent();
        for n in 0..50 {
            let arrival = picture(10 * SECOND + n * FRAME, 20 * SECOND + n * FRAME);
            assert_eq!(one.arrive(Arrival { start: false, ..arrival }), None);
        }
        assert_eq!(one.arrive(picture(15 * SECOND, 22 * SECOND)), None);
        let (_, back) = taken(&mut one, 22 * SECOND, 22 * SECOND, true);
        assert_eq!(back, Back { lead_us: 500_000, in_place: true });
    }

    #[test]
    fn a_key_frame_is_awaited_for_one_target() {
        let mut one = silent();
        let (waited_us, back) = taken(&mut one, 20 * SECOND, 20 * SECOND, false);
        assert_eq!((waited_us, back.in_place), (4 * SECOND, true));
    }

    #[test]
    fn a_publisher_of_whom_nothing_is_known_is_taken_at_once() {
        let mut one = silent();
        one.forget();
        let back = Back { lead_us: -SECOND, in_place: false };
        assert_eq!(one.arrive(picture(19 * SECOND, 20 * SECOND)), Some(back));
    }
}
