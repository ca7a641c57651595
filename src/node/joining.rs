//! How a node comes to its certificate: it founds a cluster of its own, it joins one by an invitation, or it
//! did one of both before.
//!
//! Which of both is told by the file of the nodes it was to connect with: only who joined has one.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_model::{NodeId, Roles};

use crate::actors::clock;
use crate::link::invite::{self, Token, Wish};
use crate::link::peers::PeerAddress;
use crate::link::trust::Trust;
use crate::store::LOG_DIR;

/// What the join told of the other nodes, in the data directory.
const SEEDS: &str = "cluster-seeds.json";

/// An invitation and where to use it.
#[derive(Debug, Clone)]
pub struct Joining {
    /// A node of the cluster, `HOST:PORT` of its link.
    pub at: String,
    /// What `weir node invite` printed.
    pub token: Token,
}

/// Where a node is and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// Its name.
    pub name: &'a str,
    /// What it wants to be there for.
    pub roles: Roles,
    /// Where the link is bound.
    pub link: SocketAddr,
    /// Where others reach the link.
    pub reached: SocketAddr,
    /// Bytes kept free on the disk of the data directory.
    pub reserve: u64,
}

/// A node's certificate, and how it came to it.
pub(super) struct Standing {
    pub(super) trust: Trust,
    /// It is in a cluster that another node founded.
    pub(super) joined: bool,
    /// Whom to connect with until the directory is here.
    pub(super) peers: Vec<PeerAddress>,
}

/// Loads, gets or makes the certificate of `node`.
///
/// # Errors
/// One sentence that says what could not be had and what to do.
pub(super) async fn trust(
    place: &Place<'_>,
    joining: Option<Joining>,
    node: NodeId,
) -> Result<Standing, String> {
    let kept = seeds(place.data)?;
    if kept.is_none()
        && let Some(joining) = joining
    {
        return join(place, joining, node).await;
    }
    let (dir, roles) = (place.data.to_owned(), words(place.roles));
    let joined = kept.is_some();
    let open = move || {
        if joined {
            Trust::open(&dir).and_then(|kept| kept.map_or_else(|| missing(&dir), Ok))
        } else {
            Trust::found(&dir, node, &roles, clock::now())
        }
    };
    let opened = tokio::task::spawn_blocking(open).await.map_err(|error| error.to_string())?;
    let trust = opened.map_err(|error| error.to_string())?;
    Ok(Standing { trust, joined, peers: kept.unwrap_or_default() })
}

fn missing(dir: &Path) -> Result<Trust, crate::link::trust::TrustError> {
    let text = "it is missing although the node joined a cluster".to_owned();
    Err(crate::link::trust::TrustError::Unreadable(dir.display().to_string(), text))
}

async fn join(place: &Place<'_>, joining: Joining, node: NodeId) -> Result<Standing, String> {
    if place.data.join(LOG_DIR).exists() {
        return Err(format!(
            "{} holds a cluster of its own; to join another one choose an empty --data",
            place.data.display()
        ));
    }
    let at = address(&joining.at).await?;
    let wish = Wish {
        node,
        name: place.name.to_owned(),
        // Who could be anything is what it was invited for.
        roles: if place.roles == Roles::all() { BTreeSet::new() } else { words(place.roles) },
        addresses: vec![place.reached],
        program: env!("CARGO_PKG_VERSION").into(),
    };
    let joined = invite::join(at, &joining.token, wish, Arc::new(clock::now)).await;
    let joined = joined.map_err(|error| format!("cannot join at {}: {error}", joining.at))?;
    let (dir, peers) = (place.data.to_owned(), joined.peers.clone());
    let save = move || {
        joined.credentials.save(&dir).map_err(|error| error.to_string())?;
        if let Some(authority) = &joined.authority {
            authority.save(&dir).map_err(|error| error.to_string())?;
        }
        save_seeds(&dir, &joined.peers)?;
        joined.trust().map_err(|error| error.to_string())
    };
    let saved = tokio::task::spawn_blocking(save).await.map_err(|error| error.to_string())?;
    Ok(Standing { trust: saved?, joined: true, peers })
}

async fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |why: String| format!("--join {text}: {why}; expected HOST:PORT of a node's link");
    let mut found =
        tokio::net::lookup_host(text).await.map_err(|error| wrong(error.to_string()))?;
    found.next().ok_or_else(|| wrong("the name has no address".into()))
}

fn words(roles: Roles) -> BTreeSet<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Seed {
    node: NodeId,
    addresses: Vec<SocketAddr>,
}

fn seeds_file(dir: &Path) -> PathBuf {
    dir.join(SEEDS)
}

fn seeds(dir: &Path) -> Result<Option<Vec<PeerAddress>>, String> {
    let file = seeds_file(dir);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", file.display())),
    };
    let seeds: Vec<Seed> = serde_json::from_slice(&text)
        .map_err(|error| format!("{} is damaged ({error}); write [] to it", file.display()))?;
    let peer = |Seed { node, addresses }| PeerAddress { node, addresses };
    Ok(Some(seeds.into_iter().map(peer).collect()))
}

/// Written last: whoever finds it has a certificate.
fn save_seeds(dir: &Path, peers: &[PeerAddress]) -> Result<(), String> {
    let seed = |peer: &PeerAddress| Seed { node: peer.node, addresses: peer.addresses.clone() };
    let seeds: Vec<Seed> = peers.iter().map(seed).collect();
    let text = serde_json::to_vec(&seeds).map_err(|error| error.to_string())?;
    let file = seeds_file(dir);
    let new = file.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &file));
    written.map_err(|error| format!("{}: {error}", file.display()))
}
