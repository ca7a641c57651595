//! The time line against what publishers do, and against anything at all.

mod joints;
mod properties;
mod tracks;

use bytes::Bytes;

use super::*;
use crate::{AudioParams, Codec, VideoParams};

pub(super) const V: TrackId = TrackId::VIDEO;
pub(super) const A: TrackId = TrackId::AUDIO;

pub(super) fn video_config(width: u32) -> CodecConfig {
    CodecConfig {
        codec: Codec::Avc,
        record: Bytes::new(),
        rfc6381: "avc1.64001f".to_owned(),
        timescale: 90_000,
        video: Some(VideoParams { width, height: 720, sar: (1, 1) }),
        audio: None,
    }
}

pub(super) fn audio_config(rate: u32) -> CodecConfig {
    CodecConfig {
        codec: Codec::Aac,
        record: Bytes::new(),
        rfc6381: "mp4a.40.2".to_owned(),
        timescale: rate,
        video: None,
        audio: Some(AudioParams { sample_rate: rate, channels: 2, frame_samples: 1024 }),
    }
}

/// A time line and what came out of it.
pub(super) struct Bench {
    pub(super) line: Timeline,
    pub(super) items: Vec<Item>,
}

impl Bench {
    pub(super) fn new(start_us: i64) -> Self {
        Self { line: Timeline::new(start_us), items: Vec::new() }
    }

    /// With H.264 and 48 kHz AAC configured.
    pub(super) fn usual() -> Self {
        let mut bench = Self::new(0);
        bench.configure(V, video_config(1280));
        bench.configure(A, audio_config(48_000));
        bench
    }

    pub(super) fn configure(&mut self, track: TrackId, config: CodecConfig) {
        self.line.push(Tag::Config { track, config }, &mut self.items);
    }

    pub(super) fn frame(&mut self, track: TrackId, ms: u32, cts_ms: i32, key: bool) {
        let payload = Bytes::from_static(&[1]);
        self.line
            .push(Tag::Frame { track, timestamp_ms: ms, cts_ms, key, payload }, &mut self.items);
    }

    /// Sends `seconds` of 25 pictures and 46.875 sounds per second, beginning at wire time `from`.
    pub(super) fn play(&mut self, from: u32, seconds: u32) {
        for (ms, kind) in interleaved(seconds) {
            let key = kind == TrackKind::Audio || ms % 1000 == 0;
            self.frame(TrackId { kind, index: 0 }, from.wrapping_add(ms), 0, key);
        }
    }

    pub(super) fn frames(&self, track: TrackId) -> Vec<&Frame> {
        let frames = self.items.iter().filter_map(|item| match item {
            Item::Frame(frame) if frame.track == track => Some(frame),
            _ => None,
        });
        frames.collect()
    }

    pub(super) fn dts(&self, track: TrackId) -> Vec<i64> {
        self.frames(track).iter().map(|frame| frame.dts).collect()
    }

    pub(super) fn breaks(&self) -> usize {
        self.items.iter().filter(|item| **item == Item::Discontinuity).count()
    }

    /// Times of `track` relative to each other, ticks.
    pub(super) fn steps(&self, track: TrackId) -> Vec<i64> {
        self.dts(track).windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

/// Wire times of one stretch of usual media, in order.
fn interleaved(seconds: u32) -> Vec<(u32, TrackKind)> {
    let video = (0..25 * seconds).map(|n| (40 * n, TrackKind::Video));
    let sounds = 48_000 * seconds / 1024;
    let audio = (0..sounds).map(|n| (n * 1024 / 48, TrackKind::Audio));
    let mut all: Vec<_> = video.chain(audio).collect();
    all.sort_by_key(|(ms, kind)| (*ms, *kind == TrackKind::Audio));
    all
}

#[test]
fn the_first_key_frame_is_decoded_at_the_start_and_sound_begins_with_its_picture() {
    let mut bench = Bench::new(7_000_000);
    bench.configure(A, audio_config(48_000));
    bench.configure(V, video_config(1280));
    bench.frame(A, 5000, 0, true);
    bench.frame(V, 5010, 0, false);
    bench.frame(V, 5040, 66, true);
    for ms in [5021, 5042, 5064, 5085, 5106, 5128] {
        bench.frame(A, ms, 0, true);
    }
    assert!(matches!(bench.items[0], Item::Config(V, _)), "video is announced first");
    assert!(matches!(bench.items[1], Item::Config(A, _)));
    let first = bench.frames(V)[0];
    assert_eq!((first.dts, first.pts), (630_000, 630_000 + 66 * 90));
    // 5106 is the first sound at or behind 5040 + 66.
    assert_eq!(bench.dts(A), [336_000 + 66 * 48, 336_000 + 66 * 48 + 1024]);
    assert_eq!(bench.line.stats().video_before_key, 1);
    assert_eq!(bench.line.stats().audio_before_start, 5);
    assert_eq!(bench.breaks(), 0);
}

#[test]
fn sound_cut_to_a_millisecond_before_the_picture_begins_at_the_nearest_tick() {
    let start_us = 277_769_001_876;
    let mut bench = Bench::new(start_us);
    bench.configure(A, audio_config(48_000));
    bench.configure(V, video_config(1280));
    bench.frame(V, 5000, 0, true);
    bench.frame(A, 4999, 0, true);
    // 277,769.000876 s are 13,332,912,042.048 ticks.
    assert_eq!(bench.dts(A), [13_332_912_042]);
    bench.frame(A, 4998, 0, true);
    assert_eq!(bench.line.stats().audio_before_start, 1);
}

#[test]
fn a_true_clock_gives_exact_durations_in_both_tracks() {
    let mut bench = Bench::usual();
    bench.play(0, 20);
    assert!(bench.steps(V).iter().all(|step| *step == 3600));
    assert!(bench.steps(A).iter().all(|step| *step == 1024));
    assert_eq!(*bench.line.stats(), TimelineStats::default());
    assert_eq!(bench.line.end_us(), 20_000_000);
}

#[test]
fn millisecond_rounding_never_adds_up() {
    let mut bench = Bench::usual();
    for n in 0..30_000u32 {
        bench.frame(V, (u64::from(n) * 1001 / 30).try_into().expect("fits"), 0, n % 30 == 0);
    }
    let dts = bench.dts(V);
    for (n, dts) in dts.iter().enumerate() {
        let exact = i64::try_from(n).expect("small") * 3003;
        assert!((exact - 90..=exact).contains(dts), "frame {n}");
    }
}

#[test]
fn nothing_happens_at_24_bits_and_at_the_wrap_of_32_bits() {
    for from in [(1 << 24) - 5000, u32::MAX - 5000] {
        let mut bench = Bench::usual();
        bench.play(from, 10);
        assert!(bench.steps(V).iter().all(|step| *step == 3600), "from {from}");
        assert!(bench.steps(A).iter().all(|step| *step == 1024), "from {from}");
        assert_eq!(bench.breaks(), 0);
    }
}

#[test]
fn equal_decoding_times_are_spread_and_presentation_stays() {
    let mut bench = Bench::usual();
    for (ms, cts) in [(0, 0), (0, 100), (0, 33), (33, 33), (66, 100)] {
        bench.frame(V, ms, cts, ms == 0 && cts == 0);
    }
    assert_eq!(bench.dts(V), [0, 90, 180, 33 * 90, 66 * 90]);
    let pts: Vec<i64> = bench.frames(V).iter().map(|frame| frame.pts / 90).collect();
    assert_eq!(pts, [0, 100, 33, 66, 166]);
    assert_eq!(bench.line.stats().dts_moved, 2);
}

#[test]
fn decoding_gives_way_when_presentation_is_before_it() {
    let mut bench = Bench::usual();
    // I P B B …, whose decoding times are one frame late.
    for group in 0..20u32 {
        for (n, cts) in [(0, 66), (1, -33), (2, -33)] {
            bench.frame(V, 33 * (3 * group + n), cts, group == 0 && n == 0);
        }
    }
    let frames = bench.frames(V);
    assert!(frames.iter().all(|frame| frame.pts >= frame.dts));
    assert!(bench.steps(V).iter().all(|step| *step > 0));
    for (n, frame) in (0i64..).zip(&frames).skip(2) {
        let wire = 33 * n + if n % 3 == 0 { 66 } else { -33 };
        assert_eq!(frame.pts, wire * 90, "presentation is the wire's");
    }
    assert_eq!(bench.line.stats().pts_moved, 1);
}

#[test]
fn an_absurd_composition_offset_is_not_believed() {
    let mut bench = Bench::usual();
    bench.frame(V, 0, 0, true);
    bench.frame(V, 40, 8_000_000, false);
    bench.frame(V, 80, -8_000_000, false);
    let pts: Vec<i64> = bench.frames(V).iter().map(|frame| frame.pts).collect();
    assert_eq!(pts, [0, 3600, 7200]);
}
