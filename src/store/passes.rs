//! Who may watch what is sold, as the store's callers see it. Read from this node's memory, like all that the log
//! brings: an edge asks nobody else, and goes on with what it heard last when it hears nothing.

use tokio::sync::watch;
use weir_model::{Access, AccountId, Channel, ChannelName, Timestamp};
use weir_people::role::reach_of;
use weir_people::{Action, Reach};
use weir_session::{Door, Good, Pass, PassId, Renewal};

use super::catalog::{Catalog, Command, PassChange};
use super::record::{AccountRecord, ChannelRecord};
use super::{Store, StoreError};

impl ChannelRecord {
    /// What the ledger calls it: another channel, when one of that name was deleted and made again.
    pub(super) fn ledger_id(&self) -> u128 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.name.as_str().as_bytes()).update(&self.created_at.0.to_be_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        u128::from_be_bytes(id)
    }
}

impl Store {
    /// What the ledger calls a channel.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn ledger_id(&self, channel: &ChannelName) -> Result<u128, StoreError> {
        self.inner.held.catalog.read().channel(channel).map(ChannelRecord::ledger_id)
    }

    /// Every channel with what the ledger calls it.
    #[must_use]
    pub fn ledger_ids(&self) -> Vec<(u128, ChannelName)> {
        let catalog = self.inner.held.catalog.read();
        catalog.channels.values().map(|one| (one.ledger_id(), one.name.clone())).collect()
    }

    /// Whether a channel is everybody's.
    #[must_use]
    pub fn door(&self, channel: &ChannelName) -> Door {
        let catalog = self.inner.held.catalog.read();
        catalog.channels.get(channel).map_or(Door::Unheard, |channel| Door::of(&channel.access))
    }

    /// Whether `account` may watch a channel whose door is shut: the owner, staff, and whoever holds a pass.
    #[must_use]
    pub fn admits(&self, channel: &ChannelName, account: AccountId, now: Timestamp) -> bool {
        let catalog = self.inner.held.catalog.read();
        let Some(channel) = catalog.channels.get(channel) else { return false };
        let roles = || catalog.people.accounts.get(&account).map(AccountRecord::roles);
        let watches_all = |roles| reach_of(roles, Action::StreamRead) == Reach::Any;
        let good = || Good::that_opens(&channel.access, channel.ledger_id());
        let pass = || catalog.passes.of(&PassId { good: good()?, account }).copied();
        channel.owner == account
            || pass().is_some_and(|pass| pass.is_good(now))
            || roles().is_some_and(watches_all)
    }

    /// A pass.
    #[must_use]
    pub fn pass(&self, id: &PassId) -> Option<Pass> {
        self.inner.held.catalog.read().passes.of(id).copied()
    }

    /// All passes.
    #[must_use]
    pub fn passes(&self) -> Vec<Pass> {
        self.inner.held.catalog.read().passes.iter().copied().collect()
    }

    /// Those for one thing.
    #[must_use]
    pub fn passes_of(&self, good: Good) -> Vec<Pass> {
        self.inner.held.catalog.read().passes.of_good(good).copied().collect()
    }

    /// How many passes there are.
    #[must_use]
    pub fn pass_count(&self) -> usize {
        self.inner.held.catalog.read().passes.len()
    }

    /// Whoever stays a member.
    #[must_use]
    pub fn renewals(&self) -> Vec<Renewal> {
        self.inner.held.catalog.read().passes.renewals().cloned().collect()
    }

    /// Whether somebody stays a member.
    #[must_use]
    pub fn renews(&self, channel: &ChannelName, account: AccountId) -> bool {
        self.inner.held.catalog.read().passes.renewal(channel, account).is_some()
    }

    /// Changes whenever a pass did.
    #[must_use]
    pub fn pass_changes(&self) -> watch::Receiver<u64> {
        self.inner.held.passes.subscribe()
    }

    /// Says who may watch a channel.
    ///
    /// # Errors
    /// When there is none, or the access is none that a channel can have.
    pub async fn set_access(
        &self,
        channel: &ChannelName,
        access: Access,
    ) -> Result<Channel, StoreError> {
        let channel = channel.clone();
        self.change(Command::SetAccess { channel, access }).await?.channel()
    }

    /// Writes down what the ledger says of some passes: by this node as leader, or not at all.
    ///
    /// # Errors
    /// When this node does not lead, or there are too many.
    pub async fn follow_passes(&self, put: Vec<Pass>, gone: Vec<PassId>) -> Result<(), StoreError> {
        let proposer = self.inner.proposer.get().ok_or_else(super::without_log)?;
        let follow = Command::Passes(PassChange::Follow { put, gone });
        super::directory::decide(&**proposer, &follow).await?.number().map(drop)
    }

    /// Somebody stays a member.
    ///
    /// # Errors
    /// When the cluster takes no changes, or there are too many.
    pub async fn renew(&self, renewal: Renewal) -> Result<(), StoreError> {
        self.change(Command::Passes(PassChange::Renew(renewal))).await?.number().map(drop)
    }

    /// Somebody is a member no longer than he has paid for.
    ///
    /// # Errors
    /// When the cluster takes no changes.
    pub async fn lapse(&self, channel: &ChannelName, account: AccountId) -> Result<(), StoreError> {
        let channel = channel.clone();
        let lapse = Command::Passes(PassChange::Lapse { channel, account });
        self.change(lapse).await?.number().map(drop)
    }

    /// Waits a while until this node has heard of every one of these passes.
    pub async fn until_passes(&self, ids: &[PassId]) {
        let changes = self.inner.held.passes.subscribe();
        let has = |catalog: &Catalog| ids.iter().all(|id| catalog.passes.of(id).is_some());
        self.until_here(changes, has).await;
    }
}
