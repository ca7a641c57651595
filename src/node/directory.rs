//! Consensus and the store joined: the log's requests are made in the store, the store's changes go through
//! the log. Neither knows the other.
//!
//! [`start`] is all: a data directory that only ever had a store becomes a cluster of one, whose first
//! snapshot is what it held.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use weir_model::Timestamp;

use super::machine::{History, Machines};
use crate::raft::log::LogError;
use crate::raft::{Consensus, Network, Parts, ProposeError, Purpose, Room, Spawn};
use crate::store::ledger::Ledger;
use crate::store::{LOG_DIR, Proposer, Store, StoreError};

/// A change waits this long: an election after a leader's death, and one that failed before it.
const CHANGE_PATIENCE: Duration = Duration::from_secs(5);
/// The log is replayed before the store is used; a slow disk may take its time.
const REPLAY_PATIENCE: Duration = Duration::from_secs(60);

/// What consensus is started with.
pub struct Start<'a> {
    /// The data directory.
    pub dir: &'a Path,
    /// Larger at each start of the process.
    pub incarnation: u64,
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// The way to other nodes.
    pub network: Arc<dyn Network>,
    /// Starts loops.
    pub spawn: Spawn,
    /// Whether the disk takes more.
    pub room: Room,
    /// Another node adds this one to its cluster.
    pub joining: bool,
    /// What is about money is made here; none on a node that keeps no ledger.
    pub ledger: Option<Ledger>,
    /// Where records come from that this node lacks.
    pub history: Arc<dyn History>,
}

/// Opens consensus for `store` and sends the store's changes through it from now on. A node that
/// is in no cluster founds its own, unless it is joining one: it is then added by the leader.
///
/// # Errors
/// When log or snapshot are damaged, do not fit the store, or the disk fails.
pub async fn start(store: &Store, start: Start<'_>) -> Result<Consensus, LogError> {
    let Start { dir, incarnation, now, network, spawn, room, joining, ledger, history } = start;
    let consensus = Consensus::open(Parts {
        dir: dir.join(LOG_DIR),
        node: store.node().id,
        incarnation,
        machine: Arc::new(Machines::new(store.directory(), ledger, history)),
        network,
        spawn,
        room,
        now,
    })
    .await?;
    if !consensus.is_member().await? {
        if joining {
            let dropped = store.drop_operator_token();
            dropped.map_err(|error| LogError::Failed(error.to_string()))?;
        } else {
            consensus.found().await?;
        }
    }
    store.attach(Arc::new(ByLog { consensus: consensus.clone() }));
    let status = consensus.status();
    if status.voters == [status.node] {
        // Alone, it leads at once; what it acknowledged before is there before anybody asks.
        consensus.found().await?;
        let replayed = consensus.read_barrier(REPLAY_PATIENCE).await;
        replayed.map_err(|error| LogError::Failed(error.to_string()))?;
        let renewed = store.renew_operator_token().await;
        renewed.map_err(|error| LogError::Failed(error.to_string()))?;
    }
    Ok(consensus)
}

/// Consensus as the store sees it.
struct ByLog {
    consensus: Consensus,
}

impl Proposer for ByLog {
    fn propose(
        &self,
        command: Box<RawValue>,
        upkeep: bool,
    ) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>> {
        let purpose = if upkeep { Purpose::Upkeep } else { Purpose::Wish };
        Box::pin(async move {
            let made = self.consensus.propose(command, purpose, CHANGE_PATIENCE).await;
            made.map_err(|error| refused(&error))
        })
    }

    fn decide(&self, command: Box<RawValue>) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>> {
        Box::pin(async move {
            let made = self.consensus.decide(command, CHANGE_PATIENCE).await;
            made.map_err(|error| refused(&error))
        })
    }
}

fn refused(error: &ProposeError) -> StoreError {
    match error {
        ProposeError::TooLarge(_) => StoreError::Invalid(error.to_string()),
        ProposeError::Unknown => StoreError::Unanswered(error.to_string()),
        ProposeError::NoLeader | ProposeError::NoRoom(_) | ProposeError::Stopped(_) => {
            StoreError::Unavailable(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
