//! For whom a stream is made, as edges learn it whose directory does not say.

use weir_media::replica::Shade;
use weir_model::SessionId;

use super::support::*;
use crate::link::tests::Cluster;

/// Segments are 2 s long, and the first one is number 7.
const PRIVATE: Shade = Shade { from: 9, session: Some(SessionId(1)) };
const PUBLIC: Shade = Shade { from: 12, session: None };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_of_a_session_never_comes_before_the_news_of_it_not_even_over_an_edge_between() {
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
    studio.produce(3_000);
    let _near = near.puller.want(&channel()).unwrap();
    let _far = far.puller.want(&channel()).unwrap();
    far.same_as(&studio.window).await;
    assert!(far.window().unwrap().shade().is_none());

    origin.hears(PRIVATE);
    studio.produce(3_000);
    far.until("the session's first segment", |far| {
        let window = far.window().unwrap();
        let is_there = window.newest_msn() >= Some(PRIVATE.from);
        assert!(!is_there || window.shade() == PRIVATE, "{:?}", window.shade());
        is_there
    })
    .await;
    assert_eq!(near.window().unwrap().shade(), PRIVATE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_a_session_comes_also_for_a_segment_that_was_under_way() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = pair(&cluster, 500).await;
    studio.produce(5_000);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.same_as(&studio.window).await;
    assert_eq!(edge.window().unwrap().newest_msn(), Some(PRIVATE.from));
    origin.hears(PRIVATE);
    edge.until("the news", |edge| edge.window().unwrap().shade() == PRIVATE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_comes_after_the_session_learns_what_of_the_window_was_private() {
    let cluster = Cluster::new();
    let (origin, edge, mut studio) = pair(&cluster, 500).await;
    origin.hears(PUBLIC);
    studio.produce(15_000);
    let _wanted = edge.puller.want(&channel()).unwrap();
    edge.until("the first of it", |edge| {
        let Some(window) = edge.window() else { return false };
        let is_there = window.newest_msn().is_some();
        assert!(!is_there || window.shade() == PUBLIC, "{:?}", window.shade());
        is_there
    })
    .await;
}
