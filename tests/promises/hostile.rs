//! Bytes of enemies and of the confused: the node lives, a live stream next to them does not notice.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::conformance::{self, Violations};
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, rtmp, within};

/// Connections that say nothing or too little.
const SLOW: usize = 1000;

/// A stream that must not notice anything.
async fn with_canary(name: &str) -> (Node, Ffmpeg) {
    let node = Node::start().await;
    let key = node.channel(name).await;
    let ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    node.player(name).playable().await;
    (node, ffmpeg)
}

/// The canary still sings: parts come on time, the publisher never had to come back.
async fn is_undisturbed(node: &Node, name: &str) {
    assert_eq!(conformance::follow(&node.player(name), 10).await, Violations::new());
    let stream = node.api().stream(name).await.unwrap();
    assert_eq!((stream.reconnects, stream.skipped_frames), (0, 0));
}

#[tokio::test]
async fn a_thousand_idle_and_slow_connections_disturb_nobody() {
    let (node, _ffmpeg) = with_canary("demo").await;
    let mut held = Vec::new();
    for number in 0..SLOW {
        let address = if number % 2 == 0 { node.rtmp() } else { node.http_address() };
        // A connection that is turned away is as good as one that is held.
        let Ok(mut socket) = TcpStream::connect(address).await else { continue };
        let first: &[u8] = match number % 4 {
            0 => b"",
            1 => b"GET /live/de",
            2 => b"\x03\x00\x00",
            _ => b"GET / HTTP/1.1\r\nHost: x\r\nX-",
        };
        socket.write_all(first).await.ok();
        held.push(socket);
    }
    is_undisturbed(&node, "demo").await;
    let key = node.channel("second").await;
    rtmp::publish(node.rtmp(), &key).await.accepted();
    drop(held);
}

#[tokio::test]
async fn no_bytes_on_the_publishers_port_end_the_node_or_a_stream() {
    let (mut node, _ffmpeg) = with_canary("demo").await;
    let mut random = Random(0x5eed);
    for round in 0..200 {
        let bytes = match round % 4 {
            0 => random.bytes(2000),
            1 => nested_objects(4000 + round * 10),
            2 => interleaved(&mut random),
            _ => [vec![3; 1], random.bytes(1536), random.bytes(4000)].concat(),
        };
        attack(node.rtmp(), &bytes, round % 2 == 0).await;
    }
    assert_eq!(node.process().ended(), None, "the node died");
    is_undisturbed(&node, "demo").await;
}

#[tokio::test]
async fn no_bytes_on_the_viewers_port_end_the_node_or_a_stream() {
    let (mut node, _ffmpeg) = with_canary("demo").await;
    let mut random = Random(0xbeef);
    for round in 0..200_u32 {
        let query = String::from_utf8_lossy(&random.bytes(60)).replace(['\r', '\n', ' '], "%");
        let line = match round % 4 {
            0 => {
                format!("GET /live/demo/v0/index.m3u8?_HLS_msn={query} HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            1 => format!("GET /live/{query}/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"),
            2 => format!("GET /live/demo/v0/p{}.m4s HTTP/1.1\r\nHost: x\r\n\r\n", u64::MAX),
            _ => query,
        };
        send(node.http_address(), line.as_bytes()).await;
    }
    assert_eq!(node.process().ended(), None, "the node died");
    is_undisturbed(&node, "demo").await;
}

/// Sends bytes, after a handshake or without one, and reads until the node has had enough or a moment has passed.
async fn attack(address: SocketAddr, bytes: &[u8], handshake: bool) {
    let socket =
        if handshake { rtmp::handshaken(address).await } else { TcpStream::connect(address).await };
    let Ok(mut socket) = socket else { return };
    socket.write_all(bytes).await.ok();
    drain(&mut socket).await;
}

async fn send(address: SocketAddr, bytes: &[u8]) {
    let connect = TcpStream::connect(address);
    let mut socket = within("a connection", Duration::from_secs(5), connect).await.unwrap();
    socket.write_all(bytes).await.ok();
    drain(&mut socket).await;
}

async fn drain(socket: &mut TcpStream) {
    let mut rest = Vec::new();
    // A node that waits for more is within its rights; the attack is over.
    let patience = Duration::from_millis(50);
    tokio::time::timeout(patience, socket.read_to_end(&mut rest)).await.ok();
}

/// A `connect` whose object holds an object that holds an object…: overflows the stack of a careless parser.
fn nested_objects(depth: usize) -> Vec<u8> {
    let mut body = b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00".to_vec();
    body.extend(b"\x03\x00\x01a".repeat(depth));
    message(20, &body)
}

/// A long video message cut by a whole audio message: legal, and fatal to who keeps one buffer for both.
fn interleaved(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"\x06\x00\x00\x00\x00\x01\x00\x09\x01\x00\x00\x00".to_vec();
    bytes.extend(random.bytes(128));
    bytes.extend(b"\x04\x00\x00\x00\x00\x00\x10\x08\x01\x00\x00\x00");
    bytes.extend(random.bytes(16));
    bytes.push(0xc6);
    bytes.extend(random.bytes(128));
    bytes
}

/// A message in chunks of 128 bytes.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let mut bytes = vec![3, 0, 0, 0, length[1], length[2], length[3], kind, 0, 0, 0, 0];
    for (index, chunk) in body.chunks(128).enumerate() {
        if index > 0 {
            bytes.push(0xc3);
        }
        bytes.extend(chunk);
    }
    bytes
}

/// The same numbers every time (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.to_le_bytes()[3]
        };
        (0..count).map(|_| next()).collect()
    }
}
