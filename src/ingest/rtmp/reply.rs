//! What the server says: every outbound message, written by `rml_rtmp`'s serializer.
//!
//! Each message goes out with a full header and inside one chunk. The serializer writes full headers on
//! continuation chunks too, which no peer could read, so a chunk size above every message is set before
//! the first command.

use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::messages::{
    MessagePayload, PeerBandwidthLimitType, RtmpMessage, UserControlEventType,
};
use rml_rtmp::rml_amf0::Amf0Value;
use rml_rtmp::time::RtmpTimestamp;

/// Chunk size of what we send.
pub const CHUNK_SIZE: u32 = 4096;
/// Longest sentence sent in a status, bytes; keeps every message below [`CHUNK_SIZE`].
pub const DESCRIPTION_BYTES_MAX: usize = 1024;
/// How many bytes a peer may send us, or we it, between acknowledgements.
pub const WINDOW: u32 = 5_000_000;

/// Tone of a status (RTMP 1.0 §7.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For your information.
    Status,
    /// You failed.
    Error,
}

/// Collects outbound bytes.
pub struct Replies {
    serializer: ChunkSerializer,
    chunk_size_set: bool,
    out: Vec<u8>,
}

/// A property of an outbound object.
pub type Property = (&'static str, Amf0Value);

impl Default for Replies {
    fn default() -> Self {
        Self::new()
    }
}

impl Replies {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self { serializer: ChunkSerializer::new(), chunk_size_set: false, out: Vec::new() }
    }

    /// Takes what was said since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Appends raw bytes, for the handshake.
    pub fn raw(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Window Acknowledgement Size and Set Peer Bandwidth, which precede the answer to `connect`.
    pub fn greeting(&mut self) {
        self.message(0, RtmpMessage::WindowAcknowledgement { size: WINDOW });
        let limit_type = PeerBandwidthLimitType::Dynamic;
        self.message(0, RtmpMessage::SetPeerBandwidth { size: WINDOW, limit_type });
    }

    /// A command on message stream `stream`.
    pub fn command(
        &mut self,
        stream: u32,
        name: &str,
        transaction_id: f64,
        object: Amf0Value,
        additional_arguments: Vec<Amf0Value>,
    ) {
        self.set_chunk_size();
        let command_name = name.to_owned();
        let command_object = object;
        let message = RtmpMessage::Amf0Command {
            command_name,
            transaction_id,
            command_object,
            additional_arguments,
        };
        self.message(stream, message);
    }

    /// `onStatus` on message stream `stream`.
    pub fn status(&mut self, stream: u32, level: Level, code: &str, description: &str) {
        let info = status_object(level, code, description);
        self.command(stream, "onStatus", 0.0, Amf0Value::Null, vec![info]);
    }

    /// Total bytes received, modulo 2^32.
    pub fn acknowledgement(&mut self, total: u32) {
        self.message(0, RtmpMessage::Acknowledgement { sequence_number: total });
    }

    /// Asks whether the peer is alive.
    pub fn ping(&mut self, timestamp: u32) {
        self.user_control(UserControlEventType::PingRequest, None, Some(timestamp));
    }

    /// Answers the peer's ping.
    pub fn pong(&mut self, timestamp: u32) {
        self.user_control(UserControlEventType::PingResponse, None, Some(timestamp));
    }

    /// Says that message stream `stream` works.
    pub fn stream_begin(&mut self, stream: u32) {
        self.user_control(UserControlEventType::StreamBegin, Some(stream), None);
    }

    fn set_chunk_size(&mut self) {
        if std::mem::replace(&mut self.chunk_size_set, true) {
            return;
        }
        if let Ok(packet) = self.serializer.set_max_chunk_size(CHUNK_SIZE, RtmpTimestamp::new(0)) {
            self.out.extend(packet.bytes);
        }
    }

    fn user_control(
        &mut self,
        event_type: UserControlEventType,
        stream_id: Option<u32>,
        timestamp: Option<u32>,
    ) {
        let timestamp = timestamp.map(RtmpTimestamp::new);
        let buffer_length = None;
        let message = RtmpMessage::UserControl { event_type, stream_id, buffer_length, timestamp };
        self.message(0, message);
    }

    fn message(&mut self, stream: u32, message: RtmpMessage) {
        // Errors are texts above 64 KiB and messages above 16 MiB; neither is ever said.
        let payload = MessagePayload::from_rtmp_message(message, RtmpTimestamp::new(0), stream);
        let Ok(payload) = payload else {
            return;
        };
        debug_assert!(payload.data.len() <= CHUNK_SIZE as usize, "a message of several chunks");
        if let Ok(packet) = self.serializer.serialize(&payload, true, false) {
            self.out.extend(packet.bytes);
        }
    }
}

/// An object of `properties`.
#[must_use]
pub fn object(properties: Vec<Property>) -> Amf0Value {
    let named = properties.into_iter().map(|(name, value)| (name.to_owned(), value));
    Amf0Value::Object(named.collect())
}

/// A text value.
#[must_use]
pub fn text(text: &str) -> Amf0Value {
    Amf0Value::Utf8String(text.to_owned())
}

/// The object that tells how something went.
#[must_use]
pub fn status_object(level: Level, code: &str, description: &str) -> Amf0Value {
    let level = match level {
        Level::Status => "status",
        Level::Error => "error",
    };
    let mut end = description.len().min(DESCRIPTION_BYTES_MAX);
    while !description.is_char_boundary(end) {
        end -= 1;
    }
    let description = description.get(..end).unwrap_or_default();
    object(vec![("level", text(level)), ("code", text(code)), ("description", text(description))])
}
