//! Before the line begins: which frame it begins with.

use std::collections::VecDeque;
use std::sync::Arc;

use super::jump::JUMP_FORWARD_US;
use super::track::Track;
use super::{Raw, Timeline};
use crate::{CodecConfig, Item, TrackId, TrackKind};

/// How long the line waits for the other kind of track to be configured, milliseconds of wire time.
/// Publishers send all configurations first; a second more at the start hurts nobody.
pub const START_WAIT_MS: u32 = 1000;

/// How long sound waits for the first key frame of configured video: longer than OBS's automatic
/// interval of 250 frames at 30 per second.
pub const START_KEY_WAIT_MS: u32 = 10_000;

/// Frames held at most: the longer wait with AAC at 48 kHz, and some video.
pub const HELD_FRAMES_MAX: usize = 768;

/// Bytes held at most: the wait for sound with 100 Mbit/s of video.
pub const HELD_BYTES_MAX: usize = 16 << 20;

impl Timeline {
    pub(super) fn configure_before_start(
        &mut self,
        known: Option<usize>,
        id: TrackId,
        config: Arc<CodecConfig>,
    ) {
        let track = Track::new(id, config);
        let Some(index) = known else {
            self.tracks.push(track);
            return;
        };
        // What was held needs the configuration that is gone.
        if self.tracks[index].config == track.config {
            return;
        }
        self.tracks[index] = track;
        if let Some(held) = &mut self.held {
            let before = held.len();
            held.retain(|raw| raw.track != id);
            self.stats.reconfigured += (before - held.len()) as u64;
            self.held_bytes = held.iter().map(|raw| raw.payload.len()).sum();
        }
    }

    /// Holds a frame, and begins when it can.
    pub(super) fn hold(&mut self, raw: Raw, out: &mut Vec<Item>) {
        let first_ms = *self.first_ms.get_or_insert(raw.wire_ms);
        let waited = raw.wire_ms.wrapping_sub(first_ms).cast_signed().unsigned_abs();
        let Some(held) = &mut self.held else { return };
        let seen_key = held.iter().any(|held| held.track == raw.track && held.key);
        if raw.track.kind == TrackKind::Video && !raw.key && !seen_key {
            self.stats.video_before_key += 1;
        } else {
            self.held_bytes += raw.payload.len();
            held.push_back(raw);
        }
        let full = held.len() >= HELD_FRAMES_MAX || self.held_bytes > HELD_BYTES_MAX;
        if self.ready(waited) || full {
            self.begin(out);
        }
    }

    fn ready(&self, waited_ms: u32) -> bool {
        let Some(held) = self.held.as_ref().filter(|held| !held.is_empty()) else { return false };
        let configured = |kind| self.tracks.iter().any(|track| track.id.kind == kind);
        if held.iter().any(|raw| raw.track.kind == TrackKind::Video) {
            return configured(TrackKind::Audio) || waited_ms >= START_WAIT_MS;
        }
        let wait = if configured(TrackKind::Video) { START_KEY_WAIT_MS } else { START_WAIT_MS };
        waited_ms >= wait
    }

    /// Begins the line with the first video key frame that is held, else with the first frame.
    pub(super) fn begin(&mut self, out: &mut Vec<Item>) {
        let held = self.held.take().unwrap_or_default();
        self.held_bytes = 0;
        self.tracks.sort_by_key(|track| track.id);
        out.extend(self.tracks.iter().map(|t| Item::Config(t.id, Arc::clone(&t.config))));
        let main = held.iter().find(|raw| raw.track == TrackId::VIDEO);
        let video = main.or_else(|| held.iter().find(|raw| raw.track.kind == TrackKind::Video));
        let Some(first) = video.or_else(|| held.front()) else { return };
        self.newest = (first.wire_ms, self.start_us);
        let offset_us = 1000 * i64::from(first.cts_ms.clamp(0, 1000));
        self.audio_floor_us = self.start_us + offset_us;
        let first = first.arrival;
        self.replay(held, first, out);
    }

    /// Sends what was held through the running line. What came before the first frame is only of use
    /// when its clock has the same base.
    fn replay(&mut self, held: VecDeque<Raw>, first: u64, out: &mut Vec<Item>) {
        let (first_ms, _) = self.newest;
        for raw in held {
            let distance_us = 1000 * i64::from(raw.wire_ms.wrapping_sub(first_ms).cast_signed());
            let same_base = distance_us.abs() <= JUMP_FORWARD_US;
            let too_early = match raw.track.kind {
                TrackKind::Video => distance_us < 0,
                TrackKind::Audio => distance_us + self.start_us < self.audio_floor_us,
            };
            if raw.arrival < first && (!same_base || too_early) {
                match raw.track.kind {
                    TrackKind::Video => self.stats.video_before_key += 1,
                    TrackKind::Audio => self.stats.audio_before_start += 1,
                }
                continue;
            }
            self.run(raw, out);
        }
    }
}
