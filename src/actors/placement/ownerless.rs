//! Shows whose owner is gone. A copy that begins here meanwhile comes from whoever holds the show; when the grace
//! period is over, the directory forgets that somebody owned it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use weir_cluster::lease::LeaseCommand;
use weir_cluster::{Command, Directory};
use weir_model::{ActorId, ActorKind, ChannelName, Epoch, NodeId};

use super::{Inner, now_ms};
use crate::link::fetch::Incoming;

/// An owner that was silent may answer again: from then on it is asked, once this has passed, milliseconds.
const LEAD_MS: u64 = 5_000;
/// Copies end when the grace period is over at their own node; the directory forgets the show this much later,
/// milliseconds.
const FORGET_MS: i64 = 2_000;
/// Vacancies that are ended with one look.
const ENDED_AT_ONCE: usize = 64;

/// Whoever holds a show whose owner is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    node: NodeId,
    epoch: Epoch,
    since_ms: u64,
}

impl Inner {
    /// Where a channel is to be pulled from while its owner is gone. Whoever owns it later is asked itself.
    pub(super) fn lead(&self, channel: &ChannelName) -> Option<(NodeId, u64)> {
        let lead = self.leads.lock().get(channel).copied()?;
        let later = self.lease(channel).is_some_and(|lease| lease.epoch > lead.epoch);
        (!later).then_some((lead.node, lead.epoch.0))
    }

    /// Finds somebody who holds each show of which there is nothing here and whose owner is gone.
    pub(super) async fn seek_holders(&self) {
        let Some(puller) = self.puller.get() else { return };
        let incoming = puller.incoming();
        self.tend_leads(&incoming);
        let cold = incoming.iter().filter(|one| one.epoch.is_none() && self.is_without_source(one));
        let sought = cold.map(|one| async move {
            let owner = self.elsewhere(&one.channel).map_or(self.node, |lease| lease.node);
            let holders = self.held_by_others(&one.channel, owner).await;
            let (node, held) = holders.into_iter().next()?;
            Some((one.channel.clone(), Lead { node, epoch: held.epoch, since_ms: now_ms() }))
        });
        let found: Vec<(ChannelName, Lead)> =
            join_all(sought).await.into_iter().flatten().collect();
        self.leads.lock().extend(found);
    }

    /// Nobody owns it, or who owns it is not to be reached.
    fn is_without_source(&self, one: &Incoming) -> bool {
        match self.elsewhere(&one.channel) {
            None => self.is_vacant(&one.channel),
            Some(lease) => one.problem.is_some() || !self.is_linked_with(lease.node),
        }
    }

    fn is_linked_with(&self, node: NodeId) -> bool {
        self.parts.link.connected().contains(&node)
    }

    fn tend_leads(&self, incoming: &[Incoming]) {
        let (linked, now_ms) = (self.parts.link.connected(), now_ms());
        let is_pulled = |channel: &ChannelName| incoming.iter().any(|one| one.channel == *channel);
        let owner_is_back = |channel: &ChannelName, lead: &Lead| {
            let owner = self.elsewhere(channel).is_some_and(|lease| linked.contains(&lease.node));
            owner && now_ms.saturating_sub(lead.since_ms) > LEAD_MS
        };
        let mut leads = self.leads.lock();
        leads.retain(|channel, lead| {
            is_pulled(channel) && linked.contains(&lead.node) && !owner_is_back(channel, lead)
        });
    }

    /// The directory forgets shows whose publisher did not come back. One node of the cluster sees to it.
    pub(super) async fn end_vacancies(&self) {
        for (actor, epoch) in self.late_vacancies() {
            let release = LeaseCommand::Release { actor, epoch };
            if let Err(error) = self.parts.store.change_cluster(Command::Lease(release)).await {
                // Asked again with the next look.
                tracing::debug!(%error, "a show that is over stays in the directory");
                return;
            }
        }
    }

    fn late_vacancies(&self) -> Vec<(ActorId, Epoch)> {
        let waiting = waiting(&self.parts.store.cluster(), self.node);
        let (grace_ms, now_ms) = (self.parts.config.grace_ms.saturating_add(FORGET_MS), now_ms());
        let grace_ms = u64::try_from(grace_ms).unwrap_or_default();
        let mut vacant = self.vacant.lock();
        let mut late = Vec::new();
        for (actor, epoch) in waiting {
            if vacant.of((actor.clone(), epoch), now_ms) > grace_ms && late.len() < ENDED_AT_ONCE {
                late.push((actor, epoch));
            }
        }
        vacant.end_look();
        late
    }
}

/// The streams without an owner that `node` has to see to: all of them, at the first node that is alive.
fn waiting(directory: &Directory, node: NodeId) -> BTreeMap<ActorId, Epoch> {
    let first = directory.members.iter().find(|member| member.is_alive());
    if first.is_none_or(|member| member.id != node) {
        return BTreeMap::new();
    }
    let streams = directory.leases.vacancies().filter(|(actor, _)| actor.kind == ActorKind::Stream);
    streams.map(|(actor, vacancy)| (actor.clone(), vacancy.epoch)).collect()
}
