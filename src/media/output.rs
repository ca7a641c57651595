//! What the packager makes: the only form in which media reaches playlists and other nodes.

use std::sync::Arc;

use bytes::Bytes;

use crate::{CodecConfig, TrackId};

/// An initialisation section: `ftyp` + `moov` of one track (ISO 23000-19 §7.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Init {
    /// Its track.
    pub track: TrackId,
    /// What it initialises a decoder for.
    pub config: Arc<CodecConfig>,
    /// Hash of `data`, 16 hexadecimal digits; part of its URL, so that the URL is immutable.
    pub hash: String,
    /// The bytes.
    pub data: Bytes,
}

/// A partial segment: one `moof` + `mdat` pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Counts up over the whole life of the stream, across segments, shows and restarts; part of its URL.
    pub number: u64,
    /// The segment it belongs to.
    pub msn: u64,
    /// Microseconds; parts of a segment add up to the segment exactly.
    pub duration_us: i64,
    /// Starts with a key frame.
    pub independent: bool,
    /// The bytes.
    pub data: Bytes,
}

/// The start of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentStart {
    /// Media sequence number; the same in every rendition of the stream for the same span of time.
    pub msn: u64,
    /// Presentation time of its first sample on the show's line, microseconds.
    pub start_us: i64,
    /// It does not continue the segment before it (RFC 8216bis §4.4.4.3).
    pub discontinuity: bool,
    /// The section that decodes it; none when it is a gap from the start.
    pub init: Option<Arc<Init>>,
}

/// The end of a segment: from here on it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentEnd {
    /// Its number.
    pub msn: u64,
    /// Microseconds.
    pub duration_us: i64,
    /// It holds no media (RFC 8216bis §4.4.4.7).
    pub gap: bool,
}

/// One step of the packager, in order within a track.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A segment begins.
    Start(TrackId, SegmentStart),
    /// A part of the open segment is complete.
    Part(TrackId, Part),
    /// The open segment is complete.
    End(TrackId, SegmentEnd),
}
