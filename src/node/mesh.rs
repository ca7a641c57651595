//! The node's place in its cluster: its certificate, its end of the link, its part in consensus, in this order.
//! A node that never joined another is a cluster of one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use weir_model::NodeId;

use super::config::Config;
use super::directory;
use crate::actors::clock;
use crate::actors::tasks::Tasks;
use crate::link::request::{self, Kind, Refusal};
use crate::link::trust::Trust;
use crate::link::{self, Link, World};
use crate::raft::{self, CallError, Consensus, Network};
use crate::store::Store;

/// What a lone node does: everything.
const ROLES: [&str; 4] = ["edge", "ingest", "transcode", "voter"];

/// A running node's place in its cluster.
pub(super) struct Mesh {
    /// The way to other nodes.
    pub(super) link: Link,
    consensus: Consensus,
}

impl Mesh {
    /// Loads or makes the certificate, binds the link, opens the log and sends the store's changes through it.
    ///
    /// # Errors
    /// One sentence that says what could not be had and what to do.
    pub(super) async fn start(
        config: &Config,
        data: &Path,
        store: &Store,
        tasks: &Tasks,
    ) -> Result<Self, String> {
        let incarnation = u64::try_from(clock::now().0).unwrap_or_default();
        let trust = trust(data, store.node().id).await?;
        let version = env!("CARGO_PKG_VERSION");
        let mut settings = link::Config::new(config.listen.link, incarnation, version);
        settings.data_dir = Some(data.to_owned());
        let link = Link::start(settings, Arc::new(trust), None, world(tasks));
        let link = link.map_err(|error| format!("{error}; set listen.link or --port-base"))?;
        let network = Arc::new(OverLink(link.clone()));
        let spawn = world(tasks).spawn;
        let consensus =
            directory::start(data, store, incarnation, clock::now, network, spawn, false);
        let consensus = consensus.await.map_err(|error| error.to_string())?;
        serve(&link, &consensus);
        Ok(Self { link, consensus })
    }

    /// Takes part no longer.
    pub(super) async fn stop(&self) {
        self.consensus.shutdown().await;
    }
}

/// The certificate of a node that joined before, or that of a cluster of one. Blocks in a thread of its own.
async fn trust(data: &Path, node: NodeId) -> Result<Trust, String> {
    let dir = data.to_owned();
    let roles: BTreeSet<String> = ROLES.map(str::to_owned).into();
    let open = move || Trust::found(&dir, node, &roles, clock::now());
    let opened = tokio::task::spawn_blocking(open).await.map_err(|error| error.to_string())?;
    opened.map_err(|error| error.to_string())
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
        link.on_request(kind, limits, move |_, body| {
            let consensus = consensus.clone();
            Box::pin(async move {
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
