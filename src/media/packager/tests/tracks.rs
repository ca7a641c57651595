//! Tracks that come, go, change and fall silent; breaks and gaps.

use std::sync::Arc;

use super::support::*;
use crate::output::Output;
use crate::packager::Packager;
use crate::{Frame, Item};

fn feed(packager: &mut Packager, items: Vec<Item>, out: &mut Vec<Output>) {
    for item in items {
        packager.push(item, out);
    }
}

fn av(from_ms: i64, seconds: i64) -> Vec<Item> {
    let video = pictures(V0, &clock_ms(from_ms, 30 * seconds, 30, 1), 60, 0);
    let audio = sound(48_000, 1024, from_ms, from_ms + seconds * 1000);
    stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)])
}

fn flags(read: &Read, track: crate::TrackId) -> Vec<bool> {
    read.of(track).iter().map(|one| one.start.discontinuity).collect()
}

#[test]
fn a_discontinuity_closes_every_rendition_and_flags_the_next_segment_in_every_one() {
    let mut items = av(0, 3);
    items.push(Item::Discontinuity);
    items.extend(av(5000, 3));
    let read = package(items);
    for track in [V0, A0] {
        assert_eq!(flags(&read, track), [false, false, true, false]);
        assert_eq!(read.of(track)[2].start.start_us, 5_000_000);
    }
    assert_eq!(read.lengths_ms(V0), [2000, 1000, 2000, 1000]);
}

#[test]
fn sound_from_around_the_first_picture_states_when_it_begins() {
    for sound_ms in [-70, -30, 0, 10, 60, 90] {
        let mut items = av(0, 3);
        items.push(Item::Discontinuity);
        let video = pictures(V0, &clock_ms(5000, 120, 30, 1), 60, 0);
        let mut audio = sound(48_000, 1024, 5000 + sound_ms, 9000);
        // The picture comes first, as after a reader that begins at a key frame.
        items.push(Item::Frame(video[0].clone()));
        items.extend(audio.drain(..5).map(Item::Frame));
        let rest = stream(&[(V0, avc(1), video[1..].to_vec()), (A0, aac(48_000, 1024), audio)]);
        items.extend(rest.into_iter().filter(|item| !matches!(item, Item::Config(..))));
        let read = package(items);
        for pair in read.of(A0)[2..].windows(2) {
            let apart_us = pair[1].start.start_us - pair[0].start.start_us;
            let off_us = apart_us - pair[0].end.as_ref().unwrap().duration_us;
            assert!(off_us.abs() <= 45_000, "{sound_ms}: {off_us} at {}", pair[0].start.msn);
        }
    }
}

#[test]
fn a_changed_configuration_is_a_discontinuity_with_a_new_init_section() {
    let mut items = av(0, 3);
    items.push(Item::Config(V0, avc(2)));
    items.extend(av(3000, 3).into_iter().skip(2));
    let read = package(items);
    assert_eq!(flags(&read, V0), [false, false, true, false]);
    assert_eq!(flags(&read, A0), [false, false, true, false]);
    let init = |at: usize| Arc::clone(read.of(V0)[at].start.init.as_ref().unwrap());
    assert_eq!(init(0), init(1));
    assert_ne!(init(1).hash, init(2).hash);
    assert_eq!(*init(2).config, *avc(2));
}

#[test]
fn the_same_configuration_again_changes_nothing() {
    let (mut plain, mut repeated) = (Vec::new(), Vec::new());
    feed(&mut packager(), av(0, 5), &mut plain);
    let mut items = Vec::new();
    for item in av(0, 5) {
        items.push(item);
        if items.len() % 50 == 3 {
            items.push(Item::Config(V0, avc(1)));
        }
    }
    feed(&mut packager(), items, &mut repeated);
    assert_eq!(plain, repeated);
}

#[test]
fn sound_that_arrives_late_joins_with_the_current_number() {
    let video = pictures(V0, &clock_ms(0, 240, 30, 1), 60, 0);
    let mut items = vec![Item::Config(V0, avc(1))];
    let audio = sound(48_000, 1024, 2500, 8000);
    let late = stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]);
    items.extend(late.into_iter().skip(2));
    let at = items.iter().position(|one| matches!(one, Item::Frame(f) if f.track == A0)).unwrap();
    items.insert(at, Item::Config(A0, aac(48_000, 1024)));
    let read = package(items);
    assert_eq!(read.of(V0)[0].start.msn, FIRST_MSN);
    assert_eq!(read.of(A0)[0].start.msn, FIRST_MSN + 1);
    // It says when it really begins, and is aligned from the next segment on.
    assert_eq!(read.of(A0)[0].start.start_us, 2_500_000);
    assert_eq!(read.of(A0)[1].start.start_us, 4_000_000);
    assert!(flags(&read, V0).iter().all(|flag| !flag));
}

#[test]
fn a_track_that_vanishes_leaves_gap_segments_while_others_go_on() {
    let video = pictures(V0, &clock_ms(0, 300, 30, 1), 60, 0);
    let audio = sound(48_000, 1024, 0, 3000);
    let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
    let gaps = |track| -> Vec<bool> {
        read.of(track).iter().map(|one| one.end.as_ref().unwrap().gap).collect()
    };
    assert_eq!(gaps(V0), [false; 5]);
    assert_eq!(gaps(A0), [false, false, true, true, true]);
    assert_eq!(read.lengths_ms(A0)[2..], [2000, 2000, 2000]);
}

#[test]
fn gap_segments_of_a_vanished_track_follow_within_a_second_of_media() {
    let (mut packager, mut out) = (packager(), Vec::new());
    let video = pictures(V0, &clock_ms(0, 300, 30, 1), 60, 0);
    let audio = sound(48_000, 1024, 0, 3000);
    let items = stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]);
    for item in items {
        let ms = match &item {
            Item::Frame(Frame { track, dts, .. }) if *track == V0 => dts / 90,
            _ => 0,
        };
        packager.push(item, &mut out);
        let read = Read::new(&out, 201_000);
        let ended = read.lengths_ms(A0).len() as i64;
        assert!(ms < 1000 || ended >= (ms - 1000) / 2000, "{ended} at {ms}");
    }
}

#[test]
fn when_pictures_stall_sound_goes_on_and_the_picture_stays_until_the_forced_cut() {
    let mut ms = clock_ms(0, 75, 30, 1);
    ms.extend(clock_ms(9000, 90, 30, 1));
    // The key frame after the stall is the first one that comes.
    let mut video = pictures(V0, &ms, 60, 0);
    video[75].key = true;
    let audio = sound(48_000, 1024, 0, 12_000);
    let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
    let gaps: Vec<bool> = read.of(V0).iter().map(|one| one.end.as_ref().unwrap().gap).collect();
    assert_eq!(gaps[..2], [false, false]);
    assert!(gaps.contains(&true), "{gaps:?}");
    assert!(read.of(A0).iter().all(|one| !one.end.as_ref().unwrap().gap));
    assert_eq!(read.samples(V0).len(), 165);
    let samples = read.samples(A0);
    assert!(samples.windows(2).all(|two| two[0].dts + two[0].duration == two[1].dts));
    for track in [V0, A0] {
        assert!(
            read.lengths_ms(track).iter().all(|ms| *ms <= 4030),
            "{:?}",
            read.lengths_ms(track)
        );
    }
    // The frame before the stall lasts until its segment ends.
    let frozen = read.of(V0)[1].samples().last().unwrap().duration;
    assert!(frozen > 90_000, "{frozen}");
    let back = read.of(V0).iter().find(|one| one.start.start_us == 9_000_000).unwrap();
    assert!(back.parts[0].0.independent);
}

#[test]
fn sound_does_not_wait_longer_than_a_second_for_pictures() {
    let (mut packager, mut out) = (packager(), Vec::new());
    feed(&mut packager, av(0, 3), &mut out);
    let before = Read::new(&out, 201_000).samples(A0).len();
    for frame in sound(48_000, 1024, 3000, 5000) {
        packager.push(Item::Frame(frame), &mut out);
    }
    let after = Read::new(&out, 201_000).samples(A0).len();
    assert!(after - before > 70, "{before} {after}");
}

#[test]
fn a_second_video_track_is_cut_where_the_first_is() {
    let one = pictures(V0, &clock_ms(0, 180, 30, 1), 60, 66);
    let two = pictures(V1, &clock_ms(0, 180, 30, 1), 60, 33);
    let audio = sound(48_000, 1024, 0, 6000);
    let tracks = [(V0, avc(1), one), (V1, avc(2), two), (A0, aac(48_000, 1024), audio)];
    let read = package(stream(&tracks));
    assert_eq!(read.lengths_ms(V1)[1], 2000);
    for (a, b) in read.of(V0).iter().zip(read.of(V1)) {
        assert_eq!(a.start.start_us, b.start.start_us);
    }
    // Its key frame is shown 33 ms before the boundary, out of tolerance: it stays behind it.
    assert!(!read.of(V1)[1].parts[0].0.independent);
}

#[test]
fn aligned_key_frames_begin_the_segments_of_every_video_track() {
    let one = pictures(V0, &clock_ms(0, 180, 30, 1), 60, 66);
    let two = pictures(V1, &clock_ms(0, 180, 30, 1), 60, 66);
    let read = package(stream(&[(V0, avc(1), one), (V1, avc(2), two)]));
    assert_eq!(read.lengths_ms(V1), [2000, 2000, 2000]);
    assert!(read.of(V1).iter().all(|one| one.parts[0].0.independent));
}

#[test]
fn a_declared_gap_is_in_every_rendition_and_the_show_goes_on_behind_it() {
    let (mut packager, mut out) = (packager(), Vec::new());
    feed(&mut packager, av(0, 3), &mut out);
    let end_us = {
        packager.close(&mut out);
        packager.end_us()
    };
    packager.gap(10_000_000, &mut out);
    assert_eq!(packager.end_us(), end_us + 10_000_000);
    let resume_ms = packager.end_us() / 1000 + 1;
    feed(&mut packager, av(resume_ms, 3), &mut out);
    packager.close(&mut out);
    let read = Read::new(&out, 201_000);
    for track in [V0, A0] {
        let gaps: Vec<bool> =
            read.of(track).iter().map(|one| one.end.as_ref().unwrap().gap).collect();
        assert_eq!(gaps, [false, false, true, true, true, false, false]);
        assert_eq!(read.lengths_ms(track)[2..5].iter().sum::<i64>(), 9990);
        assert_eq!(flags(&read, track), [false, false, false, false, false, true, false]);
    }
    assert_eq!(packager.next_msn(), FIRST_MSN + 7);
}

#[test]
fn a_publisher_that_comes_back_without_sound_leaves_gaps_in_it() {
    let mut items = av(0, 3);
    items.push(Item::Discontinuity);
    items.push(Item::Config(V0, avc(1)));
    let back = pictures(V0, &clock_ms(4000, 120, 30, 1), 60, 0);
    items.extend(back.into_iter().map(Item::Frame));
    let read = package(items);
    let gaps: Vec<bool> = read.of(A0).iter().map(|one| one.end.as_ref().unwrap().gap).collect();
    assert_eq!(gaps, [false, false, true, true]);
    assert_eq!(flags(&read, A0), flags(&read, V0));
}

#[test]
fn a_publisher_that_comes_back_without_pictures_is_led_by_its_sound() {
    let mut items = av(0, 3);
    items.push(Item::Discontinuity);
    items.extend(sound(48_000, 1024, 4000, 10_000).into_iter().map(Item::Frame));
    let read = package(items);
    let gaps: Vec<bool> = read.of(V0).iter().map(|one| one.end.as_ref().unwrap().gap).collect();
    assert_eq!(gaps, [false, false, true, true, true]);
    assert_eq!(read.lengths_ms(A0)[2..].len(), 3);
}

#[test]
fn frames_that_cannot_be_placed_are_dropped_and_counted() {
    let (mut packager, mut out) = (packager(), Vec::new());
    packager.push(Item::Frame(frame(V0, 0, 0, true)), &mut out);
    assert_eq!(packager.dropped(), 1);
    packager.push(Item::Config(V0, avc(1)), &mut out);
    packager.push(Item::Frame(frame(V0, 9000, 0, true)), &mut out);
    packager.push(Item::Frame(frame(V0, 9000, 0, false)), &mut out);
    assert_eq!(packager.dropped(), 2);
    // What leans on the lost picture goes with it, until the next key frame.
    packager.push(Item::Frame(frame(V0, 12_000, 0, false)), &mut out);
    packager.push(Item::Frame(frame(V0, 15_000, 0, true)), &mut out);
    packager.push(Item::Frame(frame(V0, i64::MAX, 0, true)), &mut out);
    assert_eq!(packager.dropped(), 4);
    packager.close(&mut out);
    assert_eq!(Read::new(&out, 200_000).samples(V0).len(), 2);
}

#[test]
fn sound_from_well_before_the_first_picture_is_dropped() {
    let video = pictures(V0, &clock_ms(500, 90, 30, 1), 60, 0);
    let audio = sound(48_000, 1024, 0, 3500);
    let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
    let first = &read.samples(A0)[0];
    assert!((375..=500).contains(&(first.dts * 1000 / 48_000)), "{}", first.dts);
    assert_eq!(read.of(A0)[0].start.start_us, first.dts * 1_000_000 / 48_000);
}

#[test]
fn a_gap_behind_sound_that_ended_early_begins_where_that_ended() {
    let pictures = pictures(V0, &clock_ms(0, 61, 30, 1), 60, 0);
    let read = package(stream(&[
        (V0, avc(1), pictures),
        (A0, aac(48_000, 1024), sound(48_000, 1024, 0, 1_930)),
    ]));
    let [heard, quiet] = read.of(A0) else { panic!("{:?}", read.lengths_ms(A0)) };
    let (heard_end, quiet_end) = (heard.end.as_ref().unwrap(), quiet.end.as_ref().unwrap());
    assert!(quiet_end.gap && !heard_end.gap);
    let end_us = heard.start.start_us + heard_end.duration_us;
    assert!((1_930_000..1_960_000).contains(&end_us), "{end_us}");
    assert!((quiet.start.start_us - end_us).abs() <= 1, "{}", quiet.start.start_us);
    assert_eq!(read.of(V0)[1].start.start_us, 2_000_000);
}
