//! Opens a data directory: keeps other processes out, reads or makes what is there, and mends what can be made again.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use tokio::sync::watch;
use weir_model::{AccountId, NodeId, Timestamp};

use super::catalog::Catalog;
use super::disk::{DATABASE, Disk};
use super::entry::{Change, Entry};
use super::record::{ClusterRecord, NodeRecord};
use super::sled::SyncFile;
use super::{Held, Inner, LOG_DIR, StoreError, check, identity, writer};

/// See [`Store::open`](super::Store::open).
pub(super) fn open(dir: &Path, now: Timestamp, sync_file: &SyncFile) -> Result<Inner, StoreError> {
    make_private_dir(dir)?;
    let lock = Lock::take(dir)?;
    let opened = read(dir, sync_file).or_else(|error| recovered(dir, sync_file, now, error));
    let (mut disk, mut catalog, complete) = opened?;
    let (node, operator) = first_start(&mut disk, &mut catalog, dir, now)?;
    if identity::marked(dir).is_none() {
        identity::mark(dir, node.id)?;
    }
    if catalog.place.is_some() && !complete {
        tracing::warn!("a power cut took records; they are made again from the log");
        catalog.place = None;
    } else if catalog.place.is_none() && !has_snapshot(dir) {
        // What came from a log is changed by the log only.
        fitting_token(&mut disk, &mut catalog, dir)?;
    }
    let changed = watch::Sender::new(catalog.changed);
    let catalog = Arc::new(RwLock::new(catalog));
    let writer = writer::Writer::start(disk, Arc::clone(&catalog), now)?;
    let dir = dir.to_owned();
    let replaced = watch::Sender::new(None);
    let [people, sessions, passes] = std::array::from_fn(|_| watch::Sender::new(0));
    let held = Held {
        node: node.clone(),
        catalog,
        changed,
        replaced,
        people,
        sessions,
        passes,
        writer,
        _lock: lock,
    };
    Ok(Inner { dir, node, operator, held: Arc::new(held), proposer: OnceLock::new() })
}

/// Keeps a second process out of a data directory.
pub(super) struct Lock {
    file: File,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| at(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => Err(at(&path, &error)),
        }
    }
}

impl Drop for Lock {
    /// Closing the file would not be enough while a process that is just being started still has a copy.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

fn make_private_dir(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| at(dir, &error))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Makes new names in `dir` survive a power cut.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| at(dir, &error))
}

pub(super) fn at(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

/// The database with what is in it, and whether that is all.
fn read(dir: &Path, sync_file: &SyncFile) -> Result<(Disk, Catalog, bool), StoreError> {
    let disk = Disk::open(dir, Arc::clone(sync_file))?;
    let records = disk.records()?;
    let (catalog, mut report) = check::load(&records);
    report.problems.extend(check::marker_problem(dir, &catalog));
    refuse_fatal(&report)?;
    Ok((disk, catalog, records.complete))
}

/// A new database for a node whose own is damaged or gone, when a snapshot beside it holds the rest.
fn recovered(
    dir: &Path,
    sync_file: &SyncFile,
    now: Timestamp,
    error: StoreError,
) -> Result<(Disk, Catalog, bool), StoreError> {
    let id = identity::marked(dir).and_then(|text| text.parse::<NodeId>().ok());
    let Some(id) = id.filter(|_| has_snapshot(dir)) else { return Err(error) };
    if !matches!(error, StoreError::Damaged(_)) {
        return Err(error);
    }
    tracing::warn!(%error, "the database is set aside; its records are made again from the log");
    let (lost, now_lost) = (dir.join(DATABASE), dir.join("db.lost"));
    let _ = std::fs::remove_dir_all(&now_lost);
    if lost.exists() {
        std::fs::rename(&lost, &now_lost).map_err(|error| at(&lost, &error))?;
    }
    let mut disk = Disk::open(dir, Arc::clone(sync_file))?;
    disk.records()?;
    let mut catalog = Catalog::default();
    make(&mut disk, &mut catalog, vec![Entry::Node(identity::node_again(id, now))])?;
    Ok((disk, catalog, true))
}

fn has_snapshot(dir: &Path) -> bool {
    dir.join(LOG_DIR).join("snapshot").exists()
}

pub(super) fn refuse_fatal(report: &check::Report) -> Result<(), StoreError> {
    for problem in report.problems.iter().filter(|problem| !problem.fatal) {
        tracing::warn!(%problem, "the store holds something that does not fit; it is ignored");
    }
    let mut fatal = report.problems.iter().filter(|problem| problem.fatal);
    let Some(first) = fatal.next() else { return Ok(()) };
    let more = match fatal.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(StoreError::Damaged(format!("{}: {}{more}", first.at, first.text)))
}

/// The node's record and its operator; made, in one step, when the store is new.
fn first_start(
    disk: &mut Disk,
    catalog: &mut Catalog,
    dir: &Path,
    now: Timestamp,
) -> Result<(NodeRecord, AccountId), StoreError> {
    if let Some(node) = catalog.node.clone() {
        // The snapshot brings the operator.
        let later = has_snapshot(dir).then_some(AccountId(0));
        let operator = catalog.people.operator().or(later);
        let missing = || StoreError::Damaged("no account has the role `operator`".into());
        return Ok((node, operator.ok_or_else(missing)?));
    }
    let (node, operator) = identity::new_node(now)?;
    let id = operator.id;
    let shared = Entry::Cluster(ClusterRecord::from(&node));
    make(disk, catalog, vec![Entry::Account(operator), Entry::Node(node.clone()), shared])?;
    Ok((node, id))
}

/// Replaces the operator token when its file is missing or holds another one. What the cluster shares is
/// taken from the node's record where it has no record of its own yet.
fn fitting_token(disk: &mut Disk, catalog: &mut Catalog, dir: &Path) -> Result<(), StoreError> {
    let mut shared = catalog.shared();
    if !identity::token_fits(dir, &shared) {
        shared.operator_token = identity::new_token(dir, &shared)?;
    } else if catalog.has_shared() {
        return Ok(());
    }
    make(disk, catalog, vec![Entry::Cluster(shared)])
}

fn make(disk: &mut Disk, catalog: &mut Catalog, entries: Vec<Entry>) -> Result<(), StoreError> {
    let changes: Vec<Change> = entries.into_iter().map(Change::Put).collect();
    let raw: Result<Vec<_>, _> = changes.iter().map(Change::raw).collect();
    disk.commit(raw.map_err(|error| StoreError::Io(error.to_string()))?)?;
    changes.iter().for_each(|change| catalog.apply(change));
    Ok(())
}
