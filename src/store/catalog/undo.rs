//! What a failed write needs of the catalog: the way back, and all of it as records.

use super::super::entry::{Change, Entry};
use super::super::record::{MsnRecord, RecordError};
use super::super::sled::Raw;
use super::Catalog;

impl Catalog {
    /// The change that takes `change` back, seen before it is applied. None for what is never taken away:
    /// the first record of the node and of an account.
    pub(in crate::store) fn undo(&self, change: &Change) -> Option<Change> {
        let put = |entry| Some(Change::Put(entry));
        match change {
            Change::Put(Entry::Account(new)) => {
                put(Entry::Account(self.accounts.get(&new.id)?.clone()))
            }
            Change::Put(Entry::Node(_)) => put(Entry::Node(self.node.clone()?)),
            Change::Put(Entry::MsnFloor(_)) => {
                put(Entry::MsnFloor(MsnRecord { next: self.msn_floor }))
            }
            Change::Put(Entry::Channel(new)) => self.undo_channel(&new.name),
            Change::RemoveChannel(name) => self.undo_channel(name),
            Change::Put(Entry::Key(new)) => self.undo_key(new.id),
            Change::RemoveKey(id) => self.undo_key(*id),
            Change::Put(Entry::Msn(name, _)) | Change::RemoveMsn(name) => self.undo_msn(name),
        }
    }

    /// Every record, as the database holds them.
    pub(in crate::store) fn records(&self) -> Result<Vec<Raw>, RecordError> {
        let floor = (self.msn_floor > 0).then_some(MsnRecord { next: self.msn_floor });
        let accounts = self.accounts.values().cloned().map(Entry::Account);
        let channels = self.channels.values().cloned().map(Entry::Channel);
        let keys = self.keys.values().cloned().map(Entry::Key);
        let msn = self.msn.iter();
        let msn = msn.map(|(name, next)| Entry::Msn(name.clone(), MsnRecord { next: *next }));
        self.node
            .iter()
            .cloned()
            .map(Entry::Node)
            .chain(floor.map(Entry::MsnFloor))
            .chain(accounts)
            .chain(channels)
            .chain(keys)
            .chain(msn)
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
