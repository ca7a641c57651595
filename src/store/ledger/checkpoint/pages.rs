//! Pages on the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_ledger::checkpoint::PageId;

use super::{Job, Mark};
use crate::store::StoreError;
use crate::store::sled::{RawChange, Rows};

/// Changes that go to the database at once.
const BATCH_BYTES: usize = 1 << 20;

/// The name of the mark. Names of pages are longer.
pub(super) const MARK: &[u8] = b"m";

/// A page that is kept: which checkpoint wrote it, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) number: u64,
    pub(super) hash: u128,
}

/// What is known of a whole checkpoint.
pub(in crate::store::ledger) struct Kept {
    pub(super) rows: Rows,
    pub(super) number: u64,
    pub(super) sum: u128,
    pub(super) held: BTreeMap<PageId, Held>,
    /// Pages that nobody needs.
    pub(super) stale: Vec<Vec<u8>>,
}

impl Kept {
    /// No checkpoint in `dir` yet.
    pub(super) fn new(dir: &Path) -> Result<Self, StoreError> {
        let (rows, held, stale) = (Rows::open(dir)?, BTreeMap::new(), Vec::new());
        Ok(Self { rows, number: 0, sum: 0, held, stale })
    }

    /// Writes the next one.
    pub(super) fn write(&mut self, job: &Job, stop: &AtomicBool) -> Result<(), StoreError> {
        self.remove_stale()?;
        self.number += 1;
        self.put_pages(job, stop)?;
        job.journal.sync().map_err(|error| StoreError::Io(error.to_string()))?;
        let (number, sum) = (self.number, self.sum);
        let (core, stand) = (job.changes.core().clone(), job.stand.clone());
        let mark = serde_json::to_vec(&Mark { number, sum, core, stand });
        let mark = mark.map_err(|error| StoreError::Io(error.to_string()))?;
        self.rows.sync()?;
        self.rows.put(vec![(MARK.to_vec(), Some(mark))])?;
        self.rows.sync()?;
        let (seq, pages) = (job.changes.core().head().seq, job.changes.len());
        tracing::debug!(seq, pages, "checkpoint of the ledger");
        Ok(())
    }

    /// Writes what a crash leaves: pages of the next checkpoint, and no mark.
    #[cfg(test)]
    pub(in crate::store::ledger) fn litter(&self) -> Result<(), StoreError> {
        let names = self.held.keys().map(|id| (name(*id, self.number + 1), Some(vec![7; 9])));
        self.rows.put(names.collect())
    }

    fn put_pages(&mut self, job: &Job, stop: &AtomicBool) -> Result<(), StoreError> {
        let (mut batch, mut bytes, mut failed) = (Vec::<RawChange>::new(), 0, None);
        let put = &mut |id: PageId, page: Vec<u8>| {
            bytes += page.len();
            batch.push((name(id, self.number), Some(page)));
            let (_, page) = batch.last().map_or((&[][..], None), |(n, p)| (&n[..], p.as_deref()));
            let hash = hash(id, page.unwrap_or_default());
            self.note(id, hash);
            if bytes >= BATCH_BYTES {
                bytes = 0;
                failed = self.rows.put(std::mem::take(&mut batch)).err();
            }
            failed.is_none() && !stop.load(Ordering::Acquire)
        };
        let each = job.changes.each(put);
        each.map_err(|error| StoreError::Io(error.to_string()))?;
        if stop.load(Ordering::Acquire) {
            return Err(StoreError::Io("the node stops".into()));
        }
        failed.map_or_else(|| self.rows.put(batch), Err)
    }

    fn note(&mut self, id: PageId, hash: u128) {
        let held = Held { number: self.number, hash };
        if let Some(before) = self.held.insert(id, held) {
            self.sum = self.sum.wrapping_sub(before.hash);
            self.stale.push(name(id, before.number));
        }
        self.sum = self.sum.wrapping_add(hash);
    }

    /// Once there is a mark that needs them no more.
    fn remove_stale(&mut self) -> Result<(), StoreError> {
        let stale = std::mem::take(&mut self.stale);
        for some in stale.chunks(1_000) {
            self.rows.put(some.iter().map(|name| (name.clone(), None)).collect())?;
        }
        Ok(())
    }
}

/// A page's name: table, place, and the checkpoint that wrote it, so that they lie in the order of all three.
pub(super) fn name(id: PageId, number: u64) -> Vec<u8> {
    let mut name = vec![id.table];
    name.extend(id.number.to_be_bytes());
    name.extend(number.to_be_bytes());
    name
}

/// What a name says; none for the mark's.
pub(super) fn named(name: &[u8]) -> Option<(PageId, u64)> {
    let (table, rest) = name.split_first()?;
    let number = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
    let written = u64::from_be_bytes(rest.get(4..)?.try_into().ok()?);
    Some((PageId { table: *table, number }, written))
}

/// A page's hash: of its bytes and its place, so that no page is taken for another.
pub(super) fn hash(id: PageId, bytes: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&name(id, 0)).update(bytes);
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(half)
}
