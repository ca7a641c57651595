//! A channel's live media right now, as operators and scripts see it.

use crate::node::NodeRef;
use crate::{ChannelName, KeyId, ShowId, Timestamp};

/// Where a stream stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// Nobody publishes and no show is open.
    Offline,
    /// A show is open; its publisher may be inside the grace period.
    Live,
    /// The last show is over and its playlist says so.
    Ended,
}

impl StreamState {
    /// The word used in tables, JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Live => "live",
            Self::Ended => "ended",
        }
    }
}

/// What feeds a stream.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PublisherInfo {
    /// `rtmp`, `rtmps`, …
    pub protocol: String,
    /// Remote address and port.
    pub remote: String,
    /// What the encoder calls itself, cut to one line; empty when it said nothing.
    pub encoder: String,
    /// The key it came with.
    pub key: KeyId,
    /// When this connection began to publish.
    pub since: Timestamp,
}

/// One elementary stream.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TrackInfo {
    /// `v0`, `a0`, …: kind and number, as in the playlist's URL.
    pub id: String,
    /// `video` or `audio`.
    pub kind: String,
    /// RFC 6381 codec string, as in the playlist's `CODECS`.
    pub codec: String,
    /// Pixels; none for audio.
    pub width: Option<u32>,
    /// Pixels; none for audio.
    pub height: Option<u32>,
    /// Measured frames per second; none for audio.
    pub fps: Option<f64>,
    /// Hertz; none for video.
    pub sample_rate: Option<u32>,
    /// Audio channels; none for video.
    pub channels: Option<u32>,
    /// Measured over the last seconds, bits per second.
    pub bitrate: u64,
}

/// How bad a finding is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HealthLevel {
    /// Nothing to do.
    Ok,
    /// Viewers may notice.
    Warning,
    /// Viewers do notice.
    Bad,
}

/// One thing about the ingest that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Finding {
    /// Stable word for scripts, e.g. `keyframe_interval`.
    pub code: String,
    /// How bad it is.
    pub level: HealthLevel,
    /// What is seen, in plain words, with figures.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

/// A stream as listed and shown.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct StreamInfo {
    /// Its channel.
    pub channel: ChannelName,
    /// The node that has it; none for a stream that no node has.
    #[serde(default)]
    pub node: Option<NodeRef>,
    /// Where it stands.
    pub state: StreamState,
    /// True once a player can start: at least one whole segment is listed.
    pub playable: bool,
    /// The open or last show.
    pub show: Option<ShowId>,
    /// When that show began.
    pub since: Option<Timestamp>,
    /// The connection that feeds it; none inside the grace period.
    pub publisher: Option<PublisherInfo>,
    /// End of the grace period while the publisher is gone.
    pub grace_until: Option<Timestamp>,
    /// Its tracks, video first.
    pub tracks: Vec<TrackInfo>,
    /// Received media, bits per second, over the last seconds.
    pub bitrate: u64,
    /// The last 60 one-second bitrates, oldest first, bits per second.
    pub bitrate_history: Vec<u64>,
    /// Viewings right now, on all nodes.
    pub viewers: u64,
    /// Media sequence number of the newest segment.
    pub msn: Option<u64>,
    /// Times the publisher came back inside this show.
    pub reconnects: u32,
    /// Frames that readers lost because they fell behind.
    pub skipped_frames: u64,
    /// Worst level of the findings.
    pub health: HealthLevel,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
}
