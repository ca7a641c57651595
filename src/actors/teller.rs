//! Requests for the ledger on their way into the log. What waits together goes together; a request is answered when most
//! of the voters have it on disk and the ledger has made it.

pub mod found;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use weir_ledger::batch::{self, Answer};
use weir_ledger::{Refusal, Request};
use weir_model::charge::LedgerId;

use super::tasks::Tasks;
use crate::raft::{COMMAND_BYTES_MAX, Consensus, ProposeError};
use crate::store::ledger::command;

/// Requests that may wait on a node; one more is told that the ledger is busy.
const WAITING_MAX: usize = 16_384;
/// Bytes of one batch, so that its command fits the log.
const BATCH_BYTES_MAX: usize = command::bytes_of(COMMAND_BYTES_MAX) - 16;
/// Batches on their way at once: one is synced while the one before is made.
const IN_FLIGHT: usize = 3;
/// A request waits this long: an election after a leader's death, and one that failed before it.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let figures = Arc::new(Figures::default());
        let desk = Desk { consensus, figures: Arc::clone(&figures) };
        tasks.spawn("ledger requests", |handle| async move {
            tokio::select! {
                () = desk.run(waiting) => {}
                () = handle.stopping() => {}
            }
        });
        Self { queue, figures }
    }

    /// Has the ledger do `request`. The same request may be sent again until it is answered; it is done once.
    ///
    /// # Errors
    /// When the ledger said nothing.
    pub async fn ask(&self, request: &Request) -> Result<Told, Untold> {
        let invalid = |refusal: Refusal| Untold::Unavailable(refusal.to_string());
        request.check().map_err(invalid)?;
        let bytes = request.bytes().map_err(invalid)?;
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(Untold::Unavailable(Refusal::TooLarge.to_string()));
        }
        let (tell, told) = oneshot::channel();
        match self.queue.try_send(Waiting { bytes, tell }) {
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

/// The sending end.
struct Desk {
    consensus: Consensus,
    figures: Arc<Figures>,
}

impl Desk {
    async fn run(self, mut queue: mpsc::Receiver<Waiting>) {
        let mut on_their_way = FuturesUnordered::new();
        let mut held = None;
        loop {
            // What comes while enough are on their way goes with the next batch.
            let is_room = on_their_way.len() < IN_FLIGHT;
            tokio::select! {
                biased;
                Some(()) = on_their_way.next() => {}
                Some(first) = next(&mut held, &mut queue), if is_room => {
                    let (waiting, beyond) = gather(first, &mut queue);
                    held = beyond;
                    on_their_way.push(self.send(waiting));
                }
                else => return,
            }
        }
    }

    async fn send(&self, waiting: Vec<Waiting>) {
        let pieces: Vec<&[u8]> = waiting.iter().map(|one| one.bytes.as_slice()).collect();
        let told = self.tell(batch::join(&pieces), waiting.len()).await;
        self.figures.batches.fetch_add(1, Ordering::Relaxed);
        let counted = match &told {
            Ok(_) => &self.figures.answered,
            Err(_) => &self.figures.unanswered,
        };
        counted.fetch_add(waiting.len() as u64, Ordering::Relaxed);
        match told {
            Ok((answers, durability)) => {
                for (one, answer) in waiting.into_iter().zip(answers) {
                    // Who gave up asks again with the same id.
                    let _ = one.tell.send(Ok(Told { answer, durability }));
                }
            }
            Err(error) => {
                for one in waiting {
                    let _ = one.tell.send(Err(error.clone()));
                }
            }
        }
    }

    async fn tell(
        &self,
        batch: Vec<u8>,
        count: usize,
    ) -> Result<(Vec<Answer>, Durability), Untold> {
        let text =
            command::to_text(&batch).map_err(|error| Untold::Unavailable(error.to_string()))?;
        let reply = self.consensus.propose_batch(text, PATIENCE).await;
        let reply = reply.map_err(|error| match error {
            ProposeError::Unknown => Untold::Unanswered,
            other => Untold::Unavailable(other.to_string()),
        })?;
        // The log made it before, and the ledger answered to that time.
        let answers = command::of_text(&reply).and_then(|bytes| batch::read_answers(&bytes).ok());
        let answers = answers.filter(|answers| answers.len() == count).ok_or(Untold::Unanswered)?;
        let alone = self.consensus.voters() <= 1;
        Ok((answers, if alone { Durability::Local } else { Durability::Quorum }))
    }
}

/// What was held back, else what comes next; none when nothing will come.
async fn next(held: &mut Option<Waiting>, queue: &mut mpsc::Receiver<Waiting>) -> Option<Waiting> {
    match held.take() {
        Some(first) => Some(first),
        None => queue.recv().await,
    }
}

/// All that waits, as far as it fits one batch, and what does not.
fn gather(first: Waiting, queue: &mut mpsc::Receiver<Waiting>) -> (Vec<Waiting>, Option<Waiting>) {
    let mut bytes = first.bytes.len();
    let mut waiting = vec![first];
    while let Ok(next) = queue.try_recv() {
        bytes += next.bytes.len();
        if bytes > BATCH_BYTES_MAX {
            return (waiting, Some(next));
        }
        waiting.push(next);
    }
    (waiting, None)
}

fn stopped() -> Untold {
    Untold::Unavailable("this node is stopping; ask another one".into())
}
