//! Small changes of the directory: three voters, each with its store, its log on disk and its link, in this process.
//!
//! There is no rival: what stands beside each figure is the bar of CLUSTER.md. A change goes the whole way of the
//! product: proposed, batched, synced by most voters, made in each store, answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use weir::actors::clock;
use weir::store::Store;
use weir_model::ChannelName;

use crate::Effort;
use crate::report::{Report, percentile};
use crate::voters::{Voter, in_step};

const IN_FLIGHT: usize = 200;

pub(crate) async fn run(effort: Effort) -> Report {
    let default = if effort.quick { 1 } else { 10 };
    let length = Duration::from_secs(effort.seconds.unwrap_or(default));
    let mut report = Report::new("directory");
    let founder = Voter::start("one", None).await;
    let channel: ChannelName = "bench".parse().unwrap();
    founder.store.create_channel(channel.clone(), String::new(), clock::now()).await.unwrap();
    let alone = measure(&founder.store, &channel, length).await;
    report.row("1 voter: writes a second", alone.rate, None);
    report.row("1 voter: p99, ms", alone.p99_ms, None);
    let mut voters = vec![founder];
    for name in ["two", "three"] {
        let voter = voters[0].another(name).await;
        voters.push(voter);
    }
    in_step(&voters).await;
    let follower = measure(&voters[1].store, &channel, length).await;
    report.row("3 voters, by way of a follower: writes a second", follower.rate, None);
    report.row("3 voters, by way of a follower: p99, ms", follower.p99_ms, None);
    in_step(&voters).await;
    let three = measure(&voters[0].store, &channel, length).await;
    report.row("3 voters: writes a second", three.rate, None);
    report.row("3 voters: p50, ms", three.p50_ms, None);
    report.row("3 voters: p99, ms", three.p99_ms, None);
    report.at_least("3 voters: writes a second", three.rate, 5_000.0);
    report.at_most("3 voters: p99, ms", three.p99_ms, 20.0);
    for voter in &voters {
        voter.stop().await;
    }
    report
}

struct Figures {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// [`IN_FLIGHT`] writers, each with one change at a time.
async fn measure(store: &Store, channel: &ChannelName, length: Duration) -> Figures {
    let took = Mutex::new(Vec::new());
    let made = AtomicUsize::new(0);
    let begin = Instant::now();
    let writer = async |_| {
        while begin.elapsed() < length {
            let asked = Instant::now();
            store.reserve_msn(channel, 1).await.unwrap();
            took.lock().push(asked.elapsed().as_secs_f64() * 1e3);
            made.fetch_add(1, Ordering::Relaxed);
        }
    };
    futures_util::future::join_all((0..IN_FLIGHT).map(writer)).await;
    let rate = made.into_inner() as f64 / begin.elapsed().as_secs_f64();
    let mut took = took.into_inner();
    let (p50_ms, p99_ms) = (percentile(&mut took, 50.0), percentile(&mut took, 99.0));
    Figures { rate, p50_ms, p99_ms }
}
