//! Where the publisher's time breaks: jumps, odd frames, configuration changes.

use super::*;

/// Offset of sound to picture at the end, milliseconds on the line minus milliseconds on the wire.
fn sync_error_us(bench: &Bench, video_ms: u32, audio_ms: u32) -> i64 {
    let video = bench.frames(V).last().expect("video").pts * 100 / 9;
    let audio = bench.frames(A).last().expect("audio").pts * 1000 / 48;
    (audio - video) - 1000 * (i64::from(audio_ms) - i64::from(video_ms))
}

#[test]
fn a_jump_of_the_connection_is_one_discontinuity_for_both_tracks() {
    for target in [0u32, 500_000, 4_000_000_000] {
        let mut bench = Bench::usual();
        bench.play(100_000, 5);
        let end_us = bench.line.end_us();
        bench.play(target, 5);
        assert_eq!(bench.breaks(), 1, "to {target}");
        assert_eq!(bench.line.stats().jumps, 1);
        let at = bench.items.iter().position(|item| *item == Item::Discontinuity).expect("one");
        let Item::Frame(first) = &bench.items[at + 1] else { panic!("a frame follows") };
        assert_eq!(micros(first.dts, 90_000), end_us, "right behind what came");
        assert_eq!(bench.frames(V).len(), 250, "no picture is lost");
        assert!(bench.steps(V).iter().all(|step| *step == 3600));
        assert!(bench.steps(A).iter().all(|step| (1024..1024 + 48 * 45).contains(step)));
        assert!(sync_error_us(&bench, target + 4960, target + 4970).abs() < 22_000);
    }
}

#[test]
fn frames_still_on_the_old_time_behind_a_jump_are_dropped() {
    let mut bench = Bench::usual();
    bench.play(0, 5);
    for n in 0..3 {
        bench.frame(V, 900_000 + 40 * n, 0, n == 0);
    }
    bench.frame(A, 4992 + 21, 0, true);
    bench.frame(A, 4992 + 42, 0, true);
    for ms in [900_000, 900_021, 900_043] {
        bench.frame(A, ms, 0, true);
    }
    assert_eq!(bench.breaks(), 1);
    assert_eq!(bench.line.stats().stragglers, 2);
    assert_eq!(bench.dts(A).len(), 234 + 3);
    assert_eq!(*bench.dts(A).last().expect("sound"), 234 * 1024 + 2048);
}

#[test]
fn a_track_that_never_follows_a_jump_is_set_free_of_it() {
    let mut bench = Bench::usual();
    bench.play(0, 5);
    let media = interleaved(10).into_iter();
    for (ms, kind) in media {
        let base = if kind == TrackKind::Video { 900_000 } else { 5000 };
        bench.frame(TrackId { kind, index: 0 }, base + ms, 0, true);
    }
    assert_eq!(bench.breaks(), 1);
    assert_eq!(bench.line.stats().rebased, 1);
    let last = |track, scale| micros(*bench.dts(track).last().expect("frames"), scale);
    assert!((last(V, 90_000) - last(A, 48_000)).abs() < 50_000, "sound goes on beside the picture");
    assert!(bench.dts(A).len() > 234 + 400);
}

#[test]
fn one_odd_frame_is_stamped_anew_and_breaks_nothing() {
    for track in [V, A] {
        for odd_ms in [20_000_000u32, 0] {
            let mut bench = Bench::usual();
            bench.play(100_000, 2);
            let before = bench.frames(track).len();
            bench.frame(track, odd_ms, 0, true);
            bench.play(102_040, 2);
            assert_eq!(bench.breaks(), 0, "{track} to {odd_ms}");
            assert_eq!(bench.line.stats().restamped, 1);
            assert_eq!(bench.frames(track).len(), before + 1 + before, "it is not lost");
        }
    }
}

#[test]
fn a_small_step_back_is_repaired_without_a_discontinuity() {
    let mut bench = Bench::usual();
    bench.play(0, 5);
    bench.play(4700, 5);
    assert_eq!(bench.breaks(), 0);
    assert!(bench.steps(V).iter().all(|step| *step > 0));
    assert!(bench.line.stats().audio_overlap > 0);
    assert!(sync_error_us(&bench, 9660, 9670).abs() < 22_000);
}

#[test]
fn a_pause_of_one_track_is_no_jump() {
    let mut bench = Bench::usual();
    bench.play(0, 2);
    for n in 0..500 {
        bench.frame(A, 2000 + n * 1024 / 48, 0, true);
    }
    bench.frame(V, 12_000, 0, true);
    assert_eq!(bench.breaks(), 0);
    assert_eq!(*bench.dts(V).last().expect("video"), 12_000 * 90);
}

#[test]
fn a_slide_show_without_sound_keeps_all_its_pictures_in_order() {
    let mut bench = Bench::new(0);
    bench.configure(V, video_config(1280));
    for n in 0..30 {
        bench.frame(V, 5000 * n, 0, true);
    }
    bench.line.finish(&mut bench.items);
    assert_eq!(bench.frames(V).len(), 30);
}

#[test]
fn a_changed_configuration_is_a_discontinuity_and_waits_for_a_key_frame() {
    let mut bench = Bench::usual();
    bench.play(0, 2);
    bench.items.clear();
    bench.configure(V, video_config(1280));
    assert!(bench.items.is_empty(), "the same again is nothing");
    bench.configure(V, video_config(640));
    bench.configure(A, audio_config(44_100));
    assert_eq!(bench.items[0], Item::Discontinuity);
    assert!(matches!(bench.items[1..], [Item::Config(V, _), Item::Config(A, _)]), "one break");
    bench.frame(V, 2000, 0, false);
    bench.frame(V, 2040, 0, true);
    bench.frame(A, 2000, 0, true);
    assert_eq!(bench.dts(V), [2040 * 90]);
    let end = 2 * 48_000 / 1024 * 1024 * 441 / 480;
    assert!((end..end + 45).contains(&bench.dts(A)[0]), "sound goes on in its new timescale");
    assert_eq!(bench.line.stats().config_changes, 2);
}

#[test]
fn a_configuration_that_changes_before_the_start_is_no_discontinuity() {
    let mut bench = Bench::new(0);
    bench.configure(V, video_config(1280));
    bench.frame(V, 0, 0, true);
    bench.configure(V, video_config(640));
    bench.configure(A, audio_config(48_000));
    bench.frame(V, 40, 0, true);
    let Item::Config(V, config) = &bench.items[0] else { panic!("video first") };
    assert_eq!(config.video.expect("video").width, 640);
    assert_eq!((bench.breaks(), bench.dts(V)), (0, vec![0]));
}
