//! Where streams are: which node packages a channel, which ones copy it, and how it goes from one to another.
//!
//! A stream is placed where its publisher is connected. `own` makes this node the owner: it asks the owner of
//! before, brings its copy of the window up to date, claims the lease, and only then makes that owner let go, so
//! that a claim that fails has cost nothing. Who does not answer is taken over from. `copies` keeps windows of other
//! nodes' streams here, for viewers and so that they survive; `relays` says which of them are copied from a copy.
//! `keep` follows the directory: what another node took over is left, what nobody owns is claimed again. `ownerless`
//! is about shows whose node died.
//! Media never rides in a message; these decide only who sends it to whom.

mod copies;
mod held;
mod keep;
mod own;
mod ownerless;
mod relays;
mod sent;
mod told;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use weir_cluster::ages::Ages;
use weir_cluster::replication::Branches;
use weir_media::replica::Tip;
use weir_model::cluster::{Duty, ReplicaInfo};
use weir_model::{ActorId, ActorKind, ChannelName, Epoch, KeyId, Lease, NodeId};

use super::clock::monotonic_ms as now_ms;
use super::events::Events;
use super::membership::Membership;
use super::stages::{Stage, Stages};
use super::streams::{PublicStream, PublishRefusal, Streams};
use super::tasks::Tasks;
use crate::link::Link;
use crate::link::fetch::{Demand, LINGER, Puller, Tally};
use crate::link::replicate::Replicate;
use crate::store::Store;

/// The right to package a channel's stream here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Under which epoch.
    pub epoch: Epoch,
    /// Where the show stands that goes on here; none when a new one begins.
    pub tip: Option<Tip>,
}

/// What an owner answers a node that wants to go on with its show. It goes on with it until that node owns the stream.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Yielded {
    /// Its publisher is well.
    Busy,
    /// It was sent to another node and waits for its publisher to come there.
    Sent,
    /// The other node may have it; where the show stands, if one is on.
    Free(Option<Tip>),
}

/// Decides who packages a channel.
pub trait Owner: Send + Sync {
    /// Makes this node the owner of a channel's stream for a publisher with `key`.
    fn take<'a>(
        &'a self,
        channel: &'a ChannelName,
        key: KeyId,
    ) -> BoxFuture<'a, Result<Taken, PublishRefusal>>;

    /// Whether this node is the owner.
    fn owns(&self, channel: &ChannelName) -> bool;

    /// This node needs to own it no longer.
    fn release(&self, channel: &ChannelName);
}

/// How copies are kept.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Nodes that hold each stream's window, its owner included.
    pub copies: usize,
    /// Nodes that one node feeds with one stream before others pass it on.
    pub fan_out: u32,
    /// A show outlives its publisher, and its owner, by this, milliseconds.
    pub grace_ms: i64,
}

/// What placement needs of the node.
pub struct Parts {
    /// How copies are kept.
    pub config: Config,
    /// Members and leases.
    pub store: Store,
    /// The way to other nodes.
    pub link: Link,
    /// This node among them.
    pub membership: Membership,
    /// What viewers see.
    pub stages: Stages,
    /// Runs loops.
    pub tasks: Tasks,
    /// Where things are told.
    pub events: Events,
}

/// The placement of streams as one node sees it. Cheap to clone.
#[derive(Clone)]
pub struct Placement {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    node: NodeId,
    puller: OnceLock<Puller>,
    replicate: OnceLock<Replicate>,
    streams: OnceLock<Streams>,
    /// Where a copy is brought up to date from before its stream is taken over.
    detours: Mutex<BTreeMap<ChannelName, (NodeId, Epoch)>>,
    /// Where copies come from whose owner is gone.
    leads: Mutex<BTreeMap<ChannelName, ownerless::Lead>>,
    /// Since when a stream has had no owner.
    vacant: Mutex<Ages<(ActorId, Epoch)>>,
    /// Who pulls the streams that are made here, and from whom. One for each of them.
    branches: Mutex<BTreeMap<ChannelName, Branches>>,
    /// Held while a copy begins or is freed: it is fed into the stage that viewers find.
    copying: Mutex<()>,
    /// Copies that are kept without viewers.
    kept: Mutex<BTreeMap<ChannelName, Demand>>,
    /// Since when this node has owned a stream that it does not package.
    idle: Mutex<Ages<ChannelName>>,
    /// Since when a copy has had no owner.
    orphans: Mutex<Ages<ChannelName>>,
    /// What was packaged here until another node owned it, and since when, milliseconds of the monotonic clock.
    left: Mutex<BTreeMap<ChannelName, (Arc<Stage>, u64)>>,
    /// What waits for another node.
    sent: sent::Sent,
}

/// How copying goes at a node: what there is now, and what happened since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copying {
    /// Channels copied here.
    pub pulled: usize,
    /// Copies of other nodes that are fed from here.
    pub sent: usize,
    /// What happened to segments.
    pub tally: Tally,
    /// Channels not copied here, because too many were.
    pub pulls_refused: u64,
    /// Requests of other nodes for copies that were refused.
    pub subscriptions_refused: u64,
    /// The same that another node was named for.
    pub sent_elsewhere: u64,
    /// Nodes that have to feed more others than they are to, with streams that are made here.
    pub over_fan_out: usize,
}

/// A stream that somebody watches: while this is held, it is copied.
pub struct Watched {
    public: Arc<PublicStream>,
    _demand: Option<Demand>,
}

impl From<Arc<PublicStream>> for Watched {
    fn from(public: Arc<PublicStream>) -> Self {
        Self { public, _demand: None }
    }
}

impl Deref for Watched {
    type Target = PublicStream;

    fn deref(&self) -> &PublicStream {
        &self.public
    }
}

impl Placement {
    /// Ready to own and to copy; [`Self::attach`] begins the rest.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let inner = Arc::new(Inner {
            node: parts.membership.node(),
            parts,
            puller: OnceLock::new(),
            replicate: OnceLock::new(),
            streams: OnceLock::new(),
            detours: Mutex::default(),
            leads: Mutex::default(),
            vacant: Mutex::default(),
            branches: Mutex::default(),
            copying: Mutex::default(),
            kept: Mutex::default(),
            idle: Mutex::default(),
            orphans: Mutex::default(),
            left: Mutex::default(),
            sent: sent::Sent::default(),
        });
        let link = &inner.parts.link;
        let puller = Puller::start(
            link,
            Arc::new(copies::Far(Arc::downgrade(&inner))),
            Arc::new(copies::Far(Arc::downgrade(&inner))),
            LINGER,
        );
        // Both are set here and nowhere else.
        let _ = inner.puller.set(puller);
        let replicate = Replicate::start(link, Arc::new(copies::Far(Arc::downgrade(&inner))));
        let _ = inner.replicate.set(replicate);
        Self { inner }
    }

    /// Answers other nodes about these streams, and keeps them where they belong.
    pub fn attach(&self, streams: &Streams) {
        if self.inner.streams.set(streams.clone()).is_err() {
            return;
        }
        own::serve(&self.inner);
        told::serve(&self.inner);
        let own = Arc::clone(&self.inner);
        self.inner.parts.tasks.spawn("stream placement", |handle| keep::run(own, handle));
    }

    /// A channel's stream for somebody who watches it here, wherever it is packaged; none when it is nowhere.
    #[must_use]
    pub fn watch(&self, channel: &ChannelName) -> Option<Watched> {
        self.inner.watch(channel)
    }

    /// Which node holds which stream, all over the cluster; nodes that do not answer at once are left out.
    pub async fn copies(&self) -> Vec<ReplicaInfo> {
        self.inner.copies().await
    }

    /// How far what is copied here is behind, by the node that it is copied from: the latest of each, milliseconds.
    /// A node from which nothing has come yet is not among them.
    #[must_use]
    pub fn lags(&self) -> BTreeMap<NodeId, u64> {
        let incoming = self.inner.puller.get().map(|puller| puller.incoming()).unwrap_or_default();
        let mut lags = BTreeMap::new();
        for one in incoming {
            if let (Some(source), Some(lag)) = (one.source, one.lag_ms) {
                let latest: &mut u64 = lags.entry(source).or_default();
                *latest = lag.max(*latest);
            }
        }
        lags
    }

    /// How copying goes at this node.
    #[must_use]
    pub fn copying(&self) -> Copying {
        let (puller, replicate) = (self.inner.puller.get(), self.inner.replicate.get());
        let (_, subscriptions_refused) = replicate.map(Replicate::counts).unwrap_or_default();
        Copying {
            pulled: puller.map_or(0, |puller| puller.incoming().len()),
            sent: replicate.map_or(0, |replicate| replicate.outgoing().len()),
            tally: puller.map(Puller::tally).unwrap_or_default(),
            pulls_refused: puller.map_or(0, Puller::refused),
            subscriptions_refused,
            sent_elsewhere: replicate.map_or(0, Replicate::sent_elsewhere),
            over_fan_out: self.inner.over_fan_out(),
        }
    }
}

impl Owner for Placement {
    fn take<'a>(
        &'a self,
        channel: &'a ChannelName,
        key: KeyId,
    ) -> BoxFuture<'a, Result<Taken, PublishRefusal>> {
        Box::pin(self.inner.take(channel, key))
    }

    fn owns(&self, channel: &ChannelName) -> bool {
        let lease = self.inner.lease(channel);
        // A node that is being emptied lets nobody go on with what another one can have.
        let stays = || !self.inner.is_draining() || self.inner.has_to_stay(channel);
        lease.is_some_and(|lease| self.inner.is_own(&lease)) && stays()
    }

    fn release(&self, channel: &ChannelName) {
        let (own, channel) = (Arc::clone(&self.inner), channel.clone());
        self.inner.parts.tasks.spawn_unlisted(async move { own.release(&channel).await });
    }
}

impl Inner {
    fn lease(&self, channel: &ChannelName) -> Option<Lease> {
        self.parts.store.cluster().leases.of(&stream(channel)).cloned()
    }

    fn is_own(&self, lease: &Lease) -> bool {
        let incarnation = *self.parts.membership.incarnation().borrow();
        lease.node == self.node && lease.incarnation == incarnation
    }

    fn is_draining(&self) -> bool {
        let directory = self.parts.store.cluster();
        directory.members.of(self.node).is_some_and(|member| member.duty == Duty::Draining)
    }

    /// The living node that owns a channel's stream, when it is another one.
    fn elsewhere(&self, channel: &ChannelName) -> Option<Lease> {
        self.lease(channel).filter(|lease| lease.node != self.node)
    }
}

fn stream(channel: &ChannelName) -> ActorId {
    ActorId::new(ActorKind::Stream, channel.into())
}

/// Owns whatever it is asked for, as the only node there is.
#[cfg(test)]
pub(crate) struct Alone;

#[cfg(test)]
impl Owner for Alone {
    fn take<'a>(
        &'a self,
        _: &'a ChannelName,
        _: KeyId,
    ) -> BoxFuture<'a, Result<Taken, PublishRefusal>> {
        Box::pin(std::future::ready(Ok(Taken { epoch: Epoch(1), tip: None })))
    }

    fn owns(&self, _: &ChannelName) -> bool {
        true
    }

    fn release(&self, _: &ChannelName) {}
}
