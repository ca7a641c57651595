//! What the store knows, in memory: the records and the indexes over them.
//!
//! Plans are pure: they look at the catalog and answer with changes, which the writer makes durable and
//! applies here. The index from a secret's hash to its key is built from the records when the store
//! opens, so it cannot disagree with them.

mod approvals;
mod cluster;
mod invites;
mod passes;
mod people;
mod requests;
mod sessions;
mod undo;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use weir_cluster::directory::Edit;
use weir_model::limits::{CHANNELS_MAX, KEYS_PER_CHANNEL_MAX};
use weir_model::{Channel, ChannelName, InviteId, KeyId, StreamKey, Timestamp};

use super::StoreError;
use super::entry::{Change, Entry};
use super::record::{
    Approval, ChannelRecord, ClusterRecord, Hex32, InviteRecord, KeyRecord, MsnRecord, NodeRecord,
};
use approvals::Approvals;
use passes::Passes;
use requests::Replies;

pub(super) use cluster::{Answer, Command};
pub(super) use invites::{Guest, NewInvite};
pub(super) use passes::PassChange;
pub(super) use people::{AccountChange, NewAccount, NewToken, People, no_account};
pub(super) use requests::Asked;
use sessions::Sessions;

/// What a plan answers: the changes to make and what the caller is told.
pub(super) type Planned<T> = Result<(Vec<Change>, T), StoreError>;

/// The records of a store with their indexes.
#[derive(Default)]
pub(super) struct Catalog {
    pub(super) node: Option<NodeRecord>,
    pub(super) people: People,
    /// Private sessions, with their indexes.
    pub(super) sessions: Sessions,
    /// Who bought what.
    pub(super) passes: Passes,
    /// What takes two people.
    pub(super) approvals: Approvals,
    pub(super) channels: BTreeMap<ChannelName, ChannelRecord>,
    pub(super) keys: BTreeMap<KeyId, KeyRecord>,
    by_hash: HashMap<Hex32, KeyId>,
    by_channel: BTreeMap<ChannelName, Vec<KeyId>>,
    pub(super) msn: BTreeMap<ChannelName, u64>,
    msn_floor: u64,
    cluster: Option<ClusterRecord>,
    /// Members and leases. Copied by the next change while somebody else holds it.
    pub(super) directory: Arc<weir_cluster::Directory>,
    /// Index of the newest entry that changed it; 0 before the first.
    pub(super) changed: u64,
    pub(super) invites: BTreeMap<InviteId, InviteRecord>,
    pub(super) place: Option<Vec<u8>>,
    replies: Replies,
}

/// What a new key is made of, beside its channel.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct NewKey {
    pub(super) id: KeyId,
    pub(super) hash: Hex32,
    pub(super) label: String,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl Catalog {
    /// Makes `change` here. It is the same change that the disk gets.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(entry) => self.put(entry),
            Change::RemoveChannel(name) => {
                self.channels.remove(name);
            }
            Change::RemoveKey(id) => self.forget_key(*id),
            Change::RemoveMsn(name) => {
                self.msn.remove(name);
            }
            Change::RemoveInvite(id) => {
                self.invites.remove(id);
            }
            Change::RemoveApproval(id) => {
                self.approvals.remove(id);
            }
            Change::RemoveAccount(id) => self.people.remove_account(*id),
            Change::RemoveSession(id) => self.sessions.remove(*id),
            Change::RemovePass(id) => self.passes.remove(id),
            Change::RemoveRenewal(channel, account) => {
                self.passes.remove_renewal(channel, *account);
            }
            Change::RemoveToken(id) => self.people.remove_token(*id),
            Change::RemovePart(key) => self.edit(Edit::Drop(key.clone())),
            Change::RemoveReply(number) => self.replies.remove(*number),
        }
    }

    fn put(&mut self, entry: &Entry) {
        match entry {
            Entry::Account(account) => self.people.put_account(account),
            Entry::Approval(one) => {
                self.approvals.insert(one.proposal.id, Approval::clone(one));
            }
            Entry::Session(session) => self.sessions.put(session),
            Entry::Pass(pass) => self.passes.put(*pass),
            Entry::Renewal(renewal) => self.passes.put_renewal(renewal),
            Entry::Token(token) => self.people.put_token(token),
            Entry::Channel(channel) => {
                self.channels.insert(channel.name.clone(), channel.clone());
            }
            Entry::Key(key) => {
                self.forget_key(key.id);
                self.by_hash.insert(key.hash, key.id);
                self.by_channel.entry(key.channel.clone()).or_default().push(key.id);
                self.keys.insert(key.id, key.clone());
            }
            Entry::Msn(channel, msn) => {
                self.msn.insert(channel.clone(), msn.next);
            }
            Entry::MsnFloor(msn) => self.msn_floor = msn.next,
            Entry::Node(node) => self.node = Some(node.clone()),
            Entry::Cluster(cluster) => self.cluster = Some(cluster.clone()),
            Entry::Forgotten(forgotten) => self.replies.forgotten = forgotten.index,
            Entry::Changed(changed) => self.changed = changed.index,
            Entry::Invite(invite) => {
                self.invites.insert(invite.id, invite.clone());
            }
            Entry::Part(part) => self.edit(Edit::Put(part.clone())),
            Entry::Place(place) => self.place = Some(place.place.clone()),
            Entry::Reply(reply) => self.replies.put(reply.clone()),
        }
    }

    fn edit(&mut self, edit: Edit) {
        Arc::make_mut(&mut self.directory).edit(edit);
    }

    fn forget_key(&mut self, id: KeyId) {
        let Some(old) = self.keys.remove(&id) else { return };
        self.by_hash.remove(&old.hash);
        if let Some(ids) = self.by_channel.get_mut(&old.channel) {
            ids.retain(|one| *one != id);
            if ids.is_empty() {
                self.by_channel.remove(&old.channel);
            }
        }
    }

    /// A channel.
    pub(super) fn channel(&self, name: &ChannelName) -> Result<&ChannelRecord, StoreError> {
        self.channels.get(name).ok_or_else(|| no_channel(name))
    }

    /// The keys of a channel, oldest first.
    pub(super) fn keys_of(&self, channel: &ChannelName) -> Vec<&KeyRecord> {
        let ids = self.by_channel.get(channel).map(Vec::as_slice).unwrap_or_default();
        let mut keys: Vec<&KeyRecord> = ids.iter().filter_map(|id| self.keys.get(id)).collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        keys
    }

    /// The key whose secret has `hash`.
    pub(super) fn key_by_hash(&self, hash: &Hex32) -> Option<&KeyRecord> {
        self.by_hash.get(hash).and_then(|id| self.keys.get(id))
    }

    fn key(&self, channel: &ChannelName, id: KeyId) -> Result<&KeyRecord, StoreError> {
        self.channel(channel)?;
        let found = self.keys.get(&id).filter(|key| key.channel == *channel);
        found.ok_or_else(|| StoreError::NotFound {
            what: format!("key {id} of channel `{channel}`"),
        })
    }

    /// Makes a channel.
    pub(super) fn plan_channel(&self, channel: ChannelRecord) -> Planned<Channel> {
        if self.channels.contains_key(&channel.name) {
            return Err(StoreError::Exists { what: format!("channel `{}`", channel.name) });
        }
        if self.channels.len() >= CHANNELS_MAX {
            return Err(StoreError::Limit {
                what: "channels of one node".into(),
                limit: CHANNELS_MAX,
            });
        }
        let answer = Channel::from(&channel);
        Ok((vec![Change::Put(Entry::Channel(channel))], answer))
    }

    /// Deletes a channel and its keys; its numbers raise the floor.
    pub(super) fn plan_deletion(&self, name: &ChannelName) -> Planned<Channel> {
        let answer = Channel::from(self.channel(name)?);
        let mut changes = self.plan_without_sessions(name)?;
        changes.extend(self.without_passes(name));
        let keys = self.keys_of(name).into_iter().map(|key| Change::RemoveKey(key.id));
        changes.extend(keys);
        if let Some(&next) = self.msn.get(name) {
            let next = next.max(self.msn_floor);
            changes.push(Change::Put(Entry::MsnFloor(MsnRecord { next })));
            changes.push(Change::RemoveMsn(name.clone()));
        }
        changes.push(Change::RemoveChannel(name.clone()));
        Ok((changes, answer))
    }

    /// Makes a key. A full channel forgets its oldest revoked key; it is refused as unknown from then on.
    pub(super) fn plan_key(&self, channel: &ChannelName, new: NewKey) -> Planned<StreamKey> {
        self.plan_new_key(channel, new, None)
    }

    /// `leaving` is a key that is revoked in the same step and may be forgotten when every other one works.
    fn plan_new_key(
        &self,
        channel: &ChannelName,
        new: NewKey,
        leaving: Option<KeyId>,
    ) -> Planned<StreamKey> {
        self.channel(channel)?;
        if new.expires_at.is_some_and(|end| end <= new.now) {
            return Err(StoreError::Invalid("the key would have expired already".into()));
        }
        let mut changes = Vec::new();
        let keys = self.keys_of(channel);
        if keys.len() >= KEYS_PER_CHANNEL_MAX {
            let limit = KEYS_PER_CHANNEL_MAX;
            let full = StoreError::Limit { what: "keys of one channel".into(), limit };
            let revoked = keys.iter().filter(|key| key.revoked_at.is_some());
            let oldest = revoked.min_by_key(|key| key.revoked_at).map(|key| key.id);
            changes.push(Change::RemoveKey(oldest.or(leaving).ok_or(full)?));
        }
        let record = KeyRecord {
            id: new.id,
            channel: channel.clone(),
            label: new.label,
            created_at: new.now,
            expires_at: new.expires_at,
            revoked_at: None,
            hash: new.hash,
        };
        let answer = StreamKey::from(&record);
        changes.push(Change::Put(Entry::Key(record)));
        Ok((changes, answer))
    }

    /// Revokes a key; a revoked one stays as it is.
    pub(super) fn plan_revocation(
        &self,
        channel: &ChannelName,
        id: KeyId,
        now: Timestamp,
    ) -> Planned<StreamKey> {
        let mut key = self.key(channel, id)?.clone();
        if key.revoked_at.is_some() {
            return Ok((Vec::new(), StreamKey::from(&key)));
        }
        key.revoked_at = Some(now);
        let answer = StreamKey::from(&key);
        Ok((vec![Change::Put(Entry::Key(key))], answer))
    }

    /// Revokes a key and makes one in its place, with its label and end unless `new` names others.
    pub(super) fn plan_rotation(
        &self,
        channel: &ChannelName,
        id: KeyId,
        label: Option<String>,
        mut new: NewKey,
    ) -> Planned<StreamKey> {
        let old = self.key(channel, id)?;
        if old.revoked_at.is_some() {
            return Err(StoreError::Conflict(format!(
                "key {id} was revoked already; create a new key instead"
            )));
        }
        new.label = label.unwrap_or_else(|| old.label.clone());
        new.expires_at = new.expires_at.or(old.expires_at);
        let (mut changes, _) = self.plan_revocation(channel, id, new.now)?;
        let (made, answer) = self.plan_new_key(channel, new, Some(id))?;
        changes.extend(made);
        Ok((changes, answer))
    }

    /// Reserves `count` numbers of a channel.
    pub(super) fn plan_reservation(&self, channel: &ChannelName, count: u64) -> Planned<u64> {
        self.channel(channel)?;
        let first = self.msn.get(channel).copied().unwrap_or(self.msn_floor);
        let next = first.checked_add(count).ok_or_else(|| StoreError::Limit {
            what: "segments of one channel".into(),
            limit: usize::MAX,
        })?;
        Ok((vec![Change::Put(Entry::Msn(channel.clone(), MsnRecord { next }))], first))
    }
}

fn no_channel(name: &ChannelName) -> StoreError {
    StoreError::NotFound { what: format!("channel `{name}`") }
}

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
