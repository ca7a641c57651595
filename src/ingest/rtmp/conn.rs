//! One connection: its socket, its deadlines and what ends it.
//!
//! A connection is three stretches of code in a row: the prelude, in which a stranger has little
//! memory and little time; the question to the stream; and the publication, a loop that waits for
//! bytes, the stream's word or the next second, whichever is first. A peer that does not read
//! blocks only itself: answers are written before the next read, with a time limit, so what is not yet
//! written is bounded by the answers to one read.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use weir_model::ChannelName;

use crate::actors::clock;
use crate::actors::streams::{Publication, PublishRefusal, PublishRequest, StopReason};

use super::demux::{Demux, Taken};
use super::refusal::Ended;
use super::session::{Action, End, Intent};
use super::wire::Wire;
use super::{Context, Door};

/// Read at once before publishing; the handshake has 3,073 bytes.
const PRELUDE_READ_BYTES: usize = 4 << 10;
/// Read at once while publishing: a few frames, or a quarter of a key frame.
const MEDIA_READ_BYTES: usize = 32 << 10;
/// How long a publisher that ended its stream may keep its connection: closing it is its business, and
/// GStreamer calls it an error when we do.
const UNPUBLISHED_LINGER: Duration = Duration::from_secs(5);
/// How often the stream is told what was measured.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub remote: SocketAddr,
    /// `rtmp` or `rtmps`.
    pub protocol: &'static str,
}

/// How a connection went.
#[derive(Debug)]
pub struct Outcome {
    /// Why it is over.
    pub ended: Ended,
    /// Where it published, when it did.
    pub channel: Option<ChannelName>,
}

/// Serves `socket` until its connection is over, and closes it.
pub async fn run<S, D>(socket: S, peer: Peer, ctx: &Context<D>) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    D: Door,
{
    let wire = Wire::new();
    let heard_us = clock::monotonic_us();
    let mut conn = Conn {
        socket,
        peer,
        ctx,
        wire,
        actions: Vec::new(),
        bytes: 0,
        heard_us,
        media_us: heard_us,
        pinged: false,
    };
    let (ended, channel) = conn.until_end().await;
    conn.count();
    conn.farewell(&ended).await;
    Outcome { ended, channel }
}

struct Conn<'a, S, D> {
    socket: S,
    peer: Peer,
    ctx: &'a Context<D>,
    wire: Wire,
    actions: Vec<Action>,
    /// Received since the connection began.
    bytes: u64,
    /// When the last byte came, monotonic microseconds.
    heard_us: i64,
    /// When media was heard last, or publishing began.
    media_us: i64,
    /// Asked whether it lives since then.
    pinged: bool,
}

impl<S, D> Conn<'_, S, D>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    D: Door,
{
    async fn until_end(&mut self) -> (Ended, Option<ChannelName>) {
        let mut node_stops = self.ctx.tasks.stop_signal();
        let asked = tokio::select! {
            asked = self.prelude() => asked,
            // An error means that the node is gone already.
            _ = node_stops.wait_for(|stops| *stops) => {
                Err(Ended::Stopped(StopReason::NodeStops))
            }
        };
        let let_in = match asked {
            Ok(intent) => self.ask(intent).await,
            Err(ended) => Err(ended),
        };
        match let_in {
            Ok(publication) => {
                let ended = self.publish(&publication, node_stops).await;
                (ended, Some(publication.channel.clone()))
            }
            Err(ended) => (ended, None),
        }
    }

    /// From the first byte to `publish`.
    async fn prelude(&mut self) -> Result<Intent, Ended> {
        let config = &self.ctx.config;
        match timeout(config.handshake(), self.until_open()).await {
            Ok(opened) => opened?,
            Err(_) => return Err(Ended::TooSlow("the handshake")),
        }
        match timeout(config.publish(), self.until_publish()).await {
            Ok(asked) => asked,
            Err(_) => Err(Ended::TooSlow("the way from the handshake to `publish`")),
        }
    }

    async fn until_open(&mut self) -> Result<(), Ended> {
        while !self.wire.is_open() {
            self.step().await?;
        }
        Ok(())
    }

    async fn until_publish(&mut self) -> Result<Intent, Ended> {
        loop {
            // Nothing but these two is asked for before a publisher is accepted.
            match self.actions.pop() {
                Some(Action::Publish(intent)) => return Ok(intent),
                Some(Action::End(End::Playback)) => return Err(Ended::Playback),
                _ => self.step().await?,
            }
        }
    }

    async fn step(&mut self) -> Result<(), Ended> {
        self.flush().await?;
        self.wire.input().reserve(PRELUDE_READ_BYTES);
        let read = self.socket.read_buf(self.wire.input()).await;
        self.note_read(read)?;
        Ok(self.wire.advance(&mut self.actions)?)
    }

    async fn ask(&mut self, intent: Intent) -> Result<Publication, Ended> {
        let Peer { remote, protocol } = self.peer;
        let secret = intent.key.ok_or(Ended::NoKey)?;
        let request = PublishRequest { secret, protocol, remote, encoder: intent.encoder };
        let asked = self.ctx.streams.publish(request);
        let publication = timeout(self.ctx.config.publish(), asked)
            .await
            .unwrap_or(Err(PublishRefusal::Unavailable("the stream did not answer in time")))?;
        self.wire.accept();
        Ok(publication)
    }

    async fn publish(
        &mut self,
        publication: &Publication,
        node_stops: watch::Receiver<bool>,
    ) -> Ended {
        let _counted = Counted::new(&self.ctx.metrics.publishers);
        self.media_us = clock::monotonic_us();
        let mut demux = Demux::new(publication.start_us);
        let ended = self.receive(&mut demux, publication, node_stops).await;
        demux.finish();
        publication.feed.push(demux.items().drain(..));
        ended
    }

    /// Feeds what arrives until the publication ends.
    async fn receive(
        &mut self,
        demux: &mut Demux,
        publication: &Publication,
        mut node_stops: watch::Receiver<bool>,
    ) -> Ended {
        let mut stop = publication.stop.clone();
        let mut seconds = interval(REPORT_EVERY);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let bytes_before = self.bytes;
        loop {
            // First of all what came together with `publish`.
            if let Err(ended) = self.pass_on(demux, publication) {
                return ended;
            }
            if let Err(ended) = self.flush().await {
                return ended;
            }
            self.wire.input().reserve(MEDIA_READ_BYTES);
            let heard = tokio::select! {
                biased;
                reason = stop_reason(&mut stop) => Err(reason),
                _ = node_stops.wait_for(|stops| *stops) => {
                    Err(Ended::Stopped(StopReason::NodeStops))
                }
                _ = seconds.tick() => {
                    self.count();
                    let now_us = clock::monotonic_us();
                    publication.report(demux.report(self.bytes - bytes_before, now_us));
                    self.check_silence(now_us)
                }
                read = self.socket.read_buf(self.wire.input()) => self.note_read(read),
            };
            if let Err(ended) = heard {
                return ended;
            }
        }
    }

    /// Takes what was received apart and pushes it to the feed, once for all of it.
    fn pass_on(&mut self, demux: &mut Demux, publication: &Publication) -> Result<(), Ended> {
        let advanced = self.wire.advance(&mut self.actions);
        let taken = self.take_actions(demux);
        if !demux.items().is_empty() {
            publication.feed.push(demux.items().drain(..));
        }
        taken?;
        Ok(advanced?)
    }

    fn take_actions(&mut self, demux: &mut Demux) -> Result<(), Ended> {
        for action in self.actions.drain(..) {
            match action {
                Action::Media { kind, timestamp, body } => {
                    self.media_us = self.heard_us;
                    let taken = demux.take(kind, timestamp, body, self.heard_us);
                    if taken.map_err(Ended::Media)? == Taken::LeftOut {
                        self.ctx.metrics.malformed.inc();
                    }
                }
                Action::End(End::Unpublished) => return Err(Ended::Unpublished),
                Action::End(End::Playback) => return Err(Ended::Playback),
                Action::Announce(bits_per_second) => demux.announce(bits_per_second),
                // The session asks once.
                Action::Publish(_) => {}
            }
        }
        Ok(())
    }

    fn note_read(&mut self, read: std::io::Result<usize>) -> Result<(), Ended> {
        let Ok(bytes @ 1..) = read else {
            return Err(Ended::Lost);
        };
        self.heard_us = clock::monotonic_us();
        self.pinged = false;
        self.bytes += bytes as u64;
        self.ctx.metrics.bytes.inc_by(bytes as u64);
        Ok(())
    }

    fn check_silence(&mut self, now_us: i64) -> Result<(), Ended> {
        let config = &self.ctx.config;
        let since_ms = |then_us: i64| u64::try_from((now_us - then_us) / 1000).unwrap_or_default();
        // Other messages keep a connection alive, but a publisher without media only holds the channel.
        if since_ms(self.media_us) >= config.silence_ms {
            return Err(Ended::Silent);
        }
        let silent_ms = since_ms(self.heard_us);
        if silent_ms >= config.ping_ms && !self.pinged {
            self.pinged = true;
            let stamp = u32::try_from((now_us / 1000) & 0xFFFF_FFFF).unwrap_or_default();
            self.wire.session().replies().ping(stamp);
        }
        Ok(())
    }

    /// Writes what there is to say.
    async fn flush(&mut self) -> Result<(), Ended> {
        let answers = self.wire.session().replies().take();
        if answers.is_empty() {
            return Ok(());
        }
        let written = async {
            self.socket.write_all(&answers).await?;
            self.socket.flush().await
        };
        match timeout(self.ctx.config.write(), written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended::Lost),
            Err(_) => Err(Ended::Stuck),
        }
    }

    /// Adds the messages since the last call to the metrics.
    fn count(&mut self) {
        let counts = self.wire.session().take_counts();
        let messages = &self.ctx.metrics.messages;
        let by_kind = [
            ("audio", counts.audio),
            ("video", counts.video),
            ("command", counts.command),
            ("other", counts.other),
        ];
        for (kind, count) in by_kind.into_iter().filter(|(_, count)| *count > 0) {
            messages.with_label_values(&[kind]).inc_by(count);
        }
    }

    /// Says why, closes our half and waits a little for the peer to close its: a socket closed with
    /// unread bytes is reset, and a reset makes the peer lose what it was just told. Who is gone or in the
    /// way is not waited for.
    async fn farewell(&mut self, ended: &Ended) {
        let (limit, hang_up) = match ended {
            Ended::Lost | Ended::Stuck | Ended::TooSlow(_) => return,
            Ended::Unpublished => (UNPUBLISHED_LINGER, false),
            _ => (self.ctx.config.linger(), true),
        };
        let session = self.wire.session();
        if matches!(ended, Ended::Stopped(StopReason::NodeStops | StopReason::Moved))
            && session.can_be_asked_to_reconnect()
        {
            session.ask_to_reconnect("another server goes on with this; connect again");
        }
        if let Some(status) = ended.status() {
            session.end(status.level, status.code, &status.description);
        }
        let closed = async {
            self.flush().await?;
            if hang_up {
                self.socket.shutdown().await.map_err(|_| Ended::Lost)?;
            }
            loop {
                self.wire.input().clear();
                self.wire.input().reserve(PRELUDE_READ_BYTES);
                let Ok(1..) = self.socket.read_buf(self.wire.input()).await else {
                    return Err::<(), Ended>(Ended::Lost);
                };
            }
        };
        // Both outcomes mean that there is nothing left to do but to close.
        let _ = timeout(limit, closed).await;
    }
}

async fn stop_reason(stop: &mut watch::Receiver<Option<StopReason>>) -> Ended {
    match stop.wait_for(Option::is_some).await {
        Ok(reason) => Ended::Stopped(reason.clone().unwrap_or(StopReason::NodeStops)),
        // The stream died; coming again starts it anew.
        Err(_) => PublishRefusal::Unavailable("its stream ended unexpectedly").into(),
    }
}

/// Counts something for as long as it lives.
pub(super) struct Counted(prometheus::IntGauge);

impl Counted {
    pub(super) fn new(gauge: &prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
