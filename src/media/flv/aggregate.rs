//! Aggregate messages (RTMP 1.0 §7.1.6, type 22): FLV tags with back pointers in one message.

use bytes::{Buf, Bytes};

use super::FlvError;

/// One message of an aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateItem {
    /// RTMP message type: 8 audio, 9 video, 18 data.
    pub kind: u8,
    /// Milliseconds modulo 2^32, on the clock of the connection.
    pub timestamp_ms: u32,
    /// Message body.
    pub body: Bytes,
}

/// Tags of one aggregate; encoders gather a few frames, and the list is allocated before they are looked at.
const ITEMS_MAX: usize = 1024;

/// Splits the body of an aggregate message that came with `timestamp_ms`; the times inside are shifted so
/// that its first tag has that time. Aggregates inside aggregates are left out.
///
/// # Errors
/// When a tag is truncated or there are more than a thousand.
pub fn split_aggregate(timestamp_ms: u32, mut body: Bytes) -> Result<Vec<AggregateItem>, FlvError> {
    let malformed = FlvError::Malformed { what: "aggregate message" };
    let mut items = Vec::new();
    let mut shift = None;
    while let Some([kind, s0, s1, s2, t0, t1, t2, t3, _, _, _]) = body.first_chunk::<11>().copied()
    {
        body.advance(11);
        let size = usize::from(s0) << 16 | usize::from(s1) << 8 | usize::from(s2);
        if size > body.len() || items.len() >= ITEMS_MAX {
            return Err(malformed);
        }
        let inner = u32::from_be_bytes([t3, t0, t1, t2]);
        let shift = *shift.get_or_insert_with(|| timestamp_ms.wrapping_sub(inner));
        let tag = body.split_to(size);
        // The back pointer; some encoders leave it out behind the last tag.
        body.advance(body.len().min(4));
        if kind != 22 {
            let timestamp_ms = inner.wrapping_add(shift);
            items.push(AggregateItem { kind, timestamp_ms, body: tag });
        }
    }
    if !body.is_empty() {
        return Err(malformed);
    }
    Ok(items)
}
