//! What is offered to players.

use super::*;
use crate::output::{Output, SegmentEnd};
use crate::testing::{ANCHOR, TIMING, init_of, part, start};

fn feed(ladder: &mut Ladder, track: TrackId, msn: u64, hash: &str, codec: &str, bytes: usize) {
    let begins = start(msn, Some(init_of(track, hash, codec)));
    ladder.apply(Output::Start(track, begins), ANCHOR);
    let mut whole = part(msn, msn, 2_000_000, true);
    whole.data = vec![0; bytes].into();
    ladder.apply(Output::Part(track, whole), ANCHOR);
    let end = SegmentEnd { msn, duration_us: 2_000_000, gap: false };
    ladder.apply(Output::End(track, end), ANCHOR);
}

fn text(ladder: &mut Ladder) -> String {
    ladder.multivariant().unwrap().with_query("?v=1")
}

#[test]
fn h8_video_with_demuxed_audio() {
    let mut ladder = Ladder::new(TIMING);
    feed(&mut ladder, TrackId::AUDIO, 0, "cc", "mp4a.40.2", 32_000);
    feed(&mut ladder, TrackId::VIDEO, 0, "aa", "avc1.64001f", 500_000);
    let expected = "\
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio 1\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a0/index.m3u8?v=1\"
#EXT-X-STREAM-INF:BANDWIDTH=8520000,AVERAGE-BANDWIDTH=2128000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,AUDIO=\"audio\"
v0/index.m3u8?v=1
";
    assert_eq!(text(&mut ladder), expected);
}

#[test]
fn sound_alone_is_a_variant_of_its_own() {
    let mut ladder = Ladder::new(TIMING);
    feed(&mut ladder, TrackId::AUDIO, 0, "cc", "opus", 32_000);
    let text = text(&mut ladder);
    assert!(text.contains("CODECS=\"opus\"\na0/index.m3u8?v=1\n"), "{text}");
    assert!(!text.contains("EXT-X-MEDIA:") && !text.contains("AUDIO="));
}

#[test]
fn pictures_alone_name_no_audio_group() {
    let mut ladder = Ladder::new(TIMING);
    feed(&mut ladder, TrackId::VIDEO, 0, "aa", "avc1.64001f", 500_000);
    assert!(!text(&mut ladder).contains("audio"));
}

#[test]
fn h8_the_announced_bandwidth_covers_the_peak_with_more_margin_at_first() {
    let mut ladder = Ladder::new(TIMING);
    let bandwidth = |ladder: &mut Ladder| -> u64 {
        let text = text(ladder);
        let value = text.split_once("INF:BANDWIDTH=").unwrap().1.split_once(',').unwrap().0;
        value.parse().unwrap()
    };
    feed(&mut ladder, TrackId::VIDEO, 0, "aa", "avc1.64001f", 800_000);
    assert_eq!(bandwidth(&mut ladder), 12_800_000);
    for msn in 1..40 {
        feed(&mut ladder, TrackId::VIDEO, msn, "aa", "avc1.64001f", 100_000);
        let expected = if msn < 14 { 12_800_000 } else { 4_800_000 };
        assert_eq!(bandwidth(&mut ladder), expected, "{msn}");
    }
}

#[test]
fn h8_codecs_name_every_section_that_is_listed_newest_first() {
    let mut ladder = Ladder::new(TIMING);
    feed(&mut ladder, TrackId::VIDEO, 0, "aa", "avc1.42c01f", 1000);
    feed(&mut ladder, TrackId::VIDEO, 1, "bb", "avc1.64001f", 1000);
    assert!(text(&mut ladder).contains("CODECS=\"avc1.64001f,avc1.42c01f\""));
    for msn in 2..12 {
        feed(&mut ladder, TrackId::VIDEO, msn, "bb", "avc1.64001f", 1000);
    }
    assert!(text(&mut ladder).contains("CODECS=\"avc1.64001f\""));
}

#[test]
fn measured_frame_rates_are_those_of_cameras() {
    for (measured, usual) in [(29.98, 29.97), (30.02, 30.0), (59.9, 59.94), (24.99, 25.0)] {
        assert!((usual_rate(measured) - usual).abs() < 1e-9, "{measured}");
    }
    assert!((usual_rate(17.3) - 17.3).abs() < 1e-9);
}

#[test]
fn pixels_that_are_not_square_widen_the_picture() {
    let video = VideoParams { width: 720, height: 576, sar: (64, 45) };
    assert_eq!(display_size(&video), (1024, 576));
    assert_eq!(display_size(&VideoParams { sar: (0, 0), ..video }), (720, 576));
}
