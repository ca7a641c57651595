//! What a publisher brings, and what it gets.

use std::net::SocketAddr;

use ractor::ActorRef;
use tokio::sync::watch;
use weir_model::stream::{Finding, TrackInfo};
use weir_model::{ChannelName, KeyRefusal, ShowId};

use crate::actors::stream::Message;
use crate::feed;

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
    /// Another node owns the stream, or is to.
    Moved,
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
    pub(in crate::actors) id: u64,
    pub(in crate::actors) actor: ActorRef<Message>,
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
