//! A short log with frequent snapshots, so that a test of a whole node sees segments begin and end.

use std::sync::atomic::{AtomicU64, Ordering};

static LOG_BYTES: AtomicU64 = AtomicU64::new(0);
static SNAPSHOT_EVERY: AtomicU64 = AtomicU64::new(0);

/// From now on a log that is opened has segments of `log_bytes`, and consensus that begins has a snapshot after so
/// many batches; zero is the usual.
pub fn set(log_bytes: u64, snapshot_every: u64) {
    LOG_BYTES.store(log_bytes, Ordering::Relaxed);
    SNAPSHOT_EVERY.store(snapshot_every, Ordering::Relaxed);
}

pub(super) fn log_bytes() -> Option<u64> {
    Some(LOG_BYTES.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}

pub(super) fn snapshot_every() -> Option<u64> {
    Some(SNAPSHOT_EVERY.load(Ordering::Relaxed)).filter(|batches| *batches > 0)
}
