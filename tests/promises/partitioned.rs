//! Links that are cut, slow and lossy, by the socket of `src/link/fault.rs`: only in builds with the feature `fault`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::Method;
use weir_model::cluster::{LinkInfo, NodeChange, NodeState};

use crate::harness::cluster::{SOON, codes};
use crate::harness::viewer::Seen;
use crate::harness::{Cluster, Encoder, clip, eventually, rtmp, within};

/// A node that is cut off knows that after a few seconds; a request is answered within its limit.
const ANSWERED_MAX: Duration = Duration::from_secs(12);
/// A copy goes on after a link is whole again, once both connections are there.
const HEALED_MAX: Duration = Duration::from_secs(6);
/// The cut lasts as long as a viewer beside it gets 25 parts, some 5 s.
const CUT_MIN: Duration = Duration::from_secs(2);
/// Half again what the clip has.
const SLOW_BYTES_PER_SECOND: u32 = 130_000;
/// A part of the clip, some 17 kB, takes three times as long over it.
const LATE_MIN: Duration = Duration::from_millis(40);
/// On a link with 50 ms of delay and 1 % of loss each way a part may need a second round trip or two.
const STALL_MAX: Duration = Duration::from_secs(2);

/// Two sides that do not hear each other.
struct Sides {
    /// The node that led, with an edge.
    minority: [usize; 2],
    /// The other voters, with an edge.
    majority: [usize; 3],
}

impl Sides {
    async fn of(cluster: &Cluster) -> Self {
        let leader = cluster.leader(3, &[]).await;
        Self { minority: [leader, 4], majority: [(leader + 1) % 3, (leader + 2) % 3, 3] }
    }

    /// Clients reach every node, and a node those of its side.
    async fn part(&self, cluster: &Cluster) {
        for (side, other) in
            [(&self.minority[..], &self.majority[..]), (&self.majority, &self.minority)]
        {
            let rules: Vec<String> = other.iter().map(|node| format!("to @{node} block")).collect();
            for node in side {
                cluster.faults(*node, &rules.join("\n")).await;
            }
        }
    }
}

#[tokio::test]
async fn a_minority_promises_nothing_serves_what_it_has_and_both_sides_heal() {
    let cluster = Cluster::start(3, 2).await;
    let (demo, mine) = (cluster.channel("demo").await, cluster.channel("mine").await);
    let (moved, late) = (cluster.channel("moved").await, cluster.channel("late").await);
    let sides = Sides::of(&cluster).await;
    let (cut, rest) = (sides.minority[0], sides.majority[0]);
    let theirs = Encoder::start(cluster.ingests(&[rest]), &demo, &clip::STANDARD);
    let mine = Encoder::start(cluster.ingests(&[cut]), &mine, &clip::STANDARD);
    let moved = Encoder::start(cluster.ingests(&[cut, rest]), &moved, &clip::STANDARD);
    theirs.live_again(0).await;
    mine.live_again(0).await;
    moved.live_again(0).await;
    let viewers = [
        ("a partition beside it", cluster.viewer("demo", &[3]).await),
        ("cut off and back", cluster.viewer("demo", &[cut]).await),
        ("the ingest on the same side", cluster.viewer("mine", &[4]).await),
        ("the ingest on the other side", cluster.viewer("mine", &[3]).await),
        ("the publisher went to the other side", cluster.viewer("moved", &[4]).await),
        ("the publisher came from the other side", cluster.viewer("moved", &[3]).await),
    ];
    sides.part(&cluster).await;
    nothing_is_promised(&cluster, cut, &late).await;
    cluster.eventually_writes(rest, "meanwhile").await;
    // Of two that are silent at once the leader gives one up by itself.
    cluster.change(rest, cut, NodeChange::Fence).await;
    cluster.eventually_state(rest, cut, NodeState::Fenced).await;
    for (_, viewer) in [&viewers[0], &viewers[2]] {
        let updates = viewer.seen().grew.len();
        viewer.plays_on(updates + 10).await;
    }
    let show = cluster.show(cut, "moved").await;
    let breaks = viewers[5].1.seen().breaks;
    moved.leave();
    moved.live_again(1).await;
    viewers[5].1.behind_a_break(breaks).await;
    assert_eq!(cluster.show(rest, "moved").await, show, "another show");
    let joined = cluster.viewer("mine", &[4]).await;
    joined.plays_on(10).await;
    for node in 0..5 {
        cluster.faults(node, "").await;
    }
    cluster.eventually_all_up(cut).await;
    let api = cluster.api(cut);
    eventually("it has what it missed", SOON, async || api.channel("meanwhile").await.ok()).await;
    for node in 0..5 {
        assert!(cluster.api(node).channel("never").await.is_err(), "n{node} has what was refused");
    }
    for (what, viewer) in &viewers {
        let updates = viewer.seen().grew.len();
        viewer.plays_on(updates + 10).await;
        viewer.assert_content(what);
    }
    joined.assert_content("came meanwhile");
    let lives = [&theirs, &mine, &moved].map(|encoder| encoder.lives().len());
    assert_eq!(lives, [1, 1, 2], "a publisher was disturbed");
    assert_eq!(cluster.owner(3, "mine").await, Some(cut));
    assert_eq!(cluster.owner(cut, "moved").await, Some(rest));
}

/// The node says that it is cut off, and takes neither a change nor a publisher.
async fn nothing_is_promised(cluster: &Cluster, cut: usize, key: &str) {
    let refused = within("a change is refused", ANSWERED_MAX, async {
        cluster.api(cut).create_channel("never").await.unwrap_err()
    });
    refused.await.assert_nothing_promised();
    let anew = rtmp::publish(cluster.node(cut).rtmp(), key);
    let anew = within("a publisher is refused", ANSWERED_MAX, anew).await.refused();
    assert!(!anew.code.ends_with("Start"), "{anew:?}");
    cluster
        .eventually_sees(cut, "that it is cut off", |status| {
            let codes = codes(status);
            let cut = ["no_leader", "cut_off", "leader_alone"];
            cut.iter().any(|code| codes.contains(code)).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_copy_outlives_a_link_that_is_slow_or_lossy_or_cut_one_way() {
    let cluster = Cluster::start(1, 2).await;
    let key = cluster.channel("demo").await;
    let encoder = Encoder::start(cluster.ingests(&[0]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let (one, two) = (cluster.viewer("demo", &[1]).await, cluster.viewer("demo", &[2]).await);
    one.plays_on(10).await;
    let bad = "everywhere delay_ms=50 loss=0.01 reorder=0.02";
    cluster.faults(0, bad).await;
    cluster.faults(1, bad).await;
    let (updates, start) = (one.seen().grew.len(), Instant::now());
    one.plays_on(updates + 40).await;
    let stall = one.seen().longest_stall(start + Duration::from_secs(1));
    println!("with 50 ms of delay and 1 % of loss each way: longest stall {stall:?}");
    assert!(stall < STALL_MAX, "{stall:?}");
    cluster.faults(1, "").await;
    let slow = format!("to @1 bytes_per_second={SLOW_BYTES_PER_SECOND}");
    cluster.faults(0, &slow).await;
    let (updates, start) = (one.seen().grew.len(), Instant::now());
    one.plays_on(updates + 40).await;
    let stall = one.seen().longest_stall(start + Duration::from_secs(1));
    let late = lateness(&one.seen(), &two.seen(), start);
    println!("with {SLOW_BYTES_PER_SECOND} bytes a second: longest stall {stall:?}, {late:?} late");
    assert!(stall < STALL_MAX, "{stall:?}");
    assert!(late > LATE_MIN, "the link was not slow: {late:?}");
    eventually("operators see how late it is", SOON, async || lag(&cluster, 1, 0).await).await;
    // The edge is heard and hears nothing.
    cluster.faults(0, "to @1 block").await;
    let updates = two.seen().grew.len();
    two.plays_on(updates + 25).await;
    cluster.faults(0, "").await;
    let (updates, healed) = (one.seen().grew.len(), Instant::now());
    let newest = one.seen().grew.last().unwrap().0;
    assert!(healed - newest > CUT_MIN, "the cut had no effect: {:?}", healed - newest);
    let on = one.plays_on(updates).await - healed;
    println!("a link cut one way healed: its viewer went on after {on:?}");
    assert!(on < HEALED_MAX, "{on:?}");
    let newest = two.seen().grew.last().unwrap().1;
    eventually("it has caught up", SOON, async || {
        (one.seen().grew.last()?.1 >= newest).then_some(())
    })
    .await;
    one.assert_content("a bad link");
    two.assert_content("beside a bad link");
    assert_eq!(encoder.lives().len(), 1);
}

/// What a node says of the copies that it pulls from another one, once they are late.
async fn lag(cluster: &Cluster, node: usize, source: usize) -> Option<()> {
    let name = Cluster::name(source);
    let links: Vec<LinkInfo> = cluster.api(node).call(Method::GET, "/v1/links", None).await.ok()?;
    let media = links.into_iter().find(|link| link.to_name == name && link.lane == "media")?;
    (u128::from(media.lag_ms?) > LATE_MIN.as_millis()).then_some(())
}

/// How much later one of two viewers saw the same parts, the median of those since `since`.
fn lateness(one: &Seen, other: &Seen, since: Instant) -> Duration {
    let known: BTreeMap<_, _> = other.grew.iter().map(|(at, part)| (part, at)).collect();
    let late = one.grew.iter().filter(|(at, _)| *at > since);
    let mut late: Vec<Duration> = late
        .filter_map(|(at, part)| Some(at.saturating_duration_since(**known.get(part)?)))
        .collect();
    late.sort_unstable();
    late[late.len() / 2]
}
