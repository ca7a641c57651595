//! The streams of this node: who publishes where, and what viewers and operators may see of it.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use weir_model::stream::{Finding, TrackInfo};
use weir_model::{ChannelName, KeyRefusal, ShowId, StreamInfo, StreamState};

use crate::feed;
use crate::store::window::Window;

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
}

impl Publication {
    /// Tells the stream what the connection measured.
    pub fn report(&self, report: IngestReport) {
        let _ = report;
        unimplemented!()
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

/// All streams of this node.
#[derive(Clone)]
pub struct Streams {}

impl Streams {
    /// Lets a publisher in, or says why not.
    ///
    /// # Errors
    /// The reason, which is safe to tell the publisher.
    pub async fn publish(&self, request: PublishRequest) -> Result<Publication, PublishRefusal> {
        let _ = request.remote.ip() == IpAddr::from([0, 0, 0, 0]);
        unimplemented!()
    }

    /// A channel's stream, if it was ever live since the node started.
    #[must_use]
    pub fn public(&self, channel: &ChannelName) -> Option<Arc<PublicStream>> {
        let _ = channel;
        unimplemented!()
    }

    /// Every stream that was ever live since the node started.
    #[must_use]
    pub fn all_public(&self) -> Vec<Arc<PublicStream>> {
        unimplemented!()
    }

    /// Every stream, by channel name.
    pub async fn list(&self) -> Vec<StreamInfo> {
        unimplemented!()
    }

    /// One stream; an offline one when the channel was never live since the node started.
    pub async fn info(&self, channel: &ChannelName) -> StreamInfo {
        let _ = channel;
        unimplemented!()
    }

    /// Drops the publisher of `channel`. False when there is none.
    pub async fn kick(&self, channel: &ChannelName, reason: StopReason) -> bool {
        let _ = (channel, reason);
        unimplemented!()
    }

    /// Drops the publisher that came with `key`, wherever it publishes. False when there is none.
    pub async fn withdraw_key(&self, channel: &ChannelName, key: weir_model::KeyId) -> bool {
        let _ = (channel, key);
        unimplemented!()
    }
}
