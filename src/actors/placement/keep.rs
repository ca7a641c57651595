//! Follows the directory: leaves streams that another node took over, claims those again that the cluster took
//! away while this node was silent, keeps copies, and empties the node when operators want that.

use std::sync::Arc;
use std::time::Duration;

use weir_model::{ActorKind, ChannelName};

use super::Inner;
use crate::actors::clock;
use crate::actors::membership::Standing;
use crate::actors::streams::{StopReason, Streams};
use crate::actors::tasks::Handle;

/// How often it looks without news: copies age.
const LOOK: Duration = Duration::from_secs(1);
/// While the node is emptied: one publisher after the other, so that not all of them connect elsewhere at once.
const NEXT_AWAY: Duration = Duration::from_millis(250);

/// A publisher that is let in has its stream packaged within this; see `Streams::publish`.
const IDLE_MAX_MS: u64 = 15_000;

/// Runs until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let Some(streams) = own.streams.get().cloned() else { return };
    let mut changes = own.parts.store.cluster_changes();
    let mut incarnation = own.parts.membership.incarnation();
    loop {
        changes.mark_unchanged();
        incarnation.mark_unchanged();
        own.keep_leases(&streams).await;
        own.drop_idle_leases(&streams).await;
        own.keep_copies();
        own.tend_copies();
        own.tend_relays();
        let pause = if own.empty(&streams).await { NEXT_AWAY } else { LOOK };
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
            if removed {
                streams.lose(&channel).await;
                continue;
            }
            let lease = self.lease(&channel);
            if lease.as_ref().is_some_and(|lease| self.is_own(lease)) {
                continue;
            }
            if lease.is_some_and(|lease| lease.node != self.node) {
                self.tell_lost(&channel);
                streams.lose(&channel).await;
            } else if streams.is_on(&channel) {
                self.claim_again(streams, &channel).await;
            }
        }
    }

    /// Gives up streams that this node owns and does not package: their publisher went away while it was let in.
    async fn drop_idle_leases(&self, streams: &Streams) {
        for channel in self.idle_for_long(streams) {
            self.release(&channel).await;
        }
    }

    fn idle_for_long(&self, streams: &Streams) -> Vec<ChannelName> {
        let own = self.own_channels().into_iter().filter(|channel| !streams.has_actor(channel));
        let now_ms = u64::try_from(clock::monotonic_us() / 1000).unwrap_or_default();
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

    /// Nobody took the stream over while this node was silent: it goes on here.
    async fn claim_again(&self, streams: &Streams, channel: &ChannelName) {
        match self.claim(channel, None).await {
            Ok(Some(epoch)) => streams.renew(channel, epoch),
            Ok(None) => {
                self.tell_lost(channel);
                streams.lose(channel).await;
            }
            // Without a majority nobody else gets it either; asked again with the next look.
            Err(_) => {}
        }
    }

    fn tell_lost(&self, channel: &ChannelName) {
        let text = "another node owns the stream now";
        self.parts.events.emit("stream.moved", Some(channel), text, &[]);
    }

    /// Sends one publisher away when the node is being emptied; whether there may be more.
    async fn empty(&self, streams: &Streams) -> bool {
        if !self.is_draining() {
            return false;
        }
        for channel in streams.packaged() {
            if streams.kick(&channel, StopReason::Moved).await {
                return true;
            }
        }
        false
    }
}
