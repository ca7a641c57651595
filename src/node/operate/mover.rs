//! Sends actors away from their nodes. A stream goes where its publisher goes, so moving one means telling the
//! publisher to connect again, which the owner alone can do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use weir_cluster::lease::Verdict;
use weir_model::{ActorId, ActorKind, ApiError, ChannelName, Epoch, ErrorCode, Lease, NodeId};

use crate::actors::streams::{StopReason, Streams};
use crate::link::Link;
use crate::link::request::{CallError, Kind, Refusal, parsed};
use crate::store::Store;

/// Request: the owner sends an actor away.
const AWAY: &str = "stream.away";
/// The owner only has to drop a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Makes actors leave their nodes.
pub(in crate::node) trait Mover: Send + Sync {
    /// Makes the actor of `lease` leave its owner, for `to` if that can be chosen. Done when the owner has let it
    /// go, which may be before another node has it.
    fn send_away<'a>(
        &'a self,
        lease: &'a Lease,
        to: Option<NodeId>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// Sends streams away by dropping their publishers, here or by way of their owners.
#[derive(Clone)]
pub(in crate::node) struct Away {
    store: Store,
    streams: Streams,
    link: Link,
    send: SendTo,
}

/// Says at the owner which node a stream is to wait for.
pub(in crate::node) type SendTo = Arc<dyn Fn(&ChannelName, NodeId) + Send + Sync>;

/// What the owner is asked.
#[derive(serde::Serialize, serde::Deserialize)]
struct Leave {
    actor: ActorId,
    /// Under which it is owned, as the asking node believes.
    epoch: Epoch,
    /// Who is to have it; an older node does not say.
    #[serde(default)]
    to: Option<NodeId>,
}

impl Away {
    /// Answers the requests of other nodes from now on.
    pub(in crate::node) fn start(store: Store, streams: Streams, link: Link, send: SendTo) -> Self {
        let away = Self { store, streams, link, send };
        let owner = away.clone();
        away.link.on_request(AWAY, Kind::default(), move |_, body| {
            let owner = owner.clone();
            Box::pin(async move { owner.leave(&parsed(&body)?).await.map(|()| Bytes::new()) })
        });
        away
    }

    /// Lets go of what this node owns.
    async fn leave(&self, Leave { actor, epoch, to }: &Leave) -> Result<(), Refusal> {
        let node = self.store.node().id;
        let verdict = self.store.cluster().leases.check(actor, *epoch, node);
        if !matches!(verdict, Verdict::Owner { .. }) {
            return Err(Refusal::new(
                "not_owner",
                format!("{actor} has another owner now; look again"),
            ));
        }
        let channel = actor.key.as_str().parse::<ChannelName>();
        let Ok(channel) = channel.map_err(drop).and_then(|name| match actor.kind {
            ActorKind::Stream => Ok(name),
            _ => Err(()),
        }) else {
            return Err(Refusal::new(
                "immovable",
                format!("{actor} cannot be moved while it runs"),
            ));
        };
        if self.streams.kick(&channel, StopReason::Moved).await {
            if let Some(to) = to {
                (self.send)(&channel, *to);
            }
            return Ok(());
        }
        Err(Refusal::new("no_publisher", format!("nobody publishes to {channel} now")))
    }
}

impl Mover for Away {
    fn send_away<'a>(
        &'a self,
        lease: &'a Lease,
        to: Option<NodeId>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let leave = Leave { actor: lease.actor.clone(), epoch: lease.epoch, to };
            let conflict = |refusal: Refusal| ApiError::new(ErrorCode::Conflict, refusal.message);
            if lease.node == self.store.node().id {
                return self.leave(&leave).await.map_err(conflict);
            }
            match self.link.ask(lease.node, AWAY, &leave, PATIENCE).await {
                Ok(()) => Ok(()),
                Err(CallError::Refused(refusal)) => Err(conflict(refusal)),
                Err(error @ (CallError::Deadline(..) | CallError::Broken(..))) => {
                    Err(ApiError::new(ErrorCode::Timeout, error.to_string()))
                }
                Err(error) => Err(ApiError::new(ErrorCode::Unavailable, error.to_string())),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use weir_model::Timestamp;

    use super::*;
    use crate::actors::events::Events;
    use crate::actors::placement::Alone;
    use crate::actors::stages::Stages;
    use crate::actors::streams::Context;
    use crate::actors::tasks::Tasks;
    use crate::actors::viewings::{Limits, Viewings};
    use crate::link::tests::Cluster;
    use crate::node::config::Config;

    #[tokio::test]
    async fn an_actor_that_has_another_owner_is_not_sent_away() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Timestamp(0)).unwrap();
        let (events, tasks) = (Events::new(), Tasks::new());
        let viewings = Viewings::new(events.clone(), Limits { total: 1, per_address: 1 });
        let config = Config::default().stream.streams();
        let streams = Streams::start(Context {
            stages: Stages::new(config.window),
            owner: Arc::new(Alone),
            config,
            events,
            store: store.clone(),
            tasks: tasks.clone(),
            viewings,
        })
        .await
        .unwrap();
        let node = Cluster::new().node(1);
        let away = Away::start(store.clone(), streams, node.link.clone(), Arc::new(|_, _| {}));
        let lease = Lease {
            actor: "stream/demo".parse().unwrap(),
            node: store.node().id,
            incarnation: weir_model::Incarnation(1),
            epoch: Epoch(7),
            since: Timestamp(0),
        };
        let refused = away.send_away(&lease, None).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Conflict);
        assert!(refused.message.contains("has another owner now"), "{refused}");
        let elsewhere = Lease { node: NodeId(9), ..lease };
        let refused = away.send_away(&elsewhere, None).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable, "nobody is linked: {refused}");
        tasks.shutdown(Duration::from_secs(5)).await;
    }
}
