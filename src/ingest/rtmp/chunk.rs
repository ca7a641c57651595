//! Chunks to messages (RTMP 1.0 §5.3), without a socket and with every buffer bounded.
//!
//! Each chunk stream assembles its own message, so that interleaving, which the protocol allows and
//! hardware encoders use, costs nothing. A payload byte is copied once, from the read buffer into a
//! message of exactly its size: slices of the read buffer would save that copy but keep whole read
//! buffers alive for as long as a player may ask for one small audio frame.
//!
//! Set Chunk Size and Abort change how the very next byte is read, so they are obeyed here and not
//! passed on.

use bytes::Bytes;

use super::message::{Message, kind};

/// Largest media or data message. A key frame of 4K at 100 Mbit/s is about 2–5 MB.
pub const MEDIA_BYTES_MAX: usize = 8 << 20;
/// Largest message that is neither, and of any message before the publisher was let in: commands are a
/// few hundred bytes, metadata a few thousand.
pub const COMMAND_BYTES_MAX: usize = 64 << 10;
/// All partial messages of a connection: one largest message and what may interleave with it.
pub const ASSEMBLY_BYTES_MAX: usize = MEDIA_BYTES_MAX + (2 << 20);
/// Bytes of partial messages of a connection that was not let in to publish: one command of the largest
/// size and the small ones that may come between its chunks.
pub const STRANGER_BYTES_MAX: usize = COMMAND_BYTES_MAX + (16 << 10);
/// Chunk streams of a connection. Encoders use three to five; multitrack ones a few more.
pub const CHUNK_STREAMS_MAX: usize = 32;
/// Chunk size until the peer sets another (RTMP 1.0 §5.4.1).
pub const CHUNK_SIZE_DEFAULT: usize = 128;
/// Basic header, message header and extended timestamp at their longest.
pub const HEADER_BYTES_MAX: usize = 3 + 11 + 4;

/// A 24-bit time field of this value says that four more bytes follow.
const EXTENDED: u32 = 0x00FF_FFFF;

/// Why a connection's bytes cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A short header on a chunk stream that has no header to continue.
    #[error("chunk stream {0} begins with a header that needs an earlier one")]
    NoEarlierHeader(u32),
    /// A message header where the rest of a message belongs.
    #[error("chunk stream {0} begins a message before the last one is complete")]
    MessageInsideMessage(u32),
    /// A message above its limit.
    #[error("a message of type {kind} has {length} bytes; at most {limit} are taken")]
    MessageTooLong {
        /// Its type id.
        kind: u8,
        /// Its length.
        length: usize,
        /// What would have been taken.
        limit: usize,
    },
    /// [`ASSEMBLY_BYTES_MAX`].
    #[error("unfinished messages take more than {ASSEMBLY_BYTES_MAX} bytes")]
    AssemblyFull,
    /// [`CHUNK_STREAMS_MAX`].
    #[error("more than {CHUNK_STREAMS_MAX} chunk streams")]
    TooManyStreams,
    /// Set Chunk Size or Abort that cannot be obeyed.
    #[error("malformed {0}")]
    Control(&'static str),
}

/// Takes the chunks of one connection together.
#[derive(Debug)]
pub struct Dechunker {
    chunk_size: usize,
    media_allowed: bool,
    streams: Vec<ChunkStream>,
    /// Bytes allocated for partial messages.
    held: usize,
    /// The chunk whose payload is being read: index into `streams` and bytes still to come.
    open: Option<(usize, usize)>,
}

#[derive(Debug)]
struct ChunkStream {
    id: u32,
    header: Header,
    partial: Option<Vec<u8>>,
}

/// The last header of a chunk stream, as far as later ones refer to it.
#[derive(Debug, Clone, Copy)]
struct Header {
    /// Absolute time of the message.
    timestamp: u32,
    /// What type 3 adds to it when it begins a message.
    delta: u32,
    /// The value of the extended timestamp, when the last full time field had one.
    extended: Option<u32>,
    length: usize,
    kind: u8,
    stream: u32,
}

/// A header as read from the wire.
struct Parsed {
    id: u32,
    header: Header,
    /// Bytes it took.
    used: usize,
    /// Type 3: may continue a message.
    continues: bool,
}

impl Default for Dechunker {
    fn default() -> Self {
        Self::new()
    }
}

impl Dechunker {
    /// A reader at the first byte after the handshake.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chunk_size: CHUNK_SIZE_DEFAULT,
            media_allowed: false,
            streams: Vec::new(),
            held: 0,
            open: None,
        }
    }

    /// Lifts the limit of media and data messages to [`MEDIA_BYTES_MAX`]; before, every message has
    /// [`COMMAND_BYTES_MAX`].
    pub const fn allow_media(&mut self) {
        self.media_allowed = true;
    }

    /// Bytes that partial messages take; never above [`ASSEMBLY_BYTES_MAX`].
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held
    }

    /// The next whole message of `input`, or none when more bytes are needed. What was used is cut off
    /// the front of `input`; at most [`HEADER_BYTES_MAX`] bytes stay and must come again, first.
    ///
    /// # Errors
    /// When the bytes break the protocol or a limit. The connection cannot be read on then.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ChunkError> {
        loop {
            let (index, wanted) = match self.open {
                Some(open) => open,
                None => match self.begin_chunk(input)? {
                    Some(open) => open,
                    None => return Ok(None),
                },
            };
            let left = self.take_payload(index, wanted, input);
            self.open = (left > 0).then_some((index, left));
            if left > 0 {
                return Ok(None);
            }
            if let Some(message) = self.finish_message(index)
                && let Some(message) = self.obey(message)?
            {
                return Ok(Some(message));
            }
        }
    }

    /// Reads a chunk header and makes room for its message. None when the header is not whole yet.
    fn begin_chunk(&mut self, input: &mut &[u8]) -> Result<Option<(usize, usize)>, ChunkError> {
        let Some(parsed) = self.parse_header(input)? else {
            return Ok(None);
        };
        let index = self.slot(&parsed)?;
        *input = input.get(parsed.used..).unwrap_or_default();
        let (limit, held_max) = (self.limit(parsed.header.kind), self.held_max());
        let Some(stream) = self.streams.get_mut(index) else {
            return Err(ChunkError::TooManyStreams);
        };
        let length = parsed.header.length;
        let filled = match &stream.partial {
            Some(partial) => partial.len(),
            None => {
                if length > limit {
                    let kind = parsed.header.kind;
                    return Err(ChunkError::MessageTooLong { kind, length, limit });
                }
                if self.held + length > held_max {
                    return Err(ChunkError::AssemblyFull);
                }
                self.held += length;
                stream.header = parsed.header;
                stream.partial = Some(Vec::with_capacity(length));
                0
            }
        };
        Ok(Some((index, (length - filled).min(self.chunk_size))))
    }

    /// Index of the header's chunk stream, made when new.
    fn slot(&mut self, parsed: &Parsed) -> Result<usize, ChunkError> {
        if let Some(index) = self.index(parsed.id) {
            let busy = self.streams.get(index).is_some_and(|stream| stream.partial.is_some());
            if busy && !parsed.continues {
                return Err(ChunkError::MessageInsideMessage(parsed.id));
            }
            return Ok(index);
        }
        if self.streams.len() == CHUNK_STREAMS_MAX {
            return Err(ChunkError::TooManyStreams);
        }
        let stream = ChunkStream { id: parsed.id, header: parsed.header, partial: None };
        self.streams.push(stream);
        Ok(self.streams.len() - 1)
    }

    fn index(&self, id: u32) -> Option<usize> {
        self.streams.iter().position(|stream| stream.id == id)
    }

    /// A stranger who has not been let in to publish gets little memory.
    const fn held_max(&self) -> usize {
        if self.media_allowed { ASSEMBLY_BYTES_MAX } else { STRANGER_BYTES_MAX }
    }

    const fn limit(&self, kind: u8) -> usize {
        if self.media_allowed && Message::may_be_large(kind) {
            MEDIA_BYTES_MAX
        } else {
            COMMAND_BYTES_MAX
        }
    }

    /// Moves up to `wanted` payload bytes and says how many are still missing.
    fn take_payload(&mut self, index: usize, wanted: usize, input: &mut &[u8]) -> usize {
        let (now, rest) = input.split_at(wanted.min(input.len()));
        *input = rest;
        if let Some(partial) = self.streams.get_mut(index).and_then(|one| one.partial.as_mut()) {
            partial.extend_from_slice(now);
        }
        wanted - now.len()
    }

    fn finish_message(&mut self, index: usize) -> Option<Message> {
        let stream = self.streams.get_mut(index)?;
        let body = stream.partial.take_if(|body| body.len() == stream.header.length)?;
        self.held -= stream.header.length;
        let Header { timestamp, kind, stream, .. } = stream.header;
        Some(Message { kind, stream, timestamp, body: Bytes::from(body) })
    }

    /// Obeys what concerns chunks and passes everything else on.
    fn obey(&mut self, message: Message) -> Result<Option<Message>, ChunkError> {
        match message.kind {
            kind::SET_CHUNK_SIZE => {
                // The top bit is reserved and ignored. No chunk is longer than its message, so the
                // largest size needs no limit of its own.
                let size = message.number().map(|size| size & 0x7FFF_FFFF).filter(|size| *size > 0);
                self.chunk_size = size
                    .and_then(|size| usize::try_from(size).ok())
                    .ok_or(ChunkError::Control("Set Chunk Size"))?;
            }
            kind::ABORT => {
                let id = message.number().ok_or(ChunkError::Control("Abort"))?;
                if let Some(index) = self.index(id)
                    && let Some(stream) = self.streams.get_mut(index)
                    && stream.partial.take().is_some()
                {
                    self.held -= stream.header.length;
                }
            }
            _ => return Ok(Some(message)),
        }
        Ok(None)
    }

    /// Reads a header without using it up. None when it is not whole yet.
    fn parse_header(&self, input: &[u8]) -> Result<Option<Parsed>, ChunkError> {
        let mut reader = Reader { input, used: 0 };
        let Some((format, id)) = reader.basic_header() else {
            return Ok(None);
        };
        let known = self.index(id).and_then(|index| self.streams.get(index));
        if format != 0 && known.is_none() {
            return Err(ChunkError::NoEarlierHeader(id));
        }
        let earlier = known.map(|stream| stream.header);
        let inside = known.is_some_and(|stream| stream.partial.is_some());
        let header = match (format, earlier) {
            (3, Some(earlier)) => reader.continued(earlier, inside),
            _ => reader.message_header(format, earlier),
        };
        let continues = format == 3;
        Ok(header.map(|header| Parsed { id, header, used: reader.used, continues }))
    }
}

/// Reads forward over bytes that may end anywhere.
struct Reader<'a> {
    input: &'a [u8],
    used: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.input.get(self.used..)?.first_chunk::<N>()?;
        self.used += N;
        Some(bytes)
    }

    /// Format and chunk stream id (§5.3.1.1): ids 2–63 in one byte, 64–319 in two, up to 65,599 in three.
    fn basic_header(&mut self) -> Option<(u8, u32)> {
        let [first] = self.take()?;
        let id = match first & 0x3F {
            0 => {
                let [low] = self.take()?;
                64 + u32::from(low)
            }
            1 => {
                let [low, high] = self.take()?;
                64 + u32::from(low) + (u32::from(high) << 8)
            }
            id => u32::from(id),
        };
        Some((first >> 6, id))
    }

    /// A header of type 0, 1 or 2 (§5.3.1.2).
    fn message_header(&mut self, format: u8, earlier: Option<Header>) -> Option<Header> {
        let [a, b, c] = self.take()?;
        let mut field = u32::from_be_bytes([0, a, b, c]);
        let (length, kind) = match earlier {
            Some(earlier) if format == 2 => (earlier.length, earlier.kind),
            _ => {
                let [a, b, c, kind] = self.take()?;
                (usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?, kind)
            }
        };
        let stream = match earlier {
            Some(earlier) if format != 0 => earlier.stream,
            _ => u32::from_le_bytes(self.take()?),
        };
        let mut extended = None;
        if field == EXTENDED {
            field = u32::from_be_bytes(self.take()?);
            extended = Some(field);
        }
        let timestamp = match earlier {
            Some(earlier) if format != 0 => earlier.timestamp.wrapping_add(field),
            _ => field,
        };
        Some(Header { timestamp, delta: field, extended, length, kind, stream })
    }

    /// A header of type 3: the earlier one again, for the rest of a message or for the next message.
    fn continued(&mut self, earlier: Header, inside: bool) -> Option<Header> {
        if let Some(extended) = earlier.extended
            && self.repeats(&[extended, earlier.timestamp])?
        {
            self.used += 4;
        }
        if inside {
            return Some(earlier);
        }
        Some(Header { timestamp: earlier.timestamp.wrapping_add(earlier.delta), ..earlier })
    }

    /// Whether the next four bytes are one of `values`; none while that cannot be told yet.
    ///
    /// After an extended timestamp, most encoders repeat the field in each type 3 header and older ones
    /// do not; nothing else tells them apart. Some repeat the absolute time where a delta was sent.
    fn repeats(&self, values: &[u32]) -> Option<bool> {
        let ahead = self.input.get(self.used..).unwrap_or_default();
        let ahead = ahead.get(..4).unwrap_or(ahead);
        let same = values.iter().any(|value| value.to_be_bytes().starts_with(ahead));
        if same && ahead.len() < 4 { None } else { Some(same) }
    }
}

#[cfg(test)]
mod tests;
