//! The first stream of each connection: who, which start of it, what it speaks.

use std::sync::Arc;
use std::time::Duration;

use quinn::Connection;
use serde::{Deserialize, Serialize};
use weir_model::NodeId;

use super::{Mesh, Peer};
use crate::link::request::{Caller, Refusal};
use crate::link::trust::{Identity, Reason};
use crate::link::wire::{self, code};

/// How long a refused peer may take to read why.
const LAST_WORDS: Duration = Duration::from_secs(1);

const FOREIGN_KEY: &str = "the certificate's key is not on record for the node; it tries again, and gets in when its keys \
                           are known. If it is the node and that lasts, invite it again on an empty data directory";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::link) enum Lane {
    /// Requests.
    Control,
    /// Bulk.
    Media,
}

/// What each side says first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::link) struct Hello {
    /// Versions spoken, newest first.
    pub(super) protocols: Vec<u16>,
    pub(super) lane: Lane,
    /// Must be what the certificate says; here so that a mix-up is told in words.
    pub(super) node: NodeId,
    pub(super) incarnation: u64,
    #[serde(default)]
    pub(super) program: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Reply {
    #[serde(default)]
    refusal: Option<Refusal>,
    hello: Hello,
}

/// A connection that was taken in.
pub(in crate::link) struct Greeted {
    pub(in crate::link) peer: Arc<Peer>,
    pub(in crate::link) lane: Lane,
    pub(in crate::link) caller: Caller,
}

fn own(mesh: &Mesh, lane: Lane) -> Hello {
    Hello {
        protocols: mesh.config.protocols.clone(),
        lane,
        node: mesh.trust.node(),
        incarnation: mesh.config.incarnation,
        program: mesh.config.program.clone(),
    }
}

/// The newest version that both speak.
fn agree(own: &[u16], theirs: &[u16]) -> Result<u16, String> {
    let common = own.iter().filter(|version| theirs.contains(version)).max();
    common.copied().ok_or_else(|| {
        format!(
            "no protocol version in common: this node speaks {own:?}, the other {theirs:?}; upgrade \
             the cluster one version at a time"
        )
    })
}

/// The dialler's part; none when a connection that crossed this one is to stay.
pub(in crate::link) async fn say(
    mesh: &Mesh,
    connection: &Connection,
    identity: Identity,
    lane: Lane,
    crossed: impl Fn() -> bool,
) -> Result<Option<Greeted>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    if mesh.trust.judge(&identity).is_err_and(|reason| reason == Reason::ForeignKey) {
        mesh.knocked();
        let text = FOREIGN_KEY.into();
        return Err(refuse(mesh, connection, identity.node, Reason::ForeignKey, text).message);
    }
    let (mut send, mut recv) = connection.open_bi().await.map_err(|error| text(&error))?;
    let hello = wire::header(&own(mesh, lane)).map_err(|error| text(&error))?;
    send.write_chunk(hello).await.map_err(|error| text(&error))?;
    let _ = send.finish();
    let reply: Reply = wire::read_header(&mut recv).await.map_err(|error| {
        connection.close_reason().map_or_else(|| text(&error), |reason| text(&reason))
    })?;
    if let Some(refusal) = reply.refusal {
        return Err(format!("the other node refused: {}", refusal.message));
    }
    if crossed() {
        return Ok(None);
    }
    let theirs = Hello { lane, ..reply.hello };
    take(mesh, connection, identity, &theirs).map(Some).map_err(|refusal| refusal.message)
}

/// The listener's part; refusals are counted and told to the other side.
pub(in crate::link) async fn answer(
    mesh: &Mesh,
    connection: &Connection,
    identity: Identity,
) -> Option<Greeted> {
    let node = identity.node;
    let Ok((mut send, mut recv)) = connection.accept_bi().await else { return None };
    let Ok(hello) = wire::read_header::<Hello>(&mut recv).await else {
        let from = Some(connection.remote_address());
        mesh.trust.refusals().count_from(Reason::Hello, Some(node), from);
        connection.close(code::REFUSED, b"the hello is not understood");
        return None;
    };
    mesh.known_soon(&identity).await;
    if mesh.has_own(node, &hello) {
        connection.close(code::REPLACED, b"a connection that crossed this one stays");
        return None;
    }
    let taken = take(mesh, connection, identity, &hello);
    let (greeted, refusal) = match taken {
        Ok(greeted) => (Some(greeted), None),
        Err(refusal) => (None, Some(refusal)),
    };
    let refused = refusal.is_some();
    let reply = wire::header(&Reply { refusal, hello: own(mesh, hello.lane) }).ok()?;
    if send.write_chunk(reply).await.is_ok() {
        let _ = send.finish();
    }
    if refused {
        let _ = tokio::time::timeout(LAST_WORDS, send.stopped()).await;
        connection.close(code::REFUSED, b"refused; the reply to the hello says why");
    }
    greeted
}

/// Checks the other's hello and installs the connection.
fn take(
    mesh: &Mesh,
    connection: &Connection,
    identity: Identity,
    theirs: &Hello,
) -> Result<Greeted, Refusal> {
    let node = identity.node;
    let refuse = |reason, message| refuse(mesh, connection, node, reason, message);
    if theirs.node != node {
        let text = format!("the certificate is that of {node}, the hello that of {}", theirs.node);
        return Err(refuse(Reason::Hello, text));
    }
    let protocol = agree(&mesh.config.protocols, &theirs.protocols)
        .map_err(|text| refuse(Reason::Version, text))?;
    mesh.install(connection, identity, theirs, protocol).map_err(|reason| {
        let text = match reason {
            Reason::OldIncarnation => {
                "a later start of this node is known; do not run two nodes with one data directory"
            }
            Reason::Revoked => {
                "the node was removed from the cluster; to have it back, invite it again on an empty data directory"
            }
            Reason::Unknown => {
                "the node is not known to be a member; it tries again, and gets in when it is. If it should be one and \
                 `weir node list` at a member does not show it, invite it again on an empty data directory"
            }
            Reason::ForeignKey => FOREIGN_KEY,
            _ => "too many peers",
        };
        refuse(reason, text.into())
    })
}

/// Counted, logged, and in words for the other side.
fn refuse(
    mesh: &Mesh,
    connection: &Connection,
    node: NodeId,
    reason: Reason,
    message: String,
) -> Refusal {
    let remote = connection.remote_address();
    mesh.trust.refusals().count_from(reason, Some(node), Some(remote));
    tracing::warn!(%node, %remote, %message, "a node was refused");
    Refusal::new(reason.as_str(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_spoken() {
        assert_eq!(agree(&[2, 1], &[3, 2]), Ok(2));
        assert_eq!(agree(&[2, 1], &[1]), Ok(1));
        assert!(agree(&[3, 2], &[1]).unwrap_err().contains("one version at a time"));
    }
}
