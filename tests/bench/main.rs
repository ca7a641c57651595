//! Load on the real node, beside a rival under the same load in the same run. `./scripts/bench` builds and starts it.
//!
//! The generators live in this process and its own processor time is printed with every figure: a generator that is busy
//! measures itself. Both servers are loaded in turns, because two figures of one machine an hour apart compare nothing.

// Nothing here is shipped; a load generator that fails shall fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

// Its own tests run with the tests, not here.
#[allow(unused_imports)]
#[path = "../harness/mod.rs"]
mod harness;

mod directory;
mod failover;
mod hls_serve;
mod http;
mod ledger;
mod nginx;
mod part_latency;
mod postgres;
mod recovery;
mod replicate;
mod report;
mod rtmp_ingest;
mod sessions;
mod usage;
mod voters;

use report::Report;

/// The node's own: one bench runs nodes in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much and how long.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// A smoke test: seconds instead of minutes; its bars mean little.
    quick: bool,
    /// Length of each measurement, when asked for.
    seconds: Option<u64>,
}

const BENCHES: [(&str, &str); 9] = [
    (
        "rtmp-ingest",
        "50 publishers, RTMP to LL-HLS, beside nginx-rtmp doing RTMP to HLS: processor time and memory",
    ),
    (
        "hls-serve",
        "segments and playlists to keep-alive clients, beside nginx serving the same bytes as files",
    ),
    (
        "part-latency",
        "from an access unit's last byte arriving to its part being fetchable, at 10 streams",
    ),
    (
        "directory",
        "small changes of the directory with one and with three voters, 200 in flight: rate and time",
    ),
    (
        "ledger",
        "durable transfers with 1, 64 and 1,024 in flight, beside PostgreSQL on the same disk; three voters",
    ),
    ("recovery", "a start with a ledger of five million records: seconds, memory, disk"),
    ("sessions", "10,000 private sessions at once, metered by the second: processor time"),
    (
        "replicate",
        "copying 20 streams to 3 nodes and a fourth that comes: bytes on the wire, time, processor time",
    ),
    (
        "failover",
        "deaths of ingest, edge and leader, and a drain under 100 viewers: how long nothing new comes",
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    let has = |flag: &str| arguments.iter().any(|one| one == flag);
    let after = |flag: &str| {
        let at = arguments.iter().position(|one| one == flag)?;
        Some(arguments.get(at + 1)?.parse().expect("a number of seconds"))
    };
    let effort = Effort { quick: has("--quick"), seconds: after("--seconds") };
    let Some(name) = arguments.first().filter(|name| *name != "list") else {
        for (name, what) in BENCHES {
            println!("{name:14} {what}");
        }
        return;
    };
    // One thread for the generators: the servers keep the other processor to themselves.
    let runtime = match name.as_str() {
        // The node runs in this process, with the threads that it has in its own.
        "ledger" | "sessions" => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
        }
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
    };
    let report: Report = runtime.block_on(async {
        match name.as_str() {
            "rtmp-ingest" => rtmp_ingest::run(effort).await,
            "hls-serve" => hls_serve::run(effort).await,
            "part-latency" => part_latency::run(effort).await,
            "directory" => directory::run(effort).await,
            // Where sessions run too: among the tasks, and not on a thread that each answer has to wake.
            "ledger" => tokio::spawn(ledger::run(effort)).await.unwrap(),
            "recovery" => recovery::run(effort),
            "sessions" => sessions::run(effort).await,
            "replicate" => replicate::run(effort).await,
            "failover" => failover::run(effort).await,
            other => panic!("no bench is called {other}; `./scripts/bench list` names them"),
        }
    });
    report.print(has("--json"));
}
