//! Reads fragmented MP4, from the boxes up: what ffmpeg made for a publisher, and what the node made for a player.
//! ISO/IEC 14496-12; written for tests, so it panics where a file is not what it must be.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A box: its type and the range of its contents.
pub(crate) type Found = ([u8; 4], usize, usize);

/// A track as its `moov` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) id: u32,
    pub(crate) timescale: u32,
    /// Sample entry: `avc1`, `hvc1`, `av01`, `mp4a`, `Opus`.
    pub(crate) format: String,
    /// Contents of `avcC`, `hvcC`, `av1C`, `dOps`, or the `AudioSpecificConfig` of `esds`.
    pub(crate) config: Bytes,
    /// Pixels; zero for audio.
    pub(crate) size: (u16, u16),
}

/// A sample with its place on the track's line.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) track: u32,
    pub(crate) dts: u64,
    pub(crate) cts: i32,
    pub(crate) duration: u32,
    pub(crate) key: bool,
    pub(crate) data: Bytes,
}

/// The boxes in a range. A box that leaves its range is a panic.
pub(crate) fn boxes(data: &[u8], from: usize, to: usize) -> Vec<Found> {
    let (mut at, mut found) = (from, Vec::new());
    while at + 8 <= to {
        let size = u32_at(data, at) as usize;
        assert!(size >= 8 && at + size <= to, "a box of {size} bytes at {at} leaves {from}..{to}");
        found.push((data[at + 4..at + 8].try_into().unwrap(), at + 8, at + size));
        at += size;
    }
    assert_eq!(at, to, "bytes after the last box");
    found
}

/// The boxes at a path of types, e.g. `moov/trak/mdia`.
pub(crate) fn find(data: &[u8], path: &str, range: (usize, usize)) -> Vec<(usize, usize)> {
    let mut ranges = vec![range];
    for name in path.split('/') {
        let below = |(from, to): (usize, usize)| boxes(data, from, to);
        let same = |found: &Found| found.0 == name.as_bytes();
        ranges =
            ranges.into_iter().flat_map(below).filter(same).map(|one| (one.1, one.2)).collect();
    }
    ranges
}

/// The tracks of an initialization section.
pub(crate) fn tracks(data: &[u8]) -> Vec<Track> {
    let all = (0, data.len());
    find(data, "moov/trak", all).into_iter().map(|range| track(data, range)).collect()
}

fn track(data: &[u8], range: (usize, usize)) -> Track {
    let one = |path: &str| find(data, path, range)[0];
    let (header, _) = one("tkhd");
    let id = u32_at(data, header + if data[header] == 1 { 20 } else { 12 });
    let (media, _) = one("mdia/mdhd");
    let timescale = u32_at(data, media + if data[media] == 1 { 20 } else { 12 });
    let (description, end) = one("mdia/minf/stbl/stsd");
    let (name, from, to) = boxes(data, description + 8, end)[0];
    let format = String::from_utf8(name.to_vec()).unwrap();
    let (fixed, config, video) = match format.as_str() {
        "avc1" => (78, "avcC", true),
        "hvc1" | "hev1" => (78, "hvcC", true),
        "av01" => (78, "av1C", true),
        "mp4a" => (28, "esds", false),
        "Opus" => (28, "dOps", false),
        other => panic!("a sample entry that no test makes: {other}"),
    };
    let size = if video { (u16_at(data, from + 24), u16_at(data, from + 26)) } else { (0, 0) };
    let (config_from, config_to) = find(data, config, (from + fixed, to))[0];
    let config = match config {
        "esds" => specific_config(&data[config_from + 4..config_to]),
        _ => &data[config_from..config_to],
    };
    Track { id, timescale, format, config: Bytes::copy_from_slice(config), size }
}

/// The `AudioSpecificConfig` inside an ES descriptor: tag 3, in it tag 4, in it tag 5 (ISO/IEC 14496-1).
fn specific_config(mut data: &[u8]) -> &[u8] {
    loop {
        let tag = data[0];
        let length_bytes = data[1..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let length =
            data[1..=length_bytes].iter().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let body = &data[1 + length_bytes..];
        match tag {
            3 => data = &body[3..],
            4 => data = &body[13..],
            5 => return &body[..length],
            other => panic!("an unexpected descriptor {other}"),
        }
    }
}

/// Duration, size and flags of samples that say nothing of their own (`trex`), by track.
pub(crate) type Defaults = BTreeMap<u32, [u32; 3]>;

/// The defaults of an initialization section.
pub(crate) fn defaults(init: &[u8]) -> Defaults {
    let entry = |(from, _): (usize, usize)| {
        let field = |index: usize| u32_at(init, from + 4 + 4 * index);
        (field(0), [field(2), field(3), field(4)])
    };
    find(init, "moov/mvex/trex", (0, init.len())).into_iter().map(entry).collect()
}

/// The samples of all fragments, in the order in which they stand.
pub(crate) fn samples(data: &Bytes, defaults: &Defaults) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (name, from, to) in boxes(data, 0, data.len()) {
        if &name == b"moof" {
            for range in find(data, "traf", (from, to)) {
                fragment(data, (from - 8, range), defaults, &mut samples);
            }
        }
    }
    samples
}

fn fragment(
    data: &Bytes,
    (moof, traf): (usize, (usize, usize)),
    defaults: &Defaults,
    out: &mut Vec<Sample>,
) {
    let (header, _) = find(data, "tfhd", traf)[0];
    let flags = u32_at(data, header) & 0xff_ffff;
    assert_ne!(flags & 0x02_0000, 0, "default-base-is-moof (CMAF)");
    let track = u32_at(data, header + 4);
    let mut at = header + 8;
    let mut optional = |bit: u32| (flags & bit != 0).then(|| take_u32(data, &mut at));
    assert_eq!(optional(0x01), None, "no base-data-offset");
    optional(0x02);
    let common = defaults[&track];
    let duration = optional(0x08).unwrap_or(common[0]);
    let size = optional(0x10).unwrap_or(common[1]);
    let sample_flags = optional(0x20).unwrap_or(common[2]);
    let (time, _) = find(data, "tfdt", traf)[0];
    let mut dts =
        if data[time] == 1 { u64_at(data, time + 4) } else { u64::from(u32_at(data, time + 4)) };
    for (run, _) in find(data, "trun", traf) {
        let flags = u32_at(data, run) & 0xff_ffff;
        let count = u32_at(data, run + 4);
        let mut at = run + 8;
        assert_ne!(flags & 0x01, 0, "a data offset");
        let mut place = moof + take_u32(data, &mut at) as usize;
        let first = (flags & 0x04 != 0).then(|| take_u32(data, &mut at));
        for index in 0..count {
            let mut own = |bit: u32, common: u32| {
                if flags & bit != 0 { take_u32(data, &mut at) } else { common }
            };
            let duration = own(0x100, duration);
            let size = own(0x200, size) as usize;
            let key =
                own(0x400, first.filter(|_| index == 0).unwrap_or(sample_flags)) & 0x1_0000 == 0;
            #[allow(clippy::cast_possible_wrap)]
            let cts = own(0x800, 0) as i32;
            let data = data.slice(place..place + size);
            out.push(Sample { track, dts, cts, duration, key, data });
            place += size;
            dts += u64::from(duration);
        }
    }
}

fn take_u32(data: &[u8], at: &mut usize) -> u32 {
    *at += 4;
    u32_at(data, *at - 4)
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(data[at..at + 2].try_into().unwrap())
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

fn u64_at(data: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(data[at..at + 8].try_into().unwrap())
}
