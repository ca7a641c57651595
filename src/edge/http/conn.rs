//! One viewer's connection: which HTTP it speaks, its time limits, its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::body::Held;
use super::deadline::{Deadline, Requests, Writes};
use crate::actors::tasks::Tasks;
use crate::edge::auth::{self, Peer};
use crate::edge::meet;
use crate::edge::{Context, route};

/// A handshake takes two round trips; a peer that needs longer than this is not going to watch live.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Request heads are short here; longer ones are refused.
const HEAD_BYTES_MAX: u32 = 16 << 10;

/// Buffers of an HTTP/1 connection: bounds a request head, and how much of an answer one write takes.
const H1_BUFFER_BYTES: usize = 64 << 10;

/// Requests that one HTTP/2 connection may have open: a player's ladder, with room.
const H2_STREAMS_MAX: u32 = 64;

/// Bytes of one HTTP/2 stream that are buffered for a slow reader.
const H2_SEND_BYTES_MAX: usize = 256 << 10;

/// How long a connection may finish its answers when the node stops.
const FINISH: Duration = Duration::from_secs(2);

/// The start of an HTTP/2 connection whose client knows that we speak it (RFC 9113 §3.3).
const H2_PREFACE: &[u8] = b"PRI";

/// Serves a connection in the clear until it ends.
pub async fn clear(context: &Arc<Context>, socket: TcpStream, remote: IpAddr) {
    let mut first = [0; H2_PREFACE.len()];
    let mut stop = context.tasks.stop_signal();
    let peeked = tokio::select! {
        peeked = tokio::time::timeout(context.config.idle(), socket.peek(&mut first)) => peeked,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    let Ok(Ok(len)) = peeked else { return };
    let h2 = len == first.len() && first == *H2_PREFACE;
    serve(context, socket, h2, Peer { remote, secure: false }).await;
}

/// Serves a connection over TLS until it ends.
pub async fn secured(context: &Arc<Context>, tls: &TlsAcceptor, socket: TcpStream, remote: IpAddr) {
    let mut stop = context.tasks.stop_signal();
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(HANDSHAKE, tls.accept(socket)) => accepted,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    let Ok(Ok(stream)) = accepted else {
        context.metrics.tls_failures.inc();
        return;
    };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    serve(context, stream, h2, Peer { remote, secure: true }).await;
}

async fn serve<I>(context: &Arc<Context>, io: I, h2: bool, peer: Peer)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = Arc::new(Requests::default());
    let io = Deadline::new(io, context.config.write());
    let (owned, counted) = (Arc::clone(context), Arc::clone(&requests));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (context, answering) = (Arc::clone(&owned), counted.begin());
        async move {
            let reply = if request.uri().path().starts_with(auth::PREFIX) {
                // Boxed: most requests are for media, and their place should not be as large as this one's.
                Box::pin(auth::answer(&context, peer, request)).await
            } else if request.uri().path().starts_with(meet::PREFIX) {
                Box::pin(meet::answer(&context, peer, request)).await
            } else {
                route::answer(&context, peer.remote, &request).await
            };
            Ok::<_, Infallible>(reply.map(|body| Held::new(body, answering)))
        }
    });
    let ended = if h2 {
        let mut builder = http2::Builder::new(OnTasks(context.tasks.clone()));
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(H2_STREAMS_MAX)
            .max_header_list_size(HEAD_BYTES_MAX)
            .max_send_buf_size(H2_SEND_BYTES_MAX)
            .keep_alive_interval(context.config.idle())
            .keep_alive_timeout(context.config.write());
        // Our own pings must not keep a connection that nobody uses.
        let io = TokioIo::new(io.with_idle(context.config.idle(), requests, Writes::DoNotCount));
        let conn = pin!(builder.serve_connection(io, service));
        until_stop(context, conn, |conn| conn.graceful_shutdown()).await
    } else {
        // hyper's own limit on the head would set and drop a timer for every request.
        let io = TokioIo::new(io.with_idle(context.config.idle(), requests, Writes::Count));
        let mut builder = http1::Builder::new();
        builder.header_read_timeout(None).max_buf_size(H1_BUFFER_BYTES);
        let conn = pin!(builder.serve_connection(io, service));
        until_stop(context, conn, |conn| conn.graceful_shutdown()).await
    };
    if is_slow_reader(ended.err().as_ref()) {
        context.metrics.slow_readers.inc();
    }
}

/// Runs a connection; when the node stops it may finish what it is answering.
async fn until_stop<C>(
    context: &Context,
    mut conn: Pin<&mut C>,
    finish: fn(Pin<&mut C>),
) -> hyper::Result<()>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut stop = context.tasks.stop_signal();
    let stopping = stop.wait_for(|stop| *stop);
    tokio::select! {
        ended = conn.as_mut() => return ended,
        _ = stopping => {}
    }
    finish(conn.as_mut());
    tokio::time::timeout(FINISH, conn).await.unwrap_or(Ok(()))
}

fn is_slow_reader(error: Option<&hyper::Error>) -> bool {
    let mut cause: Option<&dyn std::error::Error> = error.map(|error| error as _);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::TimedOut;
        }
        cause = error.source();
    }
    false
}

/// Lets HTTP/2 run its streams where the node can end them.
#[derive(Clone)]
struct OnTasks(Tasks);

impl<F> hyper::rt::Executor<F> for OnTasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn_unlisted(future);
    }
}
