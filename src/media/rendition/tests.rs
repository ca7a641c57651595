//! What a window promises, segment by segment and for any sequence of outputs.

use proptest::prelude::*;

use super::*;
use crate::testing::{TIMING, fed, init, mark, part, start};

fn end(msn: u64, duration_us: i64) -> SegmentEnd {
    SegmentEnd { msn, duration_us, gap: false }
}

/// Segments of 2 s in ten parts, from 0 on.
fn of_segments(count: u64) -> Rendition {
    let mut rendition = Rendition::default();
    for msn in 0..count {
        fed(&mut rendition, msn, 10, 200_000);
    }
    rendition
}

#[test]
fn h5_at_least_the_configured_time_and_three_targets_stay_listed() {
    let rendition = of_segments(30);
    let listed: i64 = rendition.listed().map(|one| one.duration_us).sum();
    assert!((15_000_000..17_000_000).contains(&listed), "{listed}");
    let short = Timing { list_us: 0, ..TIMING };
    assert_eq!(short.listed_us(), 12_000_000);
}

#[test]
fn h5_a_segment_that_left_the_playlist_stays_for_itself_and_the_longest_playlist() {
    let mut rendition = of_segments(30);
    let first_listed = rendition.media_sequence();
    let last_held = (0..first_listed).find(|msn| rendition.segment(*msn).is_some()).unwrap();
    // 16 s were listed, 2 s is the segment itself: nine segments of 2 s.
    assert_eq!(first_listed - last_held, 9);
    fed(&mut rendition, 30, 10, 200_000);
    assert!(rendition.segment(last_held).is_none());
}

#[test]
fn h5_the_parts_of_a_held_segment_stay_fetchable() {
    let rendition = of_segments(30);
    let held = rendition.segment(rendition.media_sequence() - 1).unwrap();
    for part in &held.parts {
        assert_eq!(rendition.find_part(part.number), Some(part));
    }
    assert!(rendition.find_part(0).is_none());
    assert!(rendition.find_part(300).is_none());
}

#[test]
fn c6_a_segment_is_the_bytes_of_its_parts() {
    let rendition = of_segments(3);
    let segment = rendition.segment(2).unwrap();
    let parts: Vec<Bytes> = segment.parts.iter().map(|part| part.data.clone()).collect();
    assert_eq!(*segment.body, *parts);
    assert_eq!(segment.bytes, parts.iter().map(Bytes::len).sum::<usize>());
}

#[test]
fn h3_the_discontinuity_sequence_counts_tags_that_left() {
    let mut rendition = Rendition::default();
    for msn in 0..30 {
        let mark = Mark { discontinuity: msn % 4 == 1, ..mark(msn) };
        rendition.start(&TIMING, mark, &start(msn, Some(init("aa"))));
        rendition.part(part(msn, msn, 2_000_000, true));
        rendition.end(&TIMING, &end(msn, 2_000_000));
    }
    let gone = (0..rendition.media_sequence()).filter(|msn| msn % 4 == 1).count() as u64;
    assert!(gone > 2);
    assert_eq!(rendition.discontinuity_sequence(), gone);
}

#[test]
fn a_gap_is_listed_but_has_no_bytes() {
    let mut rendition = of_segments(2);
    rendition.start(&TIMING, mark(2), &start(2, None));
    rendition.end(&TIMING, &SegmentEnd { msn: 2, duration_us: 2_000_000, gap: true });
    assert_eq!(rendition.listed_len(), 3);
    assert!(rendition.segment(2).is_none());
    assert!(rendition.listed().last().unwrap().gap);
}

#[test]
fn a_second_part_of_the_same_number_is_dropped() {
    let mut rendition = Rendition::default();
    rendition.start(&TIMING, mark(0), &start(0, Some(init("aa"))));
    rendition.part(part(7, 0, 200_000, true));
    rendition.part(part(7, 0, 200_000, false));
    rendition.part(part(6, 0, 200_000, false));
    assert_eq!(rendition.tip().open_parts, 1);
    assert_eq!(rendition.next_part(), Some(8));
}

#[test]
fn numbers_go_on_after_everything_was_forgotten() {
    let mut rendition = of_segments(5);
    rendition.forget();
    assert!(rendition.is_empty());
    assert_eq!(rendition.bytes(), 0);
    assert_eq!(rendition.tip().next_msn, 5);
    assert_eq!(rendition.next_part(), Some(50));
}

#[test]
fn a_short_segment_does_not_raise_the_peak() {
    let mut rendition = Rendition::default();
    fed(&mut rendition, 0, 10, 200_000);
    let peak = rendition.rate().peak;
    rendition.start(&TIMING, mark(1), &start(1, Some(init("aa"))));
    let mut key = part(10, 1, 33_000, true);
    key.data = Bytes::from(vec![0; 5_000]);
    rendition.part(key);
    rendition.end(&TIMING, &end(1, 33_000));
    assert_eq!(rendition.rate().peak, peak);
    assert!(rendition.rate().average() > 0);
}

#[test]
fn memory_is_bounded_by_count_and_by_bytes() {
    let mut tiny = Rendition::default();
    for msn in 0..5_000 {
        fed(&mut tiny, msn, 1, 1_000);
    }
    assert!(tiny.whole.len() <= SEGMENTS_MAX);
    assert!(tiny.squeezed() > 0);
    let mut heavy = Rendition::default();
    let data = Bytes::from(vec![0; 8 << 20]);
    for msn in 0..60 {
        heavy.start(&TIMING, mark(msn), &start(msn, Some(init("aa"))));
        heavy.part(Part { data: data.clone(), ..part(msn, msn, 100_000, true) });
        heavy.end(&TIMING, &end(msn, 100_000));
        assert!(heavy.bytes() <= BYTES_MAX);
    }
    assert!(heavy.squeezed() > 0);
}

proptest! {
    #[test]
    fn whatever_comes_numbers_rise_and_what_is_listed_can_be_fetched(
        steps in prop::collection::vec((1_usize..12, 1_i64..210_000, any::<bool>(), any::<bool>()), 1..60)
    ) {
        let mut rendition = Rendition::default();
        let mut number = 0;
        let mut seen: Vec<(u64, i64, Timestamp)> = Vec::new();
        let (mut msn_before, mut dsn_before) = (0, 0);
        for (msn, (parts, us, discontinuity, gap)) in steps.into_iter().enumerate() {
            let msn = msn as u64;
            let mark = Mark { discontinuity, ..mark(msn) };
            rendition.start(&TIMING, mark, &start(msn, (!gap).then(|| init("aa"))));
            for _ in 0..if gap { 0 } else { parts } {
                rendition.part(part(number, msn, us, true));
                number += 1;
            }
            let duration_us = us * parts as i64;
            rendition.end(&TIMING, &SegmentEnd { msn, duration_us, gap });
            prop_assert!(rendition.media_sequence() >= msn_before);
            prop_assert!(rendition.discontinuity_sequence() >= dsn_before);
            msn_before = rendition.media_sequence();
            dsn_before = rendition.discontinuity_sequence();
            for one in rendition.listed() {
                prop_assert_eq!(rendition.segment(one.mark.msn).is_some(), !one.gap);
                for part in &one.parts {
                    prop_assert_eq!(rendition.find_part(part.number), Some(part));
                }
                let known = (one.mark.msn, one.duration_us, one.mark.pdt);
                match seen.iter().find(|(msn, ..)| *msn == known.0) {
                    Some(before) => prop_assert_eq!(before, &known),
                    None => seen.push(known),
                }
            }
            let held: usize = rendition.whole.iter().map(|one| one.bytes).sum();
            prop_assert_eq!(held, rendition.bytes());
        }
    }
}

#[test]
fn a_segment_of_which_nothing_came_is_a_gap_once_the_next_one_begins() {
    let mut rendition = of_segments(3);
    rendition.start(&TIMING, mark(3), &start(3, None));
    rendition.start(&TIMING, mark(4), &start(4, None));
    let newest = rendition.listed().next_back().unwrap();
    assert_eq!((newest.mark.msn, newest.gap), (3, true));
    assert!(rendition.segment(3).is_none());
    assert_eq!(rendition.tip().next_msn, 4);
}
