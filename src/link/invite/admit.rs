//! The cluster's side of a join.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use quinn::{Connection, SendStream};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use weir_model::{NodeId, Timestamp};

use super::{Admitted, Ask, Secret, Unwelcome};
use crate::link::peers::{Mesh, PeerAddress};
use crate::link::request::Refusal;
use crate::link::trust::certificate::unhex;
use crate::link::trust::{Issued, PublicKey, Reason};
use crate::link::wire::{self, code};

/// Strangers that are listened to at once.
pub const JOINING_MAX: usize = 8;
/// Asks in a minute; an operator adds a rack, nobody guesses 128 bits.
pub const JOINS_PER_MINUTE_MAX: u32 = 60;
/// A join with its directory write.
const TIMEOUT: Duration = Duration::from_secs(10);
const MINUTE_MS: i64 = 60_000;
/// Label of the keying material that a newcomer signs: proof that it holds the key, bound to this connection.
pub(super) const PROOF_LABEL: &[u8] = b"weir join";
pub(super) const PROOF_BYTES: usize = 32;
const NAME_CHARS_MAX: usize = 64;
const ADDRESSES_MAX: usize = 8;
/// Members that a newcomer is told of: all voters and some more, of whom it gets the directory. What it is told has to
/// fit a header.
pub const SEEDS_MAX: usize = 32;
/// Addresses of each: a name's IPv4 and IPv6.
const SEED_ADDRESSES_MAX: usize = 4;
pub(super) const VOTER: &str = "voter";

/// What a newcomer sends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AskText {
    pub(super) secret: String,
    pub(super) node: NodeId,
    pub(super) name: String,
    pub(super) roles: BTreeSet<String>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) public_key: String,
    /// The key that it will show next; a version that names none takes new ones without a word.
    #[serde(default)]
    pub(super) next_key: Option<String>,
    pub(super) proof: String,
    #[serde(default)]
    pub(super) program: String,
}

/// What it gets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Welcome {
    #[serde(default)]
    pub(super) refusal: Option<Refusal>,
    #[serde(default)]
    pub(super) issued: Option<Issued>,
    /// The authority with its key, for voters.
    #[serde(default)]
    pub(super) authority: Option<String>,
    #[serde(default)]
    pub(super) peers: Vec<PeerText>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PeerText {
    pub(super) node: NodeId,
    pub(super) addresses: Vec<SocketAddr>,
}

/// How many join now and in this minute.
pub(in crate::link) struct Joining {
    now: Semaphore,
    minute: Mutex<(Timestamp, u32)>,
}

impl Default for Joining {
    fn default() -> Self {
        Self { now: Semaphore::new(JOINING_MAX), minute: Mutex::default() }
    }
}

impl Joining {
    /// Takes places as strangers would.
    #[cfg(test)]
    pub(in crate::link) fn places(&self, count: u32) -> tokio::sync::SemaphorePermit<'_> {
        self.now.try_acquire_many(count).unwrap()
    }

    fn within_the_minute(&self, now: Timestamp) -> bool {
        let mut minute = self.minute.lock();
        if !(0..MINUTE_MS).contains(&now.since_ms(minute.0)) {
            *minute = (now, 0);
        }
        minute.1 = minute.1.saturating_add(1);
        minute.1 <= JOINS_PER_MINUTE_MAX
    }
}

/// Serves a connection of a stranger: one ask, one answer.
pub(in crate::link) async fn serve(mesh: &Arc<Mesh>, connection: Connection) {
    let Ok(_place) = mesh.joining.now.try_acquire() else {
        mesh.trust.refusals().count(Reason::Newcomer, None);
        connection.close(code::REFUSED, Unwelcome::Busy.to_string().as_bytes());
        return;
    };
    let exchange = async {
        let (mut send, mut recv) = connection.accept_bi().await.ok()?;
        let ask = wire::read_header::<AskText>(&mut recv).await;
        let answer = match ask {
            Ok(ask) => admit(mesh, &connection, ask).await,
            Err(_) => Err(Unwelcome::Malformed.into()),
        };
        tell(mesh, &mut send, answer).await;
        Some(())
    };
    if tokio::time::timeout(TIMEOUT, exchange).await.ok().flatten().is_none() {
        mesh.trust.refusals().count(Reason::Newcomer, None);
    }
    connection.close(code::DONE, b"done");
}

/// A refusal, and who tells of it: the directory told of its own ones.
struct Rejected(Reason, Refusal);

impl From<Unwelcome> for Rejected {
    fn from(why: Unwelcome) -> Self {
        Self(Reason::Newcomer, why.into())
    }
}

async fn tell(mesh: &Mesh, send: &mut SendStream, answer: Result<Welcome, Rejected>) {
    let welcome = answer.unwrap_or_else(|Rejected(reason, refusal)| {
        mesh.trust.refusals().count(reason, None);
        tracing::warn!(code = refusal.code, reason = %refusal, "a node was not admitted");
        Welcome { refusal: Some(refusal), issued: None, authority: None, peers: Vec::new() }
    });
    let Ok(bytes) = wire::header(&welcome) else { return };
    if send.write_chunk(bytes).await.is_ok() && send.finish().is_ok() {
        // Until the newcomer has it.
        let _ = send.stopped().await;
    }
}

async fn admit(mesh: &Mesh, connection: &Connection, text: AskText) -> Result<Welcome, Rejected> {
    if !mesh.joining.within_the_minute((mesh.world.clock)()) {
        return Err(Unwelcome::Busy.into());
    }
    let authority = mesh.trust.authority().ok_or(Unwelcome::NotAVoter)?;
    let joins = mesh.joins.clone().ok_or(Unwelcome::NotAVoter)?;
    let ask = understood(connection, text)?;
    let (node, key) = (ask.node, ask.key.clone());
    let admitted = joins.admit(ask).await;
    let Admitted { roles, peers } = admitted.map_err(|refusal| Rejected(Reason::Join, refusal))?;
    let now = (mesh.world.clock)();
    let issued = authority.issue(node, &roles, &key, now).map_err(|error| {
        Rejected(Reason::Newcomer, Refusal::new("certificate", error.to_string()))
    })?;
    mesh.guests.welcome(node, key.fingerprint(), now);
    let peers = peers.into_iter().take(SEEDS_MAX).map(|PeerAddress { node, mut addresses }| {
        addresses.truncate(SEED_ADDRESSES_MAX);
        PeerText { node, addresses }
    });
    tracing::info!(%node, ?roles, "a node was admitted");
    Ok(Welcome {
        refusal: None,
        issued: Some(issued),
        authority: roles.contains(VOTER).then(|| authority.to_pem()),
        peers: peers.collect(),
    })
}

/// Checks what can be checked without the directory.
fn understood(connection: &Connection, text: AskText) -> Result<Ask, Unwelcome> {
    let key = PublicKey::from_hex(&text.public_key).map_err(|_| Unwelcome::Malformed)?;
    let next = text.next_key.as_deref().map(PublicKey::from_hex).transpose();
    let next = next.map_err(|_| Unwelcome::Malformed)?;
    let proof = unhex(&text.proof).ok_or(Unwelcome::Malformed)?;
    let mut bound = [0; PROOF_BYTES];
    connection
        .export_keying_material(&mut bound, PROOF_LABEL, b"")
        .map_err(|_| Unwelcome::Malformed)?;
    let secret = unhex(&text.secret).and_then(|bytes| bytes.try_into().ok()).map(Secret);
    let secret = secret.ok_or(Unwelcome::Malformed)?;
    let short =
        text.name.chars().count() <= NAME_CHARS_MAX && text.addresses.len() <= ADDRESSES_MAX;
    if !short || !key.signed(&bound, &proof) {
        return Err(Unwelcome::Malformed);
    }
    Ok(Ask {
        secret,
        key,
        next,
        node: text.node,
        name: text.name,
        roles: text.roles,
        addresses: text.addresses,
        from: connection.remote_address(),
        program: text.program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_are_limited_by_the_minute() {
        let joining = Joining::default();
        let at = |ms| Timestamp(1_700_000_000_000 + ms);
        let let_in = (0..100).filter(|_| joining.within_the_minute(at(1))).count();
        assert_eq!(let_in, JOINS_PER_MINUTE_MAX as usize);
        assert!(joining.within_the_minute(at(MINUTE_MS + 1)));
    }
}
