//! The unit that travels: one access unit with its times, or a change of codec configuration.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;

/// Video or audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrackKind {
    /// Moving picture.
    Video,
    /// Sound.
    Audio,
}

/// Kind and number of a track inside its stream; `v0` and `a0` in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId {
    /// Video or audio.
    pub kind: TrackKind,
    /// 0 is the main one.
    pub index: u8,
}

impl TrackId {
    /// The main video track.
    pub const VIDEO: Self = Self { kind: TrackKind::Video, index: 0 };
    /// The main audio track.
    pub const AUDIO: Self = Self { kind: TrackKind::Audio, index: 0 };
}

/// A text that names no track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a track is named `v` or `a` and a number up to 255, as in `v0`")]
pub struct InvalidTrack;

impl FromStr for TrackId {
    type Err = InvalidTrack;

    fn from_str(text: &str) -> Result<Self, InvalidTrack> {
        let (kind, index) = match text.split_at_checked(1) {
            Some(("v", index)) => (TrackKind::Video, index),
            Some(("a", index)) => (TrackKind::Audio, index),
            _ => return Err(InvalidTrack),
        };
        Ok(Self { kind, index: index.parse().map_err(|_| InvalidTrack)? })
    }
}

impl serde::Serialize for TrackId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for TrackId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TrackKind::Video => 'v',
            TrackKind::Audio => 'a',
        };
        write!(f, "{kind}{}", self.index)
    }
}

/// A codec this product carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// AAC: LC, HE and HEv2.
    Aac,
    /// AV1.
    Av1,
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// MPEG-1/2 layer III.
    Mp3,
    /// Opus.
    Opus,
}

/// What a video configuration says of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoParams {
    /// Coded picture after cropping, pixels.
    pub width: u32,
    /// Coded picture after cropping, pixels.
    pub height: u32,
    /// Sample aspect ratio, horizontal : vertical; 1:1 when not signalled.
    pub sar: (u32, u32),
}

/// What an audio configuration says of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioParams {
    /// Output rate in hertz (after SBR for HE-AAC).
    pub sample_rate: u32,
    /// Output channels (after PS for HEv2).
    pub channels: u32,
    /// Samples of one frame in units of the track's timescale (0: varies, as for Opus).
    pub frame_samples: u32,
}

/// A decoder configuration, as the sample entry needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct CodecConfig {
    /// The codec.
    pub codec: Codec,
    /// The configuration record: body of `avcC`, `hvcC`, `av1C`, `dOps`, or the AudioSpecificConfig; empty for MP3.
    pub record: Bytes,
    /// RFC 6381 codec string for playlists.
    pub rfc6381: String,
    /// Ticks per second of this track's `pts` and `dts`.
    pub timescale: u32,
    /// Present for video.
    pub video: Option<VideoParams>,
    /// Present for audio.
    pub audio: Option<AudioParams>,
}

/// One access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its track.
    pub track: TrackId,
    /// Presentation time, track timescale, on the show's line.
    pub pts: i64,
    /// Decoding time, track timescale, on the show's line; strictly rising inside a track.
    pub dts: i64,
    /// A decoder can start here.
    pub key: bool,
    /// What the codec puts in a sample: length-prefixed NAL units, AV1 temporal unit without
    /// delimiters, raw AAC, Opus packet. Shared, never copied after the protocol parser.
    pub payload: Bytes,
}

/// What a feed carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A track begins or changes its configuration. Comes before its first frame.
    Config(TrackId, Arc<CodecConfig>),
    /// The time line breaks for every track: what follows does not continue what came before.
    Discontinuity,
    /// A frame.
    Frame(Frame),
}

impl Item {
    /// Bytes of media it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Config(_, config) => config.record.len(),
            Self::Discontinuity => 0,
            Self::Frame(frame) => frame.payload.len(),
        }
    }

    /// Whether it holds no media bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
