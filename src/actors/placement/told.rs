//! Which node holds which stream, as its operators ask.

use std::sync::Arc;
use std::time::Duration;

use weir_model::cluster::{ReplicaInfo, ReplicaRole};
use weir_model::{ChannelName, NodeId};

use super::Inner;
use crate::link::fetch::Incoming;
use crate::link::request::{Kind, encoded};

/// Request: which streams do you hold?
const COPIES: &str = "stream.copies";
/// A node answers from memory; one that does not is left out.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// Answers are lists of up to a thousand streams.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Answers other nodes.
pub(super) fn serve(inner: &Arc<Inner>) {
    let own = Arc::clone(inner);
    let limits = Kind { answer_bytes_max: ANSWER_BYTES_MAX, ..Kind::default() };
    inner.parts.link.on_request(COPIES, limits, move |_, _| {
        let answer = encoded(&own.own_copies());
        Box::pin(std::future::ready(answer))
    });
}

impl Inner {
    /// Streams that are held anywhere in the cluster.
    pub(super) async fn copies(&self) -> Vec<ReplicaInfo> {
        let link = &self.parts.link;
        let asked = link.connected().into_iter().map(|node| async move {
            let answer = link.ask(node, COPIES, &(), ANSWER_MAX).await;
            let mut copies: Vec<ReplicaInfo> = answer.ok()?;
            // A node speaks for itself only.
            copies.retain(|copy| copy.node == node);
            Some(copies)
        });
        let others = futures_util::future::join_all(asked).await.into_iter().flatten().flatten();
        self.own_copies().into_iter().chain(others).collect()
    }

    fn own_copies(&self) -> Vec<ReplicaInfo> {
        let owned = self.parts.stages.all().into_iter().filter(|stage| stage.own().is_some());
        let origin = owned.map(|stage| {
            let channel = stage.public.channel.clone();
            let lag_ms = Some(0);
            ReplicaInfo { lag_ms, ..self.held_here(channel, ReplicaRole::Origin) }
        });
        let pulled = self.puller.get().map(|puller| puller.incoming()).unwrap_or_default();
        origin.chain(pulled.into_iter().map(|one| self.copied_here(one))).collect()
    }

    fn copied_here(&self, one: Incoming) -> ReplicaInfo {
        let watched = self.viewers(&one.channel) > 0;
        let role = if watched { ReplicaRole::Edge } else { ReplicaRole::Replica };
        let path = self.puller.get().and_then(|puller| puller.path(&one.channel));
        ReplicaInfo {
            from: one.source,
            hops: path.map(|(_, hops)| hops).unwrap_or_default(),
            lag_ms: one.lag_ms,
            ..self.held_here(one.channel, role)
        }
    }

    fn held_here(&self, channel: ChannelName, role: ReplicaRole) -> ReplicaInfo {
        let stage = self.parts.stages.find(&channel);
        ReplicaInfo {
            node: self.node,
            node_name: String::new(),
            role,
            from: None::<NodeId>,
            from_name: None,
            hops: Vec::new(),
            lag_ms: None,
            msn: stage.and_then(|stage| stage.public.window.newest_msn()),
            viewers: self.viewers(&channel),
            channel,
        }
    }

    fn viewers(&self, channel: &ChannelName) -> u64 {
        self.streams.get().map_or(0, |streams| streams.viewers_here(channel))
    }
}
