//! Makes the payload of a frame what its sample entry expects, without copying where that is possible.

use bytes::Bytes;

use super::FlvError;
use crate::codec::{av1, hevc};

/// A sample and whether a decoder can start with it.
pub(super) struct Sample {
    pub(super) payload: Bytes,
    pub(super) key: bool,
}

/// `nal_unit_type`s of H.264 (ISO 14496-10 table 7-1).
const AVC_IDR: u8 = 5;
const AVC_SEI: u8 = 6;
/// `payloadType` of the recovery point message (ISO 14496-10 §D.1).
const SEI_RECOVERY_POINT: usize = 6;

/// `nal_unit_type`s of HEVC (ITU-T H.265 table 7-1): parameter sets and access unit delimiter.
const HEVC_PARAMETER_SETS: std::ops::RangeInclusive<u8> = 32..=34;
const HEVC_DELIMITER: u8 = 35;

/// H.264. A tag that claims a key frame is believed only when the sample holds an IDR picture or a
/// recovery point message: players would start at it and show garbage. The reverse is not done: a frame
/// that the tag calls dependent stays so. What follows the last whole NAL unit is cut off.
pub(super) fn avc(payload: Bytes, length_size: usize, key: bool) -> Result<Sample, FlvError> {
    let mut starts = false;
    let mut end = 0;
    for (nal, stop) in nals(&payload, length_size) {
        starts |= match nal.first().map(|byte| byte & 0x1f) {
            Some(AVC_IDR) => true,
            Some(AVC_SEI) => has_recovery_point(nal),
            _ => false,
        };
        end = stop;
    }
    if end == 0 {
        return Err(FlvError::Malformed { what: "H.264 sample" });
    }
    Ok(Sample { payload: payload.slice(..end), key: key && starts })
}

/// HEVC. Parameter sets at the front that the configuration record holds already are left out, because
/// `hvc1` allows them only there (ISO 14496-15 §8.4.1) and Safari insists; it costs no copy. Others stay.
pub(super) fn hevc(
    payload: Bytes,
    record: &[u8],
    length_size: usize,
    key: bool,
) -> Result<Sample, FlvError> {
    let (mut start, mut end, mut in_front) = (0, 0, true);
    for (nal, stop) in nals(&payload, length_size) {
        end = stop;
        if !key || !in_front {
            continue;
        }
        let kind = nal.first().map_or(0, |byte| byte >> 1 & 0x3f);
        in_front = kind == HEVC_DELIMITER
            || HEVC_PARAMETER_SETS.contains(&kind)
                && hevc::parameter_sets(record).any(|known| known == nal);
        if in_front {
            start = stop;
        }
    }
    if end == 0 {
        return Err(FlvError::Malformed { what: "HEVC sample" });
    }
    let start = if start == end { 0 } else { start };
    Ok(Sample { payload: payload.slice(start..end), key })
}

/// AV1. Temporal delimiters are not part of a sample (AV1-ISOBMFF §2.4); they stand in front, so leaving
/// them out costs a copy only in streams that put them elsewhere.
pub(super) fn av1(payload: Bytes, key: bool) -> Result<Sample, FlvError> {
    let malformed = FlvError::Malformed { what: "AV1 sample" };
    if av1::obus(&payload).next().is_none() {
        return Err(malformed);
    }
    let in_front: usize = av1::obus(&payload)
        .take_while(av1::Obu::is_temporal_delimiter)
        .map(|obu| obu.whole.len())
        .sum();
    let payload = payload.slice(in_front..);
    if payload.is_empty() {
        return Err(malformed);
    }
    if !av1::obus(&payload).any(|obu| obu.is_temporal_delimiter()) {
        return Ok(Sample { payload, key });
    }
    let kept: Vec<u8> = av1::obus(&payload)
        .filter(|obu| !obu.is_temporal_delimiter())
        .flat_map(|obu| obu.whole.iter().copied())
        .collect();
    Ok(Sample { payload: Bytes::from(kept), key })
}

/// The length-prefixed NAL units of a sample, each with the offset behind it; ends at the first that is not whole.
fn nals(sample: &[u8], length_size: usize) -> impl Iterator<Item = (&[u8], usize)> {
    let mut at = 0usize;
    std::iter::from_fn(move || {
        let field = sample.get(at..at.checked_add(length_size)?)?;
        let length = field.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        let start = at + length_size;
        let nal = sample.get(start..start.checked_add(length)?)?;
        at = start + length;
        (length > 0).then_some((nal, at))
    })
}

/// Looks for a recovery point among the messages of a SEI unit (ISO 14496-10 §7.3.2.3).
fn has_recovery_point(sei: &[u8]) -> bool {
    let mut rest = sei.get(1..).unwrap_or_default();
    while !rest.is_empty() {
        let Some((kind, tail)) = sei_number(rest) else { return false };
        let Some((size, tail)) = sei_number(tail) else { return false };
        if kind == SEI_RECOVERY_POINT {
            return true;
        }
        rest = tail.get(size..).unwrap_or_default();
    }
    false
}

fn sei_number(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut sum = 0;
    for (index, byte) in data.iter().enumerate() {
        sum += usize::from(*byte);
        if *byte != 0xff {
            return Some((sum, data.get(index + 1..)?));
        }
    }
    None
}
