//! What viewers see when publishers move and machines die: the same show, numbers that only go on, and everything that
//! is listed can be fetched, the same at every edge.

use std::time::{Duration, Instant};

use weir_model::cluster::NodeState;

use crate::harness::cluster::SOON;
use crate::harness::viewer::differences;
use crate::harness::{Cluster, Encoder, Viewer, clip, eventually, flv::Tags, rtmp, within};

/// From an ingest's death to the first part behind it at an edge. Some 1.5 s on an idle machine, the encoder's own
/// 0.35 s included.
const WENT_ON_MAX: Duration = Duration::from_secs(8);
/// A player that an edge leaves finds the next one in well under a second.
const MOVED_MAX: Duration = Duration::from_secs(4);
/// A refusal or an answer comes within this, whatever has died.
const ANSWERED_MAX: Duration = Duration::from_secs(12);

/// A cluster with a channel that everybody knows, and its key.
async fn with_channel(voters: usize, edges: usize) -> (Cluster, String) {
    let cluster = Cluster::start(voters, edges).await;
    let key = cluster.channel("demo").await;
    (cluster, key)
}

/// Viewers saw the same, and nothing that a player stumbles over.
fn assert_same(viewers: &[&Viewer], what: &str) {
    viewers.iter().for_each(|viewer| viewer.assert_content(what));
    let first = viewers[0].seen().bytes;
    for other in &viewers[1..] {
        let (differ, shared) = differences(&first, &other.seen().bytes);
        assert!(differ.is_empty(), "{what}: not the same at two edges: {differ:?}");
        assert!(shared > 20, "{what}: only {shared} pieces to compare");
    }
}

/// Waits until a viewer has got some parts behind a further discontinuity; how long that took.
async fn went_on(viewers: &[&Viewer], breaks: u64, since: Instant) -> Duration {
    let mut longest = Duration::ZERO;
    for viewer in viewers {
        let at = viewer.behind_a_break(breaks).await;
        longest = longest.max(at.saturating_duration_since(since));
        let updates = viewer.seen().grew.len();
        viewer.plays_on(updates + 5).await;
    }
    longest
}

#[tokio::test]
async fn a_publisher_may_come_back_to_any_ingest() {
    let (cluster, key) = with_channel(3, 2).await;
    let mut encoder = Encoder::start(cluster.ingests(&[1]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let (one, two) = (cluster.viewer("demo", &[3]).await, cluster.viewer("demo", &[4]).await);
    let show = cluster.show(1, "demo").await;
    assert!(show.is_some());
    let refused = rtmp::publish(cluster.node(2).rtmp(), &key).await.refused();
    assert_eq!(refused.code, "NetStream.Publish.BadName", "its publisher is well: {refused:?}");
    for ingest in [1, 2, 0] {
        let (breaks, start) = (one.seen().breaks, Instant::now());
        drop(encoder);
        encoder = Encoder::start(cluster.ingests(&[ingest]), &key, &clip::STANDARD);
        encoder.live_again(0).await;
        let gap = went_on(&[&one, &two], breaks, start).await;
        println!("went on at n{ingest} after {gap:?}");
        assert_eq!(cluster.owner(3, "demo").await, Some(ingest));
        assert_eq!(cluster.show(ingest, "demo").await, show, "another show");
    }
    drop(encoder);
    taken_from_a_silent_one(&cluster, &key, &one).await;
    assert_same(&[&one, &two], "the publisher moved");
}

/// A connection whose host is gone without a word keeps nobody from going on at another ingest.
async fn taken_from_a_silent_one(cluster: &Cluster, key: &str, viewer: &Viewer) {
    let silent = eventually("the silent one is let in", SOON, async || {
        match rtmp::publish(cluster.node(1).rtmp(), key).await {
            rtmp::Attempt::Accepted(publisher) => Some(publisher),
            rtmp::Attempt::Refused(_) => None,
        }
    });
    let mut silent = silent.await;
    silent.send_all(&Tags::of(&clip::STANDARD), 0).await.unwrap();
    let breaks = viewer.seen().breaks;
    let encoder = Encoder::start(cluster.ingests(&[2]), key, &clip::STANDARD);
    encoder.live_again(0).await;
    within("the silent connection is closed", SOON, silent.closed()).await;
    went_on(&[viewer], breaks, Instant::now()).await;
    assert_eq!(cluster.owner(0, "demo").await, Some(2));
}

#[tokio::test]
async fn a_show_survives_its_ingest() {
    let (mut cluster, key) = with_channel(3, 2).await;
    let leader = cluster.leader(3, &[]).await;
    let (first, second) = ((leader + 1) % 3, (leader + 2) % 3);
    // It begins where the leader is not, and goes on where the leader is.
    let encoder = Encoder::start(cluster.ingests(&[first, leader, second]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let (one, two) = (cluster.viewer("demo", &[3]).await, cluster.viewer("demo", &[4]).await);
    let show = cluster.show(first, "demo").await;
    for (round, victim) in [first, leader].into_iter().enumerate() {
        let (breaks, start) = (one.seen().breaks, Instant::now());
        cluster.kill(victim);
        let life = encoder.live_again(round + 1).await;
        let gap = went_on(&[&one, &two], breaks, start).await;
        let back = life.since - start;
        let what = if victim == leader { "the owner that leads" } else { "the owner" };
        println!("{what} died: let in after {back:?}, viewers went on after {gap:?}");
        assert!(gap < WENT_ON_MAX, "{what} died: {gap:?}");
        cluster.restart(victim).await;
        cluster.eventually_all_up(3).await;
    }
    assert_eq!(cluster.show(second, "demo").await, show, "another show");
    assert_same(&[&one, &two], "ingests died");
    hangs_and_comes_back(&mut cluster, &encoder, second, [&one, &two]).await;
    assert_same(&[&one, &two], "an ingest hung");
}

/// The owner's process is stopped and continued: what it lost it gives up, and copies it like everybody else.
async fn hangs_and_comes_back(
    cluster: &mut Cluster,
    encoder: &Encoder,
    victim: usize,
    viewers: [&Viewer; 2],
) {
    let stayed = cluster.viewer("demo", &[victim]).await;
    stayed.plays_on(5).await;
    let (breaks, lives, start) = (viewers[0].seen().breaks, encoder.lives().len(), Instant::now());
    cluster.stop_process(victim);
    encoder.leave();
    let life = encoder.live_again(lives).await;
    let gap = went_on(&viewers, breaks, start).await;
    println!("the owner hung: viewers went on after {gap:?}");
    assert!(gap < WENT_ON_MAX, "the owner hung: {gap:?}");
    let owner = cluster.owner(3, "demo").await;
    cluster.resume_process(victim);
    cluster.eventually_all_up(victim).await;
    for asked in 0..cluster.len() {
        eventually(&format!("n{asked} knows the owner"), SOON, async || {
            (cluster.owner(asked, "demo").await == owner).then_some(())
        })
        .await;
    }
    let late = cluster.viewer("demo", &[victim]).await;
    late.plays_on(5).await;
    late.assert_content("the node that hung");
    stayed.plays_on(stayed.seen().grew.len() + 5).await;
    // What was told there stays; the others go on behind a break that may be one segment earlier.
    stayed.assert_content("who stayed at the node that hung");
    let (mine, theirs) = (late.seen().grew, viewers[0].seen().grew);
    let (mine, theirs) = (mine.last().unwrap().1, theirs.last().unwrap().1);
    assert!(mine.0.abs_diff(theirs.0) <= 1, "{mine:?} at the node that hung, {theirs:?} elsewhere");
    let still = encoder.lives().last().copied().unwrap();
    assert_eq!(still.since, life.since, "its publisher was disturbed");
}

#[tokio::test]
async fn a_take_over_that_fails_costs_the_show_nothing() {
    let mut cluster = Cluster::start(3, 0).await;
    let other = cluster.join(&["ingest", "edge"]).await;
    let key = cluster.channel("demo").await;
    let encoder = Encoder::start(cluster.ingests(&[1, other]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[other]).await;
    let show = cluster.show(1, "demo").await;
    assert!(show.is_some());
    let (breaks, start) = (viewer.seen().breaks, Instant::now());
    [0, 2].iter().for_each(|voter| cluster.stop_process(*voter));
    encoder.leave();
    let life = encoder.live_again(1).await;
    assert_eq!(life.server, 0, "nobody can be granted the stream now");
    let gap = went_on(&[&viewer], breaks, start).await;
    println!("nobody could take the stream over: viewers went on after {gap:?}");
    assert_eq!(cluster.show(1, "demo").await, show, "another show");
    [0, 2].iter().for_each(|voter| cluster.resume_process(*voter));
    cluster.eventually_writes(1, "again").await;
    let breaks = viewer.seen().breaks;
    encoder.leave();
    went_on(&[&viewer], breaks, Instant::now()).await;
    let owner = eventually("somebody owns it", SOON, async || cluster.owner(1, "demo").await).await;
    assert_eq!(cluster.show(owner, "demo").await, show, "another show");
    viewer.assert_content("a take-over failed");
}

/// A node that hung and was given up owns its stream anew: nothing of that is seen in a playlist.
#[tokio::test]
async fn an_owner_that_was_given_up_goes_on_as_every_copy_says() {
    let (mut cluster, key) = with_channel(3, 1).await;
    let encoder = Encoder::start(cluster.ingests(&[1]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let (origin, edge) = (cluster.viewer("demo", &[1]).await, cluster.viewer("demo", &[3]).await);
    edge.plays_on(10).await;
    cluster.stop_process(1);
    cluster.eventually_state(3, 1, NodeState::Fenced).await;
    cluster.resume_process(1);
    cluster.eventually_all_up(3).await;
    for viewer in [&origin, &edge] {
        let updates = viewer.seen().grew.len();
        viewer.plays_on(updates + 20).await;
    }
    assert_eq!(cluster.owner(3, "demo").await, Some(1));
    assert_eq!(encoder.lives().len(), 1, "its publisher was disturbed");
    eventually("both say the same of discontinuities", SOON, async || {
        let (one, other) = (origin.seen().breaks, edge.seen().breaks);
        (one == other).then_some(())
    })
    .await;
    let (differ, shared) = differences(&origin.seen().bytes, &edge.seen().bytes);
    assert!(differ.is_empty() && shared > 20, "{shared} pieces to compare: {differ:?}");
}

#[tokio::test]
async fn an_ingest_that_starts_again_goes_on_with_the_numbers() {
    let (mut cluster, key) = with_channel(3, 1).await;
    let encoder = Encoder::start(cluster.ingests(&[1]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[3]).await;
    viewer.plays_on(10).await;
    let (before, breaks, start) = (viewer.seen().grew, viewer.seen().breaks, Instant::now());
    cluster.kill(1);
    cluster.restart(1).await;
    encoder.live_again(1).await;
    let gap = went_on(&[&viewer], breaks, start).await;
    println!("the same ingest started again: viewers went on after {gap:?}");
    viewer.assert_content("the same ingest started again");
    let (was, is) = (before.last().unwrap().1.0, viewer.seen().grew.last().unwrap().1.0);
    assert!(is > was && is - was < 60, "from segment {was} to {is}");
    a_dead_edge_and_a_lost_majority(&mut cluster, &encoder, &key).await;
}

/// What runs goes on when most of the voters hang; nothing new is promised.
async fn a_dead_edge_and_a_lost_majority(cluster: &mut Cluster, encoder: &Encoder, key: &str) {
    let second = cluster.join(&["edge"]).await;
    let other = cluster.channel("other").await;
    let viewer = cluster.viewer("demo", &[second, 3]).await;
    viewer.plays_on(5).await;
    let (before, start) = (viewer.seen().grew.len(), Instant::now());
    cluster.kill(second);
    let on = viewer.plays_on(before + 3).await - start;
    println!("an edge died: its viewer went on after {on:?}");
    assert!(on < MOVED_MAX, "{on:?}");
    assert_eq!(viewer.seen().edge, 1);
    [0, 2].iter().for_each(|voter| cluster.stop_process(*voter));
    let refused = within("a change is refused", ANSWERED_MAX, async {
        cluster.api(1).create_channel("never").await.unwrap_err()
    });
    refused.await.assert_nothing_promised();
    let anew = within(
        "a publisher is refused",
        ANSWERED_MAX,
        rtmp::publish(cluster.node(1).rtmp(), &other),
    );
    let anew = anew.await.refused();
    assert!(!anew.code.ends_with("Start"), "{anew:?}");
    let updates = viewer.seen().grew.len();
    viewer.plays_on(updates + 20).await;
    assert_eq!(encoder.lives().len(), 2, "its publisher was disturbed");
    viewer.assert_content("most voters hang");
    [0, 2].iter().for_each(|voter| cluster.resume_process(*voter));
    cluster.eventually_writes(1, "again").await;
    let updates = viewer.seen().grew.len();
    viewer.plays_on(updates + 10).await;
    viewer.assert_content("the majority is back");
    let busy = rtmp::publish(cluster.node(0).rtmp(), key).await.refused();
    assert_eq!(busy.code, "NetStream.Publish.BadName", "{busy:?}");
}
