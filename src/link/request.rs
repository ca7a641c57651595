//! Typed requests: a kind, a body, an answer. Each has its own stream on the control connection.
//!
//! Bodies are JSON, put into text and read in one place ([`encoded`], [`parsed`]); consensus and renewal bring bytes
//! of their own.
//!
//! A caller that drops its future resets its stream, and the handler's future at the other end is dropped.
//! Everything is bounded: bodies by kind, requests in flight by peer and in total, time by deadline. What
//! does not fit is refused at once and counted; nothing queues.

pub(super) mod serve;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use quinn::{RecvStream, SendStream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::NodeId;

use super::peers::{Mesh, Peer};
use super::wire::{self, WireError, code};

/// A body of a kind that says nothing else; larger things use streams.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Requests in flight to one peer: several times what a leader with 200 writers sends.
pub const IN_FLIGHT_PER_PEER_MAX: usize = 1024;
/// Requests in flight to all peers together, and the same number from all of them.
pub const IN_FLIGHT_MAX: usize = 4096;

/// Bounds of a kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Longest body of the request, bytes.
    pub request_bytes_max: usize,
    /// Longest body of the answer, bytes.
    pub answer_bytes_max: usize,
}

impl Default for Kind {
    fn default() -> Self {
        Self { request_bytes_max: BODY_BYTES_MAX, answer_bytes_max: BODY_BYTES_MAX }
    }
}

/// Who asks, from the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The node.
    pub node: NodeId,
    /// Its roles.
    pub roles: Arc<BTreeSet<String>>,
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{message}")]
pub struct Refusal {
    /// For programs: `snake_case`.
    pub code: String,
    /// For people: a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection now; the mesh keeps trying to make one.
    #[error("no connection with {0}; see `weir node list`")]
    NotConnected(NodeId),
    /// Too many requests in flight to this peer or to all.
    #[error("too many requests in flight to {0}; try again later")]
    Busy(NodeId),
    /// The body is longer than the kind allows.
    #[error("a request of {0} bytes is longer than its kind allows ({1})")]
    TooLong(usize, usize),
    /// No answer in time. The request may have been carried out.
    #[error("{0} did not answer within {1:?}")]
    Deadline(NodeId, Duration),
    /// The other node said no, or this one has no words for what it was to ask.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection broke. The request may have been carried out.
    #[error("the connection with {0} broke: {1}")]
    Broken(NodeId, String),
    /// There is an answer, of which this program makes nothing. The request may have been carried out.
    #[error("the answer of {0} is not understood ({1}); see that all nodes run the same version")]
    Unclear(NodeId, String),
}

/// A body as what it should be.
///
/// # Errors
/// `malformed`, for who sent it.
pub fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new("malformed", error.to_string()))
}

/// What is said, as a body.
///
/// # Errors
/// `internal`, when it has no text form.
pub fn encoded<T: Serialize + ?Sized>(said: &T) -> Result<Bytes, Refusal> {
    let body = serde_json::to_vec(said);
    body.map(Bytes::from).map_err(|error| Refusal::new("internal", error.to_string()))
}

/// An answer of `from` as what it should be. An empty one says that there is nothing to say, as `()` does.
///
/// # Errors
/// [`CallError::Unclear`].
pub fn understood<A: DeserializeOwned>(from: NodeId, answer: &[u8]) -> Result<A, CallError> {
    let answer = if answer.is_empty() { b"null" } else { answer };
    serde_json::from_slice(answer).map_err(|error| CallError::Unclear(from, error.to_string()))
}

/// Answers one kind of request.
pub(super) type Handler =
    Arc<dyn Fn(Caller, Bytes) -> BoxFuture<'static, Result<Bytes, Refusal>> + Send + Sync>;

/// Begin of a request.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Request {
    kind: String,
    length: usize,
    /// How long the caller waits; the handler need not work longer.
    deadline_ms: u64,
}

/// Begin of an answer.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Answer {
    #[serde(default)]
    refusal: Option<Refusal>,
    length: usize,
}

/// See [`Link::call`](super::Link::call).
pub(super) async fn call(
    mesh: &Arc<Mesh>,
    to: NodeId,
    kind: &'static str,
    body: Bytes,
    deadline: Duration,
) -> Result<Bytes, CallError> {
    let limits = mesh.requests.read().get(kind).map(|(limits, _)| *limits).unwrap_or_default();
    if body.len() > limits.request_bytes_max {
        return Err(CallError::TooLong(body.len(), limits.request_bytes_max));
    }
    let peer = mesh.peer(to).ok_or(CallError::NotConnected(to))?;
    let connection = peer.control().ok_or(CallError::NotConnected(to))?;
    let (Ok(_own), Ok(_all)) = (peer.in_flight.try_acquire(), mesh.in_flight.try_acquire()) else {
        peer.counts.requests_refused.fetch_add(1, Relaxed);
        return Err(CallError::Busy(to));
    };
    peer.counts.requests.fetch_add(1, Relaxed);
    let broken = |error: &dyn std::fmt::Display| CallError::Broken(to, error.to_string());
    let exchange = async {
        let (send, recv) = connection.open_bi().await.map_err(|error| broken(&error))?;
        let asked = Asked { send, recv };
        asked.exchange(kind, body, deadline, limits).await.map_err(|error| match error {
            Failed::Wire(error) => broken(&error),
            Failed::Refused(refusal) => CallError::Refused(refusal),
        })
    };
    let answer = tokio::time::timeout(deadline, exchange).await;
    let answer = answer.unwrap_or(Err(CallError::Deadline(to, deadline)));
    note(&peer, &answer);
    answer
}

fn note(peer: &Peer, answer: &Result<Bytes, CallError>) {
    match answer {
        Err(CallError::Deadline(..)) => peer.counts.deadlines.fetch_add(1, Relaxed),
        Err(CallError::Broken(..)) => peer.counts.broken.fetch_add(1, Relaxed),
        _ => 0,
    };
}

/// A request under way. Dropping it tells the other end.
struct Asked {
    send: SendStream,
    recv: RecvStream,
}

enum Failed {
    Wire(WireError),
    Refused(Refusal),
}

impl<T: Into<WireError>> From<T> for Failed {
    fn from(error: T) -> Self {
        Self::Wire(error.into())
    }
}

impl Asked {
    async fn exchange(
        mut self,
        kind: &str,
        body: Bytes,
        deadline: Duration,
        limits: Kind,
    ) -> Result<Bytes, Failed> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let header = Request { kind: kind.to_owned(), length: body.len(), deadline_ms };
        let mut parts = [wire::header(&header)?, body];
        // A peer that refuses may stop reading; its answer is what counts.
        if self.send.write_all_chunks(&mut parts).await.is_ok() {
            let _ = self.send.finish();
        }
        let answer: Answer = wire::read_header(&mut self.recv).await?;
        if let Some(refusal) = answer.refusal {
            return Err(Failed::Refused(refusal));
        }
        if answer.length > limits.answer_bytes_max {
            return Err(WireError::Long(answer.length).into());
        }
        Ok(wire::read_body(&mut self.recv, answer.length).await?)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Both do nothing when the exchange is over.
        let _ = self.send.reset(code::ABANDONED);
        let _ = self.recv.stop(code::ABANDONED);
    }
}
