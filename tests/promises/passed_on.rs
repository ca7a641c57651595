//! An ingest that feeds as many nodes as it is to has the others fed by those, and a viewer notices nothing of it, nor of
//! the death of one that feeds others.

use std::time::{Duration, Instant};

use reqwest::Method;
use weir_model::cluster::ReplicaInfo;

use crate::harness::cluster::SOON;
use crate::harness::viewer::differences;
use crate::harness::{Cluster, Encoder, clip, eventually};

const EDGES: usize = 4;
/// A player has about two seconds of parts and, behind them, whole segments: it would begin to wait.
const STALL_MAX: Duration = Duration::from_secs(4);

/// Who pulls from whom, as the operators see it, once every edge does: (node, from, hops).
async fn tree(cluster: &Cluster, edges: usize) -> Vec<(String, String, usize)> {
    eventually("every edge has a copy", SOON, async || {
        let replicas: Vec<ReplicaInfo> =
            cluster.api(0).call(Method::GET, "/v1/replicas", None).await.ok()?;
        let pulled = replicas.into_iter().filter(|one| !one.hops.is_empty());
        let tree: Vec<_> = pulled
            .filter_map(|one| Some((one.node_name, one.from_name?, one.hops.len())))
            .collect();
        (tree.len() == edges).then_some(tree)
    })
    .await
}

fn number(name: &str) -> usize {
    (0..=EDGES).find(|number| Cluster::name(*number) == name).unwrap()
}

#[tokio::test]
async fn edges_beyond_the_fan_out_are_fed_by_edges_and_outlive_them() {
    let mut cluster = Cluster::configured(1, EDGES, "[stream]\nfan_out = 2\n").await;
    let key = cluster.channel("demo").await;
    let encoder = Encoder::start(cluster.ingests(&[0]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let mut viewers = Vec::new();
    for edge in 1..=EDGES {
        viewers.push((edge, cluster.viewer("demo", &[edge]).await));
    }
    let before = tree(&cluster, EDGES).await;
    let mut hops: Vec<usize> = before.iter().map(|one| one.2).collect();
    hops.sort_unstable();
    assert_eq!(hops, [1, 1, 2, 2], "{before:?}");
    let (fed, relay, _) = before.iter().find(|one| one.2 == 2).unwrap().clone();
    viewers.retain(|(edge, _)| *edge != number(&relay));
    let killed = Instant::now();
    cluster.kill(number(&relay));
    for (_, viewer) in &viewers {
        let updates = viewer.seen().grew.len();
        viewer.plays_on(updates + 30).await;
        viewer.assert_content("an edge that fed others died");
    }
    let stalls = viewers.iter().map(|(edge, viewer)| (*edge, viewer.seen().longest_stall(killed)));
    let stalls: Vec<(usize, Duration)> = stalls.collect();
    println!("{relay}, which fed {fed}, died: the longest stalls were {stalls:?}");
    assert!(stalls.iter().all(|(_, stall)| *stall < STALL_MAX), "{stalls:?}");
    let after = tree(&cluster, EDGES - 1).await;
    assert!(after.iter().all(|(_, from, _)| *from != relay), "{after:?}");
    let first = viewers[0].1.seen().bytes;
    for (edge, other) in &viewers[1..] {
        let (differ, shared) = differences(&first, &other.seen().bytes);
        assert!(differ.is_empty() && shared > 20, "n{edge}: {shared} alike, not {differ:?}");
    }
}
