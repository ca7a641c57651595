//! What the log's entries are made by: the store makes what is about the directory, the ledger what is about money.
//!
//! A command that is a JSON object is the directory's; one that is a string is a batch for the ledger, in base64. Both
//! are written without a sync, each with how far it came, and each passes over what it has made. So when a power cut
//! takes more from one than from the other, the log is made again from where the older one stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use weir_ledger::record::Head;
use weir_ledger::row::At;

use crate::raft::{Committed, Machine, MachineError, Reply, Request};
use crate::store::ledger::{Batch, Ledger, Posted, command};
use crate::store::{Asking, Directory};

/// Batches of so few bytes are made where they are: a thread of their own would cost more.
const SMALL_BYTES: usize = 4 << 10;

/// The place is stored after so many calls that had nothing for the directory.
const UNSTORED_MAX: u64 = 256;

/// A node that nobody gives the records that it lacks cannot take part: so many attempts fail one after the other.
const FETCH_ATTEMPTS: u32 = 100;
/// Between two attempts.
const FETCH_PAUSE: Duration = Duration::from_millis(200);

/// See the module. A node that keeps no ledger passes over what is about money.
pub(super) struct Machines {
    directory: Directory,
    ledger: Option<Ledger>,
    history: Arc<dyn History>,
    /// Calls since the place was stored.
    unstored: AtomicU64,
    /// Where the ledger stood when it was last synced.
    synced: Mutex<u64>,
}

/// What an entry has for the directory: its index, requests, the entry's number among those that came together, and
/// the number of each request in it.
type OfEntry = (u64, Vec<Asking>, usize, Vec<usize>);

/// What is stored with the directory.
#[derive(serde::Serialize, serde::Deserialize)]
struct Mark {
    /// How far the directory came.
    log: Box<RawValue>,
    /// The newest entry that the ledger had made then.
    index: u64,
    /// The newest record that was synced then.
    synced: u64,
}

/// The state for a node that begins.
#[derive(serde::Serialize, serde::Deserialize)]
struct Whole {
    directory: Box<RawValue>,
    /// Where the ledger stands. Its records are fetched: they are many, and most nodes have most of them.
    ledger: Option<Stand>,
}

/// Where a ledger stands.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stand {
    head: Head,
    /// The newest entry of the log that it had made.
    index: u64,
}

/// Where a node gets records that the log has forgotten.
pub trait History: Send + Sync {
    /// Records from `seq` on ([`Ledger::offer`]).
    fn fetch(&self, seq: u64) -> BoxFuture<'_, Result<Bytes, String>>;
}

impl Machines {
    pub(super) fn new(
        directory: Directory,
        ledger: Option<Ledger>,
        history: Arc<dyn History>,
    ) -> Self {
        Self { directory, ledger, history, unstored: AtomicU64::new(0), synced: Mutex::default() }
    }

    fn mark(&self) -> Result<Option<Mark>, MachineError> {
        let stored = self.directory.place();
        let mark = stored.map(|bytes| serde_json::from_slice::<Mark>(&bytes)).transpose();
        mark.map_err(|error| failed(&error))
    }

    fn marked(&self, place: Vec<u8>) -> Result<Vec<u8>, MachineError> {
        let text = String::from_utf8(place).map_err(|error| failed(&error))?;
        let log = RawValue::from_string(text).map_err(|error| failed(&error))?;
        let index = self.ledger.as_ref().map_or(0, Ledger::applied);
        serde_json::to_vec(&Mark { log, index, synced: *self.synced.lock() })
            .map_err(|error| failed(&error))
    }

    /// Brings the ledger to where another one stood.
    async fn bring(&self, ledger: &Ledger, to: &Stand) -> Result<(), MachineError> {
        let (last, mut failures) = (to.head.seq, 0);
        while ledger.head().seq < last {
            let next = ledger.head().seq + 1;
            let Err(error) = self.fetch(ledger, next, last).await else {
                failures = 0;
                continue;
            };
            if failures >= FETCH_ATTEMPTS {
                let text = format!("records {next} to {last} are missing here: {error}");
                return Err(MachineError(lost(&text)));
            }
            failures += 1;
            tracing::warn!(next, last, error, "fetching records of the ledger");
            tokio::time::sleep(FETCH_PAUSE).await;
        }
        ledger.must_hold(&to.head).map_err(|error| MachineError(lost(&error.to_string())))?;
        ledger.settle(to.index).map_err(|error| failed(&error))?;
        *self.synced.lock() = ledger.head().seq;
        Ok(())
    }

    /// Fetches records from `next` on, at least one.
    async fn fetch(&self, ledger: &Ledger, next: u64, last: u64) -> Result<(), String> {
        let piece = self.history.fetch(next).await?;
        let ledger = ledger.clone();
        let taken = tokio::task::spawn_blocking(move || ledger.take(&piece, last)).await;
        let newest =
            taken.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        if newest < next { Err("who was asked lacks them too".into()) } else { Ok(()) }
    }

    async fn make(
        &self,
        entries: Vec<Committed>,
        place: Vec<u8>,
    ) -> Result<Vec<Vec<Reply>>, MachineError> {
        let mut replies = Vec::with_capacity(entries.len());
        let mut for_directory = Vec::new();
        for Committed { index, requests } in entries {
            let mut of_entry: Vec<Option<Reply>> = Vec::with_capacity(requests.len());
            let (mut asking, mut batches) = (Vec::new(), Vec::new());
            for request in requests {
                of_entry.push(None);
                match command::of_text(&request.command) {
                    Some(requests) => {
                        let wall = At(u64::try_from(request.at.0).unwrap_or_default() * 1_000);
                        batches.push((of_entry.len() - 1, Batch { wall, requests }));
                    }
                    None => asking.push((of_entry.len() - 1, asked(request))),
                }
            }
            if !batches.is_empty() {
                self.post(index, batches, &mut of_entry).await?;
            }
            let (places, asking) = asking.into_iter().unzip::<_, _, Vec<usize>, Vec<Asking>>();
            if !asking.is_empty() {
                for_directory.push((index, asking, replies.len(), places));
            }
            replies.push(of_entry);
        }
        if self.is_worth_storing(&for_directory) {
            self.direct(for_directory, place, &mut replies).await?;
        }
        let none = || RawValue::NULL.to_owned();
        Ok(replies
            .into_iter()
            .map(|one| one.into_iter().map(|reply| reply.unwrap_or_else(none)).collect())
            .collect())
    }

    /// An older place costs making again what the ledger passes over, which is nothing after so few calls.
    fn is_worth_storing(&self, for_directory: &[OfEntry]) -> bool {
        let calls = self.unstored.fetch_add(1, Ordering::Relaxed);
        let is_worth = !for_directory.is_empty() || calls >= UNSTORED_MAX;
        if is_worth {
            self.unstored.store(0, Ordering::Relaxed);
        }
        is_worth
    }

    /// Has the ledger make its part of an entry.
    async fn post(
        &self,
        index: u64,
        batches: Vec<(usize, Batch)>,
        replies: &mut [Option<Reply>],
    ) -> Result<(), MachineError> {
        let Some(ledger) = self.ledger.clone() else { return Ok(()) };
        let (places, batches) = batches.into_iter().unzip::<_, _, Vec<usize>, Vec<Batch>>();
        let bytes: usize = batches.iter().map(|batch| batch.requests.len()).sum();
        let posted = Posted { index, batches };
        let answers = if bytes <= SMALL_BYTES {
            ledger.apply(&posted)
        } else {
            let made = tokio::task::spawn_blocking(move || ledger.apply(&posted)).await;
            made.map_err(|error| failed(&error))?
        };
        for (place, answers) in places.into_iter().zip(answers.map_err(|error| failed(&error))?) {
            let reply = command::to_text(&answers).map_err(|error| failed(&error))?;
            if let Some(empty) = replies.get_mut(place) {
                *empty = Some(reply);
            }
        }
        Ok(())
    }

    /// Has the store make the rest, and remember how far both are.
    async fn direct(
        &self,
        entries: Vec<OfEntry>,
        place: Vec<u8>,
        replies: &mut [Vec<Option<Reply>>],
    ) -> Result<(), MachineError> {
        let mut homes = Vec::with_capacity(entries.len());
        let of_entry = entries.into_iter().map(|(index, asking, nth, places)| {
            homes.push((nth, places));
            (index, asking)
        });
        let of_entry = of_entry.collect();
        let made = self.directory.apply(of_entry, self.marked(place)?).await;
        for ((nth, places), made) in homes.into_iter().zip(made.map_err(|error| failed(&error))?) {
            for (place, reply) in places.into_iter().zip(made) {
                if let Some(empty) = replies.get_mut(nth).and_then(|all| all.get_mut(place)) {
                    *empty = Some(reply);
                }
            }
        }
        Ok(())
    }
}

impl Machine for Machines {
    fn place(&self) -> Result<Option<Vec<u8>>, MachineError> {
        Ok(self.mark()?.map(|mark| mark.log.get().as_bytes().to_vec()))
    }

    fn behind(&self) -> Result<Option<u64>, MachineError> {
        let (Some(ledger), Some(mark)) = (&self.ledger, self.mark()?) else { return Ok(None) };
        let head = ledger.head();
        if head.seq < mark.synced {
            let text = format!("record {} is the newest, and there were {}", head.seq, mark.synced);
            return Err(MachineError(lost(&text)));
        }
        *self.synced.lock() = mark.synced;
        let applied = ledger.applied();
        Ok((applied < mark.index).then_some(applied))
    }

    fn apply(
        &self,
        entries: Vec<Committed>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Reply>>, MachineError>> {
        Box::pin(self.make(entries, place))
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        let directory = self.directory.snapshot().map_err(|error| failed(&error))?;
        let text = String::from_utf8(directory).map_err(|error| failed(&error))?;
        let directory = RawValue::from_string(text).map_err(|error| failed(&error))?;
        let ledger = self.ledger.as_ref().map(Ledger::stand);
        let ledger = ledger.map(|(head, index)| Stand { head, index });
        serde_json::to_vec(&Whole { directory, ledger }).map_err(|error| failed(&error))
    }

    fn sync(&self) -> Result<(), MachineError> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        let seq = ledger.sync().map_err(|error| failed(&error))?;
        let mut synced = self.synced.lock();
        *synced = seq.max(*synced);
        // Told with the next entry.
        self.unstored.store(UNSTORED_MAX, Ordering::Relaxed);
        Ok(())
    }

    fn install(
        &self,
        state: Arc<Vec<u8>>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), MachineError>> {
        Box::pin(async move {
            let whole: Whole = serde_json::from_slice(&state).map_err(|error| failed(&error))?;
            if let (Some(ledger), Some(stand)) = (&self.ledger, &whole.ledger) {
                self.bring(ledger, stand).await?;
            }
            let directory = whole.directory.get().as_bytes();
            self.directory
                .install(directory, self.marked(place)?)
                .await
                .map_err(|error| failed(&error))
        })
    }
}

fn asked(request: Request) -> Asking {
    let Request { id, since, command, .. } = request;
    Asking { id: (id.node, id.start, id.number), since, command }
}

fn lost(text: &str) -> String {
    format!(
        "the ledger beside the log is older than the log: {text}; restore its folder from a copy, or remove this node from its cluster and let it join again"
    )
}

fn failed(error: &dyn ToString) -> MachineError {
    MachineError(error.to_string())
}
