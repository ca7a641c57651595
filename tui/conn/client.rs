//! The live node behind the seam.

use futures_util::stream::BoxStream;
use weir_model::node::NodeStatus;
use weir_model::{Channel, ChannelName, Event, StreamInfo, StreamKey, Viewing};

use super::api::{Answer, Api, Failure};
use crate::act::Act;

/// A node that is asked over its API.
pub struct Live {}

impl Live {
    /// A client of the API at `endpoint`.
    ///
    /// # Errors
    /// The address is none; the sentence says so.
    pub fn new(_endpoint: &str, _token: &str) -> Result<Self, String> {
        Ok(Self {})
    }
}

fn none<T>() -> Answer<T> {
    Err(Failure::Unreachable("not wired".into()))
}

impl Api for Live {
    async fn status(&self) -> Answer<NodeStatus> {
        none()
    }
    async fn streams(&self) -> Answer<Vec<StreamInfo>> {
        none()
    }
    async fn viewings(&self, _: &ChannelName) -> Answer<Vec<Viewing>> {
        none()
    }
    async fn explain(&self, _: &ChannelName) -> Answer<Vec<String>> {
        none()
    }
    async fn channels(&self) -> Answer<Vec<Channel>> {
        none()
    }
    async fn keys(&self, _: &ChannelName) -> Answer<Vec<StreamKey>> {
        none()
    }
    async fn follow(&self, _: Option<u64>) -> Answer<BoxStream<'static, Answer<Event>>> {
        none()
    }
    async fn act(&self, _: &Act) -> Answer<String> {
        none()
    }
}
