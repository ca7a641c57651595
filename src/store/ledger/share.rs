//! Records that go from one voter to another that lacks them.

use weir_ledger::record::Head;

use super::again::redo;
use super::{Ledger, LedgerError, PIECE_BYTES, chunk, entry, failed, must_have};

impl Ledger {
    /// Checks that the ledger that stood at `head` is the beginning of this one. Blocks.
    ///
    /// # Errors
    /// When it is not.
    pub fn must_hold(&self, head: &Head) -> Result<(), LedgerError> {
        let own = self.head();
        if head.seq == 0 || own == *head {
            return Ok(());
        }
        if own.seq < head.seq {
            let text = format!("records {} to {} are missing", own.seq + 1, head.seq);
            return Err(LedgerError::Damaged(text));
        }
        must_have(&self.inner.reader, head)
    }

    /// Records from `seq` on for a node that lacks them, as many as fit a request between nodes. Blocks.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn offer(&self, seq: u64) -> Result<Vec<u8>, LedgerError> {
        let (mut entries, mut bytes, mut fault) = (Vec::new(), 0, None);
        let read = self.inner.reader.from(seq.max(1), &mut |_, stored| {
            for one in stored {
                match entry(one) {
                    Ok(entry) if entry.record.seq < seq || bytes > PIECE_BYTES => {}
                    Ok(entry) => {
                        bytes += entry.bytes.len() + entry.before.len() * 8;
                        entries.push(entry);
                    }
                    Err(text) => fault = Some(text),
                }
            }
            bytes <= PIECE_BYTES && fault.is_none()
        });
        read.map_err(failed)?;
        match fault {
            Some(text) => Err(LedgerError::Damaged(text)),
            None => Ok(chunk::encode(0, seq, &entries)),
        }
    }

    /// Takes what another node [`Self::offer`]s, up to record `last`, and answers with the newest record that is here
    /// then. Each has to follow on the one before. Blocks.
    ///
    /// # Errors
    /// When it is not what has to come next, or the disk fails.
    pub fn take(&self, piece: &[u8], last: u64) -> Result<u64, LedgerError> {
        let wrong = || LedgerError::Damaged("what another node has cannot be read".into());
        let (_, stored) = chunk::decode(piece).ok_or_else(wrong)?;
        let mut writer = self.inner.writer.lock();
        let mut state = self.inner.state.write();
        let (mut made, mut fault) = (Vec::new(), None);
        for one in stored {
            if state.head().seq < last && fault.is_none() {
                match redo(&mut state, one) {
                    Ok(entry) => made.push(entry),
                    Err(error) => fault = Some(error),
                }
            }
        }
        // Also before a fault: what is in the state is in the journal.
        let index = writer.index;
        writer.journal.append(index, &made).map_err(failed)?;
        let seq = state.head().seq;
        self.note_rights(&made);
        writer.keep(&mut state);
        drop(state);
        self.inner.told.send_if_modified(|known| std::mem::replace(known, seq) != seq);
        fault.map_or(Ok(seq), Err)
    }

    /// Says that everything up to entry `index` of the log is in what was taken, and syncs it. Blocks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn settle(&self, index: u64) -> Result<(), LedgerError> {
        let mut writer = self.inner.writer.lock();
        if index > writer.index {
            writer.journal.append(index, &[]).map_err(failed)?;
            writer.index = index;
        }
        drop(writer);
        self.sync().map(drop)
    }
}
