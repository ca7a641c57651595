//! Shows whose node is gone and whose publisher has not come back yet: every edge serves what any node holds of them,
//! operators see what they wait for, and the grace period ends them for good.

use weir_model::StreamState;
use weir_model::cluster::ClusterStatus;

use crate::harness::cluster::{SOON, codes};
use crate::harness::{Cluster, Encoder, clip, eventually};

const SHORT_GRACE: &str = "[stream]\ngrace_ms = 12000\n";

/// A show at the first ingest that does not lead, with its encoder.
async fn with_show(cluster: &Cluster, asked: usize) -> (usize, Encoder) {
    let key = cluster.channel("demo").await;
    let owner = (cluster.leader(asked, &[]).await + 1) % 3;
    let encoder = Encoder::start(cluster.ingests(&[owner]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    (owner, encoder)
}

/// A player that has never asked `edge` before gets the show's newest segment from it.
async fn serves(cluster: &Cluster, edge: usize) {
    let player = cluster.node(edge).player("demo");
    let url = player.first().await;
    let playlist = player.playlist(&url).await;
    assert!(!playlist.ended, "{}", playlist.text);
    let newest = playlist.segments.iter().rev().find(|segment| !segment.gap).unwrap();
    assert!(!player.bytes(&url, &newest.uri).await.is_empty());
}

/// What the list says of the show, at a node that lives.
async fn listed_with(cluster: &Cluster, asked: usize, code: &str) {
    let what = format!("the list says {code}");
    eventually(&what, SOON, async || {
        let streams = cluster.api(asked).streams().await.ok()?;
        let show = streams.into_iter().find(|one| one.channel.as_str() == "demo")?;
        let said = show.findings.iter().any(|one| one.code == code);
        (show.state == StreamState::Live && said).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_show_without_its_node_is_at_every_edge_until_the_grace_period_is_over() {
    let mut cluster = Cluster::configured(3, 1, SHORT_GRACE).await;
    let (owner, encoder) = with_show(&cluster, 3).await;
    let asked = (owner + 1) % 3;
    cluster.node(owner).player("demo").first().await;
    drop(encoder);
    cluster.kill(owner);
    listed_with(&cluster, asked, "node_gone").await;
    serves(&cluster, 3).await;
    cluster.restart(owner).await;
    cluster.eventually_all_up(asked).await;
    let vacant = |status: &ClusterStatus| codes(status).contains(&"actors_vacant");
    eventually("the cluster has forgotten the show", SOON, async || {
        (!vacant(&cluster.status(asked).await)).then_some(())
    })
    .await;
    assert_eq!(cluster.owner(asked, "demo").await, None);
    let over = cluster.api(asked).streams().await.unwrap();
    assert!(over.iter().all(|one| one.state != StreamState::Live), "{over:?}");
}

#[tokio::test]
async fn an_edge_that_begins_while_the_owner_hangs_copies_from_another_node() {
    let mut cluster = Cluster::start(3, 1).await;
    let (owner, encoder) = with_show(&cluster, 3).await;
    cluster.node(owner).player("demo").first().await;
    cluster.stop_process(owner);
    drop(encoder);
    serves(&cluster, 3).await;
    listed_with(&cluster, (owner + 1) % 3, "node_gone").await;
    cluster.resume_process(owner);
    cluster.eventually_all_up(3).await;
}
