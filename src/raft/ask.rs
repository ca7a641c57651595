//! Wishes on their way into the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::propose::{COMMAND_BYTES_MAX, Fate, Figures, ProposeError, Purpose, Waiting};
use super::{Consensus, Inner, Reply, Request, RequestId};

impl Consensus {
    /// Has `command` made everywhere and answers with the machine's reply. `Ok` means that a majority of the
    /// voters has it on disk and this or the leading node has made it.
    ///
    /// # Errors
    /// When no leader took it, its disk has no room for what people wish, or none answered before `deadline`.
    pub async fn propose(
        &self,
        command: Box<RawValue>,
        purpose: Purpose,
        deadline: Duration,
    ) -> Result<Reply, ProposeError> {
        let queue = self.inner.queue(purpose);
        // Fails when its loop has ended; then nobody answers.
        self.ask(command, deadline, async |waiting| drop(queue.send(waiting).await)).await
    }

    /// The same of a batch that somebody made of many wishes: it shares its entry with nothing, and waits for nothing
    /// that is on its way already.
    ///
    /// # Errors
    /// As [`Self::propose`].
    pub async fn propose_batch(
        &self,
        command: Box<RawValue>,
        deadline: Duration,
    ) -> Result<Reply, ProposeError> {
        let batches = &self.inner.batches;
        self.ask(command, deadline, async |waiting| batches.send_one(waiting).await).await
    }

    async fn ask(
        &self,
        command: Box<RawValue>,
        deadline: Duration,
        send: impl AsyncFnOnce(Waiting),
    ) -> Result<Reply, ProposeError> {
        let request = self.request(command)?;
        let (tell, told) = oneshot::channel();
        let fate = Arc::new(Fate::default());
        let waiting = Waiting { request, tell, fate: Arc::clone(&fate), unsure: false };
        let counted = Counted::new(&self.inner.figures);
        let answer = async {
            send(waiting).await;
            told.await.map_err(|_| ProposeError::Stopped("its loop has ended".into()))?
        };
        let answer = tokio::time::timeout(deadline, answer).await;
        drop(counted);
        answer.unwrap_or_else(|_| {
            let led = self.inner.core.metrics().borrow().current_leader.is_some();
            Err(match fate.give_up() {
                true if !led => ProposeError::NoLeader,
                _ => ProposeError::Unknown,
            })
        })
    }

    /// Has `command` made by this node as leader, or not at all: it goes to no other leader and is not repeated.
    /// For what a leader decides from what it alone knows, as that a node is given up: made by the next leader, or
    /// later, it would be about a node to which somebody has granted its lease since.
    ///
    /// # Errors
    /// When this node does not lead, or did not make it before `deadline`.
    pub async fn decide(
        &self,
        command: Box<RawValue>,
        deadline: Duration,
    ) -> Result<Reply, ProposeError> {
        let request = self.request(command)?;
        if !self.leads() {
            return Err(ProposeError::NoLeader);
        }
        let made = self.inner.office.make(request);
        tokio::time::timeout(deadline, made).await.unwrap_or(Err(ProposeError::Unknown))
    }

    /// Numbers a command.
    fn request(&self, command: Box<RawValue>) -> Result<Request, ProposeError> {
        let bytes = command.get().len();
        if bytes > COMMAND_BYTES_MAX {
            return Err(ProposeError::TooLarge(bytes));
        }
        let number = self.inner.numbers.fetch_add(1, Ordering::Relaxed);
        let id = RequestId { node: self.inner.node.0, start: self.inner.incarnation, number };
        let at = (self.inner.office.now)();
        Ok(Request { id, at, since: self.applied().unwrap_or_default(), command })
    }
}

impl Inner {
    fn queue(&self, purpose: Purpose) -> &mpsc::Sender<Waiting> {
        match purpose {
            Purpose::Wish => &self.wishes,
            Purpose::Upkeep => &self.upkeep,
        }
    }
}

/// Counts one who waits, also when it gives up.
struct Counted<'a>(&'a Figures);

impl<'a> Counted<'a> {
    fn new(figures: &'a Figures) -> Self {
        figures.waiting.fetch_add(1, Ordering::Relaxed);
        Self(figures)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
