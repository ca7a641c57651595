//! The actor of one stream: it owns the life of a channel's shows. Thin: what to do is decided by
//! [`weir_media::show::Show`]; media flows past it, from the feed to [`super::packager`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use weir_media::show::{Admission, Due, Show};
use weir_model::stream::{HealthLevel, PublisherInfo};
use weir_model::{
    ChannelName, KeyId, KeyRefusal, ShowId, StreamInfo, StreamKey, StreamState, Timestamp,
};

use super::clock;
use super::numbers::{Numbers, Standing};
use super::packager::{COMMANDS_MAX, Command, Gauge, MediaLoop};
use super::streams::{
    Context, IngestReport, PublicState, PublicStream, Publication, PublishRefusal, StopReason,
};
use crate::feed;
use crate::store::window::Window;

/// How often a stream looks at its clock: grace, stalls, expiry of keys, bitrate history.
const TICK: Duration = Duration::from_secs(1);

/// Bitrate history that is kept, one value per tick.
const HISTORY_KEPT: usize = 60;

/// The live bitrate is the mean of this many ticks.
const BITRATE_TICKS: usize = 3;

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
    first_msn: u64,
    window: Arc<Window>,
    gauge: Arc<Gauge>,
    state: watch::Sender<PublicState>,
}

/// Makes what an actor starts with, and what viewers may see of it. Segment numbers from `first_msn` on were
/// reserved for it.
#[must_use]
pub fn arguments(
    channel: ChannelName,
    context: Context,
    first_msn: u64,
) -> (Arguments, PublicStream) {
    let window = Arc::new(Window::new(context.config.window));
    let idle = PublicState { state: StreamState::Offline, playable: false, show: None };
    let state = watch::Sender::new(idle);
    let gauge = Arc::new(Gauge::default());
    let public = PublicStream {
        channel: channel.clone(),
        state: state.subscribe(),
        window: Arc::clone(&window),
        gauge: Arc::clone(&gauge),
    };
    (Arguments { channel, context, first_msn, window, gauge, state }, public)
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
    numbers: Numbers,
    media: mpsc::Sender<Command>,
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
        let Arguments { channel, context, first_msn, window, gauge, state } = arguments;
        let numbers = Numbers::new(channel.clone(), context.clone(), Arc::clone(&gauge), first_msn);
        let media_loop = MediaLoop::new(
            context.config.packager,
            first_msn,
            window,
            Arc::clone(&gauge),
            state.clone(),
        );
        let (media, commands) = mpsc::channel(COMMANDS_MAX);
        let name = format!("stream {channel} packager");
        context.tasks.spawn(name, |handle| media_loop.run(handle, commands));
        myself.send_interval(TICK, || Message::Tick);
        Ok(State {
            show: Show::new(context.config.show),
            channel,
            context,
            show_id: None,
            since: None,
            reconnects: 0,
            publisher: None,
            next_publication: 0,
            skipped_before: 0,
            numbers,
            media,
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
        let Some(start_us) = self.attach(feed.reader(), admission == Admission::Begin).await else {
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

    async fn attach(&self, reader: feed::Reader, new_show: bool) -> Option<i64> {
        let (start_us, answer) = oneshot::channel();
        self.media.send(Command::Attach { reader, new_show, start_us }).await.ok()?;
        answer.await.ok()
    }

    fn gone(&mut self, id: u64) {
        if self.publisher.as_ref().is_some_and(|one| one.id == id) {
            self.forget_publisher();
            self.show.gone(clock::now());
            let text = "the publisher is gone; the show waits for it to come back";
            let reason = [("grace_ms", self.context.config.show.grace_ms.to_string())];
            self.context.events.emit("stream.publisher_gone", Some(&self.channel), text, &reason);
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
        let word = match reason {
            StopReason::KeyWithdrawn => "key_withdrawn",
            StopReason::Kicked(_) => "kicked",
            StopReason::NodeStops => "node_stops",
            StopReason::StoreFails => "store_fails",
            StopReason::TakenOver => "taken_over",
        };
        let mut fields =
            vec![("reason", word.to_owned()), ("remote", publisher.info.remote.clone())];
        if let StopReason::Kicked(said) = reason {
            fields.push(("said", said.clone()));
        }
        let text = "the publisher was dropped";
        self.context.events.emit("stream.publisher_dropped", Some(&self.channel), text, &fields);
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
                    self.show_id = None;
                    self.since = None;
                    self.history.clear();
                    // A full mailbox of the loop means that it hangs.
                    let _ = self.media.try_send(Command::Forget);
                }
            }
        }
        let live = self.show.state() == StreamState::Live;
        match self.numbers.renew() {
            Standing::UsedUp if live => self.off_air(&StopReason::StoreFails).await,
            Standing::Deleted if live => self.off_air(&StopReason::KeyWithdrawn).await,
            _ => false,
        };
    }

    /// Ends everything at once; whether there was a publisher.
    async fn off_air(&mut self, reason: &StopReason) -> bool {
        let had_publisher = self.drop_publisher(reason);
        self.end_show().await;
        had_publisher
    }

    async fn end_show(&mut self) {
        if self.show.state() == StreamState::Offline {
            return;
        }
        self.show.end(clock::now());
        // An error means that the loop ended with the node.
        let _ = self.media.send(Command::End).await;
        let text = "the show is over";
        self.context.events.emit("stream.ended", Some(&self.channel), text, &self.show_field());
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

    /// Tells of each stall of a connected publisher once, and of its end.
    fn tell_stalls(&mut self) {
        let stalls = self.gauge.stalls.load(Ordering::Relaxed);
        let resumes = self.gauge.resumes.load(Ordering::Relaxed);
        let (stalls_told, resumes_told) =
            std::mem::replace(&mut self.stalls_told, (stalls, resumes));
        if stalls > stalls_told {
            let text =
                "the publisher is connected but sends nothing; viewers get gaps until it does";
            self.context.events.emit(
                "stream.stalled",
                Some(&self.channel),
                text,
                &self.show_field(),
            );
        }
        if resumes > resumes_told {
            let text = "the publisher sends media again";
            self.context.events.emit(
                "stream.resumed",
                Some(&self.channel),
                text,
                &self.show_field(),
            );
        }
    }

    fn tell_live(&self, admission: Admission, publish: &Publish) {
        let (kind, text) = match admission {
            Admission::Begin => ("stream.live", "a show began"),
            Admission::TakeOver => ("stream.taken_over", "its publisher came back and took over"),
            _ => ("stream.reconnected", "its publisher came back inside the grace period"),
        };
        let mut fields = self.show_field().to_vec();
        fields.push(("protocol", publish.protocol.to_owned()));
        fields.push(("remote", publish.remote.to_string()));
        fields.push(("key", publish.key.id.to_string()));
        self.context.events.emit(kind, Some(&self.channel), text, &fields);
    }

    fn show_field(&self) -> [(&'static str, String); 1] {
        [("show", self.show_id.unwrap_or(ShowId(0)).to_string())]
    }

    fn bitrate(&self) -> u64 {
        let recent = self.history.iter().rev().take(BITRATE_TICKS);
        let ticks = recent.len().max(1) as u64;
        recent.sum::<u64>() / ticks
    }

    /// Shows viewers the present state.
    fn announce(&self) {
        let (state, show) = (self.show.state(), self.show_id);
        self.state.send_if_modified(|public| {
            let changed = (public.state, public.show) != (state, show);
            (public.state, public.show) = (state, show);
            changed
        });
    }

    fn info(&self) -> StreamInfo {
        let live = self.show.state() == StreamState::Live;
        let report = self.publisher.as_ref().map(|one| one.report.clone()).unwrap_or_default();
        let next_msn = self.gauge.next_msn.load(Ordering::Relaxed);
        let skipped_now = self.publisher.as_ref().map_or(0, |one| one.feed.skipped());
        StreamInfo {
            channel: self.channel.clone(),
            node: None,
            state: self.show.state(),
            playable: self.state.borrow().playable,
            show: self.show_id,
            since: self.since,
            publisher: self.publisher.as_ref().map(|one| one.info.clone()),
            grace_until: self.show.grace_until(),
            bitrate: self.bitrate(),
            bitrate_history: self.history.iter().copied().collect(),
            viewers: self.context.viewings.count(&self.channel),
            msn: next_msn.checked_sub(1).filter(|_| live),
            reconnects: self.reconnects,
            skipped_frames: self.skipped_before + skipped_now,
            health: report.findings.first().map_or(HealthLevel::Ok, |worst| worst.level),
            findings: report.findings,
            tracks: report.tracks,
        }
    }
}
