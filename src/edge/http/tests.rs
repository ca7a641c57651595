//! Connections: how many, how slow, how they end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::edge::Config;
use crate::edge::testing::Edge;

/// With this configuration the first connection is served, and a second one closed at once and counted.
async fn check_one_only(config: Config) {
    let edge = Edge::start(config).await;
    let _first = TcpStream::connect(edge.address).await.unwrap();
    while edge.context.metrics.connections.get() < 1 {
        tokio::task::yield_now().await;
    }
    let mut second = TcpStream::connect(edge.address).await.unwrap();
    let ended = second.read(&mut [0; 1]).await;
    assert!(matches!(ended, Ok(0) | Err(_)));
    assert_eq!(edge.context.metrics.connections_refused.get(), 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_counted() {
    check_one_only(Config { connections_max: 1, ..Config::default() }).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let edge = Edge::start(Config { idle_secs: 1, ..Config::default() }).await;
    let mut silent = TcpStream::connect(edge.address).await.unwrap();
    let mut partial = TcpStream::connect(edge.address).await.unwrap();
    partial.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut rest = Vec::new();
    let both = async {
        let _ = silent.read_to_end(&mut rest).await;
        let _ = partial.read_to_end(&mut rest).await;
    };
    tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_that_only_begins_to_speak_http_2_is_closed() {
    let edge = Edge::start(Config { idle_secs: 1, ..Config::default() }).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let speeches = [&preface[..3], &preface[..23], &[&preface[..], &settings].concat()];
    for said in speeches {
        let mut socket = TcpStream::connect(edge.address).await.unwrap();
        socket.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let end = socket.read_to_end(&mut answer);
        let closed = tokio::time::timeout(Duration::from_secs(10), end).await;
        assert!(closed.is_ok(), "still open after {said:?}");
    }
}

#[tokio::test]
async fn a_connection_with_a_held_request_is_not_idle() {
    let edge = Edge::start(Config { idle_secs: 1, ..Config::default() }).await;
    for msn in 0..3 {
        edge.segment(msn, 10);
    }
    let asked = edge.get("/live/demo/v0/index.m3u8?_HLS_msn=3&_HLS_part=0");
    let publish = async {
        // Longer than the limit.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        edge.open(3);
        edge.part(30, 3);
    };
    let (reply, ()) = tokio::join!(asked, publish);
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    check_one_only(Config { connections_per_address_max: 1, ..Config::default() }).await;
}

#[tokio::test]
async fn garbage_is_refused_and_the_edge_lives_on() {
    let edge = Edge::playing().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        &[0; 4096],
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(edge.address).await.unwrap();
        let _ = socket.write_all(bytes).await;
        let _ = socket.shutdown().await;
        let _ = socket.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(edge.get("/live/demo/index.m3u8").await.status(), 200);
}

#[tokio::test]
async fn a_stopping_node_ends_its_connections() {
    let edge = Edge::playing().await;
    edge.get("/live/demo/index.m3u8").await;
    let mut events = edge.get("/live/demo/state").await;
    events.chunk().await.unwrap();
    let stopped = edge.context.tasks.shutdown(Duration::from_secs(10));
    tokio::time::timeout(Duration::from_secs(5), stopped).await.unwrap();
    assert!(edge.context.tasks.list().is_empty());
    assert!(TcpStream::connect(edge.address).await.is_err());
}
