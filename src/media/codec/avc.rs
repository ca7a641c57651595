//! H.264: AVCDecoderConfigurationRecord (ISO 14496-15 §5.3.3.1) and what is needed of its SPS (ISO 14496-10 §7.3.2.1).

use super::bits::unescape;
use super::{Bits, ConfigError, VIDEO_TIMESCALE, keep, picture};
use crate::{Codec, CodecConfig, VideoParams};

const AVCC: ConfigError = ConfigError::Malformed("H.264 configuration (avcC)");
const SPS: ConfigError = ConfigError::Malformed("H.264 sequence parameter set");

/// The part of an SPS up to the aspect ratio fits here even with all scaling lists.
const SPS_BYTES_MAX: usize = 2048;

/// Profiles whose SPS holds chroma format and scaling lists.
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Sample aspect ratios by `aspect_ratio_idc` − 1 (ISO 14496-10 table E-1).
const SAMPLE_ASPECTS: [(u32, u32); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// The configuration that `record`, the body of an `avcC` box, describes.
///
/// # Errors
/// When it is truncated, has no SPS or one that describes no picture.
pub fn config(record: &[u8]) -> Result<CodecConfig, ConfigError> {
    let [1, profile, compatibility, level, _, sets, rest @ ..] = record else {
        return Err(AVCC);
    };
    if sets & 0x1f == 0 {
        return Err(AVCC);
    }
    let (head, rest) = rest.split_first_chunk::<2>().ok_or(AVCC)?;
    let sps = rest.get(..usize::from(u16::from_be_bytes(*head))).ok_or(AVCC)?;
    Ok(CodecConfig {
        codec: Codec::Avc,
        record: keep(record, "H.264 configuration (avcC)")?,
        rfc6381: format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"),
        timescale: VIDEO_TIMESCALE,
        video: Some(sps_params(sps).ok_or(SPS)?),
        audio: None,
    })
}

/// Bytes of the length field in front of each NAL unit, from the body of an `avcC` box.
pub(crate) fn length_size(record: &[u8]) -> usize {
    record.get(4).map_or(4, |byte| usize::from(byte & 3) + 1)
}

fn sps_params(nal: &[u8]) -> Option<VideoParams> {
    if nal.first()? & 0x1f != 7 {
        return None;
    }
    let rbsp = unescape(nal.get(1..)?, SPS_BYTES_MAX);
    let bits = &mut Bits::new(&rbsp);
    let profile = bits.number(8)?;
    bits.skip(16)?;
    bits.ue()?;
    let chroma = if HIGH_PROFILES.contains(&profile) { high_profile_fields(bits)? } else { 1 };
    bits.ue()?;
    order_count_fields(bits)?;
    bits.ue()?;
    bits.skip(1)?;
    let width_blocks = bits.ue()?.checked_add(1)?;
    let height_units = bits.ue()?.checked_add(1)?;
    let frames_only = bits.flag()?;
    if !frames_only {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let fields = if frames_only { 1 } else { 2 };
    let crop = if bits.flag()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };
    let unit_x = if matches!(chroma, 1 | 2) { 2 } else { 1 };
    let unit_y = if chroma == 1 { 2 } else { 1 } * fields;
    let width = cropped(width_blocks.checked_mul(16)?, crop[0], crop[1], unit_x)?;
    let height = cropped(height_units.checked_mul(16 * fields)?, crop[2], crop[3], unit_y)?;
    let (width, height) = picture(width, height)?;
    Some(VideoParams { width, height, sar: sample_aspect(bits).unwrap_or((1, 1)) })
}

/// Reads up to and with the scaling lists; answers the effective chroma format (0: no chroma planes to crop by).
fn high_profile_fields(bits: &mut Bits<'_>) -> Option<u32> {
    let chroma = bits.ue()?;
    let separate = chroma == 3 && bits.flag()?;
    bits.ue()?;
    bits.ue()?;
    bits.skip(1)?;
    if bits.flag()? {
        for list in 0..if chroma == 3 { 12 } else { 8 } {
            if bits.flag()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(if separate { 0 } else { chroma })
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

fn order_count_fields(bits: &mut Bits<'_>) -> Option<()> {
    match bits.ue()? {
        0 => {
            bits.ue()?;
        }
        1 => {
            bits.skip(1)?;
            bits.se()?;
            bits.se()?;
            for _ in 0..bits.ue()?.min(255) {
                bits.se()?;
            }
        }
        _ => {}
    }
    Some(())
}

fn cropped(size: u32, before: u32, after: u32, unit: u32) -> Option<u32> {
    size.checked_sub(before.checked_add(after)?.checked_mul(unit)?)
}

/// Reads the aspect ratio, which is the first thing in the VUI.
fn sample_aspect(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    if !(bits.flag()? && bits.flag()?) {
        return None;
    }
    let sar = match bits.number(8)? {
        255 => (bits.number(16)?, bits.number(16)?),
        index => *SAMPLE_ASPECTS.get(usize::try_from(index).ok()?.checked_sub(1)?)?,
    };
    (sar.0 > 0 && sar.1 > 0).then_some(sar)
}
