//! Part lengths: between 85 % and 100 % of one announced target (RFC 8216bis §4.4.4.9).

use super::support::*;
use crate::Item;
use crate::output::Output;

const VIDEO: [(i64, i64); 11] = [
    (24, 1),
    (24_000, 1001),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (25, 2),
    (15, 1),
    (10, 1),
];

/// Rate and samples of a frame: AAC, HE-AAC and Opus at the rates publishers use.
const AUDIO: [(i64, i64); 8] = [
    (48_000, 1024),
    (44_100, 1024),
    (48_000, 2048),
    (44_100, 2048),
    (32_000, 1024),
    (16_000, 1024),
    (48_000, 960),
    (44_100, 1152),
];

#[test]
fn whole_frames_of_every_usual_rate_fit_the_announced_target() {
    let mut bad = Vec::new();
    for (num, den) in VIDEO {
        for (rate, samples) in AUDIO {
            let ms = clock_ms(0, 8 * num / den, num, den);
            let video = pictures(V0, &ms, usize::try_from(2 * num / den).unwrap(), 0);
            let audio = sound(rate, samples, 0, 8000);
            let config = aac(u32::try_from(rate).unwrap(), u32::try_from(samples).unwrap());
            let read = package(stream(&[(V0, avc(1), video), (A0, config, audio)]));
            assert!((100_000..=300_000).contains(&read.target_us), "{}", read.target_us);
            if !read.bad_parts().is_empty() {
                bad.push((num, den, rate, samples, read.target_us, read.bad_parts().len()));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn the_target_is_close_to_the_wanted_one_at_common_rates() {
    for (num, den) in [(25, 1), (30, 1), (50, 1), (60, 1), (30_000, 1001), (60_000, 1001)] {
        let video = pictures(V0, &clock_ms(0, 8 * num / den, num, den), 60, 0);
        let audio = sound(48_000, 1024, 0, 8000);
        let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
        assert!((185_000..=225_000).contains(&read.target_us), "{num}: {}", read.target_us);
    }
}

#[test]
fn a_frame_that_comes_late_harms_no_part() {
    for late_ms in [5, 20, 33, 70] {
        let late = |(n, ms): (usize, i64)| ms + if n >= 70 { late_ms } else { 0 };
        let ms: Vec<i64> = clock_ms(0, 240, 30, 1).into_iter().enumerate().map(late).collect();
        let audio = sound(48_000, 1024, 0, 8000);
        let video = pictures(V0, &ms, 60, 0);
        let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
        assert!(read.bad_parts().is_empty(), "{late_ms}: {:?}", read.bad_parts());
    }
}

#[test]
fn pictures_slower_than_parts_make_the_target_as_long_as_a_picture() {
    for (num, den, frame_us) in [(4, 1, 250_000), (2, 1, 500_000), (3, 2, 666_667)] {
        let video = pictures(V0, &clock_ms(0, 20, num, den), 4, 0);
        let audio = sound(48_000, 1024, 0, 20_000 * den / num);
        let read = package(stream(&[(V0, avc(1), video), (A0, aac(48_000, 1024), audio)]));
        assert!(read.target_us >= frame_us && read.target_us <= frame_us * 100 / 85);
        let long = |part: &&(crate::TrackId, u64, i64)| part.2 > read.target_us;
        assert_eq!(read.bad_parts().iter().filter(long).count(), 0);
    }
}

#[test]
fn parts_of_a_varying_rate_never_exceed_the_target() {
    // A screen: 60 per second while things move, 8 per second while they rest.
    let mut ms = vec![0];
    for n in 0..400_i64 {
        let step = if n / 9 % 2 == 0 { 17 } else { 125 };
        ms.push(ms[ms.len() - 1] + step);
    }
    let read = package(stream(&[(V0, avc(1), pictures(V0, &ms, 40, 0))]));
    assert!(read.bad_parts().iter().all(|(_, _, us)| *us <= read.target_us));
    assert!(read.target_us > 250_000, "{}", read.target_us);
}

#[test]
fn a_frame_longer_than_the_target_is_a_part_of_its_own() {
    let mut ms = clock_ms(0, 60, 30, 1);
    ms.extend(clock_ms(2700, 60, 30, 1));
    let read = package(stream(&[(V0, avc(1), pictures(V0, &ms, 30, 0))]));
    let parts = || read.of(V0).iter().flat_map(|one| &one.parts);
    let long: Vec<_> = parts().filter(|(part, _)| part.duration_us > read.target_us).collect();
    assert_eq!(long.len(), 1);
    assert_eq!(long[0].1.len(), 1);
}

#[test]
fn the_target_stays_what_it_was_whatever_a_reconnect_brings() {
    let (mut packager, mut out) = (packager(), Vec::new());
    let first = pictures(V0, &clock_ms(0, 90, 30, 1), 60, 0);
    for item in stream(&[(V0, avc(1), first)]) {
        packager.push(item, &mut out);
    }
    let target_us = packager.part_target_us();
    packager.close(&mut out);
    let second = pictures(V0, &clock_ms(4000, 48, 12, 1), 24, 0);
    for item in stream(&[(V0, avc(2), second)]) {
        packager.push(item, &mut out);
    }
    packager.close(&mut out);
    assert_eq!(packager.part_target_us(), target_us);
    assert_eq!(Read::new(&out, target_us.unwrap()).samples(V0).len(), 138);
}

#[test]
fn nothing_goes_out_before_the_target_is_known_and_the_wait_is_bounded() {
    let (mut packager, mut out) = (packager(), Vec::new());
    packager.push(Item::Config(V0, avc(1)), &mut out);
    packager.push(Item::Config(A0, aac(48_000, 1024)), &mut out);
    let mut known_ms = None;
    for frame in pictures(V0, &clock_ms(0, 150, 30, 1), 60, 0) {
        let ms = frame.dts / 90;
        packager.push(Item::Frame(frame), &mut out);
        assert!(out.is_empty() || packager.part_target_us().is_some());
        known_ms = known_ms.or_else(|| packager.part_target_us().map(|_| ms));
    }
    // Sound was announced and never came.
    assert_eq!(known_ms, Some(2000));
    assert!(!out.is_empty());
}

#[test]
fn whoever_goes_on_with_a_show_keeps_the_target_that_was_told_and_holds_nothing_to_choose_one() {
    const TOLD_US: i64 = 194_000;
    let (mut packager, mut out) = (packager().with_part_target(TOLD_US), Vec::new());
    packager.push(Item::Config(V0, avc(1)), &mut out);
    let mut first_ms = None;
    // 200 ms would suit them better.
    for frame in pictures(V0, &clock_ms(5000, 100, 25, 1), 50, 0) {
        let ms = frame.dts / 90;
        packager.push(Item::Frame(frame), &mut out);
        let parts = out.iter().any(|output| matches!(output, Output::Part(..)));
        first_ms = first_ms.or_else(|| parts.then_some(ms));
    }
    packager.close(&mut out);
    assert!(first_ms.is_some_and(|ms| ms <= 5200), "{first_ms:?}");
    let read = Read::new(&out, TOLD_US);
    let parts = || read.of(V0).iter().flat_map(|one| &one.parts);
    assert!(parts().all(|(part, _)| part.duration_us <= TOLD_US));
    assert_eq!(read.samples(V0).len(), 100);
}
