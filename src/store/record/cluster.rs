//! Records of what the cluster agrees on: members, leases, invitations.

use std::collections::VecDeque;

use weir_cluster::directory::Part;
use weir_cluster::lease::Vacancy;
use weir_cluster::members::Member;
use weir_model::{
    AccountId, ActorId, Epoch, Incarnation, InviteId, Lease, NodeId, Roles, Timestamp,
};

use super::{Hex32, Record, RecordError, undecodable};

/// What replicates a member is what is stored of it.
impl Record for Member {
    const VERSION: u8 = 1;
}

/// Nodes that were removed last, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct RemovedRecord {
    pub(in crate::store) nodes: VecDeque<NodeId>,
}

impl Record for RemovedRecord {
    const VERSION: u8 = 1;
}

/// The greatest epoch ever given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct EpochRecord {
    pub(in crate::store) newest: Epoch,
}

impl Record for EpochRecord {
    const VERSION: u8 = 1;
}

/// The newest entry of the log that changed members or leases.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct ChangedRecord {
    pub(in crate::store) index: u64,
}

impl Record for ChangedRecord {
    const VERSION: u8 = 1;
}

/// Who owns an actor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct LeaseRecord {
    actor: ActorId,
    node: NodeId,
    incarnation: Incarnation,
    epoch: Epoch,
    since: Timestamp,
}

impl Record for LeaseRecord {
    const VERSION: u8 = 1;
}

impl From<&Lease> for LeaseRecord {
    fn from(lease: &Lease) -> Self {
        Self {
            actor: lease.actor.clone(),
            node: lease.node,
            incarnation: lease.incarnation,
            epoch: lease.epoch,
            since: lease.since,
        }
    }
}

impl From<LeaseRecord> for Lease {
    fn from(record: LeaseRecord) -> Self {
        let LeaseRecord { actor, node, incarnation, epoch, since } = record;
        Self { actor, node, incarnation, epoch, since }
    }
}

/// An actor that lost its owner.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct VacancyRecord {
    actor: ActorId,
    node: NodeId,
    epoch: Epoch,
    since: Timestamp,
}

impl Record for VacancyRecord {
    const VERSION: u8 = 1;
}

impl VacancyRecord {
    pub(in crate::store) fn new(actor: &ActorId, lost: &Vacancy) -> Self {
        Self { actor: actor.clone(), node: lost.node, epoch: lost.epoch, since: lost.since }
    }
}

impl From<VacancyRecord> for Part {
    fn from(record: VacancyRecord) -> Self {
        let VacancyRecord { actor, node, epoch, since } = record;
        Self::Vacancy(actor, Vacancy { node, epoch, since })
    }
}

/// An invitation with the keyed hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct InviteRecord {
    pub(in crate::store) id: InviteId,
    pub(in crate::store) hash: Hex32,
    pub(in crate::store) roles: Roles,
    pub(in crate::store) made_by: AccountId,
    pub(in crate::store) created_at: Timestamp,
    pub(in crate::store) expires_at: Timestamp,
    pub(in crate::store) used_by: Option<NodeId>,
    /// Fingerprint of the public key of the node that used it; version 1 has none.
    #[serde(default)]
    pub(in crate::store) used_key: Option<Hex32>,
    pub(in crate::store) used_at: Option<Timestamp>,
    pub(in crate::store) revoked_at: Option<Timestamp>,
}

impl Record for InviteRecord {
    const VERSION: u8 = 2;

    fn previous(version: u8, body: &[u8]) -> Result<Self, RecordError> {
        if version != 1 {
            return Err(RecordError::UnknownVersion(version));
        }
        serde_json::from_slice(body).map_err(undecodable)
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::*;

    #[test]
    fn an_invitation_of_the_version_before_has_no_key() {
        let old = br#"{"id":"i","hash":"h"}"#;
        assert!(decode::<InviteRecord>(&[b"\x01", &old[..]].concat()).is_err());
        let record = InviteRecord {
            id: InviteId(1),
            hash: Hex32([1; 32]),
            roles: Roles::all(),
            made_by: AccountId(1),
            created_at: Timestamp(1),
            expires_at: Timestamp(9),
            used_by: Some(NodeId(1)),
            used_key: None,
            used_at: Some(Timestamp(2)),
            revoked_at: None,
        };
        let mut value = serde_json::to_value(&record).unwrap();
        value.as_object_mut().unwrap().remove("used_key").unwrap();
        let body = serde_json::to_vec(&value).unwrap();
        assert_eq!(decode(&[b"\x01", &body[..]].concat()), Ok(record));
        let newer = decode::<InviteRecord>(&[b"\x03", &body[..]].concat());
        assert_eq!(newer, Err(RecordError::UnknownVersion(3)));
    }
}
