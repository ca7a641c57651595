//! Each rule against a publisher that breaks it, and one that breaks none.

use bytes::Bytes;
use weir_model::stream::HealthLevel;

use super::*;
use crate::{AudioParams, Codec, VideoParams};

const SECOND: i64 = 1_000_000;

fn config(codec: Codec, rfc6381: &str) -> CodecConfig {
    let video = matches!(codec, Codec::Avc | Codec::Hevc | Codec::Av1);
    CodecConfig {
        codec,
        record: Bytes::new(),
        rfc6381: rfc6381.to_owned(),
        timescale: if video { 90_000 } else { 48_000 },
        video: video.then_some(VideoParams { width: 1280, height: 720, sar: (1, 1) }),
        audio: (!video).then_some(AudioParams {
            sample_rate: 48_000,
            channels: 2,
            frame_samples: 1024,
        }),
    }
}

/// A publisher: 25 pictures of 10,000 bytes and 50 sounds of 300 bytes per second, a key frame every 2 s.
struct Publisher {
    monitor: Monitor,
    key_every_ms: i64,
    picture_ms: i64,
    sound_bytes: usize,
    /// Wire times of sound are this much behind, per million.
    sound_slow_ppm: i64,
    cts_ms: i32,
}

impl Publisher {
    fn new() -> Self {
        let mut publisher = Self {
            monitor: Monitor::default(),
            key_every_ms: 2000,
            picture_ms: 40,
            sound_bytes: 300,
            sound_slow_ppm: 0,
            cts_ms: 0,
        };
        publisher.configure(TrackId::VIDEO, config(Codec::Avc, "avc1.64001f"));
        publisher.configure(TrackId::AUDIO, config(Codec::Aac, "mp4a.40.2"));
        publisher
    }

    fn configure(&mut self, track: TrackId, config: CodecConfig) {
        self.monitor.observe(&Tag::Config { track, config }, 0);
    }

    fn send(&mut self, track: TrackId, wire_ms: i64, at_ms: i64, bytes: usize) {
        let tag = Tag::Frame {
            track,
            timestamp_ms: u32::try_from(wire_ms).expect("short"),
            cts_ms: self.cts_ms,
            key: track == TrackId::AUDIO || wire_ms % self.key_every_ms == 0,
            payload: Bytes::from(vec![0; bytes]),
        };
        self.monitor.observe(&tag, at_ms * 1000);
    }

    /// Sends the media from `from` to `to` (milliseconds), which arrives as it is made.
    fn play(&mut self, from: i64, to: i64) {
        for ms in from..to {
            if ms % self.picture_ms == 0 {
                self.send(TrackId::VIDEO, ms, ms, 10_000);
            }
            if ms % 20 == 0 {
                let slow = ms * self.sound_slow_ppm / 1_000_000;
                self.send(TrackId::AUDIO, ms - slow, ms, self.sound_bytes);
            }
        }
    }

    fn finding(&self, code: &str, now_us: i64) -> Option<Finding> {
        self.monitor.findings(now_us).into_iter().find(|finding| finding.code == code)
    }

    fn level(&self, code: &str, now_us: i64) -> Option<HealthLevel> {
        self.finding(code, now_us).map(|finding| finding.level)
    }
}

#[test]
fn a_good_publisher_is_measured_and_has_no_findings() {
    let mut publisher = Publisher::new();
    publisher.monitor.announce(2_100_000);
    publisher.play(0, 30_000);
    assert_eq!(publisher.monitor.findings(30 * SECOND), vec![]);
    let [video, audio] = &publisher.monitor.tracks(30 * SECOND)[..] else { panic!("two tracks") };
    assert_eq!(
        (video.id.as_str(), video.kind.as_str(), video.codec.as_str()),
        ("v0", "video", "avc1.64001f")
    );
    assert_eq!((video.width, video.height, video.fps), (Some(1280), Some(720), Some(25.0)));
    assert_eq!(video.bitrate, 2_000_000);
    assert_eq!((audio.id.as_str(), audio.kind.as_str(), audio.fps), ("a0", "audio", None));
    assert_eq!(
        (audio.sample_rate, audio.channels, audio.bitrate),
        (Some(48_000), Some(2), 120_000)
    );
}

#[test]
fn rates_are_known_after_the_first_second_and_end_with_the_media() {
    let mut publisher = Publisher::new();
    publisher.play(0, 1000);
    assert_eq!(publisher.monitor.tracks(SECOND)[0].bitrate, 2_000_000);
    assert_eq!(publisher.monitor.tracks(SECOND)[0].fps, Some(25.0));
    assert_eq!(publisher.monitor.tracks(20 * SECOND)[0].bitrate, 0);
    assert_eq!(publisher.monitor.tracks(20 * SECOND)[0].fps, Some(0.0));
}

#[test]
fn stalls_of_the_uplink_are_told_with_their_length_and_forgotten_after_a_minute() {
    let mut publisher = Publisher::new();
    publisher.play(0, 12_000);
    // What was made during 2.1 s comes at once.
    for ms in (12_000..14_080).step_by(40) {
        publisher.send(TrackId::VIDEO, ms, 14_080, 10_000);
        publisher.send(TrackId::AUDIO, ms, 14_080, 300);
    }
    publisher.play(14_080, 20_000);
    let stall = publisher.finding("uplink_stall", 20 * SECOND).expect("finding");
    assert_eq!(stall.level, HealthLevel::Warning);
    assert!(stall.text.contains("once") && stall.text.contains("2.1 s"), "{}", stall.text);
    assert_eq!(publisher.level("timestamps_jump", 20 * SECOND), None);
    publisher.play(20_000, 76_000);
    assert_eq!(publisher.level("uplink_stall", 76 * SECOND), None);
    assert_eq!(
        publisher.level("uplink_stall", 77 * SECOND),
        Some(HealthLevel::Warning),
        "still going on"
    );
}

#[test]
fn a_publisher_that_sends_nothing_is_told_with_how_long_until_it_sends_again() {
    let mut publisher = Publisher::new();
    publisher.play(0, 12_000);
    assert_eq!(publisher.level("publisher_silent", 13 * SECOND), None);
    let silent = publisher.finding("publisher_silent", 18 * SECOND).expect("finding");
    assert_eq!(silent.level, HealthLevel::Bad);
    assert!(silent.text.contains("sent nothing for 6.0 s"), "{}", silent.text);
    assert_eq!(publisher.level("uplink_stall", 18 * SECOND), None, "one thing, told once");
    publisher.play(18_000, 18_100);
    assert_eq!(publisher.level("publisher_silent", 18_100_000), None);
    assert_eq!(publisher.level("uplink_stall", 18_100_000), Some(HealthLevel::Bad));
}

#[test]
fn missing_and_stopped_sound_are_told_apart() {
    let mut publisher = Publisher::new();
    publisher.play(0, 1000);
    for ms in (1000..9000).step_by(40) {
        publisher.send(TrackId::VIDEO, ms, ms, 10_000);
    }
    assert_eq!(publisher.level("audio_missing", 9 * SECOND), Some(HealthLevel::Bad));
    let mut monitor = Monitor::default();
    let tag = |ms| Tag::Frame {
        track: TrackId::VIDEO,
        timestamp_ms: ms,
        cts_ms: 0,
        key: true,
        payload: Bytes::new(),
    };
    monitor.observe(&Tag::Config { track: TrackId::VIDEO, config: config(Codec::Avc, "avc1") }, 0);
    monitor.observe(&tag(0), 0);
    assert_eq!(
        monitor.findings(4 * SECOND).iter().filter(|f| f.code == "audio_missing").count(),
        0
    );
    monitor.observe(&tag(6000), 6 * SECOND);
    let found = monitor.findings(6 * SECOND);
    let missing = found.iter().find(|finding| finding.code == "audio_missing").expect("finding");
    assert_eq!(missing.level, HealthLevel::Warning);
}

#[test]
fn a_stopped_picture_is_bad() {
    let mut publisher = Publisher::new();
    publisher.play(0, 1000);
    publisher.picture_ms = 1_000_000;
    publisher.play(1000, 12_000);
    assert_eq!(publisher.level("video_missing", 12 * SECOND), Some(HealthLevel::Bad));
    assert_eq!(publisher.level("fps_drop", 12 * SECOND), None, "one cause, one finding");
}

#[test]
fn empty_frames_are_silence() {
    let mut publisher = Publisher::new();
    publisher.sound_bytes = 6;
    publisher.play(0, 12_000);
    assert_eq!(publisher.level("audio_silent", 12 * SECOND), Some(HealthLevel::Warning));
}

#[test]
fn long_keyframe_intervals_are_told_while_they_last() {
    let mut publisher = Publisher::new();
    publisher.key_every_ms = 8360;
    publisher.play(0, 4000);
    assert_eq!(publisher.level("keyframe_interval", 4 * SECOND), None);
    publisher.play(4000, 5000);
    assert_eq!(publisher.level("keyframe_interval", 5 * SECOND), Some(HealthLevel::Warning));
    publisher.play(5000, 9000);
    let finding = publisher.finding("keyframe_interval", 9 * SECOND).expect("finding");
    assert!(finding.text.contains("8.3 s"), "{}", finding.text);
    publisher.key_every_ms = 100_000;
    publisher.play(9000, 20_000);
    assert_eq!(publisher.level("keyframe_interval", 20 * SECOND), Some(HealthLevel::Bad));
}

#[test]
fn a_frame_rate_that_falls_is_a_finding() {
    let mut publisher = Publisher::new();
    publisher.play(0, 20_000);
    publisher.picture_ms = 80;
    publisher.play(20_000, 28_000);
    let finding = publisher.finding("fps_drop", 28 * SECOND).expect("finding");
    assert!(finding.text.contains("from 25 to 1"), "{}", finding.text);
}

#[test]
fn clocks_that_drift_apart_are_told_with_their_direction() {
    let mut publisher = Publisher::new();
    publisher.sound_slow_ppm = 20_000;
    publisher.play(0, 30_000);
    let finding = publisher.finding("av_drift", 30 * SECOND).expect("finding");
    assert_eq!(finding.level, HealthLevel::Warning);
    assert!(finding.text.contains("behind"), "{}", finding.text);
    publisher.play(30_000, 90_000);
    assert_eq!(publisher.level("av_drift", 90 * SECOND), Some(HealthLevel::Bad));
}

#[test]
fn a_jump_of_all_tracks_is_counted_once() {
    let mut publisher = Publisher::new();
    publisher.play(0, 12_000);
    for ms in (12_000..16_000).step_by(20) {
        publisher.send(TrackId::VIDEO, ms + 600_000, ms, 10_000);
        publisher.send(TrackId::AUDIO, ms + 600_000, ms, 300);
    }
    let finding = publisher.finding("timestamps_jump", 16 * SECOND).expect("finding");
    assert!(finding.text.contains("once"), "{}", finding.text);
    assert_eq!(publisher.level("av_drift", 16 * SECOND), None);
}

#[test]
fn a_bitrate_far_from_the_announced_one_is_a_finding() {
    for (announced, word) in [(500_000, "above"), (9_000_000, "below")] {
        let mut publisher = Publisher::new();
        publisher.monitor.announce(announced);
        publisher.play(0, 12_000);
        let finding = publisher.finding("bitrate_off", 12 * SECOND).expect(word);
        assert!(finding.text.contains(word), "{}", finding.text);
    }
}

#[test]
fn codecs_that_reach_few_viewers_and_b_frames_are_told() {
    for (codec, string) in [(Codec::Hevc, "hvc1.1.6.L93.90"), (Codec::Avc, "avc1.6e001f")] {
        let mut publisher = Publisher::new();
        publisher.configure(TrackId::VIDEO, config(codec, string));
        assert_eq!(publisher.level("codec_reach", 0), Some(HealthLevel::Warning), "{string}");
    }
    let mut publisher = Publisher::new();
    publisher.cts_ms = 66;
    publisher.play(0, 1000);
    assert_eq!(publisher.level("b_frames", SECOND), Some(HealthLevel::Ok));
    assert_eq!(publisher.level("codec_reach", SECOND), None);
}

#[test]
fn the_worst_finding_comes_first() {
    let mut publisher = Publisher::new();
    publisher.cts_ms = 66;
    publisher.play(0, 1000);
    let levels: Vec<_> = publisher.monitor.findings(20 * SECOND).iter().map(|f| f.level).collect();
    assert!(levels.len() >= 2 && levels.is_sorted_by(|a, b| a >= b), "{levels:?}");
}
