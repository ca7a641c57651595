//! The ledger of this node: its state in memory, its records in a [`journal`].
//!
//! Entries of the cluster's log come in order, each with a batch of requests. What they bring about is the pure crate's
//! matter; here it is made once, written down and answered. The same entries make the same journal on every node.

mod again;
mod check;
mod checkpoint;
mod chunk;
pub mod command;
mod journal;
mod read;
mod share;
#[cfg(feature = "fault")]
pub mod small;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use weir_ledger::batch::{self, Answer};
use weir_ledger::record::{Entry, Head, Record};
use weir_ledger::row::At;
use weir_ledger::state::Done;
use weir_ledger::verify::Fault;
use weir_ledger::{Refusal, Request, State};

use again::Made;
use checkpoint::{Job, Keeper, Kept, Loaded, Stand};
use chunk::Stored;
use journal::{Journal, Reader};

/// Bytes of records in one piece for another node; its last record may go beyond.
const PIECE_BYTES: usize = 448 << 10;

/// The folder of the journal in the data directory.
pub const JOURNAL_DIR: &str = "ledger";

/// The folder of the checkpoint in the data directory: it can be removed at any time, and is made again.
pub const PAGES_DIR: &str = "ledger.pages";

/// Why the ledger cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// What was acknowledged cannot be read.
    #[error(
        "the ledger is damaged: {0}; restore its folder from a copy, or remove this node from its cluster and let it join again"
    )]
    Damaged(String),
    /// The disk failed.
    #[error("the ledger failed: {0}; free or repair the disk and start the node again")]
    Failed(String),
    /// The ledger follows rules that this program does not know.
    #[error("{0}")]
    Old(Refusal),
}

/// What an entry of the log has for the ledger.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The entry's index.
    pub index: u64,
    /// In the order in which they have to be made.
    pub batches: Vec<Batch>,
}

/// Requests that came into the log together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// When, by the clock of the leader of that time.
    pub wall: At,
    /// The requests ([`batch::write`]).
    pub requests: Vec<u8>,
}

/// The ledger of a node. Cheap to clone; all clones are one ledger.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    state: RwLock<State>,
    reader: Reader,
    writer: Mutex<Writer>,
    /// Tells the newest record.
    told: watch::Sender<u64>,
    /// The newest record about rights, or a later one.
    rights: AtomicU64,
}

struct Writer {
    journal: Journal,
    /// Of the newest entry of the log that was made.
    index: u64,
    checkpoints: Checkpoints,
}

/// When the next checkpoint is due, and who writes it.
struct Checkpoints {
    dir: PathBuf,
    /// Bytes of the journal between two.
    every: u64,
    /// How much was in the journal that this process has read or written when the last one was begun.
    at: u64,
    /// The newest, until there is somebody who writes the next.
    kept: Option<Kept>,
    keeper: Option<Keeper>,
}

impl Writer {
    /// Has a checkpoint written when one is due. What changed is noted here; the rest is done elsewhere.
    fn keep(&mut self, state: &mut State) {
        let (read, index) = (self.journal.passed(), self.index);
        let own = &mut self.checkpoints;
        if read.saturating_sub(own.at) < own.every {
            return;
        }
        if own.keeper.is_none() {
            own.keeper = Keeper::start(&own.dir, own.kept.take())
                .inspect_err(|error| tracing::error!(%error, "no checkpoints of the ledger"))
                .ok();
        }
        if let Some(keeper) = own.keeper.as_ref().filter(|keeper| keeper.is_free()) {
            own.at = read;
            let (stand, journal) = (self.journal.stand(index), self.journal.durable());
            keeper.give(Job { changes: state.take_changes(), stand, journal });
        }
    }
}

impl Ledger {
    /// Opens the ledger below `dir`, making it when it is not there, and makes its state again: from its newest
    /// checkpoint and the records behind that. Blocks.
    ///
    /// # Errors
    /// When it is damaged or the disk fails.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Self::open_with(dir, checkpoint::every())
    }

    fn open_with(dir: &Path, every: u64) -> Result<Self, LedgerError> {
        if let Some(Loaded { state, stand, kept }) = checkpoint::load(dir) {
            match Self::go_on(dir, every, state, Some((stand, kept))) {
                Err(error @ LedgerError::Damaged(_)) => {
                    tracing::warn!(%error, "the ledger's checkpoint does not fit; every record is made again");
                    checkpoint::forget(dir);
                }
                other => return other,
            }
        }
        Self::go_on(dir, every, State::default(), None)
    }

    /// Makes what is behind `state` again.
    fn go_on(
        dir: &Path,
        every: u64,
        state: State,
        from: Option<(Stand, Kept)>,
    ) -> Result<Self, LedgerError> {
        let (stand, kept) = from.unzip();
        let begun = *state.head();
        let (found, made) = again::make(&dir.join(JOURNAL_DIR), stand.as_ref(), state)?;
        let Made { mut state, index } = made;
        must_have(found.reader(), &begun)?;
        let journal = found.open()?;
        let reader = journal.reader();
        let (dir, keeper) = (dir.to_owned(), None);
        let checkpoints = Checkpoints { dir: dir.clone(), every, at: 0, kept, keeper };
        let mut writer = Writer { journal, index, checkpoints };
        writer.keep(&mut state);
        let (writer, dir) = (Mutex::new(writer), dir.join(JOURNAL_DIR));
        // Which of them were about rights was not looked at.
        let seq = state.head().seq;
        let (told, rights) = (watch::Sender::new(seq), AtomicU64::new(seq));
        let state = RwLock::new(state);
        Ok(Self { inner: Arc::new(Inner { dir, state, reader, writer, told, rights }) })
    }

    /// Whether a checkpoint is being written.
    #[cfg(test)]
    fn is_writing(&self) -> bool {
        let writer = self.inner.writer.lock();
        writer.checkpoints.keeper.as_ref().is_some_and(|keeper| !keeper.is_free())
    }

    /// The newest entry of the log that was made here; zero before the first.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.inner.writer.lock().index
    }

    /// Does what `posted` says, unless it was done before, and answers to each batch with the bytes of an [`Answer`] to
    /// each of its requests. Entries come in their order. Blocks.
    ///
    /// # Errors
    /// When the journal cannot be written; this ledger is of no use then.
    pub fn apply(&self, posted: &Posted) -> Result<Vec<Vec<u8>>, LedgerError> {
        let mut writer = self.inner.writer.lock();
        if posted.index <= writer.index {
            return Ok(Vec::new());
        }
        let mut made = Vec::new();
        // Held until the journal has it, so that nobody finds a record in the state that cannot be read.
        let mut state = self.inner.state.write();
        let each = posted.batches.iter().map(|batch| self.batch(&mut state, batch, &mut made));
        let answers = each.collect::<Result<_, LedgerError>>()?;
        writer.journal.append(posted.index, &made).map_err(failed)?;
        let seq = state.head().seq;
        self.note_rights(&made);
        writer.index = posted.index;
        writer.keep(&mut state);
        drop(state);
        self.inner.told.send_if_modified(|known| std::mem::replace(known, seq) != seq);
        Ok(answers)
    }

    fn batch(
        &self,
        state: &mut State,
        batch: &Batch,
        made: &mut Vec<Entry>,
    ) -> Result<Vec<u8>, LedgerError> {
        // A newer version wrote what cannot be read, or nobody did; it is the same on every node.
        let requests = batch::read(&batch.requests).unwrap_or_default();
        let each = requests.iter().map(|request| self.one(state, request, batch.wall, made));
        let answers = each.collect::<Result<Vec<Answer>, LedgerError>>()?;
        batch::write_answers(&answers).map_err(|error| LedgerError::Failed(error.to_string()))
    }

    fn one(
        &self,
        state: &mut State,
        request: &Request,
        wall: At,
        made: &mut Vec<Entry>,
    ) -> Result<Answer, LedgerError> {
        let refused = |refusal| Answer { seq: None, replayed: false, result: Err(refusal) };
        Ok(match state.execute(request, wall) {
            Ok(Done::Recorded(entry)) => {
                let Record { seq, result, .. } = &entry.record;
                let answer = Answer { seq: Some(*seq), replayed: false, result: result.clone() };
                made.push(*entry);
                answer
            }
            Ok(Done::Replayed(seq)) => {
                let result = self.result_of(seq, made)?;
                Answer { seq: Some(seq), replayed: true, result }
            }
            Ok(Done::Unchanged(receipt)) => {
                Answer { seq: None, replayed: true, result: Ok(receipt) }
            }
            Ok(Done::Mismatch(seq)) => refused(Refusal::Mismatch { seq }),
            // Newer nodes go on here, with something else than this one would make.
            Err(refusal @ Refusal::Rules { .. }) => return Err(LedgerError::Old(refusal)),
            Ok(Done::Refused(refusal)) | Err(refusal) => refused(refusal),
        })
    }

    /// What came of the request of record `seq`, which may be one of those that are being `made`.
    fn result_of(
        &self,
        seq: u64,
        made: &[Entry],
    ) -> Result<Result<weir_ledger::record::Receipt, Refusal>, LedgerError> {
        if let Some(entry) = made.iter().find(|entry| entry.record.seq == seq) {
            return Ok(entry.record.result.clone());
        }
        let record = self.record(seq)?;
        let missing = || LedgerError::Damaged(format!("record {seq} is missing"));
        Ok(record.ok_or_else(missing)?.result)
    }

    /// Looks at every record as it is stored; `note` is told how many were found good. Answers with their number.
    /// Blocks, for long.
    ///
    /// # Errors
    /// Names the first record that is not as it was made.
    pub fn verify(&self, note: &dyn Fn(u64)) -> Result<u64, Fault> {
        check::verify(&self.inner.dir, self.inner.reader.newest(), note)
    }

    /// Makes everything that was made survive a power cut; answers with the newest record. What is made meanwhile does
    /// not wait. Blocks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<u64, LedgerError> {
        let (journal, seq) = {
            let writer = self.inner.writer.lock();
            (writer.journal.durable(), self.head().seq)
        };
        journal.sync().map(|()| seq).map_err(failed)
    }

    /// Where it stands, and the newest entry of the log that it has made.
    #[must_use]
    pub fn stand(&self) -> (Head, u64) {
        let writer = self.inner.writer.lock();
        (self.head(), writer.index)
    }

    /// Where it stands.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.inner.state.read().head()
    }

    fn note_rights(&self, made: &[Entry]) {
        let newest = made.iter().rev().find(|entry| entry.record.is_about_rights());
        if let Some(entry) = newest {
            self.inner.rights.store(entry.record.seq, Ordering::Release);
        }
    }

    /// A record behind which there is none that is about rights ([`Record::is_about_rights`]).
    #[must_use]
    pub fn newest_about_rights(&self) -> u64 {
        self.inner.rights.load(Ordering::Acquire)
    }

    /// Changes whenever a record was made.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.told.subscribe()
    }

    /// Looks at the state. A batch waits meanwhile, so `look` takes what it wants, a view at most, and goes.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.inner.state.read())
    }
}

/// Checks that the journal has the record that a ledger stood at.
fn must_have(reader: &Reader, head: &Head) -> Result<(), LedgerError> {
    if head.seq == 0 {
        return Ok(());
    }
    match reader.record(head.seq).map_err(failed)? {
        Some(stored) if stored.link == head.link => Ok(()),
        Some(_) => Err(LedgerError::Damaged(format!("record {} is another one", head.seq))),
        None => Err(LedgerError::Damaged(format!("record {} is missing", head.seq))),
    }
}

fn entry(stored: Stored) -> Result<Entry, String> {
    let record = stored.record().map_err(|error| error.to_string())?;
    let Stored { link, before, bytes } = stored;
    Ok(Entry { record, bytes, link, before })
}

fn failed(error: std::io::Error) -> LedgerError {
    match error.kind() {
        std::io::ErrorKind::InvalidData => LedgerError::Damaged(error.to_string()),
        _ => LedgerError::Failed(error.to_string()),
    }
}
