//! The API's listener. It speaks HTTP/1.1 only: its few clients gain nothing from HTTP/2, and a connection that
//! never finishes to say which of the two it wants would have no time limit.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{Context, router};

/// Connections at the same time: consoles, scripts and followers of events of a few operators. Further
/// ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 256;

/// A client that has not sent its request's head by then is dropped; idle ones too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests in progress may end in peace for this long when the node stops.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Pause after a failed accept (mostly: no more file descriptors), which would otherwise fail in a loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API on `listener` until the node stops.
pub async fn serve(listener: TcpListener, ctx: Context) {
    let service = TowerToHyperService::new(router(ctx.clone()));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = ctx.tasks.stop_signal();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, accept(&listener).await)
        };
        let (place, socket) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let connection = server.serve_connection(TokioIo::new(socket), service.clone());
        let connection = graceful.watch(connection);
        ctx.tasks.spawn_unlisted(async move {
            // A broken connection is its client's affair; requests are logged one by one.
            let _ = connection.await;
            drop(place);
        });
    }
    let _ = tokio::time::timeout(STOP_PATIENCE, graceful.shutdown()).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                // Answers are small; waiting to fill a packet only delays them.
                let _ = socket.set_nodelay(true);
                return socket;
            }
            Err(error) => {
                tracing::warn!(%error, "the API cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
