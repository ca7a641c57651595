//! What the log carries: batches of requests. Neither consensus nor the log looks into a command.
//!
//! Requests that wait together become one entry, because openraft 0.9 waits for the disk after each entry;
//! so a batch, and not a request, pays for the sync and the round to the followers.

use std::io::Cursor;
use std::time::Duration;

use serde_json::value::RawValue;
use weir_model::Timestamp;

use super::log::Point;

/// Numbers a request; the same number sent twice is made once.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct RequestId {
    /// The node that asks.
    pub node: u64,
    /// Its incarnation.
    pub start: u64,
    /// Counts the requests of this incarnation.
    pub number: u64,
}

/// A change that somebody wants.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// Its idempotency id.
    pub id: RequestId,
    /// The wall clock of the leader that put it into the log; the only time that the change may know.
    pub at: Timestamp,
    /// What the proposer had applied when it first asked. Who forgot replies newer than this cannot tell
    /// whether the request was made already, and has to say so.
    #[serde(default)]
    pub since: u64,
    /// JSON that the machine understands.
    pub command: Box<RawValue>,
}

/// Requests that share an entry.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Batch {
    pub(crate) requests: Vec<Request>,
}

/// A machine's reply, in JSON.
pub type Reply = Box<RawValue>;

/// What the machine replied to each request of a batch, in order.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Replies {
    pub(crate) replies: Vec<Reply>,
}

openraft::declare_raft_types!(
    /// The types openraft works with.
    pub(crate) Types:
        D = Batch,
        R = Replies,
        NodeId = u64,
        Node = openraft::EmptyNode,
        AsyncRuntime = Runtime,
);

/// What openraft runs on. The simulation's differs in its dice alone, so that a seed repeats a run.
#[cfg(not(test))]
type Runtime = openraft::TokioRuntime;
#[cfg(test)]
type Runtime = super::tests::sim::runtime::Seeded;

pub(crate) type Core = openraft::Raft<Types>;
pub(crate) type Entry = openraft::Entry<Types>;
pub(crate) type LogId = openraft::LogId<u64>;
pub(crate) type Vote = openraft::Vote<u64>;
pub(crate) type Membership = openraft::StoredMembership<u64, openraft::EmptyNode>;
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<u64, openraft::EmptyNode>;
pub(crate) type Snapshot = openraft::Snapshot<Types>;
pub(crate) type StorageError = openraft::StorageError<u64>;

/// Leaders say so this often.
const HEARTBEAT: Duration = Duration::from_millis(70);
/// Followers that hear nothing for [`ELECTION_MAX`], which is how long they keep faith with a leader, and for a time
/// between these two, which each draws for itself, look for a new leader.
pub(super) const ELECTION_MIN: Duration = Duration::from_millis(200);
const ELECTION_MAX: Duration = Duration::from_millis(400);
/// Batches between two snapshots: replaying them takes less than a second.
const SNAPSHOT_EVERY: u64 = 5_000;
/// Batches kept behind a snapshot, for followers that are a little late.
const KEPT_BEHIND: u64 = 1_000;
/// Entries of one request between nodes; their bytes are bounded too.
const ENTRIES_PER_REQUEST: u64 = 64;
/// A piece of a snapshot; with its header it fits a request between nodes.
pub(super) const SNAPSHOT_CHUNK: u64 = 512 << 10;
/// A piece has to be taken, the last also installed, within this time.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(5);

/// openraft's settings.
pub(super) fn settings() -> Result<openraft::Config, String> {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (every, kept) = snapshots();
    let config = openraft::Config {
        cluster_name: "weir".into(),
        heartbeat_interval: ms(HEARTBEAT),
        election_timeout_min: ms(ELECTION_MIN),
        election_timeout_max: ms(ELECTION_MAX),
        install_snapshot_timeout: ms(SNAPSHOT_PATIENCE),
        max_payload_entries: ENTRIES_PER_REQUEST,
        replication_lag_threshold: every,
        snapshot_policy: openraft::SnapshotPolicy::LogsSinceLast(every),
        snapshot_max_chunk_size: SNAPSHOT_CHUNK,
        max_in_snapshot_log_to_keep: kept,
        ..openraft::Config::default()
    };
    config.validate().map_err(|error| error.to_string())
}

/// Batches between two snapshots, and those kept behind one.
fn snapshots() -> (u64, u64) {
    #[cfg(feature = "fault")]
    if let Some(every) = super::small::snapshot_every() {
        return (every, every * KEPT_BEHIND / SNAPSHOT_EVERY);
    }
    (SNAPSHOT_EVERY, KEPT_BEHIND)
}

impl From<LogId> for Point {
    fn from(id: LogId) -> Self {
        Self { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
    }
}

impl From<Point> for LogId {
    fn from(point: Point) -> Self {
        let leader = openraft::CommittedLeaderId::new(point.term, point.node);
        Self::new(leader, point.index)
    }
}
