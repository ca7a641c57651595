//! Waiting with an end: every wait of a test names what it waits for and fails with that name.

use std::future::Future;
use std::time::{Duration, Instant};

/// How often a condition is looked at. Short against everything we promise.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` finds something, at most `limit`; fails with the name of what never came.
pub(crate) async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Fails when `future` takes longer than `limit`.
pub(crate) async fn within<T>(what: &str, limit: Duration, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(limit, future).await;
    done.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"))
}
