//! Where a show stands at the nodes that hold it, and how a copy here gets what only others have.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use weir_media::replica::Tip;
use weir_model::{ChannelName, Epoch, Lease, NodeId};

use super::Inner;
use super::own::Ask;
use crate::actors::stages::Stage;

/// Request to anybody: where does the show stand that you hold?
pub(super) const TIP: &str = "stream.tip";
/// Who holds a copy answers from memory.
const TIP_MAX: Duration = Duration::from_millis(300);
/// A node that starts again is linked with all that live within this: they notice by their next keep-alive that the
/// old connection is dead. The publisher waits meanwhile, because without a copy another show would begin.
const LINKS_MAX: Duration = Duration::from_millis(2500);
/// What is missing of a window comes within this, or becomes gaps.
const COPY_MAX: Duration = Duration::from_millis(700);

/// Where a held show stands.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Held {
    pub(super) epoch: Epoch,
    pub(super) tip: Tip,
}

/// Nodes that hold a show, and what each has of it.
pub(super) type Holders = Vec<(NodeId, Held)>;

impl Inner {
    /// What one node answers; when it says nothing, who else holds the show. All are asked at the same time.
    pub(super) async fn beside_others<T>(
        &self,
        answer: impl Future<Output = Option<T>>,
        channel: &ChannelName,
        node: NodeId,
    ) -> (Option<T>, Holders) {
        match select(pin!(answer), pin!(self.held_by_others(channel, node))).await {
            Either::Left((None, others)) => (None, others.await),
            Either::Left((answer, _)) => (answer, Vec::new()),
            Either::Right((holders, answer)) => (answer.await, holders),
        }
    }

    /// What is held here of a show that is on.
    pub(super) fn held(&self, channel: &ChannelName) -> Option<Held> {
        let tip = |stage: &Stage| stage.public.window.tip();
        let here = self.parts.stages.find(channel).and_then(|stage| {
            let copied = self.puller.get().and_then(|puller| puller.epoch(channel));
            let epoch = stage.own().or_else(|| copied.map(Epoch)).unwrap_or_else(|| stage.epoch());
            Some(Held { epoch, tip: tip(&stage)? })
        });
        let left = self.left(channel).and_then(|stage| {
            let (epoch, tip) = (stage.epoch(), tip(&stage)?);
            Some(Held { epoch, tip })
        });
        [left, here].into_iter().flatten().max_by_key(|held| (held.epoch, held.tip.place()))
    }

    /// A show whose owner is gone, or was this node before it started again.
    pub(super) async fn left_behind(
        &self,
        channel: &ChannelName,
        lease: Option<&Lease>,
    ) -> Option<Tip> {
        if lease.is_none() && !self.is_vacant(channel) {
            return None;
        }
        let holders = tokio::time::timeout(LINKS_MAX, self.held_by_anybody(channel)).await;
        self.catch_up(channel, holders.unwrap_or_default()).await
    }

    /// Who holds a channel's show; a node that has just started is not linked with everybody yet.
    async fn held_by_anybody(&self, channel: &ChannelName) -> Holders {
        let mut changes = self.parts.link.changes();
        loop {
            changes.mark_unchanged();
            // Looked at before: who is linked while the others are asked was not asked.
            let asks_all = self.is_linked_with_all();
            let holders = self.held_by_others(channel, self.node).await;
            if !holders.is_empty() || asks_all || changes.changed().await.is_err() {
                return holders;
            }
        }
    }

    /// With every node that the cluster counts on.
    fn is_linked_with_all(&self) -> bool {
        let (linked, directory) = (self.parts.link.connected(), self.parts.store.cluster());
        let linked = |node: NodeId| node == self.node || linked.contains(&node);
        directory.members.iter().filter(|member| member.is_alive()).all(|member| linked(member.id))
    }

    /// Who holds a channel's show as it was last, but for its owner; whoever has most of it first.
    pub(super) async fn held_by_others(&self, channel: &ChannelName, owner: NodeId) -> Holders {
        let ask = &Ask::about(channel);
        let link = &self.parts.link;
        let others = link.connected().into_iter().filter(|node| *node != owner);
        let asked = others.map(|node| async move {
            let held: Option<Held> = link.ask(node, TIP, ask, TIP_MAX).await.ok()?;
            Some((node, held?))
        });
        let mut holders: Holders = join_all(asked).await.into_iter().flatten().collect();
        let newest = holders.iter().map(|(_, held)| held.epoch).max();
        holders.retain(|(_, held)| Some(held.epoch) == newest);
        holders.sort_by_key(|(_, held)| std::cmp::Reverse(held.tip.place()));
        holders
    }

    /// Brings the copy here up to what other nodes hold; where the show goes on.
    pub(super) async fn catch_up(&self, channel: &ChannelName, holders: Holders) -> Option<Tip> {
        let copied = async {
            for (node, held) in &holders {
                if self.lacks(channel, &held.tip) {
                    self.copy_from(channel, *node, held).await;
                }
            }
        };
        // What is not here by then becomes gaps.
        let _ = tokio::time::timeout(COPY_MAX, copied).await;
        let told = holders.into_iter().map(|(_, held)| held.tip).reduce(Tip::with);
        Tip::of_both(told, self.tip_here(channel))
    }

    /// Until everything that a node holds is here.
    async fn copy_from(&self, channel: &ChannelName, node: NodeId, held: &Held) {
        let _detour = Detour::new(self, channel, (node, held.epoch));
        let Some((stage, _demand)) = self.copy(channel) else { return };
        let mut changes = stage.public.window.follow();
        // Not by `wait_for`, which looks while it holds up whoever changes the window.
        while self.lacks(channel, &held.tip) && changes.changed().await.is_ok() {}
    }

    fn tip_here(&self, channel: &ChannelName) -> Option<Tip> {
        self.parts.stages.find(channel)?.public.window.tip()
    }

    fn lacks(&self, channel: &ChannelName, other: &Tip) -> bool {
        self.tip_here(channel).is_none_or(|own| own.lacks(other))
    }
}

/// While a copy is brought up to date from somebody who does not own the stream.
struct Detour<'a> {
    inner: &'a Inner,
    channel: &'a ChannelName,
}

impl<'a> Detour<'a> {
    fn new(inner: &'a Inner, channel: &'a ChannelName, source: (NodeId, Epoch)) -> Self {
        inner.detours.lock().insert(channel.clone(), source);
        Self { inner, channel }
    }
}

impl Drop for Detour<'_> {
    fn drop(&mut self) {
        self.inner.detours.lock().remove(self.channel);
    }
}
