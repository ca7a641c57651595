//! Measures one track in constant memory: bytes and frames of the last seconds, key frames, clock.

use crate::flv::Tag;
use crate::{CodecConfig, TrackId};

/// Seconds that bitrate and frame rate are taken over.
const WINDOW_SECONDS: i64 = 5;

/// Seconds that are remembered: the window, the running one, and one to be safe at its edges.
const BUCKETS: usize = 8;

/// Steps of a track's clock that count as jumps, milliseconds; the same limits as the time line's.
const JUMP_FORWARD_MS: i64 = 3000;
const JUMP_BACK_MS: i64 = -500;

/// A track is silent for this long before its frame rate is called zero, microseconds.
const FPS_STALE_US: i64 = 2_000_000;

/// The clock error is averaged over about this many frames.
const MEAN_FRAMES: i64 = 128;

/// How long things are remembered that happened once, microseconds.
const RECENT_US: i64 = 60_000_000;

#[derive(Debug)]
pub(super) struct Meter {
    pub(super) id: TrackId,
    pub(super) config: CodecConfig,
    by_arrival: Buckets,
    by_media: Buckets,
    pub(super) last_us: Option<i64>,
    first_us: i64,
    wire_ms: u32,
    /// Time of the newest frame on the publisher's clock, without jumps, from its first frame on.
    pub(super) media_ms: i64,
    /// Arrival minus media time, averaged, microseconds × [`MEAN_FRAMES`].
    lateness: i64,
    last_key_ms: Option<i64>,
    key_interval_ms: Option<i64>,
    pub(super) reorders: bool,
    /// Best frame rate seen, slowly forgotten.
    pub(super) usual_fps: f64,
}

impl Meter {
    pub(super) fn new(id: TrackId, config: CodecConfig) -> Self {
        Self {
            id,
            config,
            by_arrival: Buckets::default(),
            by_media: Buckets::default(),
            last_us: None,
            first_us: 0,
            wire_ms: 0,
            media_ms: 0,
            lateness: 0,
            last_key_ms: None,
            key_interval_ms: None,
            reorders: false,
            usual_fps: 0.0,
        }
    }

    /// Notes a frame; answers whether the track's clock jumped.
    pub(super) fn frame(&mut self, tag: &Tag, now_us: i64) -> bool {
        let Tag::Frame { timestamp_ms, cts_ms, key, payload, .. } = tag else { return false };
        let Some(last_us) = self.last_us.replace(now_us) else {
            (self.first_us, self.wire_ms) = (now_us, *timestamp_ms);
            self.count(payload.len(), *key, now_us);
            return false;
        };
        let step_ms = i64::from(timestamp_ms.wrapping_sub(self.wire_ms).cast_signed());
        self.wire_ms = *timestamp_ms;
        // A pause of the publisher is no jump of its clock.
        let paused_ms = (now_us - last_us) / 1000;
        let jumped = !(JUMP_BACK_MS..=JUMP_FORWARD_MS.max(2 * paused_ms)).contains(&step_ms);
        let second = self.media_ms / 1000;
        self.media_ms += if jumped { paused_ms } else { step_ms };
        let late_us = now_us - self.first_us - 1000 * self.media_ms;
        self.lateness += late_us - self.lateness / MEAN_FRAMES;
        self.reorders |= *cts_ms != 0;
        self.count(payload.len(), *key, now_us);
        if self.media_ms / 1000 > second {
            self.usual_fps = (self.usual_fps * 0.999).max(self.fps(now_us));
        }
        jumped
    }

    fn count(&mut self, bytes: usize, key: bool, now_us: i64) {
        self.by_arrival.add(now_us.div_euclid(1_000_000), bytes);
        self.by_media.add(self.media_ms.div_euclid(1000), bytes);
        if key && let Some(last_ms) = self.last_key_ms.replace(self.media_ms) {
            self.key_interval_ms = Some(self.media_ms - last_ms);
        }
    }

    /// Bits per second over the last seconds.
    pub(super) fn bitrate(&self, now_us: i64) -> u64 {
        let (bytes, _, seconds) = self.by_arrival.sum(now_us.div_euclid(1_000_000));
        bytes * 8 / seconds
    }

    /// Frames per second of the publisher's clock, over the last seconds.
    pub(super) fn fps(&self, now_us: i64) -> f64 {
        if self.last_us.is_none_or(|last_us| now_us - last_us > FPS_STALE_US) {
            return 0.0;
        }
        let (_, frames, seconds) = self.by_media.sum(self.media_ms.div_euclid(1000));
        let hundredths = frames * 100 / seconds;
        f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
    }

    /// Mean bytes of a frame over the last seconds; none without frames.
    pub(super) fn frame_bytes(&self, now_us: i64) -> Option<u64> {
        let (bytes, frames, _) = self.by_arrival.sum(now_us.div_euclid(1_000_000));
        bytes.checked_div(frames)
    }

    /// How far arrival fell behind the publisher's clock since the first frame, microseconds.
    pub(super) const fn lateness_us(&self) -> i64 {
        self.lateness / MEAN_FRAMES
    }

    /// The last distance of two key frames, or the running one if that is longer, milliseconds.
    pub(super) fn key_interval_ms(&self) -> i64 {
        let open_ms = self.media_ms - self.last_key_ms.unwrap_or(0);
        self.key_interval_ms.unwrap_or(0).max(open_ms)
    }
}

/// Bytes and frames of each of the last seconds.
#[derive(Debug, Default)]
struct Buckets {
    seconds: [Bucket; BUCKETS],
    first: Option<i64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    second: i64,
    bytes: u64,
    frames: u64,
}

impl Buckets {
    fn add(&mut self, second: i64, bytes: usize) {
        self.first.get_or_insert(second);
        let Some(bucket) = self.seconds.get_mut(slot(second)) else { return };
        if bucket.second != second {
            *bucket = Bucket { second, bytes: 0, frames: 0 };
        }
        bucket.bytes += bytes as u64;
        bucket.frames += 1;
    }

    /// Bytes, frames and number of the whole seconds before `now`; of `now` itself when it is the first.
    fn sum(&self, now: i64) -> (u64, u64, u64) {
        let first = self.first.unwrap_or(now).max(now - WINDOW_SECONDS);
        let span = if first < now { first..now } else { now..now + 1 };
        let seconds = u64::try_from(span.end - span.start).unwrap_or(1).max(1);
        let whole = self.seconds.iter().filter(|bucket| span.contains(&bucket.second));
        let (bytes, frames) =
            whole.fold((0, 0), |sum, bucket| (sum.0 + bucket.bytes, sum.1 + bucket.frames));
        (bytes, frames, seconds)
    }
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(BUCKETS as i64)).unwrap_or(0)
}

/// The last few times something happened.
#[derive(Debug, Default)]
pub(super) struct Recent {
    seen: [Option<(i64, i64)>; 8],
    next: usize,
}

impl Recent {
    /// Notes that something of `size` happened; what comes within a second of the last is the same thing.
    pub(super) fn note(&mut self, now_us: i64, size: i64) {
        let last = self.seen[(self.next + 7) % 8];
        if size == 0 && last.is_some_and(|(at_us, _)| now_us - at_us < 1_000_000) {
            return;
        }
        self.seen[self.next] = Some((now_us, size));
        self.next = (self.next + 1) % 8;
    }

    /// How often it happened in the last minute (at most 8), and the largest size.
    pub(super) fn of_last_minute(&self, now_us: i64) -> (usize, i64) {
        let recent = self.seen.iter().flatten().filter(|(at_us, _)| now_us - at_us <= RECENT_US);
        recent.fold((0, 0), |(count, largest), (_, size)| (count + 1, largest.max(*size)))
    }
}
