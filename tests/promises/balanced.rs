//! A balancer is told which edges take viewers. An edge that is cordoned or drained keeps those it has, and counts as
//! drained when the last of them has left.

use std::time::Instant;

use weir_model::cluster::{ClusterStatus, NodeChange};

use crate::harness::cluster::SOON;
use crate::harness::{Cluster, Encoder, clip, eventually};

/// What a balancer's health check is answered.
async fn ready(cluster: &Cluster, node: usize) -> Option<(u16, String)> {
    let answer = reqwest::get(cluster.node(node).http("/ready")).await.ok()?;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    Some((answer.status().as_u16(), answer.text().await.ok()?.trim().to_owned()))
}

async fn eventually_ready(cluster: &Cluster, node: usize, status: u16, text: &str) {
    let what = format!("n{node} answers {status} {text}");
    let told = (status, text.to_owned());
    eventually(&what, SOON, async || (ready(cluster, node).await? == told).then_some(())).await;
}

/// What is said of a node that is being drained, once it is this.
async fn eventually_said(cluster: &Cluster, node: usize, code: &str, part: &str) {
    let text = |status: &ClusterStatus| {
        let name = format!("Node {} ", Cluster::name(node));
        let found = status.warnings.iter().find(|one| one.text.starts_with(&name));
        found.filter(|one| one.code == code && one.text.contains(part)).map(drop)
    };
    cluster.eventually_sees(0, part, text).await;
}

#[tokio::test]
async fn an_edge_that_is_drained_keeps_its_viewers_and_gets_no_new_ones() {
    let mut cluster = Cluster::start(1, 2).await;
    let key = cluster.channel("demo").await;
    let encoder = Encoder::start(cluster.ingests(&[0]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[1]).await;
    for node in 0..3 {
        eventually_ready(&cluster, node, 200, "ready").await;
    }
    let start = Instant::now();
    let ran = cluster.cli(0).run(&["node", "drain", "n1", "--yes", "--reason", "new disk"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("its viewers are kept") && ran.err.contains("/ready"), "{ran:?}");
    eventually_ready(&cluster, 1, 503, "draining").await;
    eventually_ready(&cluster, 2, 200, "ready").await;
    eventually_said(&cluster, 1, "node_draining", "1 viewer is still there").await;
    let updates = viewer.seen().grew.len();
    // Longer than a viewing lasts without its viewer, and still in the middle of it.
    viewer.plays_on(updates + 100).await;
    let check = cluster.cli(0).run(&["cluster", "check"]);
    assert!(check.out.contains("1 viewer is still there"), "{check:?}");
    assert!(!check.out.contains("node_drained"), "{check:?}");
    viewer.assert_content("drain of an edge");
    let seen = viewer.seen();
    assert!(seen.failed.is_empty(), "requests failed: {:?}", seen.failed);
    println!("longest stall since the drain: {:?}", seen.longest_stall(start));
    drop(viewer);
    eventually_said(&cluster, 1, "node_drained", "it may be stopped").await;
    cluster.change(0, 1, NodeChange::Uncordon).await;
    eventually_ready(&cluster, 1, 200, "ready").await;

    cluster.change(0, 2, NodeChange::Cordon).await;
    eventually_ready(&cluster, 2, 503, "cordoned").await;
    cluster.change(0, 2, NodeChange::Uncordon).await;
    eventually_ready(&cluster, 2, 200, "ready").await;
    [0, 2].into_iter().for_each(|node| cluster.kill(node));
    eventually_ready(&cluster, 1, 503, "cut off").await;
}
