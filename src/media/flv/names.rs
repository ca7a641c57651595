//! Codec numbers and FourCCs of the wire, and the names people know them by.

use crate::Codec;

use super::FlvError;

/// FourCC of Enhanced RTMP for video.
pub(super) fn video_fourcc(fourcc: [u8; 4]) -> Result<Codec, FlvError> {
    match &fourcc {
        b"avc1" => Ok(Codec::Avc),
        b"hvc1" => Ok(Codec::Hevc),
        b"av01" => Ok(Codec::Av1),
        b"vp08" => Err(unsupported("VP8")),
        b"vp09" => Err(unsupported("VP9")),
        b"vvc1" => Err(unsupported("H.266 (VVC)")),
        _ => Err(unknown_fourcc("video", fourcc)),
    }
}

/// FourCC of Enhanced RTMP for audio.
pub(super) fn audio_fourcc(fourcc: [u8; 4]) -> Result<Codec, FlvError> {
    match &fourcc {
        b"mp4a" => Ok(Codec::Aac),
        b"Opus" => Ok(Codec::Opus),
        b".mp3" => Ok(Codec::Mp3),
        b"fLaC" => Err(unsupported("FLAC")),
        b"ac-3" => Err(unsupported("AC-3 (Dolby Digital)")),
        b"ec-3" => Err(unsupported("E-AC-3 (Dolby Digital Plus)")),
        _ => Err(unknown_fourcc("audio", fourcc)),
    }
}

/// `CodecID` of FLV 10.1 §E.4.3.1, and 12, which encoders used for HEVC before Enhanced RTMP.
pub(super) fn video_number(number: u8) -> Result<Codec, FlvError> {
    Err(match number {
        7 => return Ok(Codec::Avc),
        12 => return Ok(Codec::Hevc),
        2 => unsupported("Sorenson H.263"),
        3 => unsupported("Screen video"),
        4 => unsupported("On2 VP6"),
        5 => unsupported("On2 VP6 with alpha"),
        6 => unsupported("Screen video 2"),
        other => FlvError::UnsupportedCodec { codec: format!("video number {other}") },
    })
}

/// `SoundFormat` of FLV 10.1 §E.4.2.1.
pub(super) fn audio_number(number: u8) -> Result<Codec, FlvError> {
    Err(match number {
        2 | 14 => return Ok(Codec::Mp3),
        10 => return Ok(Codec::Aac),
        0 | 3 => unsupported("PCM"),
        1 => unsupported("ADPCM"),
        4..=6 => unsupported("Nellymoser"),
        7 => unsupported("G.711 A-law"),
        8 => unsupported("G.711 mu-law"),
        11 => unsupported("Speex"),
        other => FlvError::UnsupportedCodec { codec: format!("audio number {other}") },
    })
}

fn unsupported(name: &str) -> FlvError {
    FlvError::UnsupportedCodec { codec: name.to_owned() }
}

fn unknown_fourcc(kind: &str, fourcc: [u8; 4]) -> FlvError {
    FlvError::UnsupportedCodec { codec: format!("{kind} \"{}\"", fourcc.escape_ascii()) }
}
