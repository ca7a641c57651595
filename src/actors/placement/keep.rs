//! Follows the directory: leaves streams that another node took over, claims those again that the cluster took
//! away while this node was silent, keeps copies, and empties the node when operators want that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use weir_cluster::placement::{self, Rules, View};
use weir_model::{ActorId, ActorKind, ChannelName};

use super::{Inner, now_ms, stream};
use crate::actors::membership::Standing;
use crate::actors::streams::{StopReason, Streams};
use crate::actors::tasks::Handle;

/// How often it looks without news: copies age.
const LOOK: Duration = Duration::from_secs(1);
/// While the node is emptied: the next publisher is sent away when the stream of the one before is elsewhere, so that
/// each finds nodes that have nothing else to begin. One that is not back by then is waited for no longer.
const AWAY_MAX_MS: u64 = 2_000;
/// How often that is looked at without news.
const LOOK_AWAY: Duration = Duration::from_millis(250);

/// A publisher that is let in has its stream packaged within this; see `Streams::publish`.
const IDLE_MAX_MS: u64 = 15_000;

/// Runs until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let Some(streams) = own.streams.get().cloned() else { return };
    let mut changes = own.parts.store.cluster_changes();
    let mut incarnation = own.parts.membership.incarnation();
    let mut away = None;
    loop {
        changes.mark_unchanged();
        incarnation.mark_unchanged();
        own.keep_leases(&streams).await;
        own.drop_idle_leases(&streams).await;
        own.keep_copies();
        own.tend_copies();
        own.seek_holders().await;
        own.end_vacancies().await;
        own.tend_relays();
        let pause = if own.empty(&streams, &mut away).await { LOOK_AWAY } else { LOOK };
        tokio::select! {
            _ = changes.changed() => {}
            _ = incarnation.changed() => {}
            () = tokio::time::sleep(pause) => {}
            () = handle.stopping() => return,
        }
    }
}

impl Inner {
    async fn keep_leases(&self, streams: &Streams) {
        let removed = *self.parts.membership.standing().borrow() == Standing::Removed;
        for channel in streams.packaged() {
            // Its show waits for the next publisher as one does that another node left.
            streams.give_up_dead(&channel);
            if removed {
                self.lose(streams, &channel, StopReason::Moved).await;
                continue;
            }
            let lease = self.lease(&channel);
            if lease.as_ref().is_some_and(|lease| self.is_own(lease)) {
                continue;
            }
            if lease.is_some_and(|lease| lease.node != self.node) {
                self.lose(streams, &channel, StopReason::Moved).await;
            } else if streams.is_on(&channel) {
                self.claim_again(streams, &channel).await;
            }
        }
    }

    /// Gives up streams that this node owns and of which nothing is on: their publisher went away while it was let in.
    async fn drop_idle_leases(&self, streams: &Streams) {
        for channel in self.idle_for_long(streams) {
            self.release(&channel).await;
        }
    }

    fn idle_for_long(&self, streams: &Streams) -> Vec<ChannelName> {
        let own = self.own_channels().into_iter().filter(|channel| streams.is_idle(channel));
        let now_ms = now_ms();
        let mut idle = self.idle.lock();
        let late = |channel: &ChannelName| idle.of(channel.clone(), now_ms) > IDLE_MAX_MS;
        let late = own.filter(late).collect();
        idle.end_look();
        late
    }

    fn own_channels(&self) -> Vec<ChannelName> {
        let directory = self.parts.store.cluster();
        let held = directory.leases.held_by(self.node).filter(|lease| self.is_own(lease));
        let streams = held.filter(|lease| lease.actor.kind == ActorKind::Stream);
        streams.filter_map(|lease| lease.actor.key.as_str().parse().ok()).collect()
    }

    /// Nobody took the stream over while this node was silent: it goes on here. What somebody else packaged since, and
    /// lost as well or ended, does not.
    async fn claim_again(&self, streams: &Streams, channel: &ChannelName) {
        let own = self.parts.stages.find(channel).and_then(|stage| stage.own());
        match self.claim(channel, own).await {
            Ok(Some(epoch)) => streams.renew(channel, epoch),
            Ok(None) => self.lose(streams, channel, StopReason::Moved).await,
            // Without a majority nobody else gets it either; asked again with the next look.
            Err(_) => {}
        }
    }

    /// Of this node's streams, those that another node can have now.
    fn have_a_home(&self, mut channels: Vec<ChannelName>) -> Vec<ChannelName> {
        let (directory, known) = (self.parts.store.cluster(), self.parts.membership.known());
        let (rules, now_ms) = (Rules::default(), known.now_ms);
        let view = View { directory: &directory, loads: &known.loads, rules: &rules, now_ms };
        let plan = placement::drain(&view, self.node);
        let homes: BTreeSet<ActorId> = plan
            .moves
            .into_iter()
            .filter(|step| step.to.is_some())
            .map(|step| step.actor)
            .collect();
        channels.retain(|channel| homes.contains(&stream(channel)));
        channels
    }

    /// Whether a stream that the node owns stays although the node is being emptied, for want of another place.
    pub(super) fn has_to_stay(&self, channel: &ChannelName) -> bool {
        self.have_a_home(vec![channel.clone()]).is_empty()
    }

    /// Sends the next publisher away when the node is being emptied; whether there may be more. `away` is whose turn
    /// it was last, and when.
    async fn empty(&self, streams: &Streams, away: &mut Option<(ChannelName, u64)>) -> bool {
        if !self.is_draining() {
            *away = None;
            return false;
        }
        let (now_ms, packaged) = (now_ms(), streams.packaged());
        let late = |since: u64| now_ms.saturating_sub(since) > AWAY_MAX_MS;
        if away.as_ref().is_some_and(|(last, since)| packaged.contains(last) && !late(*since)) {
            return true;
        }
        // What no other node can have stays, until the operator decides.
        let leaving = self.have_a_home(packaged);
        for channel in leaving {
            if streams.kick(&channel, StopReason::Moved).await {
                *away = Some((channel, now_ms));
                return true;
            }
        }
        false
    }
}
