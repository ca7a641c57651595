//! Whatever a network does to the streams of segments: the copy says what the original says, or declares gaps.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;
use weir_media::ladder::Ladder;
use weir_media::rendition::Timing;
use weir_media::replica::Tip;
use weir_media::{Codec, CodecConfig, Output, SegmentStart};
use weir_model::Timestamp;

use super::*;

mod overtaken;

const TIMING: Timing = Timing { target_secs: 4, part_target_us: 200_000, list_us: 15_000_000 };
const V: TrackId = TrackId::VIDEO;
const A: TrackId = TrackId::AUDIO;
const PARTS: u64 = 10;
const TICK_MS: u64 = 50;

fn section(track: TrackId) -> Arc<Init> {
    let config = CodecConfig {
        codec: Codec::Avc,
        record: Bytes::new(),
        rfc6381: "avc1.64001f".into(),
        timescale: 90_000,
        video: None,
        audio: None,
    };
    let data = Bytes::from_static(b"section");
    Arc::new(Init { track, config: Arc::new(config), hash: "aa".into(), data })
}

fn part(number: u64) -> Part {
    let data = Bytes::from(format!("part {number}"));
    let msn = number / PARTS;
    Part { number, msn, duration_us: 200_000, independent: number.is_multiple_of(PARTS), data }
}

/// What the network does to one stream.
#[derive(Debug, Clone, Copy)]
struct Fate {
    delay_ms: u64,
    /// It is reset behind so many parts.
    cut: Option<usize>,
    twice: bool,
}

#[derive(Debug)]
struct Stream {
    head: SegmentHead,
    next: u64,
    due_ms: u64,
    begun: bool,
    cut: Option<usize>,
}

/// An origin, a network, an edge, and their time.
struct World {
    origin: Ladder,
    edge: Ladder,
    assembly: Assembly,
    streams: Vec<Stream>,
    seen: BTreeMap<TrackId, u64>,
    fates: std::vec::IntoIter<Fate>,
    now: u64,
    joined: bool,
    next_part: u64,
    sequence: HashMap<TrackId, u64>,
    /// Segments that their origin itself cut short.
    short: Vec<u64>,
    /// A segment of which nothing ever comes.
    lost: Option<u64>,
}

impl World {
    fn new(first_msn: u64, fates: Vec<Fate>) -> Self {
        Self {
            origin: Ladder::new(TIMING),
            edge: Ladder::new(TIMING),
            assembly: Assembly::new(),
            streams: Vec::new(),
            seen: BTreeMap::new(),
            fates: fates.into_iter(),
            now: 0,
            joined: false,
            next_part: first_msn * PARTS,
            sequence: HashMap::new(),
            short: Vec::new(),
            lost: None,
        }
    }

    fn produce(&mut self) {
        let (number, msn) = (self.next_part, self.next_part / PARTS);
        for track in [V, A] {
            if number.is_multiple_of(PARTS) {
                self.begin(track, msn);
            }
            self.make(Output::Part(track, part(number)));
            if number % PARTS == PARTS - 1 {
                let end = SegmentEnd { msn, duration_us: 2_000_000, gap: false };
                self.make(Output::End(track, end));
            }
        }
        self.next_part += 1;
    }

    /// A segment begins and has no part yet.
    fn begin(&mut self, track: TrackId, msn: u64) {
        let (start_us, discontinuity) = (msn as i64 * 2_000_000, msn % 5 == 3);
        let init = Some(section(track));
        self.make(Output::Start(track, SegmentStart { msn, start_us, discontinuity, init }));
    }

    fn make(&mut self, output: Output) {
        self.origin.apply(output, Timestamp(1_700_000_000_000));
    }

    /// Another packager goes on.
    fn take_over(&mut self, tip: Tip) {
        self.origin.join(&tip, self.next_part);
    }

    fn join(&mut self) {
        self.joined = true;
        self.assembly.outline(self.origin.outline(), 1, self.now).unwrap();
    }

    fn open(&mut self, head: SegmentHead, from: u64, fate: Fate) {
        if self.lost == Some(head.mark.msn) {
            return;
        }
        for again in 0..1 + u64::from(fate.twice) {
            let due_ms = self.now + fate.delay_ms + again * 150;
            let head = head.clone();
            self.streams.push(Stream { head, next: from, due_ms, begun: false, cut: fate.cut });
        }
    }

    fn send(&mut self) {
        for head in self.origin.heads_after(&self.seen) {
            self.seen.insert(head.track, head.mark.msn);
            let fate = self.fates.next().unwrap_or(Fate { delay_ms: 0, cut: None, twice: false });
            self.open(head, 0, fate);
        }
        for mut stream in std::mem::take(&mut self.streams) {
            if stream.due_ms > self.now || self.deliver(&mut stream) {
                self.streams.push(stream);
            }
        }
    }

    /// Whether there will be more of it.
    fn deliver(&mut self, stream: &mut Stream) -> bool {
        let (track, msn) = (stream.head.track, stream.head.mark.msn);
        let now = self.now;
        if !std::mem::replace(&mut stream.begun, true) {
            let show = self.origin.status().show.unwrap();
            if self.assembly.begin(&stream.head, show, 200_000, stream.next, now).is_err() {
                return false;
            }
            self.assembly.init(track, section(track));
        }
        let Some(progress) = self.origin.progress(track, msn, stream.next) else {
            self.assembly.over(track, msn, now);
            self.assembly.gone(track, msn, now);
            return false;
        };
        for part in progress.parts {
            if stream.cut == Some(0) {
                self.assembly.over(track, msn, now);
                return false;
            }
            stream.cut = stream.cut.map(|left| left - 1);
            stream.next = part.number + 1;
            if self.assembly.part(track, part, now).is_err() {
                self.assembly.over(track, msn, now);
                return false;
            }
        }
        let Some(end) = progress.end else { return true };
        self.assembly.end(track, end, now);
        self.assembly.over(track, msn, now);
        false
    }

    fn tick(&mut self) {
        self.now += TICK_MS;
        if self.joined {
            self.send();
            self.assembly.status(&self.origin.status(), self.now);
            self.assembly.tick(self.now);
        }
        for want in self.assembly.take_wants() {
            let before = [(want.track, want.msn - 1)].into();
            let heads = self.origin.heads_after(&before);
            let head =
                heads.into_iter().find(|it| it.track == want.track && it.mark.msn == want.msn);
            match (head, self.fates.next()) {
                (Some(head), fate) => {
                    let clean = Fate { delay_ms: 100, cut: None, twice: false };
                    self.open(head, want.from_part, fate.unwrap_or(clean));
                }
                (None, _) => self.assembly.gone(want.track, want.msn, self.now),
            }
        }
        for step in self.assembly.take_steps() {
            self.edge.step(step);
        }
        self.check();
    }

    /// What holds at any time.
    fn check(&mut self) {
        for (track, one) in self.edge.renditions() {
            let sequence = self.sequence.entry(track).or_default();
            assert!(one.media_sequence() >= *sequence, "{track} fell from {sequence}");
            *sequence = one.media_sequence();
            for (n, segment) in (0..).zip(one.listed()) {
                let msn = segment.mark.msn;
                assert_eq!(msn, *sequence + n, "{track} skips a number");
                let numbers = segment.parts.iter().map(|part| part.number);
                let made = (msn * PARTS..(msn + 1) * PARTS).take(segment.parts.len());
                assert!(numbers.eq(made), "{track} {msn} has other parts");
                assert!(segment.parts.iter().all(|one| *one == part(one.number)));
                let whole = segment.parts.len() == PARTS as usize;
                assert!(segment.gap || whole || self.short.contains(&msn), "{track} {msn}");
            }
        }
    }

    fn run(&mut self, parts: u64) {
        for _ in 0..parts {
            self.produce();
            for _ in 0..200 / TICK_MS {
                self.tick();
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..20_000 / TICK_MS {
            self.tick();
        }
    }

    fn same(&self) {
        for track in [V, A] {
            assert_eq!(self.edge.playlist(track, false), self.origin.playlist(track, false));
        }
        let text = |ladder: &Ladder| ladder.multivariant().map(|text| text.with_query(""));
        assert_eq!(text(&self.edge), text(&self.origin));
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let cut = prop_oneof![4 => Just(None), 1 => (0_usize..12).prop_map(Some)];
    let delay = prop_oneof![3 => Just(0), 2 => 0_u64..900, 1 => 900_u64..9_000];
    (delay, cut, prop::bool::weighted(0.2)).prop_map(|(delay_ms, cut, twice)| Fate {
        delay_ms,
        cut,
        twice,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_loss_and_doubling_leaves_the_same_bytes_or_declared_gaps(
        before in 0_u64..200,
        fates in prop::collection::vec(fate(), 0..60),
        ends in any::<bool>(),
    ) {
        let mut world = World::new(50, fates);
        for _ in 0..before {
            world.produce();
        }
        world.join();
        world.run(250);
        if ends {
            world.short.push(world.next_part / PARTS);
            world.origin.end();
        }
        world.settle();
        let tally = world.assembly.tally();
        prop_assert_eq!(world.edge.newest_msn(), world.origin.newest_msn());
        prop_assert_eq!(world.edge.ended(), ends);
        if tally.gaps == 0 && tally.started_over == 0 {
            world.same();
        }
    }

    #[test]
    fn moderate_trouble_costs_nothing(
        before in 0_u64..200,
        delays in prop::collection::vec((0_u64..400, prop::bool::ANY), 0..60),
    ) {
        let fate = |(delay_ms, twice)| Fate { delay_ms, cut: None, twice };
        let mut world = World::new(50, delays.into_iter().map(fate).collect());
        for _ in 0..before {
            world.produce();
        }
        world.join();
        world.run(200);
        world.settle();
        prop_assert_eq!(world.assembly.tally().gaps, 0);
        world.same();
    }
}

#[test]
fn a_cold_copy_of_a_well_link_is_the_same_at_once() {
    let mut world = World::new(50, Vec::new());
    for _ in 0..153 {
        world.produce();
    }
    world.join();
    world.tick();
    world.tick();
    world.same();
}

/// A cold copy of a window with segments 57 to 65, the newest one open, which come after so many milliseconds.
fn cold_start(delay_ms: impl Fn(u64) -> u64) -> World {
    let mut world = World::new(50, Vec::new());
    for _ in 0..153 {
        world.produce();
    }
    let heads = world.origin.heads_after(&BTreeMap::new());
    let delays = heads.iter().map(|head| delay_ms(head.mark.msn));
    let fates = delays.map(|delay_ms| Fate { delay_ms, cut: None, twice: false });
    world.fates = fates.collect::<Vec<_>>().into_iter();
    world.join();
    world
}

#[test]
fn a_cold_copy_begins_with_what_came_in_time_and_leaves_older_segments_behind() {
    let mut world = cold_start(|msn| if msn < 63 { 700 } else { 0 });
    while world.now < HISTORY_MS {
        assert!(world.assembly.collecting());
        world.tick();
    }
    assert!(!world.assembly.collecting());
    assert_eq!(world.edge.newest_msn(), Some(65));
    let one = world.edge.rendition(V).unwrap();
    assert_eq!(one.listed().find(|segment| !segment.gap).unwrap().mark.msn, 63);
    assert!(world.assembly.past(V, 62) && world.assembly.past(V, 64));
    assert!(!world.assembly.past(V, 65), "it is being made");
    world.run(20);
    let tally = world.assembly.tally();
    assert_eq!((tally.gaps, tally.refetches), (0, 0));
    assert!(tally.unwanted > 0, "the older ones were not read");
}

#[test]
fn a_cold_copy_without_any_whole_segment_waits_for_one_but_not_for_ever() {
    let mut world = cold_start(|msn| if msn < 65 { 400 } else { 0 });
    while world.now < 350 {
        world.tick();
        assert!(world.assembly.collecting(), "nothing could be played at {}", world.now);
    }
    world.tick();
    world.tick();
    assert!(!world.assembly.collecting());
    world.same();
    let mut world = cold_start(|msn| if msn < 65 { 5_000 } else { 0 });
    while world.now < ONE_WHOLE_MS {
        assert!(world.assembly.collecting());
        world.tick();
    }
    assert!(!world.assembly.collecting());
    assert_eq!(world.edge.newest_msn(), Some(65));
}

#[test]
fn a_segment_that_broke_off_is_asked_for_from_the_part_that_is_missing() {
    let cut = Fate { delay_ms: 0, cut: Some(4), twice: false };
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(9);
    world.fates = vec![cut].into_iter();
    world.run(40);
    let tally = world.assembly.tally();
    assert_eq!((tally.broken, tally.refetches, tally.gaps), (1, 1, 0));
    world.same();
}

#[test]
fn a_segment_that_never_comes_is_declared_a_gap_and_the_playlist_goes_on() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(25);
    world.lost = Some(53);
    world.run(60);
    assert_eq!(world.assembly.tally().gaps, 2);
    assert_eq!(world.edge.newest_msn(), world.origin.newest_msn());
}

#[test]
fn a_lower_epoch_is_refused_and_a_higher_one_continues_behind_a_discontinuity() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(44);
    let older = world.origin.outline();
    world.short.push(world.next_part / PARTS);
    // Another node packages from a number further on.
    let tip = world.origin.tip().unwrap();
    world.next_part = 57 * PARTS;
    world.take_over(Tip { next_msn: 57, ..tip });
    world.streams.clear();
    world.produce();
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    assert_eq!(world.assembly.outline(older, 1, world.now), Err(Unwanted));
    assert_eq!(world.assembly.tally().stale_epochs, 1);
    world.run(13);
    let one = world.edge.rendition(V).unwrap();
    let first = one.listed().find(|segment| segment.mark.msn == 57).unwrap();
    assert!(first.mark.discontinuity && !first.gap);
    assert!(one.listed().any(|segment| segment.mark.msn < 54 && !segment.gap));
}

#[test]
fn a_show_that_begins_with_number_nought_is_copied_whole() {
    let mut world = World::new(0, Vec::new());
    (0..PARTS + 2).for_each(|_| world.produce());
    world.join();
    world.run(10);
    let first = world.edge.rendition(V).unwrap().listed().next().unwrap();
    assert_eq!((first.mark.msn, first.parts.len() as u64), (0, PARTS));
}

#[test]
fn every_copy_has_of_a_segment_that_was_left_open_what_the_next_packager_has() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(44);
    let cut = world.next_part / PARTS;
    world.short.push(cut);
    world.streams.clear();
    // Two more parts came as far as the node that takes over.
    (0..2).for_each(|_| world.produce());
    let tip = world.origin.tip().unwrap();
    world.next_part = (cut + 1) * PARTS;
    world.take_over(Tip { next_msn: cut + 1, ..tip });
    world.seen = [V, A].into_iter().map(|track| (track, cut - 1)).collect();
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    world.run(5);
    assert!(world.edge.newest_msn() > Some(cut));
    for track in [V, A] {
        let parts =
            |ladder: &Ladder| ladder.rendition(track).unwrap().segment(cut).unwrap().parts.clone();
        assert_eq!(parts(&world.edge), parts(&world.origin));
    }
}

#[test]
fn an_owner_that_owns_its_stream_anew_is_copied_without_a_break() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(44);
    let open = world.next_part / PARTS;
    // The subscription of the old epoch is over, the new one goes on where it was.
    world.streams.clear();
    world.seen = [V, A].into_iter().map(|track| (track, open - 1)).collect();
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    world.run(30);
    world.settle();
    assert_eq!(world.assembly.tally().gaps, 0);
    world.same();
}
