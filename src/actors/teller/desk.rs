//! Where requests become batches.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::Sleep;
use weir_ledger::batch::{self, Answer};

use super::{BATCH_BYTES_MAX, Durability, Figures, Told, Untold, WAITING_MAX, Waiting};
use crate::raft::{Consensus, ProposeError};
use crate::store::ledger::command;

/// Batches on their way at once: one is synced while the one before is made.
const IN_FLIGHT: usize = 3;
/// A request waits this long: an election after a leader's death, and one that failed before it.
const PATIENCE: Duration = Duration::from_secs(5);
/// What nobody waits for waits this long for others that it can go with: a batch of many costs little more than one of
/// one.
const LINGER: Duration = Duration::from_millis(25);

/// The sending end.
pub(super) struct Desk {
    pub(super) consensus: Consensus,
    pub(super) figures: Arc<Figures>,
}

/// What waits for the next batch beside what is in the queues.
#[derive(Default)]
struct Held {
    /// Did not fit the one before.
    first: Option<Waiting>,
    /// What nobody waits for, oldest first.
    unhurried: VecDeque<Waiting>,
}

impl Desk {
    pub(super) async fn run(
        self,
        mut queue: mpsc::Receiver<Waiting>,
        mut unhurried: mpsc::Receiver<Waiting>,
    ) {
        let mut on_their_way = FuturesUnordered::new();
        let mut held = Held::default();
        // When what nobody waits for goes at the latest.
        let mut due: Option<Pin<Box<Sleep>>> = None;
        loop {
            // What comes while enough are on their way goes with the next batch.
            let is_room = on_their_way.len() < IN_FLIGHT;
            let takes = held.unhurried.len() < WAITING_MAX;
            tokio::select! {
                biased;
                Some(()) = on_their_way.next() => {}
                Some(first) = held.next(&mut queue), if is_room => {
                    on_their_way.push(self.send(held.gather(Some(first), &mut queue)));
                }
                () = until(&mut due), if is_room && due.is_some() => {
                    on_their_way.push(self.send(held.gather(None, &mut queue)));
                }
                Some(one) = unhurried.recv(), if takes => {
                    due.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
                    held.unhurried.push_back(one);
                }
                else => return,
            }
            due = due.filter(|_| !held.unhurried.is_empty());
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

async fn until(due: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(due) = due {
        due.as_mut().await;
    }
}

impl Held {
    /// What was held back, else what comes next; none when nothing will come.
    async fn next(&mut self, queue: &mut mpsc::Receiver<Waiting>) -> Option<Waiting> {
        match self.first.take() {
            Some(first) => Some(first),
            None => queue.recv().await,
        }
    }

    /// All that waits, as far as it fits one batch; the rest is held.
    fn gather(
        &mut self,
        first: Option<Waiting>,
        queue: &mut mpsc::Receiver<Waiting>,
    ) -> Vec<Waiting> {
        let (mut waiting, mut bytes) = (Vec::from_iter(first), 0);
        bytes += waiting.iter().map(|one| one.bytes.len()).sum::<usize>();
        while let Ok(next) = queue.try_recv() {
            bytes += next.bytes.len();
            if bytes > BATCH_BYTES_MAX {
                self.first = Some(next);
                return waiting;
            }
            waiting.push(next);
        }
        while let Some(next) = self.unhurried.pop_front() {
            bytes += next.bytes.len();
            if bytes > BATCH_BYTES_MAX {
                self.unhurried.push_front(next);
                return waiting;
            }
            waiting.push(next);
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn waiting(len: usize) -> Waiting {
        Waiting { bytes: vec![0; len], tell: oneshot::channel().0 }
    }

    fn lengths(some: impl IntoIterator<Item = Waiting>) -> Vec<usize> {
        some.into_iter().map(|one| one.bytes.len()).collect()
    }

    #[test]
    fn what_nobody_waits_for_fills_what_is_left_of_a_batch() {
        let (to, mut queue) = mpsc::channel(9);
        let mut held = Held::default();
        let half = BATCH_BYTES_MAX / 2;
        held.unhurried.extend([half, half, 1].map(waiting));
        to.try_send(waiting(2)).unwrap();
        assert_eq!(lengths(held.gather(Some(waiting(3)), &mut queue)), [3, 2, half]);
        assert_eq!(lengths(held.gather(None, &mut queue)), [half, 1]);
        assert!(held.unhurried.is_empty() && held.first.is_none());
    }

    #[test]
    fn what_does_not_fit_goes_first_with_the_next_batch() {
        let (to, mut queue) = mpsc::channel(9);
        let mut held = Held::default();
        held.unhurried.push_back(waiting(1));
        to.try_send(waiting(BATCH_BYTES_MAX)).unwrap();
        assert_eq!(lengths(held.gather(Some(waiting(7)), &mut queue)), [7]);
        assert_eq!(held.first.as_ref().map(|one| one.bytes.len()), Some(BATCH_BYTES_MAX));
        assert_eq!(held.unhurried.len(), 1);
    }
}
