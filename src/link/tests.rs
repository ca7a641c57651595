//! Several nodes in one process, on loopback, each behind its own faulty network.

mod bad_networks;
mod joining;
mod keys;
mod mesh;
mod requests;
mod streams;
mod wire;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use super::fault::Faults;
use super::peers::PeerState;
use super::trust::{Authority, Credentials, NodeKey};
use super::*;

/// Nothing here takes so long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
const NOON: i64 = 1_800_000_000_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What nodes of one cluster share.
pub(crate) struct Cluster {
    authority: Arc<Authority>,
    time: Arc<AtomicI64>,
}

pub(crate) struct Node {
    pub(crate) link: Link,
    pub(crate) trust: Arc<Trust>,
    pub(crate) faults: Faults,
    stop: watch::Sender<bool>,
}

pub(crate) fn id(number: u64) -> NodeId {
    NodeId(number)
}

fn roles(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn clock(time: &Arc<AtomicI64>) -> Clock {
    let time = Arc::clone(time);
    Arc::new(move || Timestamp(time.load(Ordering::Relaxed)))
}

fn world(clock: Clock) -> (World, watch::Sender<bool>) {
    let (sender, stop) = watch::channel(false);
    let runtime = tokio::runtime::Handle::current();
    let spawn: Spawn = Arc::new(move |_, future| drop(runtime.spawn(future)));
    (World { spawn, clock, stop }, sender)
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let time = Arc::new(AtomicI64::new(NOON));
        Self { authority: Arc::new(Authority::new(Timestamp(NOON)).unwrap()), time }
    }

    fn trust(&self, number: u64, words: &[&str], issued_at: i64) -> Arc<Trust> {
        let key = NodeKey::new().unwrap();
        let issued = self
            .authority
            .issue(id(number), &roles(words), &key.public(), Timestamp(issued_at))
            .unwrap();
        let authority = words.contains(&"voter").then(|| Arc::clone(&self.authority));
        let credentials = Credentials::new(issued, &key).with_next(&NodeKey::new().unwrap());
        Arc::new(Trust::new(credentials, authority).unwrap())
    }

    pub(crate) fn node(&self, number: u64) -> Node {
        self.start(self.trust(number, &["ingest", "voter"], NOON), None, |_| {})
    }

    fn start(
        &self,
        trust: Arc<Trust>,
        joins: Option<Arc<dyn Joins>>,
        adapt: impl FnOnce(&mut Config),
    ) -> Node {
        let faults = Faults::new(1);
        let mut config = Config::new("127.0.0.1:0".parse().unwrap(), 1, "test");
        config.faults = Some(faults.clone());
        adapt(&mut config);
        let (world, stop) = world(clock(&self.time));
        let link = Link::start(config, Arc::clone(&trust), joins, world).unwrap();
        Node { link, trust, faults, stop }
    }

    /// Two connected nodes, 1 and 2.
    pub(crate) async fn pair(&self) -> (Node, Node) {
        let (one, two) = (self.node(1), self.node(2));
        meet(&one, &two).await;
        (one, two)
    }
}

impl Node {
    pub(crate) fn id(&self) -> NodeId {
        self.trust.node()
    }

    pub(crate) fn socket(&self) -> SocketAddr {
        self.link.local_addr().unwrap()
    }

    pub(crate) fn address(&self) -> PeerAddress {
        PeerAddress { node: self.id(), addresses: vec![self.socket()] }
    }

    fn state(&self, of: NodeId) -> Option<PeerState> {
        self.link.peers().into_iter().find(|peer| peer.node == of).map(|peer| peer.state)
    }

    async fn sees(&self, of: NodeId, state: PeerState) {
        self.until(|node| node.state(of) == Some(state)).await;
    }

    /// Waits for a change after which `holds`.
    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            let mut changes = self.link.changes();
            while !holds(self) {
                // Counters change without a notice.
                let _ = tokio::time::timeout(Duration::from_millis(20), changes.changed()).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(in_time.is_ok(), "still {:?} {:?}", self.link.peers(), self.link.counts());
    }
}

pub(crate) async fn meet(one: &Node, two: &Node) {
    one.link.set_peers(vec![two.address()]);
    two.link.set_peers(vec![one.address()]);
    one.sees(two.id(), PeerState::Connected).await;
    two.sees(one.id(), PeerState::Connected).await;
}

/// Answers every request with its body.
fn echo(node: &Node) {
    node.link.on_request("echo", Kind::default(), |_, body| Box::pin(async move { Ok(body) }));
}

async fn ask(from: &Node, to: &Node, body: &'static [u8]) -> Result<Bytes, CallError> {
    from.link.call(to.id(), "echo", Bytes::from_static(body), PATIENCE).await
}
