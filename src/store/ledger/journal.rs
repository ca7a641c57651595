//! The journal: every record of the ledger, in segments that are only ever appended to.
//!
//! It is not synced with each chunk: a power cut takes chunks from its end, and the log of the cluster makes them
//! again. What must not be lost is synced before the log forgets it ([`Journal::durable`]). So at a start the newest segment
//! ends before the first chunk that is not sound; the ones before were synced whole, and what is not sound there is
//! damage, of which nothing is removed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use weir_ledger::record::Entry;

use super::LedgerError;
use super::checkpoint::Stand;
use super::chunk::{self, HEADER, Header, Stored};

mod durable;
mod found;

pub(super) use durable::Durable;
use durable::Early;

/// A segment is closed when it is longer than this.
const SEGMENT_BYTES: u64 = 64 << 20;

fn segment_bytes() -> u64 {
    #[cfg(feature = "fault")]
    return super::small::segment_bytes().unwrap_or(SEGMENT_BYTES);
    #[cfg(not(feature = "fault"))]
    SEGMENT_BYTES
}

/// Segments that are open for readers.
const OPEN_MAX: usize = 64;

/// Bytes between two marks: what is read to find one record.
const MARK_EVERY: u64 = 64 << 10;

/// A chunk of one entry of the log: its requests fit 768 KiB, and a record is at most some times its request.
pub(super) const CHUNK_BYTES_MAX: usize = 64 << 20;

/// The writing end. Blocks.
pub(super) struct Journal {
    reader: Reader,
    file: Arc<File>,
    /// Number of the first record of the newest segment: its name.
    segment: u64,
    /// Where the next chunk goes.
    at: u64,
    /// An earlier write failed; nobody knows what the file holds.
    failed: Arc<AtomicBool>,
    segment_bytes: u64,
    passed: u64,
    early: Early,
}

/// The reading end. Cheap to clone; never waits for the writer.
#[derive(Clone)]
pub(super) struct Reader {
    dir: PathBuf,
    marks: Arc<RwLock<Marks>>,
    files: Arc<Mutex<BTreeMap<u64, Arc<File>>>>,
}

/// A journal whose chunks were all shown, and nothing of which was changed yet.
pub(super) struct Found {
    reader: Reader,
    /// Where its last sound chunk ends.
    end: (u64, u64),
    /// Bytes that were read.
    passed: u64,
}

/// Where chunks begin, one for each [`MARK_EVERY`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Marks {
    /// Number of a chunk's first record, its segment, where it begins.
    all: Vec<(u64, u64, u64)>,
    /// Number of the next record.
    next: u64,
}

/// What is in the journal at a start, one chunk after the other; an error ends the start.
pub(super) type Redo<'a> = &'a mut dyn FnMut(Header, Vec<Stored>) -> Result<(), LedgerError>;

/// Chunks, one after the other, as long as more are wanted.
pub(super) type Take<'a> = &'a mut dyn FnMut(Header, Vec<Stored>) -> bool;

impl Journal {
    /// The reading end.
    pub(super) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Appends the records of the entry `index` of the log. A power cut may take them; a crash of the process does not.
    pub(super) fn append(&mut self, index: u64, entries: &[Entry]) -> io::Result<()> {
        if self.failed.load(Ordering::Acquire) {
            return Err(io::Error::other("an earlier write to the journal failed"));
        }
        let written = self.put(index, entries);
        match &written {
            Ok(()) => {
                let (file, failed) = (&self.file, &self.failed);
                self.early.note(self.passed, || Durable::new(Arc::clone(file), Arc::clone(failed)));
            }
            Err(_) => self.failed.store(true, Ordering::Release),
        }
        written
    }

    fn put(&mut self, index: u64, entries: &[Entry]) -> io::Result<()> {
        let first = self.reader.marks.read().next;
        if entries.first().is_some_and(|entry| entry.record.seq != first) {
            return Err(io::Error::other(format!("it would not go on with record {first}")));
        }
        if self.at > self.segment_bytes && first > self.segment {
            self.roll(first)?;
        }
        let bytes = chunk::encode(index, first, entries);
        self.file.write_all_at(&bytes, self.at)?;
        let next = first + entries.len() as u64;
        self.reader.marks.write().note(first, next, self.segment, self.at);
        self.at += bytes.len() as u64;
        self.passed += bytes.len() as u64;
        Ok(())
    }

    /// Bytes that were read or written since it was opened.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    /// Where it stands, behind the entry `index` of the log.
    pub(super) fn stand(&self, index: u64) -> Stand {
        let marks = self.reader.marks.read().clone();
        Stand { index, segment: self.segment, at: self.at, marks }
    }

    /// The newest segment: once it is synced, everything that was appended before survives a power cut.
    pub(super) fn durable(&self) -> Durable {
        Durable::new(Arc::clone(&self.file), Arc::clone(&self.failed))
    }

    /// The segment before is whole and on the disk before there is a next one.
    fn roll(&mut self, first: u64) -> io::Result<()> {
        self.durable().sync()?;
        self.file = Arc::new(make(&self.reader.path(first))?);
        sync_names(&self.reader.dir)?;
        (self.segment, self.at) = (first, 0);
        Ok(())
    }
}

impl Marks {
    fn note(&mut self, first: u64, next: u64, segment: u64, at: u64) {
        let is_far =
            |(_, known, begin): &(u64, u64, u64)| *known != segment || at - begin >= MARK_EVERY;
        if self.all.last().is_none_or(is_far) {
            self.all.push((first, segment, at));
        }
        self.next = next;
    }

    /// Where to begin to look for record `seq`.
    fn of(&self, seq: u64) -> Option<(u64, u64)> {
        (1..self.next).contains(&seq).then_some(())?;
        let behind = self.all.partition_point(|(first, ..)| *first <= seq);
        let (_, segment, at) = self.all.get(behind.checked_sub(1)?)?;
        Some((*segment, *at))
    }
}

impl Reader {
    /// The number of the newest record; zero before the first.
    pub(super) fn newest(&self) -> u64 {
        self.marks.read().next - 1
    }

    /// Record `seq` as it lies there; none when it is not there yet.
    pub(super) fn record(&self, seq: u64) -> io::Result<Option<Stored>> {
        let mut found = None;
        self.from(seq, &mut |header, mut stored| {
            let nth = usize::try_from(seq - header.first).unwrap_or(usize::MAX);
            found = (nth < stored.len()).then(|| stored.swap_remove(nth));
            false
        })?;
        Ok(found)
    }

    /// Shows the chunks from the one with record `seq` on, until `take` wants no more.
    pub(super) fn from(&self, seq: u64, take: Take<'_>) -> io::Result<()> {
        let (next, start) = {
            let marks = self.marks.read();
            (marks.next, marks.of(seq))
        };
        let Some((mut segment, mut at)) = start else { return Ok(()) };
        loop {
            let file = self.file(segment)?;
            let Some(header) = read_header(&file, at)? else {
                // The end of a segment; the next one is named by the record that it begins with.
                let marks = self.marks.read();
                let behind = marks.all.iter().find(|(_, known, _)| *known > segment);
                let Some((_, following, begin)) = behind else { return Ok(()) };
                (segment, at) = (*following, *begin);
                continue;
            };
            if header.first >= next {
                return Ok(());
            }
            if header.next() > seq {
                let chunk = read_chunk(&file, at, header)?.ok_or_else(|| damaged(segment, at))?;
                if !take(chunk.0, chunk.1) {
                    return Ok(());
                }
            }
            at += header.total() as u64;
        }
    }

    /// How long these segments are together.
    fn bytes(&self, segments: &[u64]) -> io::Result<u64> {
        segments.iter().map(|one| Ok(self.file(*one)?.metadata()?.len())).sum()
    }

    fn path(&self, segment: u64) -> PathBuf {
        path(&self.dir, segment)
    }

    fn file(&self, segment: u64) -> io::Result<Arc<File>> {
        let mut files = self.files.lock();
        if let Some(file) = files.get(&segment) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(self.path(segment))?);
        if files.len() >= OPEN_MAX {
            // Whoever reads on goes forward, so the oldest is the one that is needed least.
            files.pop_first();
        }
        files.insert(segment, Arc::clone(&file));
        Ok(file)
    }
}

fn read_header(file: &File, at: u64) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(chunk::header(&bytes).filter(|header| header.len <= CHUNK_BYTES_MAX)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_chunk(file: &File, at: u64, header: Header) -> io::Result<Option<(Header, Vec<Stored>)>> {
    let mut bytes = vec![0; header.total()];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(chunk::decode(&bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a segment lies.
pub(super) fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:016x}.journal"))
}

/// The segments in `dir` by the number of their first record.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let number = name.strip_suffix(".journal");
        all.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
    }
    all.sort_unstable();
    Ok(all)
}

fn make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn sync_names(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn damaged(segment: u64, at: u64) -> io::Error {
    let text = format!("segment {segment:016x}.journal is damaged at byte {at}");
    io::Error::new(ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ledger::testing::entries;

    fn opened(dir: &Path, segment_bytes: u64, redo: Redo<'_>) -> Result<Journal, LedgerError> {
        Found::read(dir, None, redo)?.open_with(segment_bytes)
    }

    /// Writes `entries`, a few to each chunk.
    fn written(dir: &Path, entries: &[Entry], segment_bytes: u64) -> Journal {
        let mut journal = opened(dir, segment_bytes, &mut |_, _| Ok(())).unwrap();
        for (index, some) in entries.chunks(3).enumerate() {
            journal.append(index as u64 * 2, some).unwrap();
            journal.append(index as u64 * 2 + 1, &[]).unwrap();
        }
        journal
    }

    fn seqs(dir: &Path) -> (Vec<u64>, Journal) {
        let mut seqs = Vec::new();
        let journal = opened(dir, 4_000, &mut |_, stored| {
            seqs.extend(stored.iter().map(|one| one.record().unwrap().seq));
            Ok(())
        });
        (seqs, journal.unwrap())
    }

    #[test]
    fn records_are_found_by_their_number_across_segments_also_after_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let entries = entries(1, 200);
        let check = |reader: &Reader| {
            for entry in &entries {
                let stored = reader.record(entry.record.seq).unwrap().unwrap();
                assert_eq!((stored.bytes, stored.link), (entry.bytes.clone(), entry.link));
            }
            assert_eq!(reader.newest(), entries.len() as u64);
            assert_eq!(reader.record(reader.marks.read().next - 1 + 1).unwrap(), None);
            assert_eq!(reader.record(0).unwrap(), None);
        };
        check(&written(dir.path(), &entries, 4_000).reader());
        let (seqs, journal) = seqs(dir.path());
        assert_eq!(seqs, (1..=entries.len() as u64).collect::<Vec<_>>());
        check(&journal.reader());
        assert!(std::fs::read_dir(dir.path()).unwrap().count() > 2);
    }

    #[test]
    fn a_torn_end_is_cut_off_and_what_comes_later_is_appended_there() {
        let entries = entries(2, 120);
        for cut in [1, 40, 400, 3_000] {
            let dir = tempfile::tempdir().unwrap();
            drop(written(dir.path(), &entries, u64::MAX));
            let file = dir.path().join("0000000000000001.journal");
            let bytes = std::fs::read(&file).unwrap();
            // The end is lost, or its pages came to the disk as zeros.
            let end = bytes.len().saturating_sub(cut);
            let torn =
                if cut == 40 { [&bytes[..end], &[0; 40]].concat() } else { bytes[..end].to_vec() };
            std::fs::write(&file, torn).unwrap();
            let (found, mut journal) = seqs(dir.path());
            assert!(found.len() <= entries.len());
            let rest = &entries[found.len()..];
            journal.append(99, rest).unwrap();
            drop(journal);
            let (all, _) = seqs(dir.path());
            assert_eq!(all, (1..=entries.len() as u64).collect::<Vec<_>>(), "cut {cut}");
        }
    }

    /// Bytes of all segments, by name.
    fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let paths = segments(dir).unwrap().into_iter().map(|segment| path(dir, segment));
        paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }

    #[test]
    fn nothing_is_removed_by_a_start_that_does_not_succeed() {
        let dir = tempfile::tempdir().unwrap();
        drop(written(dir.path(), &entries(3, 200), 4_000));
        let before = files(dir.path());
        let old = LedgerError::Old(weir_ledger::Refusal::Rules { rules: 7 });
        let mut redo = |header: Header, _| match header.next() <= 10 {
            true => Ok(()),
            false => Err(old.clone()),
        };
        let error = opened(dir.path(), 4_000, &mut redo).err().unwrap();
        assert_eq!(error, old);
        assert_eq!(files(dir.path()), before);
    }

    #[test]
    fn a_segment_that_was_synced_and_is_not_whole_is_damage_and_keeps_what_it_has() {
        let entries = entries(3, 200);
        let change = |bytes: &mut Vec<u8>| {
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
        };
        let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
        for harm in [&change as &dyn Fn(&mut Vec<u8>), &cut] {
            let dir = tempfile::tempdir().unwrap();
            drop(written(dir.path(), &entries, 4_000));
            let mut all = files(dir.path());
            harm(&mut all[1].1);
            std::fs::write(&all[1].0, &all[1].1).unwrap();
            let error = opened(dir.path(), 4_000, &mut |_, _| Ok(())).err().unwrap();
            assert!(matches!(&error, LedgerError::Damaged(text) if text.contains("at byte")));
            assert_eq!(files(dir.path()), all);
            std::fs::remove_file(&all[1].0).unwrap();
            assert!(opened(dir.path(), 4_000, &mut |_, _| Ok(())).is_err());
            assert_eq!(files(dir.path()).len(), all.len() - 1);
        }
    }
}
