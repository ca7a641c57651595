//! The listening half: bounded handshakes, then hello or join.

use std::sync::Arc;

use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, ConnectionError, Incoming, TransportErrorCode};
use rustls::pki_types::CertificateDer;

use super::endpoint::{ALPN_JOIN, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, HANDSHAKES_UNPROVEN_MAX};
use super::invite::admit;
use super::peers::Mesh;
use super::peers::hello::{self, Greeted};
use super::trust::{Identity, Reason};
use super::wire::code;

/// Accepts until the node stops.
pub(super) async fn run(mesh: Arc<Mesh>) {
    let mut stop = mesh.world.stop.clone();
    loop {
        let incoming = tokio::select! {
            incoming = mesh.endpoint.accept() => incoming,
            _ = stop.wait_for(|stop| *stop) => {
                mesh.endpoint.close(code::STOPPING, b"the node stops");
                return;
            }
        };
        let Some(incoming) = incoming else { return };
        take(&mesh, incoming);
    }
}

fn take(mesh: &Arc<Mesh>, incoming: Incoming) {
    let Ok(place) = Arc::clone(&mesh.handshakes).try_acquire_owned() else {
        mesh.trust.refusals().count(Reason::Handshakes, None);
        incoming.refuse();
        return;
    };
    let running = HANDSHAKES_MAX.saturating_sub(mesh.handshakes.available_permits());
    if running > HANDSHAKES_UNPROVEN_MAX && incoming.may_retry() {
        // Fails only when the address has proven itself already.
        let _ = incoming.retry();
        return;
    }
    let (shared, remote) = (Arc::clone(mesh), incoming.remote_address());
    mesh.world.short(async move {
        let served = tokio::time::timeout(HANDSHAKE_TIMEOUT, incoming);
        let connection = match served.await {
            Ok(Ok(connection)) => connection,
            // Our own refusals are counted where they are made; one who gave up refused nobody.
            Ok(Err(ConnectionError::ConnectionClosed(close))) if is_alert(close.error_code) => {
                shared.trust.refusals().count_from(Reason::Unbelieved, None, Some(remote));
                return;
            }
            Ok(Err(_)) | Err(_) => return,
        };
        if protocol(&connection).as_deref() == Some(ALPN_JOIN) {
            // Slow strangers have places of their own, so that they keep no member out.
            drop(place);
            admit::serve(&shared, connection).await;
            return;
        }
        let greeted = greet(&shared, &connection).await;
        drop(place);
        if let Some(greeted) = greeted {
            greeted.serve(&shared, connection).await;
        }
    });
}

/// Whether it is an alert of TLS (RFC 9001 §4.8).
fn is_alert(code: TransportErrorCode) -> bool {
    (0x100..0x200).contains(&u64::from(code))
}

async fn greet(mesh: &Arc<Mesh>, connection: &Connection) -> Option<Greeted> {
    let Some(identity) = identity(mesh, connection) else {
        connection.close(code::REFUSED, b"a certificate of this cluster is needed");
        return None;
    };
    let answered = hello::answer(mesh, connection, identity);
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, answered).await {
        Ok(greeted) => greeted,
        Err(_) => {
            let from = Some(connection.remote_address());
            mesh.trust.refusals().count_from(Reason::Hello, None, from);
            connection.close(code::REFUSED, b"no hello came");
            None
        }
    }
}

fn protocol(connection: &Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

/// Who is at the other end, from the verified certificate; refusals are counted.
pub(super) fn identity(mesh: &Mesh, connection: &Connection) -> Option<Identity> {
    let chain = connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok());
    let Some(certificate) = chain.as_ref().and_then(|chain| chain.first()) else {
        let from = Some(connection.remote_address());
        mesh.trust.refusals().count_from(Reason::Anonymous, None, from);
        return None;
    };
    mesh.trust.admitted(certificate).ok()
}
