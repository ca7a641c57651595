//! The log as openraft wants it.
//!
//! How far the log is committed is not worth a sync of its own: it goes to the disk with the next entries.
//! A node that forgot the newest of it learns it again from its leader.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{AnyError, LogState, OptionalSend, RaftLogReader, StorageIOError};
use parking_lot::Mutex;

use super::log::{ENTRY_BYTES_MAX, Log, LogError, Point, Record};
use super::types::{Entry, LogId, StorageError, Types, Vote};

/// openraft's view of a [`Log`].
#[derive(Clone)]
pub(super) struct Storage {
    log: Log,
    /// Committed, but not said to the disk yet.
    committed: Arc<Mutex<Option<Point>>>,
}

impl Storage {
    pub(super) fn new(log: Log) -> Self {
        let committed = Arc::new(Mutex::new(log.committed()));
        Self { log, committed }
    }

    async fn write(&self, mut records: Vec<Record>) -> Result<(), LogError> {
        let committed = *self.committed.lock();
        if committed != self.log.committed() {
            records.push(Record::Committed(committed));
        }
        self.log.write(records).await
    }

    fn read(&self, range: impl RangeBounds<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        let bodies = self.log.entries(range, bytes_max)?;
        let parse = |body: &Arc<[u8]>| serde_json::from_slice(body);
        let entries: Result<Vec<Entry>, _> = bodies.iter().map(parse).collect();
        entries.map_err(|error| LogError::Failed(error.to_string()))
    }
}

impl RaftLogReader<Types> for Storage {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        self.read(range, usize::MAX).map_err(reading)
    }

    /// As many as fit one request between nodes, at least one.
    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        self.read((Bound::Included(start), Bound::Excluded(end)), ENTRY_BYTES_MAX).map_err(reading)
    }
}

impl RaftLogStorage<Types> for Storage {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        Ok(LogState {
            last_purged_log_id: self.log.purged().map(LogId::from),
            last_log_id: self.log.last().map(LogId::from),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let error =
            |error: &dyn ToString| StorageIOError::write_vote(AnyError::error(error.to_string()));
        let body = serde_json::to_vec(vote).map_err(|failed| error(&failed))?;
        let written = self.write(vec![Record::Vote(body.into())]).await;
        Ok(written.map_err(|failed| error(&failed))?)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        let vote = self.log.vote().map(|body| serde_json::from_slice(&body)).transpose();
        Ok(vote.map_err(|error| StorageIOError::read_vote(AnyError::new(&error)))?)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        *self.committed.lock() = committed.map(Point::from);
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.committed.lock().map(LogId::from))
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<Types>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let records = entries.into_iter().map(|entry| record(&entry)).collect::<Result<_, _>>();
        let written = self.write(records.map_err(writing)?).await;
        callback.log_io_completed(written.clone().map_err(io::Error::other));
        written.map_err(writing)
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.write(vec![Record::Truncate(log_id.index)]).await.map_err(writing)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.write(vec![Record::Purge(log_id.into())]).await.map_err(writing)
    }
}

fn record(entry: &Entry) -> Result<Record, LogError> {
    let body = serde_json::to_vec(entry).map_err(|error| LogError::Failed(error.to_string()))?;
    if body.len() > ENTRY_BYTES_MAX {
        let text = format!("an entry of {} bytes, at most {ENTRY_BYTES_MAX}", body.len());
        return Err(LogError::Failed(text));
    }
    Ok(Record::Entry(entry.log_id.into(), body.into()))
}

fn reading(error: LogError) -> StorageError {
    StorageIOError::read_logs(AnyError::new(&error)).into()
}

fn writing(error: LogError) -> StorageError {
    StorageIOError::write_logs(AnyError::new(&error)).into()
}
