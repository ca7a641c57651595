//! Sends windows of streams to the nodes that asked for them.
//!
//! A subscription is answered with the window's outline; then each segment of each track gets a stream of its own,
//! opened when the segment begins, and where the show stands rides on one small stream. Nothing is queued here:
//! the window is the buffer, each segment's stream reads on in it when there is more, so a slow peer costs no
//! memory and harms nobody else. What is more urgent overtakes: control, audio, video, repair, catch-up, and in
//! each class the newest segment first, in order inside it.
//!
//! Whom the owner's plan puts below another node is told so instead (`place`), and who feeds others keeps its own copy
//! for as long as they are there.
//!
//! `subscribe` (a request) → `send` (loop of a subscription) → `segment` (one stream) ⇒ `link::fetch`.

mod place;
pub(in crate::link) mod sections;
mod segment;
mod send;
pub(in crate::link) mod wire;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use weir_cluster::replication::{Asking, admit};
use weir_media::TrackId;
use weir_media::replica::{Outline, Progress, SegmentHead, Shade, ShowStatus};
use weir_model::{ChannelName, NodeId};

use self::send::Sub;
use self::wire::{
    Answer, FETCH, Fetch, SOURCE, SUBSCRIBE, Subscribe, Subscribed, UNSUBSCRIBE, Unsubscribe,
};
use super::Link;
use super::fetch::Demand;
use super::request::{Caller, Kind, Refusal, encoded, parsed};

/// Subscriptions that are served at once: 50 peers with 50 streams each.
pub const SUBSCRIPTIONS_MAX: usize = 2500;
/// Sections of one track that each end of a subscription remembers: a publisher may change back and forth.
pub const SECTIONS_MAX: usize = 8;
/// An outline of the longest window of sixteen tracks.
pub(in crate::link) const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A window that others may copy. Look-ups are quick and never wait.
pub trait Original: Send + Sync {
    /// Changes whenever there is something new.
    fn follow(&self) -> watch::Receiver<u64>;
    /// What is there.
    fn outline(&self) -> Outline;
    /// Where the show stands.
    fn status(&self) -> ShowStatus;
    /// Segments behind those that `seen` names.
    fn heads_after(&self, seen: &BTreeMap<TrackId, u64>) -> Vec<SegmentHead>;
    /// A segment from its part `from_part` on; none when it is gone.
    fn progress(&self, track: TrackId, msn: u64, from_part: u64) -> Option<Progress>;
}

/// What this node can send of a channel.
#[derive(Clone)]
pub struct Offer {
    /// The window.
    pub window: Arc<dyn Original>,
    /// The epoch of the stream's owner.
    pub epoch: u64,
    /// Nodes on the way from the owner to this node, this one not among them; empty at the owner.
    pub path: Vec<NodeId>,
}

/// Who knows the windows.
pub trait Originals: Send + Sync {
    /// What can be sent of a channel now; none when it is neither packaged nor copied here.
    fn offer(&self, channel: &ChannelName) -> Option<Offer>;

    /// For whom a channel's stream is made, as far as this node knows. It goes ahead of the media, so that who copies
    /// that need not have heard of it in another way.
    fn shade(&self, channel: &ChannelName) -> Shade;

    /// As the owner of a channel's stream: whom `node` is to pull it from. None when this node is not the owner.
    fn place(&self, channel: &ChannelName, node: NodeId, asking: Asking) -> Option<NodeId> {
        let _ = (channel, node, asking);
        None
    }

    /// `node` pulls a channel no more; whether this node, as its owner, counted on that.
    fn left(&self, channel: &ChannelName, node: NodeId) -> bool {
        let _ = (channel, node);
        false
    }

    /// Begins a copy if there is none, and keeps it while the answer is held, because `node` pulls it from here. None
    /// when it cannot.
    fn hold(&self, channel: &ChannelName, node: NodeId) -> Option<Demand> {
        let _ = (channel, node);
        None
    }
}

/// A subscription, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Outgoing {
    /// Who gets it.
    pub peer: NodeId,
    /// Of which channel.
    pub channel: ChannelName,
    /// Under which epoch.
    pub epoch: u64,
    /// What was sent.
    pub counts: SentCounts,
}

/// What was sent of one subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct SentCounts {
    /// Media bytes.
    pub bytes: u64,
    /// Segments that arrived whole.
    pub segments: u64,
    /// Segments given up: too late, gone, or stopped by the reader.
    pub resets: u64,
    /// Segments asked for again.
    pub fetches: u64,
    /// Segments that could not be begun: no connection, or too many streams.
    pub unsent: u64,
}

/// The sending side; clones are the same.
#[derive(Clone)]
pub struct Replicate {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    link: Link,
    originals: Arc<dyn Originals>,
    subs: Mutex<HashMap<(NodeId, ChannelName), Arc<Sub>>>,
    subscribed: AtomicU64,
    elsewhere: AtomicU64,
    refused: AtomicU64,
}

impl Replicate {
    /// Begins to answer subscriptions.
    #[must_use]
    pub fn start(link: &Link, originals: Arc<dyn Originals>) -> Self {
        let inner = Arc::new(Inner {
            link: link.clone(),
            originals,
            subs: Mutex::new(HashMap::new()),
            subscribed: AtomicU64::new(0),
            elsewhere: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let limits = Kind { answer_bytes_max: ANSWER_BYTES_MAX, ..Kind::default() };
        let own = Arc::clone(&inner);
        link.on_request(SUBSCRIBE, limits, move |caller, body| {
            let own = Arc::clone(&own);
            Box::pin(async move { own.answered(own.subscribe(&caller, &body)) })
        });
        let own = Arc::clone(&inner);
        link.on_request(UNSUBSCRIBE, Kind::default(), move |caller, body| {
            let own = Arc::clone(&own);
            Box::pin(async move { own.answered(own.unsubscribe(&caller, &body)) })
        });
        let own = Arc::clone(&inner);
        link.on_request(SOURCE, Kind::default(), move |caller, body| {
            let own = Arc::clone(&own);
            Box::pin(async move { own.answered(own.source(&caller, &body)) })
        });
        let own = Arc::clone(&inner);
        link.on_request(FETCH, Kind::default(), move |caller, body| {
            let own = Arc::clone(&own);
            Box::pin(async move { own.answered(own.fetch(&caller, &body)) })
        });
        Self { inner }
    }

    /// Every subscription that is served.
    #[must_use]
    pub fn outgoing(&self) -> Vec<Outgoing> {
        let subs = self.inner.subs.lock();
        let mut all: Vec<Outgoing> = subs.values().map(|sub| sub.info()).collect();
        all.sort_by(|a, b| (&a.channel, a.peer).cmp(&(&b.channel, b.peer)));
        all
    }

    /// Subscriptions that another node was named for instead.
    #[must_use]
    pub fn sent_elsewhere(&self) -> u64 {
        self.inner.elsewhere.load(Relaxed)
    }

    /// Subscriptions answered since the start, and requests refused.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.inner.subscribed.load(Relaxed), self.inner.refused.load(Relaxed))
    }
}

impl Inner {
    fn answered(&self, answer: Result<Bytes, Refusal>) -> Result<Bytes, Refusal> {
        self.refused.fetch_add(u64::from(answer.is_err()), Relaxed);
        answer
    }

    fn subscribe(self: &Arc<Self>, caller: &Caller, body: &[u8]) -> Result<Bytes, Refusal> {
        let asked: Subscribe = parsed(body)?;
        let own = self.link.mesh.trust.node();
        let held = if asked.sent { Some(self.hold(&asked.channel, caller.node)?) } else { None };
        let offer = self.originals.offer(&asked.channel);
        // What nobody feeds is for whoever takes the show over.
        let offer =
            offer.filter(|offer| !asked.sent || !offer.path.is_empty()).ok_or_else(|| {
                Refusal::new("not_here", format!("channel `{}` is not on {own} now", asked.channel))
            })?;
        if let Some(believed) = asked.epoch.filter(|believed| *believed > offer.epoch) {
            let text = format!("this node knows epoch {}, not {believed} yet", offer.epoch);
            return Err(Refusal::new("stale_epoch", text));
        }
        let mut path = offer.path.clone();
        path.push(own);
        admit(caller.node, &path).map_err(|refusal| Refusal::new("loop", refusal.to_string()))?;
        if let Some(avoid) = &asked.avoid
            && let Some(instead) = self.elsewhere(&asked.channel, caller.node, avoid.clone())
        {
            self.elsewhere.fetch_add(1, Relaxed);
            return encoded(&Answer::Elsewhere(instead));
        }
        if !self.link.mesh.carries_media(caller.node) {
            let text = format!("the connection for media with {own} is not there yet");
            return Err(Refusal::new("no_media", text));
        }
        let outline = offer.window.outline();
        let answer = Subscribed { epoch: offer.epoch, outline, path };
        let answer = encoded(&Answer::Here(Box::new(answer)))?;
        self.begin(caller.node, asked, offer, held)?;
        Ok(answer)
    }

    fn begin(
        self: &Arc<Self>,
        peer: NodeId,
        asked: Subscribe,
        offer: Offer,
        held: Option<Demand>,
    ) -> Result<(), Refusal> {
        let key = (peer, asked.channel.clone());
        let mut subs = self.subs.lock();
        if subs.len() >= SUBSCRIPTIONS_MAX && !subs.contains_key(&key) {
            return Err(Refusal::new("busy", "this node sends as many streams as it can"));
        }
        let sub = Arc::new(Sub::new(peer, &asked, offer, held, self.link.clone()));
        if let Some(before) = subs.insert(key, Arc::clone(&sub)) {
            before.stop();
        }
        drop(subs);
        self.subscribed.fetch_add(1, Relaxed);
        let own = Arc::clone(self);
        self.link.mesh.world.short(async move {
            sub.run(&asked.from, own.originals.as_ref()).await;
            own.forget(&sub);
        });
        Ok(())
    }

    fn forget(&self, sub: &Arc<Sub>) {
        sub.stop();
        let key = (sub.peer, sub.channel.clone());
        let mut subs = self.subs.lock();
        if subs.get(&key).is_some_and(|now| Arc::ptr_eq(now, sub)) {
            subs.remove(&key);
        }
    }

    fn find(&self, peer: NodeId, channel: &ChannelName, id: u64) -> Result<Arc<Sub>, Refusal> {
        let found = self.subs.lock().get(&(peer, channel.clone())).cloned();
        found.filter(|sub| sub.id == id).ok_or_else(|| {
            Refusal::new("not_subscribed", format!("{peer} has no such subscription; subscribe"))
        })
    }

    fn unsubscribe(&self, caller: &Caller, body: &[u8]) -> Result<Bytes, Refusal> {
        let asked: Unsubscribe = parsed(body)?;
        let found = self.find(caller.node, &asked.channel, asked.sub);
        let fed = found.map(|sub| self.forget(&sub));
        // In this order, so that it is not counted as fed any more. Another node may have fed it.
        let left = self.originals.left(&asked.channel, caller.node);
        if left { Ok(Bytes::new()) } else { fed.map(|()| Bytes::new()) }
    }

    fn fetch(&self, caller: &Caller, body: &[u8]) -> Result<Bytes, Refusal> {
        let asked: Fetch = parsed(body)?;
        let sub = self.find(caller.node, &asked.channel, asked.sub)?;
        sub.send_again(asked.track, asked.msn, asked.from_part)?;
        Ok(Bytes::new())
    }
}
