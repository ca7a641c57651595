//! The durable log of consensus: a thread that appends to preallocated files and answers once the disk has it.
//!
//! Flow: caller → bounded queue → thread takes all that waits → one frame, one `fdatasync` → answers. A
//! log of our own rather than a ready one: no memory map that kills the process when the disk is full,
//! checksums that tell damage from a torn tail, and a check that reads without changing.

mod files;
mod frame;
mod journal;
mod state;

use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use self::files::{Files, Folder};
use self::journal::{Journal, segment_bytes};
use self::state::State;

#[cfg(feature = "fault")]
pub use self::files::slow;

pub(crate) use self::frame::{Point, Record};
pub(crate) use self::journal::ENTRY_BYTES_MAX;

/// Writes that may wait. Consensus writes one after the other; more only wait while the disk hangs.
const WAITING_MAX: usize = 64;

/// Why the log cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// What was acknowledged cannot be read.
    #[error(
        "the log is damaged: {file} at byte {at}: {text}; restore it from a copy, or remove this node from its cluster and let it join again"
    )]
    Damaged {
        /// The segment.
        file: String,
        /// Where in it.
        at: u64,
        /// What is wrong.
        text: String,
    },
    /// The disk failed; nothing was acknowledged.
    #[error("the log failed: {0}; free or repair the disk and start the node again")]
    Failed(String),
}

/// What a check of a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReport {
    /// Frames that were read.
    pub frames: u64,
    /// Entries in them that are neither cut off nor purged.
    pub entries: usize,
    /// A power cut tore the last frame; it was never acknowledged, and the next start removes it.
    pub torn: bool,
}

/// Figures of a log for operators.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogFigures {
    /// Groups written.
    pub groups: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of the files, as far as they are in use.
    pub bytes: u64,
    /// Writes that failed.
    pub errors: u64,
}

/// Reads the whole log below `dir` while no node uses it, and changes nothing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn check(dir: &Path) -> Result<LogReport, LogError> {
    let folder = Folder::open(dir).map_err(|error| LogError::Failed(error.to_string()))?;
    let found = journal::replay(&folder)?;
    Ok(LogReport { frames: found.frames, entries: found.state.entries.len(), torn: found.torn })
}

/// An open log. Dropping the last clone ends the thread once everything that waits is written.
#[derive(Clone)]
pub(crate) struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    files: Arc<dyn Files>,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: RwLock<State>,
    groups: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
}

struct Job {
    records: Vec<Record>,
    tell: oneshot::Sender<Result<(), LogError>>,
}

impl Log {
    /// Opens the log below `dir`, making it when it is not there. Blocks.
    pub(crate) fn open(dir: &Path) -> Result<Self, LogError> {
        let folder = Folder::open(dir).map_err(|error| LogError::Failed(error.to_string()))?;
        Self::open_on(Arc::new(folder), segment_bytes())
    }

    fn open_on(files: Arc<dyn Files>, segment_bytes: u64) -> Result<Self, LogError> {
        let (mut inner, mut writer) = opened(files, segment_bytes)?;
        let thread = std::thread::Builder::new()
            .name("raft log".into())
            .spawn(move || {
                while let Some(first) = writer.queue.blocking_recv() {
                    writer.write_group(first);
                }
            })
            .map_err(|error| LogError::Failed(format!("its thread does not start: {error}")))?;
        inner.thread = Some(thread);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A log without a thread: whoever opens it runs its writer, so that a simulation decides when the disk works.
    #[cfg(test)]
    pub(in crate::raft) fn open_threadless(
        files: Arc<dyn Files>,
        segment_bytes: u64,
    ) -> Result<(Self, Writer), LogError> {
        let (inner, writer) = opened(files, segment_bytes)?;
        Ok((Self { inner: Arc::new(inner) }, writer))
    }

    /// Appends records in order; `Ok` means that they survive a power cut.
    pub(crate) async fn write(&self, records: Vec<Record>) -> Result<(), LogError> {
        let stopped = || LogError::Failed("its thread has stopped".into());
        let (tell, told) = oneshot::channel();
        let jobs = self.inner.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(Job { records, tell }).await.map_err(|_| stopped())?;
        told.await.map_err(|_| stopped())?
    }

    /// The bodies of the entries in `range` that are there, in order: at least one, and no more than
    /// `bytes_max` in all. May read from the disk.
    pub(crate) fn entries(
        &self,
        range: impl RangeBounds<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Arc<[u8]>>, LogError> {
        let bounds = (range.start_bound().cloned(), range.end_bound().cloned());
        if is_empty(bounds) {
            return Ok(Vec::new());
        }
        let state = self.inner.shared.state.read();
        // Under the lock, so that no purge removes the file in between.
        let mut bytes = 0_usize;
        let fitting = state.entries.range(bounds).enumerate().take_while(|(nth, (_, slot))| {
            bytes = bytes.saturating_add(slot.len);
            *nth == 0 || bytes <= bytes_max
        });
        fitting.map(|(_, (_, slot))| self.body(slot)).collect()
    }

    fn body(&self, slot: &state::Slot) -> Result<Arc<[u8]>, LogError> {
        if let Some(body) = &slot.body {
            return Ok(Arc::clone(body));
        }
        let file = format!("{:016x}.log", slot.segment);
        let bytes = self.inner.files.read_at(&file, slot.at, slot.len);
        let bytes = bytes.map_err(|error| LogError::Failed(error.to_string()))?;
        if frame::fits(&bytes, slot.crc) {
            return Ok(bytes.into());
        }
        let text = format!("entry {} does not fit its checksum", slot.point.index);
        Err(LogError::Damaged { file, at: slot.at, text })
    }

    /// The newest entry, or the newest that was purged.
    pub(crate) fn last(&self) -> Option<Point> {
        self.inner.shared.state.read().last()
    }

    /// The newest entry that is there, or was purged, up to `index`.
    pub(crate) fn upto(&self, index: u64) -> Option<Point> {
        let state = self.inner.shared.state.read();
        let there = state.entries.range(..=index).next_back().map(|(_, slot)| slot.point);
        there.or(state.purged)
    }

    /// The newest entry that was purged.
    pub(crate) fn purged(&self) -> Option<Point> {
        self.inner.shared.state.read().purged
    }

    /// What was saved as committed last.
    pub(crate) fn committed(&self) -> Option<Point> {
        self.inner.shared.state.read().committed
    }

    /// The vote that was saved last.
    pub(crate) fn vote(&self) -> Option<Arc<[u8]>> {
        self.inner.shared.state.read().vote.clone()
    }

    /// Its figures.
    pub(crate) fn figures(&self) -> LogFigures {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let shared = &self.inner.shared;
        LogFigures {
            groups: read(&shared.groups),
            records: read(&shared.records),
            bytes: read(&shared.bytes),
            errors: read(&shared.errors),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told to everybody who waited for it.
            let _ = thread.join();
        }
    }
}

fn opened(files: Arc<dyn Files>, segment_bytes: u64) -> Result<(Inner, Writer), LogError> {
    let (journal, state) = Journal::open(Arc::clone(&files), segment_bytes)?;
    let bytes = AtomicU64::new(journal.bytes());
    let shared = Shared { state: RwLock::new(state), bytes, ..Shared::default() };
    let shared = Arc::new(shared);
    let (jobs, queue) = mpsc::channel(WAITING_MAX);
    let writer = Writer { journal, queue, shared: Arc::clone(&shared) };
    Ok((Inner { shared, files, jobs: Some(jobs), thread: None }, writer))
}

/// The writing end. Blocks.
pub(in crate::raft) struct Writer {
    journal: Journal,
    queue: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Takes all that waits behind `first`, writes it with one sync and answers.
    fn write_group(&mut self, first: Job) {
        let Self { journal, queue, shared } = self;
        let mut jobs = vec![first];
        while let Ok(job) = queue.try_recv() {
            jobs.push(job);
        }
        let records: Vec<Record> =
            jobs.iter_mut().flat_map(|job| std::mem::take(&mut job.records)).collect();
        // Readers go on while the disk works: what is written is taken in afterwards.
        let written = journal.write(&records);
        if let Ok(placed) = &written {
            let mut state = shared.state.write();
            for (record, place) in records.iter().zip(placed) {
                state.apply(record, place.segment, place.at);
            }
        }
        shared.groups.fetch_add(1, Ordering::Relaxed);
        shared.records.fetch_add(records.len() as u64, Ordering::Relaxed);
        shared.bytes.store(journal.bytes(), Ordering::Relaxed);
        let told = written.map(|_| ());
        shared.errors.fetch_add(u64::from(told.is_err()), Ordering::Relaxed);
        for job in jobs {
            // The caller may have given up; the write is made all the same.
            let _ = job.tell.send(told.clone());
        }
        if told.is_ok() {
            self.free();
        }
    }

    /// Removes what nobody needs any more. Nobody waits for it: removing a file takes longer than a write.
    fn free(&mut self) {
        let Self { journal, shared, .. } = self;
        if let Err(error) = journal.free(&shared.state.read()) {
            shared.errors.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "segments of the log that are not needed stay");
        }
        shared.bytes.store(journal.bytes(), Ordering::Relaxed);
    }

    /// Writes as long as somebody may write, each group after the time that `disk` says.
    #[cfg(test)]
    pub(in crate::raft) async fn run(mut self, disk: impl Fn() -> std::time::Duration) {
        while let Some(first) = self.queue.recv().await {
            tokio::time::sleep(disk()).await;
            self.write_group(first);
        }
    }
}

fn is_empty((start, end): (Bound<u64>, Bound<u64>)) -> bool {
    let first = match start {
        Bound::Included(first) => first,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    match end {
        Bound::Included(last) => first > last,
        Bound::Excluded(end) => first >= end,
        Bound::Unbounded => false,
    }
}

#[cfg(test)]
pub(in crate::raft) mod tests;
