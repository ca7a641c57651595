//! What renditions say alike.

use super::*;
use crate::output::{SegmentEnd, SegmentStart};
use crate::replica::Step;
use crate::testing::{ANCHOR, TIMING, init_of, part, start};

const PARTS: u64 = 10;

fn segment(ladder: &mut Ladder, track: TrackId, start: SegmentStart) {
    let msn = start.msn;
    ladder.apply(Output::Start(track, start), ANCHOR);
    for n in 0..PARTS {
        let part = part(msn * PARTS + n, msn, 200_000, n == 0);
        ladder.apply(Output::Part(track, part), ANCHOR);
    }
    let end = SegmentEnd { msn, duration_us: 2_000_000, gap: false };
    ladder.apply(Output::End(track, end), ANCHOR);
}

fn video(ladder: &mut Ladder, msn: u64) {
    let init = init_of(TrackId::VIDEO, "aa", "avc1.64001f");
    segment(ladder, TrackId::VIDEO, start(msn, Some(init)));
}

fn audio(ladder: &mut Ladder, msn: u64) {
    let init = init_of(TrackId::AUDIO, "cc", "mp4a.40.2");
    // Its first sample lies a little after the picture's.
    let start_us = msn as i64 * 2_000_000 + 11_000;
    segment(ladder, TrackId::AUDIO, SegmentStart { start_us, ..start(msn, Some(init)) });
}

fn tag(text: &str, name: &str) -> String {
    text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned()
}

#[test]
fn h16_a_player_can_start_when_every_track_has_a_whole_segment() {
    let mut ladder = Ladder::new(TIMING);
    let init = init_of(TrackId::AUDIO, "cc", "mp4a.40.2");
    ladder.apply(Output::Start(TrackId::AUDIO, start(0, Some(init))), ANCHOR);
    video(&mut ladder, 0);
    assert!(!ladder.playable());
    assert!(ladder.multivariant().is_none());
    let end = SegmentEnd { msn: 0, duration_us: 2_000_000, gap: true };
    ladder.apply(Output::End(TrackId::AUDIO, end), ANCHOR);
    assert!(ladder.playable());
}

#[test]
fn h6_h9_all_renditions_give_a_segment_the_same_date() {
    let mut ladder = Ladder::new(TIMING);
    for msn in 0..3 {
        video(&mut ladder, msn);
        audio(&mut ladder, msn);
    }
    let dates = |track| -> Vec<String> {
        let text = ladder.playlist(track, false).unwrap();
        text.lines().filter(|line| line.contains("DATE-TIME")).map(str::to_owned).collect()
    };
    assert_eq!(dates(TrackId::VIDEO).len(), 3);
    assert_eq!(dates(TrackId::VIDEO), dates(TrackId::AUDIO));
}

#[test]
fn a_segment_that_begins_far_from_those_of_its_number_has_its_own_date() {
    let mut ladder = Ladder::new(TIMING);
    let date = |ladder: &Ladder, track| {
        ladder.rendition(track).unwrap().listed().next_back().unwrap().mark.pdt
    };
    for (msn, early_ms, told_ms) in [(0, 50, 0), (1, 60, 60)] {
        video(&mut ladder, msn);
        let mut start = start(msn, None);
        start.start_us -= early_ms * 1000;
        ladder.apply(Output::Start(TrackId::AUDIO, start), ANCHOR);
        let end = SegmentEnd { msn, duration_us: 1_000_000, gap: true };
        ladder.apply(Output::End(TrackId::AUDIO, end), ANCHOR);
        let apart = date(&ladder, TrackId::VIDEO).since_ms(date(&ladder, TrackId::AUDIO));
        assert_eq!(apart, told_ms);
    }
}

#[test]
fn a_late_track_joins_with_the_numbers_of_the_others() {
    let mut ladder = Ladder::new(TIMING);
    for msn in 0..20 {
        let init = init_of(TrackId::VIDEO, "aa", "avc1.64001f");
        let begins = SegmentStart { discontinuity: msn % 5 == 4, ..start(msn, Some(init)) };
        segment(&mut ladder, TrackId::VIDEO, begins);
    }
    assert!(ladder.playable());
    video(&mut ladder, 20);
    audio(&mut ladder, 20);
    let late = ladder.playlist(TrackId::AUDIO, false).unwrap();
    assert_eq!(tag(&late, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:17");
    // Tags stood before 4, 9, 14 and 19.
    assert_eq!(tag(&late, "#EXT-X-DISCONTINUITY-SEQUENCE"), "#EXT-X-DISCONTINUITY-SEQUENCE:4");
    assert!(ladder.multivariant().unwrap().with_query("").contains("a0/index.m3u8"));
}

#[test]
fn h2_a_new_show_goes_on_with_the_numbers_behind_a_discontinuity() {
    let mut ladder = Ladder::new(TIMING);
    for msn in 0..3 {
        video(&mut ladder, msn);
        audio(&mut ladder, msn);
    }
    ladder.end();
    assert!(ladder.playlist(TrackId::VIDEO, false).unwrap().contains("#EXT-X-ENDLIST"));
    ladder.begin_show(None);
    assert!(!ladder.playable() && ladder.playlist(TrackId::VIDEO, false).is_none());
    assert_eq!(ladder.bytes(), 0);
    video(&mut ladder, 3);
    let text = ladder.playlist(TrackId::VIDEO, false).unwrap();
    assert_eq!(tag(&text, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:0");
    assert!(text.contains("#EXT-X-DISCONTINUITY\n") && !text.contains("ENDLIST"));
    // The track that stayed away is no longer offered.
    assert!(!ladder.multivariant().unwrap().with_query("").contains("a0"));
    assert!(!text.contains("RENDITION-REPORT"));
}

#[test]
fn h2_a_process_that_takes_over_never_counts_back() {
    let mut ladder = Ladder::new(TIMING);
    video(&mut ladder, 1000);
    let text = ladder.playlist(TrackId::VIDEO, false).unwrap();
    assert_eq!(tag(&text, "#EXT-X-DISCONTINUITY-SEQUENCE"), "#EXT-X-DISCONTINUITY-SEQUENCE:1000");
    assert!(text.contains("#EXT-X-DISCONTINUITY\n"));
}

#[test]
fn tracks_beyond_the_limit_are_ignored_and_counted() {
    let mut ladder = Ladder::new(TIMING);
    for index in 0..40 {
        let track = TrackId { index, ..TrackId::AUDIO };
        ladder.apply(Output::Start(track, start(0, None)), ANCHOR);
    }
    assert_eq!(ladder.renditions().count(), RENDITIONS_MAX);
    assert_eq!(ladder.squeezed(), 40 - RENDITIONS_MAX as u64);
}

#[test]
fn the_part_target_is_set_before_a_show_and_then_stands() {
    let mut ladder = Ladder::new(TIMING);
    ladder.set_part_target_us(213_000);
    video(&mut ladder, 0);
    ladder.set_part_target_us(500_000);
    assert_eq!(ladder.timing().part_target_us, 213_000);
    ladder.begin_show(None);
    ladder.set_part_target_us(200_000);
    assert_eq!(ladder.timing().part_target_us, 200_000);
}

#[test]
fn whoever_takes_over_begins_a_segment_again_that_had_no_part_yet_and_breaks_there() {
    let mut ladder = Ladder::new(TIMING);
    video(&mut ladder, 0);
    audio(&mut ladder, 0);
    let bare = start(1, Some(init_of(TrackId::VIDEO, "aa", "avc1.64001f")));
    ladder
        .apply(Output::Start(TrackId::VIDEO, SegmentStart { discontinuity: true, ..bare }), ANCHOR);
    let tip = ladder.tip().unwrap();
    assert_eq!((tip.next_msn, tip.discontinuities), (1, 0), "nobody was told of it");
    ladder.join(&tip, PARTS);
    let init = init_of(TrackId::VIDEO, "aa", "avc1.64001f");
    ladder.apply(Output::Start(TrackId::VIDEO, start(1, Some(init))), ANCHOR);
    let head = ladder.heads_after(&[(TrackId::VIDEO, 0)].into()).remove(0);
    assert_eq!((head.mark.msn, head.first_part), (1, Some(PARTS)));
    video(&mut ladder, 1);
    audio(&mut ladder, 1);
    for track in [TrackId::VIDEO, TrackId::AUDIO] {
        let text = ladder.playlist(track, false).unwrap();
        assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
        assert!(!text.contains("GAP"), "{text}");
        assert_eq!(tag(&text, "#EXT-X-DISCONTINUITY-SEQUENCE"), "#EXT-X-DISCONTINUITY-SEQUENCE:0");
    }
    assert_eq!(ladder.tip().unwrap().discontinuities, 1);
}

#[test]
fn a_show_that_was_given_up_here_goes_on_when_it_does_elsewhere_or_here() {
    let mut ladder = Ladder::new(TIMING);
    video(&mut ladder, 0);
    let tip = ladder.tip().unwrap();
    ladder.end();
    let is_over =
        |ladder: &Ladder| ladder.playlist(TrackId::VIDEO, false).unwrap().contains("ENDLIST");
    assert!(is_over(&ladder));
    let mark = Mark { msn: 1, pdt: ANCHOR, discontinuity: true, dsn_before: 0 };
    ladder.step(Step::Start(TrackId::VIDEO, mark, None));
    assert!(!is_over(&ladder), "as a copy");
    ladder.end();
    ladder.join(&tip, PARTS);
    video(&mut ladder, 1);
    assert!(!is_over(&ladder), "as the packager's");
}

#[test]
fn a_rendition_that_comes_late_after_a_take_over_has_gaps_where_the_others_went_on() {
    let mut ladder = Ladder::new(TIMING);
    video(&mut ladder, 0);
    audio(&mut ladder, 0);
    assert_eq!(ladder.until(), Some(ANCHOR.plus_ms(2_000)));
    let tip = ladder.tip().unwrap();
    ladder.join(&tip, PARTS);
    (1..3).for_each(|msn| video(&mut ladder, msn));
    audio(&mut ladder, 3);
    let text = ladder.playlist(TrackId::AUDIO, false).unwrap();
    assert_eq!(text.matches("#EXT-X-GAP").count(), 2, "{text}");
    let (before, behind) = text.split_once("#EXT-X-DISCONTINUITY\n").unwrap();
    assert!(!before.contains("GAP") && behind.contains("GAP"), "it breaks where the others do");
    // Much later it begins anew, as a track does that was never there.
    audio(&mut ladder, 30);
    let text = ladder.playlist(TrackId::AUDIO, false).unwrap();
    assert_eq!(tag(&text, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:27");
}

#[test]
fn whoever_goes_on_with_a_show_has_nothing_that_copies_lack_before_it_has_media() {
    let (mut owner, mut copy) = (Ladder::new(TIMING), Ladder::new(TIMING));
    for ladder in [&mut owner, &mut copy] {
        video(ladder, 0);
        audio(ladder, 0);
    }
    let tip = owner.tip().unwrap();
    owner.join(&tip, 5_000);
    assert!(!copy.tip().unwrap().lacks(&owner.tip().unwrap()));
    video(&mut owner, 1);
    assert!(copy.tip().unwrap().lacks(&owner.tip().unwrap()));
}
