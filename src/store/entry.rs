//! Where each record lies in the database: `kind/name`, so that a scan reads like a listing.

use weir_model::{AccountId, ChannelName, KeyId};

use super::RawChange;
use super::record::{
    self, AccountRecord, ChannelRecord, ClusterRecord, ForgottenRecord, ItemRecord, KeyRecord,
    MsnRecord, NodeRecord, PlaceRecord, RecordError, ReplyRecord,
};

/// A record with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Account(AccountRecord),
    Channel(ChannelRecord),
    Cluster(ClusterRecord),
    /// Replies that were forgotten.
    Forgotten(ForgottenRecord),
    Item(ItemRecord),
    Key(KeyRecord),
    /// Numbers of a channel's segments.
    Msn(ChannelName, MsnRecord),
    /// Where numbers of a new channel begin: above those of every channel that was deleted, so that
    /// one made again under an old name never reuses a segment's URL.
    MsnFloor(MsnRecord),
    Node(NodeRecord),
    Place(PlaceRecord),
    Reply(ReplyRecord),
}

/// One step of a change. The same steps go to the disk and to the catalog in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Put(Entry),
    RemoveChannel(ChannelName),
    RemoveItem(String, String),
    RemoveKey(KeyId),
    RemoveMsn(ChannelName),
    RemoveReply(u64),
}

impl Entry {
    /// Its name in the database.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Account(account) => account_name(account.id),
            Self::Channel(channel) => channel_name(&channel.name),
            Self::Key(key) => key_name(key.id),
            Self::Msn(channel, _) => msn_name(channel),
            Self::MsnFloor(_) => "msn-floor".into(),
            Self::Node(_) => "node".into(),
            Self::Cluster(_) => "cluster".into(),
            Self::Forgotten(_) => "forgotten".into(),
            Self::Item(item) => item_name(&item.kind, &item.name),
            Self::Place(_) => "place".into(),
            Self::Reply(reply) => reply_name(reply.number),
        }
    }

    /// Its bytes in the database.
    pub(super) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        match self {
            Self::Account(account) => record::encode(account),
            Self::Channel(channel) => record::encode(channel),
            Self::Key(key) => record::encode(key),
            Self::Msn(_, msn) | Self::MsnFloor(msn) => record::encode(msn),
            Self::Node(node) => record::encode(node),
            Self::Cluster(cluster) => record::encode(cluster),
            Self::Forgotten(forgotten) => record::encode(forgotten),
            Self::Item(item) => record::encode(item),
            Self::Place(place) => record::encode(place),
            Self::Reply(reply) => record::encode(reply),
        }
    }

    /// The entry that lies at `name`.
    pub(super) fn decode(name: &[u8], bytes: &[u8]) -> Result<Self, RecordError> {
        let name = std::str::from_utf8(name).map_err(|_| RecordError::UnknownName)?;
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let entry = match kind {
            "account" => Self::Account(record::decode(bytes)?),
            "channel" => Self::Channel(record::decode(bytes)?),
            "key" => Self::Key(record::decode(bytes)?),
            "msn" => {
                let channel = rest.parse().map_err(|_| RecordError::UnknownName)?;
                Self::Msn(channel, record::decode(bytes)?)
            }
            "msn-floor" => Self::MsnFloor(record::decode(bytes)?),
            "node" => Self::Node(record::decode(bytes)?),
            "cluster" => Self::Cluster(record::decode(bytes)?),
            "forgotten" => Self::Forgotten(record::decode(bytes)?),
            "item" => Self::Item(record::decode(bytes)?),
            "place" => Self::Place(record::decode(bytes)?),
            "reply" => Self::Reply(record::decode(bytes)?),
            _ => return Err(RecordError::UnknownName),
        };
        if entry.name() == name { Ok(entry) } else { Err(RecordError::Misnamed(entry.name())) }
    }
}

impl Change {
    /// What the database does.
    pub(super) fn raw(&self) -> Result<RawChange, RecordError> {
        Ok(match self {
            Self::Put(entry) => (entry.name().into_bytes(), Some(entry.encode()?)),
            Self::RemoveChannel(channel) => (channel_name(channel).into_bytes(), None),
            Self::RemoveKey(key) => (key_name(*key).into_bytes(), None),
            Self::RemoveMsn(channel) => (msn_name(channel).into_bytes(), None),
            Self::RemoveItem(kind, name) => (item_name(kind, name).into_bytes(), None),
            Self::RemoveReply(number) => (reply_name(*number).into_bytes(), None),
        })
    }
}

fn account_name(id: AccountId) -> String {
    format!("account/{id}")
}

fn channel_name(name: &ChannelName) -> String {
    format!("channel/{name}")
}

fn key_name(id: KeyId) -> String {
    format!("key/{id}")
}

fn item_name(kind: &str, name: &str) -> String {
    format!("item/{kind}/{name}")
}

/// So that a scan lists replies in their order.
fn reply_name(number: u64) -> String {
    format!("reply/{number:016x}")
}

fn msn_name(channel: &ChannelName) -> String {
    format!("msn/{channel}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_from_its_own_place_only() {
        let entry = Entry::Msn("demo".parse().unwrap(), MsnRecord { next: 7 });
        let bytes = entry.encode().unwrap();
        assert_eq!(Entry::decode(b"msn/demo", &bytes), Ok(entry));
        assert_eq!(Entry::decode(b"msn/../x", &bytes), Err(RecordError::UnknownName));
        assert_eq!(Entry::decode(b"stuff", &bytes), Err(RecordError::UnknownName));
        let moved = Entry::decode(b"msn-floor/demo", &bytes);
        assert_eq!(moved, Err(RecordError::Misnamed("msn-floor".into())));
    }
}
