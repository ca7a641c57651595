//! Publishers that stay connected and send nothing for a while: the playlists go on, and so does the show.

use proptest::prelude::*;

use super::support::*;
use crate::flv::Tag;
use crate::output::Output;
use crate::packager::live::Live;
use crate::timeline::Timeline;
use crate::{Item, TrackId};

const SECOND: i64 = 1_000_000;
/// RFC 8216bis §6.2.1: a new segment within 1.5 targets.
const PATIENCE_US: i64 = 6 * SECOND;
/// The publisher's first frame arrives some time after the clock's zero.
const BEGIN_US: i64 = 100 * SECOND;

/// How a publisher goes on after a stall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// What it made meanwhile is lost: its times have run on.
    Ahead,
    /// What it made meanwhile comes at once.
    Burst,
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
            assert!(self.live.declare(self.now_us, &mut self.out));
            self.note();
        }
        self.now_us = self.now_us.max(until_us);
    }

    fn send(&mut self, tag: Tag) {
        let mut items: Vec<Item> = Vec::new();
        self.timeline.push(tag, &mut items);
        self.live.take(items, self.now_us, &mut self.out);
        self.note();
    }

    fn note(&mut self) {
        for output in &self.out[self.seen..] {
            if let Output::End(track, _) = output {
                self.appeared.push((*track, self.now_us));
            }
        }
        self.seen = self.out.len();
    }

    /// Sends `ms` of the publisher's clock, at the speed of life or at once.
    fn play(&mut self, ms: i64, at_once: bool, tracks: &[TrackId]) {
        let (from_ms, from_us) = (self.source_ms, self.now_us);
        let until_ms = from_ms + ms;
        loop {
            let video_ms = self.frames.0 * 1000 / 30;
            let audio_ms = self.frames.1 * 1024 / 48;
            let next_ms = video_ms.min(audio_ms);
            if next_ms >= until_ms {
                break;
            }
            if !at_once {
                self.wait_until(from_us + (next_ms - from_ms) * 1000);
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
        if !at_once {
            self.wait_until(from_us + ms * 1000);
        }
    }

    /// Moves the publisher's clock on without sending.
    fn lose(&mut self, ms: i64) {
        self.source_ms += ms;
        self.frames = (self.source_ms * 30 / 1000 + 1, self.source_ms * 48 / 1024 + 1);
    }

    fn stall(&mut self, (play_ms, silent_ms, resume): Stall) {
        self.play(play_ms, false, &[V0, A0]);
        self.wait_until(self.now_us + silent_ms * 1000);
        match resume {
            Resume::Ahead => self.lose(silent_ms),
            Resume::Burst => self.play(silent_ms, true, &[V0, A0]),
            Resume::Frozen => {}
        }
    }

    /// Ends the show and reads what came out.
    fn end(mut self) -> (Read, Vec<(TrackId, i64)>, u64) {
        self.live.close(self.now_us, &mut self.out);
        self.note();
        let target_us = self.live.packager().part_target_us().expect("it began");
        let read = Read::new(&self.out, target_us);
        assert_eq!(read.last_msn(), Some(self.live.packager().next_msn() - 1));
        (read, self.appeared, self.live.packager().dropped())
    }
}

fn simulate(stalls: &[Stall]) -> (Read, Vec<(TrackId, i64)>, u64) {
    let mut simulation = Simulation::new();
    for stall in stalls {
        simulation.stall(*stall);
    }
    simulation.play(5_000, false, &[V0, A0]);
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

#[test]
fn a_stall_is_declared_in_time_and_the_show_goes_on_behind_it_however_the_publisher_comes_back() {
    for resume in [Resume::Ahead, Resume::Burst, Resume::Frozen] {
        let (read, appeared, dropped) = simulate(&[(5_000, 7_300, resume)]);
        check_line(&read);
        check_sync(&read);
        assert_eq!(dropped, 0, "{resume:?}: nothing is too late");
        for track in [V0, A0] {
            let gaps = gaps(&read, track);
            // 4 s when the next segment is overdue, 2 s more when they have passed.
            assert_eq!(gaps[..5], [false, false, false, true, true], "{resume:?}");
            assert!(gaps[5..].iter().all(|gap| !gap), "{resume:?}: {gaps:?}");
            assert_eq!(flags(&read, track).iter().filter(|flag| **flag).count(), 1, "{resume:?}");
            assert!(flags(&read, track)[5], "{resume:?}: behind the gaps");
            assert!(longest_wait_us(&appeared, track) <= PATIENCE_US, "{resume:?}");
        }
        // 5 s of media, 7.3 s of silence: the rest of the last gap is nobody's.
        let back_us = read.of(V0)[5].start.start_us;
        assert!((12_200_000..12_500_000).contains(&back_us), "{resume:?}: {back_us}");
    }
}

#[test]
fn parts_that_were_published_before_a_stall_stay_and_the_open_segment_is_ended() {
    let mut simulation = Simulation::new();
    simulation.play(5_000, false, &[V0, A0]);
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
        let (read, ..) = simulate(&[(5_000, 2_500, resume)]);
        let (plain, ..) = simulate(&[]);
        let whole = read.of(V0).len();
        assert!(whole > plain.of(V0).len());
        for track in [V0, A0] {
            assert_eq!(gaps(&read, track), vec![false; whole]);
            assert_eq!(flags(&read, track), vec![false; whole]);
        }
    }
    let (ahead, ..) = simulate(&[(5_000, 2_500, Resume::Ahead)]);
    assert!(flags(&ahead, V0).iter().all(|flag| !flag));
}

#[test]
fn a_publisher_that_is_dropped_for_its_silence_gets_no_gap_twice() {
    let mut simulation = Simulation::new();
    simulation.play(5_000, false, &[V0, A0]);
    simulation.wait_until(BEGIN_US + 25_000_000);
    simulation.live.close(simulation.now_us, &mut simulation.out);
    simulation.wait_until(BEGIN_US + 40_000_000);
    let end_us = simulation.live.packager().end_us();
    assert!((38_000_000..=40_100_000).contains(&end_us), "{end_us}");
    simulation.live.end();
    simulation.wait_until(BEGIN_US + 60_000_000);
    let (read, appeared, _) = simulation.end();
    check_line(&read);
    assert_eq!(gaps(&read, V0).iter().filter(|gap| **gap).count(), 16);
    assert!(longest_wait_us(&appeared, V0) <= PATIENCE_US);
}

#[test]
fn a_publisher_that_connects_and_sends_late_is_put_behind_the_gaps_declared_meanwhile() {
    let mut simulation = Simulation::new();
    simulation.play(5_000, false, &[V0, A0]);
    simulation.live.close(simulation.now_us, &mut simulation.out);
    simulation.wait_until(BEGIN_US + 11_000_000);
    simulation.live.attach();
    simulation.timeline = Timeline::new(simulation.live.packager().end_us().max(11_000_000));
    simulation.wait_until(BEGIN_US + 16_500_000);
    simulation.frames = (0, 0);
    simulation.source_ms = 0;
    simulation.send(Tag::Config { track: V0, config: (*avc(1)).clone() });
    simulation.send(Tag::Config { track: A0, config: (*aac(48_000, 1024)).clone() });
    simulation.play(5_000, false, &[V0, A0]);
    let (read, appeared, dropped) = simulation.end();
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
        simulation.play(5_000, false, &[V0, A0]);
        simulation.play(14_000, false, &[goes_on]);
        simulation.play(8_000, false, &[V0, A0]);
        let (read, appeared, _) = simulation.end();
        assert!(longest_wait_us(&appeared, goes_on) <= PATIENCE_US, "{goes_on}");
        assert!(longest_wait_us(&appeared, stops) <= PATIENCE_US, "{stops}");
        assert!(gaps(&read, goes_on).iter().all(|gap| !gap), "{goes_on}");
        let gaps = gaps(&read, stops);
        assert!(gaps.iter().filter(|gap| **gap).count() >= 3, "{stops}: {gaps:?}");
        assert_eq!(gaps.last(), Some(&false), "{stops} comes back");
        assert_eq!(flags(&read, goes_on), flags(&read, stops));
    }
}

fn stall() -> impl Strategy<Value = Stall> {
    let resume = prop_oneof![Just(Resume::Ahead), Just(Resume::Burst), Just(Resume::Frozen)];
    (2_500..7_000_i64, prop_oneof![0..3_000_i64, 3_000..15_000_i64], resume)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stalls_come_playlists_grow_in_time_and_no_time_is_told_twice(
        stalls in prop::collection::vec(stall(), 1..6),
    ) {
        // Reading checks numbers, parts and flags of every rendition.
        let (read, appeared, dropped) = simulate(&stalls);
        check_line(&read);
        check_sync(&read);
        // Media that comes back before it is given up takes as long as its own segment takes, and that is
        // longer when its key frame is lost.
        let timely = |(_, silent_ms, resume): &Stall| match resume {
            Resume::Ahead => *silent_ms >= 5_100,
            Resume::Burst | Resume::Frozen => !(2_900..5_100).contains(silent_ms),
        };
        if stalls.iter().all(timely) {
            for track in [V0, A0] {
                prop_assert!(longest_wait_us(&appeared, track) <= PATIENCE_US);
            }
        }
        if stalls.iter().all(|(_, _, resume)| *resume != Resume::Ahead) {
            prop_assert_eq!(dropped, 0);
        }
    }
}
