//! A viewer is one viewer of the cluster, whatever nodes its player asks, and is sent away from all of them at once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use weir_model::{Viewing, ViewingId};

use crate::harness::cluster::SOON;
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Cluster, clip, eventually};

/// Counts are right on every node within this.
const COUNTED_MAX: Duration = Duration::from_secs(2);
/// A kick is in force on every node within this.
const KICKED_MAX: Duration = Duration::from_secs(1);
/// A node that does not answer holds nobody up for longer.
const SILENT_MAX: Duration = Duration::from_secs(2);

/// Asks a node for the media playlist that another one named, with the ticket that came with it.
async fn ask(cluster: &Cluster, number: usize, url: &reqwest::Url) -> StatusCode {
    let path = format!("{}?{}", url.path(), url.query().expect("a ticket"));
    reqwest::get(cluster.node(number).http(&path)).await.unwrap().status()
}

/// The only viewing beside those of `before`, once a node lists it and counts each once.
async fn the_new_one(cluster: &Cluster, asked: usize, before: &BTreeSet<ViewingId>) -> Viewing {
    let api = cluster.api(asked);
    eventually("the new viewing is counted", SOON, async || {
        let viewings = api.viewings().await.ok()?;
        let viewers = api.stream("demo").await.ok()?.viewers;
        let counted = viewers == viewings.len() as u64;
        let mut new = viewings.into_iter().filter(|one| !before.contains(&one.id));
        let found = new.next().filter(|_| counted)?;
        assert_eq!(new.next(), None, "one viewer is two");
        Some(found)
    })
    .await
}

#[tokio::test]
async fn a_viewer_of_two_edges_is_one_and_is_kicked_from_both_by_way_of_a_third_node() {
    let cluster = Cluster::start(1, 2).await;
    let key = cluster.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(cluster.node(0), &key, &clip::STANDARD);
    for edge in 1..3 {
        cluster.node(edge).player("demo").first().await;
    }
    // Whoever looked whether it is playable is a viewer, too, until a while later.
    let before: BTreeSet<ViewingId> =
        cluster.api(0).viewings().await.unwrap().iter().map(|one| one.id).collect();
    let url = cluster.node(1).player("demo").first().await;
    for edge in 1..3 {
        assert_eq!(ask(&cluster, edge, &url).await, StatusCode::OK, "n{edge}");
    }
    let asked = Instant::now();
    for node in 0..3 {
        let found = the_new_one(&cluster, node, &before).await;
        assert_eq!(found.node.unwrap().name, "n2", "it asked there last");
    }
    println!("counted everywhere after {:?}", asked.elapsed());
    assert!(asked.elapsed() <= COUNTED_MAX, "{:?}", asked.elapsed());
    let id = the_new_one(&cluster, 0, &before).await.id.to_string();
    let listed = cluster.cli(0).json(&["viewing", "list", "--channel", "demo"]);
    let listed = listed.as_array().unwrap().iter().filter(|one| one["id"] == id.as_str());
    assert_eq!(listed.count(), 1);
    let kicked = Instant::now();
    let ran = cluster.cli(0).run(&["viewing", "kick", &id, "--yes", "--reason", "test"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for edge in 1..3 {
        assert_eq!(ask(&cluster, edge, &url).await, StatusCode::FORBIDDEN, "n{edge}");
    }
    println!("in force everywhere after {:?}", kicked.elapsed());
    assert!(kicked.elapsed() <= KICKED_MAX, "{:?}", kicked.elapsed());
    // Somebody else still plays.
    cluster.node(2).player("demo").first().await;
}

#[tokio::test]
async fn a_viewer_whose_edge_dies_is_the_same_one_at_the_next() {
    let mut cluster = Cluster::start(1, 2).await;
    let key = cluster.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(cluster.node(0), &key, &clip::STANDARD);
    cluster.node(2).player("demo").first().await;
    let before: BTreeSet<ViewingId> =
        cluster.api(0).viewings().await.unwrap().iter().map(|one| one.id).collect();
    let url = cluster.node(1).player("demo").first().await;
    assert_eq!(ask(&cluster, 1, &url).await, StatusCode::OK);
    let was = the_new_one(&cluster, 0, &before).await;
    assert_eq!(was.node.unwrap().name, "n1");
    cluster.kill(1);
    assert_eq!(ask(&cluster, 2, &url).await, StatusCode::OK, "any edge serves any part");
    for node in [0, 2] {
        let now = eventually("it is counted at the next edge", SOON, async || {
            let found = the_new_one(&cluster, node, &before).await;
            (found.node.as_ref()?.name == "n2").then_some(found)
        });
        let now = now.await;
        assert_eq!(now.id, was.id, "n{node}: another viewer");
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_named_and_holds_nobody_up() {
    let mut cluster = Cluster::start(1, 1).await;
    let key = cluster.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(cluster.node(0), &key, &clip::STANDARD);
    let url = cluster.node(0).player("demo").first().await;
    assert_eq!(ask(&cluster, 0, &url).await, StatusCode::OK);
    cluster.stop_process(1);
    let asked = Instant::now();
    let stream = cluster.api(0).stream("demo").await.unwrap();
    println!("shown beside a silent node after {:?}", asked.elapsed());
    assert_eq!(stream.node.unwrap().name, "n0");
    assert!(asked.elapsed() <= SILENT_MAX, "{:?}", asked.elapsed());
    let id = cluster.api(0).viewings().await.unwrap()[0].id;
    let kicked = Instant::now();
    let answer = cluster.api(0).kick_viewing(&id.to_string()).await.unwrap();
    println!("kicked beside a silent node after {:?}", kicked.elapsed());
    assert_eq!(answer["silent"], serde_json::json!(["n1"]));
    assert!(kicked.elapsed() <= SILENT_MAX, "{:?}", kicked.elapsed());
    cluster.resume_process(1);
}
