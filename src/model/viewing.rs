//! One viewer watching one stream.

use crate::node::NodeRef;
use crate::{ChannelName, Timestamp, ViewingId};

/// A viewing as listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Viewing {
    /// Its id, the same on every request of the player.
    pub id: ViewingId,
    /// What is watched.
    pub channel: ChannelName,
    /// The node that its player asked last.
    #[serde(default)]
    pub node: Option<NodeRef>,
    /// `hls`, …
    pub protocol: String,
    /// The viewer's address, without port.
    pub remote: String,
    /// What the player calls itself, cut to one line.
    pub player: String,
    /// First request.
    pub since: Timestamp,
    /// Newest request.
    pub last_seen: Timestamp,
    /// Requests so far, to all nodes.
    pub requests: u64,
}
