//! Changes on their way into the log: what waits together becomes one batch; a batch goes to the leader,
//! wherever that is, until it is answered or nobody waits for it any more.
//!
//! A batch may be sent twice when its answer was lost; the machine tells by the ids of its requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openraft::error::{ClientWriteError, RaftError};
use tokio::sync::{mpsc, oneshot};
use weir_model::NodeId;

use super::network::{self, CallError, Network};
use super::types::{Batch, Core, Replies, Reply, Request};

/// Changes that may wait on a node; callers beyond wait for a place until their deadline.
pub(super) const WAITING_MAX: usize = 4096;
/// Requests of one batch.
const BATCH_MAX: usize = 512;
/// Bytes of a batch's commands; with everything around them they fit one entry and one request.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// The largest command: a batch of one still fits.
pub(super) const COMMAND_BYTES_MAX: usize = 128 << 10;
/// A leader answers within milliseconds. One that does not may have lost its followers: ask again who leads.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(1);
/// Between two attempts: much shorter than an election.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Why a change was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Nobody took it; it was not made.
    #[error(
        "the cluster has no leader now, nothing was changed; try again, and look at `weir cluster status` if it stays so"
    )]
    NoLeader,
    /// It may have been made.
    #[error(
        "the cluster did not answer in time; the change may have been made: look before you repeat it"
    )]
    Unknown,
    /// A command that is too large.
    #[error("a change of {0} bytes; at most {COMMAND_BYTES_MAX}")]
    TooLarge(usize),
    /// This node's consensus has stopped.
    #[error("consensus has stopped on this node: {0}; start the node again")]
    Stopped(String),
}

/// Figures of proposals for operators.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) waiting: AtomicU64,
    pub(super) answered: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) given_up: AtomicU64,
}

/// A request and who waits for its reply.
pub(super) struct Waiting {
    pub(super) request: Request,
    pub(super) tell: oneshot::Sender<Result<Reply, ProposeError>>,
    /// Set once it may have been made.
    pub(super) sent: Arc<std::sync::atomic::AtomicBool>,
}

/// Sends batches.
pub(super) struct Proposer {
    pub(super) id: NodeId,
    pub(super) core: Core,
    pub(super) network: Arc<dyn Network>,
    pub(super) figures: Arc<Figures>,
}

/// Why an attempt gave nothing.
enum Missed {
    /// The batch was not made by it.
    NotMade,
    /// It may have been made.
    Unknown,
    /// There will be no other.
    Stopped(String),
}

impl Proposer {
    /// Works until nobody can propose any more or `core` stops.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Waiting>) {
        while let Some(first) = queue.recv().await {
            let mut waiting = gather(first, &mut queue);
            if let Err(stopped) = self.send(&mut waiting).await {
                for one in waiting {
                    let _ = one.tell.send(Err(ProposeError::Stopped(stopped.clone())));
                }
            }
        }
    }

    async fn send(&self, waiting: &mut Vec<Waiting>) -> Result<(), String> {
        loop {
            let before = waiting.len();
            waiting.retain(|one| !one.tell.is_closed());
            let left = (before - waiting.len()) as u64;
            self.figures.given_up.fetch_add(left, Ordering::Relaxed);
            if waiting.is_empty() {
                return Ok(());
            }
            let requests = waiting.iter().map(|one| one.request.clone()).collect();
            match self.attempt(Batch { requests }).await {
                Ok(replies) => {
                    self.figures.answered.fetch_add(waiting.len() as u64, Ordering::Relaxed);
                    for (one, reply) in waiting.drain(..).zip(replies.replies) {
                        let _ = one.tell.send(Ok(reply));
                    }
                    return Ok(());
                }
                Err(Missed::Stopped(text)) => return Err(text),
                Err(Missed::NotMade) => {}
                Err(Missed::Unknown) => {
                    waiting.iter().for_each(|one| one.sent.store(true, Ordering::Relaxed));
                }
            }
            self.figures.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn attempt(&self, batch: Batch) -> Result<Replies, Missed> {
        let leader = {
            let metrics = self.core.metrics();
            let now = metrics.borrow();
            if let Err(error) = &now.running_state {
                return Err(Missed::Stopped(error.to_string()));
            }
            now.current_leader.ok_or(Missed::NotMade)?
        };
        if leader == self.id.0 {
            return write(&self.core, batch).await;
        }
        let body = network::encode(&batch).map_err(|_| Missed::NotMade)?;
        let call = self.network.call(NodeId(leader), network::PROPOSE, body, ATTEMPT_PATIENCE);
        let answer = call.await.map_err(|error| match error {
            CallError::Refused(_) | CallError::Unreachable(_) => Missed::NotMade,
            CallError::TimedOut => Missed::Unknown,
        })?;
        let answer: Option<Replies> = network::decode(&answer).map_err(|_| Missed::Unknown)?;
        answer.ok_or(Missed::Unknown)
    }
}

/// Answers a batch that another node forwarded: none when it may have been made.
pub(super) async fn answer(core: &Core, body: &[u8]) -> Result<Option<Replies>, CallError> {
    match write(core, network::decode(body)?).await {
        Ok(replies) => Ok(Some(replies)),
        Err(Missed::Unknown) => Ok(None),
        Err(Missed::NotMade) => Err(CallError::Refused("this node does not lead".into())),
        Err(Missed::Stopped(text)) => Err(CallError::Refused(text)),
    }
}

/// Makes one request as leader, once.
pub(super) async fn make(core: &Core, request: Request) -> Result<Reply, ProposeError> {
    match write(core, Batch { requests: vec![request] }).await {
        Ok(made) => made.replies.into_iter().next().ok_or(ProposeError::Unknown),
        Err(Missed::NotMade) => Err(ProposeError::NoLeader),
        Err(Missed::Unknown) => Err(ProposeError::Unknown),
        Err(Missed::Stopped(text)) => Err(ProposeError::Stopped(text)),
    }
}

/// Writes a batch as leader.
async fn write(core: &Core, batch: Batch) -> Result<Replies, Missed> {
    match tokio::time::timeout(ATTEMPT_PATIENCE, core.client_write(batch)).await {
        Err(_) => Err(Missed::Unknown),
        Ok(Ok(written)) => Ok(written.data),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => Err(Missed::Unknown),
        Ok(Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(_)))) => {
            Err(Missed::NotMade)
        }
        Ok(Err(RaftError::Fatal(error))) => Err(Missed::Stopped(error.to_string())),
    }
}

/// All that waits, as far as it fits one batch.
fn gather(first: Waiting, queue: &mut mpsc::Receiver<Waiting>) -> Vec<Waiting> {
    let size = |one: &Waiting| one.request.command.get().len();
    let mut bytes = size(&first);
    let mut waiting = vec![first];
    while waiting.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
        let Ok(next) = queue.try_recv() else { break };
        bytes += size(&next);
        waiting.push(next);
    }
    waiting
}
