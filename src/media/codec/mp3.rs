//! MP3: the frame header is the configuration (ISO 11172-3 §2.4.1.3, ISO 13818-3 for the low rates).

use bytes::Bytes;

use crate::{AudioParams, Codec, CodecConfig};

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Hertz.
    pub rate: u32,
    /// 1 or 2.
    pub channels: u32,
    /// Samples per channel of the frame: 1152 or 576.
    pub samples: u32,
    /// Bytes of the frame with its header; 0 for the free format.
    pub bytes: usize,
}

const RATES: [u32; 3] = [44100, 48000, 32000];
const KBITS_MPEG1: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBITS_MPEG2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// Reads the header at the start of `frame`; none when there is none of layer III.
#[must_use]
pub fn header(frame: &[u8]) -> Option<Header> {
    let [0xff, second, third, fourth, ..] = *frame else {
        return None;
    };
    // Sync, and layer III.
    if second & 0xe6 != 0xe2 {
        return None;
    }
    let (rate_shift, mpeg1) = match second >> 3 & 3 {
        3 => (0, true),
        2 => (1, false),
        0 => (2, false),
        _ => return None,
    };
    let rate = RATES.get(usize::from(third >> 2 & 3))? >> rate_shift;
    let kbits = if mpeg1 { KBITS_MPEG1 } else { KBITS_MPEG2 };
    let kbit = *kbits.get(usize::from(third >> 4))?;
    let samples = if mpeg1 { 1152 } else { 576 };
    let padding = u32::from(third >> 1 & 1);
    let bytes = if kbit == 0 { 0 } else { samples / 8 * kbit * 1000 / rate + padding };
    let channels = if fourth >> 6 == 3 { 1 } else { 2 };
    Some(Header { rate, channels, samples, bytes: usize::try_from(bytes).ok()? })
}

/// The configuration of frames with `header`; its record is empty.
#[must_use]
pub fn config(header: Header) -> CodecConfig {
    CodecConfig {
        codec: Codec::Mp3,
        record: Bytes::new(),
        rfc6381: "mp4a.40.34".to_owned(),
        timescale: header.rate,
        video: None,
        audio: Some(AudioParams {
            sample_rate: header.rate,
            channels: header.channels,
            frame_samples: header.samples,
        }),
    }
}
