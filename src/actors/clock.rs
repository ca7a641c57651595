//! The only place where the node reads a clock.

#![allow(clippy::disallowed_methods)]

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use weir_model::Timestamp;

/// The wall clock.
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Microseconds on a clock that never goes back; its zero is the first call of the process.
#[must_use]
pub fn monotonic_us() -> i64 {
    static ZERO: OnceLock<Instant> = OnceLock::new();
    let zero = ZERO.get_or_init(Instant::now);
    i64::try_from(zero.elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// The same in milliseconds.
#[must_use]
pub fn monotonic_ms() -> u64 {
    u64::try_from(monotonic_us() / 1000).unwrap_or_default()
}
