//! The ledger's state as it was not long ago, so that a start need not make every record again.
//!
//! It is kept in pages, each under its name and the number of the checkpoint that wrote it; a mark, written last, says
//! which checkpoint is whole and what the sum of its pages is. A crash while pages are written leaves the one before. The
//! journal stays what is believed: a checkpoint that does not fit it, or its own mark, is thrown away and everything is
//! made again.

mod load;
mod pages;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use weir_ledger::checkpoint::{Changes, Core};

use super::PAGES_DIR;
use super::journal::{Durable, Marks};
pub(super) use load::{Loaded, load};
pub(super) use pages::Kept;

/// Bytes of the journal between two checkpoints: what a start makes again at most, a second or two of work.
const EVERY: u64 = 64 << 20;

/// Bytes of the journal between two.
pub(super) fn every() -> u64 {
    #[cfg(feature = "fault")]
    return super::small::checkpoint_bytes().unwrap_or(EVERY);
    #[cfg(not(feature = "fault"))]
    EVERY
}

/// Where the journal stood.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Stand {
    /// The newest entry of the log that was made.
    pub(super) index: u64,
    /// Its newest segment, and where that ended.
    pub(super) segment: u64,
    pub(super) at: u64,
    /// Where older records are.
    pub(super) marks: Marks,
}

/// What is written when all pages are.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Mark {
    /// Counts checkpoints.
    number: u64,
    /// The sum of the hashes of all pages.
    sum: u128,
    core: Core,
    stand: Stand,
}

/// What changed, and where the journal stood then.
pub(super) struct Job {
    pub(super) changes: Changes,
    pub(super) stand: Stand,
    /// Its newest segment: synced before the mark is written.
    pub(super) journal: Durable,
}

/// Writes checkpoints on a thread of its own. Dropping it ends the thread, with the checkpoint it is at.
pub(super) struct Keeper {
    jobs: Option<SyncSender<Job>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Nothing can be given to it now, or never again.
    busy: AtomicBool,
    stop: AtomicBool,
}

impl Keeper {
    /// Goes on with the checkpoints below `dir`, of which `kept` is the newest.
    pub(super) fn start(dir: &Path, kept: Option<Kept>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (jobs, work) = sync_channel(1);
        let (dir, own) = (place(dir), Arc::clone(&shared));
        let run = move || run(&dir, kept, &work, &own);
        let thread = std::thread::Builder::new().name("ledger pages".into()).spawn(run)?;
        Ok(Self { jobs: Some(jobs), shared, thread: Some(thread) })
    }

    /// Whether it takes a job now. One that it takes is the only one until it is done.
    pub(super) fn is_free(&self) -> bool {
        !self.shared.busy.load(Ordering::Acquire)
    }

    /// Gives it work.
    pub(super) fn give(&self, job: Job) {
        self.shared.busy.store(true, Ordering::Release);
        if let Some(jobs) = &self.jobs {
            // A thread that is gone has said why.
            let _ = jobs.try_send(job);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It panicked, and the panic was logged.
            let _ = thread.join();
        }
    }
}

/// Removes all checkpoints of the ledger in `dir`.
pub(super) fn forget(dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(place(dir)) {
        tracing::warn!(%error, "the ledger's checkpoint stays");
    }
}

/// Where the pages of the ledger in `dir` lie.
pub(super) fn place(dir: &Path) -> PathBuf {
    dir.join(PAGES_DIR)
}

fn run(dir: &Path, mut kept: Option<Kept>, work: &Receiver<Job>, shared: &Shared) {
    for job in work {
        let open = kept.take().map_or_else(|| Kept::new(dir), Ok);
        let written = open.and_then(|mut open| open.write(&job, &shared.stop).map(|()| open));
        match written {
            Ok(open) => kept = Some(open),
            Err(_) if shared.stop.load(Ordering::Acquire) => return,
            // What changed is written nowhere now: it stays busy, and the next start goes on from an older one.
            Err(error) => {
                tracing::error!(%error, "no more checkpoints of the ledger until the next start");
                return;
            }
        }
        shared.busy.store(false, Ordering::Release);
    }
}
