//! How this node becomes a stream's owner, and how it lets another one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use weir_cluster::Applied;
use weir_cluster::directory::{Command, Refusal as Refused};
use weir_cluster::lease::{LeaseCommand, LeaseDone, LeaseRefusal};
use weir_media::replica::Tip;
use weir_model::{ChannelName, Epoch, KeyId, Lease, NodeId, Role};

use super::held::{Held, TIP};
use super::{Inner, Taken, Yielded, now_ms, stream};
use crate::actors::clock;
use crate::actors::streams::{PublishRefusal, StopReason, Streams};
use crate::link::request::{CallError, Kind, Refusal, encoded, parsed};
use crate::store::StoreError;

/// Request to an owner: a publisher of its stream came here; may the show go on here? Nothing changes by it.
const YIELD: &str = "stream.yield";
/// Request to whoever the lease was taken from: close what is open; where does the show stand?
const HAND_OVER: &str = "stream.hand_over";
/// An owner that lives answers within a round trip and what its actor is busy with; the publisher waits meanwhile,
/// and so do viewers.
const YIELD_MAX: Duration = Duration::from_millis(400);
/// Who gives a stream away answers within a round trip and the end of a segment. One that does not closes it all the
/// same, as soon as it reads in the directory who owns it now.
const HAND_OVER_MAX: Duration = Duration::from_millis(400);
/// The directory here follows the log this closely.
const SEEN_MAX: Duration = Duration::from_secs(2);
/// Nodes that take the same stream from each other settle it within a few rounds.
const ROUNDS_MAX: usize = 5;

/// What a publisher is told that does not come where its stream was sent.
const SENT_PAST: PublishRefusal =
    PublishRefusal::Unavailable("the stream is being moved to another node; use that one");

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Ask {
    channel: ChannelName,
    #[serde(default)]
    epoch: Epoch,
    #[serde(default)]
    key: Option<KeyId>,
}

impl Ask {
    /// A question to anybody about a channel.
    pub(super) fn about(channel: &ChannelName) -> Self {
        Self { channel: channel.clone(), epoch: Epoch::default(), key: None }
    }
}

/// What an owner says that lives.
enum Asked {
    Yields(Yielded),
    /// It is the owner no more; the directory here will say so.
    Past,
}

/// How a stream was found that this node may claim.
#[derive(Debug)]
enum Found {
    /// Nobody packages it; where its show goes on.
    Left(Option<Tip>),
    /// Its owner goes on with it until the claim is granted.
    Owned,
}

/// Answers other nodes.
pub(super) fn serve(inner: &Arc<Inner>) {
    let own = Arc::clone(inner);
    inner.parts.link.on_request(YIELD, Kind::default(), move |caller, body| {
        let own = Arc::clone(&own);
        Box::pin(async move { own.answer_yield(caller.node, &body).await })
    });
    let own = Arc::clone(inner);
    inner.parts.link.on_request(HAND_OVER, Kind::default(), move |_, body| {
        let own = Arc::clone(&own);
        Box::pin(async move { own.answer_hand_over(&body).await })
    });
    let own = Arc::clone(inner);
    inner.parts.link.on_request(TIP, Kind::default(), move |_, body| {
        let answer = parsed(&body).and_then(|ask: Ask| encoded(&own.held(&ask.channel)));
        Box::pin(std::future::ready(answer))
    });
}

impl Inner {
    pub(super) async fn take(
        &self,
        channel: &ChannelName,
        key: KeyId,
    ) -> Result<Taken, PublishRefusal> {
        self.check_duty()?;
        if self.is_sent_past(channel, self.node) {
            return Err(SENT_PAST);
        }
        let mut is_newest = false;
        for _ in 0..ROUNDS_MAX {
            let lease = self.lease(channel);
            if lease.as_ref().is_none_or(|lease| lease.node == self.node) && !is_newest {
                // A directory that is behind the log would begin a new show in the middle of one.
                is_newest = self.parts.membership.newest(SEEN_MAX).await;
                if is_newest {
                    continue;
                }
                return Err(PublishRefusal::Unavailable("the cluster has no majority now"));
            }
            let other = lease.as_ref().filter(|lease| lease.node != self.node);
            let found = match other {
                None => Some(Found::Left(self.left_behind(channel, lease.as_ref()).await)),
                Some(other) => self.found_at(other, channel, key).await?,
            };
            let Some(found) = found else { continue };
            tracing::debug!(%channel, ?found, "claiming");
            let supersedes = lease.as_ref().map(|lease| lease.epoch);
            let Some(epoch) = self.claim(channel, supersedes).await? else { continue };
            // Not before: whoever could not claim has disturbed nobody, and the owner goes on with the show.
            let tip = match (found, other) {
                (Found::Left(tip), _) => tip,
                (Found::Owned, Some(other)) => self.take_over(channel, other).await,
                (Found::Owned, None) => None,
            };
            tracing::debug!(%channel, %epoch, ?tip, "claimed");
            // In this order, so that what was copied is always somebody's.
            self.parts.stages.for_packager(channel, epoch);
            if let Some(puller) = self.puller.get() {
                puller.forget(channel);
            }
            return Ok(Taken { epoch, tip });
        }
        Err(PublishRefusal::Unavailable("other nodes take the stream at the same time; try again"))
    }

    /// Whether this node may take publishers at all.
    fn check_duty(&self) -> Result<(), PublishRefusal> {
        let directory = self.parts.store.cluster();
        let Some(member) = directory.members.of(self.node) else {
            return Err(PublishRefusal::Unavailable("it is not in its cluster yet"));
        };
        if !member.profile.roles.contains(Role::Ingest) {
            return Err(PublishRefusal::Unavailable("it is no ingest node"));
        }
        if !self.parts.membership.may_act() {
            return Err(PublishRefusal::Unavailable("the cluster does not count on it now"));
        }
        if !member.takes_work() {
            return Err(PublishRefusal::Unavailable("it takes nothing new; use another node"));
        }
        Ok(())
    }

    /// Asks the owner whether its show may go on here, and copies what it has so far; none when there is news to wait
    /// for.
    async fn found_at(
        &self,
        owner: &Lease,
        channel: &ChannelName,
        key: KeyId,
    ) -> Result<Option<Found>, PublishRefusal> {
        let asked = self.ask_to_yield(owner, channel, key);
        let (answer, holders) = self.beside_others(asked, channel, owner.node).await;
        match answer {
            Some(Asked::Yields(Yielded::Busy)) => Err(PublishRefusal::Busy),
            Some(Asked::Yields(Yielded::Sent)) => Err(SENT_PAST),
            Some(Asked::Yields(Yielded::Free(tip))) => {
                if let Some(tip) = tip {
                    let held = Held { epoch: owner.epoch, tip };
                    self.catch_up(channel, vec![(owner.node, held)]).await;
                }
                Ok(Some(Found::Owned))
            }
            Some(Asked::Past) => {
                self.wait_for_news(owner.epoch).await;
                Ok(None)
            }
            None => Ok(Some(Found::Left(self.catch_up(channel, holders).await))),
        }
    }

    /// Makes whoever the lease was taken from close what is open; where its show goes on.
    async fn take_over(&self, channel: &ChannelName, before: &Lease) -> Option<Tip> {
        let asked = self.ask_to_hand_over(before, channel);
        let (answer, holders) = self.beside_others(asked, channel, before.node).await;
        let held = |tip| (before.node, Held { epoch: before.epoch, tip });
        match answer {
            Some(tip) => self.catch_up(channel, vec![held(tip?)]).await,
            None => self.catch_up(channel, holders).await,
        }
    }

    /// None when it does not answer: it is dead, or cut off.
    async fn ask_to_yield(
        &self,
        lease: &Lease,
        channel: &ChannelName,
        key: KeyId,
    ) -> Option<Asked> {
        let ask = Ask { channel: channel.clone(), epoch: lease.epoch, key: Some(key) };
        match self.parts.link.ask(lease.node, YIELD, &ask, YIELD_MAX).await {
            Ok(yielded) => Some(Asked::Yields(yielded)),
            Err(CallError::Refused(refusal)) if refusal.code == "not_owner" => Some(Asked::Past),
            Err(error) => {
                tracing::warn!(%channel, %error, "the stream's owner does not answer; taking over");
                None
            }
        }
    }

    /// None when it does not answer.
    async fn ask_to_hand_over(&self, lease: &Lease, channel: &ChannelName) -> Option<Option<Tip>> {
        let ask = Ask { channel: channel.clone(), epoch: lease.epoch, key: None };
        let answer = self.parts.link.ask(lease.node, HAND_OVER, &ask, HAND_OVER_MAX).await;
        answer
            .inspect_err(|error| {
                tracing::warn!(%channel, %error, "the stream's last owner does not say where it stands");
            })
            .ok()
    }

    async fn answer_yield(&self, asker: NodeId, body: &[u8]) -> Result<Bytes, Refusal> {
        let ask: Ask = parsed(body)?;
        let not_owner = || Refusal::new("not_owner", "this node does not own that stream");
        let lease = self.lease(&ask.channel).filter(|lease| self.is_own(lease));
        if lease.is_none_or(|lease| lease.epoch != ask.epoch) {
            return Err(not_owner());
        }
        let (streams, key) = self.streams.get().zip(ask.key).ok_or_else(not_owner)?;
        if self.is_sent_past(&ask.channel, asker) {
            return encoded(&Yielded::Sent);
        }
        if streams.is_being_settled(&ask.channel) {
            // Somebody is let in here at this moment; two nodes would take the stream from each other in turns.
            return encoded(&Yielded::Busy);
        }
        // An owner without an actor holds at most what its window shows.
        let held = || Yielded::Free(self.held(&ask.channel).map(|held| held.tip));
        let answer = streams.yields(&ask.channel, key).await.unwrap_or_else(held);
        encoded(&answer)
    }

    /// Another node was granted the stream, which the directory here may not say yet.
    async fn answer_hand_over(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        let ask: Ask = parsed(body)?;
        let epoch = self.parts.stages.find(&ask.channel).and_then(|stage| stage.own());
        if epoch.is_some_and(|own| own > ask.epoch) {
            return Err(Refusal::new("not_owner", "this node owns that stream anew"));
        }
        if let Some(streams) = self.streams.get().filter(|_| epoch.is_some()) {
            self.lose(streams, &ask.channel, StopReason::TakenOver).await;
        }
        encoded(&self.held(&ask.channel).map(|held| held.tip))
    }

    /// Closes what this node packages of a stream that another one owns.
    pub(super) async fn lose(&self, streams: &Streams, channel: &ChannelName, reason: StopReason) {
        if let Some(stage) = self.parts.stages.find(channel).filter(|stage| stage.own().is_some()) {
            self.left.lock().insert(channel.clone(), (stage, now_ms()));
        }
        if streams.lose(channel, reason).await {
            let text = "another node owns the stream now";
            self.parts.events.emit("stream.moved", Some(channel), text, &[]);
        }
    }

    pub(super) fn is_vacant(&self, channel: &ChannelName) -> bool {
        self.parts.store.cluster().leases.vacancy(&stream(channel)).is_some()
    }

    /// None when somebody else was quicker.
    pub(super) async fn claim(
        &self,
        channel: &ChannelName,
        supersedes: Option<Epoch>,
    ) -> Result<Option<Epoch>, PublishRefusal> {
        let incarnation = *self.parts.membership.incarnation().borrow();
        let (actor, node, at) = (stream(channel), self.node, clock::now());
        let claim = LeaseCommand::Claim { actor, node, incarnation, supersedes, at };
        let claimed = self.parts.store.change_cluster(Command::Lease(claim)).await;
        match claimed {
            Ok(Applied::Lease(LeaseDone::Granted { lease, .. })) => {
                self.wait_for(|epoch| epoch >= lease.epoch.0).await;
                Ok(Some(lease.epoch))
            }
            Ok(_) => {
                self.parts.membership.newest(SEEN_MAX).await;
                Ok(self.lease(channel).filter(|lease| self.is_own(lease)).map(|own| own.epoch))
            }
            Err(StoreError::Cluster(Refused::Lease(
                LeaseRefusal::Held(_) | LeaseRefusal::Stale { .. },
            ))) => Ok(None),
            Err(error) => {
                tracing::warn!(%channel, %error, "the stream cannot be owned here");
                Err(match error {
                    StoreError::Cluster(Refused::Lease(LeaseRefusal::NotAlive)) => {
                        PublishRefusal::Unavailable("the cluster does not count on it now")
                    }
                    StoreError::Unavailable(_) | StoreError::Unanswered(_) => {
                        PublishRefusal::Unavailable("the cluster has no majority now")
                    }
                    _ => PublishRefusal::Unavailable("the cluster refused it"),
                })
            }
        }
    }

    /// Gives up the lease of a stream whose show is over.
    pub(super) async fn release(&self, channel: &ChannelName) {
        let Some(lease) = self.lease(channel).filter(|lease| self.is_own(lease)) else { return };
        let release = LeaseCommand::Release { actor: stream(channel), epoch: lease.epoch };
        if let Err(error) = self.parts.store.change_cluster(Command::Lease(release)).await {
            tracing::warn!(%channel, %error, "a lease stays although its show is over");
        }
    }

    async fn wait_for_news(&self, epoch: Epoch) {
        let newer = |seen: u64| seen > epoch.0;
        self.wait_for(newer).await;
    }

    async fn wait_for(&self, seen: impl Fn(u64) -> bool) {
        let mut changes = self.parts.store.cluster_changes();
        let there = changes.wait_for(|index| seen(*index));
        if tokio::time::timeout(SEEN_MAX, there).await.is_err() {
            tracing::warn!("the directory here is behind the log");
        }
    }
}
