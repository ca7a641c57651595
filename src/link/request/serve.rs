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

/// A caller that sends a header but not its body holds a place no longer than this.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves one stream of a control connection.
pub(in crate::link) async fn serve(
    mesh: Arc<Mesh>,
    peer: Arc<Peer>,
    caller: Caller,
    mut send: SendStream,
    mut recv: RecvStream,
) {
    let answer = match mesh.serving.try_acquire() {
        Ok(_place) => answer(&mesh, &peer, caller, &mut send, &mut recv).await,
        Err(_) => {
            peer.counts.served_refused.fetch_add(1, Relaxed);
            Some(Err(Refusal::new("busy", "this node answers too many requests; try again later")))
        }
    };
    let Some(answer) = answer else {
        let _ = send.reset(code::ABANDONED);
        return;
    };
    // What was not read is not wanted.
    let _ = recv.stop(code::DONE);
    let (refusal, body) = match answer {
        Ok(body) => (None, body),
        Err(refusal) => (Some(refusal), Bytes::new()),
    };
    let Ok(header) = wire::header(&Answer { refusal, length: body.len() }) else { return };
    if send.write_all_chunks(&mut [header, body]).await.is_ok() {
        let _ = send.finish();
    }
}

/// The answer; none when the caller is gone.
async fn answer(
    mesh: &Mesh,
    peer: &Peer,
    caller: Caller,
    send: &mut SendStream,
    recv: &mut RecvStream,
) -> Option<Result<Bytes, Refusal>> {
    let read = tokio::time::timeout(BODY_TIMEOUT, read(mesh, recv)).await;
    let (handler, body, deadline) = match read {
        Ok(Ok(request)) => request,
        Ok(Err(Unread::Refused(refusal))) => {
            peer.counts.served_refused.fetch_add(1, Relaxed);
            return Some(Err(refusal));
        }
        Ok(Err(Unread::Gone)) | Err(_) => {
            peer.counts.cancelled.fetch_add(1, Relaxed);
            return None;
        }
    };
    peer.counts.served.fetch_add(1, Relaxed);
    // The handler may panic before its first await, too.
    let work = AssertUnwindSafe(async { handler(caller, body).await }).catch_unwind();
    tokio::select! {
        done = work => Some(done.unwrap_or_else(|_| {
            peer.counts.panicked.fetch_add(1, Relaxed);
            tracing::error!("a handler of a request between nodes panicked");
            Err(Refusal::new("panicked", "the request made its handler panic; see the node's log"))
        })),
        _ = send.stopped() => {
            peer.counts.cancelled.fetch_add(1, Relaxed);
            None
        }
        () = tokio::time::sleep(deadline) => {
            peer.counts.cancelled.fetch_add(1, Relaxed);
            None
        }
    }
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
