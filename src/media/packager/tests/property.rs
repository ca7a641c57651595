//! What holds for any input: arbitrary intervals, key frames, interleaving, holes and breaks.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::support::*;
use crate::output::Output;
use crate::packager::Packager;
use crate::{CodecConfig, Item, TrackId};

/// One thing a publisher does.
#[derive(Debug, Clone)]
enum Act {
    /// A frame of a track, so many milliseconds after the one before it.
    Frame {
        track: usize,
        step_ms: i64,
        offset_ms: i64,
        key: bool,
    },
    Break,
    Reconfigure(usize),
    Gap(i64),
}

const TRACKS: [TrackId; 3] = [V0, V1, A0];

fn config(track: usize, variant: u8) -> Arc<CodecConfig> {
    if track == 2 { aac([48_000, 44_100][usize::from(variant) % 2], 1024) } else { avc(variant) }
}

/// Intervals of a publisher: mostly regular, at times long, rarely a hole.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 15..45_i64, 4 => 1..200_i64, 1 => 200..9_000_i64]
}

fn act(tracks: usize) -> impl Strategy<Value = Act> {
    let frame = (0..tracks, step(), 0..120_i64, prop::bool::weighted(0.05))
        .prop_map(|(track, step_ms, offset_ms, key)| Act::Frame { track, step_ms, offset_ms, key });
    prop_oneof![
        200 => frame,
        1 => Just(Act::Break),
        1 => (0..tracks).prop_map(Act::Reconfigure),
        1 => (1..9_000_i64).prop_map(Act::Gap),
    ]
}

/// What went in, and the state needed to make the next frame.
struct Publisher {
    packager: Packager,
    out: Vec<Output>,
    /// Payloads of all frames, per track.
    sent: BTreeMap<TrackId, Vec<bytes::Bytes>>,
    time_ms: [i64; 3],
    variants: [u8; 3],
}

impl Publisher {
    fn new(tracks: usize) -> Self {
        let mut packager = packager();
        let mut out = Vec::new();
        for (at, track) in TRACKS.iter().enumerate().skip(3 - tracks) {
            packager.push(Item::Config(*track, config(at, 0)), &mut out);
        }
        Self { packager, out, sent: BTreeMap::new(), time_ms: [0; 3], variants: [0; 3] }
    }

    fn act(&mut self, act: &Act, shift: usize) {
        match *act {
            Act::Frame { track, step_ms, offset_ms, key } => {
                self.frame(track + shift, step_ms, offset_ms, key);
            }
            Act::Break => self.packager.push(Item::Discontinuity, &mut self.out),
            Act::Reconfigure(track) => {
                let at = track + shift;
                self.variants[at] ^= 1;
                let item = Item::Config(TRACKS[at], config(at, self.variants[at]));
                self.packager.push(item, &mut self.out);
            }
            Act::Gap(ms) => {
                self.packager.gap(ms * 1000, &mut self.out);
                self.time_ms = [self.packager.end_us() / 1000 + 1; 3];
            }
        }
    }

    fn frame(&mut self, at: usize, step_ms: i64, offset_ms: i64, key: bool) {
        self.time_ms[at] += step_ms;
        let scale = i64::from(config(at, self.variants[at]).timescale);
        let (dts, sound) = (self.time_ms[at] * scale / 1000, at == 2);
        let offset = if sound { 0 } else { offset_ms * scale / 1000 };
        let frame = frame(TRACKS[at], dts, offset, key || sound);
        self.sent.entry(TRACKS[at]).or_default().push(frame.payload.clone());
        self.packager.push(Item::Frame(frame), &mut self.out);
    }
}

fn is_subsequence(found: &[bytes::Bytes], sent: &[bytes::Bytes]) -> bool {
    let mut rest = sent.iter();
    found.iter().all(|one| rest.any(|other| other == one))
}

fn check(acts: &[Act], tracks: usize) {
    let mut publisher = Publisher::new(tracks);
    for act in acts {
        publisher.act(act, 3 - tracks);
    }
    publisher.packager.close(&mut publisher.out);
    let Publisher { packager, out, sent, .. } = publisher;
    // Reading checks order, numbers, flags, times inside parts, and that durations add up.
    let read = Read::new(&out, packager.part_target_us().unwrap_or(200_000));
    let mut lost = 0;
    for (track, sent) in &sent {
        let found: Vec<_> = read.samples(*track).into_iter().map(|one| one.payload).collect();
        assert!(is_subsequence(&found, sent), "{track}: order");
        lost += (sent.len() - found.len()) as u64;
    }
    assert_eq!(lost, packager.dropped(), "every frame is written once or counted");
    if let Some(last) = read.last_msn() {
        assert_eq!(last + 1, packager.next_msn());
    }
    for (track, segments) in &read.tracks {
        check_track(*track, segments);
    }
}

fn check_track(track: TrackId, segments: &[SegmentFound]) {
    let mut end: Option<i64> = None;
    let mut start_us = i64::MIN;
    for segment in segments {
        let rounded = (segment.end.as_ref().unwrap().duration_us + 500_000) / 1_000_000;
        assert!(rounded <= 4, "{track} {}: {rounded} s", segment.start.msn);
        if segment.start.discontinuity || segment.start.init.is_none() {
            (end, start_us) = (None, i64::MIN);
        }
        let begins_us = segment.start.start_us;
        assert!(
            begins_us >= start_us,
            "{track}: time runs forward: {start_us}, then {begins_us} us"
        );
        start_us = begins_us;
        for sample in segment.samples() {
            assert!(end.is_none_or(|end| sample.dts >= end), "{track}: samples overlap");
            end = Some(sample.dts + sample.duration);
        }
    }
}

/// What chance found once.
#[test]
fn sound_that_comes_after_its_gap_was_told_does_not_begin_before_it() {
    let frame = |track, step_ms| Act::Frame { track, step_ms, offset_ms: 0, key: false };
    let acts = [(2, 15), (0, 15), (1, 38), (1, 17), (1, 3984), (2, 15)];
    let mut acts: Vec<Act> = acts.map(|(track, step_ms)| frame(track, step_ms)).into();
    acts.insert(2, Act::Gap(1));
    check(&acts, 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_publisher_gives_playable_renditions(
        acts in prop::collection::vec(act(3), 1..600),
    ) {
        check(&acts, 3);
    }

    #[test]
    fn sound_alone_with_any_times_is_playable(acts in prop::collection::vec(act(1), 1..300)) {
        check(&acts, 1);
    }

    #[test]
    fn a_regular_publisher_leaves_no_hole_and_no_frame_out(
        steps in prop::collection::vec(15..45_i64, 1..500),
        keys in prop::collection::vec(prop::bool::weighted(0.03), 500),
        offset_ms in 0..120_i64,
    ) {
        let mut ms = 0;
        let mut video = Vec::new();
        for (step, key) in steps.iter().zip(keys) {
            video.push(frame(V0, ms * 90, offset_ms * 90, key || video.is_empty()));
            ms += step;
        }
        let audio = sound(48_000, 1024, 0, ms);
        let read = package(stream(&[
            (V0, avc(1), video.clone()),
            (A0, aac(48_000, 1024), audio.clone()),
        ]));
        for (track, frames) in [(V0, video), (A0, audio)] {
            let samples = read.samples(track);
            let payloads = |list: &[Found]| list.iter().map(|f| f.payload.clone()).collect::<Vec<_>>();
            prop_assert_eq!(
                payloads(&samples)[..].to_vec(),
                frames[frames.len() - samples.len()..].iter().map(|f| f.payload.clone()).collect::<Vec<_>>()
            );
            prop_assert!(track == A0 || samples.len() == frames.len());
            prop_assert!(samples.windows(2).all(|two| two[0].dts + two[0].duration == two[1].dts));
        }
        for segments in read.tracks.values() {
            for (part, _) in segments.iter().flat_map(|one| &one.parts) {
                prop_assert!(part.duration_us <= read.target_us);
            }
        }
    }

    #[test]
    fn what_waits_is_bounded(acts in prop::collection::vec(act(3), 1..600)) {
        let mut publisher = Publisher::new(3);
        for act in &acts {
            publisher.act(act, 0);
            let waiting = publisher.packager.waiting();
            prop_assert!(waiting <= 3 * 512 + 2048, "{}", waiting);
        }
    }
}
