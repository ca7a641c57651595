//! What stands at the begin of a stream: a length of two bytes (big endian) and a JSON header.
//!
//! JSON, because two versions of the program talk to each other during an upgrade: a new field has a
//! default for the old program, and an unknown one is skipped.

use bytes::{BufMut, Bytes, BytesMut};
use quinn::{ReadExactError, RecvStream, VarInt};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A header names things; what is longer belongs into the body.
pub(super) const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Codes with which connections and streams are closed; the texts beside them are for people.
pub(super) mod code {
    use super::VarInt;

    /// The node stops.
    pub(in crate::link) const STOPPING: VarInt = VarInt::from_u32(0);
    /// Turned away.
    pub(in crate::link) const REFUSED: VarInt = VarInt::from_u32(1);
    /// The node was removed from the cluster.
    pub(in crate::link) const REVOKED: VarInt = VarInt::from_u32(2);
    /// A newer connection took the place.
    pub(in crate::link) const REPLACED: VarInt = VarInt::from_u32(3);
    /// No longer among the peers.
    pub(in crate::link) const LEFT: VarInt = VarInt::from_u32(4);
    /// The one who asked gave up, or a writer was dropped before its end.
    pub(in crate::link) const ABANDONED: VarInt = VarInt::from_u32(5);
    /// Nobody takes this stream, or too many run.
    pub(in crate::link) const NOT_TAKEN: VarInt = VarInt::from_u32(6);
    /// The exchange is over.
    pub(in crate::link) const DONE: VarInt = VarInt::from_u32(7);
}

/// A header that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("a header of {0} bytes is longer than allowed")]
    Long(usize),
    #[error("a header is not understood: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the stream ended early: {0}")]
    Read(#[from] ReadExactError),
}

/// The bytes of a header.
pub(super) fn header<T: Serialize>(value: &T) -> Result<Bytes, WireError> {
    let json = serde_json::to_vec(value)?;
    let length = u16::try_from(json.len())
        .ok()
        .filter(|length| usize::from(*length) <= HEADER_BYTES_MAX)
        .ok_or(WireError::Long(json.len()))?;
    let mut bytes = BytesMut::with_capacity(json.len() + 2);
    bytes.put_u16(length);
    bytes.put_slice(&json);
    Ok(bytes.freeze())
}

/// Reads a header.
pub(super) async fn read_header<T: DeserializeOwned>(
    from: &mut RecvStream,
) -> Result<T, WireError> {
    let mut length = [0; 2];
    from.read_exact(&mut length).await?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > HEADER_BYTES_MAX {
        return Err(WireError::Long(length));
    }
    let json = read_body(from, length).await?;
    Ok(serde_json::from_slice(&json)?)
}

/// Reads exactly `length` bytes, a length that the caller has checked. Memory grows with what has come.
pub(super) async fn read_body(from: &mut RecvStream, length: usize) -> Result<Bytes, WireError> {
    let mut body = BytesMut::new();
    while body.len() < length {
        let Some(chunk) = from.read_chunk(length - body.len(), true).await.map_err(read_failed)?
        else {
            return Err(WireError::Read(ReadExactError::FinishedEarly(body.len())));
        };
        if chunk.bytes.len() == length {
            return Ok(chunk.bytes);
        }
        body.extend_from_slice(&chunk.bytes);
    }
    Ok(body.freeze())
}

fn read_failed(error: quinn::ReadError) -> WireError {
    WireError::Read(ReadExactError::ReadError(error))
}
