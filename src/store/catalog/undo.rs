//! What a failed write needs of the catalog: the way back, and all of it as records.

use weir_cluster::directory::PartKey;
use weir_model::{AccountId, InviteId, TokenId};

use super::super::entry::{Change, Entry};
use super::super::record::{ChangedRecord, MsnRecord, PlaceRecord, RecordError};
use super::super::sled::Raw;
use super::Catalog;

impl Catalog {
    /// The change that takes `change` back, seen before it is applied. None for what is never taken away:
    /// the first record of the node.
    pub(in crate::store) fn undo(&self, change: &Change) -> Option<Change> {
        let put = |entry| Some(Change::Put(entry));
        match change {
            Change::Put(Entry::Account(new)) => self.undo_account(new.id),
            Change::Put(Entry::Node(_)) => put(Entry::Node(self.node.clone()?)),
            Change::Put(Entry::MsnFloor(_)) => {
                put(Entry::MsnFloor(MsnRecord { next: self.msn_floor }))
            }
            Change::Put(Entry::Channel(new)) => self.undo_channel(&new.name),
            Change::RemoveChannel(name) => self.undo_channel(name),
            Change::Put(Entry::Key(new)) => self.undo_key(new.id),
            Change::RemoveKey(id) => self.undo_key(*id),
            Change::Put(Entry::Cluster(_)) => put(Entry::Cluster(self.cluster.clone()?)),
            Change::Put(Entry::Changed(_)) => {
                put(Entry::Changed(ChangedRecord { index: self.changed }))
            }
            Change::Put(Entry::Invite(new)) => self.undo_invite(new.id),
            Change::RemoveInvite(id) => self.undo_invite(*id),
            Change::Put(Entry::Part(new)) => self.undo_part(new.key()),
            Change::RemovePart(key) => self.undo_part(key.clone()),
            // Only the log makes these, and nothing in the log is taken back.
            Change::Put(
                Entry::Approval(_)
                | Entry::Forgotten(_)
                | Entry::Pass(_)
                | Entry::Place(_)
                | Entry::Renewal(_)
                | Entry::Reply(_)
                | Entry::Session(_),
            )
            | Change::RemoveApproval(_)
            | Change::RemovePass(_)
            | Change::RemoveRenewal(..)
            | Change::RemoveReply(_)
            | Change::RemoveSession(_) => None,
            Change::RemoveAccount(id) => self.undo_account(*id),
            Change::Put(Entry::Token(new)) => self.undo_token(new.id),
            Change::RemoveToken(id) => self.undo_token(*id),
            Change::Put(Entry::Msn(name, _)) | Change::RemoveMsn(name) => self.undo_msn(name),
        }
    }

    /// Every record, as the database holds them.
    pub(in crate::store) fn records(&self) -> Result<Vec<Raw>, RecordError> {
        let floor = (self.msn_floor > 0).then_some(MsnRecord { next: self.msn_floor });
        let channels = self.channels.values().cloned().map(Entry::Channel);
        let keys = self.keys.values().cloned().map(Entry::Key);
        let msn = self.msn.iter();
        let msn = msn.map(|(name, next)| Entry::Msn(name.clone(), MsnRecord { next: *next }));
        self.node
            .iter()
            .cloned()
            .map(Entry::Node)
            .chain(floor.map(Entry::MsnFloor))
            .chain(self.people.entries())
            .chain(self.sessions.entries())
            .chain(self.passes.entries())
            .chain(self.approval_entries())
            .chain(channels)
            .chain(keys)
            .chain(msn)
            .chain(self.cluster_entries())
            .chain(self.replies.entries())
            .chain(
                self.place.iter().map(|place| Entry::Place(PlaceRecord { place: place.clone() })),
            )
            .map(|entry| Ok((entry.name().into_bytes(), entry.encode()?)))
            .collect()
    }

    fn undo_channel(&self, name: &weir_model::ChannelName) -> Option<Change> {
        let old = self.channels.get(name).cloned();
        Some(old.map_or_else(
            || Change::RemoveChannel(name.clone()),
            |old| Change::Put(Entry::Channel(old)),
        ))
    }

    fn undo_account(&self, id: AccountId) -> Option<Change> {
        let old = self.people.accounts.get(&id).cloned();
        Some(old.map_or(Change::RemoveAccount(id), |old| Change::Put(Entry::Account(old))))
    }

    fn undo_token(&self, id: TokenId) -> Option<Change> {
        let old = self.people.tokens.get(&id).cloned();
        Some(old.map_or(Change::RemoveToken(id), |old| Change::Put(Entry::Token(old))))
    }

    fn undo_invite(&self, id: InviteId) -> Option<Change> {
        let old = self.invites.get(&id).cloned();
        Some(old.map_or(Change::RemoveInvite(id), |old| Change::Put(Entry::Invite(old))))
    }

    fn undo_part(&self, key: PartKey) -> Option<Change> {
        let old = self.directory.part(&key);
        Some(old.map_or(Change::RemovePart(key), |old| Change::Put(Entry::Part(old))))
    }

    fn undo_key(&self, id: weir_model::KeyId) -> Option<Change> {
        let old = self.keys.get(&id).cloned();
        Some(old.map_or(Change::RemoveKey(id), |old| Change::Put(Entry::Key(old))))
    }

    fn undo_msn(&self, name: &weir_model::ChannelName) -> Option<Change> {
        let old = self.msn.get(name).map(|next| MsnRecord { next: *next });
        Some(old.map_or_else(
            || Change::RemoveMsn(name.clone()),
            |old| Change::Put(Entry::Msn(name.clone(), old)),
        ))
    }
}
