//! The live node behind the seam.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use weir_client::discover::{Wanted, discover};
use weir_client::{Client, ClientError};
use weir_model::api::{ActorQuery, EventQuery, Kick, Kicked, Mutation, ViewingQuery};
use weir_model::charge::LedgerId;
use weir_model::cluster::{
    CheckReport, ClusterNode, ClusterStatus, LeaseInfo, LinkInfo, NodeChange, ReplicaInfo,
};
use weir_model::node::NodeStatus;
use weir_model::{Channel, ChannelName, Event, StreamInfo, StreamKey, Viewing};

use super::api::{Answer, Api, Failure};
use super::money::MoneyTold;
use crate::act::Act;
use crate::act::money::{Tried, Wish};
use crate::state::nav::MoneyPage;

mod money;

/// Limit of one request. The connection's loops are stricter; this one ends what they gave up.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Viewings of one stream: more than anyone scrolls through.
const VIEWINGS_MAX: usize = 1000;
/// Older events asked for at the start: a few screens of them.
const EVENTS_BEFORE: usize = 200;

/// A node that is asked over its API.
pub struct Live {
    client: Client,
}

impl Live {
    /// A client of the wanted node.
    ///
    /// # Errors
    /// No node is named or found, or the address is none; the sentence says what to do.
    pub fn new(wanted: &Wanted) -> Result<Self, String> {
        let found = discover(wanted).map_err(|error| format!("{error}; {}", error.hint()))?;
        let client = Client::new(&found.endpoint, found.token).map_err(|e| e.to_string())?;
        Ok(Self { client: client.timeout(TIMEOUT) })
    }
}

impl Live {
    async fn change_node(
        &self,
        node: &str,
        change: NodeChange,
        reason: &str,
    ) -> Result<String, ClientError> {
        let how = Mutation { reason: Some(reason.to_owned()), ..Mutation::default() };
        let done = self.client.change_node(node, change, &how).await?;
        let word = if done.changed { change.done() } else { "nothing to do" };
        Ok(match done.plan.moves.len() {
            0 => format!("{}: {word}", done.name),
            moves => format!("{}: {word}, {moves} actors move", done.name),
        })
    }
}

fn failure(error: ClientError) -> Failure {
    match error {
        ClientError::Api { error, .. } => Failure::Refused(error),
        other => Failure::Unreachable(other.to_string()),
    }
}

impl Api for Live {
    async fn status(&self) -> Answer<NodeStatus> {
        self.client.status().await.map_err(failure)
    }

    async fn streams(&self) -> Answer<Vec<StreamInfo>> {
        self.client.streams().await.map_err(failure)
    }

    async fn viewings(&self, channel: &ChannelName) -> Answer<Vec<Viewing>> {
        let query = ViewingQuery { channel: Some(channel.clone()), limit: Some(VIEWINGS_MAX) };
        self.client.viewings(&query).await.map_err(failure)
    }

    async fn explain(&self, channel: &ChannelName) -> Answer<Vec<String>> {
        let explanation = self.client.explain_stream(channel).await.map_err(failure)?;
        Ok(explanation.sentences)
    }

    async fn channels(&self) -> Answer<Vec<Channel>> {
        self.client.channels().await.map_err(failure)
    }

    async fn keys(&self, channel: &ChannelName) -> Answer<Vec<StreamKey>> {
        self.client.keys(channel).await.map_err(failure)
    }

    async fn nodes(&self) -> Answer<Vec<ClusterNode>> {
        self.client.nodes().await.map_err(failure)
    }

    async fn links(&self) -> Answer<Vec<LinkInfo>> {
        self.client.links().await.map_err(failure)
    }

    async fn actors(&self) -> Answer<Vec<LeaseInfo>> {
        self.client.actors(&ActorQuery::default()).await.map_err(failure)
    }

    async fn replicas(&self) -> Answer<Vec<ReplicaInfo>> {
        self.client.replicas().await.map_err(failure)
    }

    async fn cluster(&self) -> Answer<ClusterStatus> {
        self.client.cluster().await.map_err(failure)
    }

    async fn money(&self, page: &MoneyPage) -> Answer<MoneyTold> {
        money::told(&self.client, page).await.map_err(failure)
    }

    async fn check(&self) -> Answer<CheckReport> {
        self.client.check_cluster().await.map_err(failure)
    }

    async fn follow(&self, after: Option<u64>) -> Answer<BoxStream<'static, Answer<Event>>> {
        let limit = after.is_none().then_some(EVENTS_BEFORE);
        let query = EventQuery { since: after, limit, ..EventQuery::default() };
        let events = self.client.follow(query).into_stream();
        Ok(events.map(|event| event.map_err(failure)).boxed())
    }

    async fn attempt(&self, wish: &Wish, once: LedgerId) -> Answer<Tried> {
        money::attempt(&self.client, wish, once).await
    }

    async fn act(&self, act: &Act) -> Answer<String> {
        let how = Mutation::default();
        let kick = |reason: &String| Kick { reason: Some(reason.clone()) };
        match act {
            Act::KickStream { channel, reason } => {
                let done = self.client.kick_stream(channel, &kick(reason), &how).await;
                done.map(|done| kicked(&done)).map_err(failure)
            }
            Act::KickViewing { id, reason } => {
                let done = self.client.kick_viewing(*id, &kick(reason), &how).await;
                done.map(|done| kicked(&done)).map_err(failure)
            }
            Act::EndSession { id, reason } => {
                let how = Mutation { reason: Some(reason.clone()), ..how };
                let done = self.client.end_session(*id, &how).await.map_err(failure)?;
                Ok(format!("{} is {}", done.id, done.state))
            }
            Act::Money { deed, once, reason } => {
                let how = Mutation { reason: Some(reason.clone()), ..how };
                let done = money::ask(&self.client, deed, *once, &how).await;
                done.map(|outcome| money::said(&outcome)).map_err(failure)
            }
            Act::RevokeKey { channel, key } => {
                let done = self.client.revoke_key(channel, *key, &how).await;
                done.map(|key| format!("revoked {}", key.id)).map_err(failure)
            }
            Act::ChangeNode { node, change, reason } => {
                self.change_node(node, *change, reason).await.map_err(failure)
            }
            Act::Rebalance { reason } => {
                let how = Mutation { reason: Some(reason.clone()), ..how };
                let plan = self.client.rebalance(&how).await.map_err(failure)?;
                let said = format!("{} move, {} stay", plan.moves.len(), plan.staying);
                Ok(match plan.refused.first() {
                    Some(first) => format!("{said}; {} stays: {}", first.actor, first.reason),
                    None => said,
                })
            }
        }
    }
}

fn kicked(done: &Kicked) -> String {
    let silent = match done.silent.as_slice() {
        [] => String::new(),
        names => format!("; no answer from {}", names.join(", ")),
    };
    format!("kicked {}{silent}", done.kicked)
}
