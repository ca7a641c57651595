//! `/metrics` over a real socket: what it says, and that nobody can take it from the others.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use weir_model::cluster::NodeState;
use weir_model::{NodeId, Timestamp};

use super::*;
use crate::actors::membership::BeatCounts;
use crate::actors::placement::{Alone, Copying};
use crate::actors::sessions;
use crate::actors::stages::Stages;
use crate::actors::streams;
use crate::actors::viewings::Limits;
use crate::link::fetch::Tally;
use crate::link::peers::{LaneInfo, PeerCounts, PeerInfo, PeerState};
use crate::link::trust::Reason;
use crate::node::config::Config;
use crate::raft;

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
    let cluster = Arc::new(sample);
    let money = Arc::new(asked);
    let sources =
        Sources { streams, viewings, events, store, tasks: tasks.clone(), cluster, money };
    let metrics = Metrics::new(Registry::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn("metrics listener", |handle| serve(listener, metrics, sources, handle));
    Bench { address, tasks, _dir: dir }
}

/// Node 1 with node 2 beside it, and one that came and is no member.
fn sample() -> Sample {
    let members = [(1, "n1", NodeState::Up), (2, "n2", NodeState::Suspect)];
    let member = |(id, name, state): (u64, &str, _)| (NodeId(id), (name.to_owned(), state));
    Sample {
        peers: vec![peer(2), peer(9)],
        refused: vec![(Reason::Revoked, 3)],
        raft: raft::Status {
            node: NodeId(1),
            part: raft::Part::Leader,
            leader: Some(NodeId(1)),
            term: 7,
            last_log: Some(12),
            applied: Some(11),
            snapshot: None,
            purged: None,
            quorum_age_ms: Some(0),
            voters: vec![NodeId(1)],
            learners: Vec::new(),
            peers: Vec::new(),
            log: raft::log::LogFigures { groups: 1, records: 2, bytes: 4096, errors: 0 },
            waiting: 1,
            answered: 5,
            retried: 4,
            given_up: 2,
            failed: None,
        },
        members: members.into_iter().map(member).collect(),
        leases: 6,
        vacant: 0,
        granted: true,
        beats: BeatCounts { unanswered: 8, lapses: 1 },
        copying: Copying {
            pulled: 2,
            tally: Tally { dropped: 4, ..Tally::default() },
            ..Copying::default()
        },
        lags: [(NodeId(2), 6)].into(),
        disk: (1 << 30, false),
    }
}

fn asked() -> Asked {
    Asked {
        requests: [("answered", 40), ("busy", 2), ("unanswered", 1)],
        batches: 8,
        stand: Some((39, false)),
        sessions: sessions::Figures { paused: 3, beats_dropped: 5 },
    }
}

fn peer(node: u64) -> PeerInfo {
    let lane = LaneInfo {
        address: "127.0.0.1:1".parse().unwrap(),
        rtt_us: 250,
        congestion_window: 0,
        congestion_events: 0,
        mtu: 1200,
        bytes_in: 0,
        bytes_out: 0,
        packets_sent: 0,
        packets_lost: 0,
    };
    PeerInfo {
        node: NodeId(node),
        roles: Vec::new(),
        state: PeerState::Partial,
        incarnation: 1,
        protocol: 1,
        program: String::new(),
        control: Some(lane),
        media: None,
        control_since: Timestamp(0),
        media_since: Timestamp(0),
        requests_in_flight: 0,
        streams_open: 3,
        bytes_in: 100,
        bytes_out: 200,
        packets_sent: 20,
        packets_lost: 2,
        last_error: None,
        counts: PeerCounts::default(),
    }
}

#[tokio::test]
async fn links_agreement_and_members_are_told_by_name_and_no_stranger_makes_a_series() {
    let bench = bench().await;
    for _ in 0..2 {
        let text = bench.ask().await;
        for line in [
            "weir_link_peers{state=\"partial\"} 2",
            "weir_link_rtt_seconds{lane=\"control\",peer=\"n2\"} 0.00025",
            "weir_link_sent_bytes_total{peer=\"n2\"} 200",
            "weir_link_packets_lost_total{peer=\"n2\"} 2",
            "weir_link_streams{peer=\"n2\"} 3",
            "weir_link_lag_seconds{peer=\"n2\"} 0.006",
            "weir_link_refused_total{reason=\"revoked\"} 3",
            "weir_raft_term 7",
            "weir_raft_leads 1",
            "weir_raft_log_bytes 4096",
            "weir_raft_given_up_total 2",
            "weir_members{state=\"suspect\"} 1",
            "weir_leases 6",
            "weir_heartbeat_lapses_total 1",
            "weir_copies_pulled 2",
            "weir_copy_troubles_total{kind=\"dropped\"} 4",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is missing:\n{text}");
        }
        assert_eq!(text.matches("weir_link_sent_bytes_total{").count(), 1, "{text}");
    }
    bench.tasks.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn what_is_asked_of_the_ledger_and_who_pays_nothing_at_the_moment_is_told() {
    let bench = bench().await;
    for _ in 0..2 {
        let text = bench.ask().await;
        for line in [
            "weir_ledger_requests_total{outcome=\"answered\"} 40",
            "weir_ledger_requests_total{outcome=\"busy\"} 2",
            "weir_ledger_requests_total{outcome=\"unanswered\"} 1",
            "weir_ledger_batches_total 8",
            "weir_ledger_seq 39",
            "weir_ledger_even 0",
            "weir_sessions{state=\"live\"} 0",
            "weir_session_parties_paused 3",
            "weir_session_beats_dropped_total 5",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is missing:\n{text}");
        }
    }
    bench.tasks.shutdown(PATIENCE).await;
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
