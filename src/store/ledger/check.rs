//! Looks at every stored record: a journal that was changed by whomever, in a single bit, is told by its first record
//! that is not as it was made.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use weir_ledger::verify::{Fault, Verifier};

use super::chunk::{self, HEADER, Header, Stored};
use super::journal::{self, CHUNK_BYTES_MAX};

/// Records between two words about how far it is.
const NOTE_EVERY: u64 = 10_000;

/// Looks at the records of the journal in `dir` up to `last`; `note` is told how many were found good. Answers with
/// their number. Blocks.
pub(super) fn verify(dir: &Path, last: u64, note: &dyn Fn(u64)) -> Result<u64, Fault> {
    let mut check = Check { verifier: Verifier::default(), last, note };
    let segments = journal::segments(dir).map_err(|error| check.fault(&error))?;
    for segment in segments {
        if check.seq() >= last {
            break;
        }
        let file = File::open(journal::path(dir, segment)).map_err(|error| check.fault(&error))?;
        check.segment(BufReader::with_capacity(1 << 20, file))?;
    }
    if check.seq() < last {
        return Err(check.fault(&"it is missing"));
    }
    note(check.seq());
    Ok(check.seq())
}

struct Check<'a> {
    verifier: Verifier,
    last: u64,
    note: &'a dyn Fn(u64),
}

impl Check<'_> {
    fn seq(&self) -> u64 {
        self.verifier.head().seq
    }

    fn fault(&self, what: &dyn ToString) -> Fault {
        Fault { seq: self.seq() + 1, what: what.to_string() }
    }

    fn segment(&mut self, mut file: impl Read) -> Result<(), Fault> {
        while self.seq() < self.last {
            let mut bytes = vec![0; HEADER];
            if !filled(&mut file, &mut bytes).map_err(|error| self.fault(&error))? {
                return Ok(());
            }
            let header = chunk::header(&bytes).filter(|one| one.len <= CHUNK_BYTES_MAX);
            let header = header.filter(|one| one.first == self.seq() + 1);
            let header = header.ok_or_else(|| self.fault(&"what leads to it cannot be read"))?;
            bytes.resize(header.total(), 0);
            let body = bytes.get_mut(HEADER..).unwrap_or_default();
            if !filled(&mut file, body).map_err(|error| self.fault(&error))? {
                return Err(self.fault(&"it ends too early"));
            }
            self.chunk(header, &bytes)?;
        }
        Ok(())
    }

    fn chunk(&mut self, header: Header, bytes: &[u8]) -> Result<(), Fault> {
        let first = self.seq() + 1;
        let mut at = HEADER;
        for _ in 0..header.count {
            if at == bytes.len() {
                break;
            }
            let found = bytes.get(at..).and_then(chunk::one);
            let (stored, len) = found.ok_or_else(|| self.fault(&"it cannot be read"))?;
            self.record(&stored)?;
            at += len;
        }
        let whole = self.seq() == first + u64::from(header.count) - 1;
        if !whole || at != bytes.len() || !header.fits(bytes) {
            let what = "the checksum over it and those that were stored with it does not fit";
            return Err(Fault { seq: first, what: what.into() });
        }
        Ok(())
    }

    fn record(&mut self, stored: &Stored) -> Result<(), Fault> {
        let seq = self.seq() + 1;
        let entry = self.verifier.take(&stored.bytes, stored.link)?;
        if entry.before != stored.before {
            let what = "it does not lead to the records before it";
            return Err(Fault { seq, what: what.into() });
        }
        if seq.is_multiple_of(NOTE_EVERY) {
            (self.note)(seq);
        }
        Ok(())
    }
}

/// Fills `bytes`; false when nothing was there any more.
fn filled(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::super::testing::entries;
    use super::*;
    use crate::store::ledger::journal::Found;

    const RECORDS: usize = 400;

    fn written(dir: &Path, segment_bytes: u64) -> (u64, Vec<u64>) {
        let entries = entries(11, RECORDS);
        let journal = Found::read(dir, None, &mut |_, _| Ok(())).unwrap();
        let mut journal = journal.open_with(segment_bytes).unwrap();
        for (index, some) in entries.chunks(7).enumerate() {
            journal.append(index as u64, some).unwrap();
        }
        (entries.len() as u64, (1..=entries.len() as u64).collect())
    }

    #[test]
    fn a_journal_as_it_was_made_is_good_in_any_number_of_segments() {
        for segment_bytes in [2_000, u64::MAX] {
            let dir = tempfile::tempdir().unwrap();
            let (count, _) = written(dir.path(), segment_bytes);
            assert_eq!(verify(dir.path(), count, &|_| {}), Ok(count));
            assert_eq!(verify(dir.path(), count + 1, &|_| {}).unwrap_err().seq, count + 1);
        }
    }

    /// INV-9: a bit of a record names that record, also its link and its way to those before it; a bit of what leads to
    /// records stored together names one of them: the first, or the first that cannot be found any more.
    #[test]
    fn inv_9_any_flipped_bit_of_the_journal_is_found_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let (count, _) = written(dir.path(), u64::MAX);
        let file = journal::path(dir.path(), 1);
        let sound = std::fs::read(&file).unwrap();
        let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..1_000 {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let bit = usize::try_from(dice >> 20).unwrap() % (sound.len() * 8);
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&file, &bytes).unwrap();
            let fault = verify(dir.path(), count, &|_| {}).unwrap_err();
            let named = named_by(&sound, bit / 8);
            assert!(named.contains(&fault.seq), "byte {}: {fault}, not {named:?}", bit / 8);
        }
    }

    /// The record that a byte belongs to; all of its chunk for a header.
    fn named_by(bytes: &[u8], byte: usize) -> RangeInclusive<u64> {
        let mut at = 0;
        loop {
            let header = chunk::header(&bytes[at..]).unwrap();
            if byte >= at + header.total() {
                at += header.total();
                continue;
            }
            if byte < at + HEADER {
                return header.first..=header.first + u64::from(header.count) - 1;
            }
            let (mut seq, mut begin) = (header.first, at + HEADER);
            while byte >= begin {
                let (_, len) = chunk::one(&bytes[begin..]).unwrap();
                if byte < begin + len {
                    break;
                }
                (seq, begin) = (seq + 1, begin + len);
            }
            return seq..=seq;
        }
    }
}
