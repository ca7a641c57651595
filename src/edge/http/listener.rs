//! Accepts viewers' connections.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::conn;
use crate::actors::slots::{Full, Slot};
use crate::actors::tasks::Handle;
use crate::edge::Context;

/// Pause after a failed accept, so that a node out of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long open connections may finish their answers when the node stops.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Starts a loop that serves `listener`, over TLS when there is a certificate. It ends with the node.
pub fn listen(context: &Arc<Context>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let name = if tls.is_some() { "https listener" } else { "http listener" };
    let context = Arc::clone(context);
    let tasks = context.tasks.clone();
    tasks.spawn(name, |handle| async move {
        let open = Arc::new(AtomicUsize::new(0));
        tokio::select! {
            () = accept(&context, &listener, tls.as_ref(), &open, &handle) => {}
            () = handle.stopping() => {}
        }
        drop(listener);
        drain(&open).await;
    });
}

async fn accept(
    context: &Arc<Context>,
    listener: &TcpListener,
    tls: Option<&TlsAcceptor>,
    open: &Arc<AtomicUsize>,
    handle: &Handle,
) {
    loop {
        let (socket, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                handle.error(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = match Place::take(context, open, remote.ip()) {
            Ok(place) => place,
            Err(full) => {
                context.metrics.connections_refused.inc();
                handle.error(refused(full));
                continue;
            }
        };
        handle.idle(1);
        handle.queue(open.load(Ordering::Relaxed) as u64);
        let (context, tls) = (Arc::clone(context), tls.cloned());
        let tasks = context.tasks.clone();
        tasks.spawn_unlisted(async move {
            serve(&context, socket, tls, remote.ip()).await;
            drop(place);
        });
    }
}

const fn refused(full: Full) -> &'static str {
    match full {
        Full::Total => "as many connections as allowed are open; a further one was closed",
        Full::Address => {
            "one address has as many connections as one may have; a further one was closed"
        }
    }
}

async fn serve(
    context: &Arc<Context>,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    remote: IpAddr,
) {
    // Parts are small and urgent. A socket that refuses the option is closed already.
    let _ = socket.set_nodelay(true);
    match tls {
        None => conn::clear(context, socket, remote).await,
        Some(tls) => conn::secured(context, &tls, socket, remote).await,
    }
}

async fn drain(open: &AtomicUsize) {
    let drained = async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while open.load(Ordering::Acquire) > 0 {
            tick.tick().await;
        }
    };
    // Whoever is not done by then is cut off with the process.
    let _ = tokio::time::timeout(STOP_GRACE, drained).await;
}

/// One of the connections that may be open.
struct Place {
    context: Arc<Context>,
    /// Of this listener.
    open: Arc<AtomicUsize>,
    _slot: Slot,
}

impl Place {
    fn take(context: &Arc<Context>, open: &Arc<AtomicUsize>, from: IpAddr) -> Result<Self, Full> {
        let slot = context.slots.take(from)?;
        context.metrics.connections.inc();
        open.fetch_add(1, Ordering::AcqRel);
        Ok(Self { context: Arc::clone(context), open: Arc::clone(open), _slot: slot })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.context.metrics.connections.dec();
        self.open.fetch_sub(1, Ordering::AcqRel);
    }
}
