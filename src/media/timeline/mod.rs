//! Timestamps of a publisher, repaired and put on the show's own line.
//!
//! The **line** is a time axis in microseconds. Each track remembers one pair (wire milliseconds, line
//! time) and places the next message by the signed 32-bit difference of the wire, so that the wrap at
//! 2^32 ms needs no care and no number grows without bound.
//!
//! - **Start** (`start`): nothing is put out until the line can begin: at the first video key frame once
//!   sound is configured too, or when [`START_WAIT_MS`] have passed without it; with sound alone after
//!   the same wait without a video configuration, or [`START_KEY_WAIT_MS`] without a key frame. What is
//!   held meanwhile is bounded. The key frame is decoded at `start_us`; sound begins at its presentation.
//! - **Late tracks** join where the wire says; if their clock has another base, where the line stands.
//!   A late `Config` of a new track is no discontinuity.
//! - **Jumps** (`jump`): a frame far off its track's line is held back. If the next frame is on the line
//!   again the odd one is stamped anew; if three in a row agree, the connection's time jumped: one
//!   `Discontinuity`, and every track's clock is moved by the same amount, which keeps sound and picture
//!   together. Frames of a track that has not jumped yet are dropped; when it never does, it is set free
//!   of the move.
//! - **Video** (`video`): ticks are computed from the line anew each time, so rounding never adds up.
//! - **Audio** (`audio`): counts samples and only follows the wire, see there.

mod audio;
mod jump;
mod start;
mod stats;
mod track;
mod video;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::flv::Tag;
use crate::{CodecConfig, Frame, Item, TrackId, TrackKind};

pub use jump::{JUMP_BACK_US, JUMP_CONFIRM_FRAMES, JUMP_FORWARD_US, SUSPECTS_MAX};
pub use start::{HELD_BYTES_MAX, HELD_FRAMES_MAX, START_KEY_WAIT_MS, START_WAIT_MS};
pub use stats::TimelineStats;
use track::Track;

/// Tracks of one connection: eight of each kind, as the demuxer numbers them. More are ignored.
pub const TRACKS_MAX: usize = 16;

/// Repairs one publisher connection's timestamps.
#[derive(Debug)]
pub struct Timeline {
    tracks: Vec<Track>,
    start_us: i64,
    /// Frames before the line began; none once it did.
    held: Option<VecDeque<Raw>>,
    held_bytes: usize,
    /// Wire time of the first message, while the line has not begun.
    first_ms: Option<u32>,
    /// Wire and line time of the newest placed frame.
    newest: (u32, i64),
    /// Where the line begins, or goes on behind a jump: no track begins before it.
    begin_us: i64,
    /// Sound before this place on the line is dropped.
    audio_floor_us: i64,
    /// A frame was put out since the last discontinuity.
    unbroken: bool,
    arrivals: u64,
    stats: TimelineStats,
}

/// A frame as it came.
#[derive(Debug, Clone)]
struct Raw {
    track: TrackId,
    /// Position in the order of arrival.
    arrival: u64,
    wire_ms: u32,
    cts_ms: i32,
    key: bool,
    payload: Bytes,
}

impl Timeline {
    /// A time line whose first frame is decoded at `start_us` on the show's line (microseconds).
    #[must_use]
    pub fn new(start_us: i64) -> Self {
        Self {
            tracks: Vec::new(),
            start_us,
            held: Some(VecDeque::new()),
            held_bytes: 0,
            first_ms: None,
            newest: (0, start_us),
            begin_us: start_us,
            audio_floor_us: start_us,
            unbroken: false,
            arrivals: 0,
            stats: TimelineStats::default(),
        }
    }

    /// Appends the repaired form of `tag` to `out`. Inside a track `dts` rises strictly, in time even
    /// across a change of timescale, and `pts` is never before `dts`.
    pub fn push(&mut self, tag: Tag, out: &mut Vec<Item>) {
        match tag {
            Tag::Config { track, config } => self.configure(track, config, out),
            Tag::Frame { track, timestamp_ms, cts_ms, key, payload } => {
                self.arrivals += 1;
                let arrival = self.arrivals;
                let raw = Raw { track, arrival, wire_ms: timestamp_ms, cts_ms, key, payload };
                if self.index(track).is_none() {
                    self.stats.without_config += 1;
                } else if self.held.is_some() {
                    self.hold(raw, out);
                } else {
                    self.run(raw, out);
                }
            }
        }
    }

    /// The publisher is gone: puts out what is still held. Nothing may be pushed afterwards.
    pub fn finish(&mut self, out: &mut Vec<Item>) {
        if self.held.as_ref().is_some_and(|held| !held.is_empty()) {
            self.begin(out);
        }
        for index in 0..self.tracks.len() {
            self.release_suspects(index, out);
        }
    }

    /// Where what was put out so far ends on the line, microseconds; `start_us` before the first frame.
    #[must_use]
    pub fn end_us(&self) -> i64 {
        self.tracks.iter().filter_map(Track::end_us).max().unwrap_or(self.start_us)
    }

    /// What was repaired or dropped so far.
    #[must_use]
    pub const fn stats(&self) -> &TimelineStats {
        &self.stats
    }

    fn index(&self, id: TrackId) -> Option<usize> {
        self.tracks.iter().position(|track| track.id == id)
    }

    fn configure(&mut self, id: TrackId, config: CodecConfig, out: &mut Vec<Item>) {
        let config = Arc::new(config);
        let known = self.index(id);
        if known.is_none() && self.tracks.len() >= TRACKS_MAX {
            return;
        }
        if self.held.is_some() {
            self.configure_before_start(known, id, config);
            return;
        }
        match known {
            None => self.tracks.push(Track::new(id, Arc::clone(&config))),
            Some(index) => {
                if self.tracks[index].config == config {
                    return;
                }
                self.release_suspects(index, out);
                self.break_line(out);
                self.tracks[index].reconfigure(Arc::clone(&config));
                self.stats.config_changes += 1;
            }
        }
        out.push(Item::Config(id, config));
    }

    /// Emits a discontinuity unless nothing came since the last one.
    fn break_line(&mut self, out: &mut Vec<Item>) {
        if std::mem::take(&mut self.unbroken) {
            out.push(Item::Discontinuity);
        }
    }

    /// Puts a frame out at `line_us` by the rules of its kind.
    fn place(&mut self, index: usize, raw: Raw, line_us: i64, out: &mut Vec<Item>) {
        let track = &mut self.tracks[index];
        track.last = Some((raw.wire_ms, line_us));
        self.newest = (raw.wire_ms, line_us);
        let placed = match raw.track.kind {
            TrackKind::Video if line_us < self.begin_us && track.end_us().is_none() => {
                self.stats.video_before_key += 1;
                None
            }
            TrackKind::Video => video::place(track, &raw, line_us, &mut self.stats),
            TrackKind::Audio if line_us < self.audio_floor_us - audio::TRUNCATION_US => {
                self.stats.audio_before_start += 1;
                None
            }
            TrackKind::Audio => audio::place(track, &raw, line_us, &mut self.stats, out),
        };
        let Some((dts, pts)) = placed else { return };
        let Raw { track, key, payload, .. } = raw;
        self.unbroken = true;
        out.push(Item::Frame(Frame { track, pts, dts, key, payload }));
    }
}

/// `us` microseconds in ticks of `timescale`, rounded to the nearest.
fn ticks(us: i64, timescale: u32) -> i64 {
    let scaled = i128::from(us) * i128::from(timescale) + 500_000;
    clamp(scaled.div_euclid(1_000_000))
}

/// Ticks of `timescale` in microseconds, rounded up.
fn micros(ticks: i64, timescale: u32) -> i64 {
    let scale = i128::from(timescale.max(1));
    clamp((i128::from(ticks) * 1_000_000 + scale - 1).div_euclid(scale))
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
