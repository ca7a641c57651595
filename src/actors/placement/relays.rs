//! Copies of copies: an owner that feeds as many nodes as it is to names some of them to the others.

use weir_cluster::replication::{Asking, Root, keeps_its_pull, sites};
use weir_model::{ChannelName, NodeId};

use super::{Inner, now_ms};
use crate::link::fetch::Demand;

impl Inner {
    /// As owner: whom `node` is to pull a channel from.
    pub(super) fn place(
        &self,
        channel: &ChannelName,
        node: NodeId,
        asking: Asking,
    ) -> Option<NodeId> {
        self.owns_stage(channel).then_some(())?;
        let sites = sites(&self.parts.store.cluster().members, self.parts.config.fan_out);
        let root = Root { stream: channel.as_str(), owner: self.node, sites: &sites };
        let mut all = self.branches.lock();
        let branches = all.entry(channel.clone()).or_default();
        Some(branches.place(root, node, asking, now_ms()))
    }

    /// Nodes that feed more others than they are to, in the trees of streams that are made here.
    pub(super) fn over_fan_out(&self) -> usize {
        self.branches.lock().values().map(|branches| branches.plan().over_budget.len()).sum()
    }

    /// As owner: `node` pulls a channel no more; whether it was counted on.
    pub(super) fn leaves(&self, channel: &ChannelName, node: NodeId) -> bool {
        self.branches.lock().get_mut(channel).is_some_and(|branches| branches.leave(node))
    }

    /// Keeps a copy for `node`, which its owner sent here.
    pub(super) fn hold(&self, channel: &ChannelName, node: NodeId) -> Option<Demand> {
        let puller = self.puller.get()?;
        let asks_each_other = puller.asks(channel) == Some(node);
        if asks_each_other && keeps_its_pull((self.node, None), (node, None)) {
            return None;
        }
        if self.owns_stage(channel) || self.elsewhere(channel).is_none() || self.is_draining() {
            return None;
        }
        self.copy(channel).map(|(_, demand)| demand)
    }

    /// Forgets the trees of streams that are made elsewhere now, or nowhere.
    pub(super) fn tend_relays(&self) {
        self.branches.lock().retain(|channel, _| self.owns_stage(channel));
    }

    fn owns_stage(&self, channel: &ChannelName) -> bool {
        self.parts.stages.find(channel).is_some_and(|stage| stage.own().is_some())
    }
}
