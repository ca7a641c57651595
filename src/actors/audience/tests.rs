//! Several nodes in one process that tell one another who watches.

use std::net::IpAddr;

use weir_cluster::limits::SEATS_PER_REPORT_MAX;
use weir_cluster::viewings::{Body, Seat};
use weir_model::{ChannelName, Timestamp};

use super::*;
use crate::actors::clock;
use crate::actors::events::Events;
use crate::actors::viewings::{Limits, Verdict, Visit};
use crate::link::request::CallError;
use crate::link::tests::{Cluster, Node, PATIENCE, meet};

/// A node that counts.
struct Hall {
    node: Node,
    viewings: Viewings,
    audience: Audience,
}

fn channel() -> ChannelName {
    "demo".parse().unwrap()
}

fn viewings() -> Viewings {
    Viewings::new(Events::new(), Limits { total: 99, per_address: 99 })
}

impl Hall {
    fn of(node: Node) -> Self {
        let viewings = viewings();
        let (id, start) = (node.id(), Incarnation(1));
        let audience = Audience::start(&node.link, &viewings, &Tasks::new(), id, start);
        Self { node, viewings, audience }
    }

    fn touch(&self, id: u64) -> Verdict {
        let (channel, remote) = (channel(), IpAddr::from([192, 0, 2, 1]));
        let visit = Visit { channel: &channel, account: None, protocol: "hls", remote, player: "" };
        self.viewings.touch(ViewingId(id), visit)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Viewings) -> bool) {
        let waiting = async {
            while !holds(&self.viewings) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(in_time.is_ok(), "{what}: {} watch", self.viewings.watching(&channel()));
    }

    async fn counts(&self, viewers: u64) {
        self.until("the count", |viewings| viewings.watching(&channel()) == viewers).await;
    }

    async fn refused(&self, to: &Self, kind: &'static str, body: impl Into<Bytes>) -> String {
        let answer = self.node.link.call(to.node.id(), kind, body.into(), PATIENCE).await;
        let Err(CallError::Refused(refusal)) = answer else { panic!("{answer:?}") };
        refusal.code
    }
}

/// Nodes 1, 2 and 3, each linked with the others.
async fn three() -> [Hall; 3] {
    let cluster = Cluster::new();
    let nodes = [cluster.node(1), cluster.node(2), cluster.node(3)];
    for node in &nodes {
        node.link.set_peers(nodes.iter().map(Node::address).collect());
    }
    let halls = nodes.map(Hall::of);
    for hall in &halls {
        let connected = |_: &Viewings| hall.audience.inner.listeners().len() == 2;
        hall.until("the links", connected).await;
    }
    halls
}

#[tokio::test]
async fn every_node_counts_each_viewer_of_the_cluster_once() {
    let halls = three().await;
    let [one, two, three] = &halls;
    one.touch(1);
    one.touch(2);
    two.touch(2);
    three.touch(3);
    for hall in &halls {
        hall.counts(3).await;
    }
    assert_eq!(one.viewings.total(), 2, "of its own it has two");
    assert_eq!(three.viewings.channel_of(ViewingId(1)), Some(channel()));
}

#[tokio::test]
async fn when_a_kick_is_answered_it_is_in_force_on_every_node() {
    let [one, two, three] = three().await;
    one.touch(1);
    two.touch(1);
    three.until("the viewing", |seen| seen.channel_of(ViewingId(1)).is_some()).await;
    let told = three.audience.kick(ViewingId(1)).await;
    assert_eq!(told, Some([NodeId(1), NodeId(2)].into()));
    for hall in [&one, &two, &three] {
        assert_eq!(hall.touch(1), Verdict::Kicked, "{}", hall.node.id());
    }
    assert_eq!((one.viewings.total(), two.viewings.total()), (0, 0));
    assert_eq!(three.audience.kick(ViewingId(1)).await, None);
    assert_eq!(three.audience.kick(ViewingId(2)).await, None);
    one.counts(0).await;
}

#[tokio::test]
async fn a_kick_comes_to_who_was_away_and_round_a_link_that_is_missing() {
    let cluster = Cluster::new();
    let [one, two, three] = [1, 2, 3].map(|id| Hall::of(cluster.node(id)));
    meet(&one.node, &two.node).await;
    one.touch(1);
    two.until("the viewing", |seen| seen.channel_of(ViewingId(1)).is_some()).await;
    assert_eq!(one.audience.kick(ViewingId(1)).await, Some([NodeId(2)].into()));
    // The third only knows the second.
    two.node.link.set_peers(vec![one.node.address(), three.node.address()]);
    three.node.link.set_peers(vec![two.node.address()]);
    three.until("the kick", |seen| seen.kicked(ViewingId(1))).await;
    assert_eq!(three.touch(1), Verdict::Kicked);
}

#[tokio::test]
async fn who_knows_nothing_any_more_is_told_everything() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let (one, mut two) = (Hall::of(one), Hall::of(two));
    one.touch(1);
    one.touch(2);
    one.touch(3);
    two.counts(3).await;
    one.audience.kick(ViewingId(3)).await;
    two.counts(2).await;
    // As a new start of the node would.
    two.viewings = viewings();
    serve(&two.node.link, &two.viewings);
    two.counts(2).await;
    two.until("the kick", |seen| seen.kicked(ViewingId(3))).await;
}

#[tokio::test]
async fn bodies_that_break_the_rules_are_refused_and_count_nothing() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let (one, two) = (Hall::of(one), Hall::of(two));
    let seat = |id| Seat {
        id: ViewingId(id),
        channel: channel(),
        account: None,
        since: Timestamp(0),
        newest: Timestamp(0),
    };
    let report = |node, seats: Vec<Seat>| {
        let body = Body::Delta { seats, gone: Vec::new() };
        let report = Report { node: NodeId(node), incarnation: Incarnation(9), seq: 1, body };
        serde_json::to_vec(&report).unwrap()
    };
    for garbage in [&b""[..], b"null", b"{}", b"\xff\xff", b"[[[[", br#"{"node":1}"#] {
        assert_eq!(one.refused(&two, REPORT, garbage).await, "malformed");
        assert_eq!(one.refused(&two, KICKS, garbage).await, "malformed");
    }
    assert_eq!(one.refused(&two, REPORT, report(2, vec![seat(1)])).await, "not_yours");
    let many = (0..=SEATS_PER_REPORT_MAX as u64).map(seat).collect();
    assert_eq!(one.refused(&two, REPORT, report(1, many)).await, "malformed");
    let kicks: Vec<Kick> =
        (0..=KICKS_PER_REQUEST_MAX as u64).map(|id| (ViewingId(id), clock::now())).collect();
    let kicks = serde_json::to_vec(&kicks).unwrap();
    assert_eq!(one.refused(&two, KICKS, kicks).await, "malformed");
    assert_eq!(two.viewings.watching(&channel()), 0);
    assert!(!two.viewings.kicked(ViewingId(0)));
}

#[test]
fn who_missed_little_is_sent_that_and_who_missed_much_everything() {
    let viewings = viewings();
    let mut speech = Speech::new(NodeId(1), Incarnation(1));
    let numbers = |speech: &Speech, heard| -> Vec<Option<u64>> {
        speech.after(heard).unwrap().into_iter().map(|(number, _)| number).collect()
    };
    let is_full = |speech: &Speech, heard| {
        let words = speech.after(heard).unwrap();
        let report: Report = serde_json::from_slice(&words[0].1).unwrap();
        matches!(report.body, Body::Full { .. })
    };
    for _ in 0..3 {
        speech.go_on(&viewings, 0).unwrap();
    }
    assert_eq!(numbers(&speech, Some(1)), [Some(2), Some(3)]);
    assert_eq!(numbers(&speech, Some(3)), []);
    assert!(is_full(&speech, None) && !is_full(&speech, Some(1)));
    assert_eq!(numbers(&speech, None), [Some(3)]);
    for _ in 0..20 {
        speech.go_on(&viewings, 0).unwrap();
    }
    assert!(is_full(&speech, Some(3)));
    assert_eq!(numbers(&speech, Some(3)), [Some(23)]);
}
