//! The node's ledger: opened where it is kept, and its records from and for other nodes.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use weir_model::Role;

use super::joining::Place;
use super::machine::History;
use crate::link::Link;
use crate::link::request::{Kind, Refusal};
use crate::link::trust::Fingerprint;
use crate::raft::Consensus;
use crate::store::ledger::Ledger;

/// Kind of a request for records.
const RECORDS: &str = "ledger.records";
/// The number of a record is all that it says.
const REQUEST_BYTES_MAX: usize = 64;
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Half a megabyte from a node that reads it from its disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// Voters keep the ledger: what they acknowledge, they know.
pub(super) async fn open(place: &Place<'_>) -> Result<Option<Ledger>, String> {
    if !place.roles.contains(Role::Voter) {
        return Ok(None);
    }
    let dir = place.data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Ledger::open(&dir)).await;
    let opened = opened.map_err(|error| error.to_string())?;
    opened.map(Some).map_err(|error| error.to_string())
}

/// The ledger's name: that of its cluster's authority, so that all who may found it call it the same.
pub(super) fn name(authority: Fingerprint) -> u128 {
    let mut name = [0; 16];
    name.iter_mut().zip(authority.0).for_each(|(to, from)| *to = from);
    u128::from_be_bytes(name)
}

/// Gives records to other voters.
pub(super) fn serve(link: &Link, ledger: Option<&Ledger>) {
    let Some(ledger) = ledger.cloned() else { return };
    let limits = Kind { request_bytes_max: REQUEST_BYTES_MAX, answer_bytes_max: ANSWER_BYTES_MAX };
    link.on_request(RECORDS, limits, move |caller, body| {
        let ledger = ledger.clone();
        Box::pin(async move {
            if !caller.roles.contains(Role::Voter.as_str()) {
                return Err(Refusal::new(
                    "not_a_voter",
                    "only a node with the role voter keeps the ledger",
                ));
            }
            let failed = |text: String| Refusal::new("ledger", text);
            let seq: u64 =
                serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))?;
            let piece = tokio::task::spawn_blocking(move || ledger.offer(seq)).await;
            let piece = piece.map_err(|error| failed(error.to_string()))?;
            piece.map(Bytes::from).map_err(|error| failed(error.to_string()))
        })
    });
}

/// Records from the leader, who has them all.
pub(super) struct Elsewhere {
    link: Link,
    consensus: OnceLock<Consensus>,
}

impl Elsewhere {
    pub(super) const fn new(link: Link) -> Self {
        Self { link, consensus: OnceLock::new() }
    }

    /// From now on the leader is known.
    pub(super) fn led_by(self: &Arc<Self>, consensus: &Consensus) {
        // Set once, at the start.
        let _ = self.consensus.set(consensus.clone());
    }
}

impl History for Elsewhere {
    fn fetch(&self, seq: u64) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(async move {
            let leader = self.consensus.get().and_then(Consensus::leader);
            let leader = leader.ok_or("no leader is known")?;
            let body = serde_json::to_vec(&seq).map_err(|error| error.to_string())?;
            let answer = self.link.call(leader, RECORDS, body.into(), PATIENCE).await;
            answer.map_err(|error| error.to_string())
        })
    }
}
