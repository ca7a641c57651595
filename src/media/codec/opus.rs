//! Opus: OpusHead (RFC 7845 §5.1) to `dOps` (Opus in ISOBMFF §4.3.2), and packet durations (RFC 6716 §3).

use bytes::Bytes;

use super::{ConfigError, RECORD_BYTES_MAX};
use crate::{AudioParams, Codec, CodecConfig};

const HEAD: ConfigError = ConfigError::Malformed("Opus configuration (OpusHead)");

/// Opus always counts 48 kHz samples.
pub const OPUS_TIMESCALE: u32 = 48_000;

/// The longest packet is 120 ms (RFC 6716 §3.4 R5).
const PACKET_SAMPLES_MAX: u32 = 5760;

/// The configuration that `head`, an OpusHead, describes; its record is the body of a `dOps` box with the pre-skip kept.
///
/// # Errors
/// When it is no OpusHead or of a newer major version.
pub fn config(head: &[u8]) -> Result<CodecConfig, ConfigError> {
    let body = head.strip_prefix(b"OpusHead").ok_or(HEAD)?;
    let [version, channels, skip0, skip1, r0, r1, r2, r3, gain0, gain1, family, mapping @ ..] =
        body
    else {
        return Err(HEAD);
    };
    if *channels == 0 || version & 0xf0 != 0 || body.len() > RECORD_BYTES_MAX {
        return Err(HEAD);
    }
    let mut record =
        vec![0, *channels, *skip1, *skip0, *r3, *r2, *r1, *r0, *gain1, *gain0, *family];
    if *family != 0 {
        record.extend_from_slice(mapping.get(..2 + usize::from(*channels)).ok_or(HEAD)?);
    }
    Ok(CodecConfig {
        codec: Codec::Opus,
        record: Bytes::from(record),
        rfc6381: "opus".to_owned(),
        timescale: OPUS_TIMESCALE,
        video: None,
        audio: Some(AudioParams {
            sample_rate: OPUS_TIMESCALE,
            channels: u32::from(*channels),
            frame_samples: 0,
        }),
    })
}

/// Duration of a packet in 48 kHz samples, from its TOC byte (RFC 6716 §3.1); none when it is malformed.
#[must_use]
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880].get(usize::from(config & 3)).copied()?,
        config @ 12..=15 => 480 << (config & 1),
        config => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    let samples = frame * frames;
    (1..=PACKET_SAMPLES_MAX).contains(&samples).then_some(samples)
}
