//! RTMP messages: what the chunk layer assembles and the session reads.
//!
//! Type numbers are those of RTMP 1.0 §5.4, §6.2 and §7.1. An aggregate (type 22) is taken apart here,
//! because nothing behind this layer should know that several frames shared one message.

use bytes::Bytes;

/// Message type ids.
pub mod kind {
    /// Chunk size of the sender; handled by the chunk layer.
    pub const SET_CHUNK_SIZE: u8 = 1;
    /// Drops a partial message; handled by the chunk layer.
    pub const ABORT: u8 = 2;
    /// Total bytes the peer received.
    pub const ACKNOWLEDGEMENT: u8 = 3;
    /// Pings and stream events.
    pub const USER_CONTROL: u8 = 4;
    /// How many bytes the peer sends between acknowledgements.
    pub const WINDOW_ACK_SIZE: u8 = 5;
    /// Output limit asked for by the peer.
    pub const SET_PEER_BANDWIDTH: u8 = 6;
    /// One audio tag body.
    pub const AUDIO: u8 = 8;
    /// One video tag body.
    pub const VIDEO: u8 = 9;
    /// Data with an AMF3 marker in front.
    pub const DATA_AMF3: u8 = 15;
    /// Command with an AMF3 marker in front.
    pub const COMMAND_AMF3: u8 = 17;
    /// Data, for example `onMetaData`.
    pub const DATA_AMF0: u8 = 18;
    /// Command.
    pub const COMMAND_AMF0: u8 = 20;
    /// Several tags in one message.
    pub const AGGREGATE: u8 = 22;
}

/// One whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its type id, see [`kind`].
    pub kind: u8,
    /// The message stream it belongs to; 0 is the connection itself.
    pub stream: u32,
    /// Milliseconds modulo 2^32.
    pub timestamp: u32,
    /// Its body.
    pub body: Bytes,
}

impl Message {
    /// Whether its body is media or data, which may be large.
    #[must_use]
    pub const fn may_be_large(kind: u8) -> bool {
        matches!(
            kind,
            kind::AUDIO | kind::VIDEO | kind::DATA_AMF0 | kind::DATA_AMF3 | kind::AGGREGATE
        )
    }

    /// The first four bytes of the body as a number, as control messages have it.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The body as an AMF0 sequence: messages of the AMF3 types mark with a leading zero byte that AMF0
    /// follows, and some senders leave that byte out.
    #[must_use]
    pub fn amf0(&self) -> &[u8] {
        let marked = matches!(self.kind, kind::COMMAND_AMF3 | kind::DATA_AMF3);
        match self.body.split_first() {
            Some((0, rest)) if marked => rest,
            _ => &self.body,
        }
    }
}

/// Bytes of an FLV tag header inside an aggregate.
const TAG_HEADER: usize = 11;
/// Bytes of the back pointer behind each tag.
const BACK_POINTER: usize = 4;

/// The messages inside an aggregate, their times moved so that the first one is that of the aggregate
/// (RTMP 1.0 §7.1.6). A cut-off rest is left out.
pub fn split_aggregate(aggregate: &Message) -> impl Iterator<Item = Message> {
    let mut rest = aggregate.body.clone();
    let mut shift = None;
    let base = aggregate.timestamp;
    let stream = aggregate.stream;
    std::iter::from_fn(move || {
        let header: [u8; TAG_HEADER] = *rest.first_chunk()?;
        let [kind, s0, s1, s2, t0, t1, t2, t3, ..] = header;
        let length = usize::try_from(u32::from_be_bytes([0, s0, s1, s2])).ok()?;
        let own_time = u32::from_be_bytes([t3, t0, t1, t2]);
        if rest.len() < TAG_HEADER + length {
            return None;
        }
        let body = rest.slice(TAG_HEADER..TAG_HEADER + length);
        rest = rest.slice(rest.len().min(TAG_HEADER + length + BACK_POINTER)..);
        let shift = *shift.get_or_insert_with(|| base.wrapping_sub(own_time));
        Some(Message { kind, stream, timestamp: own_time.wrapping_add(shift), body })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: u8, time: u32, body: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        let [t3, t0, t1, t2] = time.to_be_bytes();
        out.extend([t0, t1, t2, t3, 0, 0, 0]);
        out.extend(body);
        out.extend((11 + u32::try_from(body.len()).unwrap()).to_be_bytes());
        out
    }

    fn aggregate(body: Vec<u8>) -> Message {
        Message { kind: kind::AGGREGATE, stream: 1, timestamp: 5000, body: body.into() }
    }

    #[test]
    fn an_aggregate_falls_into_its_messages_on_the_time_of_the_aggregate() {
        let body = [tag(8, 100, b"aa"), tag(9, 133, b""), tag(8, 0x0100_0000, b"b")].concat();
        let parts: Vec<Message> = split_aggregate(&aggregate(body)).collect();
        assert_eq!(parts.iter().map(|m| m.kind).collect::<Vec<_>>(), [8, 9, 8]);
        assert_eq!(parts[0].timestamp, 5000);
        assert_eq!(parts[1].timestamp, 5033);
        assert_eq!(parts[2].timestamp, 5000 + 0x0100_0000 - 100);
        assert_eq!(parts[0].body.as_ref(), b"aa");
    }

    #[test]
    fn a_cut_aggregate_gives_what_is_whole() {
        let whole = [tag(8, 0, b"aa"), tag(9, 1, b"bbb")].concat();
        for cut in 0..whole.len() {
            let parts = split_aggregate(&aggregate(whole[..cut].to_vec())).count();
            assert_eq!(parts, usize::from(cut >= 13) + usize::from(cut >= 31), "cut at {cut}");
        }
    }

    #[test]
    fn the_leading_zero_of_amf3_types_is_skipped_and_may_be_absent() {
        let amf0 = [2, 0, 1, b'x'];
        let marked = [&[0][..], &amf0].concat();
        for (kind, body) in
            [(kind::COMMAND_AMF3, &marked[..]), (kind::COMMAND_AMF3, &amf0), (20, &amf0)]
        {
            let body = Bytes::copy_from_slice(body);
            let message = Message { kind, stream: 0, timestamp: 0, body };
            assert_eq!(message.amf0(), amf0);
        }
    }
}
