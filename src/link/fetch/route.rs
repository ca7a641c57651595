//! Where a channel is pulled from: at its owner, or at the node that the owner names because it feeds enough others
//! itself.
//!
//! Who was named asks the owner again now and then, and at once when nothing comes any more: the owner alone knows
//! whether there is more. So a feeder that died, lags, or is wanted no more is left for another one, and what the
//! other one has is gone on with. An owner that does not answer changes nothing: what comes goes on coming.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use weir_cluster::replication::AVOID_MS;
use weir_model::NodeId;

use super::Inner;
use super::pull::{ANSWER_MAX, Pull, RETRY_MIN};
use crate::link::replicate::wire::{Elsewhere, SOURCE, Source};
use crate::link::request::CallError;

/// Nothing came from a feeder that is not the owner for twice a part and this, milliseconds: the owner is asked
/// whether there is more. Each node on the way waits a little longer than the one before it, so that the one next to
/// the hole moves and not all behind it.
const SILENCE_MS: u64 = 500;
const SILENCE_PER_HOP_MS: u64 = 500;
/// Between two questions while nothing comes, milliseconds.
const ASK_AGAIN_MS: u64 = 1_000;
/// Between two questions while all is well, milliseconds; an owner forgets who does not ask three times.
const RENEW_MS: u64 = weir_cluster::replication::FORGET_MS / 3;
/// A feeder that begins itself is waited for as long, milliseconds: a cold start takes some 300.
const BEGINS_MS: u64 = 1_000;
/// Nodes that are avoided at once; beyond them the oldest is tried again.
const AVOIDED_MAX: usize = 8;
/// A feeder answers a subscription from memory; there are others.
pub(super) const RELAY_ANSWER_MAX: Duration = Duration::from_secs(1);
/// The longest that a viewer waits at a node whose feeder fell silent, with parts of 200 ms: noticed at the last of
/// the hops, and some for the owner's answer and the next feeder's.
#[cfg(test)]
pub(crate) const STALL_MAX: Duration =
    Duration::from_millis(400 + SILENCE_MS + 4 * SILENCE_PER_HOP_MS + 600);

/// Why there is no subscription.
#[derive(Debug)]
pub(super) enum Denied {
    /// The node begins itself, does not know of the newest owner yet, or is connected with this one only in part.
    NotYet(String),
    /// It cannot be pulled from.
    No(String),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotYet(problem) | Self::No(problem)) = self;
        f.write_str(problem)
    }
}

impl From<CallError> for Denied {
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Refused(refusal)
                if ["not_here", "stale_epoch", "no_media"].contains(&&*refusal.code) =>
            {
                Self::NotYet(error.to_string())
            }
            _ => Self::No(error.to_string()),
        }
    }
}

/// What the owner said of one channel.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Who said it, under which epoch.
    owner: Option<(NodeId, u64)>,
    /// The node it named; none while it feeds this one itself.
    relay: Option<NodeId>,
    avoided: Vec<(NodeId, u64)>,
    part_ms: u64,
    /// When something new came.
    news: u64,
    asked: u64,
    /// Feeders that were left for another one.
    pub(super) left: u64,
}

impl Route {
    /// Forgets what another owner said.
    fn begin(&mut self, owner: NodeId, epoch: u64) {
        if self.owner != Some((owner, epoch)) {
            *self = Self { owner: Some((owner, epoch)), left: self.left, ..Self::default() };
        }
    }

    pub(super) fn subscribed(&mut self, part_target_us: i64, now: u64) {
        self.part_ms = u64::try_from(part_target_us / 1000).unwrap_or(0);
        (self.news, self.asked) = (now, now);
    }

    /// A part came.
    pub(super) const fn news(&mut self, now: u64) {
        self.news = now;
    }

    /// Whether the owner is to be asked again, and then whether because nothing comes.
    pub(super) fn due(&mut self, hops: usize, now: u64) -> Option<bool> {
        let further = u64::try_from(hops.saturating_sub(2)).unwrap_or(0);
        let patience = 2 * self.part_ms + SILENCE_MS + SILENCE_PER_HOP_MS * further;
        let silent = now.saturating_sub(self.news) > patience;
        let pause = if silent { ASK_AGAIN_MS.min(patience) } else { RENEW_MS };
        let due = now.saturating_sub(self.asked) >= pause;
        self.asked = if due { now } else { self.asked };
        due.then_some(silent)
    }

    /// Whether `relay` is no longer the node that the owner names.
    pub(super) fn leads_past(&self, relay: NodeId) -> bool {
        self.relay != Some(relay)
    }

    pub(super) fn avoided(&mut self, now: u64) -> BTreeSet<NodeId> {
        self.avoided.retain(|(_, since)| now.saturating_sub(*since) < AVOID_MS);
        self.avoided.iter().map(|(node, _)| *node).collect()
    }

    fn avoid(&mut self, node: NodeId, now: u64) {
        self.left += 1;
        self.avoided.retain(|(known, _)| *known != node);
        if self.avoided.len() >= AVOIDED_MAX {
            self.avoided.remove(0);
        }
        self.avoided.push((node, now));
    }
}

impl Inner {
    /// Subscribes where the owner says; the node that feeds this one from now on.
    pub(super) async fn join(
        self: &Arc<Self>,
        pull: &Arc<Pull>,
        owner: NodeId,
        epoch: u64,
    ) -> Result<NodeId, String> {
        pull.state.lock().route.begin(owner, epoch);
        self.inherit(pull);
        // Each round but the last finds a node that is avoided from then on.
        for _ in 0..=AVOIDED_MAX {
            let known = pull.state.lock().route.relay;
            let named = match known {
                Some(relay) => self.named(pull, owner, epoch, false).await.unwrap_or(Some(relay)),
                None => {
                    let asked = self.subscribe(pull, owner, epoch, false).await;
                    let instead = asked.map_err(|denied| denied.to_string())?;
                    if instead.is_none() {
                        return Ok(owner);
                    }
                    instead
                }
            };
            pull.state.lock().route.relay = named;
            let Some(relay) = named else { continue };
            if pull.state.lock().route.avoided(self.now()).contains(&relay) {
                return Err(format!(
                    "{relay}, which does not feed this node, is the only one named"
                ));
            }
            match self.join_relay(pull, relay, epoch).await {
                Ok(()) => return Ok(relay),
                Err(problem) => self.avoid(pull, relay, problem.to_string()),
            }
        }
        Err("none of the nodes that the owner named feeds this one".into())
    }

    /// Subscribes at a node that the owner named, once it has begun itself.
    async fn join_relay(
        self: &Arc<Self>,
        pull: &Arc<Pull>,
        relay: NodeId,
        epoch: u64,
    ) -> Result<(), Denied> {
        let since = self.now();
        loop {
            match self.subscribe(pull, relay, epoch, true).await {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => return Err(Denied::No(format!("{relay} names others itself"))),
                Err(Denied::NotYet(_)) if self.now().saturating_sub(since) < BEGINS_MS => {
                    tokio::time::sleep(RETRY_MIN).await;
                }
                Err(denied) => return Err(denied),
            }
        }
    }

    fn avoid(&self, pull: &Pull, relay: NodeId, problem: String) {
        tracing::debug!(channel = %pull.channel, %relay, problem, "cannot be pulled from");
        pull.failed(problem);
        pull.state.lock().route.avoid(relay, self.now());
    }

    /// Asks the owner whom to pull from; none for itself.
    async fn named(
        &self,
        pull: &Pull,
        owner: NodeId,
        epoch: u64,
        silent: bool,
    ) -> Result<Option<NodeId>, CallError> {
        let asked = {
            let mut state = pull.state.lock();
            let (from, avoid) = (state.assembly.places(), state.route.avoided(self.now()));
            let (channel, at) = (pull.channel.clone(), state.route.relay);
            Source { channel, epoch, at, from, silent, avoid }
        };
        let named: Elsewhere = self.link.ask(owner, SOURCE, &asked, ANSWER_MAX).await?;
        Ok(Some(named.instead).filter(|named| *named != owner))
    }

    /// Asks the owner again while `relay` feeds this node; a change of mind wakes the pull.
    pub(super) fn renew(
        self: &Arc<Self>,
        pull: &Arc<Pull>,
        relay: NodeId,
        owner: (NodeId, u64),
        silent: bool,
    ) {
        let (own, pull) = (Arc::clone(self), Arc::clone(pull));
        self.link.mesh.world.short(async move {
            let Ok(named) = own.named(&pull, owner.0, owner.1, silent).await else { return };
            let mut state = pull.state.lock();
            let asked = state.route.owner == Some(owner) && state.route.relay == Some(relay);
            if asked && named != Some(relay) {
                tracing::debug!(channel = %pull.channel, %relay, ?named, silent, "left for another node");
                state.route.avoid(relay, own.now());
                state.route.relay = named;
                pull.wake.notify_one();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(now: u64) -> Route {
        let mut route = Route::default();
        route.begin(NodeId(1), 5);
        route.relay = Some(NodeId(2));
        route.subscribed(200_000, now);
        route
    }

    #[test]
    fn the_owner_is_asked_now_and_then_and_soon_when_nothing_comes() {
        let mut route = fed(0);
        for now in (0..RENEW_MS).step_by(100) {
            route.news(now);
            assert_eq!(route.due(2, now), None);
        }
        assert_eq!(route.due(2, RENEW_MS), Some(false));
        let silent = RENEW_MS - 100 + 400 + SILENCE_MS;
        assert_eq!(route.due(2, silent), None);
        assert_eq!(route.due(2, silent + 101), Some(true));
        assert_eq!(route.due(2, silent + 102), None, "not all the time");
        assert_eq!(route.due(2, silent + 101 + ASK_AGAIN_MS), Some(true));
    }

    #[test]
    fn who_is_further_from_the_owner_waits_longer() {
        let (mut near, mut far) = (fed(0), fed(0));
        let silent = 400 + SILENCE_MS + 1;
        assert_eq!((near.due(2, silent), far.due(3, silent)), (Some(true), None));
        assert_eq!(far.due(3, silent + SILENCE_PER_HOP_MS), Some(true));
    }

    #[test]
    fn what_one_owner_said_does_not_bind_the_next_and_a_node_is_avoided_for_a_while() {
        let mut route = fed(0);
        (0..20).for_each(|node| route.avoid(NodeId(node), node));
        assert_eq!(route.avoided(20).len(), AVOIDED_MAX);
        assert!(route.avoided(20).contains(&NodeId(19)));
        route.begin(NodeId(1), 5);
        assert!(!route.leads_past(NodeId(2)));
        assert!(route.avoided(20 + AVOID_MS).is_empty());
        route.avoid(NodeId(2), 0);
        route.begin(NodeId(1), 6);
        assert!(route.leads_past(NodeId(2)) && route.avoided(1).is_empty());
    }
}
