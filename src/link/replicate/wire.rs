//! What two nodes say to each other about a copied window.
//!
//! Requests and headers are JSON; what follows a segment's header is records: a kind of one byte, numbers of fixed
//! size (big endian), bytes. A section is sent when the other end does not have it ([`super::sections`]), parts as the
//! origin made them, and the end. Each piece has its own crc32c, which finds what was damaged in a node's memory: the
//! network cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use weir_media::replica::{Outline, SegmentHead, Shade};
use weir_media::{AudioParams, Codec, CodecConfig, Init, Part, SegmentEnd, TrackId, VideoParams};
use weir_model::{ChannelName, NodeId};

/// Request: begin to send a channel's window to the asker.
pub(in crate::link) const SUBSCRIBE: &str = "replicate.subscribe";
/// Request to the owner: whom to pull from?
pub(in crate::link) const SOURCE: &str = "replicate.source";
/// Request: stop that.
pub(in crate::link) const UNSUBSCRIBE: &str = "replicate.unsubscribe";
/// Request: send one segment again.
pub(in crate::link) const FETCH: &str = "replicate.fetch";
/// Stream: a segment of one track.
pub(in crate::link) const SEGMENT: &str = "replicate.segment";
/// Stream: where the show stands, one per subscription.
pub(in crate::link) const STATUS: &str = "replicate.status";

/// Bytes of one part: the longest part (1 s) at five times the rate a window is made for.
const PART_BYTES_MAX: u32 = 32 << 20;
/// Bytes of a section or of its description: parameter sets of a few hundred bytes, and room.
const INIT_BYTES_MAX: u32 = 64 << 10;
/// Bytes that are reserved before they came.
const RESERVED_MAX: usize = 256 << 10;

/// Codes with which segments' streams end early.
pub(in crate::link) mod code {
    /// Too late to be of use; the segment can still be fetched.
    pub(in crate::link) const STALE: u32 = 32;
    /// The source has it no more.
    pub(in crate::link) const GONE: u32 = 33;
    /// The reader has it, or does not follow this.
    pub(in crate::link) const UNWANTED: u32 = 34;
    /// The reader found damage or a hole.
    pub(in crate::link) const DAMAGED: u32 = 35;
    /// The reader's window has left this segment behind, and so every one before it.
    pub(in crate::link) const PAST: u32 = 36;
}

/// Asks for a channel's window.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Subscribe {
    pub(in crate::link) channel: ChannelName,
    /// The asker's name for the subscription; a later one replaces an earlier one of the same channel.
    pub(in crate::link) sub: u64,
    /// The epoch the asker believes in; none takes any.
    #[serde(default)]
    pub(in crate::link) epoch: Option<u64>,
    /// What the asker has of each track.
    #[serde(default)]
    pub(in crate::link) from: BTreeMap<TrackId, Place>,
    /// Nodes between the asker and its viewers' ends, the asker among them: who is one of them must refuse.
    #[serde(default)]
    pub(in crate::link) hops: Vec<NodeId>,
    /// Nodes that the asker could not pull from; none when it cannot be told to pull from another one.
    #[serde(default)]
    pub(in crate::link) avoid: Option<BTreeSet<NodeId>>,
    /// The owner named this node: of use is only what is fed.
    #[serde(default)]
    pub(in crate::link) sent: bool,
}

/// Asks the owner whom to pull from, while another node feeds the asker.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Source {
    pub(in crate::link) channel: ChannelName,
    pub(in crate::link) epoch: u64,
    /// Who feeds the asker.
    #[serde(default)]
    pub(in crate::link) at: Option<NodeId>,
    /// What the asker has of each track.
    #[serde(default)]
    pub(in crate::link) from: BTreeMap<TrackId, Place>,
    /// Nothing came for a while.
    #[serde(default)]
    pub(in crate::link) silent: bool,
    /// Nodes that the asker could not pull from.
    #[serde(default)]
    pub(in crate::link) avoid: BTreeSet<NodeId>,
}

/// What comes of asking for a window.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(in crate::link) enum Answer {
    Here(Box<Subscribed>),
    Elsewhere(Elsewhere),
}

/// Whom to pull from; who says so for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Elsewhere {
    pub(in crate::link) instead: NodeId,
}

/// How far a track has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Place {
    /// The newest segment that began.
    pub(in crate::link) msn: u64,
    /// It is complete.
    pub(in crate::link) whole: bool,
    /// The part that comes next.
    pub(in crate::link) next_part: u64,
}

/// Yes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Subscribed {
    pub(in crate::link) epoch: u64,
    pub(in crate::link) outline: Outline,
    /// The way from the origin to the one who answers, itself last.
    #[serde(default)]
    pub(in crate::link) path: Vec<NodeId>,
}

/// Asks for one segment.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Fetch {
    pub(in crate::link) channel: ChannelName,
    pub(in crate::link) sub: u64,
    pub(in crate::link) track: TrackId,
    pub(in crate::link) msn: u64,
    #[serde(default)]
    pub(in crate::link) from_part: u64,
}

/// Asks for nothing more.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Unsubscribe {
    pub(in crate::link) channel: ChannelName,
    pub(in crate::link) sub: u64,
}

/// Begin of a segment's stream.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct Header {
    pub(in crate::link) channel: ChannelName,
    pub(in crate::link) sub: u64,
    pub(in crate::link) epoch: u64,
    pub(in crate::link) show: u64,
    pub(in crate::link) part_target_us: i64,
    /// For whom the stream is made, as far as the sender knows.
    #[serde(default, skip_serializing_if = "Shade::is_none")]
    pub(in crate::link) shade: Shade,
    pub(in crate::link) head: SegmentHead,
    /// Parts before this one are left out.
    #[serde(default)]
    pub(in crate::link) from_part: u64,
}

/// Begin of a status stream; the body is `ShowStatus` as JSON behind lengths of four bytes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::link) struct StatusHeader {
    pub(in crate::link) channel: ChannelName,
    pub(in crate::link) sub: u64,
    pub(in crate::link) epoch: u64,
}

/// One record of a segment's body.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::link) enum Record {
    Init(Arc<Init>),
    Part(Part),
    End(SegmentEnd),
}

/// Bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::link) enum BadRecord {
    #[error("a record of an unknown kind ({0})")]
    Kind(u8),
    #[error("a record of {0} bytes is longer than allowed")]
    Long(u32),
    #[error("a checksum does not match")]
    Checksum,
    #[error("a section's description is not understood")]
    Description,
}

const INIT: u8 = 1;
const PART: u8 = 2;
const END: u8 = 3;

/// Length of the numbers behind a record's kind.
const fn numbers_of(kind: u8) -> Option<usize> {
    match kind {
        INIT => Some(4 + 4 + 4),
        PART => Some(1 + 8 + 4 + 4 + 4),
        END => Some(1 + 8),
        _ => None,
    }
}

/// A section as bytes.
pub(in crate::link) fn init_record(init: &Init) -> Bytes {
    let described = serde_json::to_vec(&Described::of(init)).unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(13 + described.len() + init.data.len());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&described), &init.data);
    bytes.put_u8(INIT);
    bytes.put_u32(crc);
    bytes.put_u32(u32::try_from(described.len()).unwrap_or(u32::MAX));
    bytes.put_u32(u32::try_from(init.data.len()).unwrap_or(u32::MAX));
    bytes.put_slice(&described);
    bytes.put_slice(&init.data);
    bytes.freeze()
}

/// What stands before a part's bytes, which follow as they are.
pub(in crate::link) fn part_record(part: &Part) -> Bytes {
    let mut bytes = BytesMut::with_capacity(22);
    bytes.put_u8(PART);
    bytes.put_u8(u8::from(part.independent));
    bytes.put_u64(part.number);
    bytes.put_u32(u32::try_from(part.duration_us).unwrap_or(u32::MAX));
    bytes.put_u32(crc32c::crc32c(&part.data));
    bytes.put_u32(u32::try_from(part.data.len()).unwrap_or(u32::MAX));
    bytes.freeze()
}

/// An end as bytes.
pub(in crate::link) fn end_record(end: &SegmentEnd) -> Bytes {
    let mut bytes = BytesMut::with_capacity(10);
    bytes.put_u8(END);
    bytes.put_u8(u8::from(end.gap));
    bytes.put_i64(end.duration_us);
    bytes.freeze()
}

/// A section without its bytes.
#[derive(serde::Serialize, serde::Deserialize)]
struct Described {
    hash: String,
    codec: String,
    #[serde(default)]
    record: Vec<u8>,
    rfc6381: String,
    timescale: u32,
    /// Width, height, and the sample aspect ratio.
    #[serde(default)]
    video: Option<(u32, u32, (u32, u32))>,
    /// Rate, channels, samples of a frame.
    #[serde(default)]
    audio: Option<(u32, u32, u32)>,
}

const CODECS: [(Codec, &str); 6] = [
    (Codec::Aac, "aac"),
    (Codec::Av1, "av1"),
    (Codec::Avc, "avc"),
    (Codec::Hevc, "hevc"),
    (Codec::Mp3, "mp3"),
    (Codec::Opus, "opus"),
];

impl Described {
    fn of(init: &Init) -> Self {
        let config = &init.config;
        let codec = CODECS.iter().find(|(codec, _)| *codec == config.codec);
        Self {
            hash: init.hash.clone(),
            codec: codec.map(|(_, word)| (*word).to_owned()).unwrap_or_default(),
            record: config.record.to_vec(),
            rfc6381: config.rfc6381.clone(),
            timescale: config.timescale,
            video: config.video.map(|video| (video.width, video.height, video.sar)),
            audio: config.audio.map(|it| (it.sample_rate, it.channels, it.frame_samples)),
        }
    }

    fn init(self, track: TrackId, data: Bytes) -> Option<Init> {
        let (codec, _) = CODECS.iter().find(|(_, word)| *word == self.codec)?;
        let audio = |(sample_rate, channels, frame_samples)| AudioParams {
            sample_rate,
            channels,
            frame_samples,
        };
        let config = CodecConfig {
            codec: *codec,
            record: self.record.into(),
            rfc6381: self.rfc6381,
            timescale: self.timescale,
            video: self.video.map(|(width, height, sar)| VideoParams { width, height, sar }),
            audio: self.audio.map(audio),
        };
        Some(Init { track, config: Arc::new(config), hash: self.hash, data })
    }
}

/// Takes a segment's body apart, however it was cut on its way.
#[derive(Debug)]
pub(in crate::link) struct Decoder {
    track: TrackId,
    msn: u64,
    buffer: BytesMut,
}

impl Decoder {
    pub(in crate::link) fn new(track: TrackId, msn: u64) -> Self {
        Self { track, msn, buffer: BytesMut::new() }
    }

    /// Where what comes is appended.
    pub(in crate::link) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next record that is there as a whole.
    pub(in crate::link) fn next(&mut self) -> Result<Option<Record>, BadRecord> {
        let Some(kind) = self.buffer.first().copied() else { return Ok(None) };
        let numbers = numbers_of(kind).ok_or(BadRecord::Kind(kind))?;
        let Some(mut head) = self.buffer.get(1..=numbers) else { return Ok(None) };
        match kind {
            INIT => {
                let (crc, described, data) = (head.get_u32(), head.get_u32(), head.get_u32());
                let longest = described.max(data);
                if longest > INIT_BYTES_MAX {
                    return Err(BadRecord::Long(longest));
                }
                let Some(body) = self.body(numbers, described as usize + data as usize) else {
                    return Ok(None);
                };
                self.init(crc, body, described as usize).map(|init| Some(Record::Init(init)))
            }
            PART => {
                let (flags, number) = (head.get_u8(), head.get_u64());
                let (duration_us, crc, length) = (head.get_u32(), head.get_u32(), head.get_u32());
                if length > PART_BYTES_MAX {
                    return Err(BadRecord::Long(length));
                }
                let Some(data) = self.body(numbers, length as usize) else { return Ok(None) };
                if crc32c::crc32c(&data) != crc {
                    return Err(BadRecord::Checksum);
                }
                let (msn, duration_us) = (self.msn, i64::from(duration_us));
                let independent = flags & 1 != 0;
                Ok(Some(Record::Part(Part { number, msn, duration_us, independent, data })))
            }
            _ => {
                let (gap, duration_us) = (head.get_u8() != 0, head.get_i64());
                let Some(_) = self.body(numbers, 0) else { return Ok(None) };
                Ok(Some(Record::End(SegmentEnd { msn: self.msn, duration_us, gap })))
            }
        }
    }

    /// Cuts a record off when its body is there.
    fn body(&mut self, numbers: usize, length: usize) -> Option<Bytes> {
        let whole = 1 + numbers + length;
        if self.buffer.len() < whole {
            self.buffer.reserve((whole - self.buffer.len()).min(RESERVED_MAX));
            return None;
        }
        let mut record = self.buffer.split_to(whole);
        record.advance(1 + numbers);
        Some(record.freeze())
    }

    fn init(&self, crc: u32, body: Bytes, described: usize) -> Result<Arc<Init>, BadRecord> {
        if crc32c::crc32c(&body) != crc {
            return Err(BadRecord::Checksum);
        }
        let text = body.get(..described).unwrap_or_default();
        let text: Described = serde_json::from_slice(text).map_err(|_| BadRecord::Description)?;
        let init = text.init(self.track, body.slice(described..));
        Ok(Arc::new(init.ok_or(BadRecord::Description)?))
    }
}

#[cfg(test)]
mod tests;
