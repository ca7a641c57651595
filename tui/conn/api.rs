//! The seam to the node's API: what the console asks, whoever answers (the client, a recording, a test).

use std::future::Future;

use futures_util::stream::BoxStream;
use weir_model::charge::LedgerId;
use weir_model::cluster::{
    CheckReport, ClusterNode, ClusterStatus, LeaseInfo, LinkInfo, ReplicaInfo,
};
use weir_model::node::NodeStatus;
use weir_model::{ApiError, Channel, ChannelName, Event, StreamInfo, StreamKey, Viewing};

use super::money::MoneyTold;
use crate::act::Act;
use crate::act::money::{Tried, Wish};
use crate::state::nav::MoneyPage;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The node did not answer at all, or not in a way we understand.
    Unreachable(String),
    /// The node answered no.
    Refused(ApiError),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => f.write_str(why),
            Self::Refused(error) => match &error.hint {
                Some(hint) => write!(f, "{error} ({hint})"),
                None => write!(f, "{error}"),
            },
        }
    }
}

/// An answer of the node.
pub type Answer<T> = Result<T, Failure>;

/// The requests the console makes.
pub trait Api: Send + Sync + 'static {
    /// The node's condition.
    fn status(&self) -> impl Future<Output = Answer<NodeStatus>> + Send;
    /// Every stream.
    fn streams(&self) -> impl Future<Output = Answer<Vec<StreamInfo>>> + Send;
    /// Who watches a channel.
    fn viewings(&self, channel: &ChannelName) -> impl Future<Output = Answer<Vec<Viewing>>> + Send;
    /// What is going on with a stream, in sentences.
    fn explain(&self, channel: &ChannelName) -> impl Future<Output = Answer<Vec<String>>> + Send;
    /// Every channel.
    fn channels(&self) -> impl Future<Output = Answer<Vec<Channel>>> + Send;
    /// A channel's keys, without secrets.
    fn keys(&self, channel: &ChannelName) -> impl Future<Output = Answer<Vec<StreamKey>>> + Send;
    /// Nodes of the cluster.
    fn nodes(&self) -> impl Future<Output = Answer<Vec<ClusterNode>>> + Send;
    /// Links of the node to the others.
    fn links(&self) -> impl Future<Output = Answer<Vec<LinkInfo>>> + Send;
    /// Who owns what.
    fn actors(&self) -> impl Future<Output = Answer<Vec<LeaseInfo>>> + Send;
    /// Copies of streams.
    fn replicas(&self) -> impl Future<Output = Answer<Vec<ReplicaInfo>>> + Send;
    /// The cluster as the node sees it.
    fn cluster(&self) -> impl Future<Output = Answer<ClusterStatus>> + Send;
    /// What a page about money shows.
    fn money(&self, page: &MoneyPage) -> impl Future<Output = Answer<MoneyTold>> + Send;
    /// What is wrong with the cluster.
    fn check(&self) -> impl Future<Output = Answer<CheckReport>> + Send;
    /// Events after a cursor (the newest kept ones when none), then each as it happens.
    fn follow(
        &self,
        after: Option<u64>,
    ) -> impl Future<Output = Answer<BoxStream<'static, Answer<Event>>>> + Send;
    /// What something would do with money under that id. Changes nothing.
    fn attempt(&self, wish: &Wish, once: LedgerId) -> impl Future<Output = Answer<Tried>> + Send;
    /// Does what an operator decided; answers with one line for the command log.
    fn act(&self, act: &Act) -> impl Future<Output = Answer<String>> + Send;
}
