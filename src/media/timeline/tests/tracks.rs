//! Tracks that come late or alone, and sound that follows the wire.

use super::*;

#[test]
fn sound_alone_begins_after_a_bounded_wait() {
    let mut bench = Bench::new(1_000_000);
    bench.configure(A, audio_config(48_000));
    for n in 0..46 {
        bench.frame(A, n * 1024 / 48, 0, true);
    }
    assert!(bench.items.is_empty(), "a picture may still be announced");
    bench.frame(A, START_WAIT_MS, 0, true);
    assert_eq!(bench.frames(A).len(), 47, "what was held is not lost");
    assert_eq!(bench.dts(A)[0], 48_000);
}

#[test]
fn a_picture_alone_begins_after_a_bounded_wait() {
    let mut bench = Bench::new(0);
    bench.configure(V, video_config(1280));
    for n in 0..25 {
        bench.frame(V, 40 * n, 0, n == 0);
    }
    assert!(bench.items.is_empty(), "sound may still be announced");
    bench.frame(V, START_WAIT_MS, 0, false);
    assert_eq!(bench.dts(V).len(), 26);
}

#[test]
fn a_short_stream_is_put_out_when_the_publisher_leaves() {
    let mut bench = Bench::new(0);
    bench.configure(V, video_config(1280));
    bench.frame(V, 0, 0, true);
    bench.frame(V, 40, 0, false);
    bench.line.finish(&mut bench.items);
    assert_eq!(bench.dts(V), [0, 3600]);
}

#[test]
fn a_picture_announced_late_joins_where_the_wire_says() {
    let mut bench = Bench::new(0);
    bench.configure(A, audio_config(48_000));
    for n in 0..200 {
        bench.frame(A, n * 1024 / 48, 0, true);
    }
    bench.configure(V, video_config(1280));
    bench.frame(V, 4200, 0, false);
    bench.frame(V, 4240, 0, true);
    assert_eq!(bench.breaks(), 0);
    assert_eq!(bench.dts(V), [4240 * 90]);
}

#[test]
fn announced_video_without_a_key_frame_does_not_hold_sound_for_ever() {
    let mut bench = Bench::usual();
    for n in 0..480 {
        bench.frame(V, n * 1024 / 48, 0, false);
        bench.frame(A, n * 1024 / 48, 0, true);
    }
    assert!(bench.frames(A).len() > 450);
    assert_eq!(bench.line.stats().video_before_key, 480);
}

#[test]
fn what_is_held_at_the_start_is_bounded() {
    let mut bench = Bench::usual();
    for _ in 0..HELD_FRAMES_MAX {
        bench.frame(A, 0, 0, true);
    }
    assert!(bench.line.held.is_none(), "too many frames end the wait");
    let mut big = Bench::new(0);
    big.configure(V, video_config(1280));
    for ms in 0..3 {
        let payload = Bytes::from(vec![0; HELD_BYTES_MAX / 2]);
        let tag = Tag::Frame { track: V, timestamp_ms: ms, cts_ms: 0, key: true, payload };
        big.line.push(tag, &mut big.items);
    }
    assert_eq!(big.frames(V).len(), 3, "too many bytes end the wait");
}

#[test]
fn a_track_with_a_clock_of_its_own_is_put_beside_the_other() {
    let mut bench = Bench::usual();
    for (ms, kind) in interleaved(5) {
        let base = if kind == TrackKind::Video { 1_700_000_000 } else { 0 };
        bench.frame(TrackId { kind, index: 0 }, base + ms, 0, true);
    }
    assert_eq!(bench.breaks(), 0);
    assert_eq!(bench.line.stats().rebased, 1);
    assert!(bench.dts(A)[0] < 48 * 100);
    assert!(bench.dts(A).len() > 230);
}

#[test]
fn jitter_of_the_wire_does_not_reach_the_sound() {
    let mut bench = Bench::usual();
    bench.frame(V, 0, 0, true);
    for n in 0..2000u32 {
        let jitter = n * 7919 % 31;
        bench.frame(A, 15 + n * 1024 / 48 + jitter, 0, true);
    }
    let steps = bench.steps(A);
    assert!(steps.iter().all(|step| (1020..=1028).contains(step)));
    assert_eq!(bench.line.stats().audio_holes + bench.line.stats().audio_overlap, 0);
}

#[test]
fn groups_of_frames_with_one_time_are_kept_whole() {
    let mut bench = Bench::usual();
    bench.frame(V, 0, 0, true);
    for n in 0..2000u32 {
        bench.frame(A, n / 5 * 5 * 1024 / 48, 0, true);
    }
    assert_eq!(bench.frames(A).len(), 2000);
    assert!(bench.steps(A).iter().all(|step| (1000..=1048).contains(step)));
}

#[test]
fn a_hole_in_the_sound_is_filled_with_silence() {
    let mut bench = Bench::usual();
    bench.frame(V, 0, 0, true);
    let config = crate::codec::aac::config(&[0x11, 0x90]).expect("AAC-LC, 48 kHz, stereo");
    bench.configure(A, config);
    for ms in [0, 21, 521, 542] {
        bench.frame(A, ms, 0, true);
    }
    let steps = bench.steps(A);
    let (last_silent, rest) = (steps.len() - 2, &steps[..steps.len() - 2]);
    assert!(rest.iter().all(|step| *step == 1024), "{steps:?}");
    assert!((1024..2048).contains(&steps[last_silent]), "{steps:?}");
    assert_eq!(bench.line.stats().audio_silent, 22);
}

#[test]
fn a_hole_without_known_silence_is_a_longer_last_frame() {
    let mut bench = Bench::usual();
    bench.frame(V, 0, 0, true);
    for ms in [0, 21, 42, 564, 585, 607] {
        bench.frame(A, ms, 0, true);
    }
    assert_eq!(bench.dts(A), [0, 1024, 2048, 564 * 48, 564 * 48 + 1024, 564 * 48 + 2048]);
    assert_eq!(bench.line.stats().audio_holes, 1);
}

#[test]
fn a_day_of_drift_is_followed_in_tiny_steps() {
    for ppm in [-100i64, 100] {
        let mut bench = Bench::usual();
        bench.frame(V, 0, 0, true);
        let (mut last, mut worst_us) = (0, 0);
        for n in 1..24 * 3600 * 48_000 / 1024i64 {
            bench.items.clear();
            let us = n * 1024 * (1_000_000 + ppm) / 48_000;
            let ms = u32::try_from(us / 1000).expect("a day");
            bench.frame(A, ms, 0, true);
            let [Item::Frame(frame)] = &bench.items[..] else { panic!("frame {n}") };
            assert!((1022..=1026).contains(&(frame.dts - last)) || n == 1, "frame {n}");
            last = frame.dts;
            worst_us = worst_us.max((frame.dts * 1000 / 48 - us).abs());
        }
        assert!(worst_us < 5_000, "{worst_us} µs at {ppm} ppm");
    }
}

#[test]
fn opus_packets_of_varying_length_are_counted_by_their_own_duration() {
    let mut bench = Bench::new(0);
    let mut config = audio_config(48_000);
    config.codec = Codec::Opus;
    config.audio = Some(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 0 });
    bench.configure(A, config);
    for (ms, toc) in [(0, 0xfcu8), (20, 0xfd), (60, 0xfc), (80, 0xfc)] {
        let payload = Bytes::from(vec![toc]);
        let tag = Tag::Frame { track: A, timestamp_ms: ms, cts_ms: 0, key: true, payload };
        bench.line.push(tag, &mut bench.items);
    }
    bench.line.finish(&mut bench.items);
    assert_eq!(bench.dts(A), [0, 960, 2880, 3840]);
}
