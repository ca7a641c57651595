//! Audio on the line: a sample clock that follows the wire.
//!
//! The wire says whole milliseconds with the publisher's jitter, while sound lasts exact numbers of
//! samples. So frames are counted (`next += samples`), and the wire only steers:
//! - within [`JITTER_US`] the mean error moves the clock by at most 1/256 of a frame per frame, and not
//!   at all while it is small: a publisher with a true clock gets frames of exact length;
//! - a frame later than that is a hole: it is filled with frames of silence where the codec has them (what
//!   is left of it lengthens the last one), and the sound goes on where the wire says;
//! - frames that are earlier than that for half a second, so that no jitter explains it, are dropped until it fits.

use std::ops::Range;

use super::track::{Clock, Track};
use super::{Raw, TimelineStats, ticks};
use crate::codec::{opus, silence};
use crate::{Codec, CodecConfig, Frame, Item, TrackId};

/// Wire times are cut to whole milliseconds, so sound may seem to start this much before the picture.
pub(super) const TRUNCATION_US: i64 = 1000;

/// Error that is taken for jitter, microseconds: below what people notice between sound and picture (BT.1359).
pub(super) const JITTER_US: i64 = 45_000;

/// Mean error at which steering begins, and below which it ends, microseconds.
const STEER_ABOVE_US: i64 = 2_000;
const STEER_UNTIL_US: i64 = 500;

/// Mean error at which steering takes a second or less is wanted: from here on four times as strong, microseconds.
const STEER_HARD_US: i64 = 10_000;

/// The mean error is taken over about this many frames: one to two seconds.
const MEAN_FRAMES: i64 = 64;

/// Frames in a row that must be early before one is dropped: half a second of AAC. Publishers that stamp
/// groups of frames with one time are early inside a group and on time at its start.
const EARLY_FRAMES: u32 = 24;

/// Silent frames for one hole: longer ones are jumps of the clock long before.
const SILENT_FRAMES_MAX: i64 = 512;

/// Samples of a frame whose configuration does not say it and whose packet does not either.
const SAMPLES_DEFAULT: u32 = 960;

#[derive(Debug, Default)]
pub(super) struct AudioClock {
    /// Where the next frame goes, ticks.
    pub(super) next: Option<i64>,
    /// Mean error, microseconds × [`MEAN_FRAMES`].
    mean: i64,
    steering: bool,
    early: u32,
}

impl AudioClock {
    /// Changes the timescale; the next frame starts no earlier than the last one ended.
    pub(super) fn rescale(&mut self, from: u32, to: u32) {
        self.next = self.next.map(|next| ticks(super::micros(next, from), to) + 1);
        self.settle();
    }

    /// The clock was set to the wire: there is no error to remember.
    fn settle(&mut self) {
        (self.mean, self.steering, self.early) = (0, false, 0);
    }

    /// Error below which a frame is too early; once frames are dropped, they are until one fits best.
    fn early_bound_us(&self, samples: i64, timescale: u32) -> i64 {
        if self.early > EARLY_FRAMES { -super::micros(samples, timescale) / 2 } else { -JITTER_US }
    }

    /// Samples by which the clock is moved at a frame of `samples` samples.
    fn steer(&mut self, error_us: i64, samples: i64) -> i64 {
        self.mean += error_us - self.mean / MEAN_FRAMES;
        let mean_us = self.mean / MEAN_FRAMES;
        let threshold = if self.steering { STEER_UNTIL_US } else { STEER_ABOVE_US };
        self.steering = mean_us.abs() > threshold;
        if !self.steering {
            return 0;
        }
        let strength = if mean_us.abs() > STEER_HARD_US { 256 } else { 1024 };
        mean_us.signum() * (samples / strength).max(1)
    }
}

/// Decoding (and presentation) time of `raw` at `line_us`, ticks; none when there is sound already.
pub(super) fn place(
    track: &mut Track,
    raw: &Raw,
    line_us: i64,
    stats: &mut TimelineStats,
    out: &mut Vec<Item>,
) -> Option<(i64, i64)> {
    let (timescale, samples) = (track.config.timescale, samples(track, raw));
    let Clock::Audio(clock) = &mut track.clock else { return None };
    let target = ticks(line_us, timescale);
    let Some(next) = clock.next else {
        clock.next = Some(target + samples);
        return Some((target, target));
    };
    let error_us = super::micros(target.saturating_sub(next), timescale);
    let mut dts = next;
    if error_us > JITTER_US {
        stats.audio_holes += 1;
        dts = target;
        clock.settle();
        fill(raw.track, &track.config, next..target, stats, out);
    } else if error_us < clock.early_bound_us(samples, timescale) {
        clock.early = clock.early.saturating_add(1);
        if clock.early > EARLY_FRAMES {
            stats.audio_overlap += 1;
            return None;
        }
    } else {
        if clock.early > EARLY_FRAMES {
            clock.settle();
        }
        clock.early = 0;
        let step = clock.steer(error_us, samples).clamp(1 - samples, samples);
        stats.audio_steered += step.unsigned_abs();
        dts += step;
    }
    clock.next = Some(dts + samples);
    Some((dts, dts))
}

/// Puts silence into a hole, as many whole frames as fit.
fn fill(
    track: TrackId,
    config: &CodecConfig,
    hole: Range<i64>,
    stats: &mut TimelineStats,
    out: &mut Vec<Item>,
) {
    let Some((payload, samples)) = silence::frame(config) else { return };
    let samples = samples.max(1);
    let count = ((hole.end - hole.start) / samples).min(SILENT_FRAMES_MAX);
    for dts in (0..count).map(|n| hole.start + n * samples) {
        stats.audio_silent += 1;
        let payload = payload.clone();
        out.push(Item::Frame(Frame { track, pts: dts, dts, key: true, payload }));
    }
}

/// Duration of a frame in ticks, at least 1.
fn samples(track: &Track, raw: &Raw) -> i64 {
    let fixed = track.config.audio.map_or(0, |audio| audio.frame_samples);
    let samples = match (fixed, track.config.codec) {
        (0, Codec::Opus) => opus::packet_samples(&raw.payload).unwrap_or(SAMPLES_DEFAULT),
        (0, _) => SAMPLES_DEFAULT,
        (fixed, _) => fixed,
    };
    i64::from(samples)
}
