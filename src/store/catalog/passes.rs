//! Who may watch what is sold: passes with their index, who stays a member, and what each change of them does.

use std::collections::BTreeMap;

use weir_model::{Access, AccountId, Channel, ChannelName};
use weir_session::limits::{PASSES_AT_ONCE_MAX, PASSES_MAX, RENEWALS_MAX};
use weir_session::{Good, Pass, PassId, Renewal};

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::record::ChannelRecord;
use super::{Catalog, Planned};

/// Passes and renewals, each under its name.
#[derive(Default)]
pub(in crate::store) struct Passes {
    by_id: BTreeMap<PassId, Pass>,
    renewals: BTreeMap<(ChannelName, AccountId), Renewal>,
    /// How many changes there were since the store was opened.
    pub(in crate::store) changes: u64,
}

/// A change of who bought what.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum PassChange {
    /// The ledger says something else than before of these.
    Follow { put: Vec<Pass>, gone: Vec<PassId> },
    /// A member asks that it goes on.
    Renew(Renewal),
    /// A member stays one until what is paid for is over.
    Lapse { channel: ChannelName, account: AccountId },
}

impl PassChange {
    /// Whether it takes something away, or what was paid for needs it: made also while the disk is nearly full.
    pub(super) const fn is_upkeep(&self) -> bool {
        !matches!(self, Self::Renew(_))
    }
}

impl Passes {
    pub(super) fn put(&mut self, pass: Pass) {
        self.changes += 1;
        self.by_id.insert(pass.id, pass);
    }

    pub(super) fn remove(&mut self, id: &PassId) {
        self.changes += 1;
        self.by_id.remove(id);
    }

    pub(super) fn put_renewal(&mut self, renewal: &Renewal) {
        self.changes += 1;
        self.renewals.insert((renewal.channel.clone(), renewal.account), renewal.clone());
    }

    pub(super) fn remove_renewal(&mut self, channel: &ChannelName, account: AccountId) {
        self.changes += 1;
        self.renewals.remove(&(channel.clone(), account));
    }

    /// One pass.
    pub(in crate::store) fn of(&self, id: &PassId) -> Option<&Pass> {
        self.by_id.get(id)
    }

    /// All of them.
    pub(in crate::store) fn iter(&self) -> impl Iterator<Item = &Pass> {
        self.by_id.values()
    }

    /// How many there are.
    pub(in crate::store) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Those for one thing, by account.
    pub(in crate::store) fn of_good(&self, good: Good) -> impl Iterator<Item = &Pass> {
        let end = |account| PassId { good, account: AccountId(account) };
        self.by_id.range(end(0)..=end(u64::MAX)).map(|(_, pass)| pass)
    }

    /// Whoever stays a member, by channel.
    pub(in crate::store) fn renewals(&self) -> impl Iterator<Item = &Renewal> {
        self.renewals.values()
    }

    /// What somebody agreed to who stays a member.
    pub(in crate::store) fn renewal(
        &self,
        channel: &ChannelName,
        account: AccountId,
    ) -> Option<&Renewal> {
        self.renewals.get(&(channel.clone(), account))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let passes = self.by_id.values().copied().map(Entry::Pass);
        passes.chain(self.renewals.values().cloned().map(Entry::Renewal))
    }
}

impl Catalog {
    /// Says who may watch a channel.
    pub(super) fn plan_access(&self, name: &ChannelName, access: Access) -> Planned<Channel> {
        access.check().map_err(|error| StoreError::Invalid(error.to_string()))?;
        let known = self.channel(name)?;
        let next = ChannelRecord { access, ..known.clone() };
        let answer = Channel::from(&next);
        let changes = if next == *known { vec![] } else { vec![Change::Put(Entry::Channel(next))] };
        Ok((changes, answer))
    }

    /// Answers with how many passes or renewals changed.
    pub(super) fn plan_passes(&self, change: PassChange) -> Planned<u64> {
        let changes = match change {
            PassChange::Follow { put, gone } => self.plan_following(put, &gone)?,
            PassChange::Renew(renewal) => self.plan_renewal(renewal)?,
            PassChange::Lapse { channel, account } => {
                let known = self.passes.renewal(&channel, account);
                known.map(|_| Change::RemoveRenewal(channel.clone(), account)).into_iter().collect()
            }
        };
        let count = changes.len() as u64;
        Ok((changes, count))
    }

    fn plan_following(&self, put: Vec<Pass>, gone: &[PassId]) -> Result<Vec<Change>, StoreError> {
        if put.len() + gone.len() > PASSES_AT_ONCE_MAX {
            let (what, limit) = ("passes of one change".into(), PASSES_AT_ONCE_MAX);
            return Err(StoreError::Limit { what, limit });
        }
        let gone: Vec<&PassId> = gone.iter().filter(|id| self.passes.of(id).is_some()).collect();
        let new = put.iter().filter(|pass| self.passes.of(&pass.id).is_none()).count();
        if new > 0 && self.passes.len() + new > PASSES_MAX + gone.len() {
            return Err(StoreError::Limit { what: "passes".into(), limit: PASSES_MAX });
        }
        let put = put.into_iter().filter(|pass| self.passes.of(&pass.id) != Some(pass));
        let removed = gone.into_iter().map(|id| Change::RemovePass(*id));
        Ok(removed.chain(put.map(|pass| Change::Put(Entry::Pass(pass)))).collect())
    }

    fn plan_renewal(&self, renewal: Renewal) -> Result<Vec<Change>, StoreError> {
        self.channel(&renewal.channel)?;
        let known = self.passes.renewal(&renewal.channel, renewal.account);
        if known == Some(&renewal) {
            return Ok(Vec::new());
        }
        if known.is_none() && self.passes.renewals.len() >= RENEWALS_MAX {
            return Err(StoreError::Limit { what: "renewals".into(), limit: RENEWALS_MAX });
        }
        Ok(vec![Change::Put(Entry::Renewal(renewal))])
    }

    /// Takes what was bought of a channel that is deleted.
    pub(super) fn without_passes(&self, name: &ChannelName) -> Vec<Change> {
        let Some(channel) = self.channels.get(name) else { return Vec::new() };
        let passes = self.passes.of_good(Good::Channel(channel.ledger_id()));
        let renewals = self.passes.renewals.keys().filter(|(channel, _)| channel == name);
        let renewals =
            renewals.map(|(name, account)| Change::RemoveRenewal(name.clone(), *account));
        passes.map(|pass| Change::RemovePass(pass.id)).chain(renewals).collect()
    }
}

#[cfg(test)]
mod tests;
