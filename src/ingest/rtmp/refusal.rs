//! How a connection ends: as a status for the publisher, as words for the operator, as a metric's label.

use weir_media::flv::FlvError;
use weir_model::KeyRefusal;

use crate::actors::streams::{PublishRefusal, StopReason};

use super::reply::Level;
use super::wire::WireError;

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The publisher finished.
    #[error("the publisher ended its stream")]
    Unpublished,
    /// The publisher closed or lost its connection.
    #[error("the connection was closed by the publisher or its network")]
    Lost,
    /// It was not let in.
    #[error("{0}")]
    Refused(#[from] PublishRefusal),
    /// It sent no stream key.
    #[error("no usable stream key was sent; put it in the encoder's stream key field")]
    NoKey,
    /// It wanted to play.
    #[error("it asked to play, which is not served by RTMP")]
    Playback,
    /// Its media cannot be carried.
    #[error("{0}")]
    Media(FlvError),
    /// It does not follow the protocol.
    #[error("{0}")]
    Protocol(#[from] WireError),
    /// It took too long before it published.
    #[error("{0} took too long")]
    TooSlow(&'static str),
    /// It was silent for too long.
    #[error("nothing was received for too long; the publisher or its network is gone")]
    Silent,
    /// It does not take our answers.
    #[error("the publisher does not read what it is told")]
    Stuck,
    /// TLS failed.
    #[error("the TLS handshake failed")]
    Tls,
    /// The node ended it.
    #[error("ended by the node: {}", stop_text(.0))]
    Stopped(StopReason),
}

/// What an RTMP peer is told (RTMP 1.0 §7.2.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its tone.
    pub level: Level,
    /// Its code. Encoders react to `BadName`, `Denied` and `Rejected` by showing the description instead of
    /// trying again at once.
    pub code: &'static str,
    /// A sentence for the person at the encoder.
    pub description: String,
}

impl Ended {
    /// The word for metrics and scripts.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unpublished => "unpublished",
            Self::Lost => "lost",
            Self::Refused(PublishRefusal::Busy) => "busy",
            Self::Refused(PublishRefusal::Key(KeyRefusal::Expired)) => "key_expired",
            Self::Refused(PublishRefusal::Key(KeyRefusal::Revoked)) => "key_revoked",
            Self::Refused(PublishRefusal::Key(KeyRefusal::Unknown)) => "key_unknown",
            Self::Refused(PublishRefusal::Unavailable(_)) => "unavailable",
            Self::NoKey => "no_key",
            Self::Playback => "playback",
            Self::Media(FlvError::UnsupportedCodec { .. }) => "unsupported_codec",
            Self::Media(FlvError::Malformed { .. }) => "malformed_media",
            Self::Protocol(_) => "protocol",
            Self::TooSlow(_) => "too_slow",
            Self::Silent => "silent",
            Self::Stuck => "stuck",
            Self::Tls => "tls",
            Self::Stopped(StopReason::KeyWithdrawn) => "key_withdrawn",
            Self::Stopped(StopReason::Kicked(_)) => "kicked",
            Self::Stopped(StopReason::Moved) => "moved",
            Self::Stopped(StopReason::NodeStops) => "node_stops",
            Self::Stopped(StopReason::StoreFails) => "store_fails",
            Self::Stopped(StopReason::TakenOver) => "taken_over",
        }
    }

    /// What the publisher is told before the connection closes; none when nobody listens or it was told.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let (level, code) = match self {
            Self::Refused(PublishRefusal::Busy | PublishRefusal::Key(_)) | Self::NoKey => {
                (Level::Error, "NetStream.Publish.BadName")
            }
            // Not a code that stops encoders from trying again.
            Self::Refused(PublishRefusal::Unavailable(_)) => (Level::Error, "NetStream.Failed"),
            Self::Media(_) | Self::Stopped(StopReason::Kicked(_)) => {
                (Level::Error, "NetStream.Publish.Rejected")
            }
            Self::Stopped(StopReason::KeyWithdrawn) => (Level::Error, "NetStream.Publish.Denied"),
            Self::Stopped(StopReason::NodeStops | StopReason::Moved | StopReason::TakenOver) => {
                (Level::Status, "NetStream.Unpublish.Success")
            }
            Self::Protocol(_) | Self::Silent | Self::Stopped(StopReason::StoreFails) => {
                (Level::Error, "NetStream.Failed")
            }
            _ => return None,
        };
        let description = match self {
            Self::Stopped(reason) => stop_text(reason),
            other => other.to_string(),
        };
        Some(Status { level, code, description })
    }
}

fn stop_text(reason: &StopReason) -> String {
    match reason {
        StopReason::KeyWithdrawn => "the stream key is no longer valid".into(),
        StopReason::Kicked(why) if why.is_empty() => "stopped by an operator".into(),
        StopReason::Kicked(why) => format!("stopped by an operator: {why}"),
        StopReason::Moved => "the stream moves to another server; connect again".into(),
        StopReason::NodeStops => "the server stops; connect again".into(),
        StopReason::StoreFails => "the server cannot write to its disk".into(),
        StopReason::TakenOver => "a newer connection with this stream key took over".into(),
    }
}
