//! Consensus of one and of three nodes in one process, over a network that loses, cuts and returns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use super::*;

mod bench;
mod cluster;
pub(crate) mod sim;
mod single;

/// Everybody gives up after this; a sound cluster needs a fraction.
const PATIENCE: Duration = Duration::from_secs(20);

/// A counter that remembers replies, as every machine must.
#[derive(Default)]
pub(super) struct Counter(Mutex<Counted>);

#[derive(Default, Clone, serde::Serialize, serde::Deserialize)]
struct Counted {
    total: u64,
    replies: Vec<(RequestId, u64)>,
    #[serde(skip)]
    known: HashMap<RequestId, u64>,
    #[serde(skip)]
    place: Option<Vec<u8>>,
}

impl Counted {
    fn make(&mut self, request: &Request) -> Reply {
        let add: u64 = serde_json::from_str(request.command.get()).unwrap();
        let value = self.known.get(&request.id).copied().unwrap_or_else(|| {
            self.total += add;
            self.known.insert(request.id, self.total);
            self.replies.push((request.id, self.total));
            self.total
        });
        serde_json::value::to_raw_value(&value).unwrap()
    }
}

impl Counter {
    pub(super) fn total(&self) -> u64 {
        self.0.lock().total
    }
}

impl Machine for Counter {
    fn place(&self) -> Result<Option<Vec<u8>>, MachineError> {
        Ok(self.0.lock().place.clone())
    }

    fn apply(
        &self,
        entries: Vec<Committed>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Reply>>, MachineError>> {
        let mut state = self.0.lock();
        state.place = Some(place);
        let entries = entries.into_iter();
        let of_entry = |entry: Committed| {
            entry.requests.into_iter().map(|request| state.make(&request)).collect()
        };
        let replies = entries.map(of_entry).collect();
        Box::pin(std::future::ready(Ok(replies)))
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        Ok(serde_json::to_vec(&*self.0.lock()).unwrap())
    }

    fn install(
        &self,
        state: Arc<Vec<u8>>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), MachineError>> {
        let mut read: Counted = serde_json::from_slice(&state).unwrap();
        read.known = read.replies.iter().copied().collect();
        read.place = Some(place);
        *self.0.lock() = read;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Joins nodes of one process.
#[derive(Default)]
pub(super) struct Mesh {
    nodes: RwLock<HashMap<u64, Consensus>>,
    /// Ways that carry nothing: from, to.
    cut: RwLock<HashSet<(u64, u64)>>,
    /// Of a thousand requests and of a thousand answers, how many are lost.
    loss: AtomicU64,
    calls: AtomicU64,
}

impl Mesh {
    fn lose(&self) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mixed = call.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        mixed % 1000 < self.loss.load(Ordering::Relaxed)
    }

    fn isolate(&self, node: u64, others: &[u64]) {
        let ways = others.iter().filter(|other| **other != node);
        self.cut.write().extend(ways.flat_map(|other| [(node, *other), (*other, node)]));
    }

    fn heal(&self) {
        self.cut.write().clear();
    }
}

struct Way {
    from: u64,
    mesh: Arc<Mesh>,
}

impl Network for Way {
    fn call(
        &self,
        to: NodeId,
        kind: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        Box::pin(async move {
            assert!(body.len() <= BODY_BYTES_MAX, "{kind}: {}", body.len());
            let cut = |way| self.mesh.cut.read().contains(&way);
            let node = self.mesh.nodes.read().get(&to.0).cloned();
            let node = node.ok_or_else(|| CallError::Unreachable("it is off".into()))?;
            let silence = async {
                tokio::time::sleep(deadline).await;
                Err(CallError::TimedOut)
            };
            if cut((self.from, to.0)) || self.mesh.lose() {
                return silence.await;
            }
            let answer = tokio::time::timeout(deadline, node.handle(kind, &body)).await;
            if cut((to.0, self.from)) || self.mesh.lose() {
                return silence.await;
            }
            answer.unwrap_or(Err(CallError::TimedOut))
        })
    }
}

#[allow(clippy::disallowed_methods)]
fn spawn() -> Spawn {
    Arc::new(|_: &str, body| drop(tokio::spawn(body)))
}

/// A node with its disk and machine, which outlive its process.
pub(super) struct Node {
    id: u64,
    starts: AtomicU64,
    dir: tempfile::TempDir,
    machine: Mutex<Arc<Counter>>,
    mesh: Arc<Mesh>,
    off: AtomicBool,
    full: Arc<AtomicBool>,
}

impl Node {
    fn new(id: u64, mesh: &Arc<Mesh>) -> Self {
        Self {
            id,
            starts: AtomicU64::new(1),
            dir: tempfile::tempdir().unwrap(),
            machine: Mutex::default(),
            mesh: Arc::clone(mesh),
            off: AtomicBool::new(true),
            full: Arc::default(),
        }
    }

    async fn start(&self) -> Consensus {
        let started = Consensus::open(Parts {
            dir: self.dir.path().to_owned(),
            node: NodeId(self.id),
            incarnation: self.starts.fetch_add(1, Ordering::Relaxed),
            machine: Arc::clone(&self.machine.lock()) as Arc<dyn Machine>,
            network: Arc::new(Way { from: self.id, mesh: Arc::clone(&self.mesh) }),
            spawn: spawn(),
            room: self.room(),
            now: || weir_model::Timestamp(0),
        });
        let started = started.await.unwrap();
        self.mesh.nodes.write().insert(self.id, started.clone());
        self.off.store(false, Ordering::Relaxed);
        started
    }

    fn room(&self) -> Room {
        let full = Arc::clone(&self.full);
        Arc::new(move || match full.load(Ordering::Relaxed) {
            true => Err("its disk is full".into()),
            false => Ok(()),
        })
    }

    async fn stop(&self) {
        self.off.store(true, Ordering::Relaxed);
        let node = self.mesh.nodes.write().remove(&self.id);
        if let Some(node) = node {
            node.shutdown().await;
        }
    }

    fn running(&self) -> Consensus {
        self.mesh.nodes.read()[&self.id].clone()
    }

    fn machine(&self) -> Arc<Counter> {
        Arc::clone(&self.machine.lock())
    }
}

async fn add(node: &Consensus, by: u64) -> Result<u64, ProposeError> {
    let command = serde_json::value::to_raw_value(&by).unwrap();
    let reply = node.propose(command, Purpose::Wish, PATIENCE).await?;
    Ok(serde_json::from_str(reply.get()).unwrap())
}

/// Waits until `is` of each node's status.
async fn until(nodes: &[&Consensus], what: &str, is: impl Fn(&Status) -> bool) {
    let all = async {
        while !nodes.iter().all(|node| is(&node.status())) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        let status: Vec<Status> = nodes.iter().map(|node| node.status()).collect();
        panic!("not in time: {what}: {status:#?}");
    }
}

/// Three voters; the first founded the cluster and held 1,000 before.
async fn three() -> (Arc<Mesh>, Vec<Node>) {
    let mesh = Arc::new(Mesh::default());
    let nodes: Vec<Node> = (1..=3).map(|id| Node::new(id, &mesh)).collect();
    nodes[0].machine().0.lock().total = 1_000;
    for node in &nodes {
        node.start().await;
    }
    let first = nodes[0].running();
    first.found().await.unwrap();
    for node in &nodes[1..] {
        join(&first, node.id).await;
    }
    (mesh, nodes)
}

async fn join(by: &Consensus, node: u64) {
    by.change(Change::AddLearner(NodeId(node))).await.unwrap();
    let caught_up = |status: &Status| {
        let lag = |peer: &PeerStatus| peer.node.0 == node && peer.lag == Some(0);
        status.peers.iter().any(lag)
    };
    until(&[by], "the learner has caught up", caught_up).await;
    by.change(Change::Promote(NodeId(node))).await.unwrap();
}

/// Checks what a linearizable counter that adds 1 can have answered: nothing twice, and later for later.
fn check_history(history: &[(u64, u64, u64)]) {
    let mut by_value = BTreeMap::new();
    for (begin, end, value) in history {
        assert!(by_value.insert(*value, (*begin, *end)).is_none(), "{value} was answered twice");
    }
    let mut newest_begin = 0;
    for (value, (begin, end)) in by_value {
        assert!(newest_begin <= end, "{value} was answered before one below it was asked for");
        newest_begin = newest_begin.max(begin);
    }
}
