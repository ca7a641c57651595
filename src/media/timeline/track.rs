//! What the time line remembers of one track.

use std::sync::Arc;

use super::audio::AudioClock;
use super::video::VideoClock;
use super::{Raw, micros};
use crate::{CodecConfig, TrackId, TrackKind};

#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: TrackId,
    pub(super) config: Arc<CodecConfig>,
    /// Wire and line time of the last frame that was on the line.
    pub(super) last: Option<(u32, i64)>,
    /// Frames that are off the line, in order of arrival.
    pub(super) suspects: Vec<Raw>,
    /// How many of the newest suspects agree with each other.
    pub(super) agreeing: usize,
    /// By how much a jump moved this track's clock that it did not follow yet, microseconds.
    pub(super) unfollowed_us: Option<i64>,
    pub(super) clock: Clock,
}

#[derive(Debug)]
pub(super) enum Clock {
    Video(VideoClock),
    Audio(AudioClock),
}

impl Track {
    pub(super) fn new(id: TrackId, config: Arc<CodecConfig>) -> Self {
        let clock = match id.kind {
            TrackKind::Video => Clock::Video(VideoClock::default()),
            TrackKind::Audio => Clock::Audio(AudioClock::default()),
        };
        Self {
            id,
            config,
            last: None,
            suspects: Vec::new(),
            agreeing: 0,
            unfollowed_us: None,
            clock,
        }
    }

    /// Takes a new configuration: video waits for a key frame, audio goes on where it ended.
    pub(super) fn reconfigure(&mut self, config: Arc<CodecConfig>) {
        match &mut self.clock {
            Clock::Video(clock) => clock.started = false,
            Clock::Audio(clock) => clock.rescale(self.config.timescale, config.timescale),
        }
        self.config = config;
    }

    /// Where its last frame ends on the line, as far as that is known.
    pub(super) fn end_us(&self) -> Option<i64> {
        let end = match &self.clock {
            Clock::Video(clock) => clock.last_dts? + clock.step,
            Clock::Audio(clock) => clock.next?,
        };
        Some(micros(end, self.config.timescale))
    }

    /// Where the frame behind its last one belongs when its own time is useless, microseconds.
    pub(super) fn next_us(&self) -> Option<i64> {
        let next = match &self.clock {
            Clock::Video(clock) => clock.last_dts? + clock.step + clock.lead,
            Clock::Audio(clock) => clock.next?,
        };
        Some(micros(next, self.config.timescale))
    }

    /// The place on the line of `wire_ms`, counted from this track's last frame or else from `newest`.
    pub(super) fn line_us(&self, wire_ms: u32, newest: (u32, i64)) -> i64 {
        let (from_ms, from_us) = self.last.unwrap_or(newest);
        from_us.saturating_add(1000 * i64::from(wire_ms.wrapping_sub(from_ms).cast_signed()))
    }
}
