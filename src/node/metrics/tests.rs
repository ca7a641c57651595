//! `/metrics` over a real socket: what it says, and that nobody can take it from the others.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use weir_model::Timestamp;

use super::*;
use crate::actors::placement::Alone;
use crate::actors::stages::Stages;
use crate::actors::streams;
use crate::actors::viewings::Limits;
use crate::node::config::Config;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    address: std::net::SocketAddr,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

async fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let (events, tasks) = (Events::new(), Tasks::new());
    let store = Store::open(dir.path(), Timestamp(0)).unwrap();
    let viewings = Viewings::new(events.clone(), Limits { total: 1, per_address: 1 });
    let config = Config::default().stream.streams();
    let context = streams::Context {
        stages: Stages::new(config.window),
        owner: Arc::new(Alone),
        config,
        events: events.clone(),
        store: store.clone(),
        tasks: tasks.clone(),
        viewings: viewings.clone(),
    };
    let streams = Streams::start(context).await.unwrap();
    let sources = Sources { streams, viewings, events, store, tasks: tasks.clone() };
    let metrics = Metrics::new(Registry::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn("metrics listener", |handle| serve(listener, metrics, sources, handle));
    Bench { address, tasks, _dir: dir }
}

impl Bench {
    /// Asks as a scraper does and reads to the end; empty when it was closed at once.
    async fn ask(&self) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let mut said = Vec::new();
        // A connection that was closed at once may be reset.
        let _ = socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut said)).await.unwrap();
        String::from_utf8(said).unwrap()
    }

    /// Asks until the answer has `line`.
    async fn until_said(&self, line: &str) -> String {
        let asking = async {
            loop {
                let text = self.ask().await;
                if text.contains(line) {
                    return text;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }
}

#[tokio::test]
async fn a_scrape_is_answered_and_its_connection_closed() {
    let bench = bench().await;
    let text = bench.ask().await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    for line in ["weir_store_failing 0", "weir_viewings_refused_address_total 0"] {
        assert!(text.contains(line), "{line} is missing");
    }
    bench.tasks.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn further_connections_and_slow_ones_are_closed_and_counted() {
    let bench = bench().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        silent.push(TcpStream::connect(bench.address).await.unwrap());
    }
    assert_eq!(bench.ask().await, "", "there is no place left");
    let slow = format!("weir_metrics_connections_slow_total {CONNECTIONS_MAX}\n");
    let text = bench.until_said(&slow).await;
    assert!(!text.contains("weir_metrics_connections_refused_total 0\n"));
    for mut socket in silent {
        let _ = tokio::time::timeout(PATIENCE, socket.read(&mut [0])).await.unwrap();
    }
}
