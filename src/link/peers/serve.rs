//! The life of a connection that was taken in, and its end.

use std::sync::Arc;

use quinn::{Connection, ConnectionError};

use super::hello::{Greeted, Lane};
use super::{Live, Mesh, Peer, State};
use crate::link::trust::{Forbidden, Reason};
use crate::link::wire::code;
use crate::link::{request, stream};

impl Greeted {
    /// Serves what comes on the connection until it ends.
    pub(in crate::link) async fn serve(self, mesh: &Arc<Mesh>, connection: Connection) {
        let Self { peer, lane, caller } = self;
        let ended = loop {
            let (mesh, peer, caller) = (Arc::clone(mesh), Arc::clone(&peer), caller.clone());
            let world = mesh.world.clone();
            match lane {
                Lane::Control => match connection.accept_bi().await {
                    Ok((send, recv)) => {
                        world.short(request::serve::serve(mesh, peer, caller, send, recv));
                    }
                    Err(ended) => break ended,
                },
                Lane::Media => match connection.accept_uni().await {
                    Ok(recv) => world.short(stream::serve(mesh, peer, caller, recv)),
                    Err(ended) => break ended,
                },
            }
        };
        remove(mesh, &peer, lane, &connection, &ended);
    }
}

fn remove(
    mesh: &Mesh,
    peer: &Arc<Peer>,
    lane: Lane,
    connection: &Connection,
    ended: &ConnectionError,
) {
    let mut state = peer.state.lock();
    let id = connection.stable_id();
    if state.lane(lane).as_ref().is_some_and(|live| live.connection.stable_id() == id) {
        *state.lane(lane) = None;
        state.turned(lane, (mesh.world.clock)());
        state.past.add(connection);
        state.last_error = Some(ended.to_string());
    }
    drop(state);
    mesh.forget_unlisted(peer);
    mesh.note_change();
}

/// Closes the connections of whoever is forbidden, whenever that changes. A key that goes off the record, because its
/// node was renewed twice, does not end what was begun with it; one that never was on it does, as soon as there is one.
pub(super) async fn revoke(mesh: Arc<Mesh>) {
    let mut forbidden = mesh.trust.forbidden();
    let mut stop = mesh.world.stop.clone();
    loop {
        tokio::select! {
            changed = forbidden.changed() => if changed.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let now = Arc::clone(&forbidden.borrow_and_update());
        let peers: Vec<_> = mesh.peers.lock().values().cloned().collect();
        for peer in peers {
            let mut state = peer.state.lock();
            let State { control, media, .. } = &mut *state;
            for live in [control, media].into_iter().flatten() {
                let Some(reason) = objection(&now, live) else { continue };
                mesh.trust.refusals().count(reason, Some(peer.node));
                let why: &[u8] = match reason {
                    Reason::ForeignKey => b"the node's key is not on record",
                    _ => b"the node was removed from the cluster",
                };
                live.connection.close(code::REVOKED, why);
            }
        }
    }
}

/// Why the connection is to end, if it is.
fn objection(now: &Forbidden, live: &mut Live) -> Option<Reason> {
    match now.judge(&live.identity) {
        Ok(on_record) => {
            live.on_record |= on_record;
            None
        }
        Err(Reason::ForeignKey) if live.on_record => None,
        Err(reason) => Some(reason),
    }
}
