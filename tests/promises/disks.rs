//! Disks that are full or slow: only in builds with the feature `fault`.

use crate::harness::cluster::{SOON, codes};
use crate::harness::{Cluster, Encoder, Viewer, clip, eventually};

/// A sync that takes longer than an election.
const SLOW: &str = "disk delay_ms=1500";
/// Less than any reserve.
const FULL: &str = "disk free=1000000";

async fn plays_on(viewer: &Viewer) {
    let updates = viewer.seen().grew.len();
    viewer.plays_on(updates + 10).await;
}

#[tokio::test]
async fn a_leader_whose_disk_is_full_refuses_with_the_reason_and_streams_go_on() {
    let cluster = Cluster::start(3, 1).await;
    let key = cluster.channel("demo").await;
    let other = cluster.channel("other").await;
    let leader = cluster.leader(3, &[]).await;
    let ingest = (leader + 1) % 3;
    let encoder = Encoder::start(cluster.ingests(&[leader]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[3]).await;
    cluster.faults(leader, FULL).await;
    cluster.eventually_event(leader, "disk.low", |_| true).await;
    for node in 0..4 {
        let refused = cluster.api(node).create_channel("never").await.unwrap_err();
        assert_eq!(refused.status.as_u16(), 503, "{refused:?}");
        let name = format!("the disk of node {}", Cluster::name(leader));
        let text = format!("{refused:?}");
        assert!(text.contains(&name) && text.contains("free space"), "{text}");
    }
    cluster
        .eventually_sees(3, "whose disk is full", |status| {
            codes(status).contains(&"disk_low").then_some(())
        })
        .await;
    // What streams needs no more room, and neither does whoever begins to stream.
    let late = Encoder::start(cluster.ingests(&[ingest]), &other, &clip::STANDARD);
    late.live_again(0).await;
    plays_on(&viewer).await;
    cluster.faults(leader, "").await;
    cluster.eventually_event(leader, "disk.ample", |_| true).await;
    cluster.eventually_writes(3, "afterwards").await;
    assert!(cluster.api(leader).channel("never").await.is_err());
    viewer.assert_content("a full disk");
}

#[tokio::test]
async fn a_follower_whose_disk_is_full_or_slow_is_told_of_and_holds_nobody_up() {
    let cluster = Cluster::start(3, 1).await;
    let key = cluster.channel("demo").await;
    let leader = cluster.leader(3, &[]).await;
    let follower = (leader + 1) % 3;
    cluster.faults(follower, FULL).await;
    cluster
        .eventually_sees(3, "whose disk is full", |status| {
            codes(status).contains(&"disk_low").then_some(())
        })
        .await;
    let name = Cluster::name(follower);
    let full = cluster.eventually_event(follower, "disk.low", |_| true).await;
    assert!(full.text.contains(&format!("the disk of node {name}")), "{full:?}");
    // What people ask for is the leader's to refuse, and the leader has room.
    for node in 0..4 {
        cluster.api(node).create_channel(&format!("full-{node}")).await.unwrap();
    }
    let encoder = Encoder::start(cluster.ingests(&[follower]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[3]).await;
    cluster.faults(follower, SLOW).await;
    for number in 0..5 {
        cluster.api(3).create_channel(&format!("slow-{number}")).await.unwrap();
    }
    assert_eq!(cluster.leader(3, &[]).await, leader, "another leader");
    plays_on(&viewer).await;
    cluster.faults(follower, "").await;
    let api = cluster.api(follower);
    eventually("it has what it was slow with", SOON, async || api.channel("slow-4").await.ok())
        .await;
    assert_eq!(encoder.lives().len(), 1, "its publisher was disturbed");
    viewer.assert_content("a follower's disk");
}

#[tokio::test]
async fn a_leader_whose_disk_is_slow_is_followed_by_another_and_nothing_is_lost() {
    let cluster = Cluster::start(3, 1).await;
    let key = cluster.channel("demo").await;
    let leader = cluster.leader(3, &[]).await;
    let encoder = Encoder::start(cluster.ingests(&[leader]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[3]).await;
    cluster.faults(leader, SLOW).await;
    let names: Vec<String> = (0..5).map(|number| format!("slow-{number}")).collect();
    for name in &names {
        cluster.eventually_writes(3, name).await;
    }
    cluster.leader(3, &[leader]).await;
    plays_on(&viewer).await;
    cluster.faults(leader, "").await;
    for node in 0..4 {
        let api = cluster.api(node);
        eventually("it has all that was acknowledged", SOON, async || {
            for name in &names {
                api.channel(name).await.ok()?;
            }
            Some(())
        })
        .await;
    }
    viewer.assert_content("a slow disk");
}
