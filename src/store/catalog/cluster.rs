//! Changes as the log carries them, and what the cluster keeps in the directory.
//!
//! A command holds everything that its effect depends on: ids, hashes and times are chosen by who proposes
//! it, so that every node makes the same of it. No secret is in one, only its hash.

use serde_json::Value;
use weir_model::{AccountId, Channel, ChannelName, KeyId, StreamKey, Timestamp};

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::record::{ChannelRecord, ClusterRecord, Hex32, ItemRecord};
use super::{Catalog, NewKey, Planned};

/// Nodes, invites and leases of a cell: a lease for each stream of a full cluster, and room for the rest.
const ITEMS_MAX: usize = 65_536;
/// A description of a node, or of an invite.
const ITEM_BYTES_MAX: usize = 16 << 10;
/// Longest kind and longest name.
const ITEM_NAME_MAX: usize = 256;

/// A change of the directory.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum Command {
    CreateChannel {
        name: ChannelName,
        title: String,
        owner: AccountId,
        created_at: Timestamp,
    },
    DeleteChannel {
        name: ChannelName,
    },
    CreateKey {
        channel: ChannelName,
        key: NewKey,
    },
    RotateKey {
        channel: ChannelName,
        old: KeyId,
        label: Option<String>,
        key: NewKey,
    },
    RevokeKey {
        channel: ChannelName,
        key: KeyId,
        at: Timestamp,
    },
    ReserveMsn {
        channel: ChannelName,
        count: u64,
    },
    SetOperatorToken {
        hash: Hex32,
    },
    /// Makes or replaces an item; with an epoch, only while it has that one (0: while there is none).
    PutItem {
        kind: String,
        name: String,
        value: Value,
        epoch: Option<u64>,
    },
    /// Removes an item; with an epoch, only while it has that one.
    RemoveItem {
        kind: String,
        name: String,
        epoch: Option<u64>,
    },
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum Answer {
    Channel(Channel),
    Key(StreamKey),
    Number(u64),
}

impl Command {
    /// Whether it means nothing without an index.
    pub(in crate::store) const fn needs_log(&self) -> bool {
        matches!(self, Self::PutItem { .. } | Self::RemoveItem { .. })
    }
}

impl Answer {
    pub(in crate::store) fn channel(self) -> Result<Channel, StoreError> {
        if let Self::Channel(channel) = self { Ok(channel) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn key(self) -> Result<StreamKey, StoreError> {
        if let Self::Key(key) = self { Ok(key) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn number(self) -> Result<u64, StoreError> {
        if let Self::Number(number) = self { Ok(number) } else { Err(unexpected()) }
    }
}

fn unexpected() -> StoreError {
    StoreError::Io("the leader answered something else; it runs another version".into())
}

impl Catalog {
    /// What `command` changes here, as entry `index` of the log.
    pub(in crate::store) fn plan(&self, command: Command, index: u64) -> Planned<Answer> {
        let channel = |(changes, answer)| (changes, Answer::Channel(answer));
        let key = |(changes, answer)| (changes, Answer::Key(answer));
        let number = |(changes, answer)| (changes, Answer::Number(answer));
        match command {
            Command::CreateChannel { name, title, owner, created_at } => {
                self.plan_channel(ChannelRecord { name, title, owner, created_at }).map(channel)
            }
            Command::DeleteChannel { name } => self.plan_deletion(&name).map(channel),
            Command::CreateKey { channel, key: new } => self.plan_key(&channel, new).map(key),
            Command::RotateKey { channel, old, label, key: new } => {
                self.plan_rotation(&channel, old, label, new).map(key)
            }
            Command::RevokeKey { channel, key: id, at } => {
                self.plan_revocation(&channel, id, at).map(key)
            }
            Command::ReserveMsn { channel, count } => {
                self.plan_reservation(&channel, count).map(number)
            }
            Command::SetOperatorToken { hash } => {
                let cluster = ClusterRecord { operator_token: hash, ..self.shared() };
                Ok((vec![Change::Put(Entry::Cluster(cluster))], Answer::Number(index)))
            }
            Command::PutItem { kind, name, value, epoch } => {
                let item = ItemRecord { kind, name, epoch: index, value };
                self.plan_item(item, epoch).map(number)
            }
            Command::RemoveItem { kind, name, epoch } => {
                self.plan_removal(kind, name, epoch).map(number)
            }
        }
    }

    /// What the nodes of the cluster share.
    pub(in crate::store) fn shared(&self) -> ClusterRecord {
        let of_node = || self.node.as_ref().map(ClusterRecord::from);
        let none = ClusterRecord { hash_secret: Hex32([0; 32]), operator_token: Hex32([0; 32]) };
        self.cluster.clone().or_else(of_node).unwrap_or(none)
    }

    /// Whether the cluster has records of its own yet.
    pub(in crate::store) fn has_shared(&self) -> bool {
        self.cluster.is_some()
    }

    /// Items of one kind: name, epoch, value.
    pub(in crate::store) fn items(&self, kind: &str) -> Vec<(String, u64, Value)> {
        let first = (kind.to_owned(), String::new());
        let of_kind = self.items.range(first..).take_while(|((own, _), _)| own == kind);
        of_kind.map(|((_, name), item)| (name.clone(), item.epoch, item.value.clone())).collect()
    }

    pub(super) fn cluster_entries(&self) -> impl Iterator<Item = Entry> {
        let cluster = self.cluster.iter().cloned().map(Entry::Cluster);
        cluster.chain(self.items.values().cloned().map(Entry::Item))
    }

    /// Answers with the new epoch.
    fn plan_item(&self, item: ItemRecord, epoch: Option<u64>) -> Planned<u64> {
        let (kind, name) = (&item.kind, &item.name);
        if kind.contains('/') || kind.is_empty() || kind.len().max(name.len()) > ITEM_NAME_MAX {
            let text =
                format!("a kind without `/` and a name, each of at most {ITEM_NAME_MAX} bytes");
            return Err(StoreError::Invalid(text));
        }
        if item.value.to_string().len() > ITEM_BYTES_MAX {
            let what = "bytes of one item".into();
            return Err(StoreError::Limit { what, limit: ITEM_BYTES_MAX });
        }
        self.check_epoch(kind, name, epoch)?;
        if self.items.len() >= ITEMS_MAX && self.epoch(kind, name) == 0 {
            return Err(StoreError::Limit {
                what: "items of the cluster".into(),
                limit: ITEMS_MAX,
            });
        }
        let epoch = item.epoch;
        Ok((vec![Change::Put(Entry::Item(item))], epoch))
    }

    fn plan_removal(&self, kind: String, name: String, epoch: Option<u64>) -> Planned<u64> {
        self.check_epoch(&kind, &name, epoch)?;
        let had = self.epoch(&kind, &name);
        if had == 0 {
            return Err(StoreError::NotFound { what: format!("{kind} `{name}`") });
        }
        Ok((vec![Change::RemoveItem(kind, name)], had))
    }

    fn check_epoch(&self, kind: &str, name: &str, epoch: Option<u64>) -> Result<(), StoreError> {
        let has = self.epoch(kind, name);
        match epoch.filter(|epoch| *epoch != has) {
            None => Ok(()),
            Some(epoch) => Err(StoreError::Conflict(format!(
                "{kind} `{name}` has epoch {has}, not {epoch}; somebody else changed it: read it again"
            ))),
        }
    }

    /// 0 when there is no such item.
    fn epoch(&self, kind: &str, name: &str) -> u64 {
        let item = self.items.get(&(kind.to_owned(), name.to_owned()));
        item.map_or(0, |item| item.epoch)
    }
}
