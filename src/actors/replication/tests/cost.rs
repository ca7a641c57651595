//! What copying costs: bytes, and what is asked for more than once.

use futures_util::FutureExt;

use super::support::*;
use crate::link::fault::Rule;
use crate::link::stream::BACKGROUND_BYTES_MAX;
use crate::link::tests::Cluster;

/// Pictures of a stream of 2.5 Mbit/s.
const PICTURE_BYTES: usize = 12_000;

/// Bytes in datagrams of both nodes.
fn on_the_wire(origin: &Edge, edge: &Edge) -> u64 {
    let sent = |one: &Edge| one.node.link.peers().iter().map(|peer| peer.bytes_out).sum::<u64>();
    sent(origin) + sent(edge)
}

fn media(edge: &Edge) -> u64 {
    edge.incoming().unwrap().tally.bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_playing_stream_costs_at_most_four_percent_more_than_its_media() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = pair(&cluster, PICTURE_BYTES).await;
    let _wanted = edge.puller.want(&channel()).unwrap();
    // The size of datagrams is found out with the first of them.
    for _ in 0..20 {
        studio.produce(200);
        edge.same_as(&studio.window).await;
    }
    let before = (on_the_wire(&origin, &edge), media(&edge));
    for _ in 0..100 {
        studio.produce(200);
        edge.same_as(&studio.window).await;
    }
    let wire = on_the_wire(&origin, &edge) - before.0;
    let media = media(&edge) - before.1;
    assert!(media > 5_000_000, "{media}");
    assert!(wire * 100 <= media * 104, "{wire} bytes for {media} of media: {:?}", edge.incoming());
    assert_eq!(edge.incoming().unwrap().tally.unwanted, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_changes_all_the_time_is_subscribed_to_once() {
    let cluster = Cluster::new();
    let (_origin, edge, mut studio) = pair(&cluster, 500).await;
    studio.produce(5_000);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    // Longer than a source may be silent, and never still for as long as a beat.
    live(&mut studio, 4_500).await;
    edge.same_as(&studio.window).await;
    let incoming = edge.incoming().unwrap();
    assert_eq!((incoming.subscriptions, incoming.tally.refetches), (1, 0), "{incoming:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_comes_too_late_is_not_sent_to_its_end() {
    let cluster = Cluster::new();
    // 10 Mbit/s of which some 20 MB are listed, over a link of 40 Mbit/s.
    let (origin, edge, mut studio) = pair(&cluster, 50_000).await;
    studio.produce(20_500);
    let slow = Rule { bytes_per_second: Some(5_000_000), ..Rule::default() };
    origin.node.faults.everywhere(slow);
    let before = on_the_wire(&origin, &edge);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.until("begun", |edge| {
        edge.window().is_some_and(|window| window.newest_msn() == studio.window.newest_msn())
    })
    .await;
    live(&mut studio, 2_000).await;
    edge.until("goes on", |edge| edge.window().unwrap().newest_msn() == studio.window.newest_msn())
        .await;
    let (wire, media) = (on_the_wire(&origin, &edge) - before, media(&edge));
    let listed = studio.window.bytes() as u64;
    // What was under way when the window began, and a segment that was too large for its room.
    let most = media + 2 * BACKGROUND_BYTES_MAX as u64 + media / 10;
    assert!(wire < most && most < listed, "{wire} on the wire, {media} used of {listed}");
    assert_eq!(edge.incoming().unwrap().subscriptions, 1);
    let resets = origin.replicate.outgoing().first().map_or(0, |one| one.counts.resets);
    assert!(resets < 8, "{resets} segments were begun and stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_goes_before_what_is_less_urgent() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = pair(&cluster, 5_000).await;
    studio.produce(4_000);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    let slow = Rule { bytes_per_second: Some(1_000_000), ..Rule::default() };
    origin.node.faults.everywhere(slow);
    edge.node.link.on_stream("history", |_, _, mut reader| {
        Box::pin(async move { while let Ok(Some(_)) = reader.next().await {} })
    });
    let history = vec![0; 3_000_000].into();
    let header = serde_json::json!(null);
    let mut bulk = origin.node.link.open(edge.node.id(), "history", &header, 0).await.unwrap();
    bulk.write(history).await.unwrap();
    let before = on_the_wire(&origin, &edge);
    studio.produce(200);
    edge.same_as(&studio.window).await;
    let sent = on_the_wire(&origin, &edge) - before;
    assert!(sent < 2_000_000, "{sent} bytes went before a part");
    assert!(bulk.delivered().now_or_never().is_none());
}
