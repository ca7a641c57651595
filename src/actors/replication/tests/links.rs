//! Links that are well.

use super::support::*;
use crate::link::tests::{Cluster, id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_says_what_the_origin_says_byte_for_byte_while_it_grows() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let (origin, window) = Edge::origin(one, 5);
    let edge = Edge::new(two);
    edge.pull_from(&origin.node, 5);
    let mut studio = Studio::new(window, 7, 500);
    let _wanted = edge.puller.want(&channel()).unwrap();
    for _ in 0..150 {
        studio.produce(200);
        edge.same_as(&studio.window).await;
    }
    let incoming = edge.incoming().unwrap();
    assert_eq!((incoming.tally.gaps, incoming.subscriptions), (0, 1), "{incoming:?}");
    assert_eq!((incoming.source, incoming.epoch), (Some(id(1)), Some(5)));
    studio.end();
    edge.same_as(&studio.window).await;
}
