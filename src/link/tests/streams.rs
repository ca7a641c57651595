//! Bulk: whole or reset, urgent first, bounded.

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::link::fault::Rule;
use crate::link::stream::{BACKGROUND_BYTES_MAX, OPEN_PER_PEER_MAX};

type Taken = (Value, Result<usize, StreamError>);

/// Reads every stream to its end and tells header and length.
fn take(node: &Node) -> mpsc::UnboundedReceiver<Taken> {
    let (sender, receiver) = mpsc::unbounded_channel();
    node.link.on_stream("bulk", move |_, header, mut reader| {
        let sender = sender.clone();
        Box::pin(async move {
            let mut length = 0;
            let end = loop {
                match reader.next().await {
                    Ok(Some(bytes)) => length += bytes.len(),
                    Ok(None) => break Ok(length),
                    Err(error) => break Err(error),
                }
            };
            let _ = sender.send((header, end));
        })
    });
    receiver
}

async fn next(from: &mut mpsc::UnboundedReceiver<Taken>) -> Taken {
    tokio::time::timeout(PATIENCE, from.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_stream_arrives_whole_with_its_header() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let mut taken = take(&two);
    let mut writer = one.link.open(id(2), "bulk", &json!({"segment": 7}), 0).await.unwrap();
    for _ in 0..50 {
        writer.write(Bytes::from(vec![1; 100_000])).await.unwrap();
    }
    writer.delivered().await.unwrap();
    assert_eq!(next(&mut taken).await, (json!({"segment": 7}), Ok(5_000_000)));
    assert_eq!(one.link.peers()[0].streams_open, 0);
    assert!(one.link.counts().peers.stream_bytes > 5_000_000);
}

#[tokio::test]
async fn a_writer_that_is_dropped_never_looks_like_the_end() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let mut taken = take(&two);
    let mut writer = one.link.open(id(2), "bulk", &json!(1), 0).await.unwrap();
    writer.write(Bytes::from_static(b"half")).await.unwrap();
    two.until(|node| node.link.counts().reading == 1).await;
    drop(writer);
    assert_eq!(next(&mut taken).await.1, Err(StreamError::Reset(5)));
    let writer = one.link.open(id(2), "bulk", &json!(2), 0).await.unwrap();
    two.until(|node| node.link.counts().reading == 1).await;
    writer.reset(77);
    assert_eq!(next(&mut taken).await, (json!(2), Err(StreamError::Reset(77))));
    assert_eq!(one.link.counts().peers.streams_abandoned, 1);
}

#[tokio::test]
async fn a_reader_that_stops_and_a_kind_that_nobody_takes_end_the_writer() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.link.on_stream("stop", |_, _, reader| Box::pin(async move { reader.stop(9) }));
    let ended = |kind| {
        let one = &one;
        async move {
            let mut writer = one.link.open(id(2), kind, &json!(null), 0).await.unwrap();
            let writing = async {
                loop {
                    if let Err(error) = writer.write(Bytes::from_static(&[0; 1000])).await {
                        break error;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, writing).await.unwrap()
        }
    };
    assert_eq!(ended("stop").await, StreamError::Stopped(9));
    assert_eq!(ended("unknown").await, StreamError::Stopped(6));
    assert_eq!(two.link.counts().peers.streams_not_taken, 1);
}

#[tokio::test]
async fn what_a_reader_stopped_is_sent_no_further() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let mut taken = take(&two);
    two.link.on_stream("stop", |_, _, reader| Box::pin(async move { reader.stop(9) }));
    one.faults.everywhere(Rule { bytes_per_second: Some(1_000_000), ..Rule::default() });
    let mut unwanted = one.link.open(id(2), "stop", &json!(null), 0).await.unwrap();
    unwanted.write(Bytes::from(vec![0; 2_000_000])).await.unwrap();
    assert_eq!(unwanted.delivered().await, Err(StreamError::Stopped(9)));
    // Less urgent: it would come behind everything that is still to be sent.
    let last = one.link.open(id(2), "bulk", &json!(null), -1).await.unwrap();
    last.delivered().await.unwrap();
    assert_eq!(next(&mut taken).await.1, Ok(0));
    let sent = one.link.peers()[0].bytes_out;
    assert!(sent < 1_000_000, "{sent} bytes of a stream that was stopped");
}

#[tokio::test]
async fn what_is_not_urgent_waits_until_the_peer_has_what_came_before_it() {
    let cluster = Cluster::new();
    let (one, _two) = cluster.pair().await;
    let room = |bytes| stream::background(&one.link.mesh, id(2), bytes);
    let first = room(BACKGROUND_BYTES_MAX / 2).await.unwrap();
    let second = room(BACKGROUND_BYTES_MAX / 2).await.unwrap();
    assert!(room(1).now_or_never().is_none());
    drop(first);
    assert!(room(BACKGROUND_BYTES_MAX / 2).now_or_never().is_some());
    drop(second);
    assert!(room(10 * BACKGROUND_BYTES_MAX).now_or_never().is_some(), "alone, but it goes");
}

#[tokio::test]
async fn a_full_connection_holds_the_writer_back() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    // Opened and never read.
    two.link.on_stream("bulk", |_, _, reader| {
        Box::pin(async move {
            let _reader = reader;
            std::future::pending().await
        })
    });
    let mut writer = one.link.open(id(2), "bulk", &json!(null), 0).await.unwrap();
    let chunk = Bytes::from(vec![0; 64 * 1024]);
    let filling = async {
        loop {
            writer.write(chunk.clone()).await.unwrap();
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(1), filling).await.is_err());
    let written = one.link.counts().peers.stream_bytes;
    assert!(written < 32 * 1024 * 1024, "{written} bytes went somewhere");
    assert!(writer.write(chunk).now_or_never().is_none());
}

#[tokio::test]
async fn what_is_urgent_overtakes_bulk_on_a_slow_link() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let mut taken = take(&two);
    one.faults.everywhere(Rule { bytes_per_second: Some(1_000_000), ..Rule::default() });
    let mut bulk = one.link.open(id(2), "bulk", &json!("archive"), 0).await.unwrap();
    bulk.write(Bytes::from(vec![0; 1_500_000])).await.unwrap();
    bulk.finish();
    let mut live = one.link.open(id(2), "bulk", &json!("live"), 5).await.unwrap();
    live.write(Bytes::from(vec![0; 50_000])).await.unwrap();
    live.finish();
    assert_eq!(next(&mut taken).await, (json!("live"), Ok(50_000)));
    assert_eq!(next(&mut taken).await, (json!("archive"), Ok(1_500_000)));
}

#[tokio::test]
async fn more_streams_than_the_limit_are_refused_and_counted() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let _taken = take(&two);
    let mut writers = Vec::new();
    for _ in 0..OPEN_PER_PEER_MAX {
        writers.push(one.link.open(id(2), "bulk", &json!(null), 0).await.unwrap());
    }
    let more = one.link.open(id(2), "bulk", &json!(null), 0).await;
    assert_eq!(more.err(), Some(StreamError::Busy(id(2))));
    assert_eq!(one.link.counts().peers.streams_refused, 1);
}
