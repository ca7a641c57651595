//! Connections over pipes and over real sockets, with a stream that refuses everybody.

use std::future::Future;
use std::sync::Arc;

use prometheus::Registry;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use weir_model::{KeyRefusal, Timestamp};

use super::super::testing::{Amf, chunked, command, connect, full, handshake, opening};
use super::super::wire::WireError;
use super::super::{Config, listener};
use super::*;
use crate::actors::events::Events;
use crate::actors::placement::Alone;
use crate::actors::stages::Stages;
use crate::actors::streams::{self, Streams};
use crate::actors::tasks::Tasks;
use crate::actors::viewings::{Limits, Viewings};
use crate::ingest::metrics::Metrics;
use crate::store::Store;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Refuses everybody; panics over the key `panic`.
#[derive(Clone)]
struct Closed(PublishRefusal);

impl Door for Closed {
    fn publish(
        &self,
        request: PublishRequest,
    ) -> impl Future<Output = Result<Publication, PublishRefusal>> + Send {
        assert_ne!(request.secret, "panic", "on purpose");
        std::future::ready(Err(self.0))
    }
}

fn context(config: Config) -> Context<Closed> {
    Context {
        streams: Closed(PublishRefusal::Key(KeyRefusal::Unknown)),
        events: Events::new(),
        tasks: Tasks::new(),
        metrics: Metrics::new(&Registry::new()).unwrap(),
        config,
    }
}

fn peer() -> Peer {
    Peer { remote: ([192, 0, 2, 1], 4000).into(), protocol: "rtmp" }
}

/// Serves one end of a pipe; the other end and what becomes of the connection.
fn serve(ctx: &Context<Closed>) -> (DuplexStream, impl Future<Output = Outcome>) {
    let (client, server) = tokio::io::duplex(64 << 10);
    (client, run(server, peer(), ctx))
}

/// Runs `outcome` while `client` sends `bytes` and reads until the end; what it read.
async fn talk(
    mut client: DuplexStream,
    outcome: impl Future<Output = Outcome>,
    bytes: &[u8],
) -> (Outcome, Vec<u8>) {
    let mut heard = Vec::new();
    let say = async {
        client.write_all(bytes).await.unwrap();
        client.read_to_end(&mut heard).await.unwrap();
        drop(client);
    };
    let (outcome, ()) = timeout(PATIENCE, async { tokio::join!(outcome, say) }).await.unwrap();
    (outcome, heard)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn another_protocol_is_closed_at_its_first_byte() {
    let ctx = context(Config::default());
    let (client, outcome) = serve(&ctx);
    let (outcome, heard) = talk(client, outcome, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(matches!(outcome.ended, Ended::Protocol(WireError::Handshake(_))));
    assert!(heard.is_empty());
}

#[tokio::test]
async fn a_refused_publisher_is_told_why_and_closed_at_once() {
    let ctx = context(Config::default());
    let began_us = clock::monotonic_us();
    let (client, outcome) = serve(&ctx);
    let bytes = [handshake(), opening("topsecret?a=b")].concat();
    let (outcome, heard) = talk(client, outcome, &bytes).await;
    assert_eq!(outcome.ended, PublishRefusal::Key(KeyRefusal::Unknown).into());
    assert!(contains(&heard, "NetStream.Publish.BadName"));
    assert!(contains(&heard, "the stream key is unknown"));
    assert!(!contains(&heard, "topsecret"));
    assert!(clock::monotonic_us() - began_us < 1_000_000);
}

#[tokio::test]
async fn a_publisher_without_a_key_and_a_player_are_told_what_to_do() {
    let ctx = context(Config::default());
    let (client, outcome) = serve(&ctx);
    let (outcome, heard) = talk(client, outcome, &[handshake(), opening("?a=b")].concat()).await;
    assert_eq!(outcome.ended, Ended::NoKey);
    assert!(contains(&heard, "stream key field"));
    let (client, outcome) = serve(&ctx);
    let play = command(1, &[Amf::Text("play"), Amf::Number(0.0), Amf::Null, Amf::Text("x")]);
    let bytes = [handshake(), chunked(&connect(), 3, 128), chunked(&play, 3, 128)].concat();
    let (outcome, heard) = talk(client, outcome, &bytes).await;
    assert_eq!(outcome.ended, Ended::Playback);
    assert!(contains(&heard, "NetStream.Play.Failed"));
}

#[tokio::test]
async fn who_is_slow_before_publishing_is_closed() {
    let ctx = context(Config { handshake_ms: 30, publish_ms: 30, ..Config::default() });
    for bytes in [vec![], vec![3; 100], handshake(), [handshake(), vec![3; 5]].concat()] {
        let (client, outcome) = serve(&ctx);
        let (outcome, _) = talk(client, outcome, &bytes).await;
        assert!(matches!(outcome.ended, Ended::TooSlow(_)), "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn who_never_reads_is_not_waited_for() {
    let ctx = context(Config { write_ms: 30, ..Config::default() });
    let (mut client, server) = tokio::io::duplex(4000);
    let flood = command(0, &[Amf::Text("whatever"), Amf::Number(9.0), Amf::Null]);
    let send = async {
        client.write_all(&[handshake(), chunked(&connect(), 3, 128)].concat()).await.unwrap();
        while client.write_all(&chunked(&flood, 3, 128)).await.is_ok() {}
    };
    let both = async { tokio::join!(run(server, peer(), &ctx), send) };
    let (outcome, ()) = timeout(PATIENCE, both).await.unwrap();
    assert_eq!(outcome.ended, Ended::Stuck);
}

#[tokio::test]
async fn a_publisher_that_sends_no_media_is_dropped_though_it_talks() {
    let dir = tempfile::tempdir().unwrap();
    let (streams, secret) = with_demo(dir.path()).await;
    let closed = context(Config { silence_ms: 1500, ..Config::default() });
    let Context { events, tasks, metrics, config, .. } = closed;
    let ctx = Context { streams, events, tasks, metrics, config };
    let (mut client, server) = tokio::io::duplex(64 << 10);
    let talk = async {
        client.write_all(&[handshake(), opening(&secret)].concat()).await.unwrap();
        let (mut read, mut write) = tokio::io::split(client);
        let mut heard = Vec::new();
        let chatter = async {
            let pong = full(2, 0, 4, 0, &[0, 7, 0, 0, 0, 0]);
            while write.write_all(&pong).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            _ = read.read_to_end(&mut heard) => {}
            () = chatter => {}
        }
        heard
    };
    let both = async { tokio::join!(run(server, peer(), &ctx), talk) };
    let (outcome, heard) = timeout(PATIENCE, both).await.unwrap();
    assert_eq!(outcome.ended, Ended::Silent);
    assert_eq!(outcome.channel, Some("demo".parse().unwrap()));
    assert!(contains(&heard, "NetStream.Publish.Start"));
}

/// Streams with a channel `demo`, and the secret of its key.
async fn with_demo(dir: &std::path::Path) -> (Streams, String) {
    let store = Store::open(dir, Timestamp(0)).unwrap();
    let demo = "demo".parse().unwrap();
    store.create_channel("demo".parse().unwrap(), String::new(), Timestamp(0)).await.unwrap();
    let (_, secret) = store.create_key(&demo, String::new(), None, Timestamp(0)).await.unwrap();
    let (events, tasks) = (Events::new(), Tasks::new());
    let viewings = Viewings::new(events.clone(), Limits { total: 1, per_address: 1 });
    let config = streams::testing::CONFIG;
    let context = streams::Context {
        stages: Stages::new(config.window),
        owner: Arc::new(Alone),
        config,
        events,
        store,
        tasks,
        viewings,
    };
    (Streams::start(context).await.unwrap(), secret)
}

#[tokio::test]
async fn a_node_that_stops_ends_connections_that_do_not_publish_yet() {
    let ctx = context(Config::default());
    let (client, outcome) = serve(&ctx);
    let stop = ctx.tasks.shutdown(PATIENCE);
    let bytes = handshake();
    let ((outcome, _), ()) = tokio::join!(talk(client, outcome, &bytes), stop);
    assert_eq!(outcome.ended, Ended::Stopped(StopReason::NodeStops));
}

/// A listener on a port of its own, and a way to connect to it.
async fn listening(ctx: &Context<Closed>) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    listener::spawn(socket, None, ctx.clone());
    address
}

/// Says `bytes` to `address` and reads to the end.
async fn call(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut client = TcpStream::connect(address).await.unwrap();
    let mut heard = Vec::new();
    client.write_all(bytes).await.unwrap();
    // A reset ends it as well as an end does.
    let _ = timeout(PATIENCE, client.read_to_end(&mut heard)).await.unwrap();
    heard
}

#[tokio::test]
async fn a_connection_that_panics_costs_only_itself() {
    let ctx = context(Config::default());
    let address = listening(&ctx).await;
    let heard = call(address, &[handshake(), opening("panic")].concat()).await;
    assert!(!contains(&heard, "NetStream.Publish"));
    let heard = call(address, &[handshake(), opening("other")].concat()).await;
    assert!(contains(&heard, "NetStream.Publish.BadName"));
    ctx.tasks.shutdown(PATIENCE).await;
    assert_eq!(ctx.metrics.ended.with_label_values(&["panic"]).get(), 1);
    assert_eq!(ctx.metrics.ended.with_label_values(&["key_unknown"]).get(), 1);
    assert_eq!(ctx.metrics.refused.with_label_values(&["key_unknown"]).get(), 1);
    assert_eq!(ctx.metrics.connections.get(), 0);
}

#[tokio::test]
async fn connections_above_the_limit_of_an_address_are_closed_and_counted() {
    let ctx = context(Config { connections_per_address_max: 1, ..Config::default() });
    let address = listening(&ctx).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(&[3]).await.unwrap();
    // The first answer shows that the connection was counted.
    let mut byte = [0];
    timeout(PATIENCE, first.read_exact(&mut byte)).await.unwrap().unwrap();
    assert!(call(address, &[]).await.is_empty());
    let refused = ctx.metrics.refused.with_label_values(&["connections_per_address_max"]);
    assert_eq!(refused.get(), 1);
    assert_eq!(ctx.tasks.list()[0].queue, 1);
    ctx.tasks.shutdown(PATIENCE).await;
}
