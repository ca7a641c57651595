//! What the log knows, in memory: where each entry lies, the vote, and how far it is committed and purged.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::frame::{Point, Record};

/// Bodies of the newest entries stay in memory, because that is what followers ask for: a second's worth
/// of a busy directory. Older ones are read from the disk.
const CACHED_BYTES_MAX: usize = 4 << 20;

/// An entry in its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) point: Point,
    pub(super) segment: u64,
    pub(super) at: u64,
    pub(super) len: usize,
    pub(super) crc: u32,
    pub(super) body: Option<Arc<[u8]>>,
}

/// All that the records say when they are read in order.
#[derive(Debug, Default, Clone)]
pub(super) struct State {
    pub(super) vote: Option<Arc<[u8]>>,
    pub(super) committed: Option<Point>,
    pub(super) purged: Option<Point>,
    pub(super) entries: BTreeMap<u64, Slot>,
    cached_bytes: usize,
    /// Entries below this index are not in memory.
    cached_from: u64,
}

impl State {
    /// Takes in a record whose body lies at `at` of `segment`.
    pub(super) fn apply(&mut self, record: &Record, segment: u64, at: u64) {
        match record {
            Record::Entry(point, body) => self.insert(*point, segment, at, body),
            Record::Vote(vote) => self.vote = Some(Arc::clone(vote)),
            Record::Committed(point) => self.committed = *point,
            Record::Truncate(index) => {
                for slot in self.entries.split_off(index).into_values() {
                    self.uncount(&slot);
                }
            }
            Record::Purge(point) => {
                let kept = self.entries.split_off(&point.index.saturating_add(1));
                for slot in std::mem::replace(&mut self.entries, kept).into_values() {
                    self.uncount(&slot);
                }
                self.purged = self.purged.max(Some(*point));
            }
        }
    }

    /// The newest entry, or the newest that was purged.
    pub(super) fn last(&self) -> Option<Point> {
        self.entries.last_key_value().map(|(_, slot)| slot.point).or(self.purged)
    }

    /// The index that the next entry has to have. Anything may come first into an empty log.
    pub(super) fn next_index(&self) -> Option<u64> {
        self.last().map(|point| point.index.saturating_add(1))
    }

    fn insert(&mut self, point: Point, segment: u64, at: u64, body: &Arc<[u8]>) {
        let (len, crc) = (body.len(), crc32c::crc32c(body));
        let body = Some(Arc::clone(body));
        self.cached_bytes += len;
        self.entries.insert(point.index, Slot { point, segment, at, len, crc, body });
        while self.cached_bytes > CACHED_BYTES_MAX {
            let from = Bound::Included(self.cached_from);
            let oldest = self.entries.range_mut((from, Bound::Unbounded)).next();
            let Some((index, slot)) = oldest else { return };
            self.cached_from = index + 1;
            if slot.body.take().is_some() {
                self.cached_bytes = self.cached_bytes.saturating_sub(slot.len);
            }
        }
    }

    fn uncount(&mut self, slot: &Slot) {
        self.cached_from = self.cached_from.min(slot.point.index);
        if slot.body.is_some() {
            self.cached_bytes = self.cached_bytes.saturating_sub(slot.len);
        }
    }
}

/// What must outlive the oldest segments: a new segment begins with it.
#[derive(Debug, Default)]
pub(super) struct Heading {
    vote: Option<Arc<[u8]>>,
    committed: Option<Point>,
    purged: Option<Point>,
}

impl Heading {
    pub(super) fn of(state: &State) -> Self {
        let State { vote, committed, purged, .. } = state;
        Self { vote: vote.clone(), committed: *committed, purged: *purged }
    }

    /// Takes in a record.
    pub(super) fn note(&mut self, record: &Record) {
        match record {
            Record::Entry(..) | Record::Truncate(_) => {}
            Record::Vote(vote) => self.vote = Some(Arc::clone(vote)),
            Record::Committed(point) => self.committed = *point,
            Record::Purge(point) => self.purged = self.purged.max(Some(*point)),
        }
    }

    /// As records, never none.
    pub(super) fn records(&self) -> Vec<Record> {
        let vote = self.vote.clone().map(Record::Vote);
        let purged = self.purged.map(Record::Purge);
        [vote, Some(Record::Committed(self.committed)), purged].into_iter().flatten().collect()
    }
}
