//! What the node says of itself.

use weir_model::node::{Endpoint, NodeStatus};
use weir_model::{Roles, Timestamp};

use super::process;
use crate::actors::clock;
use crate::actors::streams::Streams;
use crate::actors::tasks::Tasks;
use crate::actors::viewings::Viewings;
use crate::store::Store;

/// Where the figures come from.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) roles: Roles,
    pub(super) started_at: Timestamp,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) store: Store,
    pub(super) streams: Streams,
    pub(super) viewings: Viewings,
    pub(super) tasks: Tasks,
}

impl Source {
    /// The node's condition now.
    pub(super) fn status(&self) -> NodeStatus {
        let totals = self.streams.totals();
        let usage = process::usage();
        let mut loops = self.tasks.list();
        loops.push(self.store.loop_info());
        NodeStatus {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: self.started_at,
            now: clock::now(),
            roles: self.roles.iter().map(|role| role.to_string()).collect(),
            endpoints: self.endpoints.clone(),
            streams_live: totals.live,
            publishers: totals.publishers,
            viewers: self.viewings.total(),
            ingest_bitrate: totals.bitrate,
            rss_bytes: usage.rss_bytes,
            cpu_seconds: usage.cpu_seconds,
            loops,
        }
    }
}
