//! Frames of silence, to fill holes in the sound: a player that finds none there stalls or drifts.

use bytes::Bytes;

use crate::{Codec, CodecConfig};

/// AAC raw_data_block (ISO 14496-3 §4.4.2.1) of one channel: a single channel element with gain 0, one
/// long window without scale factor bands, no tools; then the end element.
const AAC_MONO: &[u8] = &[0, 0, 0, 7];

/// The same as a channel pair element of two independent channels.
const AAC_STEREO: &[u8] = &[0x20, 0, 0, 0, 0, 0, 0x0e];

/// Opus (RFC 6716 §3.1): one CELT frame of 20 ms whose range coder has nothing but silence to tell.
const OPUS_MONO: &[u8] = &[0xf8, 0xff, 0xfe];

/// The same for two channels.
const OPUS_STEREO: &[u8] = &[0xfc, 0xff, 0xfe];

/// Samples of the Opus frames, at 48 kHz.
const OPUS_SAMPLES: i64 = 960;

/// A silent frame for `config` and its samples in units of the timescale; none where it cannot be made.
#[must_use]
pub fn frame(config: &CodecConfig) -> Option<(Bytes, i64)> {
    let audio = config.audio?;
    match config.codec {
        Codec::Aac => {
            let payload = match aac_channels(&config.record)? {
                1 => AAC_MONO,
                2 => AAC_STEREO,
                _ => return None,
            };
            Some((Bytes::from_static(payload), i64::from(audio.frame_samples)))
        }
        Codec::Opus if audio.channels == 1 => Some((Bytes::from_static(OPUS_MONO), OPUS_SAMPLES)),
        Codec::Opus if audio.channels == 2 => Some((Bytes::from_static(OPUS_STEREO), OPUS_SAMPLES)),
        Codec::Opus | Codec::Mp3 | Codec::Av1 | Codec::Avc | Codec::Hevc => None,
    }
}

/// Channels of the AAC core (its parametric stereo may make two of one), from the AudioSpecificConfig.
fn aac_channels(config: &[u8]) -> Option<u8> {
    let (first, second) = (*config.first()?, *config.get(1)?);
    let (object_type, rate) = (first >> 3, (first & 7) << 1 | second >> 7);
    let plain = object_type != 31 && rate != 15;
    plain.then_some(second >> 3 & 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{aac, opus};

    #[test]
    fn aac_gets_frames_of_its_channels() {
        for (record, length) in [([0x12, 0x08], 4), ([0x12, 0x10], 7)] {
            let config = aac::config(&record).unwrap();
            let (payload, samples) = frame(&config).unwrap();
            assert_eq!((payload.len(), samples), (length, 1024));
        }
    }

    #[test]
    fn five_channels_get_none() {
        let config = aac::config(&[0x11, 0xb0]).unwrap();
        assert_eq!(frame(&config), None);
    }

    #[test]
    fn opus_frames_last_as_long_as_their_packets_say() {
        for packet in [OPUS_MONO, OPUS_STEREO] {
            assert_eq!(opus::packet_samples(packet).map(i64::from), Some(OPUS_SAMPLES));
        }
    }
}
