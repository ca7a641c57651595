//! A recorded node: answers every question from one JSON file and refuses every act.
//!
//! Serves `--replay`, pictures for the documentation, and the tests.

use futures_util::stream::{self, BoxStream, StreamExt};
use weir_model::charge::LedgerId;
use weir_model::cluster::{
    CheckReport, ClusterNode, ClusterStatus, LeaseInfo, LinkInfo, ReplicaInfo,
};
use weir_model::node::NodeStatus;
use weir_model::{
    ApiError, Channel, ChannelName, ErrorCode, Event, StreamInfo, StreamKey, Viewing,
};

use super::api::{Answer, Api, Failure};
use super::money::MoneyTold;
use crate::act::Act;
use crate::act::money::{Tried, Wish};
use crate::state::nav::MoneyPage;

mod money;

pub use money::Books;

/// Everything the console can show of a node at one instant.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Recording {
    /// The node.
    pub status: NodeStatus,
    /// Its streams.
    #[serde(default)]
    pub streams: Vec<StreamInfo>,
    /// Viewings of all channels.
    #[serde(default)]
    pub viewings: Vec<Viewing>,
    /// Events, oldest first.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Channels.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Keys of all channels.
    #[serde(default)]
    pub keys: Vec<StreamKey>,
    /// The cluster.
    #[serde(default)]
    pub cluster: Option<ClusterStatus>,
    /// Nodes of the cluster.
    #[serde(default)]
    pub nodes: Vec<ClusterNode>,
    /// Links of the node.
    #[serde(default)]
    pub links: Vec<LinkInfo>,
    /// Who owns what.
    #[serde(default)]
    pub actors: Vec<LeaseInfo>,
    /// Copies of streams.
    #[serde(default)]
    pub replicas: Vec<ReplicaInfo>,
    /// What pages about money show.
    #[serde(default)]
    pub money: Books,
}

impl Recording {
    /// A node with nothing on it.
    #[must_use]
    pub const fn of(status: NodeStatus) -> Self {
        Self {
            status,
            streams: Vec::new(),
            viewings: Vec::new(),
            events: Vec::new(),
            channels: Vec::new(),
            keys: Vec::new(),
            cluster: None,
            nodes: Vec::new(),
            links: Vec::new(),
            actors: Vec::new(),
            replicas: Vec::new(),
            money: Books::EMPTY,
        }
    }
}

impl Api for Recording {
    async fn status(&self) -> Answer<NodeStatus> {
        Ok(self.status.clone())
    }

    async fn streams(&self) -> Answer<Vec<StreamInfo>> {
        Ok(self.streams.clone())
    }

    async fn viewings(&self, channel: &ChannelName) -> Answer<Vec<Viewing>> {
        Ok(self.viewings.iter().filter(|v| v.channel == *channel).cloned().collect())
    }

    async fn explain(&self, channel: &ChannelName) -> Answer<Vec<String>> {
        let stream = self.streams.iter().find(|s| s.channel == *channel);
        let stream = stream.ok_or_else(|| {
            Failure::Refused(ApiError::new(ErrorCode::NotFound, "there is no such channel"))
        })?;
        Ok(stream.findings.iter().map(|f| f.text.clone()).collect())
    }

    async fn channels(&self) -> Answer<Vec<Channel>> {
        Ok(self.channels.clone())
    }

    async fn keys(&self, channel: &ChannelName) -> Answer<Vec<StreamKey>> {
        Ok(self.keys.iter().filter(|k| k.channel == *channel).cloned().collect())
    }

    async fn nodes(&self) -> Answer<Vec<ClusterNode>> {
        Ok(self.nodes.clone())
    }

    async fn links(&self) -> Answer<Vec<LinkInfo>> {
        Ok(self.links.clone())
    }

    async fn actors(&self) -> Answer<Vec<LeaseInfo>> {
        Ok(self.actors.clone())
    }

    async fn replicas(&self) -> Answer<Vec<ReplicaInfo>> {
        Ok(self.replicas.clone())
    }

    async fn cluster(&self) -> Answer<ClusterStatus> {
        self.cluster.clone().ok_or_else(|| {
            let why = "the recording holds no cluster";
            Failure::Refused(ApiError::new(ErrorCode::NotFound, why))
        })
    }

    async fn money(&self, page: &MoneyPage) -> Answer<MoneyTold> {
        self.money.told(page)
    }

    async fn check(&self) -> Answer<CheckReport> {
        Ok(CheckReport::of(self.cluster().await?.warnings))
    }

    async fn follow(&self, after: Option<u64>) -> Answer<BoxStream<'static, Answer<Event>>> {
        let newer = |e: &&Event| after.is_none_or(|cursor| e.cursor > cursor);
        let events: Vec<_> = self.events.iter().filter(newer).cloned().map(Ok).collect();
        Ok(stream::iter(events).chain(stream::pending()).boxed())
    }

    async fn attempt(&self, _: &Wish, _: LedgerId) -> Answer<Tried> {
        let error = ApiError::new(ErrorCode::Conflict, "this is a recording, nothing can be tried");
        Err(Failure::Refused(error))
    }

    async fn act(&self, _: &Act) -> Answer<String> {
        let error = ApiError::new(ErrorCode::Conflict, "this is a recording, nothing was done");
        Err(Failure::Refused(error))
    }
}
