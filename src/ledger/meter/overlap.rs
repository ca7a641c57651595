//! Time that both sides had: the publisher's media arrived *and* the viewer played.
//!
//! Each side proves time by evidence: the arrival of media, the acknowledgement of playback. Between two pieces of
//! evidence of one side that are no further apart than its bound, that side was there; after the last piece nothing
//! is proved. What counts is what both sides prove. So a side that falls silent stops the meter at its last evidence,
//! and what it leaves unproved is never counted, whoever is to blame.

use std::collections::VecDeque;

/// Media that is further apart than this was interrupted.
pub const SENT_MAX_MS: u64 = 2_000;

/// Acknowledgements that are further apart than this leave the time between them unproved.
pub const PLAYED_MAX_MS: u64 = 3_000;

/// Counts the time of one viewer in one session. Times are of one monotonic clock, in milliseconds.
#[derive(Debug, Clone)]
pub struct Overlap {
    sent: Side,
    played: Side,
    counted_ms: u64,
}

#[derive(Debug, Clone)]
struct Side {
    gap_max_ms: u64,
    last_ms: Option<u64>,
    /// Proved and not yet compared with the other side; ordered, apart from each other.
    runs: VecDeque<(u64, u64)>,
}

impl Overlap {
    /// Goes on from `counted_ms` that were counted before, by another node perhaps.
    #[must_use]
    pub const fn after(counted_ms: u64) -> Self {
        Self { sent: Side::new(SENT_MAX_MS), played: Side::new(PLAYED_MAX_MS), counted_ms }
    }

    /// Media of the publisher arrived. What is not later than the evidence before says nothing.
    pub fn sent(&mut self, at_ms: u64) {
        self.sent.saw(at_ms);
        self.count();
    }

    /// The viewer acknowledged that it plays.
    pub fn played(&mut self, at_ms: u64) {
        self.played.saw(at_ms);
        self.count();
    }

    /// The session is interrupted: what comes next is no continuation of what was.
    pub fn interrupt(&mut self) {
        [&mut self.sent, &mut self.played].into_iter().for_each(Side::interrupt);
    }

    /// Milliseconds that both sides proved so far.
    #[must_use]
    pub const fn counted_ms(&self) -> u64 {
        self.counted_ms
    }

    /// Whether media arrived lately.
    #[must_use]
    pub fn has_media(&self, now_ms: u64) -> bool {
        self.sent.is_there(now_ms)
    }

    /// Whether the viewer acknowledged lately that it plays.
    #[must_use]
    pub fn is_played(&self, now_ms: u64) -> bool {
        self.played.is_there(now_ms)
    }

    /// Whether both sides have shown themselves within their bounds at `now_ms`.
    #[must_use]
    pub fn is_running(&self, now_ms: u64) -> bool {
        self.sent.is_there(now_ms) && self.played.is_there(now_ms)
    }

    fn count(&mut self) {
        let (Some(sent_ms), Some(played_ms)) = (self.sent.last_ms, self.played.last_ms) else {
            return;
        };
        let until_ms = sent_ms.min(played_ms);
        for (from, to) in &self.sent.runs {
            for (other_from, other_to) in &self.played.runs {
                let both = (*to.min(other_to).min(&until_ms)).saturating_sub(*from.max(other_from));
                self.counted_ms += both;
            }
        }
        self.sent.forget(until_ms);
        self.played.forget(until_ms);
    }
}

impl Side {
    const fn new(gap_max_ms: u64) -> Self {
        Self { gap_max_ms, last_ms: None, runs: VecDeque::new() }
    }

    fn saw(&mut self, at_ms: u64) {
        match self.last_ms {
            Some(last) if at_ms <= last => return,
            Some(last) if at_ms - last <= self.gap_max_ms => self.prove(last, at_ms),
            _ => {}
        }
        self.last_ms = Some(at_ms);
        // The other side is at least this far when it shows itself, or proves no more than its own bound before.
        self.forget(at_ms.saturating_sub(SENT_MAX_MS + PLAYED_MAX_MS));
    }

    fn prove(&mut self, from_ms: u64, to_ms: u64) {
        match self.runs.back_mut() {
            Some((_, to)) if *to == from_ms => *to = to_ms,
            _ => self.runs.push_back((from_ms, to_ms)),
        }
    }

    fn forget(&mut self, until_ms: u64) {
        while self.runs.front().is_some_and(|(_, to)| *to <= until_ms) {
            self.runs.pop_front();
        }
        if let Some((from, _)) = self.runs.front_mut() {
            *from = until_ms.max(*from);
        }
    }

    fn interrupt(&mut self) {
        self.last_ms = None;
        self.runs.clear();
    }

    fn is_there(&self, now_ms: u64) -> bool {
        self.last_ms.is_some_and(|last| now_ms.saturating_sub(last) <= self.gap_max_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Media every 100 ms and acknowledgements every second, both from 0 to `until`.
    fn both(overlap: &mut Overlap, from: u64, until: u64) {
        for at in (from..=until).step_by(100) {
            overlap.sent(at);
            if at % 1_000 == 0 {
                overlap.played(at);
            }
        }
    }

    #[test]
    fn time_counts_while_both_sides_show_themselves() {
        let mut overlap = Overlap::after(0);
        both(&mut overlap, 0, 10_000);
        assert_eq!(overlap.counted_ms(), 10_000);
        assert!(overlap.is_running(12_000) && !overlap.is_running(12_001), "media is 2 s old");
    }

    #[test]
    fn time_after_the_last_acknowledgement_is_never_counted() {
        let mut overlap = Overlap::after(0);
        both(&mut overlap, 0, 5_000);
        (5_100..20_000).step_by(100).for_each(|at| overlap.sent(at));
        assert_eq!(overlap.counted_ms(), 5_000);
        both(&mut overlap, 20_000, 21_000);
        assert_eq!(overlap.counted_ms(), 6_000, "the hole is nobody's time");
    }

    #[test]
    fn a_short_hole_between_acknowledgements_is_no_hole() {
        let mut overlap = Overlap::after(0);
        both(&mut overlap, 0, 5_000);
        (5_100..=8_000).step_by(100).for_each(|at| overlap.sent(at));
        overlap.played(8_000);
        assert_eq!(overlap.counted_ms(), 8_000);
    }

    #[test]
    fn a_publisher_that_drops_stops_the_meter_at_its_last_media() {
        let mut overlap = Overlap::after(0);
        both(&mut overlap, 0, 5_000);
        (6_000..=12_000).step_by(1_000).for_each(|at| overlap.played(at));
        assert_eq!(overlap.counted_ms(), 5_000);
        both(&mut overlap, 12_000, 14_000);
        assert_eq!(overlap.counted_ms(), 7_000);
    }

    #[test]
    fn an_interruption_separates_what_lies_around_it() {
        let mut overlap = Overlap::after(60_000);
        both(&mut overlap, 0, 5_000);
        overlap.interrupt();
        assert!(!overlap.is_running(5_000));
        both(&mut overlap, 6_000, 7_000);
        assert_eq!(overlap.counted_ms(), 66_000);
    }

    /// The same by looking at each millisecond.
    fn by_hand(events: &[(u64, bool)], of_sender: bool, gap_max_ms: u64) -> Vec<bool> {
        let mut there = vec![false; 60_000];
        let mut last: Option<u64> = None;
        for (at, _) in events.iter().filter(|(_, sender)| *sender == of_sender) {
            if let Some(last) = last.filter(|last| at - last <= gap_max_ms) {
                (last..*at).for_each(|ms| there[ms as usize] = true);
            }
            last = Some(*at);
        }
        there
    }

    proptest! {
        /// INV-13.
        #[test]
        fn inv_13_what_counts_is_what_both_sides_proved(
            steps in prop::collection::vec((0_u64..4_000, any::<bool>()), 1..60),
        ) {
            let (mut overlap, mut at, mut events) = (Overlap::after(0), 0, Vec::new());
            for (step, sender) in steps {
                at += step;
                if at >= 60_000 { break }
                if sender { overlap.sent(at) } else { overlap.played(at) }
                events.push((at, sender));
                prop_assert!(overlap.sent.runs.len() + overlap.played.runs.len() <= 8);
            }
            let sent = by_hand(&events, true, SENT_MAX_MS);
            let played = by_hand(&events, false, PLAYED_MAX_MS);
            let both = sent.iter().zip(&played).filter(|(sent, played)| **sent && **played).count() as u64;
            prop_assert_eq!(overlap.counted_ms(), both);
        }
    }
}
