//! The actor of one stream: it owns the life of a channel's shows. Thin: what to do is decided by
//! [`weir_media::show::Show`]; media flows past it, from the feed to [`super::packager`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use weir_media::replica::Tip;
use weir_media::show::numbers::Numbers;
use weir_media::show::{Admission, Due, Show};
use weir_model::stream::PublisherInfo;
use weir_model::{
    ChannelName, KeyId, KeyRefusal, ShowId, StreamInfo, StreamKey, StreamState, Timestamp,
};

use super::clock;
use super::numbers::{Reservation, Standing};
use super::packager::{COMMANDS_MAX, Command, Gauge, MediaLoop, PARTS_PER_SEGMENT_MAX};
use super::placement::Yielded;
use super::stages::Stage;
use super::streams::{
    Context, IngestReport, PublicState, PublicStream, Publication, PublishRefusal, StopReason,
};
use crate::feed;
use crate::store::window::Window;

mod tell;

/// How often a stream looks at its clock: grace, stalls, expiry of keys, bitrate history.
const TICK: Duration = Duration::from_secs(1);

/// Bitrate history that is kept, one value per tick.
const HISTORY_KEPT: usize = 60;

/// Questions and reports to a stream.
pub enum Message {
    /// Ends the show at once.
    End {
        /// Why.
        reason: StopReason,
        /// Whether there was a publisher.
        reply: RpcReplyPort<bool>,
    },
    /// A publisher's connection is gone.
    Gone {
        /// Its publication.
        id: u64,
    },
    /// What the stream looks like.
    Info(RpcReplyPort<StreamInfo>),
    /// Somebody wants to publish.
    Publish {
        /// Who and how.
        publish: Box<Publish>,
        /// The right to, or why not.
        reply: RpcReplyPort<Result<Publication, PublishRefusal>>,
    },
    /// What a publisher measured.
    Report {
        /// Its publication.
        id: u64,
        /// The figures.
        report: IngestReport,
    },
    /// Drops the publisher.
    Stop {
        /// Only if it came with this key.
        key: Option<KeyId>,
        /// Why.
        reason: StopReason,
        /// Whether there was one.
        reply: RpcReplyPort<bool>,
    },
    /// Time passed.
    Tick,
    /// The show goes on at another node, or may: closes what is open and drops the publisher.
    Leave {
        /// Why, for the publisher.
        reason: StopReason,
        /// Answered when that is done.
        reply: RpcReplyPort<()>,
    },
    /// A publisher with this key connected to another node, which wants to go on with the show. Nothing changes by
    /// the question.
    Yields {
        /// Its key.
        key: KeyId,
        /// Whether it may, and where the show stands.
        reply: RpcReplyPort<Yielded>,
    },
}

/// A publisher whose key was found good.
pub struct Publish {
    /// Its key.
    pub key: StreamKey,
    /// `rtmp`, `rtmps`, …
    pub protocol: &'static str,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// What the encoder calls itself.
    pub encoder: String,
    /// Its place among the publishers of the node.
    pub permit: OwnedSemaphorePermit,
}

/// What an actor starts with.
pub struct Arguments {
    channel: ChannelName,
    context: Context,
    begin: Begin,
    window: Arc<Window>,
    gauge: Arc<Gauge>,
    state: watch::Sender<PublicState>,
}

/// Where a stream's numbers begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// Its first segment.
    pub msn: u64,
    /// Its first part.
    pub part: u64,
    /// The end of the segment numbers that are reserved for it.
    pub msn_end: u64,
    /// It goes on with this show instead of waiting for a first one.
    pub show: Option<ShowId>,
}

impl Begin {
    /// With a block of numbers that were never used.
    #[must_use]
    pub const fn fresh(block: u64) -> Self {
        let part = block.saturating_mul(PARTS_PER_SEGMENT_MAX);
        Self { msn: block, part, msn_end: Numbers::end_of_block(block), show: None }
    }

    /// Behind `tip`, whose show goes on here; `block` was reserved beyond all numbers that others may use.
    #[must_use]
    pub fn behind(tip: &Tip, block: u64) -> Self {
        // Parts of a segment that nobody told of here: their names are not given to others.
        let part = tip.next_part.saturating_add(PARTS_PER_SEGMENT_MAX);
        let show = Some(tip.show.unwrap_or(ShowId(0)));
        Self { msn: tip.next_msn, part, show, ..Self::fresh(block) }
    }
}

/// What an actor of `stage` starts with.
#[must_use]
pub fn arguments(stage: &Stage, context: Context, begin: Begin) -> Arguments {
    let PublicStream { channel, window, gauge, .. } = stage.public.as_ref();
    let (channel, window, gauge) = (channel.clone(), Arc::clone(window), Arc::clone(gauge));
    Arguments { channel, context, begin, window, gauge, state: stage.state() }
}

/// The connection that feeds the stream.
struct Publisher {
    id: u64,
    key: StreamKey,
    info: PublisherInfo,
    stop: watch::Sender<Option<StopReason>>,
    feed: feed::Feed,
    report: IngestReport,
    _permit: OwnedSemaphorePermit,
}

/// One stream.
pub struct State {
    channel: ChannelName,
    context: Context,
    show: Show,
    show_id: Option<ShowId>,
    since: Option<Timestamp>,
    reconnects: u32,
    publisher: Option<Publisher>,
    next_publication: u64,
    skipped_before: u64,
    numbers: Reservation,
    media: mpsc::Sender<Command>,
    window: Arc<Window>,
    gauge: Arc<Gauge>,
    /// Stalls of publishers, and ends of stalls, that were told.
    stalls_told: (u64, u64),
    bytes_at_tick: u64,
    history: VecDeque<u64>,
    state: watch::Sender<PublicState>,
}

/// The actor.
pub struct StreamActor;

impl Actor for StreamActor {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let Arguments { channel, context, begin, window, gauge, state } = arguments;
        let numbers =
            Reservation::new(channel.clone(), context.clone(), Arc::clone(&gauge), begin.msn_end);
        let media_loop = MediaLoop::new(
            context.config.packager,
            (begin.msn, begin.part),
            begin.show.filter(|show| show.0 > 0).map(began),
            Arc::clone(&window),
            Arc::clone(&gauge),
            state.clone(),
        );
        let (media, commands) = mpsc::channel(COMMANDS_MAX);
        let name = format!("stream {channel} packager");
        context.tasks.spawn(name, |handle| media_loop.run(handle, commands));
        myself.send_interval(TICK, || Message::Tick);
        Ok(State {
            show: match begin.show {
                Some(_) => Show::resumed(context.config.show, clock::now()),
                None => Show::new(context.config.show),
            },
            channel,
            context,
            show_id: begin.show,
            since: begin.show.map(began),
            reconnects: 0,
            publisher: None,
            next_publication: 0,
            skipped_before: 0,
            numbers,
            media,
            window,
            gauge,
            stalls_told: (0, 0),
            bytes_at_tick: 0,
            history: VecDeque::with_capacity(HISTORY_KEPT),
            state,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        stream: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::End { reason, reply } => {
                let _ = reply.send(stream.off_air(&reason).await);
            }
            Message::Gone { id } => stream.gone(id),
            Message::Info(reply) => {
                let _ = reply.send(stream.info());
            }
            Message::Publish { publish, reply } => {
                let _ = reply.send(stream.publish(*publish, myself).await);
            }
            Message::Report { id, report } => {
                if let Some(publisher) = stream.publisher.as_mut().filter(|one| one.id == id) {
                    publisher.report = report;
                }
            }
            Message::Stop { key, reason, reply } => {
                let _ = reply.send(stream.stop(key, &reason));
            }
            Message::Tick => stream.tick().await,
            Message::Leave { reason, reply } => {
                stream.leave(&reason).await;
                let _ = reply.send(());
            }
            Message::Yields { key, reply } => {
                let _ = reply.send(stream.yields(key));
            }
        }
        stream.announce();
        if stream.media.is_closed() && !stream.context.tasks.is_stopping() {
            // Without its media loop the stream is dead; the next publisher gets a new one.
            return Err(format!("the media loop of {} ended", stream.channel).into());
        }
        Ok(())
    }
}

impl State {
    async fn publish(
        &mut self,
        publish: Publish,
        myself: ActorRef<Message>,
    ) -> Result<Publication, PublishRefusal> {
        let now = clock::now();
        // It may have been revoked since it was looked up; whoever revokes it now finds this publisher.
        self.check_key(&publish.key, now)?;
        if self.numbers.standing() == Standing::UsedUp {
            return Err(PublishRefusal::Unavailable("its database failed"));
        }
        self.note_media();
        let admission = self.show.publish(publish.key.id, now);
        match admission {
            Admission::Busy => return Err(PublishRefusal::Busy),
            Admission::Begin => self.begin_show(now),
            Admission::TakeOver => {
                self.drop_publisher(&StopReason::TakenOver);
                self.reconnects += 1;
            }
            Admission::Continue => self.reconnects += 1,
        }
        let (writer, feed) = feed::channel(feed::LIMITS);
        let new_show = self.show_id.filter(|_| admission == Admission::Begin);
        let Some(start_us) = self.attach(feed.reader(), new_show).await else {
            self.show.gone(now);
            return Err(PublishRefusal::Unavailable("it stops"));
        };
        let (stop, stopped) = watch::channel(None);
        self.next_publication += 1;
        let id = self.next_publication;
        self.tell_live(admission, &publish);
        let info = PublisherInfo {
            protocol: publish.protocol.to_owned(),
            remote: publish.remote.to_string(),
            encoder: publish.encoder,
            key: publish.key.id,
            since: now,
        };
        let report = IngestReport::default();
        let (key, _permit) = (publish.key, publish.permit);
        self.publisher = Some(Publisher { id, key, info, stop, feed, report, _permit });
        Ok(Publication {
            channel: self.channel.clone(),
            show: self.show_id.unwrap_or(ShowId(0)),
            start_us,
            feed: writer,
            stop: stopped,
            id,
            actor: myself,
        })
    }

    fn begin_show(&mut self, now: Timestamp) {
        // Shows begin milliseconds apart on one channel; the instant names them well enough.
        self.show_id = Some(ShowId(u64::try_from(now.0).unwrap_or_default()));
        self.since = Some(now);
        self.reconnects = 0;
        self.skipped_before = 0;
    }

    async fn attach(&self, reader: feed::Reader, new_show: Option<ShowId>) -> Option<i64> {
        let (start_us, answer) = oneshot::channel();
        self.media.send(Command::Attach { reader, new_show, start_us }).await.ok()?;
        answer.await.ok()
    }

    /// Whether another node may go on with the show: unless the publisher here is well.
    fn yields(&mut self, key: KeyId) -> Yielded {
        self.note_media();
        match self.show.clone().publish(key, clock::now()) {
            Admission::Busy => Yielded::Busy,
            Admission::Begin => Yielded::Free(None),
            Admission::Continue | Admission::TakeOver => Yielded::Free(self.window.tip()),
        }
    }

    /// Closes what is open without ending the show.
    async fn leave(&mut self, reason: &StopReason) {
        self.drop_publisher(reason);
        let (closed, done) = oneshot::channel();
        // An error means that the loop ended with the node.
        if self.media.send(Command::Close { closed }).await.is_ok() {
            let _ = done.await;
        }
    }

    fn gone(&mut self, id: u64) {
        if self.publisher.as_ref().is_some_and(|one| one.id == id) {
            self.forget_publisher();
            self.show.gone(clock::now());
            self.tell_gone();
        }
    }

    fn stop(&mut self, key: Option<KeyId>, reason: &StopReason) -> bool {
        let fits = |one: &Publisher| key.is_none_or(|key| one.key.id == key);
        if self.publisher.as_ref().is_some_and(fits) {
            let dropped = self.drop_publisher(reason);
            self.show.gone(clock::now());
            dropped
        } else {
            false
        }
    }

    /// Tells the connection to end and forgets it, without touching the show.
    fn drop_publisher(&mut self, reason: &StopReason) -> bool {
        let Some(publisher) = &self.publisher else {
            return false;
        };
        publisher.stop.send_replace(Some(reason.clone()));
        self.tell_dropped(publisher, reason);
        self.forget_publisher();
        true
    }

    fn forget_publisher(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            self.skipped_before += publisher.feed.skipped();
        }
    }

    async fn tick(&mut self) {
        let bytes = self.gauge.bytes.load(Ordering::Relaxed);
        let bits = bytes.saturating_sub(self.bytes_at_tick).saturating_mul(8);
        self.bytes_at_tick = bytes;
        if self.history.len() == HISTORY_KEPT {
            self.history.pop_front();
        }
        self.history.push_back(bits);
        self.gauge.bitrate.store(self.bitrate(), Ordering::Relaxed);
        self.note_media();
        self.tell_stalls();
        let now = clock::now();
        if self.publisher.as_ref().is_some_and(|one| self.check_key(&one.key, now).is_err()) {
            self.stop(None, &StopReason::KeyWithdrawn);
        }
        while let Some(due) = self.show.due(now) {
            match due {
                Due::End => self.end_show().await,
                Due::Forget => {
                    self.context.owner.release(&self.channel);
                    self.show_id = None;
                    self.since = None;
                    self.history.clear();
                    // A full mailbox of the loop means that it hangs.
                    let _ = self.media.try_send(Command::Forget);
                }
            }
        }
        let reason = match self.numbers.renew() {
            Standing::Good => return,
            Standing::Deleted => StopReason::KeyWithdrawn,
            Standing::UsedUp => StopReason::StoreFails,
        };
        self.off_air(&reason).await;
    }

    /// Ends a show that is on, with its publisher; whether there was one.
    async fn off_air(&mut self, reason: &StopReason) -> bool {
        if self.show.state() != StreamState::Live {
            return false;
        }
        let had_publisher = self.drop_publisher(reason);
        self.end_show().await;
        had_publisher
    }

    async fn end_show(&mut self) {
        self.show.end(clock::now());
        // An error means that the loop ended with the node.
        let _ = self.media.send(Command::End).await;
        self.tell_ended();
    }

    /// Whether a key, as it is stored now, may publish here.
    fn check_key(&self, key: &StreamKey, now: Timestamp) -> Result<(), KeyRefusal> {
        let stored = self.context.store.keys(&self.channel).map_err(|_| KeyRefusal::Unknown)?;
        let current = stored.iter().find(|one| one.id == key.id);
        current.map_or(Err(KeyRefusal::Unknown), |one| one.check(now))
    }

    fn note_media(&mut self) {
        let newest = Timestamp(self.gauge.last_media_ms.load(Ordering::Relaxed));
        self.show.media(newest);
    }
}

/// When a show began: its id is that instant.
fn began(show: ShowId) -> Timestamp {
    Timestamp(i64::try_from(show.0).unwrap_or_default())
}
