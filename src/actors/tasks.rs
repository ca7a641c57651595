//! Background loops: every one has a name, can be seen by the operator and ends when the node stops.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use weir_model::node::{LoopInfo, LoopState};

use super::clock;

/// Stopped loops that stay listed, so that the operator can read why they ended.
const STOPPED_KEPT_MAX: usize = 32;

/// All loops of a node.
#[derive(Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

struct Inner {
    loops: Mutex<BTreeMap<u64, Arc<Loop>>>,
    next: AtomicU64,
    stop: watch::Sender<bool>,
}

struct Loop {
    name: String,
    since: weir_model::Timestamp,
    busy: AtomicBool,
    stopped: AtomicBool,
    queue: AtomicU64,
    done: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
    #[cfg(test)]
    abort: std::sync::OnceLock<tokio::task::AbortHandle>,
}

/// A loop's own view of itself.
#[derive(Clone)]
pub struct Handle {
    this: Arc<Loop>,
    stop: watch::Receiver<bool>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// No loops yet.
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner {
            loops: Mutex::new(BTreeMap::new()),
            next: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Runs `body` as a loop that operators see as `name`. It should end soon after
    /// [`Handle::stopping`] resolves.
    pub fn spawn<F, Fut>(&self, name: impl Into<String>, body: F) -> JoinHandle<()>
    where
        F: FnOnce(Handle) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let this = Arc::new(Loop::new(name.into()));
        self.inner.loops.lock().insert(id, Arc::clone(&this));
        let handle = Handle { this: Arc::clone(&this), stop: self.inner.stop.subscribe() };
        let future = body(handle);
        let ended = Ended { inner: Arc::clone(&self.inner), this: Arc::clone(&this), id };
        #[allow(clippy::disallowed_methods)]
        let spawned = tokio::spawn(async move {
            let _ended = ended;
            future.await;
        });
        #[cfg(test)]
        let _ = this.abort.set(spawned.abort_handle());
        spawned
    }

    /// Ends the loop called `name` as a panic would.
    #[cfg(test)]
    pub(crate) fn kill(&self, name: &str) {
        let loops: Vec<_> = self.inner.loops.lock().values().cloned().collect();
        for one in loops.iter().filter(|one| one.name == name) {
            one.abort.get().unwrap().abort();
        }
    }

    /// Runs `future` without listing it: for connections, which their listener counts, and for what has to be done to
    /// its end whoever waits for it.
    pub fn spawn_unlisted<Fut>(&self, future: Fut) -> JoinHandle<Fut::Output>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        #[allow(clippy::disallowed_methods)]
        tokio::spawn(future)
    }

    /// Every loop, in the order in which they were started.
    #[must_use]
    pub fn list(&self) -> Vec<LoopInfo> {
        self.inner.loops.lock().values().map(|one| one.info()).collect()
    }

    /// Tells every loop to end and waits for them, at most `limit`.
    pub async fn shutdown(&self, limit: Duration) {
        self.inner.stop.send_replace(true);
        let all_ended = async {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            while self.inner.loops.lock().values().any(|one| !one.stopped.load(Ordering::Acquire)) {
                tick.tick().await;
            }
        };
        if tokio::time::timeout(limit, all_ended).await.is_err() {
            let names: Vec<String> = self
                .list()
                .into_iter()
                .filter(|one| one.state != LoopState::Stopped)
                .map(|one| one.name)
                .collect();
            tracing::warn!(loops = ?names, "loops did not end in time");
        }
    }

    /// Whether the node stops.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.inner.stop.borrow()
    }

    /// Resolves when the node stops.
    #[must_use]
    pub fn stop_signal(&self) -> watch::Receiver<bool> {
        self.inner.stop.subscribe()
    }
}

/// Marks a loop as stopped however it ends, a panic included.
struct Ended {
    inner: Arc<Inner>,
    this: Arc<Loop>,
    id: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.this.errors.fetch_add(1, Ordering::Relaxed);
            *self.this.last_error.lock() = Some("panicked; see the log".into());
        }
        self.this.stopped.store(true, Ordering::Release);
        let mut loops = self.inner.loops.lock();
        if self.this.last_error.lock().is_none() {
            loops.remove(&self.id);
        }
        let stopped: Vec<u64> = loops
            .iter()
            .filter(|(_, one)| one.stopped.load(Ordering::Acquire))
            .map(|(id, _)| *id)
            .collect();
        for id in stopped.iter().take(stopped.len().saturating_sub(STOPPED_KEPT_MAX)) {
            loops.remove(id);
        }
    }
}

impl Loop {
    fn new(name: String) -> Self {
        Self {
            name,
            since: clock::now(),
            busy: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            queue: AtomicU64::new(0),
            done: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            last_error: Mutex::new(None),
            #[cfg(test)]
            abort: std::sync::OnceLock::new(),
        }
    }

    fn info(&self) -> LoopInfo {
        let state = match (self.stopped.load(Ordering::Acquire), self.busy.load(Ordering::Relaxed))
        {
            (true, _) => LoopState::Stopped,
            (false, true) => LoopState::Busy,
            (false, false) => LoopState::Idle,
        };
        LoopInfo {
            name: self.name.clone(),
            state,
            queue: self.queue.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            last_error: self.last_error.lock().clone(),
            since: self.since,
        }
    }
}

impl Handle {
    /// Says that the loop works now, with `queue` units waiting.
    pub fn busy(&self, queue: u64) {
        self.this.busy.store(true, Ordering::Relaxed);
        self.this.queue.store(queue, Ordering::Relaxed);
    }

    /// Says that the loop waits for work, after `done` more units.
    pub fn idle(&self, done: u64) {
        self.this.busy.store(false, Ordering::Relaxed);
        self.this.done.fetch_add(done, Ordering::Relaxed);
    }

    /// Sets how many units wait.
    pub fn queue(&self, queue: u64) {
        self.this.queue.store(queue, Ordering::Relaxed);
    }

    /// Notes a failure.
    pub fn error(&self, error: impl std::fmt::Display) {
        self.this.errors.fetch_add(1, Ordering::Relaxed);
        *self.this.last_error.lock() = Some(error.to_string());
    }

    /// Resolves when the node stops.
    pub async fn stopping(&self) {
        let mut stop = self.stop.clone();
        // An error means that the node is gone already.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_is_listed_while_it_runs_and_ends_with_the_node() {
        let tasks = Tasks::new();
        tasks.spawn("demo loop", |handle| async move {
            handle.busy(3);
            handle.stopping().await;
        });
        tokio::task::yield_now().await;
        let listed = tasks.list();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].name, "demo loop");
        tasks.shutdown(Duration::from_secs(5)).await;
        assert!(tasks.list().is_empty());
    }

    #[tokio::test]
    async fn a_loop_that_panics_stays_listed_with_its_error() {
        let tasks = Tasks::new();
        let joined = tasks.spawn("broken loop", |_| async { panic!("on purpose") });
        assert!(joined.await.is_err());
        let listed = tasks.list();
        assert_eq!(listed[0].state, LoopState::Stopped);
        assert_eq!(listed[0].errors, 1);
    }
}
