//! RTMP audio and video messages taken apart (FLV 10.1 Annex E; Enhanced RTMP v2).
//!
//! [`Demuxer`] is fed message bodies. `header` reads what stands in front of the media (legacy or
//! enhanced), `sample` makes the payload what a sample entry expects.
//! Nothing is gated on what the publisher announced at connect: real ones announce nothing.

mod demuxer;
mod header;
mod names;
mod sample;

use bytes::Bytes;

use crate::codec::ConfigError;
use crate::{CodecConfig, TrackId};

pub use demuxer::{Demuxer, TRACKS_PER_KIND_MAX};

/// What one message holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Tag {
    /// A decoder configuration.
    Config {
        /// Its track.
        track: TrackId,
        /// The configuration; `timescale` already final.
        config: CodecConfig,
    },
    /// An access unit with the times of the wire.
    Frame {
        /// Its track.
        track: TrackId,
        /// Decoding time of the message, milliseconds modulo 2^32.
        timestamp_ms: u32,
        /// Composition offset, milliseconds, signed.
        cts_ms: i32,
        /// A decoder can start here.
        key: bool,
        /// The sample.
        payload: Bytes,
    },
}

/// Why a message cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    /// Not a valid tag.
    #[error("malformed {what}")]
    Malformed {
        /// Which structure.
        what: &'static str,
    },
    /// A codec that this product does not carry.
    #[error(
        "codec {codec} is not supported; publish H.264, HEVC or AV1 video with AAC, Opus or MP3 audio"
    )]
    UnsupportedCodec {
        /// Its name as people know it.
        codec: String,
    },
}

impl From<ConfigError> for FlvError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Malformed(what) => Self::Malformed { what },
            ConfigError::Unsupported(codec) => Self::UnsupportedCodec { codec },
        }
    }
}

#[cfg(test)]
mod tests;
