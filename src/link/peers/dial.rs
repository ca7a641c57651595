//! Dialling: one loop per connection, which sleeps while it is there or another's to make.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use quinn::{Connection, ConnectionError, TransportErrorCode};
use tokio::sync::watch;

use super::hello::{self, Greeted, Lane};
use super::{Mesh, Peer, Wanted};
use crate::link::accept;
use crate::link::endpoint::HANDSHAKE_TIMEOUT;
use crate::link::trust::certificate::server_name;
use crate::link::trust::files;
use crate::link::wire::code;

const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// A healed partition is noticed within this and an attempt's longest pause, 1.2 s.
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Whoever is to be dialled dials itself after so long: longer than a dial that gets through takes.
const OVERDUE: Duration = Duration::from_secs(3);
/// A connection that lives so long was a good one: the next dial starts quickly again.
const GOOD: Duration = Duration::from_secs(1);

/// The alert `certificate_revoked` of TLS (RFC 8446 §6).
const REVOKED: u8 = 44;

/// Starts the loops for a peer.
pub(super) fn start(mesh: &Arc<Mesh>, peer: &Arc<Peer>) {
    for lane in [Lane::Control, Lane::Media] {
        mesh.world.short(keep(Arc::clone(mesh), Arc::clone(peer), lane));
    }
}

async fn keep(mesh: Arc<Mesh>, peer: Arc<Peer>, lane: Lane) {
    let mut wanted = peer.wanted.subscribe();
    let mut stop = mesh.world.stop.clone();
    let (mut backoff, mut turn) = (BACKOFF_MIN, 0_usize);
    loop {
        let Some(addresses) = addresses(&mut wanted) else { return };
        tokio::select! {
            () = due(&mesh, &peer, lane) => {}
            _ = wanted.changed() => continue,
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let tried = async {
            let length = addresses.len().max(1);
            let address = addresses.get(turn % length).copied();
            once(&mesh, &peer, lane, address).await
        };
        let ended = tokio::select! {
            good = tried => Some(good),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        match ended {
            None => return,
            Some(true) => backoff = BACKOFF_MIN,
            Some(false) => turn = turn.wrapping_add(1),
        }
        tokio::select! {
            () = tokio::time::sleep(jittered(backoff)) => {}
            _ = wanted.changed() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Waits until the lane is down, and, where it is the other node's to make, has been for long.
async fn due(mesh: &Mesh, peer: &Peer, lane: Lane) {
    let patience = if is_ours(mesh, peer) { Duration::ZERO } else { OVERDUE };
    let mut changed = mesh.changed.subscribe();
    loop {
        until(&mut changed, || !peer.has(lane)).await;
        if tokio::time::timeout(patience, until(&mut changed, || peer.has(lane))).await.is_err() {
            return;
        }
    }
}

async fn until(changed: &mut watch::Receiver<u64>, fits: impl Fn() -> bool) {
    // Whoever holds the mesh holds the sender.
    while !fits() && changed.changed().await.is_ok() {}
}

/// Whether this node is the one to dial.
fn is_ours(mesh: &Mesh, peer: &Peer) -> bool {
    mesh.trust.node() < peer.node
}

fn addresses(wanted: &mut watch::Receiver<Wanted>) -> Option<Vec<SocketAddr>> {
    match &*wanted.borrow_and_update() {
        Wanted::At(addresses) => Some(addresses.clone()),
        Wanted::Unlisted => Some(Vec::new()),
        Wanted::Gone => None,
    }
}

/// Between a half and the whole, so that the nodes of a cluster do not dial in step.
fn jittered(backoff: Duration) -> Duration {
    let [byte] = files::random::<1>().unwrap_or_default();
    backoff / 2 + backoff / 2 * u32::from(byte) / 255
}

/// Dials and serves until the connection ends. Says whether it was a good one, or the other node's came before it.
async fn once(mesh: &Arc<Mesh>, peer: &Arc<Peer>, lane: Lane, address: Option<SocketAddr>) -> bool {
    let Some(address) = address else {
        peer.failed("no address is known".into());
        return false;
    };
    peer.counts.dials.fetch_add(1, Relaxed);
    let dialled = tokio::time::timeout(HANDSHAKE_TIMEOUT, connect(mesh, peer, lane, address));
    let dialled = dialled.await.unwrap_or_else(|_| Err("no answer".into()));
    let (connection, greeted) = match dialled {
        Ok(Some(dialled)) => dialled,
        Ok(None) => return true,
        Err(error) => {
            peer.counts.dials_failed.fetch_add(1, Relaxed);
            tracing::debug!(node = %peer.node, %address, %error, "dialling a node failed");
            peer.failed(format!("dialling {address}: {error}"));
            return false;
        }
    };
    let serving = greeted.serve(mesh, connection);
    let mut serving = std::pin::pin!(serving);
    let short = tokio::time::timeout(GOOD, &mut serving).await.is_ok();
    if !short {
        serving.await;
    }
    !short
}

/// Whether the other node ended the connection because it takes this one for removed. It says so after it was proven to
/// be the one that was meant: only then it sees this node's certificate.
fn is_removal(ended: Option<ConnectionError>) -> bool {
    let alert = TransportErrorCode::crypto(REVOKED);
    matches!(ended, Some(ConnectionError::ConnectionClosed(close)) if close.error_code == alert)
}

async fn connect(
    mesh: &Arc<Mesh>,
    peer: &Arc<Peer>,
    lane: Lane,
    address: SocketAddr,
) -> Result<Option<(Connection, Greeted)>, String> {
    let connecting = mesh
        .endpoint
        .connect_with(mesh.client.clone(), address, &server_name(peer.node))
        .map_err(|error| error.to_string())?;
    let connection = connecting.await.map_err(|error| error.to_string())?;
    let crossed = || !is_ours(mesh, peer) && peer.has(lane);
    let greeted = match accept::identity(mesh, &connection) {
        Some(_) if crossed() => return Ok(None),
        Some(identity) => hello::say(mesh, &connection, identity, lane, crossed).await,
        None => Err("the other node's certificate was refused".into()),
    };
    match greeted {
        Ok(Some(greeted)) => Ok(Some((connection, greeted))),
        Ok(None) => Ok(None),
        Err(error) => {
            if is_removal(connection.close_reason()) {
                peer.refused();
            }
            connection.close(code::REFUSED, b"refused");
            Err(error)
        }
    }
}
