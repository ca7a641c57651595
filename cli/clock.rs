//! The only place where the command line reads a clock.

use std::time::{SystemTime, UNIX_EPOCH};

use weir_model::Timestamp;

/// The wall clock.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
}
