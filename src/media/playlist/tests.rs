//! The text, tag by tag.

use super::*;
use crate::output::SegmentEnd;
use crate::rendition::Mark;
use crate::testing::{TIMING, fed, init, mark, part, start};

const ALL: Shown<'_> = Shown { from: 0, query: None };
const ALONE: Surroundings<'_> =
    Surroundings { timing: &TIMING, ended: false, others: &[], shown: ALL };

mod shown;

/// One whole segment of two parts, one part of the next.
fn small() -> Rendition {
    let mut rendition = Rendition::default();
    fed(&mut rendition, 0, 2, 200_000);
    rendition.start(&TIMING, mark(1), &start(1, Some(init("aa"))));
    rendition.part(part(2, 1, 166_667, true));
    rendition
}

fn line<'a>(text: &'a str, tag: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(tag)).unwrap_or_default()
}

#[test]
fn the_whole_text_of_a_small_playlist() {
    let others = [(TrackId::AUDIO, Tip { next_msn: 1, open_parts: 2, last_parts: 3 })];
    let text = render(&small(), &Surroundings { others: &others, ..ALONE }, false);
    let expected = "\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.000000,PART-HOLD-BACK=0.600000
#EXT-X-PART-INF:PART-TARGET=0.200000
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-MAP:URI=\"init-aa.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z
#EXT-X-PART:DURATION=0.200000,URI=\"p0.m4s\",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.200000,URI=\"p1.m4s\"
#EXTINF:0.400000,
s0.m4s
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.000Z
#EXT-X-PART:DURATION=0.166667,URI=\"p2.m4s\",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p3.m4s\"
#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=1,LAST-PART=1
";
    assert_eq!(text, expected);
}

#[test]
fn h4_an_ended_playlist_says_so_and_hints_at_nothing() {
    let mut rendition = small();
    rendition.finish(&TIMING);
    let text = render(&rendition, &Surroundings { ended: true, ..ALONE }, true);
    assert!(text.ends_with("#EXTINF:0.166667,\ns1.m4s\n#EXT-X-ENDLIST\n"), "{text}");
    assert!(!text.contains("PRELOAD-HINT") && !text.contains("RENDITION-REPORT"));
}

#[test]
fn h3_a_discontinuity_repeats_the_section_and_a_change_names_the_new_one() {
    let mut rendition = Rendition::default();
    fed(&mut rendition, 0, 2, 200_000);
    for (msn, hash, discontinuity) in [(1, "aa", true), (2, "bb", true), (3, "bb", false)] {
        let mark = Mark { discontinuity, ..mark(msn) };
        rendition.start(&TIMING, mark, &start(msn, Some(init(hash))));
        rendition.part(part(msn * 2, msn, 200_000, true));
        rendition.end(&TIMING, &SegmentEnd { msn, duration_us: 200_000, gap: false });
    }
    let text = render(&rendition, &ALONE, false);
    let tags: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("#EXT-X-MAP") || *line == "#EXT-X-DISCONTINUITY")
        .collect();
    let (first, second) = ("#EXT-X-MAP:URI=\"init-aa.mp4\"", "#EXT-X-MAP:URI=\"init-bb.mp4\"");
    let discontinuity = "#EXT-X-DISCONTINUITY";
    assert_eq!(tags, [first, discontinuity, first, discontinuity, second]);
}

#[test]
fn h4_a_gap_is_marked_and_keeps_the_section_in_force() {
    let mut rendition = Rendition::default();
    fed(&mut rendition, 0, 2, 200_000);
    rendition.start(&TIMING, mark(1), &start(1, None));
    rendition.end(&TIMING, &SegmentEnd { msn: 1, duration_us: 2_000_000, gap: true });
    rendition.start(&TIMING, mark(2), &start(2, Some(init("aa"))));
    rendition.part(part(9, 2, 200_000, true));
    let text = render(&rendition, &ALONE, false);
    assert!(text.contains("#EXT-X-GAP\n#EXTINF:2.000000,\ns1.m4s\n"), "{text}");
    assert_eq!(text.matches("#EXT-X-MAP").count(), 1);
}

#[test]
fn h7_independence_is_claimed_only_while_it_is_true() {
    let mut rendition = Rendition::default();
    rendition.start(&TIMING, mark(0), &start(0, Some(init("aa"))));
    rendition.part(part(0, 0, 200_000, false));
    rendition.end(&TIMING, &SegmentEnd { msn: 0, duration_us: 2_000_000, gap: false });
    assert!(!render(&rendition, &ALONE, false).contains("#EXT-X-INDEPENDENT-SEGMENTS"));
    for msn in 1..9 {
        fed(&mut rendition, msn, 10, 200_000);
    }
    assert_eq!(rendition.media_sequence(), 1);
    assert!(render(&rendition, &ALONE, false).contains("#EXT-X-INDEPENDENT-SEGMENTS"));
}

#[test]
fn h10_parts_are_listed_only_within_three_targets_of_the_end() {
    let mut rendition = Rendition::default();
    for msn in 0..12 {
        fed(&mut rendition, msn, 10, 200_000);
    }
    let text = render(&rendition, &ALONE, false);
    let first = line(&text, "#EXT-X-PART:");
    // 12 segments of 2 s end at 24 s; a segment with 12 s after it is the farthest one with parts: msn 5.
    assert_eq!(first, "#EXT-X-PART:DURATION=0.200000,URI=\"p50.m4s\",INDEPENDENT=YES");
    assert_eq!(line(&text, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:4");
}

#[test]
fn h12_a_delta_update_skips_what_lies_beyond_the_boundary_and_nothing_else() {
    let timing = Timing { list_us: 60_000_000, ..TIMING };
    let mut rendition = Rendition::default();
    for msn in 0..30 {
        rendition.start(&timing, mark(msn), &start(msn, Some(init("aa"))));
        rendition.part(part(msn, msn, 2_000_000, true));
        rendition.end(&timing, &SegmentEnd { msn, duration_us: 2_000_000, gap: false });
    }
    let around = Surroundings { timing: &timing, ..ALONE };
    let (full, delta) = (render(&rendition, &around, false), render(&rendition, &around, true));
    assert_eq!(line(&delta, "#EXT-X-SKIP"), "#EXT-X-SKIP:SKIPPED-SEGMENTS=18");
    let rest = delta.split_once("SKIPPED-SEGMENTS=18\n").unwrap().1;
    assert!(full.ends_with(rest));
    assert_eq!(rest.matches("#EXTINF").count(), 12);
    assert_eq!(line(&delta, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:0");
}

#[test]
fn h12_a_delta_update_with_nothing_to_skip_is_the_whole_playlist() {
    assert_eq!(render(&small(), &ALONE, true), render(&small(), &ALONE, false));
}

#[test]
fn h14_a_rendition_whose_last_segment_has_no_parts_reports_the_segment_alone() {
    let others = [(TrackId::AUDIO, Tip { next_msn: 8, open_parts: 0, last_parts: 0 })];
    let text = render(&small(), &Surroundings { others: &others, ..ALONE }, false);
    assert!(text.ends_with("RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=7\n"), "{text}");
}
