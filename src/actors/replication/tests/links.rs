//! Links that are well.

use weir_media::TrackId;
use weir_media::replica::Tip;

use super::support::*;
use crate::link::fault::Rule;
use crate::link::replicate::SECTIONS_MAX;
use crate::link::tests::{Cluster, id, meet};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_says_what_the_origin_says_byte_for_byte_while_it_grows() {
    let cluster = Cluster::new();
    let (_origin, edge, mut studio) = pair(&cluster, 500).await;
    let _wanted = edge.puller.want(&channel()).unwrap();
    assert_eq!(edge.incoming().unwrap().lag_ms, None, "nothing came yet");
    for _ in 0..150 {
        studio.produce(200);
        edge.same_as(&studio.window).await;
    }
    let incoming = edge.incoming().unwrap();
    assert_eq!((incoming.tally.gaps, incoming.subscriptions), (0, 1), "{incoming:?}");
    assert_eq!((incoming.source, incoming.epoch), (Some(id(1)), Some(5)));
    assert_eq!(incoming.lag_ms, Some(0), "the clock here is behind that of the media");
    studio.gap(9_000);
    edge.same_as(&studio.window).await;
    studio.produce(3_000);
    edge.same_as(&studio.window).await;
    studio.end();
    edge.same_as(&studio.window).await;
    let mut next = studio.next_show();
    next.produce(5_000);
    edge.same_as(&next.window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_changes_oftener_than_sections_are_remembered_and_back_costs_no_segment() {
    let cluster = Cluster::new();
    let (_origin, edge, mut studio) = pair(&cluster, 500).await;
    let _wanted = edge.puller.want(&channel()).unwrap();
    let widths = (0..=SECTIONS_MAX as u32).map(|number| 640 + 16 * number);
    for width in widths.clone().chain(widths) {
        studio.widen(width);
        studio.produce(2_000);
        edge.same_as(&studio.window).await;
    }
    let tally = edge.incoming().unwrap().tally;
    assert_eq!(tally.gaps, 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_comes_late_has_the_whole_playlist() {
    let cluster = Cluster::new();
    let (_origin, edge, mut studio) = pair(&cluster, 1_000).await;
    studio.produce(31_500);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    let text = playlist(&edge.window().unwrap(), TrackId::VIDEO).unwrap();
    assert_eq!(sequence_and_gaps(&text).1, 0, "{text}");
    studio.produce(700);
    edge.same_as(&studio.window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_of_an_edge_says_the_same_and_nobody_pulls_in_a_circle() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let three = cluster.node(3);
    three.link.set_peers(vec![two.address()]);
    two.link.set_peers(vec![one.address(), three.address()]);
    let (origin, window) = Edge::origin(one, 5);
    let (near, far) = (Edge::new(two), Edge::new(three));
    near.pull_from(&origin.node, 5);
    far.pull_from(&near.node, 5);
    let mut studio = Studio::new(window, 7, 500);
    studio.produce(21_000);
    let _near = near.puller.want(&channel()).unwrap();
    let _far = far.puller.want(&channel()).unwrap();
    for _ in 0..20 {
        studio.produce(330);
        far.same_as(&studio.window).await;
    }
    assert_eq!(far.puller.path(&channel()), Some((5, vec![id(1), id(2)])));
    assert_eq!(origin.replicate.outgoing().len(), 1);
    // Sent round by mistake: refused, and what is there stays.
    near.pull_from(&far.node, 5);
    near.until("refused", |near| near.incoming().is_some_and(|it| it.failures > 0)).await;
    near.pull_from(&origin.node, 5);
    studio.produce(330);
    far.same_as(&studio.window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_of_an_edge_that_begins_waits_until_it_has_begun() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let three = cluster.node(3);
    three.link.set_peers(vec![two.address()]);
    meet(&two, &three).await;
    two.link.set_peers(vec![one.address(), three.address()]);
    let (origin, window) = Edge::origin(one, 5);
    let (near, far) = (Edge::new(two), Edge::new(three));
    near.pull_from(&origin.node, 5);
    far.pull_from(&near.node, 5);
    let mut studio = Studio::new(window, 7, 5_000);
    studio.produce(20_500);
    // Its history takes longer than a start may.
    let slow = Rule { bytes_per_second: Some(2_000_000), ..Rule::default() };
    origin.node.faults.everywhere(slow);
    let _near = near.puller.want(&channel()).unwrap();
    let _far = far.puller.want(&channel()).unwrap();
    near.until("begun", |near| near.puller.path(&channel()).is_some()).await;
    // A machine that is busy may begin with sound.
    let seen =
        |near: &Edge| near.window().is_some_and(|it| playlist(&it, TrackId::VIDEO).is_some());
    near.until("has pictures", seen).await;
    far.same_as(&near.window().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_viewers_cost_one_subscription_and_the_last_one_ends_it_after_a_while() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = pair(&cluster, 500).await;
    studio.produce(5_000);
    let mut wanted: Vec<_> = (0..100).filter_map(|_| edge.puller.want(&channel())).collect();
    edge.same_as(&studio.window).await;
    assert_eq!(origin.replicate.counts(), (1, 0));
    assert_eq!(edge.incoming().unwrap().wanted, 100);
    wanted.truncate(1);
    edge.until("one left", |edge| edge.incoming().is_some_and(|it| it.wanted == 1)).await;
    drop(wanted);
    edge.until("let go", |edge| edge.incoming().is_none()).await;
    origin.until("unsubscribed", |origin| origin.replicate.outgoing().is_empty()).await;
    let _again = edge.puller.want(&channel()).unwrap();
    studio.produce(2_000);
    edge.same_as(&studio.window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_owner_with_a_higher_epoch_continues_the_numbers() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let three = cluster.node(3);
    meet(&three, &two).await;
    two.link.set_peers(vec![one.address(), three.address()]);
    let (first, window) = Edge::origin(one, 5);
    let (second, taken_over) = Edge::origin(three, 6);
    let edge = Edge::new(two);
    edge.pull_from(&first.node, 5);
    let mut studio = Studio::new(window, 7, 500);
    studio.produce(9_000);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    let tip = studio.window.tip().unwrap();
    taken_over.join(&Tip { next_msn: 14, ..tip }, 1_400);
    let mut next = Studio::new(taken_over, 14, 500);
    next.produce(3_000);
    edge.pull_from(&second.node, 6);
    let video = |edge: &Edge| playlist(&edge.window().unwrap(), TrackId::VIDEO).unwrap();
    edge.until("taken over", |edge| video(edge).contains("s14.m4s")).await;
    let text = video(&edge);
    assert!(text.contains("s9.m4s"), "{text}");
    assert!(text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
    // The old owner, whom nobody told, is not believed any more.
    edge.pull_from(&first.node, 5);
    let stale = |edge: &Edge| edge.incoming().is_some_and(|it| it.tally.stale_epochs > 0);
    edge.until("a lower epoch is refused", stale).await;
    edge.pull_from(&second.node, 6);
    for _ in 0..25 {
        next.produce(1_000);
        edge.until("goes on", |edge| {
            edge.window().unwrap().newest_msn() == next.window.newest_msn()
        })
        .await;
    }
    // What was measured over a longer time may announce other rates; the rest is the same.
    edge.until("says the same", |edge| {
        TRACKS.iter().all(|track| {
            playlist(&edge.window().unwrap(), *track) == playlist(&next.window, *track)
        })
    })
    .await;
}
