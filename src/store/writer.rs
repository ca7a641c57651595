//! The one writer: a thread that plans changes on the catalog, makes them durable and only then answers.
//!
//! Changes that wait together share one commit. The catalog shows a change shortly before it is durable;
//! nobody was told of it yet. When a commit fails, its changes are taken back in memory and nobody knows
//! what the disk holds, so the writer refuses changes until a new database, written from memory, is
//! durable. It tries that every [`REPLACE_EVERY`]; nothing acknowledged is lost and nothing refused comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};
use weir_model::Timestamp;
use weir_model::node::{LoopInfo, LoopState};

use super::StoreError;
use super::catalog::{self, Catalog};
use super::disk::Disk;
use super::entry::Change;
use super::sled::RawChange;

/// Changes that may wait. Callers beyond wait for a place; every one of them is a request with a timeout
/// or a stream that needs numbers, so nothing is dropped and nothing piles up.
const WAITING_MAX: usize = 256;

/// Changes of one commit: enough to share the disk's work, few enough to answer within a disk's patience.
const GROUP_MAX: usize = 64;

/// How often a failed disk is tried again: soon after it works, without being its only load.
const REPLACE_EVERY: Duration = Duration::from_secs(1);

/// Plans on the catalog and answers with its changes; the answer goes out once they are durable.
type Plan = Box<dyn FnOnce(&Catalog) -> Staged + Send>;

/// Changes the catalog by itself and answers with what the database has to follow.
type Made = Box<dyn FnOnce(&mut Catalog) -> (Vec<RawChange>, Box<dyn FnOnce() + Send>) + Send>;

enum Job {
    Plan(Plan),
    Made(Made),
}

struct Staged {
    changes: Vec<Change>,
    answer: Answer,
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
    /// Changes are refused now.
    failing: AtomicBool,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        disk: Disk,
        catalog: Arc<RwLock<Catalog>>,
        since: Timestamp,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(WAITING_MAX);
        let figures = Arc::new(Figures::default());
        let unstarted = |error| StoreError::Io(format!("its thread does not start: {error}"));
        // Of its own, because it blocks on the disk; it waits for jobs and for the next attempt.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(unstarted)?;
        let work = Work { disk, catalog, figures: Arc::clone(&figures), failed: None };
        let thread = std::thread::Builder::new()
            .name("store writer".into())
            .spawn(move || runtime.block_on(work.run(queue)))
            .map_err(unstarted)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), figures, since })
    }

    /// Makes what `plan` decides; `Ok` means that it survives a power cut.
    pub(super) async fn write<T, P>(&self, plan: P) -> Result<T, StoreError>
    where
        T: Send + 'static,
        P: FnOnce(&Catalog) -> catalog::Planned<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job = Job::Plan(Box::new(move |catalog| stage(plan(catalog), tell)));
        self.ask(job, told).await?
    }

    /// Does what the log says: `make` changes the catalog, and the database follows without a sync, because
    /// the log makes again what a power cut takes. A database that fails is written anew from the catalog,
    /// so this never fails for it.
    pub(super) async fn follow<T, M>(&self, make: M) -> Result<T, StoreError>
    where
        T: Send + 'static,
        M: FnOnce(&mut Catalog) -> (Vec<RawChange>, T) + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let made = Box::new(move |catalog: &mut Catalog| {
            let (changes, value) = make(catalog);
            let answer = Box::new(move || drop(tell.send(value))) as Box<dyn FnOnce() + Send>;
            (changes, answer)
        });
        self.ask(Job::Made(made), told).await
    }

    async fn ask<T>(&self, job: Job, told: oneshot::Receiver<T>) -> Result<T, StoreError> {
        let stopped = || StoreError::Io("its writer has stopped".into());
        self.figures.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.figures);
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).await.map_err(|_| stopped())?;
        let answer = told.await.map_err(|_| stopped());
        drop(waiting);
        answer
    }

    /// The thread as operators see every loop.
    pub(super) fn info(&self) -> LoopInfo {
        let queue = self.figures.waiting.load(Ordering::Relaxed);
        let state = match (self.is_failing(), queue) {
            (true, _) => LoopState::Stopped,
            (false, 0) => LoopState::Idle,
            (false, _) => LoopState::Busy,
        };
        LoopInfo {
            name: "store writer".into(),
            state,
            queue,
            done: self.figures.done.load(Ordering::Relaxed),
            errors: self.figures.errors.load(Ordering::Relaxed),
            last_error: self.figures.last_error.lock().clone(),
            since: self.since,
        }
    }

    /// Whether changes are refused now because the disk failed.
    pub(super) fn is_failing(&self) -> bool {
        self.figures.failing.load(Ordering::Relaxed)
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
    planned: catalog::Planned<T>,
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
            answer: Box::new(move |written| {
                // What the refusal rests on may have failed with the rest.
                let _ = tell.send(written.and(Err(refusal)));
            }),
        },
    }
}

/// What the thread has.
struct Work {
    disk: Disk,
    catalog: Arc<RwLock<Catalog>>,
    figures: Arc<Figures>,
    /// What everybody is told who wants a change.
    failed: Option<StoreError>,
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl Work {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut attempts = tokio::time::interval(REPLACE_EVERY);
        attempts.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = attempts.tick(), if self.failed.is_some() => self.replace(),
                first = queue.recv() => {
                    let Some(first) = first else { return };
                    self.work(first, &mut queue);
                }
            }
        }
    }

    fn work(&mut self, first: Job, queue: &mut mpsc::Receiver<Job>) {
        let (mut group, mut made) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Plan(plan) => group.push(plan),
                Job::Made(one) => made.push(one),
            }
            next = (group.len() + made.len() < GROUP_MAX).then(|| queue.try_recv().ok()).flatten();
        }
        match self.failed.clone() {
            Some(error) => self.refuse(group, &error),
            None if group.is_empty() => {}
            None => self.make(group),
        }
        made.into_iter().for_each(|one| self.follow(one));
    }

    /// The catalog goes first; the database may fail and be written anew.
    fn follow(&mut self, made: Made) {
        let (changes, answer) = made(&mut self.catalog.write());
        if self.failed.is_none()
            && let Err(error) = self.disk.follow(changes)
        {
            self.figures.errors.fetch_add(1, Ordering::Relaxed);
            self.fail(&error);
        }
        self.figures.done.fetch_add(1, Ordering::Relaxed);
        answer();
    }

    /// Makes the changes of a group durable, or takes them back.
    fn make(&mut self, group: Vec<Plan>) {
        let size = group.len() as u64;
        let Planned { changes, undo, answers } = plan(group, &mut self.catalog.write());
        let written = raw(&changes).and_then(|raw| match raw.is_empty() {
            true => Ok(()),
            false => self.disk.commit(raw),
        });
        match &written {
            Ok(()) => self.figures.done.fetch_add(size, Ordering::Relaxed),
            Err(error) => {
                let mut catalog = self.catalog.write();
                undo.iter().rev().for_each(|change| catalog.apply(change));
                drop(catalog);
                self.fail(error);
                self.figures.errors.fetch_add(size, Ordering::Relaxed)
            }
        };
        let told = self.failed.clone().map_or(Ok(()), Err);
        answers.into_iter().for_each(|answer| answer(told.clone()));
    }

    /// Answers what needs no write; the rest is told why not.
    fn refuse(&self, group: Vec<Plan>, error: &StoreError) {
        for job in group {
            let Staged { changes, answer } = job(&self.catalog.read());
            if changes.is_empty() {
                answer(Ok(()));
            } else {
                self.figures.errors.fetch_add(1, Ordering::Relaxed);
                answer(Err(error.clone()));
            }
        }
    }

    /// Tries to write a new database from memory.
    fn replace(&mut self) {
        let records = self.catalog.read().records();
        let records = records.map_err(|error| StoreError::Io(error.to_string()));
        match records.and_then(|records| self.disk.replace(records)) {
            Ok(()) => {
                tracing::warn!("the database was written anew and takes changes again");
                self.figures.failing.store(false, Ordering::Relaxed);
                self.failed = None;
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &StoreError) {
        if self.failed.is_none() {
            tracing::error!(%error, "a write failed; changes are refused until the disk works again");
        }
        let text = match error {
            StoreError::Io(text) => text.clone(),
            other => other.to_string(),
        };
        *self.figures.last_error.lock() = Some(text.clone());
        self.figures.failing.store(true, Ordering::Relaxed);
        let every = REPLACE_EVERY.as_secs();
        self.failed = Some(StoreError::Io(format!(
            "{text}; changes are refused until the disk works again, which is tried every {every} s"
        )));
    }
}

/// What a group of jobs wants.
struct Planned {
    changes: Vec<Change>,
    /// Takes the changes back, to be applied from the end.
    undo: Vec<Change>,
    answers: Vec<Answer>,
}

/// Each job sees what the ones before it changed.
fn plan(group: Vec<Plan>, catalog: &mut Catalog) -> Planned {
    let mut all = Planned { changes: Vec::new(), undo: Vec::new(), answers: Vec::new() };
    for job in group {
        let Staged { changes, answer } = job(catalog);
        for change in &changes {
            all.undo.extend(catalog.undo(change));
            catalog.apply(change);
        }
        all.changes.extend(changes);
        all.answers.push(answer);
    }
    all
}

fn raw(changes: &[Change]) -> Result<Vec<RawChange>, StoreError> {
    let raw: Result<Vec<_>, _> = changes.iter().map(Change::raw).collect();
    raw.map_err(|error| StoreError::Io(error.to_string()))
}
