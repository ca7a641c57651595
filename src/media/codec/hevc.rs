//! H.265: HEVCDecoderConfigurationRecord (ISO 14496-15 §8.3.3.1), its codec string (Annex E) and picture size.
//!
//! The sample aspect ratio lies behind the reference picture sets of the SPS and is not read: square
//! samples are assumed, as every publisher seen sends.

use super::bits::unescape;
use super::{Bits, ConfigError, VIDEO_TIMESCALE, keep, picture};
use crate::{Codec, CodecConfig, VideoParams};

const HVCC: ConfigError = ConfigError::Malformed("HEVC configuration (hvcC)");
const SPS: ConfigError = ConfigError::Malformed("HEVC sequence parameter set");

/// The part of an SPS up to the conformance window fits here with eight sub-layers.
const SPS_BYTES_MAX: usize = 256;

/// Bytes of the record before the arrays of parameter sets.
const HEAD_BYTES: usize = 23;

/// `nal_unit_type` of the sequence parameter set.
const NAL_SPS: u8 = 33;

/// The configuration that `record`, the body of an `hvcC` box, describes.
///
/// # Errors
/// When it is truncated, has no SPS or one that describes no picture.
pub fn config(record: &[u8]) -> Result<CodecConfig, ConfigError> {
    let head = record.first_chunk::<HEAD_BYTES>().ok_or(HVCC)?;
    // Some encoders leave the version at 0; the layout is the same.
    if head[0] > 1 {
        return Err(HVCC);
    }
    let sps = parameter_sets(record)
        .find(|nal| nal.first().is_some_and(|byte| byte >> 1 & 0x3f == NAL_SPS))
        .ok_or(HVCC)?;
    Ok(CodecConfig {
        codec: Codec::Hevc,
        record: keep(record, "HEVC configuration (hvcC)")?,
        rfc6381: codec_string(head),
        timescale: VIDEO_TIMESCALE,
        video: Some(sps_params(sps).ok_or(SPS)?),
        audio: None,
    })
}

/// Bytes of the length field in front of each NAL unit, from the body of an `hvcC` box.
pub(crate) fn length_size(record: &[u8]) -> usize {
    record.get(21).map_or(4, |byte| usize::from(byte & 3) + 1)
}

/// The parameter sets of the body of an `hvcC` box, in order; ends at the first truncated one.
pub(crate) fn parameter_sets(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = record.get(HEAD_BYTES..).unwrap_or_default();
    let mut left_in_array = 0u16;
    std::iter::from_fn(move || {
        while left_in_array == 0 {
            let (head, tail) = rest.split_first_chunk::<3>()?;
            left_in_array = u16::from_be_bytes([head[1], head[2]]);
            rest = tail;
        }
        left_in_array -= 1;
        let (head, tail) = rest.split_first_chunk::<2>()?;
        let (nal, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*head)))?;
        rest = tail;
        Some(nal)
    })
}

fn codec_string(head: &[u8; HEAD_BYTES]) -> String {
    let space = match head[1] >> 6 {
        0 => "",
        1 => "A",
        2 => "B",
        _ => "C",
    };
    let profile = head[1] & 0x1f;
    let compatibility = u32::from_be_bytes([head[2], head[3], head[4], head[5]]).reverse_bits();
    let tier = if head[1] & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!("hvc1.{space}{profile}.{compatibility:X}.{tier}{}", head[12]);
    let constraints = &head[6..12];
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        text.push_str(&format!(".{byte:X}"));
    }
    text
}

fn sps_params(nal: &[u8]) -> Option<VideoParams> {
    let rbsp = unescape(nal.get(2..)?, SPS_BYTES_MAX);
    let bits = &mut Bits::new(&rbsp);
    bits.skip(4)?;
    let sub_layers = bits.number(3)?;
    bits.skip(1)?;
    skip_profile_tier_level(bits, sub_layers)?;
    bits.ue()?;
    let chroma = bits.ue()?;
    let separate = chroma == 3 && bits.flag()?;
    let (width, height) = (bits.ue()?, bits.ue()?);
    let crop = if bits.flag()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };
    let unit_x = if matches!(chroma, 1 | 2) && !separate { 2 } else { 1 };
    let unit_y = if chroma == 1 && !separate { 2 } else { 1 };
    let width = width.checked_sub(crop[0].checked_add(crop[1])?.checked_mul(unit_x)?)?;
    let height = height.checked_sub(crop[2].checked_add(crop[3])?.checked_mul(unit_y)?)?;
    let (width, height) = picture(width, height)?;
    Some(VideoParams { width, height, sar: (1, 1) })
}

/// ITU-T H.265 §7.3.3.
fn skip_profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    bits.skip(88 + 8)?;
    let mut present = [(false, false); 8];
    for layer in present.iter_mut().take(usize::try_from(sub_layers).ok()?) {
        *layer = (bits.flag()?, bits.flag()?);
    }
    if sub_layers > 0 {
        bits.skip(usize::try_from(8 - sub_layers).ok()? * 2)?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}
