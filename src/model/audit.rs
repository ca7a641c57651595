//! The audit log: what staff did, and what came of it.

use crate::{AccountId, AccountName, Timestamp};

/// How far an act has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ActOutcome {
    /// It was about to be done; it was, unless a later entry says otherwise.
    Begun,
    /// What an earlier entry had begun came to nothing.
    Failed,
}

/// An entry of the audit log: a record of the ledger, in its chain.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its record in the ledger.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: AccountId,
    /// That account's name; absent when there is none any more.
    pub name: Option<AccountName>,
    /// Which right it took: `stream.end`.
    pub action: String,
    /// What it was done to: a path of the API.
    pub target: String,
    /// What was asked for, as JSON without secrets; empty when the path says all.
    pub detail: String,
    /// By which token: its id, or `operator` for the operator's.
    pub token: String,
    /// Why, in the words of whoever did it.
    pub reason: String,
    /// How far it has come.
    pub outcome: ActOutcome,
    /// The entry that came to nothing, when this one says so.
    pub of: Option<u64>,
    /// Why it came to nothing.
    pub why: Option<String>,
    /// The hash of everything up to it (BLAKE3, hexadecimal).
    pub hash: String,
}
