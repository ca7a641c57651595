//! Links that are not well.

use std::time::Duration;

use weir_media::TrackId;

use super::support::*;
use crate::link::fault::Rule;
use crate::link::tests::Cluster;

/// An origin and an edge that plays, with the media of `seconds` made.
async fn playing(cluster: &Cluster, seconds: i64, picture_bytes: usize) -> (Edge, Edge, Studio) {
    let (origin, edge, mut studio) = pair(cluster, picture_bytes).await;
    studio.produce(seconds * 1000);
    (origin, edge, studio)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_cut_for_two_seconds_leaves_no_gap() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = playing(&cluster, 20, 500).await;
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    origin.node.faults.partition(edge.node.socket());
    live(&mut studio, 2_000).await;
    origin.node.faults.heal();
    live(&mut studio, 1_000).await;
    edge.same_as(&studio.window).await;
    assert_eq!(edge.incoming().unwrap().tally.gaps, 0, "{:?}", edge.incoming());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_given_up_is_made_again_and_leaves_no_gap() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = playing(&cluster, 20, 500).await;
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    origin.node.faults.partition(edge.node.socket());
    live(&mut studio, 4_500).await;
    origin.node.faults.heal();
    live(&mut studio, 1_000).await;
    edge.same_as(&studio.window).await;
    let incoming = edge.incoming().unwrap();
    assert_eq!((incoming.tally.gaps, incoming.tally.started_over), (0, 0), "{incoming:?}");
    assert!(incoming.subscriptions > 1, "{incoming:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_and_delay_cost_no_segment() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = playing(&cluster, 20, 1_000).await;
    let bad = Rule { delay: Duration::from_millis(50), loss: 0.01, ..Rule::default() };
    origin.node.faults.everywhere(bad);
    edge.node.faults.everywhere(bad);
    let _wanted = edge.puller.want(&channel()).unwrap();
    live(&mut studio, 6_000).await;
    // What it could not get in time for its start has left the playlist of both after a while.
    for _ in 0..16 {
        studio.produce(1_000);
        edge.until("keeps up", |edge| {
            edge.window().is_some_and(|window| window.newest_msn() == studio.window.newest_msn())
        })
        .await;
    }
    edge.same_as(&studio.window).await;
    let incoming = edge.incoming().unwrap();
    assert_eq!((incoming.tally.gaps, incoming.tally.started_over), (0, 0), "{incoming:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_too_slow_drops_old_segments_and_goes_on_with_the_newest() {
    let cluster = Cluster::new();
    // 5 Mbit/s of media.
    let (origin, edge, mut studio) = playing(&cluster, 4, 25_000).await;
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    let slow = Rule { bytes_per_second: Some(450_000), ..Rule::default() };
    origin.node.faults.everywhere(slow);
    let mut sequence = 0;
    for _ in 0..16 {
        live(&mut studio, 1_000).await;
        let text = playlist(&edge.window().unwrap(), TrackId::VIDEO).unwrap();
        let (now, _) = sequence_and_gaps(&text);
        assert!(now >= sequence, "{now} < {sequence}");
        sequence = now;
    }
    let behind = studio.window.newest_msn().unwrap() - edge.window().unwrap().newest_msn().unwrap();
    let incoming = edge.incoming().unwrap();
    assert!(behind <= 3, "{behind} segments behind: {incoming:?}");
    assert!(incoming.tally.gaps > 0, "{incoming:?}");
    origin.node.faults.heal();
    live(&mut studio, 1_000).await;
    studio.produce(16_000);
    edge.until("recovers", |edge| {
        edge.window().unwrap().newest_msn() == studio.window.newest_msn()
    })
    .await;
}
