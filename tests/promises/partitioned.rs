//! Links that are cut, slow and lossy, by the socket of `src/link/fault.rs`: only in builds with the feature `fault`.

use std::time::{Duration, Instant};

use crate::harness::cluster::{SOON, codes};
use crate::harness::{Cluster, Encoder, clip, eventually, within};

/// A node that is cut off knows that after a few seconds; a request is answered within its limit.
const ANSWERED_MAX: Duration = Duration::from_secs(12);
/// A copy goes on after a link is whole again, once both connections are there.
const HEALED_MAX: Duration = Duration::from_secs(6);
/// The cut lasts as long as a viewer beside it gets 25 parts, some 5 s.
const CUT_MIN: Duration = Duration::from_secs(2);
/// Half again what the clip has.
const SLOW_BYTES_PER_SECOND: u32 = 130_000;
/// On a link with 50 ms of delay and 1 % of loss each way a part may need a second round trip or two.
const STALL_MAX: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_minority_promises_nothing_and_both_sides_heal() {
    let cluster = Cluster::start(3, 1).await;
    let key = cluster.channel("demo").await;
    let leader = cluster.leader(3, &[]).await;
    let (cut, rest) = (leader, [(leader + 1) % 3, (leader + 2) % 3]);
    let encoder = Encoder::start(cluster.ingests(&[rest[0]]), &key, &clip::STANDARD);
    encoder.live_again(0).await;
    let viewer = cluster.viewer("demo", &[3]).await;
    let inside = cluster.viewer("demo", &[cut]).await;
    // Its clients reach it, nobody else does.
    cluster.faults(cut, "everywhere block").await;
    for other in [rest[0], rest[1], 3] {
        cluster.faults(other, &format!("to @{cut} block")).await;
    }
    let refused = within("a change is refused", ANSWERED_MAX, async {
        cluster.api(cut).create_channel("never").await.unwrap_err()
    });
    assert_eq!(refused.await.status.as_u16(), 503);
    cluster.eventually_writes(rest[0], "meanwhile").await;
    cluster
        .eventually_sees(cut, "that it is cut off", |status| {
            let codes = codes(status);
            let cut = ["no_leader", "cut_off", "leader_alone"];
            cut.iter().any(|code| codes.contains(code)).then_some(())
        })
        .await;
    let updates = viewer.seen().grew.len();
    viewer.plays_on(updates + 10).await;
    for node in 0..4 {
        cluster.faults(node, "").await;
    }
    cluster.eventually_all_up(cut).await;
    let api = cluster.api(cut);
    eventually("it has what it missed", SOON, async || api.channel("meanwhile").await.ok()).await;
    for node in 0..4 {
        assert!(cluster.api(node).channel("never").await.is_err(), "n{node} has what was refused");
    }
    let updates = inside.seen().grew.len();
    inside.plays_on(updates + 10).await;
    viewer.assert_content("a partition beside it");
    inside.assert_content("cut off and back");
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
    println!("with {SLOW_BYTES_PER_SECOND} bytes a second: longest stall {stall:?}");
    assert!(stall < STALL_MAX, "{stall:?}");
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
