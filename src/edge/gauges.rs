//! The loop that keeps gauges, and the key of tickets, which nobody else would update.

use std::sync::Arc;
use std::time::Duration;

use super::Context;

/// Prometheus asks every few seconds at most.
const EVERY: Duration = Duration::from_secs(1);

/// Starts the loop. It ends with the node.
pub fn run(context: &Arc<Context>) {
    let context = Arc::clone(context);
    let tasks = context.tasks.clone();
    tasks.spawn("edge gauges", |handle| async move {
        let work = async {
            let mut tick = tokio::time::interval(EVERY);
            loop {
                tick.tick().await;
                measure(&context);
                handle.idle(1);
            }
        };
        tokio::select! {
            () = work => {}
            () = handle.stopping() => {}
        }
    });
}

fn measure(context: &Context) {
    context.tickets.refresh();
    let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let waiting = context.lookup.streams().iter().map(|one| one.window.waiting()).sum();
    context.metrics.waiting.set(gauge(waiting));
    context.metrics.viewings.set(gauge(context.viewings.total()));
}
