//! The journal at a start.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{
    Early, Found, Journal, Marks, Reader, Redo, damaged, make, read_chunk, read_header,
    segment_bytes, segments, sync_names,
};
use crate::store::ledger::checkpoint::Stand;
use crate::store::ledger::{LedgerError, failed};

impl Found {
    /// Reads the journal in `dir`, making it when it is not there, and shows each chunk behind `stand` to `redo`.
    pub(in crate::store::ledger) fn read(
        dir: &Path,
        stand: Option<&Stand>,
        redo: Redo<'_>,
    ) -> Result<Self, LedgerError> {
        let (reader, mut segments) = all(dir).map_err(failed)?;
        if let Some(Stand { segment, marks, .. }) = stand {
            *reader.marks.write() = marks.clone();
            segments.retain(|one| one >= segment);
        }
        let end = read_all(&reader, &segments, stand, redo)?;
        let passed = reader.bytes(&segments).map_err(failed)?;
        let passed = passed.saturating_sub(stand.map_or(0, |stand| stand.at));
        Ok(Self { reader, end, passed })
    }

    /// The reading end.
    pub(in crate::store::ledger) const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Opens it for what comes next. What a power cut left of the last chunk is removed.
    pub(in crate::store::ledger) fn open(self) -> Result<Journal, LedgerError> {
        self.open_with(segment_bytes())
    }

    pub(in crate::store::ledger) fn open_with(
        self,
        segment_bytes: u64,
    ) -> Result<Journal, LedgerError> {
        let Self { reader, end: (segment, at), passed } = self;
        let file = Arc::new(end_at(&reader, segment, at).map_err(failed)?);
        let (failed, early) = (Arc::default(), Early::start(passed));
        Ok(Journal { reader, file, segment, at, failed, segment_bytes, passed, early })
    }
}

/// A reader that knows no chunk yet, and the segments that there are: one at least.
fn all(dir: &Path) -> io::Result<(Reader, Vec<u64>)> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if let Some(around) = dir.parent().filter(|around| !around.as_os_str().is_empty()) {
        sync_names(around)?;
    }
    let marks = Arc::new(RwLock::new(Marks { all: Vec::new(), next: 1 }));
    let reader = Reader { dir: dir.to_owned(), marks, files: Arc::default() };
    let mut segments = segments(dir)?;
    if segments.is_empty() {
        make(&reader.path(1))?;
        sync_names(dir)?;
        segments.push(1);
    }
    Ok((reader, segments))
}

/// Shows all chunks; answers with segment and place where the journal ends.
fn read_all(
    reader: &Reader,
    segments: &[u64],
    stand: Option<&Stand>,
    redo: Redo<'_>,
) -> Result<(u64, u64), LedgerError> {
    let mut end = stand.map_or((1, 0), |stand| (stand.segment, stand.at));
    for (nth, &segment) in segments.iter().enumerate() {
        let begins = if nth == 0 { end } else { (reader.marks.read().next, 0) };
        if segment != begins.0 {
            return Err(failed(damaged(end.0, end.1)));
        }
        end = (segment, read_segment(reader, begins, redo)?);
        let len = reader.file(segment).and_then(|file| file.metadata()).map_err(failed)?.len();
        if end.1 != len && Some(&segment) != segments.last() {
            return Err(failed(damaged(segment, end.1)));
        }
    }
    Ok(end)
}

/// Shows the chunks of a segment from a place on, up to the first that is not sound; answers with where that begins.
fn read_segment(
    reader: &Reader,
    (segment, mut at): (u64, u64),
    redo: Redo<'_>,
) -> Result<u64, LedgerError> {
    let file = reader.file(segment).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() < at {
        return Err(failed(damaged(segment, at)));
    }
    loop {
        let header = read_header(&file, at).map_err(failed)?;
        let Some(header) = header.filter(|one| one.first == reader.marks.read().next) else {
            return Ok(at);
        };
        let Some((header, stored)) = read_chunk(&file, at, header).map_err(failed)? else {
            return Ok(at);
        };
        redo(header, stored)?;
        reader.marks.write().note(header.first, header.next(), segment, at);
        at += header.total() as u64;
    }
}

/// The newest segment, which ends there from now on.
fn end_at(reader: &Reader, segment: u64, at: u64) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(reader.path(segment))?;
    file.set_len(at)?;
    file.sync_all()?;
    sync_names(&reader.dir)?;
    Ok(file)
}
