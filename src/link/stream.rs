//! One-way streams for bulk on the media connection: a JSON header, then bytes until the end.
//!
//! A writer that is dropped before [`Writer::finish`] resets its stream, so that half a segment never looks
//! like a whole one. Priorities work because `send_fairness` is at its default; switching it off makes quinn
//! finish a half-written stream before a more urgent one.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quinn::{RecvStream, SendStream, VarInt};
use tokio::sync::OwnedSemaphorePermit;
use weir_model::NodeId;

use super::Clock;
use super::peers::{Mesh, Peer};
use super::request::Caller;
use super::wire::{self, code};

/// Streams that this node may have open to one peer: a segment of each of some hundred tracks.
pub const OPEN_PER_PEER_MAX: usize = 512;
/// Bytes of what is not urgent that may be under way to one peer. What is urgent overtakes them in the connection, but
/// only while they leave it room: this is an eighth of its window, and fills 160 Mbit/s at a round trip of 100 ms.
pub const BACKGROUND_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Streams from all peers that are read at once; each costs a task.
pub const READING_MAX: usize = 4096;
/// Bytes that one piece has at most.
const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// Pieces that one read takes at most: each was a datagram, so this is a part with a key frame.
const PIECES_MAX: usize = 64;
/// A stream whose header does not come is in the way.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a stream fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// No connection now.
    #[error("no connection with {0}; see `weir node list`")]
    NotConnected(NodeId),
    /// Too many streams are open to this peer.
    #[error("too many streams are open to {0}; drop the least urgent")]
    Busy(NodeId),
    /// The header is too long.
    #[error("a stream's header cannot be sent: {0}")]
    Header(String),
    /// The other end wants no more, with its code.
    #[error("the reader stopped the stream (code {0})")]
    Stopped(u64),
    /// The writer gave up, with its code: what was read is not whole.
    #[error("the writer reset the stream (code {0})")]
    Reset(u64),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// Takes the streams of one kind.
pub(super) type Handler =
    Arc<dyn Fn(Caller, serde_json::Value, Reader) -> BoxFuture<'static, ()> + Send + Sync>;
/// Handlers by kind.
pub(super) type Handlers = HashMap<String, Handler>;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Begin {
    kind: String,
    #[serde(default)]
    header: serde_json::Value,
}

/// Room for `bytes` of what is not urgent to `to`, once there is some; hold it until they have arrived.
///
/// # Errors
/// When the peer is not known any more.
pub(super) async fn background(
    mesh: &Mesh,
    to: NodeId,
    bytes: usize,
) -> Result<OwnedSemaphorePermit, StreamError> {
    let peer = mesh.peer(to).ok_or(StreamError::NotConnected(to))?;
    // What is larger than all the room goes alone.
    let kib = u32::try_from(bytes.clamp(1, BACKGROUND_BYTES_MAX).div_ceil(1024)).unwrap_or(1);
    let room = Arc::clone(&peer.background).acquire_many_owned(kib).await;
    room.map_err(|_| StreamError::NotConnected(to))
}

/// The sending end.
pub struct Writer {
    send: SendStream,
    peer: Arc<Peer>,
    clock: Clock,
    waited: Duration,
    over: bool,
    _place: OwnedSemaphorePermit,
}

/// See [`Link::open`](super::Link::open).
pub(super) async fn open(
    mesh: &Arc<Mesh>,
    to: NodeId,
    kind: &'static str,
    header: &serde_json::Value,
    priority: i32,
) -> Result<Writer, StreamError> {
    let begin = wire::header(&Begin { kind: kind.to_owned(), header: header.clone() })
        .map_err(|error| StreamError::Header(error.to_string()))?;
    let peer = mesh.peer(to).ok_or(StreamError::NotConnected(to))?;
    let connection = peer.media().ok_or(StreamError::NotConnected(to))?;
    let Ok(place) = Arc::clone(&peer.writing).try_acquire_owned() else {
        peer.counts.streams_refused.fetch_add(1, Relaxed);
        return Err(StreamError::Busy(to));
    };
    let broken = |error: quinn::ConnectionError| StreamError::Broken(error.to_string());
    let send = connection.open_uni().await.map_err(broken)?;
    let _ = send.set_priority(priority);
    peer.counts.streams_opened.fetch_add(1, Relaxed);
    let clock = Arc::clone(&mesh.world.clock);
    let mut writer =
        Writer { send, peer, clock, waited: Duration::ZERO, over: false, _place: place };
    writer.write(begin).await?;
    Ok(writer)
}

impl Writer {
    /// Appends bytes; waits while the connection is full.
    ///
    /// # Errors
    /// When the reader or the connection is gone.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.write_all(&mut [bytes]).await
    }

    /// Like [`write`](Self::write) of each in turn, but what fits goes as one: the connection is told once and fills
    /// whole datagrams. Leaves `pieces` empty ones.
    ///
    /// # Errors
    /// When the reader or the connection is gone.
    pub async fn write_all(&mut self, pieces: &mut [Bytes]) -> Result<(), StreamError> {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let clock = Arc::clone(&self.clock);
        let mut write = std::pin::pin!(self.send.write_all_chunks(pieces));
        let written = if let Some(at_once) = (&mut write).now_or_never() {
            at_once
        } else {
            let before = clock();
            let written = write.await;
            let ms = u64::try_from(clock().since_ms(before)).unwrap_or_default();
            self.waited += Duration::from_millis(ms);
            self.peer.counts.stream_waits.fetch_add(1, Relaxed);
            written
        };
        self.peer.counts.stream_bytes.fetch_add(length as u64, Relaxed);
        written.map_err(write_failed)
    }

    /// Time for which [`write`](Self::write) had to wait so far: how far the link is behind.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// Changes the urgency of what is not sent yet.
    pub fn set_priority(&self, priority: i32) {
        // Fails only when the stream is over.
        let _ = self.send.set_priority(priority);
    }

    /// Ends the stream; what was written still arrives.
    pub fn finish(mut self) {
        self.over = self.send.finish().is_ok();
    }

    /// Ends the stream and waits until the reader's node has everything, read or not. Who waits no longer gives
    /// the stream up, and so does a reader that stops: what is not sent yet never will be.
    ///
    /// # Errors
    /// When the reader stopped or the connection broke before that.
    pub async fn delivered(mut self) -> Result<(), StreamError> {
        let _ = self.send.finish();
        let stopped = self.send.stopped().await;
        self.over = true;
        match stopped {
            Ok(None) => Ok(()),
            // Dropping a stopped stream resets it.
            Ok(Some(code)) => Err(StreamError::Stopped(code.into_inner())),
            Err(error) => Err(StreamError::Broken(error.to_string())),
        }
    }

    /// Gives up: what is not sent yet never will be. The reader learns `code`.
    pub fn reset(mut self, code: u32) {
        let _ = self.send.reset(VarInt::from_u32(code));
        self.over = true;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.over {
            self.peer.counts.streams_abandoned.fetch_add(1, Relaxed);
            let _ = self.send.reset(code::ABANDONED);
        }
    }
}

fn write_failed(error: quinn::WriteError) -> StreamError {
    match error {
        quinn::WriteError::Stopped(code) => StreamError::Stopped(code.into_inner()),
        other => StreamError::Broken(other.to_string()),
    }
}

fn read_failed(error: quinn::ReadError) -> StreamError {
    match error {
        quinn::ReadError::Reset(code) => StreamError::Reset(code.into_inner()),
        other => StreamError::Broken(other.to_string()),
    }
}

/// The receiving end. Dropping it tells the writer to stop.
pub struct Reader {
    recv: RecvStream,
}

impl Reader {
    /// The next bytes in order; none at the end.
    ///
    /// # Errors
    /// When the writer gave up or the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        let chunk = self.recv.read_chunk(CHUNK_BYTES_MAX, true).await.map_err(read_failed)?;
        Ok(chunk.map(|chunk| chunk.bytes))
    }

    /// Appends the next bytes in order to `buffer`, as many as have come; false at the end.
    ///
    /// # Errors
    /// When the writer gave up or the connection broke.
    pub async fn read(&mut self, buffer: &mut BytesMut) -> Result<bool, StreamError> {
        let mut pieces = [const { Bytes::new() }; PIECES_MAX];
        let Some(count) = self.recv.read_chunks(&mut pieces).await.map_err(read_failed)? else {
            return Ok(false);
        };
        pieces.iter().take(count).for_each(|piece| buffer.extend_from_slice(piece));
        Ok(true)
    }

    /// Wants no more; the writer learns `code`.
    pub fn stop(mut self, code: u32) {
        let _ = self.recv.stop(VarInt::from_u32(code));
    }
}

/// Serves one stream of a media connection.
pub(super) async fn serve(mesh: Arc<Mesh>, peer: Arc<Peer>, caller: Caller, mut recv: RecvStream) {
    let Ok(_place) = mesh.reading.try_acquire() else {
        peer.counts.streams_not_taken.fetch_add(1, Relaxed);
        let _ = recv.stop(code::NOT_TAKEN);
        return;
    };
    let begin = tokio::time::timeout(HEADER_TIMEOUT, wire::read_header::<Begin>(&mut recv)).await;
    let begin = begin.ok().and_then(Result::ok);
    let found = begin.and_then(|begin| {
        let handler = mesh.streams.read().get(&begin.kind).cloned();
        handler.map(|handler| (handler, begin.header))
    });
    let Some((handler, header)) = found else {
        peer.counts.streams_not_taken.fetch_add(1, Relaxed);
        let _ = recv.stop(code::NOT_TAKEN);
        return;
    };
    peer.counts.streams_taken.fetch_add(1, Relaxed);
    let work = async { handler(caller, header, Reader { recv }).await };
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        peer.counts.panicked.fetch_add(1, Relaxed);
        tracing::error!("a handler of a stream between nodes panicked");
    }
}
