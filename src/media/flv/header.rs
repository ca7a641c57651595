//! What stands in front of the media in a message body: one or more [`Packet`]s.

use bytes::{Buf, Bytes};

use super::FlvError;
use super::names::{audio_fourcc, audio_number, video_fourcc, video_number};
use crate::{Codec, TrackKind};

/// A message body without its headers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// Track number of the wire; 0 where the form has none.
    pub(super) track: u8,
    pub(super) codec: Codec,
    pub(super) content: Content,
    pub(super) data: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A configuration record.
    Config,
    /// A sample.
    Frame { cts_ms: i32, key: bool },
    /// Nothing that is media: end marks, metadata, channel maps, commands.
    Other,
}

/// Packets of one multitrack message; 8 tracks of each kind are carried, and a message is not a list of thousands.
const PACKETS_MAX: usize = 64;

/// Packet types of Enhanced RTMP that audio and video share; 5 and 6 differ.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const CODED_FRAMES_X: u8 = 3;
const MOD_EX: u8 = 7;
const VIDEO_METADATA: u8 = 4;
const VIDEO_MULTITRACK: u8 = 6;
const AUDIO_MULTITRACK: u8 = 5;

/// `VideoFrameType` of a key frame and of a command.
const FRAME_KEY: u8 = 1;
const FRAME_COMMAND: u8 = 5;

/// Takes the body of a video message (type 9) apart.
pub(super) fn video(mut body: Bytes, out: &mut Vec<Packet>) -> Result<(), FlvError> {
    let first = byte(&mut body)?;
    let (frame_type, low) = (first >> 4 & 7, first & 0xf);
    let key = frame_type == FRAME_KEY;
    if first & 0x80 != 0 {
        let (packet_type, command) = (mod_ex(&mut body, low)?, frame_type == FRAME_COMMAND);
        if command && packet_type != VIDEO_METADATA {
            return Ok(());
        }
        return enhanced(TrackKind::Video, packet_type, key, body, out);
    }
    if frame_type == FRAME_COMMAND {
        return Ok(());
    }
    let codec = video_number(low)?;
    let packet_type = byte(&mut body)?;
    let cts_ms = signed_24(&mut body)?;
    let content = match packet_type {
        0 => Content::Config,
        1 => Content::Frame { cts_ms, key },
        _ => Content::Other,
    };
    out.push(Packet { track: 0, codec, content, data: body });
    Ok(())
}

/// Takes the body of an audio message (type 8) apart.
pub(super) fn audio(mut body: Bytes, out: &mut Vec<Packet>) -> Result<(), FlvError> {
    let first = byte(&mut body)?;
    let format = first >> 4;
    if format == 9 {
        let packet_type = mod_ex(&mut body, first & 0xf)?;
        return enhanced(TrackKind::Audio, packet_type, true, body, out);
    }
    let codec = audio_number(format)?;
    let frame = Content::Frame { cts_ms: 0, key: true };
    let content = match codec {
        Codec::Aac if byte(&mut body)? == 0 => Content::Config,
        _ => frame,
    };
    out.push(Packet { track: 0, codec, content, data: body });
    Ok(())
}

/// Skips the ModEx blocks in front and answers the packet type behind them.
fn mod_ex(body: &mut Bytes, mut packet_type: u8) -> Result<u8, FlvError> {
    while packet_type == MOD_EX {
        let mut size = usize::from(byte(body)?) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes(array(body)?)) + 1;
        }
        split(body, size)?;
        packet_type = byte(body)? & 0xf;
    }
    Ok(packet_type)
}

fn enhanced(
    kind: TrackKind,
    mut packet_type: u8,
    key: bool,
    mut body: Bytes,
    out: &mut Vec<Packet>,
) -> Result<(), FlvError> {
    let (multitrack, fourcc): (_, fn([u8; 4]) -> _) = match kind {
        TrackKind::Video => (VIDEO_MULTITRACK, video_fourcc),
        TrackKind::Audio => (AUDIO_MULTITRACK, audio_fourcc),
    };
    if packet_type != multitrack {
        let codec = fourcc(array(&mut body)?)?;
        return push(kind, 0, codec, packet_type, key, body, out);
    }
    let types = byte(&mut body)?;
    packet_type = types & 0xf;
    let (one_track, many_codecs) = match types >> 4 {
        0 => (true, false),
        1 => (false, false),
        2 => (false, true),
        _ => return Err(FlvError::Malformed { what: "multitrack type" }),
    };
    if packet_type == multitrack {
        return Err(FlvError::Malformed { what: "multitrack message inside another" });
    }
    let shared = if many_codecs { None } else { Some(array(&mut body)?) };
    loop {
        let code = shared.map_or_else(|| array(&mut body), Ok)?;
        let track = byte(&mut body)?;
        let size = if one_track { body.len() } else { unsigned_24(&mut body)? };
        let data = split(&mut body, size)?;
        push(kind, track, fourcc(code)?, packet_type, key, data, out)?;
        if body.is_empty() {
            return Ok(());
        }
        if out.len() >= PACKETS_MAX {
            return Err(FlvError::Malformed { what: "multitrack message with too many tracks" });
        }
    }
}

fn push(
    kind: TrackKind,
    track: u8,
    codec: Codec,
    packet_type: u8,
    key: bool,
    mut data: Bytes,
    out: &mut Vec<Packet>,
) -> Result<(), FlvError> {
    let offset = matches!(codec, Codec::Avc | Codec::Hevc);
    let content = match (packet_type, kind) {
        (SEQUENCE_START, _) => Content::Config,
        (CODED_FRAMES, TrackKind::Video) if offset => {
            Content::Frame { cts_ms: signed_24(&mut data)?, key }
        }
        (CODED_FRAMES, _) | (CODED_FRAMES_X, TrackKind::Video) => Content::Frame { cts_ms: 0, key },
        _ => Content::Other,
    };
    out.push(Packet { track, codec, content, data });
    Ok(())
}

fn byte(body: &mut Bytes) -> Result<u8, FlvError> {
    array::<1>(body).map(|[byte]| byte)
}

fn signed_24(body: &mut Bytes) -> Result<i32, FlvError> {
    let [a, b, c] = array(body)?;
    Ok(i32::from_be_bytes([a, b, c, 0]) >> 8)
}

fn unsigned_24(body: &mut Bytes) -> Result<usize, FlvError> {
    let [a, b, c] = array(body)?;
    Ok(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}

fn array<const N: usize>(body: &mut Bytes) -> Result<[u8; N], FlvError> {
    let bytes = *body.first_chunk::<N>().ok_or(TRUNCATED)?;
    body.advance(N);
    Ok(bytes)
}

fn split(body: &mut Bytes, size: usize) -> Result<Bytes, FlvError> {
    if size > body.len() {
        return Err(TRUNCATED);
    }
    Ok(body.split_to(size))
}

const TRUNCATED: FlvError = FlvError::Malformed { what: "tag: it ends too early" };
