//! Changes on their way into the log: what waits together becomes one batch; a batch goes to the leader,
//! wherever that is, until it is answered or nobody waits for it any more.
//!
//! A batch may be sent twice when its answer was lost; the machine tells by the ids of its requests.
//!
//! What keeps the cluster going has a queue of its own: a leader whose disk is nearly full still makes it, while it
//! refuses what people ask for. It must run out of room by saying so and never in the middle of a write.
//!
//! What comes as a batch of its own has no queue: it goes as it is, beside others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use openraft::error::{ClientWriteError, RaftError};
use tokio::sync::{mpsc, oneshot};
use weir_model::{NodeId, Timestamp};

use super::network::{self, CallError, Network};
use super::types::{Batch, Core, Replies, Reply, Request};

/// Changes that may wait on a node; callers beyond wait for a place until their deadline.
pub(super) const WAITING_MAX: usize = 4096;
/// Requests of one batch.
const BATCH_MAX: usize = 512;
/// Bytes of a batch's commands; with everything around them they fit one entry and one request.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// The largest command: a batch of one still fits.
pub const COMMAND_BYTES_MAX: usize = 128 << 10;
/// A leader answers within milliseconds. One that does not may have lost its followers: ask again who leads.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(1);
/// Between two attempts: much shorter than an election.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Says why the disk takes nothing new, when that is so. Asked by the leader for each batch.
pub type Room = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The wall clock.
pub type Now = fn() -> Timestamp;

/// What a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Somebody asked for it.
    Wish,
    /// What runs needs it to go on: leases, members, numbers of segments. Little, and never refused for room.
    Upkeep,
}

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
    /// The leader's disk is nearly full; it was not made.
    #[error("nothing was changed: {0}")]
    NoRoom(String),
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
    pub(super) fate: Arc<Fate>,
    /// An attempt ended without saying whether it was made.
    pub(super) unsure: bool,
}

/// Whether a request may be in a leader's hands. It is settled between who waits and who sends, so that what was
/// given up as not made is not sent a moment later.
#[derive(Debug, Default)]
pub(super) struct Fate(AtomicU8);

impl Fate {
    const HELD: u8 = 0;
    const SENT: u8 = 1;
    const GIVEN_UP: u8 = 2;

    /// From now on it may be made. False when it was given up: then it must not be sent.
    fn send(&self) -> bool {
        let before =
            self.0.compare_exchange(Self::HELD, Self::SENT, Ordering::AcqRel, Ordering::Acquire);
        before != Err(Self::GIVEN_UP)
    }

    /// It was not made by the attempt.
    fn hold(&self) {
        // Given up meanwhile, it stays so.
        let _ =
            self.0.compare_exchange(Self::SENT, Self::HELD, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Nobody waits for it any more. True when it was not made and never will be.
    pub(super) fn give_up(&self) -> bool {
        self.0.swap(Self::GIVEN_UP, Ordering::AcqRel) == Self::HELD
    }
}

/// What a leader writes batches with.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) core: Core,
    pub(super) room: Room,
    pub(super) now: Now,
}

/// Sends batches.
pub(super) struct Proposer {
    pub(super) id: NodeId,
    pub(super) office: Office,
    pub(super) network: Arc<dyn Network>,
    pub(super) figures: Arc<Figures>,
    /// What all of its changes are for.
    pub(super) purpose: Purpose,
}

/// A batch on its way to the leader.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Forward {
    purpose: Purpose,
    batch: Batch,
}

/// What a leader says to a batch.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Made(Replies),
    /// It may have been made.
    Unknown,
    NoRoom(String),
}

/// Why an attempt gave nothing.
enum Missed {
    /// The batch was not made by it.
    NotMade,
    /// It may have been made.
    Unknown,
    /// The batch was not made by it, and another would not make it either.
    NoRoom(String),
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
            waiting.retain(|one| !one.tell.is_closed() && one.fate.send());
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
                Err(Missed::NoRoom(text)) => {
                    for one in waiting.drain(..) {
                        let answer = match one.unsure {
                            true => ProposeError::Unknown,
                            false => ProposeError::NoRoom(text.clone()),
                        };
                        let _ = one.tell.send(Err(answer));
                    }
                    return Ok(());
                }
                Err(Missed::NotMade) => {
                    waiting.iter().filter(|one| !one.unsure).for_each(|one| one.fate.hold());
                }
                Err(Missed::Unknown) => waiting.iter_mut().for_each(|one| one.unsure = true),
            }
            self.figures.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn attempt(&self, batch: Batch) -> Result<Replies, Missed> {
        let leader = {
            let metrics = self.office.core.metrics();
            let now = metrics.borrow();
            if let Err(error) = &now.running_state {
                return Err(Missed::Stopped(error.to_string()));
            }
            now.current_leader.ok_or(Missed::NotMade)?
        };
        if leader == self.id.0 {
            return self.office.write(self.purpose, batch).await;
        }
        let forward = Forward { purpose: self.purpose, batch };
        let body = network::encode(&forward).map_err(|_| Missed::NotMade)?;
        let call = self.network.call(NodeId(leader), network::PROPOSE, body, ATTEMPT_PATIENCE);
        let answer = tokio::select! {
            answer = call => answer,
            // Whoever was voted out, or fell silent, answers nothing any more; the next leader is asked.
            () = self.led_by_another(leader) => return Err(Missed::Unknown),
        };
        let answer = answer.map_err(|error| match error {
            CallError::Refused(_) | CallError::Unreachable(_) => Missed::NotMade,
            CallError::TimedOut => Missed::Unknown,
        })?;
        match network::decode(&answer).map_err(|_| Missed::Unknown)? {
            Answer::Made(replies) => Ok(replies),
            Answer::NoRoom(text) => Err(Missed::NoRoom(text)),
            Answer::Unknown => Err(Missed::Unknown),
        }
    }
}

impl Proposer {
    /// Sends one request alone.
    pub(super) async fn send_one(&self, waiting: Waiting) {
        let mut alone = vec![waiting];
        if let Err(stopped) = self.send(&mut alone).await {
            for one in alone {
                let _ = one.tell.send(Err(ProposeError::Stopped(stopped.clone())));
            }
        }
    }

    /// Ends when `leader` leads no longer, as far as this node knows.
    async fn led_by_another(&self, leader: u64) {
        let mut metrics = self.office.core.metrics();
        // Fails when consensus has stopped; then nobody leads.
        let _ = metrics.wait_for(|now| now.current_leader != Some(leader)).await;
    }
}

impl Office {
    /// Answers a batch that another node forwarded.
    pub(super) async fn answer(&self, body: &[u8]) -> Result<Answer, CallError> {
        let Forward { purpose, batch } = network::decode(body)?;
        match self.write(purpose, batch).await {
            Ok(replies) => Ok(Answer::Made(replies)),
            Err(Missed::NoRoom(text)) => Ok(Answer::NoRoom(text)),
            // Who stops in the middle may have sent it on before.
            Err(Missed::Unknown | Missed::Stopped(_)) => Ok(Answer::Unknown),
            Err(Missed::NotMade) => Err(CallError::Refused("this node does not lead".into())),
        }
    }

    /// Makes one request as leader, once.
    pub(super) async fn make(&self, request: Request) -> Result<Reply, ProposeError> {
        match self.write(Purpose::Upkeep, Batch { requests: vec![request] }).await {
            Ok(made) => made.replies.into_iter().next().ok_or(ProposeError::Unknown),
            Err(Missed::NotMade) => Err(ProposeError::NoLeader),
            Err(Missed::Unknown) => Err(ProposeError::Unknown),
            Err(Missed::NoRoom(text)) => Err(ProposeError::NoRoom(text)),
            Err(Missed::Stopped(text)) => Err(ProposeError::Stopped(text)),
        }
    }

    /// Writes a batch as leader, when there is room for what it is for. The time of its requests is the leader's: a
    /// wrong clock elsewhere moves nothing.
    async fn write(&self, purpose: Purpose, mut batch: Batch) -> Result<Replies, Missed> {
        if purpose != Purpose::Upkeep {
            (self.room)().map_err(Missed::NoRoom)?;
        }
        let now = (self.now)();
        batch.requests.iter_mut().for_each(|request| request.at = now);
        write(&self.core, batch).await
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_as_not_made_is_not_sent_and_what_was_sent_may_have_been_made() {
        let held = Fate::default();
        assert!(held.give_up() && !held.send());
        let sent = Fate::default();
        assert!(sent.send() && sent.send() && !sent.give_up());
        let refused = Fate::default();
        assert!(refused.send());
        refused.hold();
        assert!(refused.give_up());
        let late = Fate::default();
        assert!(late.send() && !late.give_up());
        late.hold();
        assert!(!late.send(), "nobody waits for it any more");
    }
}
