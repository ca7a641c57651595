//! The streams and viewings of the whole cluster, from any node of it.
//!
//! Whoever wants to know asks every node at once ([`wire`]) and puts the answers together ([`merge`]); whoever
//! wants something done tells every node, and the one that it concerns does it. So the answer is right whatever the
//! directory knows of it yet. A node that does not answer in time is named, and keeps nobody from the rest.

mod merge;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::node::NodeRef;
use weir_model::{ActorKind, ChannelName, KeyId, Lease, NodeId, StreamInfo, Viewing, ViewingId};

use super::audience::Audience;
use super::streams::{self, Streams};
use super::viewings::Viewings;
use crate::link::Link;
use crate::store::Store;
use wire::{Act, Deed, StreamsAsked, ViewingsAsked};

/// Nodes that are asked at the same time: an answer may have megabytes, and all are held until they are put together.
const AT_ONCE: usize = 32;
/// A node answers from memory.
const ASK_MAX: Duration = Duration::from_secs(1);
/// Ending a show waits for its stream.
const ACT_MAX: Duration = Duration::from_secs(6);

/// The names of the nodes that are expected to answer.
pub type Roll = Arc<dyn Fn() -> BTreeMap<NodeId, String> + Send + Sync>;

/// The streams that the directory knows of: the owner of each, or none while it waits for one.
pub type Placed = Arc<dyn Fn() -> Places + Send + Sync>;

/// See [`Placed`].
pub type Places = Vec<(ChannelName, Option<Lease>)>;

/// What was found, or whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered<T> {
    /// The answers that came, as one.
    pub found: T,
    /// Names of nodes that did not answer.
    pub silent: Vec<String>,
}

/// Reaches all nodes. Cheap to clone.
#[derive(Clone)]
pub struct Reach {
    inner: Arc<Inner>,
}

struct Inner {
    node: NodeId,
    link: Link,
    own: Own,
    audience: Audience,
    cluster: Known,
}

/// What the directory says.
#[derive(Clone)]
pub struct Known {
    /// Who is expected to answer.
    pub roll: Roll,
    /// What is expected to be somewhere.
    pub placed: Placed,
}

/// What this node has.
#[derive(Clone)]
struct Own {
    streams: Streams,
    viewings: Viewings,
}

/// The members that are alive, by the directory.
fn roll_of(store: &Store) -> Roll {
    let store = store.clone();
    Arc::new(move || {
        let directory = store.cluster();
        let alive = directory.members.iter().filter(|member| member.is_alive());
        alive.map(|member| (member.id, member.profile.name.clone())).collect()
    })
}

/// The directory of `store`.
#[must_use]
pub fn known_of(store: &Store) -> Known {
    let directory = store.clone();
    let placed = move || {
        let directory = directory.cluster();
        let owned = directory.leases.iter().map(|lease| (&lease.actor, Some(lease.clone())));
        let vacant = directory.leases.vacancies().map(|(actor, _)| (actor, None));
        let streams = owned.chain(vacant).filter(|(actor, _)| actor.kind == ActorKind::Stream);
        let named =
            streams.filter_map(|(actor, lease)| Some((actor.key.as_str().parse().ok()?, lease)));
        named.collect()
    };
    Known { roll: roll_of(store), placed: Arc::new(placed) }
}

impl Reach {
    /// Answers what other nodes ask from now on.
    #[must_use]
    pub fn start(
        node: NodeId,
        link: &Link,
        streams: &Streams,
        viewings: &Viewings,
        audience: &Audience,
        cluster: Known,
    ) -> Self {
        let own = Own { streams: streams.clone(), viewings: viewings.clone() };
        wire::serve(link, &own);
        let (link, audience) = (link.clone(), audience.clone());
        Self { inner: Arc::new(Inner { node, link, own, audience, cluster }) }
    }

    /// Every stream that was live since its node started, by channel name.
    pub async fn streams(&self) -> Gathered<Vec<StreamInfo>> {
        let asked = StreamsAsked { channel: None };
        let own = self.inner.own.streams(&asked);
        let gathered = self.inner.gather(wire::STREAMS, &asked, ASK_MAX, own).await;
        let Answers { answers, silent } = gathered;
        let mut found = merge::streams(answers);
        merge::add_lost(&mut found, self.inner.lost(&silent));
        found.iter_mut().for_each(|stream| self.count(stream));
        Gathered { found, silent }
    }

    /// One stream; an offline one when no node has it.
    pub async fn stream(&self, channel: &ChannelName) -> Gathered<StreamInfo> {
        let asked = StreamsAsked { channel: Some(channel.clone()) };
        let own = self.inner.own.streams(&asked);
        let gathered = self.inner.gather(wire::STREAMS, &asked, ASK_MAX, own).await;
        let Answers { answers, silent } = gathered;
        let mut found = merge::streams(answers);
        merge::add_lost(&mut found, self.inner.lost(&silent));
        found.retain(|stream| stream.channel == *channel);
        let mut found = found.pop().unwrap_or_else(|| streams::offline(channel));
        self.count(&mut found);
        Gathered { found, silent }
    }

    /// Drops the publisher of a channel. False when no node that answered has one.
    pub async fn kick_stream(&self, channel: &ChannelName, reason: &str) -> Gathered<bool> {
        self.act(channel, Deed::Kick { reason: reason.to_owned() }).await
    }

    /// Ends a stream at once and forgets it, with its media, on all nodes. False when nobody published.
    pub async fn remove_stream(&self, channel: &ChannelName) -> Gathered<bool> {
        self.act(channel, Deed::Remove).await
    }

    /// Drops the publisher that came with `key`. False when no node that answered has one.
    pub async fn withdraw_key(&self, channel: &ChannelName, key: KeyId) -> Gathered<bool> {
        self.act(channel, Deed::WithdrawKey { key }).await
    }

    /// At most `limit` viewings, oldest first, each once.
    pub async fn viewings(
        &self,
        channel: Option<&ChannelName>,
        limit: usize,
    ) -> Gathered<Vec<Viewing>> {
        let asked = ViewingsAsked { channel: channel.cloned(), limit };
        let own = std::future::ready(self.inner.own.viewings(&asked));
        let gathered = self.inner.gather(wire::VIEWINGS, &asked, ASK_MAX, own).await;
        let Answers { answers, silent } = gathered;
        Gathered { found: merge::viewings(answers, limit), silent }
    }

    /// What a viewing watches, wherever it is.
    #[must_use]
    pub fn channel_of(&self, id: ViewingId) -> Option<ChannelName> {
        self.inner.own.viewings.channel_of(id)
    }

    /// Ends a viewing wherever it is. False when there is none of that id.
    pub async fn kick_viewing(&self, id: ViewingId) -> Gathered<bool> {
        let Some(told) = self.inner.audience.kick(id).await else {
            return Gathered { found: false, silent: Vec::new() };
        };
        let mut untold = self.inner.others();
        untold.retain(|node, _| !told.contains(node));
        Gathered { found: true, silent: untold.into_values().collect() }
    }

    async fn act(&self, channel: &ChannelName, deed: Deed) -> Gathered<bool> {
        let act = Act { channel: channel.clone(), deed };
        let own = self.inner.own.act(act.clone());
        let gathered = self.inner.gather(wire::ACT, &act, ACT_MAX, own).await;
        let found = gathered.answers.iter().any(|(_, done): &(NodeRef, bool)| *done);
        Gathered { found, silent: gathered.silent }
    }

    /// The viewers of all nodes: that of a stream only knows its own.
    fn count(&self, stream: &mut StreamInfo) {
        stream.viewers = self.inner.own.viewings.watching(&stream.channel);
    }
}

/// What came back.
struct Answers<T> {
    answers: Vec<(NodeRef, T)>,
    silent: Vec<String>,
}

impl Inner {
    /// Who is to be asked beside this node: who should be there, and who is.
    fn others(&self) -> BTreeMap<NodeId, String> {
        let peers = self.link.peers();
        let connected = peers.iter().filter(|peer| peer.control.is_some());
        let mut others: BTreeMap<NodeId, String> =
            connected.map(|peer| (peer.node, peer.node.to_string())).collect();
        others.append(&mut (self.cluster.roll)());
        others.remove(&self.node);
        others
    }

    /// Streams that are somewhere, or are waited for, and of which no node that answered can tell.
    fn lost(&self, silent: &[String]) -> Vec<(ChannelName, Option<(Lease, NodeRef)>)> {
        let roll = (self.cluster.roll)();
        let lost = |(channel, lease): (ChannelName, Option<Lease>)| {
            let Some(lease) = lease else { return Some((channel, None)) };
            let name = roll.get(&lease.node).filter(|name| silent.contains(name))?.clone();
            let node = NodeRef { id: lease.node, name };
            Some((channel, Some((lease, node))))
        };
        (self.cluster.placed)().into_iter().filter_map(lost).collect()
    }

    /// Asks all others at once while `own` finds this node's answer.
    async fn gather<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        question: &(impl Serialize + Sync),
        limit: Duration,
        own: impl Future<Output = T>,
    ) -> Answers<T> {
        let name =
            (self.cluster.roll)().remove(&self.node).unwrap_or_else(|| self.node.to_string());
        let asked = self.others().into_iter().map(|(id, name)| async move {
            let answer = self.link.ask(id, kind, question, limit).await;
            (NodeRef { id, name }, answer)
        });
        let others = iter(asked).buffer_unordered(AT_ONCE).collect::<Vec<_>>();
        let (mine, others) = tokio::join!(own, others);
        let mut answers = vec![(NodeRef { id: self.node, name }, mine)];
        let mut silent = Vec::new();
        for (node, answer) in others {
            match answer {
                Ok(answer) => answers.push((node, answer)),
                Err(error) => {
                    tracing::warn!(node = %node.id, kind, %error, "a node did not answer");
                    silent.push(node.name);
                }
            }
        }
        silent.sort();
        Answers { answers, silent }
    }
}

#[cfg(test)]
mod tests;
