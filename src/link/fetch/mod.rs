//! Pulls windows of streams from the nodes that have them, for as long as somebody here wants them.
//!
//! One subscription per channel, whatever the number of viewers: who wants a channel holds a [`Demand`]. Its loop
//! finds the owner, subscribes there or where the owner says (`route`) from the place it has reached, and stays until
//! the source is gone, another one is named, or nobody wanted it for a while. Pieces arrive on streams (`receive`), `assembly` puts them in
//! order, and the steps go to the local window, which another node may copy in turn.
//!
//! `want` → `pull` (loop of a channel) ⇒ `link::replicate` ⇒ `receive` → `assembly` → the window.

mod assembly;
mod pull;
mod receive;
mod route;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quinn::{Runtime, TokioRuntime};
use weir_media::rendition::Timing;
use weir_media::replica::{Left, Shade, Step};
use weir_model::{ChannelName, NodeId};

pub use self::assembly::Tally;
use self::pull::Pull;
#[cfg(test)]
pub(crate) use self::route::STALL_MAX;
use super::Link;
use super::replicate::wire::{SEGMENT, STATUS};

/// How long a channel is followed after the last one who wanted it: longer than a player's pause between two
/// requests, and than a request is held.
pub const LINGER: Duration = Duration::from_secs(15);
/// Channels that are pulled at once.
pub const PULLS_MAX: usize = 1024;

/// Who has a channel. The directory answers.
pub trait Sources: Send + Sync {
    /// The node to ask first, and the epoch of the stream's owner; none when it is not live anywhere, or here.
    fn source(&self, channel: &ChannelName) -> Option<(NodeId, u64)>;
}

/// A window that is fed by copying. Taking steps is quick and never waits.
pub trait Replica: Send + Sync {
    /// Takes steps in order; leaves `steps` empty.
    fn step(&self, steps: &mut Vec<Step>);

    /// Takes for whom the window is made, ahead of the steps for which that is said.
    fn take_shade(&self, shade: Shade);
}

/// Who keeps the windows.
pub trait Replicas: Send + Sync {
    /// The window for copies of a channel: an existing one if its playlists have these lengths.
    fn replica(&self, channel: &ChannelName, timing: &Timing) -> Arc<dyn Replica>;

    /// What the window for copies of a channel holds that nobody feeds any more, and the epoch under which it was
    /// made: a copy that begins goes on behind that.
    fn left(&self, channel: &ChannelName) -> Option<(Left, u64)> {
        let _ = channel;
        None
    }

    /// The window for copies of a channel cannot go on: the next one is an empty one.
    fn renew(&self, channel: &ChannelName) {
        let _ = channel;
    }
}

/// A channel that is pulled, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Incoming {
    /// Which one.
    pub channel: ChannelName,
    /// From where; none while there is no subscription.
    pub source: Option<NodeId>,
    /// Under which epoch.
    pub epoch: Option<u64>,
    /// How many want it.
    pub wanted: usize,
    /// Age of the newest part when it arrived, milliseconds by both nodes' wall clocks; none before the first one.
    pub lag_ms: Option<u64>,
    /// Subscriptions made, the first one included.
    pub subscriptions: u64,
    /// Subscriptions refused or not answered.
    pub failures: u64,
    /// Why the last one failed.
    pub problem: Option<String>,
    /// What happened to its segments.
    pub tally: Tally,
}

/// The pulling side; clones are the same.
#[derive(Clone)]
pub struct Puller {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    sources: Arc<dyn Sources>,
    replicas: Arc<dyn Replicas>,
    pulls: Mutex<HashMap<ChannelName, Arc<Pull>>>,
    /// What happened to the segments of channels that are pulled no more; changed under the lock of `pulls`.
    past: Mutex<Tally>,
    next_sub: AtomicU64,
    refused: AtomicU64,
    began: Instant,
    linger: Duration,
}

/// Somebody wants a channel; dropping it says no longer.
pub struct Demand {
    pull: Arc<Pull>,
    inner: Arc<Inner>,
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.pull.release(self.inner.now());
    }
}

impl Puller {
    /// Ready to pull; `linger` is [`LINGER`] but for tests.
    #[must_use]
    pub fn start(
        link: &Link,
        sources: Arc<dyn Sources>,
        replicas: Arc<dyn Replicas>,
        linger: Duration,
    ) -> Self {
        let inner = Arc::new(Inner {
            link: link.clone(),
            sources,
            replicas,
            pulls: Mutex::new(HashMap::new()),
            past: Mutex::default(),
            // Names of one process never meet those of the one before it.
            next_sub: AtomicU64::new(link.mesh.config.incarnation),
            refused: AtomicU64::new(0),
            began: TokioRuntime.now(),
            linger,
        });
        let own = Arc::clone(&inner);
        link.on_stream(SEGMENT, move |caller, header, reader| {
            let own = Arc::clone(&own);
            Box::pin(async move { own.take_segment(caller.node, header, reader).await })
        });
        let own = Arc::clone(&inner);
        link.on_stream(STATUS, move |caller, header, reader| {
            let own = Arc::clone(&own);
            Box::pin(async move { own.take_status(caller.node, header, reader).await })
        });
        Self { inner }
    }

    /// Wants a channel: it is pulled until the last demand was dropped for a while. None when
    /// [`PULLS_MAX`] others are pulled; counted.
    #[must_use]
    pub fn want(&self, channel: &ChannelName) -> Option<Demand> {
        let inner = &self.inner;
        let mut pulls = inner.pulls.lock();
        if let Some(pull) = pulls.get(channel) {
            pull.want();
            return Some(Demand { pull: Arc::clone(pull), inner: Arc::clone(inner) });
        }
        if pulls.len() >= PULLS_MAX {
            inner.refused.fetch_add(1, Relaxed);
            return None;
        }
        let pull = Arc::new(Pull::new(channel.clone()));
        pull.want();
        pulls.insert(channel.clone(), Arc::clone(&pull));
        drop(pulls);
        let (own, work) = (Arc::clone(inner), Arc::clone(&pull));
        inner.link.mesh.world.short(async move { own.pull(work).await });
        Some(Demand { pull, inner: Arc::clone(inner) })
    }

    /// The epoch under which a channel is pulled and the nodes on the way from its owner, the source last. None
    /// before the first answer, and while another source is asked: so no two nodes can pull from each other. None too
    /// while a cold start is under way: who copied the window then would miss what it begins with.
    #[must_use]
    pub fn path(&self, channel: &ChannelName) -> Option<(u64, Vec<NodeId>)> {
        self.inner.pulls.lock().get(channel)?.path()
    }

    /// The newest epoch under which a channel that is pulled was made; none before the first answer.
    #[must_use]
    pub fn epoch(&self, channel: &ChannelName) -> Option<u64> {
        self.inner.pulls.lock().get(channel)?.epoch()
    }

    /// Who was asked for a channel and has not given it yet.
    #[must_use]
    pub fn asks(&self, channel: &ChannelName) -> Option<NodeId> {
        self.inner.pulls.lock().get(channel)?.asks()
    }

    /// Whether a channel is pulled, or about to be.
    #[must_use]
    pub fn is_pulled(&self, channel: &ChannelName) -> bool {
        self.inner.pulls.lock().contains_key(channel)
    }

    /// Pulls a channel no more, whoever wants it: from now on its window is fed in another way. Whoever wants it
    /// again begins anew.
    pub fn forget(&self, channel: &ChannelName) {
        let mut pulls = self.inner.pulls.lock();
        if let Some(pull) = pulls.remove(channel) {
            *self.inner.past.lock() += pull.tally();
            pull.forget();
        }
    }

    /// Every channel that is pulled.
    #[must_use]
    pub fn incoming(&self) -> Vec<Incoming> {
        let mut all: Vec<Incoming> =
            self.inner.pulls.lock().values().map(|pull| pull.info()).collect();
        all.sort_by(|a, b| a.channel.cmp(&b.channel));
        all
    }

    /// What happened to the segments of all channels since the start.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let pulls = self.inner.pulls.lock();
        let mut all = *self.inner.past.lock();
        pulls.values().for_each(|pull| all += pull.tally());
        all
    }

    /// Demands refused because too many channels are pulled.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.inner.refused.load(Relaxed)
    }
}

impl Inner {
    /// Milliseconds of a clock that never goes back.
    fn now(&self) -> u64 {
        let passed = TokioRuntime.now().saturating_duration_since(self.began);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    fn node(&self) -> NodeId {
        self.link.mesh.trust.node()
    }
}
