//! A node as its operators see it.

use crate::{NodeId, Timestamp};

/// A node by id and name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NodeRef {
    /// Its id.
    pub id: NodeId,
    /// Its name, or its id when it has none that is known.
    pub name: String,
}

/// State of a background loop.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LoopState {
    /// Working on something.
    Busy,
    /// Waiting for work.
    Idle,
    /// Ended, by itself or by an error.
    Stopped,
}

/// A background loop.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LoopInfo {
    /// What it is, e.g. `rtmp listener`, `stream demo packager`.
    pub name: String,
    /// What it does now.
    pub state: LoopState,
    /// Work that waits for it, in its own unit (connections, frames, …).
    pub queue: u64,
    /// Units done since it started.
    pub done: u64,
    /// Failures since it started.
    pub errors: u64,
    /// The newest failure.
    pub last_error: Option<String>,
    /// When it started.
    pub since: Timestamp,
}

/// An address the node serves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Endpoint {
    /// `rtmp`, `rtmps`, `http`, `https`, `api`, `metrics`.
    pub name: String,
    /// As a URL that can be typed.
    pub url: String,
}

/// A node's condition.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Program version.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Its own clock now.
    pub now: Timestamp,
    /// What it does: `ingest`, `edge`, `voter`, `transcode`.
    pub roles: Vec<String>,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// Live streams.
    pub streams_live: u64,
    /// Connected publishers.
    pub publishers: u64,
    /// Viewings.
    pub viewers: u64,
    /// Received media, bits per second.
    pub ingest_bitrate: u64,
    /// Resident memory, bytes.
    pub rss_bytes: u64,
    /// Processor time used since the start, seconds.
    pub cpu_seconds: f64,
    /// Every background loop.
    pub loops: Vec<LoopInfo>,
}
