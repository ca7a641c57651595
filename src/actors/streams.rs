//! The streams of this node: who publishes where, and what viewers and operators may see of it.
//!
//! A registry of [`super::stream`] actors, one per channel that is packaged here. Viewers never ask an actor:
//! they read [`PublicStream`].

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex as Lock, RwLock};
use ractor::{Actor, ActorRef, RpcReplyPort};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use weir_media::packager::PackagerConfig;
use weir_media::rendition::Timing;
use weir_media::replica::Tip;
use weir_media::show::ShowConfig;
use weir_model::stream::HealthLevel;
use weir_model::{ChannelName, KeyId, KeyRefusal, ShowId, StreamInfo, StreamKey, StreamState};

use super::clock;
use super::events::Events;
use super::numbers;
use super::packager::Gauge;
use super::placement::{Owner, Taken};
use super::stages::Stages;
use super::stream::{self, Message, Publish, StreamActor};
use super::supervisor::{self, Supervisor};
use super::tasks::Tasks;
use super::viewings::Viewings;
use crate::store::Store;
use crate::store::window::Window;

mod moving;
mod publish;

pub use publish::{IngestReport, Publication, PublishRefusal, PublishRequest, StopReason};

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
    /// What viewers see of each channel.
    pub stages: Stages,
    /// Decides which node packages a channel.
    pub owner: Arc<dyn Owner>,
}

/// All streams of this node. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    context: Context,
    table: RwLock<BTreeMap<ChannelName, ActorRef<Message>>>,
    /// One for each channel whose owner is being settled, so that it never gets two actors.
    making: Lock<BTreeMap<ChannelName, Arc<Mutex<()>>>>,
    questions: Semaphore,
    publishers: Arc<Semaphore>,
    /// The node stops: nobody is let in.
    closing: AtomicBool,
    supervisor: ActorRef<supervisor::Message>,
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
            making: Lock::default(),
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

    /// A channel's stream, if it is packaged or copied here.
    #[must_use]
    pub fn public(&self, channel: &ChannelName) -> Option<Arc<PublicStream>> {
        self.inner.context.stages.find(channel).map(|stage| Arc::clone(&stage.public))
    }

    /// Every stream that is packaged or copied here.
    #[must_use]
    pub fn all_public(&self) -> Vec<Arc<PublicStream>> {
        self.inner.context.stages.all().iter().map(|stage| Arc::clone(&stage.public)).collect()
    }

    /// Sums over all streams.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let max = self.inner.context.config.publishers_max;
        let publishers = max.saturating_sub(self.inner.publishers.available_permits());
        let mut totals = Totals { publishers: publishers as u64, ..Totals::default() };
        for stage in self.inner.context.stages.all() {
            let public = &stage.public;
            let live = public.state.borrow().state == StreamState::Live;
            totals.live += u64::from(live && stage.own().is_some());
            totals.bitrate += public.gauge.bitrate.load(Ordering::Relaxed);
            totals.window_bytes += public.window.bytes() as u64;
        }
        totals
    }

    /// Every stream that was ever live since the node started, by channel name.
    pub async fn list(&self) -> Vec<StreamInfo> {
        let actors: Vec<(ChannelName, ActorRef<Message>)> =
            self.inner.table.read().iter().map(|(name, one)| (name.clone(), one.clone())).collect();
        let mut streams = Vec::with_capacity(actors.len());
        for (channel, actor) in actors {
            streams.push(self.ask_info(&channel, &actor).await);
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

    /// Viewings of a channel that this node serves.
    #[must_use]
    pub fn viewers_here(&self, channel: &ChannelName) -> u64 {
        self.inner.context.viewings.count(channel)
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
        if let Some(actor) = self.actor(channel) {
            self.dismiss(channel, &actor, "its channel was deleted");
        }
        if let Some(stage) = self.inner.context.stages.find(channel) {
            self.inner.context.stages.remove(&stage);
        }
        self.inner.context.owner.release(channel);
        had_publisher
    }

    async fn end(&self, channel: &ChannelName, reason: StopReason) -> bool {
        let question = |reply| Message::End { reason, reply };
        self.ask_channel(channel, question).await.unwrap_or(false)
    }

    fn actor(&self, channel: &ChannelName) -> Option<ActorRef<Message>> {
        self.inner.table.read().get(channel).cloned()
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
        let (actor, permit) = match self.settled(&key, permit).await {
            Ok(settled) => settled,
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

    /// The actor of a stream that this node owns now. A connection that goes away, or waits no longer, leaves
    /// nothing half done: what was begun for it is done to its end, and counts as a publisher until then.
    async fn settled(
        &self,
        key: &StreamKey,
        permit: OwnedSemaphorePermit,
    ) -> Result<(ActorRef<Message>, OwnedSemaphorePermit), PublishRefusal> {
        if let Some(actor) = self.owned(&key.channel) {
            return Ok((actor, permit));
        }
        let (streams, key) = (self.clone(), key.clone());
        let made = self.inner.context.tasks.spawn_unlisted(async move {
            let actor = streams.actor_or_new(&key).await;
            actor.map(|actor| (actor, permit))
        });
        made.await.unwrap_or(Err(PublishRefusal::Unavailable("the stream does not start")))
    }

    async fn actor_or_new(&self, key: &StreamKey) -> Result<ActorRef<Message>, PublishRefusal> {
        let channel = &key.channel;
        let making = Arc::clone(self.inner.making.lock().entry(channel.clone()).or_default());
        let _making = Making { inner: &self.inner, channel, _held: making.lock().await };
        if let Some(actor) = self.owned(channel) {
            return Ok(actor);
        }
        let taken = self.inner.context.owner.take(channel, key.id).await?;
        if self.inner.closing.load(Ordering::Acquire) {
            return Err(PublishRefusal::Unavailable("it stops"));
        }
        match self.living(channel) {
            Some(actor) if taken.tip.is_none() => {
                self.renew(channel, taken.epoch);
                Ok(actor)
            }
            // It was not told yet that the stream left this node for a while.
            Some(_) => {
                self.lose(channel, StopReason::Moved).await;
                self.begin(channel, taken).await
            }
            None => self.begin(channel, taken).await,
        }
    }

    /// Starts the actor of a stream that this node owns now.
    async fn begin(
        &self,
        channel: &ChannelName,
        taken: Taken,
    ) -> Result<ActorRef<Message>, PublishRefusal> {
        let context = &self.inner.context;
        let stage = context.stages.for_packager(channel, taken.epoch);
        let block = numbers::first(&context.store, channel).await;
        let block = block.inspect_err(|_| {
            stage.give_up(taken.epoch);
            if !stage.shows() {
                context.stages.remove(&stage);
            }
        })?;
        // What was packaged or copied here since the tip was looked at has numbers, too.
        let here = taken.tip.as_ref().and_then(|_| stage.public.window.tip());
        let begin = match Tip::of_both(taken.tip, here) {
            Some(tip) => {
                let begin = stream::Begin::behind(&tip, block);
                stage.public.window.join(&tip, begin.part);
                begin
            }
            None => stream::Begin::fresh(block),
        };
        stage.begin();
        let arguments = stream::arguments(&stage, context.clone(), begin);
        let supervisor = self.inner.supervisor.get_cell();
        let made = Actor::spawn_linked(None, StreamActor, arguments, supervisor).await;
        let (actor, _) = made.map_err(|error| {
            tracing::error!(%channel, %error, "stream actor did not start");
            stage.give_up(taken.epoch);
            PublishRefusal::Unavailable("the stream does not start")
        })?;
        self.inner.table.write().insert(channel.clone(), actor.clone());
        // Whoever deletes the channel from now on finds the stream here.
        if context.store.channel(channel).is_err() {
            self.remove(channel).await;
            return Err(PublishRefusal::Key(KeyRefusal::Unknown));
        }
        Ok(actor)
    }

    /// The actor of a stream that this node owns.
    fn owned(&self, channel: &ChannelName) -> Option<ActorRef<Message>> {
        self.living(channel).filter(|_| self.inner.context.owner.owns(channel))
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

/// Held while the owner of one channel is settled.
struct Making<'a> {
    inner: &'a Inner,
    channel: &'a ChannelName,
    _held: tokio::sync::MutexGuard<'a, ()>,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut making = self.inner.making.lock();
        // Held by the table and by this: nobody else waits.
        if making.get(self.channel).is_some_and(|one| Arc::strong_count(one) <= 2) {
            making.remove(self.channel);
        }
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
pub(crate) mod testing;
#[cfg(test)]
mod tests;
