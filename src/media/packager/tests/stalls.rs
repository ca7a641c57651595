//! Publishers that stay connected and send nothing for a while: the playlists go on, and so does the show.

use proptest::prelude::*;

use super::support::*;
use crate::flv::Tag;
use crate::output::Output;
use crate::packager::catchup::TOLERANCE_US;
use crate::packager::live::Live;
use crate::show::wallclock::Wallclock;
use crate::timeline::Timeline;
use crate::{Item, TrackId};
use weir_model::Timestamp;

const SECOND: i64 = 1_000_000;
/// RFC 8216bis §6.2.1: a new segment within 1.5 targets.
const PATIENCE_US: i64 = 6 * SECOND;
/// The publisher's first frame arrives some time after the clock's zero.
const BEGIN_US: i64 = 100 * SECOND;

/// At the speed of life.
const LIFE: Option<i64> = Some(100);

/// How a publisher goes on after a stall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// What it made meanwhile is lost: its times have run on.
    Ahead,
    /// What it made meanwhile comes at once.
    Burst,
    /// What it made meanwhile comes at three times the speed of life, until it has caught up.
    Hurry,
    /// It was frozen: its times go on where they stopped.
    Frozen,
}

/// Play for so long, then be silent for so long, milliseconds.
type Stall = (i64, i64, Resume);

/// A publisher, the packager and the clock of both.
struct Simulation {
    live: Live,
    timeline: Timeline,
    out: Vec<Output>,
    now_us: i64,
    wallclock: Wallclock,
    /// How far the end of each segment of pictures was before the wall clock when it appeared, milliseconds.
    ahead_ms: Vec<i64>,
    /// When each rendition got its segments.
    appeared: Vec<(TrackId, i64)>,
    seen: usize,
    /// Next frame of each track on the publisher's clock: pictures and frames of sound so far.
    source_ms: i64,
    frames: (i64, i64),
}

impl Simulation {
    fn new() -> Self {
        let mut one = Self {
            live: Live::new(CONFIG, FIRST_MSN, FIRST_PART),
            timeline: Timeline::new(0),
            out: Vec::new(),
            now_us: BEGIN_US,
            wallclock: Wallclock::new(Timestamp(BEGIN_US / 1000)),
            ahead_ms: Vec::new(),
            appeared: Vec::new(),
            seen: 0,
            source_ms: 0,
            frames: (0, 0),
        };
        one.send(Tag::Config { track: V0, config: (*avc(1)).clone() });
        one.send(Tag::Config { track: A0, config: (*aac(48_000, 1024)).clone() });
        one
    }

    /// Time passes; gaps are declared when they are due.
    fn wait_until(&mut self, until_us: i64) {
        while let Some(due_us) = self.live.due_us().filter(|due_us| *due_us <= until_us) {
            self.now_us = self.now_us.max(due_us);
            assert!(self.now_us < BEGIN_US + 1_000 * SECOND, "time does not stand still");
            assert!(self.live.declare(self.now_us, &mut self.out));
            self.note();
        }
        self.now_us = self.now_us.max(until_us);
    }

    fn send(&mut self, tag: Tag) {
        let mut items: Vec<Item> = Vec::new();
        self.timeline.push(tag, &mut items);
        let now = Timestamp(self.now_us / 1000);
        for item in items {
            if let Some(line_us) = self.live.take(item, self.now_us, &mut self.out) {
                self.wallclock.set(line_us, now);
            }
        }
        self.wallclock.observe(self.live.packager().end_us(), now);
        self.note();
    }

    fn note(&mut self) {
        let mut start_us = 0;
        for (at, output) in self.out.iter().enumerate() {
            if let Output::Start(V0, start) = output {
                start_us = start.start_us;
                if at >= self.seen {
                    self.wallclock.anchor();
                }
            }
            if let Output::End(track, end) = output
                && at >= self.seen
            {
                self.appeared.push((*track, self.now_us));
                if *track == V0 && !end.gap {
                    let end_ms = (start_us + end.duration_us) / 1000;
                    let pdt = self.wallclock.anchor().plus_ms(end_ms);
                    self.ahead_ms.push(pdt.since_ms(Timestamp(self.now_us / 1000)));
                }
            }
        }
        self.seen = self.out.len();
    }

    /// Sends `ms` of the publisher's clock at so many per cent of the speed of life, or at once.
    fn play(&mut self, ms: i64, speed: Option<i64>, tracks: &[TrackId]) {
        let (from_ms, from_us) = (self.source_ms, self.now_us);
        let until_ms = from_ms + ms;
        loop {
            let video_ms = self.frames.0 * 1000 / 30;
            let audio_ms = self.frames.1 * 1024 / 48;
            let next_ms = video_ms.min(audio_ms);
            if next_ms >= until_ms {
                break;
            }
            if let Some(percent) = speed {
                self.wait_until(from_us + (next_ms - from_ms) * 100_000 / percent);
            }
            let (track, key) = match video_ms <= audio_ms {
                true => (V0, self.frames.0 % 60 == 0),
                false => (A0, true),
            };
            match track {
                V0 => self.frames.0 += 1,
                _ => self.frames.1 += 1,
            }
            if tracks.contains(&track) {
                let payload = payload(track, next_ms);
                let timestamp_ms = u32::try_from(next_ms).unwrap();
                self.send(Tag::Frame { track, timestamp_ms, cts_ms: 0, key, payload });
            }
        }
        self.source_ms = until_ms;
        if let Some(percent) = speed {
            self.wait_until(from_us + ms * 100_000 / percent);
        }
    }

    /// Moves the publisher's clock on without sending.
    fn lose(&mut self, ms: i64) {
        self.source_ms += ms;
        self.frames = (self.source_ms * 30 / 1000 + 1, self.source_ms * 48 / 1024 + 1);
    }

    fn stall(&mut self, (play_ms, silent_ms, resume): Stall) {
        self.play(play_ms, LIFE, &[V0, A0]);
        self.wait_until(self.now_us + silent_ms * 1000);
        match resume {
            Resume::Ahead => self.lose(silent_ms),
            Resume::Burst => self.play(silent_ms, None, &[V0, A0]),
            Resume::Hurry => self.play(silent_ms * 3 / 2, Some(300), &[V0, A0]),
            Resume::Frozen => {}
        }
    }

    /// Ends the show and reads what came out.
    fn end(mut self) -> Ended {
        self.live.close(self.now_us, &mut self.out);
        self.note();
        let target_us = self.live.packager().part_target_us().expect("it began");
        let read = Read::new(&self.out, target_us);
        assert_eq!(read.last_msn(), Some(self.live.packager().next_msn() - 1));
        let (dropped, late) = (self.live.packager().dropped(), self.live.late());
        Ended { read, appeared: self.appeared, ahead_ms: self.ahead_ms, dropped, late }
    }
}

/// What is known of a show that is over.
struct Ended {
    read: Read,
    appeared: Vec<(TrackId, i64)>,
    ahead_ms: Vec<i64>,
    dropped: u64,
    late: u64,
}

fn simulate(stalls: &[Stall]) -> Ended {
    let mut simulation = Simulation::new();
    for stall in stalls {
        simulation.stall(*stall);
    }
    simulation.play(5_000, LIFE, &[V0, A0]);
    simulation.end()
}

fn gaps(read: &Read, track: TrackId) -> Vec<bool> {
    read.of(track).iter().map(|one| one.end.as_ref().unwrap().gap).collect()
}

fn flags(read: &Read, track: TrackId) -> Vec<bool> {
    read.of(track).iter().map(|one| one.start.discontinuity).collect()
}

fn longest_wait_us(appeared: &[(TrackId, i64)], track: TrackId) -> i64 {
    let times: Vec<i64> =
        appeared.iter().filter(|one| one.0 == track).map(|(_, at_us)| *at_us).collect();
    times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or(0)
}

/// How far a sample was put from the publisher's own time, microseconds.
fn moved_us(found: &Found, scale: i64) -> i64 {
    let source_ms = i64::from_be_bytes(found.payload[..8].try_into().unwrap());
    (found.dts + found.offset) * SECOND / scale - source_ms * 1000
}

/// No two segments of a track share time, and all renditions declare the same gaps.
fn check_line(read: &Read) {
    for (track, scale) in [(V0, 90_000), (A0, 48_000)] {
        let mut end_us = i64::MIN;
        for one in read.of(track) {
            let (start_us, duration_us) =
                (one.start.start_us, one.end.as_ref().unwrap().duration_us);
            let us = |ticks: i64| ticks * SECOND / scale;
            let first_us = one.samples().next().map_or(start_us, |first| us(first.dts));
            let last_us = one
                .samples()
                .last()
                .map_or(start_us + duration_us, |last| us(last.dts + last.duration));
            // Sound is cut between its own frames, and may have none where there is one last picture.
            assert!(first_us + 45_000 >= end_us, "{track} {}: {first_us} {end_us}", one.start.msn);
            end_us = last_us;
            assert!(duration_us <= 4_300_000, "{track} {duration_us}");
        }
    }
    let spans = |track: TrackId| -> Vec<_> {
        // One last picture, for which there is no sound, makes a gap that was not declared.
        let declared = |one: &&SegmentFound| {
            one.end.as_ref().unwrap().gap && one.end.as_ref().unwrap().duration_us > 100_000
        };
        let span = |one: &SegmentFound| {
            (one.start.msn, one.start.start_us, one.end.as_ref().unwrap().duration_us)
        };
        read.of(track).iter().filter(declared).map(span).collect()
    };
    assert_eq!(spans(V0), spans(A0));
    assert_eq!(flags(read, V0), flags(read, A0));
}

/// Between two discontinuities sound and picture are moved alike.
fn check_sync(read: &Read) {
    let mut base: [Option<i64>; 2] = [None, None];
    for (video, audio) in read.of(V0).iter().zip(read.of(A0)) {
        if video.start.discontinuity {
            base = [None, None];
        }
        for (at, segment, scale) in [(0, video, 90_000), (1, audio, 48_000)] {
            // Silence that fills a hole has no time of its own.
            let own = |one: &&Found| one.payload.len() == 10;
            if let Some(first) = segment.samples().filter(own).last() {
                base[at] = Some(moved_us(first, scale));
            }
        }
        if let [Some(picture), Some(sound)] = base {
            // The time line steers sound by less than people notice (BT.1359).
            assert!((picture - sound).abs() <= 46_000, "{picture} {sound}");
        }
    }
}

/// What comes behind declared gaps begins with a key frame, and with its sound.
fn check_joints(read: &Read) {
    let gaps = gaps(read, V0);
    for (at, video) in read.of(V0).iter().enumerate().skip(1) {
        if gaps[at - 1] && !gaps[at] && video.start.discontinuity {
            assert!(video.samples().next().unwrap().key, "{}", video.start.msn);
            let sound = read.of(A0)[at].start.start_us;
            assert!((sound - video.start.start_us).abs() <= 100_000, "{}", video.start.msn);
        }
    }
}

const RESUMES: [Resume; 4] = [Resume::Ahead, Resume::Burst, Resume::Hurry, Resume::Frozen];

#[test]
fn a_stall_is_declared_in_time_and_the_show_goes_on_behind_it_however_the_publisher_comes_back() {
    for resume in RESUMES {
        let Ended { read, appeared, ahead_ms, dropped, late } = simulate(&[(5_000, 7_300, resume)]);
        check_line(&read);
        check_sync(&read);
        check_joints(&read);
        assert_eq!(dropped, 0, "{resume:?}: nothing is out of place");
        assert!((0..=850).contains(&late), "{resume:?}: {late}");
        for track in [V0, A0] {
            let gaps = gaps(&read, track);
            // 4 s when the next segment is overdue, 2 s more whenever they have passed.
            assert_eq!(gaps[..5], [false, false, false, true, true], "{resume:?}");
            let back = gaps.iter().rposition(|gap| *gap).unwrap() + 1;
            assert!(gaps[3..back].iter().all(|gap| *gap), "{resume:?}: {gaps:?}");
            assert!((5..9).contains(&back), "{resume:?}: {gaps:?}");
            assert_eq!(flags(&read, track).iter().filter(|flag| **flag).count(), 1, "{resume:?}");
            assert!(flags(&read, track)[back], "{resume:?}: behind the gaps");
            assert!(longest_wait_us(&appeared, track) <= PATIENCE_US, "{resume:?}");
        }
        let last_ms = *ahead_ms.last().unwrap();
        assert!(last_ms.abs() <= 200, "{resume:?}: {ahead_ms:?}");
    }
}

#[test]
fn media_that_waited_in_a_queue_is_dropped_and_what_is_made_now_is_in_its_place() {
    let Ended { read, late, .. } = simulate(&[(5_000, 7_300, Resume::Burst)]);
    // The key frame of 12 s arrives after 12.3 s: that is in time.
    let back = read.of(V0).iter().find(|one| one.start.discontinuity).unwrap();
    assert_eq!((back.start.start_us, back.start.msn), (12_000_000, FIRST_MSN + 5));
    assert_eq!(moved_us(back.samples().next().unwrap(), 90_000), 0);
    // 7 s of 30 pictures and 46.9 frames of sound.
    assert!((530..=545).contains(&late), "{late}");
}

#[test]
fn a_publisher_slower_than_real_time_keeps_its_segments_coming() {
    for percent in [10, 25, 40, 60, 90] {
        let mut simulation = Simulation::new();
        simulation.play(5_000, LIFE, &[V0, A0]);
        simulation.play(200 * percent, Some(percent), &[V0, A0]);
        simulation.play(5_000, LIFE, &[V0, A0]);
        let Ended { read, appeared, dropped, late, .. } = simulation.end();
        check_line(&read);
        check_sync(&read);
        assert_eq!((dropped, late), (0, 0), "{percent}");
        assert_eq!(read.bad_parts(), [], "{percent}");
        for track in [V0, A0] {
            assert!(gaps(&read, track).iter().all(|gap| !gap), "{percent}");
            assert!(flags(&read, track).iter().all(|flag| !flag), "{percent}");
            let longest_us = longest_wait_us(&appeared, track);
            assert!(longest_us <= PATIENCE_US, "{percent}: {longest_us}");
        }
    }
}

#[test]
fn parts_that_were_published_before_a_stall_stay_and_the_open_segment_is_ended() {
    let mut simulation = Simulation::new();
    simulation.play(5_000, LIFE, &[V0, A0]);
    let before = simulation.out.len();
    let open = Read::new(&simulation.out, 201_000).of(V0)[2].parts.len();
    assert!(open > 0);
    simulation.wait_until(BEGIN_US + 9_000_000 - 1);
    assert_eq!(simulation.out.len(), before, "media that is merely late");
    simulation.wait_until(BEGIN_US + 9_100_000);
    let read = Read::new(&simulation.out, 201_000);
    let ended = &read.of(V0)[2];
    assert!(ended.parts.len() > open && !ended.end.as_ref().unwrap().gap);
    assert!(gaps(&read, V0)[3..].iter().all(|gap| *gap));
}

#[test]
fn a_short_stall_declares_and_breaks_nothing() {
    for resume in [Resume::Burst, Resume::Frozen] {
        let Ended { read, .. } = simulate(&[(5_000, 2_500, resume)]);
        let Ended { read: plain, .. } = simulate(&[]);
        let whole = read.of(V0).len();
        assert!(whole > plain.of(V0).len());
        for track in [V0, A0] {
            assert_eq!(gaps(&read, track), vec![false; whole]);
            assert_eq!(flags(&read, track), vec![false; whole]);
        }
    }
    let Ended { read: ahead, .. } = simulate(&[(5_000, 2_500, Resume::Ahead)]);
    assert!(flags(&ahead, V0).iter().all(|flag| !flag));
}

#[test]
fn a_publisher_that_is_dropped_for_its_silence_gets_no_gap_twice() {
    let mut simulation = Simulation::new();
    simulation.play(5_000, LIFE, &[V0, A0]);
    simulation.wait_until(BEGIN_US + 25_000_000);
    simulation.live.close(simulation.now_us, &mut simulation.out);
    simulation.wait_until(BEGIN_US + 40_000_000);
    let end_us = simulation.live.packager().end_us();
    assert!((38_000_000..=40_100_000).contains(&end_us), "{end_us}");
    simulation.live.end();
    simulation.wait_until(BEGIN_US + 60_000_000);
    let Ended { read, appeared, .. } = simulation.end();
    check_line(&read);
    assert_eq!(gaps(&read, V0).iter().filter(|gap| **gap).count(), 16);
    assert!(longest_wait_us(&appeared, V0) <= PATIENCE_US);
}

#[test]
fn a_publisher_that_connects_and_sends_late_is_put_behind_the_gaps_declared_meanwhile() {
    let mut simulation = Simulation::new();
    simulation.play(5_000, LIFE, &[V0, A0]);
    simulation.live.close(simulation.now_us, &mut simulation.out);
    simulation.wait_until(BEGIN_US + 11_000_000);
    simulation.live.attach();
    simulation.timeline = Timeline::new(simulation.live.packager().end_us().max(11_000_000));
    simulation.wait_until(BEGIN_US + 16_500_000);
    simulation.frames = (0, 0);
    simulation.source_ms = 0;
    simulation.send(Tag::Config { track: V0, config: (*avc(1)).clone() });
    simulation.send(Tag::Config { track: A0, config: (*aac(48_000, 1024)).clone() });
    simulation.play(5_000, LIFE, &[V0, A0]);
    let Ended { read, appeared, dropped, .. } = simulation.end();
    check_line(&read);
    check_sync(&read);
    assert_eq!(dropped, 0);
    assert!(longest_wait_us(&appeared, A0) <= PATIENCE_US);
    let back = read.of(V0).iter().find(|one| one.start.discontinuity).unwrap();
    assert!(back.start.start_us >= 16_400_000, "{}", back.start.start_us);
}

#[test]
fn one_track_that_stalls_leaves_gaps_in_its_rendition_and_both_playlists_go_on() {
    for (goes_on, stops) in [(A0, V0), (V0, A0)] {
        let mut simulation = Simulation::new();
        simulation.play(5_000, LIFE, &[V0, A0]);
        simulation.play(14_000, LIFE, &[goes_on]);
        simulation.play(8_000, LIFE, &[V0, A0]);
        let Ended { read, appeared, .. } = simulation.end();
        assert!(longest_wait_us(&appeared, goes_on) <= PATIENCE_US, "{goes_on}");
        assert!(longest_wait_us(&appeared, stops) <= PATIENCE_US, "{stops}");
        assert!(gaps(&read, goes_on).iter().all(|gap| !gap), "{goes_on}");
        let gaps = gaps(&read, stops);
        assert!(gaps.iter().filter(|gap| **gap).count() >= 3, "{stops}: {gaps:?}");
        assert_eq!(gaps.last(), Some(&false), "{stops} comes back");
        assert_eq!(flags(&read, goes_on), flags(&read, stops));
    }
}

#[test]
fn a_hurry_that_ends_long_after_the_first_of_two_stalls_is_waited_for() {
    let stalls = [
        (4_584, 1_723, Resume::Ahead),
        (2_694, 3_998, Resume::Frozen),
        (2_500, 12_002, Resume::Hurry),
        (2_500, 6_500, Resume::Ahead),
    ];
    let Ended { ahead_ms, .. } = simulate(&stalls);
    assert!(ahead_ms.iter().all(|ms| *ms * 1000 <= TOLERANCE_US), "{ahead_ms:?}");
    assert!(*ahead_ms.last().unwrap() >= -200, "{ahead_ms:?}");
}

fn stall() -> impl Strategy<Value = Stall> {
    let resume = prop::sample::select(RESUMES.to_vec());
    (2_500..7_000_i64, prop_oneof![0..3_000_i64, 3_000..15_000_i64], resume)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stalls_come_playlists_grow_in_time_and_no_time_is_told_twice(
        stalls in prop::collection::vec(stall(), 1..6),
    ) {
        // Reading checks numbers, parts and flags of every rendition.
        let Ended { read, appeared, .. } = simulate(&stalls);
        check_line(&read);
        check_sync(&read);
        check_joints(&read);
        for track in [V0, A0] {
            prop_assert!(longest_wait_us(&appeared, track) <= PATIENCE_US, "{appeared:?}");
        }
    }

    #[test]
    fn date_times_are_the_wall_clock_after_any_number_of_stalls(
        stalls in prop::collection::vec(stall(), 1..6),
        last in (2_500..7_000_i64, 6_500..15_000_i64, prop::sample::select(RESUMES.to_vec())),
    ) {
        let stalls: Vec<Stall> = stalls.into_iter().chain([last]).collect();
        let Ended { ahead_ms, .. } = simulate(&stalls);
        // The lead counts as back when it is within the tolerance of what it was.
        prop_assert!(ahead_ms.iter().all(|ms| *ms * 1000 <= TOLERANCE_US), "{ahead_ms:?}");
        prop_assert!(*ahead_ms.last().unwrap() >= -200, "{ahead_ms:?}");
    }
}
