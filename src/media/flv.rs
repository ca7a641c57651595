//! RTMP audio and video messages taken apart (FLV 10.1 Annex E; Enhanced RTMP v2).

use bytes::Bytes;

use crate::{CodecConfig, TrackId};

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

/// Takes the messages of one connection apart; remembers which tracks were configured.
#[derive(Debug, Default)]
pub struct Demuxer {}

impl Demuxer {
    /// Appends what an audio message (type 8) holds to `out`.
    ///
    /// # Errors
    /// When it is malformed or of a codec that is not carried.
    pub fn audio(
        &mut self,
        timestamp_ms: u32,
        body: Bytes,
        out: &mut Vec<Tag>,
    ) -> Result<(), FlvError> {
        let _ = (timestamp_ms, body, out);
        unimplemented!()
    }

    /// Appends what a video message (type 9) holds to `out`.
    ///
    /// # Errors
    /// When it is malformed or of a codec that is not carried.
    pub fn video(
        &mut self,
        timestamp_ms: u32,
        body: Bytes,
        out: &mut Vec<Tag>,
    ) -> Result<(), FlvError> {
        let _ = (timestamp_ms, body, out);
        unimplemented!()
    }
}
