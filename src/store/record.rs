//! Stored records: a version byte, then JSON. A newer version reads the ones before it.
//!
//! Types here are separate from those of the API on purpose: what a disk holds must not change
//! because an answer gained a field.

mod approval;
mod cluster;
mod people;
mod session;

use serde::de::DeserializeOwned;
use weir_model::{Access, AccountId, Channel, ChannelName, KeyId, NodeId, StreamKey, Timestamp};

pub use approval::Approval;
pub(super) use cluster::{
    ChangedRecord, EpochRecord, InviteRecord, LeaseRecord, RemovedRecord, VacancyRecord,
};
pub(super) use people::{AccountRecord, TokenRecord, words};

/// Why stored bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordError {
    #[error("its name is not one this version knows")]
    UnknownName,
    #[error("it has version {0}, which this version of weir-node does not know")]
    UnknownVersion(u8),
    #[error("it cannot be decoded: {0}")]
    Undecodable(String),
    #[error("it says that it is `{0}`")]
    Misnamed(String),
}

/// A stored type of one version.
pub(super) trait Record: Sized + serde::Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: u8;

    /// Reads an older version: decode the type before this one and convert it. The first version has none.
    fn previous(version: u8, body: &[u8]) -> Result<Self, RecordError> {
        let _ = body;
        Err(RecordError::UnknownVersion(version))
    }
}

/// The stored bytes of `record`.
pub(super) fn encode<R: Record>(record: &R) -> Result<Vec<u8>, RecordError> {
    let mut bytes = vec![R::VERSION];
    serde_json::to_writer(&mut bytes, record).map_err(undecodable)?;
    Ok(bytes)
}

/// The record in `bytes`, whatever known version wrote it.
pub(super) fn decode<R: Record>(bytes: &[u8]) -> Result<R, RecordError> {
    let (version, body) =
        bytes.split_first().ok_or_else(|| RecordError::Undecodable("it is empty".into()))?;
    if *version == R::VERSION {
        return serde_json::from_slice(body).map_err(undecodable);
    }
    R::previous(*version, body)
}

fn undecodable(error: serde_json::Error) -> RecordError {
    RecordError::Undecodable(error.to_string())
}

/// What a node keeps about itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeRecord {
    pub(super) id: NodeId,
    pub(super) name: String,
    pub(super) made_at: Timestamp,
    /// Keys the hashes of stream keys and tokens.
    pub(super) hash_secret: Hex32,
    /// Keyed hash of the operator token.
    pub(super) operator_token: Hex32,
}

impl Record for NodeRecord {
    const VERSION: u8 = 1;
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelRecord {
    pub(super) name: ChannelName,
    pub(super) title: String,
    pub(super) owner: AccountId,
    pub(super) created_at: Timestamp,
    /// Not written of a public channel: what it holds then is what it always was.
    #[serde(default, skip_serializing_if = "Access::is_public")]
    pub(super) access: Access,
}

impl Record for ChannelRecord {
    const VERSION: u8 = 1;
}

/// A stream key with the keyed hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRecord {
    pub(super) id: KeyId,
    pub(super) channel: ChannelName,
    pub(super) label: String,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) hash: Hex32,
}

impl Record for KeyRecord {
    const VERSION: u8 = 1;
}

/// The first media sequence number that was never reserved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MsnRecord {
    pub(super) next: u64,
}

impl Record for MsnRecord {
    const VERSION: u8 = 1;
}

/// What all nodes of a cluster share and nobody else may know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct ClusterRecord {
    /// Keys the hashes of stream keys and tokens.
    pub(super) hash_secret: Hex32,
    /// Keyed hash of the operator token.
    pub(super) operator_token: Hex32,
}

impl Record for ClusterRecord {
    const VERSION: u8 = 1;
}

impl From<&NodeRecord> for ClusterRecord {
    fn from(node: &NodeRecord) -> Self {
        Self { hash_secret: node.hash_secret, operator_token: node.operator_token }
    }
}

/// How far the log of consensus is made here; what it says is the log's matter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct PlaceRecord {
    pub(super) place: Vec<u8>,
}

impl Record for PlaceRecord {
    const VERSION: u8 = 1;
}

/// A request's number: node, incarnation, count.
pub(super) type RequestKey = (u64, u64, u64);

/// What a request was answered, for when it comes again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct ReplyRecord {
    /// Counts all replies.
    pub(super) number: u64,
    pub(super) request: RequestKey,
    /// Index of the log's entry.
    pub(super) index: u64,
    pub(super) text: String,
}

impl Record for ReplyRecord {
    const VERSION: u8 = 1;
}

/// The newest entry of the log of which a reply was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct ForgottenRecord {
    pub(super) index: u64,
}

impl Record for ForgottenRecord {
    const VERSION: u8 = 1;
}

/// 32 bytes that read as hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hex32(pub(super) [u8; 32]);

impl std::fmt::Debug for Hex32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hex32(…)")
    }
}

impl serde::Serialize for Hex32 {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&blake3::Hash::from_bytes(self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Hex32 {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(from)?;
        let hash = blake3::Hash::from_hex(text).map_err(serde::de::Error::custom)?;
        Ok(Self(*hash.as_bytes()))
    }
}

impl From<&ChannelRecord> for Channel {
    fn from(record: &ChannelRecord) -> Self {
        Self {
            name: record.name.clone(),
            title: record.title.clone(),
            owner: record.owner,
            created_at: record.created_at,
            access: record.access.clone(),
        }
    }
}

impl From<&KeyRecord> for StreamKey {
    fn from(record: &KeyRecord) -> Self {
        Self {
            id: record.id,
            channel: record.channel.clone(),
            label: record.label.clone(),
            created_at: record.created_at,
            expires_at: record.expires_at,
            revoked_at: record.revoked_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct First {
        name: String,
    }

    impl Record for First {
        const VERSION: u8 = 1;
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Second {
        name: String,
        size: u32,
    }

    impl Record for Second {
        const VERSION: u8 = 2;

        fn previous(version: u8, body: &[u8]) -> Result<Self, RecordError> {
            let bytes = [&[version], body].concat();
            decode::<First>(&bytes).map(|first| Self { name: first.name, size: 0 })
        }
    }

    #[test]
    fn a_newer_version_reads_what_an_older_one_wrote() {
        let old = encode(&First { name: "a".into() }).unwrap();
        assert_eq!(decode(&old), Ok(Second { name: "a".into(), size: 0 }));
        let new = encode(&Second { name: "b".into(), size: 7 }).unwrap();
        assert_eq!(decode(&new), Ok(Second { name: "b".into(), size: 7 }));
    }

    #[test]
    fn an_older_version_refuses_what_a_newer_one_wrote() {
        let new = encode(&Second { name: "b".into(), size: 7 }).unwrap();
        assert_eq!(decode::<First>(&new), Err(RecordError::UnknownVersion(2)));
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        assert!(matches!(decode::<First>(b""), Err(RecordError::Undecodable(_))));
        assert!(matches!(decode::<First>(b"\x01{\"na"), Err(RecordError::Undecodable(_))));
    }

    #[test]
    fn the_form_on_disk_of_version_1_stays_as_it_is() {
        let key = KeyRecord {
            id: KeyId(1),
            channel: "demo".parse().unwrap(),
            label: "obs".into(),
            created_at: Timestamp(0),
            expires_at: None,
            revoked_at: Some(Timestamp(1)),
            hash: Hex32([0xab; 32]),
        };
        let text = format!(
            "\u{1}{{\"id\":\"key_0000000000000001\",\"channel\":\"demo\",\"label\":\"obs\",\
             \"created_at\":\"1970-01-01T00:00:00.000Z\",\"expires_at\":null,\
             \"revoked_at\":\"1970-01-01T00:00:00.001Z\",\"hash\":\"{}\"}}",
            "ab".repeat(32)
        );
        assert_eq!(String::from_utf8(encode(&key).unwrap()).unwrap(), text);
        assert_eq!(decode(text.as_bytes()), Ok(key));
    }
}
