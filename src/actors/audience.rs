//! Every node tells every other who watches at it, and who may not watch any more.
//!
//! There is no aggregator whose death could lose a count: each node counts for itself what all have told
//! ([`weir_cluster::viewings`]). Once a second a node sends what changed; to whom it could not send, it sends the
//! changes that were missed, or everything. A kick is sent at once, and with each report again until it was
//! acknowledged, and everybody passes on what is new to it.
//!
//! Nothing of it goes through the log. [`speech`] keeps what this node has said, [`listener`] how far each
//! other node has heard it.

mod listener;
mod speech;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use weir_cluster::viewings::{REPORT_MS, Received, Report};
use weir_model::{Incarnation, NodeId, ViewingId};

use super::clock::monotonic_ms as now_ms;
use super::tasks::{Handle, Tasks};
use super::viewings::{Kick, Viewings};
use crate::link::Link;
use crate::link::request::{Caller, Kind, Refusal, encoded, parsed};
use listener::Listener;
use speech::Speech;

/// Request: what has changed among a node's viewings, or all of them.
const REPORT: &str = "audience.report";
/// Request: viewings that are kept out.
const KICKS: &str = "audience.kicks";

/// Kicks in one request: 70 bytes each, so that it stays far below a request's limit.
const KICKS_PER_REQUEST_MAX: usize = 5000;
/// A kick is told everywhere within a second, or with the next report.
const KICK_MAX: Duration = Duration::from_millis(800);

/// This node's part in counting the cluster's viewers. Cheap to clone.
#[derive(Clone)]
pub struct Audience {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    viewings: Viewings,
    speech: Mutex<Speech>,
    /// Only peers of the link, so it is bounded by them.
    listeners: Mutex<BTreeMap<NodeId, Arc<Listener>>>,
}

/// The answer to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Heard {
    /// It counts, or was known.
    Taken,
    /// Reports before it are missing; everything is wanted.
    NeedFull,
}

impl Audience {
    /// Begins to tell and to listen. `incarnation` is this start of the process.
    #[must_use]
    pub fn start(
        link: &Link,
        viewings: &Viewings,
        tasks: &Tasks,
        node: NodeId,
        incarnation: Incarnation,
    ) -> Self {
        let inner = Arc::new(Inner {
            link: link.clone(),
            viewings: viewings.clone(),
            speech: Mutex::new(Speech::new(node, incarnation)),
            listeners: Mutex::default(),
        });
        serve(link, viewings);
        let (own, spawner) = (Arc::clone(&inner), tasks.clone());
        tasks.spawn("audience", |handle| run(own, spawner, handle));
        Self { inner }
    }

    /// Ends a viewing wherever it is. None when there is no such viewing; else the nodes that know of the kick.
    pub async fn kick(&self, id: ViewingId) -> Option<BTreeSet<NodeId>> {
        if !self.inner.viewings.kick(id) {
            return None;
        }
        let listeners = self.inner.listeners();
        let told = listeners.iter().map(|one| {
            let telling = tokio::time::timeout(KICK_MAX, one.tell_kicks(&self.inner));
            async { matches!(telling.await, Ok(Ok(()))).then_some(one.node) }
        });
        Some(join_all(told).await.into_iter().flatten().collect())
    }
}

async fn run(inner: Arc<Inner>, tasks: Tasks, handle: Handle) {
    let mut tick = tokio::time::interval(Duration::from_millis(REPORT_MS));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = handle.stopping() => return,
        }
        if let Err(error) = inner.speech.lock().go_on(&inner.viewings, now_ms()) {
            handle.error(error);
        }
        let listeners = inner.listeners();
        handle.idle(listeners.len() as u64);
        for listener in listeners {
            let inner = Arc::clone(&inner);
            tasks.spawn_unlisted(async move { listener.tell(&inner).await });
        }
    }
}

impl Inner {
    /// Every node that is connected now. Who is gone for good is forgotten.
    fn listeners(&self) -> Vec<Arc<Listener>> {
        let peers = self.link.peers();
        let mut listeners = self.listeners.lock();
        listeners.retain(|node, _| peers.iter().any(|peer| peer.node == *node));
        let connected = peers.iter().filter(|peer| peer.control.is_some());
        let mut listener = |node| {
            Arc::clone(listeners.entry(node).or_insert_with(|| Arc::new(Listener::new(node))))
        };
        connected.map(|peer| listener(peer.node)).collect()
    }
}

/// Listens. The link lets members only come this far.
fn serve(link: &Link, viewings: &Viewings) {
    let own = viewings.clone();
    link.on_request(REPORT, Kind::default(), move |caller, body| {
        let answer = hear(&own, &caller, &body);
        Box::pin(std::future::ready(answer))
    });
    let own = viewings.clone();
    link.on_request(KICKS, Kind::default(), move |_, body| {
        let answer = hear_kicks(&own, &body);
        Box::pin(std::future::ready(answer))
    });
}

fn hear(viewings: &Viewings, caller: &Caller, body: &[u8]) -> Result<Bytes, Refusal> {
    let report: Report = parsed(body)?;
    if report.node != caller.node {
        return Err(Refusal::new("not_yours", "a node reports its own viewings only"));
    }
    let heard = match viewings.take_report(report, now_ms()) {
        Received::Applied | Received::Partly | Received::Old => Heard::Taken,
        Received::NeedFull => Heard::NeedFull,
        Received::Malformed => return Err(malformed("more seats or parts than a report has")),
    };
    encoded(&heard)
}

fn hear_kicks(viewings: &Viewings, body: &[u8]) -> Result<Bytes, Refusal> {
    let kicks: Vec<Kick> = parsed(body)?;
    if kicks.len() > KICKS_PER_REQUEST_MAX {
        return Err(malformed(format!("more than {KICKS_PER_REQUEST_MAX} kicks")));
    }
    viewings.take_kicks(kicks);
    Ok(Bytes::new())
}

fn malformed(why: impl Into<String>) -> Refusal {
    Refusal::new("malformed", why)
}

#[cfg(test)]
mod tests;
