//! The streams of this node: who publishes where, and what viewers and operators may see of it.
//!
//! A registry of [`super::stream`] actors, one per channel that was live since the node started.
//! Viewers never ask an actor: they read [`PublicStream`], which lives as long as the node.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use ractor::{Actor, ActorRef, RpcReplyPort};
use tokio::sync::{Mutex, Semaphore, watch};
use weir_media::packager::PackagerConfig;
use weir_media::rendition::Timing;
use weir_media::show::ShowConfig;
use weir_model::stream::{Finding, HealthLevel, TrackInfo};
use weir_model::{ChannelName, KeyId, KeyRefusal, ShowId, StreamInfo, StreamKey, StreamState};

use super::clock;
use super::events::Events;
use super::numbers;
use super::packager::Gauge;
use super::stream::{self, Message, Publish, StreamActor};
use super::supervisor::{self, Supervisor};
use super::tasks::Tasks;
use super::viewings::Viewings;
use crate::feed;
use crate::store::Store;
use crate::store::window::Window;

/// Questions to actors that may wait at once; mailboxes are unbounded, so the asking side is bounded.
const QUESTIONS_MAX: usize = 256;

/// An actor answers from memory and at most one durable write; longer means that it hangs.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How streams of this node behave.
#[derive(Debug, Clone, Copy)]
pub struct StreamsConfig {
    /// Lengths of parts and segments.
    pub packager: PackagerConfig,
    /// Times of a show.
    pub show: ShowConfig,
    /// What windows keep.
    pub window: Timing,
    /// Publishers at once.
    pub publishers_max: usize,
}

/// What a publisher brings.
pub struct PublishRequest {
    /// The stream key's secret. Never logged.
    pub secret: String,
    /// `rtmp`, `rtmps`, …
    pub protocol: &'static str,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// What the encoder calls itself.
    pub encoder: String,
}

/// Why a publisher is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefusal {
    /// Another publisher feeds the channel and is well.
    #[error("the channel already has a publisher; stop it or kick it first")]
    Busy,
    /// Its key.
    #[error("{0}")]
    Key(#[from] KeyRefusal),
    /// The node cannot take it now.
    #[error("the node cannot take a publisher now: {0}")]
    Unavailable(&'static str),
}

/// Why a publication was ended by the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The key was revoked or expired, or the channel deleted.
    KeyWithdrawn,
    /// An operator kicked it.
    Kicked(String),
    /// The node stops.
    NodeStops,
    /// The disk has failed for so long that no segment number is left.
    StoreFails,
    /// A newer connection with the same key took over.
    TakenOver,
}

/// What a publisher connection measured of itself; sent about once a second.
#[derive(Debug, Clone, Default)]
pub struct IngestReport {
    /// Its tracks.
    pub tracks: Vec<TrackInfo>,
    /// Bytes received since the connection began to publish.
    pub bytes: u64,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
}

/// The right to feed a stream. Dropping it tells the stream that the publisher is gone.
pub struct Publication {
    /// Where it publishes.
    pub channel: ChannelName,
    /// The show it continues or begins.
    pub show: ShowId,
    /// Where its first frame belongs on the show's line, microseconds.
    pub start_us: i64,
    /// Takes its frames.
    pub feed: feed::Writer,
    /// Becomes `Some` when the connection must end.
    pub stop: watch::Receiver<Option<StopReason>>,
    pub(super) id: u64,
    pub(super) actor: ActorRef<Message>,
}

impl Publication {
    /// Tells the stream what the connection measured.
    pub fn report(&self, report: IngestReport) {
        // A dead actor has already ended this publication through `stop`.
        let _ = self.actor.cast(Message::Report { id: self.id, report });
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        let _ = self.actor.cast(Message::Gone { id: self.id });
    }
}

/// What viewers may see of a stream, without asking its actor.
pub struct PublicStream {
    /// Its channel.
    pub channel: ChannelName,
    /// Its state; changes wake the watch page.
    pub state: watch::Receiver<PublicState>,
    /// Its playlists and media. Stays the same object for the life of the stream.
    pub window: Arc<Window>,
    /// Its figures, without asking its actor.
    pub gauge: Arc<Gauge>,
}

/// Sums over all streams of the node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Shows that are open.
    pub live: u64,
    /// Connected publishers.
    pub publishers: u64,
    /// Received media, bits per second.
    pub bitrate: u64,
    /// Media held in memory for viewers, bytes.
    pub window_bytes: u64,
}

/// State of a stream for the watch page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicState {
    /// Where it stands.
    pub state: StreamState,
    /// A player can start.
    pub playable: bool,
    /// The show that is open or was last.
    pub show: Option<ShowId>,
}

/// What streams need of the node.
#[derive(Clone)]
pub struct Context {
    /// Lengths and times.
    pub config: StreamsConfig,
    /// Where things are told.
    pub events: Events,
    /// Keys and segment numbers.
    pub store: Store,
    /// Runs the media loops.
    pub tasks: Tasks,
    /// Counts viewers.
    pub viewings: Viewings,
}

/// All streams of this node. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    context: Context,
    table: RwLock<BTreeMap<ChannelName, Entry>>,
    /// Held while an actor is made, so that a channel never gets two; never across a write.
    making: Mutex<()>,
    questions: Semaphore,
    publishers: Arc<Semaphore>,
    /// The node stops: nobody is let in.
    closing: AtomicBool,
    supervisor: ActorRef<supervisor::Message>,
}

#[derive(Clone)]
struct Entry {
    actor: ActorRef<Message>,
    public: Arc<PublicStream>,
}

impl Streams {
    /// No streams yet.
    ///
    /// # Errors
    /// When the supervisor cannot be started.
    pub async fn start(context: Context) -> Result<Self, ractor::SpawnErr> {
        let (supervisor, _) = Actor::spawn(None, Supervisor, context.events.clone()).await?;
        let inner = Inner {
            publishers: Arc::new(Semaphore::new(context.config.publishers_max)),
            context,
            table: RwLock::new(BTreeMap::new()),
            making: Mutex::new(()),
            questions: Semaphore::new(QUESTIONS_MAX),
            closing: AtomicBool::new(false),
            supervisor,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets a publisher in, or says why not.
    ///
    /// # Errors
    /// The reason, which is safe to tell the publisher.
    pub async fn publish(&self, request: PublishRequest) -> Result<Publication, PublishRefusal> {
        let outcome = match self.authenticate(&request) {
            Ok(key) => self.admit(key, &request).await.map_err(|(why, key)| (why, Some(key))),
            Err(refused) => Err(refused),
        };
        outcome.map_err(|(why, key)| {
            self.tell_refused(&request, why, key.as_ref());
            why
        })
    }

    /// A channel's stream, if it was ever live since the node started.
    #[must_use]
    pub fn public(&self, channel: &ChannelName) -> Option<Arc<PublicStream>> {
        self.inner.table.read().get(channel).map(|entry| Arc::clone(&entry.public))
    }

    /// Every stream that was ever live since the node started.
    #[must_use]
    pub fn all_public(&self) -> Vec<Arc<PublicStream>> {
        self.inner.table.read().values().map(|entry| Arc::clone(&entry.public)).collect()
    }

    /// Sums over all streams.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let max = self.inner.context.config.publishers_max;
        let publishers = max.saturating_sub(self.inner.publishers.available_permits());
        let mut totals = Totals { publishers: publishers as u64, ..Totals::default() };
        for entry in self.inner.table.read().values() {
            let live = entry.public.state.borrow().state == StreamState::Live;
            totals.live += u64::from(live);
            totals.bitrate += entry.public.gauge.bitrate.load(Ordering::Relaxed);
            totals.window_bytes += entry.public.window.bytes() as u64;
        }
        totals
    }

    /// Every stream that was ever live since the node started, by channel name.
    pub async fn list(&self) -> Vec<StreamInfo> {
        let entries: Vec<(ChannelName, Entry)> =
            self.inner.table.read().iter().map(|(name, one)| (name.clone(), one.clone())).collect();
        let mut streams = Vec::with_capacity(entries.len());
        for (channel, entry) in entries {
            streams.push(self.ask_info(&channel, &entry.actor).await);
        }
        streams
    }

    /// One stream; an offline one when the channel was never live since the node started.
    pub async fn info(&self, channel: &ChannelName) -> StreamInfo {
        match self.actor(channel) {
            Some(actor) => self.ask_info(channel, &actor).await,
            None => offline(channel),
        }
    }

    /// Drops the publisher of `channel`. False when there is none.
    pub async fn kick(&self, channel: &ChannelName, reason: StopReason) -> bool {
        let question = |reply| Message::Stop { key: None, reason, reply };
        self.ask_channel(channel, question).await.unwrap_or(false)
    }

    /// Drops the publisher that came with `key`, wherever it publishes. False when there is none.
    pub async fn withdraw_key(&self, channel: &ChannelName, key: KeyId) -> bool {
        let reason = StopReason::KeyWithdrawn;
        let question = |reply| Message::Stop { key: Some(key), reason, reply };
        self.ask_channel(channel, question).await.unwrap_or(false)
    }

    /// Ends all shows and lets nobody in any more: the node stops.
    pub async fn close(&self) {
        self.inner.closing.store(true, Ordering::Release);
        let channels: Vec<ChannelName> = self.inner.table.read().keys().cloned().collect();
        for channel in channels {
            self.end(&channel, StopReason::NodeStops).await;
        }
    }

    /// Ends the show of a channel that was deleted and forgets its stream, with its media. False when
    /// nobody published.
    pub async fn remove(&self, channel: &ChannelName) -> bool {
        let had_publisher = self.end(channel, StopReason::KeyWithdrawn).await;
        if let Some(entry) = self.inner.table.write().remove(channel) {
            entry.actor.stop(Some("its channel was deleted".into()));
        }
        had_publisher
    }

    async fn end(&self, channel: &ChannelName, reason: StopReason) -> bool {
        let question = |reply| Message::End { reason, reply };
        self.ask_channel(channel, question).await.unwrap_or(false)
    }

    fn actor(&self, channel: &ChannelName) -> Option<ActorRef<Message>> {
        self.inner.table.read().get(channel).map(|entry| entry.actor.clone())
    }

    fn authenticate(
        &self,
        request: &PublishRequest,
    ) -> Result<StreamKey, (PublishRefusal, Option<StreamKey>)> {
        let store = &self.inner.context.store;
        store
            .authenticate(&request.secret, clock::now())
            .map_err(|(why, key)| (PublishRefusal::Key(why), key))
    }

    async fn admit(
        &self,
        key: StreamKey,
        request: &PublishRequest,
    ) -> Result<Publication, (PublishRefusal, StreamKey)> {
        if self.inner.closing.load(Ordering::Acquire) {
            return Err((PublishRefusal::Unavailable("it stops"), key));
        }
        let Ok(permit) = Arc::clone(&self.inner.publishers).try_acquire_owned() else {
            return Err((PublishRefusal::Unavailable("it has as many as it may"), key));
        };
        let actor = match self.actor_or_new(&key.channel).await {
            Ok(actor) => actor,
            Err(why) => return Err((why, key)),
        };
        let publish = Publish {
            key: key.clone(),
            protocol: request.protocol,
            remote: request.remote,
            encoder: request.encoder.clone(),
            permit,
        };
        let question = |reply| Message::Publish { publish: Box::new(publish), reply };
        match self.ask(&actor, question).await {
            Some(outcome) => outcome.map_err(|why| (why, key)),
            None => Err((PublishRefusal::Unavailable("the stream does not answer"), key)),
        }
    }

    async fn actor_or_new(
        &self,
        channel: &ChannelName,
    ) -> Result<ActorRef<Message>, PublishRefusal> {
        if let Some(actor) = self.living(channel) {
            return Ok(actor);
        }
        let context = &self.inner.context;
        // Two publishers of one channel may both come here; the second block is then left unused.
        let first_msn = numbers::first(&context.store, channel).await?;
        let _making = self.inner.making.lock().await;
        if let Some(actor) = self.living(channel) {
            return Ok(actor);
        }
        let (arguments, public) = stream::arguments(channel.clone(), context.clone(), first_msn);
        let supervisor = self.inner.supervisor.get_cell();
        let made = Actor::spawn_linked(None, StreamActor, arguments, supervisor).await;
        let (actor, _) = made.map_err(|error| {
            tracing::error!(%channel, %error, "stream actor did not start");
            PublishRefusal::Unavailable("the stream does not start")
        })?;
        let entry = Entry { actor: actor.clone(), public: Arc::new(public) };
        self.inner.table.write().insert(channel.clone(), entry);
        // Whoever deletes the channel from now on finds the stream here.
        if context.store.channel(channel).is_err() {
            self.remove(channel).await;
            return Err(PublishRefusal::Key(KeyRefusal::Unknown));
        }
        Ok(actor)
    }

    fn living(&self, channel: &ChannelName) -> Option<ActorRef<Message>> {
        self.actor(channel).filter(|actor| actor.get_status() < ractor::ActorStatus::Stopping)
    }

    async fn ask_channel<T: Send + 'static>(
        &self,
        channel: &ChannelName,
        question: impl FnOnce(RpcReplyPort<T>) -> Message,
    ) -> Option<T> {
        let actor = self.actor(channel)?;
        self.ask(&actor, question).await
    }

    async fn ask_info(&self, channel: &ChannelName, actor: &ActorRef<Message>) -> StreamInfo {
        self.ask(actor, Message::Info).await.unwrap_or_else(|| offline(channel))
    }

    fn ask<T: Send + 'static>(
        &self,
        actor: &ActorRef<Message>,
        question: impl FnOnce(RpcReplyPort<T>) -> Message,
    ) -> impl Future<Output = Option<T>> {
        let actor = actor.clone();
        let inner = Arc::clone(&self.inner);
        let (reply, answer) = ractor::concurrency::oneshot();
        let message = question(reply.into());
        async move {
            let _permit = inner.questions.acquire().await.ok()?;
            actor.cast(message).ok()?;
            tokio::time::timeout(ANSWER_MAX, answer).await.ok()?.ok()
        }
    }

    fn tell_refused(&self, request: &PublishRequest, why: PublishRefusal, key: Option<&StreamKey>) {
        let reason = match why {
            PublishRefusal::Busy => "busy",
            PublishRefusal::Key(KeyRefusal::Expired) => "key_expired",
            PublishRefusal::Key(KeyRefusal::Revoked) => "key_revoked",
            PublishRefusal::Key(KeyRefusal::Unknown) => "key_unknown",
            PublishRefusal::Unavailable(_) => "unavailable",
        };
        let mut fields = vec![
            ("reason", reason.to_owned()),
            ("protocol", request.protocol.to_owned()),
            ("remote", request.remote.to_string()),
        ];
        if let Some(key) = key {
            fields.push(("key", key.id.to_string()));
        }
        let channel = key.map(|key| &key.channel);
        let text = format!("a publisher from {} was refused: {why}", request.remote.ip());
        self.inner.context.events.emit_refusal("publish.refused", channel, text, &fields);
    }
}

/// A stream that nobody published to since the node started.
#[must_use]
pub fn offline(channel: &ChannelName) -> StreamInfo {
    StreamInfo {
        channel: channel.clone(),
        node: None,
        state: StreamState::Offline,
        playable: false,
        show: None,
        since: None,
        publisher: None,
        grace_until: None,
        tracks: Vec::new(),
        bitrate: 0,
        bitrate_history: Vec::new(),
        viewers: 0,
        msn: None,
        reconnects: 0,
        skipped_frames: 0,
        health: HealthLevel::Ok,
        findings: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
