//! The only file that names sled: an ordered map of byte strings with atomic, durable batches.
//!
//! sled's own `flush` hands the bytes to the kernel with `sync_file_range`, which promises nothing after a
//! power cut. A commit here therefore ends with `fdatasync` of sled's file. sled's periodic flush
//! stays on, because it also collects garbage.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::StoreError;
use super::census::{CENSUS, Census};

/// sled's page cache. The records of a full node are a few MiB; sled uses some times its cache.
const CACHE_BYTES: u64 = 8 << 20;

/// sled's threads finish within milliseconds; a node that stops must not wait for one that hangs.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// The end of the name of a snapshot that sled is still writing.
const UNFINISHED: &str = "generating";

/// sled's settings, which are always the same here. It writes them once and never syncs them.
const SETTINGS: &str = "conf";
const SETTINGS_BEGIN: &[u8] = b"segment_size: ";

/// Makes what was written to a file survive a power cut: `fdatasync`, or what a test puts in its place.
pub(crate) type SyncFile = Arc<dyn Fn(&File) -> std::io::Result<()> + Send + Sync>;

/// One stored record: its name and its bytes.
pub(super) type Raw = (Vec<u8>, Vec<u8>);

/// One change of a batch: a name with its new bytes, or with none to remove it.
pub(super) type RawChange = (Vec<u8>, Option<Vec<u8>>);

/// An open database.
pub(super) struct Db {
    /// None only while it is dropped.
    db: Option<sled::Db>,
    file: File,
    sync_file: SyncFile,
    census: Mutex<Census>,
}

/// What a database holds.
pub(super) struct Records {
    /// By name.
    pub(super) all: Vec<Raw>,
    /// Nothing that was ever committed is missing.
    pub(super) complete: bool,
}

impl Db {
    /// Whether there is a database below `dir`.
    pub(super) fn exists(dir: &Path) -> bool {
        dir.join("db").exists()
    }

    /// Opens the database below `dir`, making it when it is not there.
    pub(super) fn open(dir: &Path, sync_file: &SyncFile) -> Result<Self, StoreError> {
        remove_unfinished(dir)?;
        remove_torn_settings(dir)?;
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES);
        // sled panics on some kinds of damage instead of answering with an error.
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| StoreError::Damaged("it cannot be opened".into()))?
            .map_err(failed)?;
        let file = File::open(dir.join("db")).map_err(io)?;
        let sync_file = Arc::clone(sync_file);
        let this = Self { db: Some(db), file, sync_file, census: Mutex::default() };
        File::open(dir.join(SETTINGS)).and_then(|settings| settings.sync_all()).map_err(io)?;
        this.sync()?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
        Ok(this)
    }

    /// Every record. To be called once, before the first commit.
    pub(super) fn records(&self) -> Result<Records, StoreError> {
        let db = self.db()?;
        let read = || {
            db.iter()
                .map(|pair| pair.map(|(name, bytes)| (name.to_vec(), bytes.to_vec())))
                .collect::<Result<Vec<Raw>, sled::Error>>()
        };
        let mut all = catch_unwind(AssertUnwindSafe(read))
            .map_err(|_| StoreError::Damaged("its records cannot be read".into()))?
            .map_err(failed)?;
        let stored = all.iter().position(|(name, _)| name == CENSUS);
        let stored = stored.map(|at| all.remove(at).1);
        let census = Census::of(&all);
        let complete = census.fits(stored.as_deref());
        *self.census.lock() = census;
        Ok(Records { all, complete })
    }

    /// Makes all of `changes` or none of them; they survive a power cut once this returns `Ok`. After an
    /// error nobody knows what the disk holds, and this database must not be used again: the kernel tells
    /// of a page that it could not write only once and then takes it for written.
    pub(super) fn commit(&self, changes: Vec<RawChange>) -> Result<(), StoreError> {
        self.follow(changes)?;
        self.sync()
    }

    /// Makes all of `changes` or none of them; a power cut may take them.
    pub(super) fn follow(&self, changes: Vec<RawChange>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.insert(CENSUS, self.census.lock().change(&changes));
        self.apply(changes, batch)
    }

    fn apply(&self, changes: Vec<RawChange>, mut batch: sled::Batch) -> Result<(), StoreError> {
        for (name, bytes) in changes {
            match bytes {
                Some(bytes) => batch.insert(name, bytes),
                None => batch.remove(name),
            }
        }
        let db = self.db()?;
        catch_unwind(AssertUnwindSafe(|| db.apply_batch(batch)))
            .map_err(|_| StoreError::Io("it panicked while it wrote".into()))?
            .map_err(failed)
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        self.db.as_ref().ok_or_else(|| StoreError::Io("it is closed".into()))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db()?.flush().map_err(failed)?;
        (self.sync_file)(&self.file).map_err(io)
    }
}

impl Drop for Db {
    /// sled's threads may hold its file, and the lock on it, for a moment after sled was dropped. Waiting
    /// for that lock makes sure that who opens the database next finds it free.
    fn drop(&mut self) {
        // sled panics when the disk fails it here.
        let db = self.db.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
        let Ok(file) = self.file.try_clone() else { return };
        let (tell, told) = std::sync::mpsc::channel();
        let wait = move || {
            let _ = file.lock();
            let _ = file.unlock();
            let _ = tell.send(());
        };
        if std::thread::Builder::new().name("store close".into()).spawn(wait).is_ok() {
            let _ = told.recv_timeout(CLOSE_PATIENCE);
        }
    }
}

/// A database of rows that can be made again: nothing of it is believed without a look.
pub(super) struct Rows {
    db: Db,
}

impl Rows {
    /// Opens the database in `dir`, making it when it is not there.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: Db::open(dir, &to_disk())? })
    }

    /// One row.
    pub(super) fn get(&self, name: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db.db()?;
        let row = catch_unwind(AssertUnwindSafe(|| db.get(name)))
            .map_err(|_| StoreError::Damaged("it cannot be read".into()))?;
        Ok(row.map_err(failed)?.map(|bytes| bytes.to_vec()))
    }

    /// All rows, in the order of their names.
    pub(super) fn all(&self) -> impl Iterator<Item = Result<Raw, StoreError>> {
        let mut rows = self.db.db().map(|db| db.iter()).ok();
        std::iter::from_fn(move || {
            let next = catch_unwind(AssertUnwindSafe(|| rows.as_mut()?.next()));
            match next {
                Ok(row) => row.map(|row| {
                    row.map(|(name, bytes)| (name.to_vec(), bytes.to_vec())).map_err(failed)
                }),
                Err(_) => Some(Err(StoreError::Damaged("its rows cannot be read".into()))),
            }
        })
    }

    /// Makes all of `changes` or none of them; a power cut may take them.
    pub(super) fn put(&self, changes: Vec<RawChange>) -> Result<(), StoreError> {
        self.db.apply(changes, sled::Batch::default())
    }

    /// Makes what was put survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.db.sync()
    }
}

/// The system's `fdatasync`.
pub(super) fn to_disk() -> SyncFile {
    Arc::new(File::sync_data)
}

fn failed(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => {
            StoreError::Damaged(error.to_string())
        }
        other => StoreError::Io(other.to_string()),
    }
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Io(error.to_string())
}

/// Removes snapshots of the log that sled did not finish writing because the disk was full or the process died:
/// at the next start it would take one for the newest and refuse the whole database. The log itself holds
/// everything that is in a snapshot.
fn remove_unfinished(dir: &Path) -> Result<(), StoreError> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|end| end == UNFINISHED) {
            tracing::warn!(file = %path.display(), "removing a snapshot that was not finished");
            std::fs::remove_file(&path).map_err(io)?;
        }
    }
    Ok(())
}

/// Removes settings that a power cut left unfinished while the database was made: sled would refuse all of it, and makes
/// them again. They are lines of text with a checksum of four bytes behind; cut off, they are zeros or their beginning.
fn remove_torn_settings(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(SETTINGS);
    let Ok(bytes) = std::fs::read(&path) else { return Ok(()) };
    let text = bytes.split_last_chunk::<4>().map(|(text, _)| text);
    let is_zeros = bytes.iter().all(|byte| *byte == 0);
    let is_beginning = bytes.iter().zip(SETTINGS_BEGIN).all(|(byte, begin)| byte == begin)
        && !text.is_some_and(|text| text.ends_with(b"\n"));
    if !is_zeros && !is_beginning {
        return Ok(());
    }
    tracing::warn!(file = %path.display(), "removing settings that were not finished");
    std::fs::remove_file(&path).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Result<Db, StoreError> {
        Db::open(dir, &to_disk())
    }

    #[test]
    fn a_batch_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).unwrap();
        db.commit(vec![(b"a".to_vec(), Some(b"1".to_vec())), (b"b".to_vec(), Some(b"2".to_vec()))])
            .unwrap();
        db.commit(vec![(b"a".to_vec(), None)]).unwrap();
        drop(db);
        assert!(Db::exists(dir.path()));
        let db = open(dir.path()).unwrap();
        let records = db.records().unwrap();
        assert_eq!(records.all, [(b"b".to_vec(), b"2".to_vec())]);
        assert!(records.complete);
    }

    #[test]
    fn a_snapshot_that_was_not_finished_does_not_damage_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).unwrap();
        db.commit(vec![(b"a".to_vec(), Some(b"1".to_vec()))]).unwrap();
        drop(db);
        let unfinished = dir.path().join("snap.7FFFFFFFFFFFFFFF.generating");
        std::fs::write(&unfinished, b"half").unwrap();
        let db = open(dir.path()).unwrap();
        assert_eq!(db.records().unwrap().all, [(b"a".to_vec(), b"1".to_vec())]);
        assert!(!unfinished.exists());
    }

    #[test]
    fn settings_that_a_power_cut_tore_are_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).unwrap();
        db.commit(vec![(b"a".to_vec(), Some(b"1".to_vec()))]).unwrap();
        drop(db);
        let settings = dir.path().join(SETTINGS);
        let sound = std::fs::read(&settings).unwrap();
        for torn in [&[][..], &vec![0; sound.len()], &sound[..sound.len() - 4], &sound[..3]] {
            std::fs::write(&settings, torn).unwrap();
            let db = open(dir.path()).unwrap();
            assert_eq!(db.records().unwrap().all, [(b"a".to_vec(), b"1".to_vec())]);
            drop(db);
            assert_eq!(std::fs::read(&settings).unwrap(), sound);
        }
    }

    #[test]
    fn a_record_that_was_lost_or_changed_behind_our_back_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).unwrap();
        let [a, b] = [b"a", b"b"].map(|name| (name.to_vec(), Some(b"1".to_vec())));
        db.commit(vec![a, b]).unwrap();
        assert!(db.records().unwrap().complete);
        db.db().unwrap().insert("a", "2").unwrap();
        assert!(!db.records().unwrap().complete);
        db.db().unwrap().insert("a", "1").unwrap();
        assert!(db.records().unwrap().complete);
        db.db().unwrap().remove("b").unwrap();
        assert!(!db.records().unwrap().complete);
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error_and_not_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(SETTINGS), b"not sled's").unwrap();
        std::fs::write(dir.path().join("db"), vec![7; 100_000]).unwrap();
        assert!(open(dir.path()).is_err());
    }
}
