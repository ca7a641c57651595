//! How a node comes to its certificate: it founds a cluster of its own, it joins one by an invitation, or it
//! did one of both before.
//!
//! Which of both is told by the file of the nodes it was to connect with: only who joined has one.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weir_model::{NodeId, Roles};

use crate::actors::clock;
use crate::link::invite::{self, JoinError, Joined, Token, Wish};
use crate::link::peers::PeerAddress;
use crate::link::trust::{Fingerprint, NodeKey, Trust, TrustError};
use crate::store::LOG_DIR;

/// What the join told of the other nodes, in the data directory.
const SEEDS: &str = "cluster-seeds.json";
/// SHA-256 of the invitation that the node joined by.
const INVITATION: &str = "cluster-invitation";
/// The key with which the node asks to join, until it has: an answer that got lost is asked for again with it.
pub(super) const JOIN_KEY: &str = "join.key";
/// Resolvers that live answer in a tenth of it.
const LOOK_UP_MAX: Duration = Duration::from_secs(5);
/// Addresses of the door that are tried in turn: a name's IPv4 and IPv6.
const DOORS_MAX: usize = 4;

/// Where a cluster is, and an invitation to it; without one, for a node that is in it.
#[derive(Debug, Clone)]
pub struct Joining {
    /// A node of the cluster, `HOST:PORT` of its link.
    pub at: String,
    /// What `weir node invite` printed.
    pub token: Option<Token>,
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
    /// Where any of the others may be.
    pub(super) doors: Vec<SocketAddr>,
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
    let mut found = Vec::new();
    if let Some(Joining { at, token }) = joining {
        let is_member = kept.is_some() || (token.is_none() && place.data.join(LOG_DIR).exists());
        if !is_member {
            return join(place, &at, token, node).await;
        }
        if let Some(token) = &token {
            is_used(place.data, token)?;
        }
        found = doors(&at).await.unwrap_or_else(|error| {
            // Where the others said that they are may be right.
            tracing::warn!(%error, "nobody is looked for there");
            Vec::new()
        });
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
    let mut peers = kept.unwrap_or_default();
    peers.iter_mut().for_each(|peer| peer.addresses.extend(&found));
    Ok(Standing { trust, joined, peers, doors: found })
}

/// Whether an invitation is the one that the node joined by, which may stand in its command line for ever. Another one
/// is not for who is a member, and of no use to who was one.
fn is_used(dir: &Path, token: &Token) -> Result<(), String> {
    let file = dir.join(INVITATION);
    match std::fs::read_to_string(&file) {
        Ok(used) if used.trim() == print(token) => Ok(()),
        Ok(_) => Err(format!(
            "{} holds a node that joined a cluster by another invitation. If it was removed from there, empty the \
             directory and start again, and it joins by this one; if it is a member, start it without the invitation",
            dir.display()
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::warn!(
                data = %dir.display(),
                "the node joined a cluster before; the invitation is not used. If the node was removed from there, \
                 empty the directory and start again"
            );
            Ok(())
        }
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// What is kept of an invitation: it is a secret until it is used.
fn print(token: &Token) -> String {
    Fingerprint::of(token.to_string().as_bytes()).to_string()
}

fn missing(dir: &Path) -> Result<Trust, TrustError> {
    let text = "it is missing although the node joined a cluster".to_owned();
    Err(TrustError::Unreadable(dir.display().to_string(), text))
}

async fn join(
    place: &Place<'_>,
    at: &str,
    token: Option<Token>,
    node: NodeId,
) -> Result<Standing, String> {
    let token = token.ok_or_else(|| {
        format!("--join {at} needs an invitation: `weir node invite` at a member prints one, for --token-file")
    })?;
    if place.data.join(LOG_DIR).exists() {
        return Err(format!(
            "{} holds a cluster of its own; to join another one choose an empty --data",
            place.data.display()
        ));
    }
    let wish = Wish {
        node,
        name: place.name.to_owned(),
        // Who could be anything is what it was invited for.
        roles: if place.roles == Roles::all() { BTreeSet::new() } else { words(place.roles) },
        addresses: vec![place.reached],
        program: env!("CARGO_PKG_VERSION").into(),
    };
    let joined = ask(at, &token, wish, key(place.data).await?).await?;
    let (dir, peers) = (place.data.to_owned(), joined.peers.clone());
    let saved = tokio::task::spawn_blocking(move || save(&dir, &token, joined)).await;
    let trust = saved.map_err(|error| error.to_string())??;
    Ok(Standing { trust, joined: true, peers, doors: Vec::new() })
}

/// The same key at each try, so that the invitation stays good for this machine.
async fn key(data: &Path) -> Result<NodeKey, String> {
    let file = data.join(JOIN_KEY);
    let opened = tokio::task::spawn_blocking(move || NodeKey::open_or_new(&file)).await;
    opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

async fn ask(at: &str, token: &Token, wish: Wish, key: NodeKey) -> Result<Joined, String> {
    let mut last = "the name has no address".to_owned();
    for door in doors(at).await? {
        let asked = invite::join(door, token, &key, wish.clone(), Arc::new(clock::now));
        match asked.await {
            Ok(joined) => return Ok(joined),
            Err(error @ JoinError::NoAnswer(..)) => {
                last = format!("{error}. The invitation stays good for this machine: try again");
            }
            Err(error) => return Err(format!("cannot join at {at}: {error}")),
        }
    }
    Err(format!("cannot join at {at}: {last}"))
}

fn save(dir: &Path, token: &Token, joined: Joined) -> Result<Trust, String> {
    joined.credentials.save(dir).map_err(|error| error.to_string())?;
    if let Some(authority) = &joined.authority {
        authority.save(dir).map_err(|error| error.to_string())?;
    }
    write(&dir.join(INVITATION), print(token).as_bytes())?;
    save_seeds(dir, &joined.peers)?;
    if let Err(error) = std::fs::remove_file(dir.join(JOIN_KEY)) {
        tracing::warn!(%error, file = JOIN_KEY, "a file that is of no use any more is still there");
    }
    joined.trust().map_err(|error| error.to_string())
}

async fn doors(text: &str) -> Result<Vec<SocketAddr>, String> {
    let wrong = |why: &str| format!("--join {text}: {why}; expected HOST:PORT of a node's link");
    let found = tokio::time::timeout(LOOK_UP_MAX, tokio::net::lookup_host(text)).await;
    let found = found.map_err(|_| wrong("the resolver does not answer"))?;
    let found = found.map_err(|error| wrong(&error.to_string()))?;
    Ok(found.take(DOORS_MAX).collect())
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
    write(&seeds_file(dir), &text)
}

/// The whole of it or nothing.
fn write(file: &Path, text: &[u8]) -> Result<(), String> {
    let new = file.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file));
    written.map_err(|error| format!("{}: {error}", file.display()))
}
