//! AAC: AudioSpecificConfig (ISO 14496-3 §1.6.2.1) with both ways of signalling SBR and PS.
//!
//! The timescale is the output rate, so one HE-AAC frame is 2048 ticks. SBR that the configuration does
//! not announce (implicit signalling) cannot be seen here: such a stream is described at its core rate,
//! where its timing is exact as well, and decoders find the SBR data by themselves.

use super::{Bits, ConfigError, keep};
use crate::{AudioParams, Codec, CodecConfig};

const ASC: ConfigError = ConfigError::Malformed("AAC configuration (AudioSpecificConfig)");

const RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// Channels by `channelConfiguration`; 0 is a program config element or reserved.
const CHANNELS: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0];

/// A higher rate has no use and only makes arithmetic large.
const RATE_MAX: u32 = 192_000;

const OBJECT_SBR: u32 = 5;
const OBJECT_PS: u32 = 29;

/// What the configuration said so far.
#[derive(Debug, Default)]
struct Asc {
    object: u32,
    rate: u32,
    channels: u32,
    short_frames: bool,
    sbr_rate: Option<u32>,
    ps: bool,
}

/// The configuration that `record`, an AudioSpecificConfig, describes.
///
/// # Errors
/// When it is truncated, or of an object type that browsers do not play.
pub fn config(record: &[u8]) -> Result<CodecConfig, ConfigError> {
    let asc = parse(record)?;
    let rate = asc.sbr_rate.unwrap_or(asc.rate);
    let core_samples = if asc.short_frames { 960 } else { 1024 };
    // SBR doubles the rate, except when it is used as a filter only ("downsampled SBR").
    let frame_samples = if rate == asc.rate { core_samples } else { 2 * core_samples };
    let shown = match (asc.ps, asc.sbr_rate) {
        (true, _) => OBJECT_PS,
        (false, Some(_)) => OBJECT_SBR,
        (false, None) => asc.object,
    };
    Ok(CodecConfig {
        codec: Codec::Aac,
        record: keep(record, "AAC configuration (AudioSpecificConfig)")?,
        rfc6381: format!("mp4a.40.{shown}"),
        timescale: rate,
        video: None,
        audio: Some(AudioParams {
            sample_rate: rate,
            channels: if asc.ps { asc.channels.max(2) } else { asc.channels },
            frame_samples,
        }),
    })
}

fn parse(record: &[u8]) -> Result<Asc, ConfigError> {
    let bits = &mut Bits::new(record);
    let mut asc = parse_head(bits).ok_or(ASC)?;
    if !matches!(asc.object, 1..=4) {
        return Err(ConfigError::Unsupported(object_name(asc.object)));
    }
    parse_body(bits, &mut asc).ok_or(ASC)?;
    let rates = [Some(asc.rate), asc.sbr_rate];
    if asc.channels == 0 || rates.into_iter().flatten().any(|rate| !(1..=RATE_MAX).contains(&rate))
    {
        return Err(ASC);
    }
    Ok(asc)
}

/// Object type, rate and channels, with explicit hierarchical SBR and PS.
fn parse_head(bits: &mut Bits<'_>) -> Option<Asc> {
    let mut asc = Asc { object: object_type(bits)?, rate: rate(bits)?, ..Asc::default() };
    asc.channels = *CHANNELS.get(usize::try_from(bits.number(4)?).ok()?)?;
    if matches!(asc.object, OBJECT_SBR | OBJECT_PS) {
        asc.ps = asc.object == OBJECT_PS;
        asc.sbr_rate = Some(rate(bits)?);
        asc.object = object_type(bits)?;
    }
    Some(asc)
}

/// GASpecificConfig (ISO 14496-3 §4.4.1) and the backward compatible extension behind it.
fn parse_body(bits: &mut Bits<'_>, asc: &mut Asc) -> Option<()> {
    asc.short_frames = bits.flag()?;
    if bits.flag()? {
        bits.skip(14)?;
    }
    let extension = bits.flag()?;
    if asc.channels == 0 {
        asc.channels = program_config_channels(bits)?;
        return Some(());
    }
    if extension {
        bits.skip(1)?;
    }
    if asc.sbr_rate.is_none() {
        // Whatever follows is optional; what cannot be read is not there.
        let _ = parse_extension(bits, asc);
    }
    Some(())
}

fn parse_extension(bits: &mut Bits<'_>, asc: &mut Asc) -> Option<()> {
    if bits.left() < 16 || bits.number(11)? != 0x2b7 || object_type(bits)? != OBJECT_SBR {
        return None;
    }
    if bits.flag()? {
        asc.sbr_rate = Some(rate(bits)?);
        if bits.left() >= 12 && bits.number(11)? == 0x548 {
            asc.ps = bits.flag()?;
        }
    }
    Some(())
}

fn object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.number(5)? {
        31 => Some(32 + bits.number(6)?),
        object => Some(object),
    }
}

fn rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.number(4)? {
        15 => bits.number(24),
        index => RATES.get(usize::try_from(index).ok()?).copied(),
    }
}

/// Channels of a program config element (ISO 14496-3 §4.4.1.1).
fn program_config_channels(bits: &mut Bits<'_>) -> Option<u32> {
    bits.skip(4 + 2 + 4)?;
    let elements = bits.number(4)? + bits.number(4)? + bits.number(4)?;
    let low_frequency = bits.number(2)?;
    bits.skip(3 + 4)?;
    for mixdown_bits in [4, 4, 3] {
        if bits.flag()? {
            bits.skip(mixdown_bits)?;
        }
    }
    let mut channels = low_frequency;
    for _ in 0..elements {
        channels += if bits.flag()? { 2 } else { 1 };
        bits.skip(4)?;
    }
    Some(channels)
}

fn object_name(object: u32) -> String {
    match object {
        23 => "AAC-LD".to_owned(),
        39 => "AAC-ELD".to_owned(),
        42 => "xHE-AAC".to_owned(),
        other => format!("AAC (MPEG-4 audio object type {other})"),
    }
}
