//! Machines are emptied and started again while people watch: publishers are sent elsewhere one after the other, shows
//! go on, and nobody sees an error. Only in builds with the feature `fault`, for nodes of another release.

use std::time::{Duration, Instant};

use reqwest::Method;
use weir_model::ShowId;
use weir_model::cluster::{Duty, LinkInfo, NodeChange};

use crate::harness::cluster::{SOON, member};
use crate::harness::encoder::{End, PAUSE};
use crate::harness::{Cluster, Encoder, Viewer, clip, eventually};

/// Publishers of the node that is emptied.
const STREAMS: usize = 4;
/// A publisher that is sent away is back within its pause and a take-over: below a second on an idle machine.
const STALL_MAX: Duration = Duration::from_secs(6);

/// A viewer on each edge for each of the channels.
async fn viewers(cluster: &Cluster, channels: &[String]) -> Vec<Viewer> {
    let mut all = Vec::new();
    for (number, channel) in channels.iter().enumerate() {
        all.push(cluster.viewer(channel, &[3 + number % 2]).await);
    }
    all
}

/// The shows that are on, as their owners say.
async fn shows(cluster: &Cluster, channels: &[String]) -> Vec<ShowId> {
    let mut all = Vec::new();
    for channel in channels {
        let owner = cluster.owner(0, channel).await.expect("an owner");
        all.push(cluster.show(owner, channel).await.expect("a show"));
    }
    all
}

fn assert_undisturbed(viewers: &[Viewer], since: Instant, what: &str) {
    for viewer in viewers {
        viewer.assert_content(what);
        let seen = viewer.seen();
        assert!(seen.failed.is_empty(), "{what}: requests failed: {:?}", seen.failed);
        let stall = seen.longest_stall(since);
        println!("{what}: longest stall {stall:?}");
        assert!(stall < STALL_MAX, "{what}: nothing new for {stall:?}");
    }
}

async fn all_play_on(viewers: &[Viewer]) {
    for viewer in viewers {
        let updates = viewer.seen().grew.len();
        viewer.plays_on(updates + 10).await;
    }
}

#[tokio::test]
async fn nodes_are_emptied_and_started_again_under_viewers() {
    let mut cluster = Cluster::start(3, 2).await;
    let channels: Vec<String> = (0..STREAMS).map(|number| format!("demo-{number}")).collect();
    let mut encoders = Vec::new();
    for channel in &channels {
        let key = cluster.channel(channel).await;
        let encoder = Encoder::start(cluster.ingests(&[1, 2, 0]), &key, &clip::STANDARD);
        encoder.live_again(0).await;
        encoders.push(encoder);
    }
    let watching = viewers(&cluster, &channels).await;
    let before = shows(&cluster, &channels).await;
    let start = Instant::now();
    cluster.change(0, 1, NodeChange::Drain).await;
    for (encoder, channel) in encoders.iter().zip(&channels) {
        encoder.live_again(1).await;
        eventually("the stream is elsewhere", SOON, async || {
            cluster.owner(0, channel).await.filter(|owner| *owner != 1)
        })
        .await;
    }
    cluster
        .eventually_sees(0, "that it is empty", |status| {
            member(status, 1).filter(|node| node.leases == 0).map(drop)
        })
        .await;
    assert_one_at_a_time(&encoders);
    all_play_on(&watching).await;
    assert_undisturbed(&watching, start, "drain");
    assert_eq!(shows(&cluster, &channels).await, before, "other shows");
    cluster.change(0, 1, NodeChange::Uncordon).await;
    upgrade(&mut cluster, &watching).await;
}

/// Each publisher was told to connect again, and the next one when the one before was elsewhere.
fn assert_one_at_a_time(encoders: &[Encoder]) {
    let mut ends: Vec<End> = encoders.iter().flat_map(Encoder::ends).collect();
    ends.sort_by_key(|end| end.at);
    assert_eq!(ends.len(), STREAMS, "{ends:?}");
    for end in &ends {
        let asked = end.codes.iter().any(|code| code == "NetConnection.Connect.ReconnectRequest");
        assert!(asked, "it was not asked to connect again: {end:?}");
    }
    // Before that it cannot be anywhere.
    let apart: Vec<Duration> = ends.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(apart.iter().all(|gap| *gap >= PAUSE), "sent away at once: {apart:?}");
}

/// One core node after the other is asked to stop, and started again as one of the next release; the edges stay as
/// they are.
async fn upgrade(cluster: &mut Cluster, watching: &[Viewer]) {
    let start = Instant::now();
    for node in 0..3 {
        cluster.node_mut(node).stop().await;
        cluster.upgrade(node).await;
        cluster.eventually_all_up(3).await;
        all_play_on(watching).await;
    }
    assert_undisturbed(watching, start, "rolling upgrade");
    let links: Vec<LinkInfo> = cluster.api(0).call(Method::GET, "/v1/links", None).await.unwrap();
    let with = |number| {
        let name = Cluster::name(number);
        let link = links.iter().find(|link| link.to_name == name);
        link.map(|link| link.protocol)
    };
    let agreed: Vec<_> = (1..5).map(with).collect();
    assert_eq!(agreed, [Some(2), Some(2), Some(1), Some(1)], "{links:?}");
}

/// A machine that comes later takes its share, and leaves again.
#[tokio::test]
async fn a_further_node_takes_streams_by_a_rebalance_and_is_emptied_and_removed() {
    let mut cluster = Cluster::start(3, 2).await;
    let (mut encoders, mut watching) = (Vec::new(), Vec::new());
    let channels: Vec<String> = (0..STREAMS).map(|number| format!("demo-{number}")).collect();
    let keys = futures_util::future::join_all(channels.iter().map(|name| cluster.channel(name)));
    let keys = keys.await;
    let new = cluster.join(&["ingest", "edge"]).await;
    for (channel, key) in channels.iter().zip(&keys) {
        // The new one is the last of their list.
        let encoder = Encoder::start(cluster.ingests(&[1, 2, 0, new]), key, &clip::STANDARD);
        encoder.live_again(0).await;
        encoders.push(encoder);
        watching.push(cluster.viewer(channel, &[3]).await);
    }
    let start = Instant::now();
    let ran =
        cluster.cli(0).run(&["cluster", "rebalance", "--yes", "--reason", "a node was added"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    eventually("the new node has streams, and so has every other", SOON, async || {
        let mut owned = vec![0; cluster.len()];
        for channel in &channels {
            owned[cluster.owner(0, channel).await?] += 1;
        }
        (owned == [1, 1, 1, 0, 0, 1]).then_some(())
    })
    .await;
    all_play_on(&watching).await;
    assert_undisturbed(&watching, start, "rebalance");
    cluster.change(0, new, NodeChange::Drain).await;
    cluster
        .eventually_sees(0, "that it is empty", |status| {
            member(status, new).filter(|node| node.leases == 0).map(drop)
        })
        .await;
    all_play_on(&watching).await;
    assert_undisturbed(&watching, start, "drain of the new node");
    cluster.node_mut(new).stop().await;
    cluster.change(0, new, NodeChange::Remove).await;
    cluster
        .eventually_sees(0, "that it is gone", |status| member(status, new).is_none().then_some(()))
        .await;
}

/// A node that nobody can replace is not emptied: what it has stays, also when its publisher comes again.
#[tokio::test]
async fn what_no_other_node_can_have_stays() {
    let cluster = Cluster::start(1, 1).await;
    let key = cluster.channel("demo").await;
    let encoder = Encoder::start(cluster.ingests(&[0]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[1]).await;
    let show = cluster.show(0, "demo").await;
    cluster.change(1, 0, NodeChange::Drain).await;
    cluster
        .eventually_sees(0, "that it is to be emptied", |status| {
            member(status, 0).filter(|node| node.duty == Duty::Draining).map(drop)
        })
        .await;
    let updates = viewer.seen().grew.len();
    viewer.plays_on(updates + 10).await;
    assert_eq!((encoder.lives().len(), encoder.ends().len()), (1, 0), "it was sent away");
    encoder.leave();
    encoder.live_again(1).await;
    let updates = viewer.seen().grew.len();
    viewer.plays_on(updates + 5).await;
    viewer.assert_content("a drain without another node");
    assert_eq!(cluster.show(0, "demo").await, show, "another show");
}
