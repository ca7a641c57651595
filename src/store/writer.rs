//! The one writer: a thread that plans changes on the catalog, makes them durable and only then answers.
//!
//! Changes that wait together share one commit. The catalog shows a change shortly before it is durable;
//! nobody was told of it yet. Once a commit failed nobody knows what the disk holds, so the writer refuses
//! all further work until the node is started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};
use weir_model::Timestamp;
use weir_model::node::{LoopInfo, LoopState};

use super::catalog::{Catalog, Planned};
use super::entry::Change;
use super::{Db, StoreError};

/// Changes that may wait. Callers beyond wait for a place; every one of them is a request with a timeout
/// or a stream that needs numbers, so nothing is dropped and nothing piles up.
const WAITING_MAX: usize = 256;

/// Changes of one commit: enough to share the disk's work, few enough to answer within a disk's patience.
const GROUP_MAX: usize = 64;

/// Plans on the catalog and answers with its changes; the answer goes out once they are durable.
type Job = Box<dyn FnOnce(&Catalog) -> Staged + Send>;

struct Staged {
    changes: Vec<Change>,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// Takes changes; dropping it ends the thread once everything that waits is written.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    figures: Arc<Figures>,
    since: Timestamp,
}

#[derive(Default)]
struct Figures {
    waiting: AtomicU64,
    done: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        db: Db,
        catalog: Arc<RwLock<Catalog>>,
        since: Timestamp,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(WAITING_MAX);
        let figures = Arc::new(Figures::default());
        let shared = Arc::clone(&figures);
        let thread = std::thread::Builder::new()
            .name("store writer".into())
            .spawn(move || run(&db, &catalog, queue, &shared))
            .map_err(|error| StoreError::Io(format!("its thread does not start: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), figures, since })
    }

    /// Makes what `plan` decides; `Ok` means that it survives a power cut.
    pub(super) async fn write<T, P>(&self, plan: P) -> Result<T, StoreError>
    where
        T: Send + 'static,
        P: FnOnce(&Catalog) -> Planned<T> + Send + 'static,
    {
        let stopped = || StoreError::Io("its writer has stopped".into());
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |catalog| stage(plan(catalog), tell));
        self.figures.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.figures);
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).await.map_err(|_| stopped())?;
        let result = told.await.map_err(|_| stopped())?;
        drop(waiting);
        result
    }

    /// The thread as operators see every loop.
    pub(super) fn info(&self) -> LoopInfo {
        let queue = self.figures.waiting.load(Ordering::Relaxed);
        let failed = self.figures.last_error.lock().clone();
        let state = match (&failed, queue) {
            (Some(_), _) => LoopState::Stopped,
            (None, 0) => LoopState::Idle,
            (None, _) => LoopState::Busy,
        };
        LoopInfo {
            name: "store writer".into(),
            state,
            queue,
            done: self.figures.done.load(Ordering::Relaxed),
            errors: self.figures.errors.load(Ordering::Relaxed),
            last_error: failed,
            since: self.since,
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told to everybody who waited for it.
            let _ = thread.join();
        }
    }
}

/// Counts one who waits, also when it gives up.
struct Waiting<'a>(&'a Figures);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn stage<T: Send + 'static>(
    planned: Planned<T>,
    tell: oneshot::Sender<Result<T, StoreError>>,
) -> Staged {
    match planned {
        Ok((changes, value)) => Staged {
            changes,
            answer: Box::new(move |written| {
                // The caller may have given up; the change is made all the same.
                let _ = tell.send(written.map(|()| value));
            }),
        },
        Err(refusal) => Staged {
            changes: Vec::new(),
            answer: Box::new(move |_| {
                let _ = tell.send(Err(refusal));
            }),
        },
    }
}

fn run(db: &Db, catalog: &RwLock<Catalog>, mut queue: mpsc::Receiver<Job>, figures: &Figures) {
    let mut failed: Option<StoreError> = None;
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX {
            let Ok(next) = queue.try_recv() else { break };
            group.push(next);
        }
        let size = group.len() as u64;
        let (changes, answers) = plan_group(group, catalog, failed.is_some());
        let written = match &failed {
            Some(error) => Err(error.clone()),
            None => commit(db, &changes),
        };
        figures.done.fetch_add(size, Ordering::Relaxed);
        if let (Err(error), None) = (&written, &failed) {
            tracing::error!(%error, "the store takes no more changes until the node is restarted");
            figures.errors.fetch_add(1, Ordering::Relaxed);
            *figures.last_error.lock() = Some(error.to_string());
            failed = Some(error.clone());
        }
        for answer in answers {
            answer(written.clone());
        }
    }
}

type Answers = Vec<Box<dyn FnOnce(Result<(), StoreError>) + Send>>;

/// Each job sees what the ones before it changed.
fn plan_group(group: Vec<Job>, catalog: &RwLock<Catalog>, failed: bool) -> (Vec<Change>, Answers) {
    let mut catalog = catalog.write();
    let mut all = Vec::new();
    let mut answers = Answers::new();
    for job in group {
        let Staged { changes, answer } = job(&catalog);
        if !failed {
            changes.iter().for_each(|change| catalog.apply(change));
            all.extend(changes);
        }
        answers.push(answer);
    }
    (all, answers)
}

fn commit(db: &Db, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let raw: Result<Vec<_>, _> = changes.iter().map(Change::raw).collect();
    db.commit(raw.map_err(|error| StoreError::Io(error.to_string()))?)
}
