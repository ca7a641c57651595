//! The node's place in its cluster: its certificate, its end of the link, its part in consensus, in this order.
//! A node that never joined another is a cluster of one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use weir_cluster::members::Profile;
use weir_model::cluster::NodeLoad;
use weir_model::{Incarnation, NodeId, Role, Roles};

use super::disk::Disk;
use super::joining::{self, Joining, Place};
use super::{books, directory};
use crate::actors::clock;
use crate::actors::events::Events;
use crate::actors::membership::{self, Admission, Membership};
use crate::actors::tasks::Tasks;
use crate::actors::teller::Teller;
use crate::link::request::{self, Kind, Refusal};
use crate::link::trust::Trust;
use crate::link::{self, Link, World};
use crate::raft::{self, CallError, Consensus, Network, Room};
use crate::store::Store;
use crate::store::ledger::Ledger;

/// A running node's place in its cluster.
#[derive(Clone)]
pub struct Mesh {
    /// The way to other nodes.
    pub link: Link,
    /// The log.
    pub consensus: Consensus,
    /// What this node keeps of the money; only voters do.
    pub ledger: Option<Ledger>,
    /// The way of requests to the ledger, from every node.
    pub teller: Teller,
    /// Whom the link believes.
    pub trust: Arc<Trust>,
    /// This start of the process.
    pub incarnation: Incarnation,
    /// Room for the log.
    pub disk: Disk,
    /// Where any of the others may be.
    doors: Vec<SocketAddr>,
}

impl Mesh {
    /// Loads or gets the certificate, binds the link, opens the log and sends the store's changes through it.
    ///
    /// # Errors
    /// One sentence that says what could not be had and what to do.
    pub async fn start(
        place: Place<'_>,
        joining: Option<Joining>,
        store: &Store,
        events: &Events,
        tasks: &Tasks,
    ) -> Result<Self, String> {
        let disk = Disk::watch(&place, events, tasks).await?;
        let incarnation = begin(store).await?;
        let standing = joining::trust(&place, joining, store.node().id).await?;
        let (trust, joined) = (Arc::new(standing.trust), standing.joined);
        let doors = standing.doors;
        if !doors.is_empty() && store.cluster().members.len() <= 1 && !joined {
            let text = "this node is a cluster of its own; to join another one it needs an invitation and an empty --data";
            return Err(format!("--join: {text}"));
        }
        let peers = membership::prepare(store, &trust, standing.peers);
        let version = env!("CARGO_PKG_VERSION");
        let mut settings = link::Config::new(place.link, incarnation.0, version);
        settings.data_dir = Some(place.data.to_owned());
        #[cfg(feature = "fault")]
        {
            settings.faults = Some(super::faults::watch(place.data, &disk, tasks));
            super::faults::shorten(place.data);
            if let Some(protocols) = super::faults::protocols(place.data) {
                settings.protocols = protocols;
            }
        }
        let admission = Admission { store: store.clone(), events: events.clone() };
        let world = world(tasks);
        let spawn = Arc::clone(&world.spawn);
        let link = Link::start(settings, Arc::clone(&trust), Some(Arc::new(admission)), world);
        let link = link.map_err(|error| format!("{error}; set listen.link or --port-base"))?;
        link.set_peers(peers);
        let ledger = books::open(&place).await?;
        let room: Room = {
            let disk = disk.clone();
            Arc::new(move || disk.room())
        };
        let history = Arc::new(books::Elsewhere::new(link.clone()));
        let start = directory::Start {
            dir: place.data,
            incarnation: incarnation.0,
            now: clock::now,
            network: Arc::new(OverLink(link.clone())),
            spawn,
            room,
            joining: joined,
            ledger: ledger.clone(),
            history: history.clone(),
        };
        let consensus = directory::start(store, start).await.map_err(|error| error.to_string())?;
        history.led_by(&consensus);
        serve(&link, &consensus);
        books::serve(&link, ledger.as_ref());
        tell_of_its_end(place.name, &consensus, events, tasks);
        let teller = Teller::start(consensus.clone(), tasks);
        Ok(Self { link, consensus, ledger, teller, trust, incarnation, disk, doors })
    }

    /// Of these roles, those that the node's certificate says too.
    pub fn granted(&self, roles: Roles) -> Roles {
        let certified = self.trust.roles();
        roles.iter().filter(|role| certified.contains(role.as_str())).collect()
    }

    /// Says to the others that this node lives, and what it is.
    #[must_use]
    pub fn take_part(
        &self,
        store: &Store,
        events: &Events,
        tasks: &Tasks,
        profile: Profile,
        load: Box<dyn Fn() -> NodeLoad + Send + Sync>,
    ) -> Membership {
        Membership::start(membership::Parts {
            link: self.link.clone(),
            consensus: self.consensus.clone(),
            store: store.clone(),
            trust: Arc::clone(&self.trust),
            events: events.clone(),
            tasks: tasks.clone(),
            profile,
            load,
            incarnation: self.incarnation,
            doors: self.doors.clone(),
        })
    }

    /// Takes part no longer.
    pub async fn stop(&self) {
        self.consensus.shutdown().await;
    }
}

async fn begin(store: &Store) -> Result<Incarnation, String> {
    let store = store.clone();
    let begun = tokio::task::spawn_blocking(move || store.begin_start(clock::now())).await;
    begun.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Consensus that stopped by itself, because its disk failed, comes back with the next start only.
fn tell_of_its_end(name: &str, consensus: &Consensus, events: &Events, tasks: &Tasks) {
    let (name, consensus, events) = (name.to_owned(), consensus.clone(), events.clone());
    tasks.spawn("raft end", |handle| async move {
        let reason = tokio::select! {
            reason = consensus.failed() => reason,
            () = handle.stopping() => return,
        };
        let text = format!(
            "consensus has stopped on node {name}; what streams goes on, but the node takes nothing new: repair or free its disk and start it again"
        );
        events.emit("raft.stopped", None, text, &[("reason", reason)]);
    });
}

/// The link's and the log's view of the program around them.
fn world(tasks: &Tasks) -> World {
    let stop = tasks.stop_signal();
    let tasks = tasks.clone();
    let spawn: link::Spawn = Arc::new(move |name: &str, work: BoxFuture<'static, ()>| {
        if name == link::UNLISTED {
            tasks.spawn_unlisted(work);
            return;
        }
        tasks.spawn(name, |handle| async move {
            tokio::select! {
                () = work => {}
                () = handle.stopping() => {}
            }
        });
    });
    World { spawn, clock: Arc::new(clock::now), stop }
}

/// Answers what other nodes ask of this one's consensus. The link lets members only come this far.
fn serve(link: &Link, consensus: &Consensus) {
    let limits =
        Kind { request_bytes_max: raft::BODY_BYTES_MAX, answer_bytes_max: raft::BODY_BYTES_MAX };
    for kind in raft::KINDS {
        let consensus = consensus.clone();
        link.on_request(kind, limits, move |caller, body| {
            let consensus = consensus.clone();
            Box::pin(async move {
                if raft::OF_VOTERS.contains(&kind) && !caller.roles.contains(Role::Voter.as_str()) {
                    let text = "only a node with the role voter may say that";
                    return Err(Refusal::new("not_a_voter", text));
                }
                let answer = consensus.handle(kind, &body).await;
                answer.map_err(|error| Refusal::new("consensus", error.to_string()))
            })
        });
    }
}

/// The link as consensus sees it.
struct OverLink(Link);

impl Network for OverLink {
    fn call(
        &self,
        to: NodeId,
        kind: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        Box::pin(async move {
            let answer = self.0.call(to, kind, body, deadline).await;
            answer.map_err(|error| match error {
                request::CallError::Refused(refusal) => CallError::Refused(refusal.message),
                request::CallError::Deadline(..) | request::CallError::Broken(..) => {
                    CallError::TimedOut
                }
                other => CallError::Unreachable(other.to_string()),
            })
        })
    }
}

#[cfg(test)]
mod tests;
