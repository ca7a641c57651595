//! Reads a whole store and names everything that does not fit. The node starts with the same eyes: it
//! refuses what it cannot read, and reports the rest.

mod cluster;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::catalog::Catalog;
use super::entry::{Change, Entry};
use super::open::Lock;
use super::record::Hex32;
use super::sled::{Db, Records, to_disk};
use super::{StoreError, disk, identity};

/// How many problems are listed; a wholly damaged store must not fill the terminal.
const PROBLEMS_LISTED_MAX: usize = 1000;

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The record or file it is about.
    pub at: String,
    /// What is wrong with it.
    pub text: String,
    /// The node does not start with it.
    pub fatal: bool,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Records that were read.
    pub records: usize,
    /// What is wrong, in the order of the records.
    pub problems: Vec<Problem>,
}

impl Report {
    /// 0 when all is well, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.problems.is_empty())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = if self.fatal { "error" } else { "warning" };
        write!(f, "{grade}: {}: {}", self.at, self.text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.problems.iter().take(PROBLEMS_LISTED_MAX) {
            writeln!(f, "{problem}")?;
        }
        if self.problems.len() > PROBLEMS_LISTED_MAX {
            writeln!(f, "… and {} more", self.problems.len() - PROBLEMS_LISTED_MAX)?;
        }
        write!(f, "{} records, {} problems", self.records, self.problems.len())
    }
}

/// Checks the store below `dir` while no node uses it. Reads a copy that it makes beside the database,
/// because sled repairs what it opens, and what it drops could no longer be looked at.
///
/// # Errors
/// When there is no store, a node has it open, or the database does not open at all.
pub fn check(dir: &Path) -> Result<Report, StoreError> {
    if !disk::exists(dir) {
        return Err(StoreError::NotFound { what: format!("a store below {}", dir.display()) });
    }
    let _lock = Lock::take(dir)?;
    disk::settle(dir)?;
    let copy = Copy::make(dir)?;
    let records = Db::open(&copy.path, &to_disk())?.records()?;
    let (catalog, mut report) = load(&records);
    report.problems.extend(marker_problem(dir, &catalog));
    report.problems.extend(file_problems(dir, &catalog));
    Ok(report)
}

/// A copy of the database, removed when it is no longer needed.
struct Copy {
    path: PathBuf,
}

impl Copy {
    fn make(dir: &Path) -> Result<Self, StoreError> {
        let this = Self { path: dir.join("db.check") };
        // Left by a check that was killed.
        let _ = std::fs::remove_dir_all(&this.path);
        copy_dir(&dir.join(disk::DATABASE), &this.path).map_err(|error| {
            StoreError::Io(format!("copying it to {} failed: {error}", this.path.display()))
        })?;
        Ok(this)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// The marker beside the database says whose records must be in it.
pub(super) fn marker_problem(dir: &Path, catalog: &Catalog) -> Option<Problem> {
    let marked = identity::marked(dir)?;
    let id = catalog.node.as_ref().map(|node| node.id.to_string());
    let text = match id {
        Some(id) if id == marked => return None,
        Some(id) => format!("says {marked}, but the database is of {id}"),
        None => format!("says {marked}, but the database has no record of it: records are lost"),
    };
    Some(Problem { at: identity::marker_file(dir).display().to_string(), text, fatal: true })
}

/// Builds the catalog and notes what does not fit.
pub(super) fn load(records: &Records) -> (Catalog, Report) {
    let raw = &records.all;
    let mut report = Report { records: raw.len(), problems: Vec::new() };
    if !records.complete {
        let text =
            "does not fit the records: some were lost or changed; compare the channels and keys \
                    with what you expect"
                .into();
        report.problems.push(Problem { at: "census".into(), text, fatal: false });
    }
    let mut catalog = Catalog::default();
    let mut hashes: BTreeMap<[u8; 32], String> = BTreeMap::new();
    for (name, bytes) in raw {
        let at = String::from_utf8_lossy(name).escape_debug().to_string();
        let entry = match Entry::decode(name, bytes) {
            Ok(entry) => entry,
            Err(error) => {
                report.problems.push(Problem { at, text: error.to_string(), fatal: true });
                continue;
            }
        };
        if let Entry::Key(key) = &entry
            && let Some(twin) = hashes.insert(key.hash.0, at.clone())
        {
            let text = format!("has the same secret as {twin}; rotate both");
            report.problems.push(Problem { at, text, fatal: false });
        }
        catalog.apply(&Change::Put(entry));
    }
    report.problems.extend(misfits(&catalog));
    if !raw.is_empty() && catalog.node.is_none() {
        let text = "is missing: stream keys and tokens cannot be checked without it".into();
        report.problems.push(Problem { at: "node".into(), text, fatal: true });
    }
    (catalog, report)
}

/// Records that are sound by themselves but do not fit each other.
fn misfits(catalog: &Catalog) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut note = |at: String, text: String| problems.push(Problem { at, text, fatal: false });
    for key in catalog.keys.values().filter(|key| !catalog.channels.contains_key(&key.channel)) {
        note(format!("key/{}", key.id), format!("its channel `{}` does not exist", key.channel));
    }
    for channel in catalog.msn.keys().filter(|name| !catalog.channels.contains_key(*name)) {
        note(format!("msn/{channel}"), "its channel does not exist".into());
    }
    for channel in catalog.channels.values() {
        if !catalog.people.accounts.contains_key(&channel.owner) {
            let text = format!("its owner {} does not exist", channel.owner);
            note(format!("channel/{}", channel.name), text);
        }
    }
    let mut names = BTreeMap::new();
    for account in catalog.people.accounts.values() {
        if let Some(twin) = names.insert(&account.name, account.id) {
            let text = format!("has the same name `{}` as account/{twin}", account.name);
            note(format!("account/{}", account.id), text);
        }
    }
    for token in catalog.people.tokens.values() {
        if !catalog.people.accounts.contains_key(&token.account) {
            let text = format!("its account {} does not exist", token.account);
            note(format!("token/{}", token.id), text);
        }
    }
    if catalog.node.is_some() && catalog.people.operator().is_none() {
        note("account/".into(), "no account has the role `operator`".into());
    }
    problems.extend(cluster::misfits(catalog));
    problems
}

/// Files beside the database.
fn file_problems(dir: &Path, catalog: &Catalog) -> Vec<Problem> {
    let file = identity::token_file(dir);
    let at = identity::token_file(dir).display().to_string();
    let mut problems = Vec::new();
    let mut note =
        |text: &str| problems.push(Problem { at: at.clone(), text: text.into(), fatal: false });
    // The token of a cluster lies at one of its nodes; only one that is alone makes a new one.
    let alone = catalog.directory.members.len() <= 1;
    let mode = std::fs::metadata(&file).map(|meta| meta.mode() & 0o777);
    match (mode, &catalog.node) {
        (_, None) => {}
        (Err(_), _) if !alone => {}
        (Err(_), _) => note("is missing; the next start makes a new token"),
        (Ok(mode), Some(_)) => {
            if mode & 0o077 != 0 {
                note("can be read by others; run `chmod 600` on it");
            }
            let shared = catalog.shared();
            if shared.operator_token == Hex32([0; 32]) || !identity::token_fits(dir, &shared) {
                note(if alone {
                    "holds another token than the store knows; the next start makes a new one"
                } else {
                    "holds another token than the cluster's; remove it or bring the cluster's here"
                });
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests;
