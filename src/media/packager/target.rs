//! Choosing the part target from the first frames.
//!
//! RFC 8216bis §4.4.4.9 wants every part but the last of a segment between 85 % and 100 % of one
//! announced target, and a part holds whole frames. So the target must be such that a whole number of
//! frames of *every* track falls into that band: 200 ms does for 25 pictures per second, not for 24
//! with AAC at 44.1 kHz.

use crate::{Frame, TrackKind};

use super::Track;

/// Frames of each track that settle its rate: half a second of film.
const FRAMES: usize = 13;

/// Fewest frames from which a rate can be guessed.
const FRAMES_MIN: usize = 3;

/// Media that is awaited for [`FRAMES`], microseconds.
const SPAN_US: i64 = 600_000;

/// Media that is awaited for [`FRAMES_MIN`], microseconds: not more than the shortest segment, before
/// whose end nobody can play anyway.
const SPAN_MAX_US: i64 = 2_000_000;

/// Frames and bytes held at most, whatever their times say.
const HELD_MAX: usize = 2_048;
const HELD_BYTES_MAX: usize = 16 << 20;

/// Longest target, microseconds, however slow the pictures come.
const TARGET_MAX_US: i64 = 1_000_000;

/// Targets are tried in steps of a millisecond: playlists state milliseconds.
const STEP_US: i64 = 1_000;

/// Intervals that differ by no more than this belong to a constant rate, microseconds: clocks of a
/// millisecond, rounded twice.
const JITTER_US: i64 = 2_000;

/// What a part has of the target at the least, unless it is the last one of its segment (§4.4.4.9).
pub(super) const BAND_PERCENT: i64 = 85;

/// Room for late frames, microseconds: what encoders leave where a file begins anew, or drop once in a while.
const SLACK_US: i64 = 22_000;

/// Frames held until the part target is chosen.
#[derive(Debug, Default)]
pub(super) struct Probe {
    frames: Vec<Frame>,
    bytes: usize,
}

/// The rate of one track as observed.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// Sum of all intervals, microseconds.
    total_us: i64,
    count: i64,
    shortest_us: i64,
    longest_us: i64,
}

impl Probe {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Holds a frame; true when enough is known.
    pub(super) fn push(&mut self, frame: Frame, tracks: &[Track]) -> bool {
        self.bytes += frame.payload.len();
        self.frames.push(frame);
        if self.frames.len() >= HELD_MAX || self.bytes >= HELD_BYTES_MAX {
            return true;
        }
        let fewest = tracks.iter().map(|track| self.of(track).count()).min().unwrap_or(0);
        let span_us = self.span_us(tracks);
        fewest >= FRAMES || fewest >= FRAMES_MIN && span_us >= SPAN_US || span_us >= SPAN_MAX_US
    }

    pub(super) fn into_frames(self) -> Vec<Frame> {
        self.frames
    }

    /// The target nearest to `wanted_us` that suits all tracks best.
    pub(super) fn part_target_us(&self, wanted_us: i64, tracks: &[Track]) -> i64 {
        let rates: Vec<Rate> = tracks.iter().filter_map(|track| self.rate(track)).collect();
        let wanted_us = wanted_us.clamp(STEP_US, TARGET_MAX_US);
        let steps = wanted_us / 2 / STEP_US..=TARGET_MAX_US / STEP_US;
        let targets = steps.map(|step| step.max(1) * STEP_US);
        targets.min_by_key(|target_us| cost(*target_us, wanted_us, &rates)).unwrap_or(wanted_us)
    }

    /// Whole seconds that lift the earliest decoding time above zero.
    pub(super) fn bias_s(&self, tracks: &[Track]) -> i64 {
        let first_us = tracks
            .iter()
            .flat_map(|track| self.of(track).map(|frame| track.to_us(frame.dts)))
            .min()
            .unwrap_or(0);
        -first_us.min(0).div_euclid(1_000_000)
    }

    fn of<'a>(&'a self, track: &Track) -> impl Iterator<Item = &'a Frame> {
        let id = track.id;
        self.frames.iter().filter(move |frame| frame.track == id)
    }

    fn span_us(&self, tracks: &[Track]) -> i64 {
        let times =
            || tracks.iter().flat_map(|track| self.of(track).map(|frame| track.to_us(frame.dts)));
        times().max().unwrap_or(0).saturating_sub(times().min().unwrap_or(0))
    }

    fn rate(&self, track: &Track) -> Option<Rate> {
        let mut rate = Rate { total_us: 0, count: 0, shortest_us: i64::MAX, longest_us: 0 };
        let mut times = self.of(track).map(|frame| track.to_us(frame.dts));
        let mut before = times.next()?;
        for time in times {
            rate.note(time - before);
            before = time;
        }
        if rate.count == 0 && track.id.kind == TrackKind::Audio {
            rate.note(track.to_us(track.nominal()));
        }
        (rate.count > 0).then_some(rate)
    }
}

impl Rate {
    fn note(&mut self, step_us: i64) {
        self.total_us += step_us;
        self.count += 1;
        self.shortest_us = self.shortest_us.min(step_us);
        self.longest_us = self.longest_us.max(step_us);
    }

    fn varies(&self) -> bool {
        self.longest_us - self.shortest_us > JITTER_US.max(self.total_us / self.count / 10)
    }

    /// Room that the shortest part of at least [`BAND_PERCENT`] leaves below `target_us`; negative when no
    /// whole number of frames fits the band. A frame that comes late by less than it harms no part.
    fn slack_us(&self, target_us: i64) -> i64 {
        let spread_us = self.longest_us - self.shortest_us;
        // Even exact times may be rounded or steered by a millisecond later on.
        let margin_us = spread_us.max(STEP_US);
        let band_us = target_us * BAND_PERCENT / 100;
        if self.varies() {
            return target_us - self.longest_us - band_us;
        }
        let total_us = self.total_us.max(1);
        let frames = ((band_us + margin_us) * self.count + total_us - 1) / total_us;
        target_us - margin_us - frames * total_us / self.count
    }
}

/// What a target costs: missing the band by 1 % weighs like being 10 % away from what is wanted, missing it
/// at all with a constant rate, which then misses it in every part, like 50 % more, and having no room for a
/// late frame like 30 %.
fn cost(target_us: i64, wanted_us: i64, rates: &[Rate]) -> i64 {
    let away = (target_us - wanted_us).abs() * 1_000 / wanted_us;
    let missed = |rate: &Rate| {
        let slack_us = rate.slack_us(target_us);
        if slack_us >= 0 {
            let wanted_us = if rate.varies() { 0 } else { SLACK_US };
            return (wanted_us - slack_us).max(0) * 300 / SLACK_US;
        }
        -slack_us * 10_000 / target_us + if rate.varies() { 0 } else { 800 }
    };
    away + rates.iter().map(missed).sum::<i64>()
}
