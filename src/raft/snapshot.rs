//! The newest snapshot, in one file that is replaced as a whole: length, JSON header with checksum, state.
//!
//! With the log behind it, it is everything a node needs; the machine's own store may be lost.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::log::LogError;
use super::types::{Snapshot, SnapshotMeta};
use super::wire;

const FILE: &str = "snapshot";

#[derive(serde::Serialize, serde::Deserialize)]
struct Header {
    meta: SnapshotMeta,
    bytes: u64,
    crc32c: u32,
}

/// A snapshot in memory. Cheap to clone.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) meta: SnapshotMeta,
    pub(super) state: Arc<Vec<u8>>,
}

/// Where the newest snapshot lies.
pub(super) struct Snapshots {
    path: PathBuf,
    newest: Mutex<Option<Stored>>,
}

impl Snapshots {
    /// Reads the newest snapshot below `dir`.
    pub(super) fn open(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(FILE);
        let newest = match std::fs::read(&path) {
            Ok(bytes) => Some(decode(bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(LogError::Failed(error.to_string())),
        };
        Ok(Self { path, newest: Mutex::new(newest) })
    }

    /// The newest one.
    pub(super) fn newest(&self) -> Option<Stored> {
        self.newest.lock().clone()
    }

    /// Replaces the newest one by `stored`, unless that is older. Blocks; survives a power cut.
    pub(super) fn put(&self, stored: Stored) -> io::Result<()> {
        let mut newest = self.newest.lock();
        let upto = |one: &Stored| one.meta.last_log_id;
        if newest.as_ref().is_some_and(|one| upto(one) > upto(&stored)) {
            return Ok(());
        }
        let bytes = stored.state.len() as u64;
        let crc32c = crc32c::crc32c(&stored.state);
        let header = Header { meta: stored.meta.clone(), bytes, crc32c };
        let header = wire::framed(&header, &[]).map_err(io::Error::other)?;
        let new = self.path.with_extension("new");
        let _ = std::fs::remove_file(&new);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&header)?;
        file.write_all(&stored.state)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        *newest = Some(stored);
        Ok(())
    }
}

impl Stored {
    /// As openraft wants it.
    pub(super) fn to_snapshot(&self) -> Snapshot {
        Snapshot {
            meta: self.meta.clone(),
            snapshot: Box::new(Cursor::new(self.state.as_ref().clone())),
        }
    }
}

/// Reads a snapshot below `dir` and changes nothing; answers with the bytes of its state.
pub(super) fn check(dir: &Path) -> Result<Option<u64>, LogError> {
    let newest = Snapshots::open(dir)?.newest();
    Ok(newest.map(|stored| stored.state.len() as u64))
}

fn decode(bytes: Vec<u8>) -> Result<Stored, LogError> {
    let damaged = |text: &str| LogError::Damaged { file: FILE.into(), at: 0, text: text.into() };
    let (header, state) =
        wire::parts::<Header>(&bytes).map_err(|_| damaged("its header cannot be read"))?;
    if state.len() as u64 != header.bytes || crc32c::crc32c(state) != header.crc32c {
        return Err(damaged("it does not fit its checksum"));
    }
    Ok(Stored { meta: header.meta, state: Arc::new(state.to_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_snapshot_is_there_after_reopening_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Snapshots::open(dir.path()).unwrap().newest().is_none());
        let stored = |index: u64, state: &[u8]| {
            let last_log_id =
                Some(openraft::LogId::new(openraft::CommittedLeaderId::new(1, 1), index));
            let meta = SnapshotMeta { last_log_id, ..SnapshotMeta::default() };
            Stored { meta, state: Arc::new(state.to_vec()) }
        };
        let snapshots = Snapshots::open(dir.path()).unwrap();
        snapshots.put(stored(7, b"seven")).unwrap();
        snapshots.put(stored(3, b"three")).unwrap();
        let read = Snapshots::open(dir.path()).unwrap().newest().unwrap();
        assert_eq!(*read.state, b"seven");
        let file = dir.path().join(FILE);
        let mut bytes = std::fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let error = check(dir.path()).err().unwrap();
        assert!(error.to_string().contains("snapshot at byte 0"), "{error}");
    }
}
