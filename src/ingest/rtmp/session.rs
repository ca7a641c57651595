//! The server's side of a session (RTMP 1.0 §7.2), without a socket: messages in, actions out.
//!
//! `rml_rtmp` has a session too. It is not used: it acknowledges the bytes since the last acknowledgement
//! instead of the total, hides every property of `connect` but the application, leaves `releaseStream` and
//! its kin unanswered, takes a `deleteStream` with a name as malformed, cannot read all of AMF0 and
//! panics on short commands. What it writes is sound and is used by [`super::reply`].

use bytes::Bytes;
use rml_rtmp::rml_amf0::Amf0Value;

use super::amf::{self, AmfError, Value};
use super::connect::{self, Client};
use super::key::stream_key;
use super::message::{Message, kind, split_aggregate};
use super::reply::{Level, Replies, status_object};

/// Message streams of a connection; publishers use one.
pub const MESSAGE_STREAMS_MAX: u32 = 16;
/// Bytes between our acknowledgements until the peer asks for another window.
pub const ACK_WINDOW_DEFAULT: u64 = 2_500_000;
/// Smallest window obeyed, so that a peer cannot make us answer every byte.
pub const ACK_WINDOW_MIN: u64 = 8 << 10;

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// Message type 8.
    Audio,
    /// Message type 9.
    Video,
}

/// What the shell must do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The publisher announced the bitrate of its sound and picture together, bits per second.
    Announce(u64),
    /// Decide about a publisher, then call [`Session::accept`] or [`Session::refuse`]. Nothing else is
    /// handled before.
    Publish(Intent),
    /// Pass on a tag body of the accepted publisher.
    Media {
        /// Which of the two.
        kind: MediaKind,
        /// Milliseconds modulo 2^32.
        timestamp: u32,
        /// The tag body.
        body: Bytes,
    },
    /// Send what there is to send and close.
    End(End),
}

/// Who wants to publish.
#[derive(Clone, PartialEq, Eq)]
pub struct Intent {
    /// The stream key; none when there was none or an absurd one. Never logged.
    pub key: Option<String>,
    /// What the encoder calls itself.
    pub encoder: String,
}

impl std::fmt::Debug for Intent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intent").field("encoder", &self.encoder).finish_non_exhaustive()
    }
}

/// Why a session is over without an error of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The publisher said so.
    Unpublished,
    /// It wanted to play.
    Playback,
}

/// Why a session cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A command that is not AMF0.
    #[error("malformed command: {0}")]
    Amf(#[from] AmfError),
    /// A command without a name.
    #[error("malformed command: it has no name")]
    NoName,
    /// `publish` or `createStream` as the first command.
    #[error("the first command must be `connect`")]
    NotConnected,
}

/// Messages by kind, counted since the last call of [`Session::take_counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Types 8 and 22.
    pub audio: u64,
    /// Type 9.
    pub video: u64,
    /// Types 17 and 20.
    pub command: u64,
    /// Everything else.
    pub other: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Connected,
    Asking { stream: u32 },
    Publishing { stream: u32 },
    Over,
}

/// One connection's session.
pub struct Session {
    state: State,
    client: Client,
    replies: Replies,
    streams_made: u32,
    received: u64,
    acknowledged: u64,
    ack_window: u64,
    counts: Counts,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session at its first message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Fresh,
            client: Client::default(),
            replies: Replies::new(),
            streams_made: 0,
            received: 0,
            acknowledged: 0,
            ack_window: ACK_WINDOW_DEFAULT,
            counts: Counts::default(),
        }
    }

    /// What there is to send, in order. Also the place for the handshake's answers.
    pub fn replies(&mut self) -> &mut Replies {
        &mut self.replies
    }

    /// Messages since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Whether an [`Action::Publish`] waits for its answer.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }

    /// Whether the peer understands a request to reconnect (Enhanced RTMP v2, `capsEx` bit 0).
    #[must_use]
    pub const fn can_be_asked_to_reconnect(&self) -> bool {
        self.client.can_reconnect
    }

    /// Notes bytes that arrived and acknowledges them when the window is full.
    pub fn note_received(&mut self, bytes: usize) {
        self.received += bytes as u64;
        if self.received - self.acknowledged >= self.ack_window && self.state != State::Fresh {
            self.acknowledged = self.received;
            // The field counts modulo 2^32 (RTMP 1.0 §5.4.3).
            let total = u32::try_from(self.received & 0xFFFF_FFFF).unwrap_or_default();
            self.replies.acknowledgement(total);
        }
    }

    /// Handles one message.
    ///
    /// # Errors
    /// When it makes no sense; the connection is to be closed.
    pub fn handle(&mut self, message: Message, out: &mut Vec<Action>) -> Result<(), SessionError> {
        match message.kind {
            kind::AUDIO | kind::VIDEO => self.media(message, out),
            kind::AGGREGATE => {
                split_aggregate(&message).for_each(|message| self.media(message, out));
            }
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => return self.command(&message, out),
            kind::USER_CONTROL => self.user_control(&message),
            kind::WINDOW_ACK_SIZE => {
                self.counts.other += 1;
                if let Some(window) = message.number() {
                    self.ack_window = u64::from(window).max(ACK_WINDOW_MIN);
                }
            }
            kind::DATA_AMF0 | kind::DATA_AMF3 => self.data(&message, out),
            // Acknowledgements and bandwidth wishes concern a sender of media, which we are not. Unknown
            // types are ignored.
            _ => self.counts.other += 1,
        }
        Ok(())
    }

    /// Metadata repeats, lies or is absent: the media itself says what it is. Only the bitrate that the
    /// publisher means to send is worth knowing, because it can be compared with what arrives.
    fn data(&mut self, message: &Message, out: &mut Vec<Action>) {
        self.counts.other += 1;
        let Ok(values) = amf::decode(message.amf0()) else { return };
        let rate = |name: &str| {
            let found = values.iter().find_map(|value| value.property(name));
            found.and_then(Value::number).filter(|rate| (0.0..1e7).contains(rate))
        };
        let kilobits = [rate("videodatarate"), rate("audiodatarate")];
        if kilobits.iter().any(Option::is_some) {
            let bits = kilobits.iter().flatten().sum::<f64>() * 1000.0;
            out.push(Action::Announce(bits as u64));
        }
    }

    /// Tells the publisher that it may begin.
    pub fn accept(&mut self) {
        if let State::Asking { stream } = self.state {
            self.state = State::Publishing { stream };
            self.replies.stream_begin(stream);
            let code = "NetStream.Publish.Start";
            self.replies.status(stream, Level::Status, code, "publishing");
        }
    }

    /// Tells the publisher why it may not.
    pub fn refuse(&mut self, code: &str, why: &str) {
        self.end(Level::Error, code, why);
    }

    /// Tells the publisher why it must stop.
    pub fn end(&mut self, level: Level, code: &str, why: &str) {
        if let State::Asking { stream } | State::Publishing { stream } = self.state {
            self.replies.status(stream, level, code, why);
        }
        self.state = State::Over;
    }

    /// Asks the publisher to come again (Enhanced RTMP v2, reconnect request).
    pub fn ask_to_reconnect(&mut self, why: &str) {
        let code = "NetConnection.Connect.ReconnectRequest";
        self.replies.status(0, Level::Status, code, why);
    }

    fn media(&mut self, message: Message, out: &mut Vec<Action>) {
        let kind = match message.kind {
            kind::AUDIO => MediaKind::Audio,
            kind::VIDEO => MediaKind::Video,
            _ => {
                self.counts.other += 1;
                return;
            }
        };
        match kind {
            MediaKind::Audio => self.counts.audio += 1,
            MediaKind::Video => self.counts.video += 1,
        }
        // Media of somebody who was not let in is dropped. The message stream is not compared: one
        // connection publishes once.
        if matches!(self.state, State::Publishing { .. }) && !message.body.is_empty() {
            let Message { timestamp, body, .. } = message;
            out.push(Action::Media { kind, timestamp, body });
        }
    }

    fn user_control(&mut self, message: &Message) {
        const PING_REQUEST: u16 = 6;
        self.counts.other += 1;
        let Some((event, rest)) = message.body.split_first_chunk::<2>() else {
            return;
        };
        if u16::from_be_bytes(*event) == PING_REQUEST
            && let Some(timestamp) = rest.first_chunk()
        {
            self.replies.pong(u32::from_be_bytes(*timestamp));
        }
    }

    fn command(&mut self, message: &Message, out: &mut Vec<Action>) -> Result<(), SessionError> {
        self.counts.command += 1;
        let values = amf::decode(message.amf0())?;
        let name = values.first().and_then(Value::text).ok_or(SessionError::NoName)?;
        let transaction = values.get(1).and_then(Value::number).unwrap_or_default();
        let arguments = values.get(3..).unwrap_or_default();
        match name {
            "connect" => self.connect(transaction, values.get(2)),
            "createStream" => self.create_stream(transaction)?,
            "publish" => self.publish(message.stream, arguments, out)?,
            "deleteStream" => self.delete_stream(arguments.first(), out),
            "closeStream" => self.unpublish(out),
            "play" | "play2" => self.refuse_playback(message.stream, out),
            "releaseStream" | "FCPublish" | "FCUnpublish" | "FCSubscribe" | "_checkbw"
            | "getStreamLength" => {
                self.answer(transaction, "_result", Amf0Value::Undefined);
            }
            // Answers to what we never asked, and measurements.
            "_result" | "_error" | "onStatus" | "onBWDone" | "_onbwcheck" | "_onbwdone" => {}
            _ => {
                let code = "NetConnection.Call.Failed";
                let info = status_object(Level::Error, code, "no such procedure");
                self.answer(transaction, "_error", info);
            }
        }
        Ok(())
    }

    /// Answers a command, unless its sender does not listen: transaction 0 says so.
    fn answer(&mut self, transaction: f64, name: &str, value: Amf0Value) {
        if transaction != 0.0 {
            self.replies.command(0, name, transaction, Amf0Value::Null, vec![value]);
        }
    }

    fn connect(&mut self, transaction: f64, object: Option<&Value>) {
        if self.state != State::Fresh {
            return;
        }
        self.client = Client::read(object);
        self.state = State::Connected;
        self.replies.greeting();
        let (properties, info) = connect::answer(&self.client);
        self.replies.command(0, "_result", transaction, properties, vec![info]);
    }

    fn create_stream(&mut self, transaction: f64) -> Result<(), SessionError> {
        if self.state == State::Fresh {
            return Err(SessionError::NotConnected);
        }
        if self.streams_made == MESSAGE_STREAMS_MAX {
            let code = "NetConnection.Call.Failed";
            let info = status_object(Level::Error, code, "too many message streams");
            self.answer(transaction, "_error", info);
            return Ok(());
        }
        self.streams_made += 1;
        let id = Amf0Value::Number(f64::from(self.streams_made));
        self.replies.command(0, "_result", transaction, Amf0Value::Null, vec![id]);
        Ok(())
    }

    fn publish(
        &mut self,
        stream: u32,
        arguments: &[Value],
        out: &mut Vec<Action>,
    ) -> Result<(), SessionError> {
        match self.state {
            State::Fresh => return Err(SessionError::NotConnected),
            State::Connected => {}
            State::Asking { .. } | State::Publishing { .. } => {
                let why = "this connection publishes already";
                self.replies.status(stream, Level::Error, "NetStream.Publish.BadName", why);
                return Ok(());
            }
            State::Over => return Ok(()),
        }
        let name = arguments.first().and_then(Value::text).unwrap_or_default();
        let key = stream_key(name, &self.client.app, &self.client.tc_url);
        self.state = State::Asking { stream };
        out.push(Action::Publish(Intent { key, encoder: self.client.encoder.clone() }));
        Ok(())
    }

    /// `deleteStream` comes with the number of the stream, with its name (GStreamer) or with nothing; only
    /// the number of another stream means another stream.
    fn delete_stream(&mut self, argument: Option<&Value>, out: &mut Vec<Action>) {
        let State::Publishing { stream } = self.state else {
            return;
        };
        let other = argument.and_then(Value::number).is_some_and(|id| id != f64::from(stream));
        if !other {
            self.unpublish(out);
        }
    }

    fn unpublish(&mut self, out: &mut Vec<Action>) {
        if matches!(self.state, State::Publishing { .. }) {
            self.end(Level::Status, "NetStream.Unpublish.Success", "publishing ended");
            out.push(Action::End(End::Unpublished));
        }
    }

    fn refuse_playback(&mut self, stream: u32, out: &mut Vec<Action>) {
        if self.state == State::Over {
            return;
        }
        let why = "RTMP is for publishing here; watch by HLS or on the watch page";
        self.replies.status(stream, Level::Error, "NetStream.Play.Failed", why);
        self.state = State::Over;
        out.push(Action::End(End::Playback));
    }
}

#[cfg(test)]
mod tests;
