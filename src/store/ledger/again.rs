//! Stored records made again. At a start one thread reads and decodes them while another makes them, because each takes
//! about as long as the other.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use weir_ledger::chain::Link;
use weir_ledger::record::Entry;
use weir_ledger::state::Checked;
use weir_ledger::{Refusal, State};

use super::checkpoint::Stand;
use super::chunk::{Header, Stored};
use super::journal::Found;
use super::{LedgerError, entry};

/// Records that go from one thread to the other at once, and how many such wait.
const AT_ONCE: usize = 512;
const WAITING: usize = 16;

/// A state, and the newest entry of the log in it.
pub(super) struct Made {
    pub(super) state: State,
    pub(super) index: u64,
}

/// Makes what the journal in `dir` has behind `state`, which stood at `stand`.
pub(super) fn make(
    dir: &Path,
    stand: Option<&Stand>,
    state: State,
) -> Result<(Found, Made), LedgerError> {
    let (to, records) = sync_channel(WAITING);
    let (back, done) = channel();
    let (link, index) = (state.head().link, stand.map_or(0, |stand| stand.index));
    std::thread::scope(|scope| {
        let maker = scope.spawn(move || make_all(state, &records, &back));
        let mut decoder = Decoder { to, done, ready: Vec::new(), link, index };
        let found = Found::read(dir, stand, &mut |header, stored| decoder.take(header, stored));
        let index = decoder.end();
        let made = maker.join();
        // It was made in their order, so whatever the maker found comes before what stopped the decoder.
        let state = made.map_err(|_| LedgerError::Failed("a thread panicked".into()))??;
        Ok((found?, Made { state, index }))
    })
}

/// Sends `back` what is done with: whoever made it takes it apart more quickly.
fn make_all(
    mut state: State,
    records: &Receiver<Vec<Checked>>,
    back: &Sender<Vec<Entry>>,
) -> Result<State, LedgerError> {
    for some in records {
        state.look_ahead(&some);
        let made = some.into_iter().map(|record| redo_checked(&mut state, record));
        let _ = back.send(made.collect::<Result<_, _>>()?);
    }
    Ok(state)
}

/// Looks at everything of records that does not depend on the ledger.
struct Decoder {
    to: SyncSender<Vec<Checked>>,
    done: Receiver<Vec<Entry>>,
    ready: Vec<Checked>,
    /// Of the newest record.
    link: Link,
    /// Of the newest entry of the log.
    index: u64,
}

impl Decoder {
    fn take(&mut self, header: Header, stored: Vec<Stored>) -> Result<(), LedgerError> {
        self.index = header.index;
        for (seq, one) in (header.first..).zip(stored) {
            let link = one.link;
            self.ready.push(checked(one, self.link, seq)?);
            self.link = link;
        }
        if self.ready.len() >= AT_ONCE { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), LedgerError> {
        self.done.try_iter().for_each(drop);
        let gone = |_| LedgerError::Failed("nobody makes records again".into());
        self.to.send(std::mem::take(&mut self.ready)).map_err(gone)
    }

    /// Sends the rest; answers with the newest entry of the log.
    fn end(mut self) -> u64 {
        // A maker that is gone has said why.
        let _ = self.send();
        self.index
    }
}

/// Makes one stored record again.
pub(super) fn redo(state: &mut State, stored: Stored) -> Result<Entry, LedgerError> {
    let head = state.head();
    let checked = checked(stored, head.link, head.seq + 1)?;
    redo_checked(state, checked)
}

fn checked(stored: Stored, follows: Link, seq: u64) -> Result<Checked, LedgerError> {
    let entry = entry(stored).map_err(|text| fault(seq, &text))?;
    Checked::new(entry, follows).map_err(|refusal| fault(seq, &refusal))
}

fn redo_checked(state: &mut State, record: Checked) -> Result<Entry, LedgerError> {
    let seq = state.head().seq + 1;
    state.redo(record).map_err(|refusal| match refusal {
        Refusal::Rules { .. } => LedgerError::Old(refusal),
        other => fault(seq, &other),
    })
}

fn fault(seq: u64, what: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Damaged(format!("record {seq}: {what}"))
}
