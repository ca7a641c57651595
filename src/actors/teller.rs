//! Requests for the ledger on their way into the log. What waits together goes together; a request is answered when most
//! of the voters have it on disk and the ledger has made it.

mod desk;
pub mod found;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use weir_ledger::batch::Answer;
use weir_ledger::{Refusal, Request};
use weir_model::charge::LedgerId;

use super::tasks::Tasks;
use crate::raft::{COMMAND_BYTES_MAX, Consensus};
use crate::store::ledger::command;
use desk::Desk;

/// Requests that may wait on a node; one more is told that the ledger is busy.
const WAITING_MAX: usize = 16_384;
/// Bytes of one batch, so that its command fits the log.
const BATCH_BYTES_MAX: usize = command::bytes_of(COMMAND_BYTES_MAX) - 16;

/// How many disks have what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// That of the only voter.
    Local,
    /// Those of most voters.
    Quorum,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What the ledger says.
    pub answer: Answer,
    /// How safe it is.
    pub durability: Durability,
}

/// A new id for a request, that nobody can guess; none when the system gives no random numbers.
#[must_use]
pub fn new_id() -> Option<LedgerId> {
    let half = || getrandom::u64().ok().map(u128::from);
    LedgerId::new((half()? << 64) | half()?)
}

/// Why the ledger said nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// Too much waits; nothing was done.
    #[error("the ledger is busy: {WAITING_MAX} requests wait on this node; try again in a moment")]
    Busy,
    /// Nothing was done.
    #[error("{0}")]
    Unavailable(String),
    /// It may have been done.
    #[error(
        "the ledger did not answer in time; ask again with the same id: what was done is not done twice"
    )]
    Unanswered,
}

/// Takes requests. Cheap to clone.
#[derive(Clone)]
pub struct Teller {
    queue: mpsc::Sender<Waiting>,
    unhurried: mpsc::Sender<Waiting>,
    figures: Arc<Figures>,
}

/// Figures for operators.
#[derive(Debug, Default)]
pub struct Figures {
    /// Requests that were answered.
    pub answered: AtomicU64,
    /// Batches they went in.
    pub batches: AtomicU64,
    /// Requests that were told that the ledger is busy.
    pub busy: AtomicU64,
    /// Requests that were not answered in time.
    pub unanswered: AtomicU64,
}

struct Waiting {
    bytes: Vec<u8>,
    tell: oneshot::Sender<Result<Told, Untold>>,
}

impl Teller {
    /// Starts to take requests.
    #[must_use]
    pub fn start(consensus: Consensus, tasks: &Tasks) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let (unhurried, others) = mpsc::channel(WAITING_MAX);
        let figures = Arc::new(Figures::default());
        let desk = Desk { consensus, figures: Arc::clone(&figures) };
        tasks.spawn("ledger requests", |handle| async move {
            tokio::select! {
                () = desk.run(waiting, others) => {}
                () = handle.stopping() => {}
            }
        });
        Self { queue, unhurried, figures }
    }

    /// Has the ledger do `request`. The same request may be sent again until it is answered; it is done once.
    ///
    /// # Errors
    /// When the ledger said nothing.
    pub async fn ask(&self, request: &Request) -> Result<Told, Untold> {
        self.ask_by(&self.queue, request).await
    }

    /// The same for what is one of many and that nobody waits for: it goes with the next batch, or with others like it
    /// after a moment.
    ///
    /// # Errors
    /// When the ledger said nothing.
    pub async fn ask_unhurried(&self, request: &Request) -> Result<Told, Untold> {
        self.ask_by(&self.unhurried, request).await
    }

    async fn ask_by(
        &self,
        queue: &mpsc::Sender<Waiting>,
        request: &Request,
    ) -> Result<Told, Untold> {
        let invalid = |refusal: Refusal| Untold::Unavailable(refusal.to_string());
        request.check().map_err(invalid)?;
        let bytes = request.bytes().map_err(invalid)?;
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(Untold::Unavailable(Refusal::TooLarge.to_string()));
        }
        let (tell, told) = oneshot::channel();
        match queue.try_send(Waiting { bytes, tell }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.figures.busy.fetch_add(1, Ordering::Relaxed);
                return Err(Untold::Busy);
            }
            Err(TrySendError::Closed(_)) => return Err(stopped()),
        }
        told.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Its figures.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}

fn stopped() -> Untold {
    Untold::Unavailable("this node is stopping; ask another one".into())
}
