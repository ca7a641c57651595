//! Fragments: one `moof` + `mdat` of one track, in one allocation of exact size.

use bytes::Bytes;

use super::boxes::{saturate, u32, u64};
use super::{FLAGS_NON_SYNC, FLAGS_SYNC, TRACK_ID};

/// One sample of a fragment; times in ticks of the track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Until the next sample; never zero.
    pub duration: u32,
    /// Presentation minus decoding time.
    pub offset: i32,
    /// A decoder can start here.
    pub key: bool,
    /// What the codec wrote.
    pub payload: Bytes,
}

const BOX: usize = 8;
const MFHD: usize = 16;
const TFDT: usize = 20;

/// `default-base-is-moof`: the offsets of `trun` count from the fragment itself, wherever it lies.
const TFHD_BASE_IS_MOOF: u32 = 0x02_0000;
const TFHD_DURATION: u32 = 0x08;
const TFHD_FLAGS: u32 = 0x20;
const TRUN_DATA_OFFSET: u32 = 0x01;
const TRUN_FIRST_FLAGS: u32 = 0x04;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_OFFSET: u32 = 0x800;

/// Writes `samples` as a fragment that begins at decoding time `tfdt` (ticks).
#[must_use]
pub fn fragment(sequence: u32, tfdt: u64, samples: &[Sample]) -> Bytes {
    let plan = Plan::new(samples);
    let payload: usize = samples.iter().map(|one| one.payload.len()).sum();
    let mut out = Vec::with_capacity(plan.moof + BOX + payload);
    plan.write(&mut out, sequence, tfdt, samples);
    head(&mut out, BOX + payload, b"mdat");
    for sample in samples {
        out.extend_from_slice(&sample.payload);
    }
    Bytes::from(out)
}

/// Which fields are said once for all samples, and the sizes that follow from it.
struct Plan {
    tfhd_flags: u32,
    trun_flags: u32,
    tfhd: usize,
    trun: usize,
    moof: usize,
}

impl Plan {
    fn new(samples: &[Sample]) -> Self {
        let (mut tfhd_flags, mut trun_flags) =
            (TFHD_BASE_IS_MOOF | TFHD_FLAGS, TRUN_DATA_OFFSET | TRUN_SIZE);
        let (mut tfhd, mut trun, mut entry) = (BOX + 12, BOX + 12, 4);
        let first = samples.first();
        if samples.iter().all(|one| Some(one.duration) == first.map(|f| f.duration)) {
            tfhd_flags |= TFHD_DURATION;
            tfhd += 4;
        } else {
            trun_flags |= TRUN_DURATION;
            entry += 4;
        }
        let rest = samples.get(1..).unwrap_or_default();
        if rest.windows(2).any(|pair| matches!(pair, [a, b] if a.key != b.key)) {
            trun_flags |= TRUN_FLAGS;
            entry += 4;
        } else if rest.first().is_some_and(|second| Some(second.key) != first.map(|f| f.key)) {
            trun_flags |= TRUN_FIRST_FLAGS;
            trun += 4;
        }
        if samples.iter().any(|one| one.offset != 0) {
            trun_flags |= TRUN_OFFSET;
            entry += 4;
        }
        let trun = trun + entry * samples.len();
        let moof = BOX + MFHD + BOX + tfhd + TFDT + trun;
        Self { tfhd_flags, trun_flags, tfhd, trun, moof }
    }

    fn write(&self, out: &mut Vec<u8>, sequence: u32, tfdt: u64, samples: &[Sample]) {
        head(out, self.moof, b"moof");
        head(out, MFHD, b"mfhd");
        u32(out, 0);
        u32(out, sequence);
        head(out, BOX + self.tfhd + TFDT + self.trun, b"traf");
        head(out, self.tfhd, b"tfhd");
        u32(out, self.tfhd_flags);
        u32(out, TRACK_ID);
        if self.tfhd_flags & TFHD_DURATION != 0 {
            u32(out, samples.first().map_or(0, |one| one.duration));
        }
        // What all but the first sample are; a lone sample states its own.
        u32(out, samples.get(1).or_else(|| samples.first()).map_or(FLAGS_SYNC, flags));
        head(out, TFDT, b"tfdt");
        u32(out, 1 << 24);
        u64(out, tfdt);
        self.write_trun(out, samples);
    }

    fn write_trun(&self, out: &mut Vec<u8>, samples: &[Sample]) {
        head(out, self.trun, b"trun");
        // Version 1: composition offsets are signed.
        u32(out, 1 << 24 | self.trun_flags);
        u32(out, saturate(samples.len()));
        u32(out, saturate(self.moof + BOX));
        if self.trun_flags & TRUN_FIRST_FLAGS != 0 {
            u32(out, samples.first().map_or(FLAGS_SYNC, flags));
        }
        for sample in samples {
            if self.trun_flags & TRUN_DURATION != 0 {
                u32(out, sample.duration);
            }
            u32(out, saturate(sample.payload.len()));
            if self.trun_flags & TRUN_FLAGS != 0 {
                u32(out, flags(sample));
            }
            if self.trun_flags & TRUN_OFFSET != 0 {
                out.extend_from_slice(&sample.offset.to_be_bytes());
            }
        }
    }
}

fn flags(sample: &Sample) -> u32 {
    if sample.key { FLAGS_SYNC } else { FLAGS_NON_SYNC }
}

fn head(out: &mut Vec<u8>, size: usize, kind: &[u8; 4]) {
    u32(out, saturate(size));
    out.extend_from_slice(kind);
}
