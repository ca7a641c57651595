//! What is done with committed requests, and the machine as openraft wants it.
//!
//! A machine stores its state together with how far it came, in one step and without a sync: what a power
//! cut takes from it is made again from the snapshot and the log.

use std::io::Cursor;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use openraft::storage::RaftStateMachine;
use openraft::{AnyError, EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError};

use super::log::{Log, LogError};
use super::snapshot::{Snapshots, Stored};
use super::types::{
    Entry, LogId, Membership, Replies, Reply, Request, Snapshot, SnapshotMeta, StorageError, Types,
};

/// A machine's store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MachineError(pub String);

/// Requests of one log entry.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The entry's index; rises from one call to the next, with gaps.
    pub index: u64,
    /// In the order in which they have to be made.
    pub requests: Vec<Request>,
}

/// Deterministic state: the same requests in the same order give the same state and replies on every node.
/// Calls come one after the other.
pub trait Machine: Send + Sync + 'static {
    /// The `place` stored with the state, none for a state that no log made.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn place(&self) -> Result<Option<Vec<u8>>, MachineError>;

    /// The index behind which entries have to be made again, when a part of the state is older than its place says.
    /// What was made already is not made a second time.
    ///
    /// # Errors
    /// When that part lost what no log brings back.
    fn behind(&self) -> Result<Option<u64>, MachineError> {
        Ok(None)
    }

    /// Makes the requests and stores `place` with what they leave; answers with the replies to each entry.
    ///
    /// # Errors
    /// When the store fails. A request that is refused is a reply and no error.
    fn apply(
        &self,
        entries: Vec<Committed>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Reply>>, MachineError>>;

    /// The whole state.
    ///
    /// # Errors
    /// When it cannot be read.
    fn snapshot(&self) -> Result<Vec<u8>, MachineError>;

    /// Makes what a snapshot only names survive a power cut, before the log forgets it. Blocks.
    ///
    /// # Errors
    /// When the disk fails.
    fn sync(&self) -> Result<(), MachineError> {
        Ok(())
    }

    /// Replaces the whole state by one of [`Self::snapshot`] and stores `place` with it.
    ///
    /// # Errors
    /// When `state` cannot be read or the store fails.
    fn install(
        &self,
        state: Arc<Vec<u8>>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), MachineError>>;
}

/// How far a machine came.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    pub(super) applied: Option<LogId>,
    pub(super) membership: Membership,
}

/// openraft's view of a [`Machine`].
pub(super) struct Applier {
    machine: Arc<dyn Machine>,
    snapshots: Arc<Snapshots>,
    place: Place,
}

impl Applier {
    /// Reads how far the machine came and brings it at least to the newest snapshot.
    pub(super) async fn open(
        machine: Arc<dyn Machine>,
        snapshots: Arc<Snapshots>,
        log: &Log,
    ) -> Result<Self, LogError> {
        let failed = |error: &dyn ToString| LogError::Failed(error.to_string());
        let stored = machine.place().map_err(|error| failed(&error))?;
        let place = stored.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        let mut place: Place = place.map_err(|error| failed(&error))?.unwrap_or_default();
        if let Some(index) = machine.behind().map_err(|error| failed(&error))? {
            place.applied = log.upto(index).map(LogId::from).min(place.applied);
        }
        if let Some(newest) = snapshots.newest().filter(|one| one.meta.last_log_id > place.applied)
        {
            place = Place::of(&newest.meta);
            let bytes = place.bytes().map_err(|error| failed(&error))?;
            machine.install(newest.state, bytes).await.map_err(|error| failed(&error))?;
        }
        Ok(Self { machine, snapshots, place })
    }

    pub(super) fn applied(&self) -> Option<LogId> {
        self.place.applied
    }

    async fn make(
        &mut self,
        entries: impl Iterator<Item = Entry>,
    ) -> Result<Vec<Replies>, MachineError> {
        let mut committed = Vec::new();
        let mut has_requests = Vec::new();
        for entry in entries {
            self.place.applied = Some(entry.log_id);
            let index = entry.log_id.index;
            has_requests.push(matches!(entry.payload, EntryPayload::Normal(_)));
            match entry.payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(batch) => {
                    committed.push(Committed { index, requests: batch.requests });
                }
                EntryPayload::Membership(membership) => {
                    self.place.membership = Membership::new(Some(entry.log_id), membership);
                }
            }
        }
        let mut replies = self.machine.apply(committed, self.place.bytes()?).await?.into_iter();
        let of_each = has_requests.into_iter().map(|has| {
            let replies = if has { replies.next().unwrap_or_default() } else { Vec::new() };
            Replies { replies }
        });
        Ok(of_each.collect())
    }
}

impl Place {
    fn of(meta: &SnapshotMeta) -> Self {
        Self { applied: meta.last_log_id, membership: meta.last_membership.clone() }
    }

    fn bytes(&self) -> Result<Vec<u8>, MachineError> {
        serde_json::to_vec(self).map_err(|error| MachineError(error.to_string()))
    }
}

impl RaftStateMachine<Types> for Applier {
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        Ok((self.place.applied, self.place.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Replies>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let made = self.make(entries.into_iter()).await;
        Ok(made.map_err(|error| StorageIOError::write_state_machine(AnyError::new(&error)))?)
    }

    /// Takes the state at once: what is applied later is not in it.
    async fn get_snapshot_builder(&mut self) -> Builder {
        let id = self.place.applied.map_or_else(String::new, |id| id.to_string());
        let meta = SnapshotMeta {
            last_log_id: self.place.applied,
            last_membership: self.place.membership.clone(),
            snapshot_id: id,
        };
        let state = self.machine.snapshot();
        let (snapshots, machine) = (Arc::clone(&self.snapshots), Arc::clone(&self.machine));
        Builder { meta, state, snapshots, machine }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let failed = |error: &dyn ToString| {
            StorageIOError::write_snapshot(
                Some(meta.signature()),
                AnyError::error(error.to_string()),
            )
        };
        let stored = Stored { meta: meta.clone(), state: Arc::new(snapshot.into_inner()) };
        put(&self.snapshots, stored.clone()).await.map_err(|error| failed(&error))?;
        let place = Place::of(meta);
        let bytes = place.bytes().map_err(|error| failed(&error))?;
        self.machine.install(stored.state, bytes).await.map_err(|error| failed(&error))?;
        self.place = place;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError> {
        Ok(self.snapshots.newest().map(|stored| stored.to_snapshot()))
    }
}

/// Writes a state that was taken.
pub(super) struct Builder {
    meta: SnapshotMeta,
    state: Result<Vec<u8>, MachineError>,
    snapshots: Arc<Snapshots>,
    machine: Arc<dyn Machine>,
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError> {
        let signature = self.meta.signature();
        let failed = |error: &dyn ToString| {
            let signature = Some(signature.clone());
            StorageIOError::write_snapshot(signature, AnyError::error(error.to_string()))
        };
        let failed = &failed;
        let state = match &self.state {
            Ok(state) => Arc::new(state.clone()),
            Err(error) => return Err(failed(error).into()),
        };
        let machine = Arc::clone(&self.machine);
        let synced = tokio::task::spawn_blocking(move || machine.sync()).await;
        synced.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        let stored = Stored { meta: self.meta.clone(), state };
        put(&self.snapshots, stored.clone()).await.map_err(|error| failed(&error))?;
        Ok(stored.to_snapshot())
    }
}

/// Off the executor: a snapshot is synced.
async fn put(snapshots: &Arc<Snapshots>, stored: Stored) -> std::io::Result<()> {
    let snapshots = Arc::clone(snapshots);
    let put = tokio::task::spawn_blocking(move || snapshots.put(stored));
    put.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
