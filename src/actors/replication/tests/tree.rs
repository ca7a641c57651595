//! Copies of copies: who feeds whom is the owner's plan, and nobody stalls for long when a feeder goes.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_cluster::replication::Site;

use super::support::*;
use crate::link::fetch::{Demand, STALL_MAX};
use crate::link::tests::{Cluster, Node, PATIENCE, id};

const OWNER: u64 = 1;
const FAN_OUT: u32 = 2;

/// Links everybody with everybody.
async fn mesh(nodes: &[Node]) {
    for node in nodes {
        let others = nodes.iter().filter(|other| other.id() != node.id());
        node.link.set_peers(others.map(Node::address).collect());
    }
    for node in nodes {
        let mut changes = node.link.changes();
        let linked = async {
            while node.link.connected().len() + 1 < nodes.len() {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, linked).await.unwrap();
    }
}

/// An owner and edges whom it places, everybody linked with everybody.
struct Grown {
    origin: Edge,
    edges: Vec<Edge>,
    wanted: Vec<Demand>,
    studio: Studio,
}

impl Grown {
    /// With `count` edges that came one after the other.
    async fn of(count: u64, picture_bytes: usize) -> Self {
        let cluster = Cluster::new();
        let nodes: Vec<Node> = (OWNER..=OWNER + count).map(|number| cluster.node(number)).collect();
        mesh(&nodes).await;
        let site = |node: &Node| Site { id: node.id(), zone: None, fan_out: FAN_OUT, relays: true };
        let sites: Vec<Site> = nodes.iter().map(site).collect();
        let mut nodes = nodes.into_iter();
        let (origin, window) = Edge::origin(nodes.next().unwrap(), 5);
        origin.plans_for(sites);
        let mut studio = Studio::new(window, 7, picture_bytes);
        studio.produce(9_000);
        let (mut edges, mut wanted) = (Vec::new(), Vec::new());
        for node in nodes {
            let edge = Edge::new(node);
            edge.pull_from(&origin.node, 5);
            wanted.push(edge.puller.want(&channel()).unwrap());
            edge.same_as(&studio.window).await;
            edges.push(edge);
        }
        Self { origin, edges, wanted, studio }
    }

    fn sources(&self) -> BTreeMap<u64, u64> {
        let of = |edge: &Edge| Some((edge.node.id().0, edge.incoming()?.source?.0));
        self.edges.iter().filter_map(of).collect()
    }

    /// Hops of each edge.
    fn depths(&self) -> Vec<usize> {
        let path = |edge: &Edge| edge.puller.path(&channel()).map_or(0, |(_, path)| path.len());
        self.edges.iter().map(path).collect()
    }

    async fn all_same(&self) {
        for edge in &self.edges {
            edge.same_as(&self.studio.window).await;
        }
    }

    /// A node that feeds others and is not the owner, removed with its demand, and who was fed.
    fn take_relay(&mut self) -> (Edge, Vec<u64>) {
        let sources = self.sources();
        let relay = *sources.values().find(|source| **source != OWNER).unwrap();
        let fed = sources.iter().filter(|(_, source)| **source == relay).map(|(node, _)| *node);
        let at = self.edges.iter().position(|edge| edge.node.id() == id(relay)).unwrap();
        drop(self.wanted.remove(at));
        (self.edges.remove(at), fed.collect())
    }

    /// Goes on until everybody plays, and says that nothing was missed.
    async fn goes_on_without(&mut self, relay: u64, fed: &[u64]) {
        let mut slices = tokio::time::interval(Duration::from_millis(100));
        let went_on = async {
            loop {
                slices.tick().await;
                let newest = self.studio.window.tip();
                let plays = |edge: &Edge| {
                    let elsewhere =
                        edge.incoming().is_some_and(|one| one.source != Some(id(relay)));
                    elsewhere && edge.window().is_some_and(|window| window.tip() == newest)
                };
                if self.edges.iter().all(plays) {
                    return;
                }
                self.studio.produce(100);
            }
        };
        let in_time = tokio::time::timeout(STALL_MAX, went_on).await;
        assert!(in_time.is_ok(), "{:?}", self.sources());
        self.studio.produce(3_000);
        self.all_same().await;
        for edge in &self.edges {
            let incoming = edge.incoming().unwrap();
            let lost = (incoming.tally.gaps, incoming.tally.started_over);
            assert_eq!(lost, (0, 0), "{incoming:?}");
            let was_fed = fed.contains(&edge.node.id().0);
            assert_eq!(incoming.tally.left > 0, was_fed, "{incoming:?}");
        }
        let children = self.sources().values().filter(|source| **source == OWNER).count();
        assert!(children <= FAN_OUT as usize, "{:?}", self.sources());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_edges_of_an_owner_that_feeds_two_say_the_same_at_one_and_two_hops() {
    let mut grown = Grown::of(6, 500).await;
    assert_eq!(grown.depths(), [1, 1, 2, 2, 2, 2]);
    for _ in 0..20 {
        grown.studio.produce(330);
        grown.all_same().await;
    }
    assert_eq!(grown.origin.replicate.outgoing().len(), 2);
    assert_eq!(grown.origin.replicate.sent_elsewhere(), 4);
    let subscriptions = |edge: &Edge| edge.incoming().unwrap().subscriptions;
    assert!(grown.edges.iter().all(|edge| subscriptions(edge) == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_children_of_a_node_that_was_killed_go_on_without_a_gap() {
    let mut grown = Grown::of(6, 500).await;
    let (relay, fed) = grown.take_relay();
    let dead = relay.node.id().0;
    drop(relay);
    grown.goes_on_without(dead, &fed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_children_of_a_node_that_fell_silent_go_on_without_a_gap() {
    let mut grown = Grown::of(6, 500).await;
    let (relay, fed) = grown.take_relay();
    for edge in grown.edges.iter().chain([&grown.origin]) {
        relay.node.faults.partition(edge.node.socket());
    }
    grown.goes_on_without(relay.node.id().0, &fed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_nobody_watches_any_more_keeps_its_copy_while_it_feeds_others() {
    let mut grown = Grown::of(3, 500).await;
    let (relay, fed) = grown.take_relay();
    assert_eq!(fed, [4]);
    // Longer than it lingers.
    live(&mut grown.studio, 3 * i64::try_from(LINGER.as_millis()).unwrap()).await;
    relay.same_as(&grown.studio.window).await;
    grown.all_same().await;
    grown.wanted.clear();
    relay.until("let go", |relay| relay.incoming().is_none()).await;
    grown.origin.until("nobody", |origin| origin.replicate.outgoing().is_empty()).await;
}
