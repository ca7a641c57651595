//! Where segments begin and end.

use super::support::*;

/// 30 pictures per second with 20 ms more to sound than to pictures.
fn show(gop: usize, seconds: i64, offset_ms: i64) -> Read {
    let video = pictures(V0, &clock_ms(0, 30 * seconds, 30, 1), gop, offset_ms);
    let audio = sound(48_000, 1024, 0, seconds * 1000);
    package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]))
}

#[test]
fn a_segment_ends_at_the_first_key_frame_at_or_after_two_seconds() {
    assert_eq!(show(30, 6, 0).lengths_ms(V0), [2000, 2000, 2000]);
    assert_eq!(show(45, 6, 0).lengths_ms(V0), [3000, 3000]);
    assert_eq!(show(60, 6, 0).lengths_ms(V0), [2000, 2000, 2000]);
}

#[test]
fn a_segment_begins_with_a_key_frame() {
    for segment in show(60, 6, 66).of(V0) {
        assert!(segment.samples().next().expect("a sample").key);
        assert!(segment.parts[0].0.independent);
        assert!(segment.parts[1..].iter().all(|(part, _)| !part.independent));
    }
}

#[test]
fn a_group_longer_than_the_longest_segment_is_cut_and_the_rest_ends_at_the_next_key_frame() {
    let read = show(150, 14, 0);
    assert_eq!(read.lengths_ms(V0), [4000, 1000, 4000, 1000, 4000]);
    let keys: Vec<bool> = read.of(V0).iter().map(|one| one.parts[0].0.independent).collect();
    assert_eq!(keys, [true, false, true, false, true]);
    for length in read.lengths_ms(A0) {
        assert!(length <= 4030, "{length}");
    }
}

#[test]
fn sound_is_cut_at_the_first_frame_shown_with_or_after_the_key_frame() {
    let read = show(60, 8, 66);
    for (video, audio) in read.of(V0).iter().zip(read.of(A0)).skip(1) {
        let boundary_us = video.start.start_us;
        let first = audio.samples().next().expect("sound");
        let first_us = first.dts * 1_000_000 / 48_000;
        assert!((boundary_us..boundary_us + 21_334).contains(&first_us), "{first_us}");
        assert_eq!(audio.start.start_us, boundary_us, "one programme date-time for all");
    }
    assert_eq!(read.of(V0)[1].start.start_us, 2_066_000);
}

#[test]
fn decoding_times_of_a_track_leave_no_hole_and_every_sample_comes_once_in_order() {
    let read = show(150, 14, 66);
    for track in [V0, A0] {
        let samples = read.samples(track);
        for two in samples.windows(2) {
            assert_eq!(two[0].dts + two[0].duration, two[1].dts);
        }
        assert!(samples.iter().all(|one| one.payload == payload(track, one.dts)));
    }
    assert_eq!(read.samples(V0).len(), 420);
    assert_eq!(read.samples(A0).len(), 657);
    assert!(read.samples(V0).iter().all(|one| one.offset == 66 * 90));
}

#[test]
fn sound_alone_is_cut_by_its_own_time() {
    let read = package(stream(&[(A0, aac(48_000, 1024), sound(48_000, 1024, 0, 7000))]));
    assert_eq!(read.lengths_ms(A0), [2010, 2010, 2010, 1000]);
    assert!(read.of(A0).iter().all(|one| one.parts.iter().all(|(part, _)| part.independent)));
}

#[test]
fn pictures_alone_are_packaged_at_once() {
    let (mut packager, mut out) = (packager(), Vec::new());
    for item in stream(&[(V0, avc(1), pictures(V0, &clock_ms(0, 31, 30, 1), 60, 0))]) {
        packager.push(item, &mut out);
    }
    let read = Read::new(&out, 201_000);
    // The last frame's duration is unknown, and nothing else waits.
    assert_eq!(read.samples(V0).len(), 30);
}

#[test]
fn a_part_is_out_as_soon_as_the_length_of_its_last_frame_is_known() {
    let (mut packager, mut out) = (packager(), Vec::new());
    let video = pictures(V0, &clock_ms(0, 60, 30, 1), 60, 0);
    let mut known = Vec::new();
    for (n, item) in stream(&[(V0, avc(1), video)]).into_iter().enumerate() {
        packager.push(item, &mut out);
        known.push((n, Read::new(&out, 201_000).samples(V0).len()));
    }
    // Item 0 is the configuration: item n + 1 is frame n, and says how long frame n - 1 lasts.
    for (item, samples) in known.into_iter().filter(|(item, _)| *item > 20) {
        assert_eq!(samples, (item - 1) / 5 * 5, "at item {item}");
    }
}

#[test]
fn a_group_whose_rounded_times_miss_two_seconds_by_a_millisecond_still_ends_the_segment() {
    let mut ms = clock_ms(0, 180, 30, 1);
    for time in &mut ms[60..120] {
        *time -= 1;
    }
    let read = package(stream(&[(V0, avc(1), pictures(V0, &ms, 60, 0))]));
    assert_eq!(read.lengths_ms(V0), [2000, 2000, 2000]);
}

#[test]
fn the_same_items_give_the_same_bytes() {
    let (one, two) = (show(60, 5, 66), show(60, 5, 66));
    for track in [V0, A0] {
        let bytes = |read: &Read| -> Vec<_> {
            read.of(track)
                .iter()
                .flat_map(|s| s.parts.iter().map(|(p, _)| p.data.clone()))
                .collect()
        };
        assert_eq!(bytes(&one), bytes(&two));
        assert!(!bytes(&one).is_empty());
    }
}

#[test]
fn decoding_before_zero_is_lifted_by_whole_seconds_in_every_track() {
    let video = pictures(V0, &clock_ms(-66, 90, 30, 1), 60, 66);
    let audio = sound(48_000, 1024, 0, 3000);
    let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
    assert_eq!(read.samples(V0)[0].dts, 90_000 - 66 * 90);
    assert_eq!(read.samples(A0)[0].dts, 48_000);
    assert_eq!(read.of(V0)[0].start.start_us, 0);
}

#[test]
fn a_show_that_continues_numbers_on() {
    let mut out = Vec::new();
    let mut packager = packager();
    let video = pictures(V0, &clock_ms(0, 90, 30, 1), 60, 0);
    for item in stream(&[(V0, avc(1), video)]) {
        packager.push(item, &mut out);
    }
    packager.close(&mut out);
    assert_eq!(packager.next_msn(), FIRST_MSN + 2);
    assert_eq!(packager.next_part(), FIRST_PART + 18);
    assert_eq!(packager.end_us(), 2_999_000);
}
