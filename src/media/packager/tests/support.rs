//! Synthetic streams, and a reader that takes the output apart with another box library.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use mp4_atom::{Decode, Mdat, Moof};

use crate::output::{Init, Output, Part, SegmentEnd, SegmentStart};
use crate::packager::{Packager, PackagerConfig};
use crate::{AudioParams, Codec, CodecConfig, Frame, Item, TrackId, TrackKind, VideoParams};

pub(super) const CONFIG: PackagerConfig =
    PackagerConfig { segment_us: 2_000_000, segment_max_us: 4_000_000, part_us: 200_000 };

pub(super) const V0: TrackId = TrackId::VIDEO;
pub(super) const V1: TrackId = TrackId { kind: TrackKind::Video, index: 1 };
pub(super) const A0: TrackId = TrackId::AUDIO;
pub(super) const FIRST_MSN: u64 = 7;
pub(super) const FIRST_PART: u64 = 1000;

pub(super) fn packager() -> Packager {
    Packager::new(CONFIG, FIRST_MSN, FIRST_PART)
}

/// A video configuration; `variant` makes different ones.
pub(super) fn avc(variant: u8) -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Avc,
        record: Bytes::from(vec![1, 0x64, 0, variant, 0xFF]),
        rfc6381: format!("avc1.6400{variant:02x}"),
        timescale: 90_000,
        video: Some(VideoParams { width: 1280, height: 720, sar: (1, 1) }),
        audio: None,
    })
}

pub(super) fn aac(rate: u32, frame_samples: u32) -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
        rfc6381: "mp4a.40.2".into(),
        timescale: rate,
        video: None,
        audio: Some(AudioParams { sample_rate: rate, channels: 2, frame_samples }),
    })
}

/// A payload that no other frame has.
pub(super) fn payload(track: TrackId, dts: i64) -> Bytes {
    let mut bytes = dts.to_be_bytes().to_vec();
    bytes.extend_from_slice(track.to_string().as_bytes());
    Bytes::from(bytes)
}

pub(super) fn frame(track: TrackId, dts: i64, offset: i64, key: bool) -> Frame {
    Frame { track, pts: dts + offset, dts, key, payload: payload(track, dts) }
}

/// Pictures at times given in milliseconds; each `gop`-th is a key frame, all shown `offset_ms` later.
pub(super) fn pictures(track: TrackId, ms: &[i64], gop: usize, offset_ms: i64) -> Vec<Frame> {
    let one = |(n, ms): (usize, &i64)| frame(track, ms * 90, offset_ms * 90, n.is_multiple_of(gop));
    ms.iter().enumerate().map(one).collect()
}

/// Times of `count` pictures at `num / den` per second as a millisecond clock states them.
pub(super) fn clock_ms(from_ms: i64, count: i64, num: i64, den: i64) -> Vec<i64> {
    (0..count).map(|n| from_ms + n * 1000 * den / num).collect()
}

/// Sound from `from_ms` until `until_ms`.
pub(super) fn sound(rate: i64, samples: i64, from_ms: i64, until_ms: i64) -> Vec<Frame> {
    let first = from_ms * rate / 1000;
    let dts = (0..).map(|n| first + n * samples);
    dts.take_while(|dts| dts * 1000 / rate < until_ms).map(|dts| frame(A0, dts, 0, true)).collect()
}

/// Tracks as one publisher sends them: configurations first, then frames by decoding time.
pub(super) fn stream(tracks: &[(TrackId, Arc<CodecConfig>, Vec<Frame>)]) -> Vec<Item> {
    let mut items: Vec<Item> =
        tracks.iter().map(|(id, config, _)| Item::Config(*id, Arc::clone(config))).collect();
    let mut frames: Vec<(i64, Frame)> = Vec::new();
    for (_, config, own) in tracks {
        let us = |frame: &Frame| frame.dts * 1_000_000 / i64::from(config.timescale);
        frames.extend(own.iter().map(|frame| (us(frame), frame.clone())));
    }
    frames.sort_by_key(|(us, frame)| (*us, frame.track));
    items.extend(frames.into_iter().map(|(_, frame)| Item::Frame(frame)));
    items
}

/// Packages everything and closes.
pub(super) fn package(items: Vec<Item>) -> Read {
    let (mut packager, mut out) = (packager(), Vec::new());
    for item in items {
        packager.push(item, &mut out);
    }
    packager.close(&mut out);
    let target_us = packager.part_target_us().expect("something was packaged");
    let read = Read::new(&out, target_us);
    assert_eq!(read.last_msn(), Some(packager.next_msn() - 1));
    read
}

/// One sample as a player finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) dts: i64,
    pub(super) duration: i64,
    pub(super) offset: i64,
    pub(super) key: bool,
    pub(super) payload: Bytes,
}

#[derive(Debug, Clone)]
pub(super) struct SegmentFound {
    pub(super) start: SegmentStart,
    pub(super) end: Option<SegmentEnd>,
    pub(super) parts: Vec<(Part, Vec<Found>)>,
}

impl SegmentFound {
    pub(super) fn samples(&self) -> impl Iterator<Item = &Found> {
        self.parts.iter().flat_map(|(_, samples)| samples)
    }
}

/// All segments of all renditions, checked for what holds in every case.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) tracks: BTreeMap<TrackId, Vec<SegmentFound>>,
    pub(super) target_us: i64,
}

impl Read {
    pub(super) fn new(outputs: &[Output], target_us: i64) -> Self {
        let mut read = Self { tracks: BTreeMap::new(), target_us };
        for output in outputs {
            match output {
                Output::Start(id, start) => {
                    let start = start.clone();
                    let segments = read.tracks.entry(*id).or_default();
                    assert!(segments.last().is_none_or(|one| one.end.is_some()), "{id} overlaps");
                    segments.push(SegmentFound { start, end: None, parts: Vec::new() });
                }
                Output::Part(id, part) => read.add_part(*id, part),
                Output::End(id, end) => {
                    let segment = read.tracks.get_mut(id).and_then(|one| one.last_mut());
                    segment.expect("an open segment").end = Some(end.clone());
                }
            }
        }
        read.check();
        read
    }

    pub(super) fn of(&self, track: TrackId) -> &[SegmentFound] {
        self.tracks.get(&track).map_or(&[], Vec::as_slice)
    }

    pub(super) fn samples(&self, track: TrackId) -> Vec<Found> {
        self.of(track).iter().flat_map(SegmentFound::samples).cloned().collect()
    }

    /// Durations of the segments of a track, milliseconds to the nearest 10: what follows the last
    /// frame is a guess.
    pub(super) fn lengths_ms(&self, track: TrackId) -> Vec<i64> {
        self.of(track)
            .iter()
            .filter_map(|one| Some((one.end.as_ref()?.duration_us + 5000) / 10_000 * 10))
            .collect()
    }

    /// Parts that break RFC 8216bis §4.4.4.9: too long, or too short and not the last of their segment.
    pub(super) fn bad_parts(&self) -> Vec<(TrackId, u64, i64)> {
        let mut bad = Vec::new();
        for (id, segments) in &self.tracks {
            for segment in segments {
                for (at, (part, _)) in segment.parts.iter().enumerate() {
                    let last = at + 1 == segment.parts.len();
                    let short = part.duration_us * 100 < self.target_us * 85;
                    if part.duration_us > self.target_us || short && !last {
                        bad.push((*id, part.number, part.duration_us));
                    }
                }
            }
        }
        bad
    }

    /// The number of the last segment, which all renditions share once everything is closed.
    pub(super) fn last_msn(&self) -> Option<u64> {
        let ends: Vec<u64> = self
            .tracks
            .values()
            .filter_map(|one| one.last()?.end.as_ref())
            .map(|end| end.msn)
            .collect();
        assert!(ends.windows(2).all(|two| two[0] == two[1]), "all end alike: {ends:?}");
        ends.first().copied()
    }

    fn add_part(&mut self, id: TrackId, part: &Part) {
        let segment = self.tracks.get_mut(&id).and_then(|one| one.last_mut()).expect("a start");
        assert_eq!(part.msn, segment.start.msn);
        assert!(segment.end.is_none(), "{id}: a part after the end");
        let init = segment.start.init.as_ref().expect("media has an init section");
        let samples = open(&part.data, init);
        let scale = i64::from(init.config.timescale);
        let first = samples.first().expect("a part has samples");
        let last = samples.last().expect("a part has samples");
        let us = |ticks: i64| {
            ticks.div_euclid(scale) * 1_000_000 + ticks.rem_euclid(scale) * 1_000_000 / scale
        };
        assert_eq!(part.duration_us, us(last.dts + last.duration) - us(first.dts));
        assert_eq!(part.independent, first.key);
        segment.parts.push((part.clone(), samples));
    }

    fn check(&self) {
        let mut flags = BTreeMap::new();
        for (id, segments) in &self.tracks {
            let mut number = None;
            for (at, segment) in segments.iter().enumerate() {
                let SegmentStart { msn, discontinuity, .. } = segment.start;
                assert_eq!(msn, segments[0].start.msn + at as u64, "{id}: numbers have no holes");
                assert_eq!(*flags.entry(msn).or_insert(discontinuity), discontinuity);
                let parts = &segment.parts;
                if let Some(end) = &segment.end {
                    assert_eq!(end.msn, msn);
                    assert_eq!(end.gap, parts.is_empty());
                    assert_eq!(end.gap, segment.start.init.is_none());
                    let sum: i64 = parts.iter().map(|(part, _)| part.duration_us).sum();
                    assert!(end.gap || end.duration_us == sum, "{id} {msn}: parts add up");
                }
                for (part, _) in parts {
                    assert_eq!(part.number, number.map_or(FIRST_PART, |last: u64| last + 1));
                    number = Some(part.number);
                }
            }
        }
    }
}

/// Takes one part apart.
fn open(data: &Bytes, init: &Init) -> Vec<Found> {
    let mut cursor = Cursor::new(data.as_ref());
    let moof = Moof::decode(&mut cursor).expect("a moof");
    let head = usize::try_from(cursor.position()).expect("small");
    let mdat = Mdat::decode(&mut cursor).expect("an mdat");
    assert_eq!(cursor.position(), data.len() as u64, "nothing after the mdat");
    assert_eq!(moof.traf.len(), 1);
    let traf = &moof.traf[0];
    assert_eq!(traf.tfhd.track_id, 1);
    assert!(traf.tfhd.default_base_is_moof);
    let trun = &traf.trun[0];
    assert_eq!(trun.data_offset, Some(i32::try_from(head + 8).expect("small")));
    let mut dts = i64::try_from(traf.tfdt.as_ref().expect("a tfdt").base_media_decode_time)
        .expect("in range");
    let (mut found, mut at) = (Vec::new(), 0);
    for (n, entry) in trun.samples.iter().enumerate() {
        let duration = entry.duration.or(traf.tfhd.default_sample_duration).expect("a duration");
        assert_ne!(duration, 0);
        let flags = entry.flags.or(traf.tfhd.default_sample_flags).expect("flags");
        let size = entry.size.expect("a size") as usize;
        let payload = Bytes::copy_from_slice(&mdat.data[at..at + size]);
        let key = flags & 0x1_0000 == 0;
        assert_eq!(flags >> 24, if key { 2 } else { 1 }, "sample {n} of {}", init.track);
        let offset = entry.cts.unwrap_or(0);
        found.push(Found { dts, duration: i64::from(duration), offset, key, payload });
        dts += i64::from(duration);
        at += size;
    }
    assert_eq!(at, mdat.data.len(), "every byte belongs to a sample");
    found
}
