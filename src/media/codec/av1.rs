//! AV1: AV1CodecConfigurationRecord and codec string (AV1-ISOBMFF §2.3, §5), OBUs and the sequence header (AV1 §5).

use super::{Bits, ConfigError, VIDEO_TIMESCALE, keep, picture};
use crate::{Codec, CodecConfig, VideoParams};

const AV1C: ConfigError = ConfigError::Malformed("AV1 configuration (av1C)");

/// `obu_type` of the sequence header.
const OBU_SEQUENCE_HEADER: u8 = 1;
/// `obu_type` of the temporal delimiter.
const OBU_TEMPORAL_DELIMITER: u8 = 2;

/// One open bitstream unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Obu<'a> {
    kind: u8,
    /// The whole unit with its header.
    pub(crate) whole: &'a [u8],
    payload: &'a [u8],
}

impl Obu<'_> {
    pub(crate) const fn is_temporal_delimiter(&self) -> bool {
        self.kind == OBU_TEMPORAL_DELIMITER
    }
}

/// The configuration that `record`, the body of an `av1C` box, describes. The picture is 0×0 when the
/// record holds no sequence header; `complete` adds one from a key frame.
///
/// # Errors
/// When it is truncated or of another version.
pub fn config(record: &[u8]) -> Result<CodecConfig, ConfigError> {
    let [0x81, profile_level, flags, _, units @ ..] = record else {
        return Err(AV1C);
    };
    let video = picture_of(units).unwrap_or(VideoParams { width: 0, height: 0, sar: (1, 1) });
    Ok(CodecConfig {
        codec: Codec::Av1,
        record: keep(record, "AV1 configuration (av1C)")?,
        rfc6381: codec_string(*profile_level, *flags),
        timescale: VIDEO_TIMESCALE,
        video: Some(video),
        audio: None,
    })
}

/// `record` with the sequence header of the temporal unit `sample` behind it; none when the sample has none.
pub(crate) fn complete(record: &[u8], sample: &[u8]) -> Option<Vec<u8>> {
    let header = obus(sample).find(|obu| obu.kind == OBU_SEQUENCE_HEADER)?;
    sequence_size(header.payload)?;
    Some([record.get(..4)?, header.whole].concat())
}

/// The units of `data`; ends at the first malformed one.
pub(crate) fn obus(data: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let header = *rest.first()?;
        let mut at = if header & 4 == 0 { 1 } else { 2 };
        let size = if header & 2 == 0 {
            rest.len().checked_sub(at)?
        } else {
            let (size, bytes) = leb128(rest.get(at..)?)?;
            at += bytes;
            size
        };
        let end = at.checked_add(size)?;
        let obu =
            Obu { kind: header >> 3 & 0xf, whole: rest.get(..end)?, payload: rest.get(at..end)? };
        rest = rest.get(end..)?;
        Some(obu)
    })
}

/// AV1 §4.10.5; answers the value and its length.
fn leb128(data: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (index, byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
}

fn codec_string(profile_level: u8, flags: u8) -> String {
    let (profile, level) = (profile_level >> 5, profile_level & 0x1f);
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match flags >> 5 & 3 {
        0 | 1 => "08",
        2 => "10",
        _ => "12",
    };
    format!("av01.{profile}.{level:02}{tier}.{depth}")
}

fn picture_of(units: &[u8]) -> Option<VideoParams> {
    let header = obus(units).find(|obu| obu.kind == OBU_SEQUENCE_HEADER)?;
    let (width, height) = sequence_size(header.payload)?;
    Some(VideoParams { width, height, sar: (1, 1) })
}

/// Reads a sequence header (AV1 §5.5.1) up to the largest frame size.
fn sequence_size(payload: &[u8]) -> Option<(u32, u32)> {
    let bits = &mut Bits::new(payload);
    bits.skip(4)?;
    if bits.flag()? {
        bits.skip(5)?;
    } else {
        skip_operating_points(bits)?;
    }
    let width_bits = bits.number(4)? + 1;
    let height_bits = bits.number(4)? + 1;
    picture(bits.number(width_bits)?.checked_add(1)?, bits.number(height_bits)?.checked_add(1)?)
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            // uvlc has the form of an Exp-Golomb code (AV1 §4.10.3).
            bits.ue()?;
        }
        if bits.flag()? {
            delay_bits = Some(usize::try_from(bits.number(5)? + 1).ok()?);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let display_delay = bits.flag()?;
    for _ in 0..=bits.number(5)? {
        bits.skip(12)?;
        if bits.number(5)? > 7 {
            bits.skip(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if display_delay && bits.flag()? {
            bits.skip(4)?;
        }
    }
    Some(())
}
