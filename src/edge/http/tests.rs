//! Connections: how many, how slow, how they end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::edge::Config;
use crate::edge::testing::Edge;

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_counted() {
    let edge = Edge::start(Config { connections_max: 1, ..Config::default() }).await;
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
