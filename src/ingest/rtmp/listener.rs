//! Accepts connections and bounds them.
//!
//! Each connection is a task of its own, so that a panic costs one publisher. It is counted before its
//! first byte is read and turned away without an answer when a limit is reached, which costs less than
//! any answer.

use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::actors::slots::{Full, Slot, Slots};
use crate::actors::tasks::Handle;

use super::conn::{self, Counted, Outcome, Peer};
use super::journal::Journal;
use super::refusal::Ended;
use super::{Context, Door};

/// Wait after a failed accept: the node is out of file descriptors or memory, and trying at once would
/// only burn a core.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// TCP keep-alive: finds peers that vanished while neither side sends.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// See [`KEEPALIVE_AFTER`].
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
/// Time for open connections to end when the node stops: one farewell, and some.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Serves `listener` until the node stops, as the loop `rtmp listener`, or `rtmps listener` with `tls`.
/// Its queue is the number of open connections.
pub fn spawn<D: Door>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    ctx: Context<D>,
) -> JoinHandle<()> {
    let name = if tls.is_some() { "rtmps listener" } else { "rtmp listener" };
    let tasks = ctx.tasks.clone();
    tasks.spawn(name, |handle| serve(listener, tls, ctx, handle))
}

struct Shared<D> {
    ctx: Context<D>,
    tls: Option<TlsAcceptor>,
    slots: Slots,
    journal: Journal,
    handle: Handle,
}

async fn serve<D: Door>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    ctx: Context<D>,
    handle: Handle,
) {
    let slots = Slots::new(ctx.config.connections_max, ctx.config.connections_per_address_max);
    let journal = Journal::new(ctx.events.clone(), ctx.metrics.clone());
    let shared = Arc::new(Shared { ctx, tls, slots, journal, handle });
    // Closed once the last connection drops its end.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.handle.stopping() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => begin(&shared, stream, remote, &alive),
            Err(error) => {
                shared.handle.error(format!("accept: {error}"));
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    drop(alive);
    // Nothing is ever sent: this waits for the end of all connections.
    let _ = timeout(STOP_LIMIT, all_gone.recv()).await;
}

fn begin<D: Door>(
    shared: &Arc<Shared<D>>,
    stream: TcpStream,
    remote: std::net::SocketAddr,
    alive: &mpsc::Sender<()>,
) {
    let slot = match shared.slots.take(remote.ip()) {
        Ok(slot) => slot,
        Err(Full::Total) => return shared.journal.turned_away("connections_max"),
        Err(Full::Address) => return shared.journal.turned_away("connections_per_address_max"),
    };
    let protocol = if shared.tls.is_some() { "rtmps" } else { "rtmp" };
    let peer = Peer { remote, protocol };
    shared.handle.queue(u64::from(shared.slots.open()));
    let (shared, alive) = (Arc::clone(shared), alive.clone());
    let tasks = shared.ctx.tasks.clone();
    tasks.spawn_unlisted(async move {
        let guard = Guard { shared, slot: Some(slot), _alive: alive };
        let shared = &guard.shared;
        let _open = Counted::new(&shared.ctx.metrics.connections);
        // On the heap, because a task is as large as the largest future in it.
        let outcome = Box::pin(serve_one(shared, stream, peer)).await;
        shared.journal.note(peer, &outcome);
    });
}

async fn serve_one<D: Door>(shared: &Shared<D>, stream: TcpStream, peer: Peer) -> Outcome {
    let ctx = &shared.ctx;
    // Options that cannot be set change nothing that matters.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let Some(tls) = &shared.tls else {
        return conn::run(stream, peer, ctx).await;
    };
    match timeout(ctx.config.handshake(), tls.accept(stream)).await {
        Ok(Ok(stream)) => conn::run(stream, peer, ctx).await,
        Ok(Err(_)) => Outcome { ended: Ended::Tls, channel: None },
        Err(_) => Outcome { ended: Ended::TooSlow("the TLS handshake"), channel: None },
    }
}

/// Gives a connection's place back however its task ends.
struct Guard<D> {
    shared: Arc<Shared<D>>,
    slot: Option<Slot>,
    _alive: mpsc::Sender<()>,
}

impl<D> Drop for Guard<D> {
    fn drop(&mut self) {
        self.slot.take();
        self.shared.handle.queue(u64::from(self.shared.slots.open()));
        if std::thread::panicking() {
            self.shared.handle.error("a connection panicked; see the log");
            self.shared.ctx.metrics.ended.with_label_values(&["panic"]).inc();
        }
    }
}
