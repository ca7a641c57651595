//! The database as its one writer holds it. When a write failed, the database is given up, because nobody
//! knows what the disk holds of it; a new one is written beside it from what is in memory, and takes its
//! place once it is whole and durable.
//!
//! A process may die anywhere between, so the names tell how far it came: `db` is the database; beside it
//! `db.new` is unfinished and `db.old` is finished with. Without a `db`, `db.new` is whole.

use std::path::{Path, PathBuf};

use super::StoreError;
use super::open::{at, sync_dir};
use super::sled::{Db, Raw, RawChange, Records, SyncFile};

/// The database's folder in the data directory.
pub(super) const DATABASE: &str = "db";
const NEW: &str = "db.new";
const OLD: &str = "db.old";

/// A database that can be replaced.
pub(super) struct Disk {
    home: PathBuf,
    sync_file: SyncFile,
    /// None once a write failed.
    db: Option<Db>,
}

impl Disk {
    /// Opens the database below `home`, making it when it is not there.
    pub(super) fn open(home: &Path, sync_file: SyncFile) -> Result<Self, StoreError> {
        settle(home)?;
        let db = Db::open(&home.join(DATABASE), &sync_file)?;
        sync_dir(home)?;
        Ok(Self { home: home.to_owned(), sync_file, db: Some(db) })
    }

    /// Every record. To be called once, before the first commit.
    pub(super) fn records(&self) -> Result<Records, StoreError> {
        self.db.as_ref().ok_or_else(given_up)?.records()
    }

    /// Makes all of `changes` or none of them; they survive a power cut once this returns `Ok`. After an
    /// error nothing can be written before [`Self::replace`].
    pub(super) fn commit(&mut self, changes: Vec<RawChange>) -> Result<(), StoreError> {
        let written = self.db.as_ref().ok_or_else(given_up)?.commit(changes);
        if written.is_err() {
            self.db = None;
        }
        written
    }

    /// [`Self::commit`] that a power cut may take: for what the log makes again.
    pub(super) fn follow(&mut self, changes: Vec<RawChange>) -> Result<(), StoreError> {
        let written = self.db.as_ref().ok_or_else(given_up)?.follow(changes);
        if written.is_err() {
            self.db = None;
        }
        written
    }

    /// Puts a new database that holds exactly `records` in the place of the one that failed.
    pub(super) fn replace(&mut self, records: Vec<Raw>) -> Result<(), StoreError> {
        self.db = None;
        settle(&self.home)?;
        let (now, new, old) = (self.path(DATABASE), self.path(NEW), self.path(OLD));
        let count = records.len();
        let made = Db::open(&new, &self.sync_file)?;
        made.records()?;
        made.commit(records.into_iter().map(|(name, bytes)| (name, Some(bytes))).collect())?;
        drop(made);
        sync_dir(&self.home)?;
        if now.exists() {
            rename(&now, &old)?;
        }
        rename(&new, &now)?;
        sync_dir(&self.home)?;
        let db = Db::open(&now, &self.sync_file)?;
        let read = db.records()?;
        if !read.complete || read.all.len() != count {
            return Err(StoreError::Io("the disk does not give back what was written".into()));
        }
        self.db = Some(db);
        // What is left of it is removed by the next start at the latest.
        let _ = std::fs::remove_dir_all(old);
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }
}

/// Whether there is a database below `home`, or one that only lacks its name.
pub(super) fn exists(home: &Path) -> bool {
    [DATABASE, NEW].iter().any(|name| Db::exists(&home.join(name)))
}

/// Finishes or undoes a replacement that was cut off.
pub(super) fn settle(home: &Path) -> Result<(), StoreError> {
    let (now, new, old) = (home.join(DATABASE), home.join(NEW), home.join(OLD));
    if !now.exists() && old.exists() && new.exists() {
        rename(&new, &now)?;
        sync_dir(home)?;
    }
    if !now.exists() {
        return Ok(());
    }
    for left in [new, old] {
        if left.exists() {
            std::fs::remove_dir_all(&left).map_err(|error| at(&left, &error))?;
        }
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|error| at(from, &error))
}

fn given_up() -> StoreError {
    StoreError::Io("an earlier write failed".into())
}

#[cfg(test)]
mod tests {
    use super::super::sled::to_disk;
    use super::*;

    fn raw(name: &str) -> Raw {
        (name.as_bytes().to_vec(), b"1".to_vec())
    }

    fn holding(home: &Path, name: &str) {
        let disk = Db::open(home, &to_disk()).unwrap();
        disk.commit(vec![(name.as_bytes().to_vec(), Some(b"1".to_vec()))]).unwrap();
    }

    #[test]
    fn a_replaced_database_holds_what_it_was_given_and_nothing_is_left_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(home.path(), to_disk()).unwrap();
        disk.commit(vec![(b"x".to_vec(), Some(b"1".to_vec()))]).unwrap();
        disk.replace(vec![raw("a"), raw("b")]).unwrap();
        disk.commit(vec![(b"c".to_vec(), Some(b"1".to_vec()))]).unwrap();
        drop(disk);
        let disk = Disk::open(home.path(), to_disk()).unwrap();
        let records = disk.records().unwrap();
        assert!(records.complete);
        assert_eq!(records.all, [raw("a"), raw("b"), raw("c")]);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replacement_that_was_cut_off_is_finished_or_undone() {
        for (made, expected) in [
            (&[(DATABASE, "a"), (NEW, "b")][..], "a"),
            (&[(OLD, "a"), (NEW, "b")], "b"),
            (&[(OLD, "a"), (DATABASE, "b")], "b"),
        ] {
            let home = tempfile::tempdir().unwrap();
            for (folder, name) in made {
                holding(&home.path().join(folder), name);
            }
            assert!(exists(home.path()));
            let disk = Disk::open(home.path(), to_disk()).unwrap();
            assert_eq!(disk.records().unwrap().all, [raw(expected)], "{made:?}");
            assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        }
    }
}
