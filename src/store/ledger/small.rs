//! Short segments and frequent checkpoints, so that a test of a whole node sees them begin and end.

use std::sync::atomic::{AtomicU64, Ordering};

static SEGMENT_BYTES: AtomicU64 = AtomicU64::new(0);
static CHECKPOINT_BYTES: AtomicU64 = AtomicU64::new(0);

/// From now on a ledger that is opened has segments of `segment_bytes` and a checkpoint after so many bytes; zero is
/// the usual.
pub fn set(segment_bytes: u64, checkpoint_bytes: u64) {
    SEGMENT_BYTES.store(segment_bytes, Ordering::Relaxed);
    CHECKPOINT_BYTES.store(checkpoint_bytes, Ordering::Relaxed);
}

pub(super) fn segment_bytes() -> Option<u64> {
    Some(SEGMENT_BYTES.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}

pub(super) fn checkpoint_bytes() -> Option<u64> {
    Some(CHECKPOINT_BYTES.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}
