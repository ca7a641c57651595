//! Partitions, loss, delay, and what can be seen on the wire.

use quinn::{Runtime, TokioRuntime};

use super::*;
use crate::link::fault::Rule;

/// Idle timeout plus what a test machine needs.
const NOTICED: Duration = Duration::from_millis(3_500);

#[tokio::test]
async fn a_partition_is_noticed_in_time_and_heals() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    echo(&two);
    one.faults.partition(two.socket());
    let since = TokioRuntime.now();
    one.until(|node| node.state(id(2)) == Some(PeerState::Dialing)).await;
    two.until(|node| node.state(id(1)) == Some(PeerState::Awaited)).await;
    let noticed = TokioRuntime.now() - since;
    assert!(noticed <= NOTICED, "{noticed:?}");
    assert!(one.faults.lost() > 0);
    one.faults.heal();
    one.sees(id(2), PeerState::Connected).await;
    assert_eq!(ask(&one, &two, b"healed").await.unwrap(), "healed");
}

#[tokio::test]
async fn one_blocked_direction_counts_as_death() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.faults.to(one.socket(), Rule::blocked());
    let since = TokioRuntime.now();
    one.until(|node| node.state(id(2)) == Some(PeerState::Dialing)).await;
    let noticed = TokioRuntime.now() - since;
    assert!(noticed <= NOTICED, "{noticed:?}");
    // The deaf direction is not used either: nothing is half connected.
    two.until(|node| node.state(id(1)) == Some(PeerState::Awaited)).await;
}

#[tokio::test]
async fn a_lossy_and_slow_link_still_serves_requests() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    echo(&two);
    let bad = Rule { delay: Duration::from_millis(25), loss: 0.01, ..Rule::default() };
    one.faults.everywhere(bad);
    two.faults.everywhere(bad);
    let asks = (0..200).map(|_| ask(&one, &two, b"through the mud"));
    let answers = futures_util::future::join_all(asks).await;
    assert!(
        answers.iter().all(|answer| answer.as_ref().is_ok_and(|body| body == "through the mud"))
    );
    one.until(|node| {
        node.link.peers()[0].control.as_ref().is_some_and(|lane| lane.rtt_us > 40_000)
    })
    .await;
}

#[tokio::test]
async fn damaged_doubled_and_overtaken_datagrams_do_no_harm() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    echo(&two);
    let jitter = Duration::from_millis(5);
    let bad = Rule { duplicate: 0.1, reorder: 0.1, corrupt: 0.05, jitter, ..Rule::default() };
    one.faults.everywhere(bad);
    two.faults.everywhere(bad);
    let body = Bytes::from((0..200_000_u32).map(|byte| byte as u8).collect::<Vec<_>>());
    for _ in 0..5 {
        let answer = one.link.call(id(2), "echo", body.clone(), PATIENCE).await;
        assert_eq!(answer.unwrap(), body);
    }
}

#[tokio::test]
async fn nothing_readable_is_on_the_wire() {
    const MARKER: &[u8] = b"a-plaintext-that-nobody-may-see";
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(1), cluster.node(2));
    one.faults.record();
    two.faults.record();
    meet(&one, &two).await;
    echo(&two);
    assert_eq!(ask(&one, &two, MARKER).await.unwrap(), MARKER);
    let datagrams = [one.faults.recorded(), two.faults.recorded()].concat();
    assert!(datagrams.iter().map(Vec::len).sum::<usize>() > 4000, "the wire was not seen");
    let seen = |text: &[u8]| {
        datagrams.iter().any(|datagram| datagram.windows(text.len()).any(|part| part == text))
    };
    assert!(!seen(MARKER));
    // Nor who talks: certificates and hellos are inside, too.
    assert!(!seen(b"node_0000000000000001") && !seen(b"incarnation"));
}
