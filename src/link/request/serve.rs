//! The answering side of requests.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use quinn::{RecvStream, SendStream};

use super::{Answer, Caller, Handler, Refusal, Request};
use crate::link::peers::{Mesh, Peer};
use crate::link::wire::{self, WireError, code};

/// A caller that sends a header but not its body holds a place no longer than this, and one that does not take a
/// refusal neither.
const SLOW_MAX: Duration = Duration::from_secs(10);
/// No caller is waited for longer, whatever it says: several times what any request between nodes is given.
const DEADLINE_MAX: Duration = Duration::from_secs(60);

/// Serves one stream of a control connection.
pub(in crate::link) async fn serve(
    mesh: Arc<Mesh>,
    peer: Arc<Peer>,
    caller: Caller,
    mut send: SendStream,
    mut recv: RecvStream,
) {
    let told = match mesh.serving.try_acquire() {
        // Held until the answer is written: one that nobody takes is memory, too.
        Ok(_place) => exchange(&mesh, &peer, caller, &mut send, &mut recv).await,
        Err(_) => {
            let text = "this node answers too many requests; try again later";
            refuse(&peer, Refusal::new("busy", text), &mut send, &mut recv).await
        }
    };
    if told.is_none() {
        peer.counts.cancelled.fetch_add(1, Relaxed);
        let _ = send.reset(code::ABANDONED);
    }
}

/// Reads, works, answers; none when the caller is gone or waits no longer.
async fn exchange(
    mesh: &Mesh,
    peer: &Peer,
    caller: Caller,
    send: &mut SendStream,
    recv: &mut RecvStream,
) -> Option<()> {
    let read = tokio::time::timeout(SLOW_MAX, read(mesh, recv)).await;
    let (handler, body, deadline) = match read {
        Ok(Ok(request)) => request,
        Ok(Err(Unread::Refused(refusal))) => return refuse(peer, refusal, send, recv).await,
        Ok(Err(Unread::Gone)) | Err(_) => return None,
    };
    peer.counts.served.fetch_add(1, Relaxed);
    let answering = async {
        // The handler may panic before its first await, too.
        let work = AssertUnwindSafe(async { handler(caller, body).await }).catch_unwind();
        let done = tokio::select! {
            done = work => done,
            _ = send.stopped() => return None,
        };
        let answer = done.unwrap_or_else(|_| {
            peer.counts.panicked.fetch_add(1, Relaxed);
            tracing::error!("a handler of a request between nodes panicked");
            Err(Refusal::new("panicked", "the request made its handler panic; see the node's log"))
        });
        tell(answer, send, recv).await
    };
    tokio::time::timeout(deadline.min(DEADLINE_MAX), answering).await.ok().flatten()
}

async fn refuse(
    peer: &Peer,
    refusal: Refusal,
    send: &mut SendStream,
    recv: &mut RecvStream,
) -> Option<()> {
    peer.counts.served_refused.fetch_add(1, Relaxed);
    tokio::time::timeout(SLOW_MAX, tell(Err(refusal), send, recv)).await.ok().flatten()
}

/// Writes the answer; none when the caller does not take it.
async fn tell(
    answer: Result<Bytes, Refusal>,
    send: &mut SendStream,
    recv: &mut RecvStream,
) -> Option<()> {
    // What was not read is not wanted.
    let _ = recv.stop(code::DONE);
    let (refusal, body) = match answer {
        Ok(body) => (None, body),
        Err(refusal) => (Some(refusal), Bytes::new()),
    };
    let header = wire::header(&Answer { refusal, length: body.len() }).ok()?;
    send.write_all_chunks(&mut [header, body]).await.ok()?;
    send.finish().ok()
}

enum Unread {
    Refused(Refusal),
    Gone,
}

impl From<WireError> for Unread {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Read(_) => Self::Gone,
            other => Self::Refused(Refusal::new("malformed", other.to_string())),
        }
    }
}

async fn read(mesh: &Mesh, recv: &mut RecvStream) -> Result<(Handler, Bytes, Duration), Unread> {
    let request: Request = wire::read_header(recv).await?;
    let found = mesh.requests.read().get(&request.kind).cloned();
    let Some((limits, handler)) = found else {
        let text = format!("this node does not know requests of kind `{}`", request.kind);
        return Err(Unread::Refused(Refusal::new("unknown_kind", text)));
    };
    if request.length > limits.request_bytes_max {
        let text = format!("at most {} bytes in `{}`", limits.request_bytes_max, request.kind);
        return Err(Unread::Refused(Refusal::new("too_long", text)));
    }
    let body = wire::read_body(recv, request.length).await?;
    Ok((handler, body, Duration::from_millis(request.deadline_ms)))
}
