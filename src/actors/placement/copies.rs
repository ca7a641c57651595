//! Windows of other nodes' streams, kept here by copying: for viewers, and so that they survive their owner.

use std::sync::{Arc, Weak};

use weir_cluster::replication::{self, Asking};
use weir_media::rendition::Timing;
use weir_media::replica::{Left, Shade};
use weir_model::{ChannelName, NodeId};

use super::{Inner, Watched, now_ms};
use crate::actors::stages::Stage;
use crate::link::fetch::{Demand, Replica, Replicas, Sources};
use crate::link::replicate::{Offer, Originals};

/// What this node packaged until another one owned it is kept for so long, milliseconds: that one asks where it stood
/// and for the rest of it, and viewers here go on behind it. Longer than a take-over takes and than a player pauses.
const LEFT_KEPT_MS: u64 = 5_000;

/// The placement as the link sees it; gone once the node stops.
pub(super) struct Far(pub(super) Weak<Inner>);

impl Sources for Far {
    fn source(&self, channel: &ChannelName) -> Option<(NodeId, u64)> {
        let inner = self.0.upgrade()?;
        if let Some((node, epoch)) = inner.detours.lock().get(channel) {
            return Some((*node, epoch.0));
        }
        let owner = || inner.elsewhere(channel).map(|lease| (lease.node, lease.epoch.0));
        inner.lead(channel).or_else(owner)
    }
}

impl Replicas for Far {
    fn replica(&self, channel: &ChannelName, timing: &Timing) -> Arc<dyn Replica> {
        match self.0.upgrade() {
            Some(inner) => inner.parts.stages.for_copy(channel, timing),
            None => Arc::new(Nowhere),
        }
    }

    fn left(&self, channel: &ChannelName) -> Option<(Left, u64)> {
        let stage = self.0.upgrade()?.parts.stages.find(channel)?;
        stage.leave().map(|(left, epoch)| (left, epoch.0))
    }

    fn renew(&self, channel: &ChannelName) {
        if let Some(inner) = self.0.upgrade() {
            let _ = inner.parts.stages.renewed(channel);
        }
    }
}

impl Originals for Far {
    fn offer(&self, channel: &ChannelName) -> Option<Offer> {
        let inner = self.0.upgrade()?;
        let stage = inner.parts.stages.find(channel);
        let window = |stage: &Stage| Arc::clone(&stage.public.window);
        if let Some((stage, epoch)) = stage.as_ref().and_then(|stage| Some((stage, stage.own()?))) {
            // Before that its window does not say where the show stands.
            let begun = stage.has_begun();
            return begun.then(|| Offer {
                window: window(stage),
                epoch: epoch.0,
                path: Vec::new(),
            });
        }
        let puller = inner.puller.get()?;
        if let Some((stage, (epoch, path))) = stage.as_ref().zip(puller.path(channel)) {
            return Some(Offer { window: window(stage), epoch, path });
        }
        if let Some(left) = inner.left(channel) {
            return Some(Offer { window: window(&left), epoch: left.epoch().0, path: Vec::new() });
        }
        let stage = stage?;
        // Whoever takes the show over wants what is held here, although nobody feeds it any more.
        let epoch = puller.epoch(channel).unwrap_or_else(|| stage.epoch().0);
        stage.shows().then(|| Offer { window: window(&stage), epoch, path: Vec::new() })
    }

    fn shade(&self, channel: &ChannelName) -> Shade {
        let Some(inner) = self.0.upgrade() else { return Shade::default() };
        let told = inner.parts.stages.find(channel).map(|stage| stage.public.window.shade());
        told.unwrap_or_default().with(inner.parts.store.shade(channel))
    }

    fn place(&self, channel: &ChannelName, node: NodeId, asking: Asking) -> Option<NodeId> {
        self.0.upgrade()?.place(channel, node, asking)
    }

    fn left(&self, channel: &ChannelName, node: NodeId) -> bool {
        self.0.upgrade().is_some_and(|inner| inner.leaves(channel, node))
    }

    fn hold(&self, channel: &ChannelName, node: NodeId) -> Option<Demand> {
        self.0.upgrade()?.hold(channel, node)
    }
}

/// What copies are given to while the node stops.
struct Nowhere;

impl Replica for Nowhere {
    fn step(&self, steps: &mut Vec<weir_media::replica::Step>) {
        steps.clear();
    }

    fn take_shade(&self, _: Shade) {}
}

impl Inner {
    pub(super) fn watch(&self, channel: &ChannelName) -> Option<Watched> {
        let found = self.parts.stages.find(channel);
        let here = |stage: Arc<Stage>| Watched::from(Arc::clone(&stage.public));
        if let Some(own) = found.as_ref().filter(|stage| stage.own().is_some()) {
            return Some(here(Arc::clone(own)));
        }
        // Others may hold a show whose owner is gone.
        let is_on = self.elsewhere(channel).is_some() || self.is_vacant(channel);
        if !is_on && !found.as_ref().is_some_and(|stage| stage.shows()) {
            return found.map(here);
        }
        let (stage, demand) = self.copy(channel)?;
        Some(Watched { public: Arc::clone(&stage.public), _demand: Some(demand) })
    }

    /// What was packaged here of a stream until a moment ago.
    pub(super) fn left(&self, channel: &ChannelName) -> Option<Arc<Stage>> {
        self.left.lock().get(channel).map(|(stage, _)| Arc::clone(stage))
    }

    /// Wants a copy of a channel, whose stage begins anew unless it is copied already. None while a packager here feeds
    /// it.
    pub(super) fn copy(&self, channel: &ChannelName) -> Option<(Arc<Stage>, Demand)> {
        let puller = self.puller.get()?;
        let _one = self.copying.lock();
        let copied = puller.is_pulled(channel);
        let found = self.parts.stages.find(channel);
        if found.as_ref().is_some_and(|stage| stage.own().is_some()) {
            // The directory names another owner, and this node has not given the stream up yet: it would take nothing.
            return None;
        }
        let found = found.filter(|stage| copied || stage.shows());
        let stage = found.unwrap_or_else(|| self.parts.stages.renewed(channel));
        Some((stage, puller.want(channel)?))
    }

    /// Keeps the copies that this node has to keep, whoever watches.
    pub(super) fn keep_copies(&self) {
        let mut kept = std::mem::take(&mut *self.kept.lock());
        let shows = |channel: &ChannelName| {
            self.parts.stages.find(channel).is_some_and(|stage| stage.shows())
        };
        let goes_on = |channel: &ChannelName| kept.contains_key(channel) && shows(channel);
        let directory = self.parts.store.cluster();
        let copies = self.parts.config.copies;
        let wanted = replication::kept_at(self.node, &directory, copies, goes_on);
        drop(directory);
        kept.retain(|channel, _| wanted.contains(channel));
        for channel in wanted {
            if !kept.contains_key(&channel)
                && let Some((_, demand)) = self.copy(&channel)
            {
                kept.insert(channel, demand);
            }
        }
        *self.kept.lock() = kept;
    }

    /// Frees copies that nobody wants any more and ends those whose owner does not come back.
    pub(super) fn tend_copies(&self) {
        let Some(puller) = self.puller.get() else { return };
        let now_ms = now_ms();
        let grace_ms = u64::try_from(self.parts.config.grace_ms).unwrap_or_default();
        self.left.lock().retain(|_, (_, since)| now_ms.saturating_sub(*since) <= LEFT_KEPT_MS);
        let mut orphans = self.orphans.lock();
        for stage in self.parts.stages.all().into_iter().filter(|stage| stage.own().is_none()) {
            let channel = &stage.public.channel;
            let _one = self.copying.lock();
            let alone = self.elsewhere(channel).is_none();
            if stage.shows() && alone {
                if orphans.of(channel.clone(), now_ms) > grace_ms {
                    stage.end_copy();
                }
            } else if !puller.is_pulled(channel) && self.left(channel).is_none() {
                self.parts.stages.remove_copy(&stage);
            }
        }
        orphans.end_look();
    }
}
