//! Nodes of one cluster in this process, each with threads of its own, so that the system says what each costs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use weir::actors::clock;
use weir::link::fetch::{Demand, LINGER, Puller, Replica, Replicas, Sources};
use weir::link::peers::PeerState;
use weir::link::replicate::{Offer, Originals, Replicate};
use weir::link::trust::{Authority, Credentials, NodeKey, Trust};
use weir::link::{Config, Link, Spawn, World, peers::PeerAddress};
use weir::store::window::Window;
use weir_media::TrackId;
use weir_media::rendition::Timing;
use weir_media::replica::{Shade, Step};
use weir_model::{ChannelName, NodeId};

use super::studio::Made;

const EPOCH: u64 = 5;
const ORIGIN: NodeId = NodeId(1);

pub(crate) fn channel(number: usize) -> ChannelName {
    format!("bench-{number}").parse().unwrap()
}

/// When a part was ready at the origin and how long it took to another node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hop {
    pub(crate) ready: Instant,
    pub(crate) took: Duration,
}

/// What arrived at a node.
#[derive(Default)]
pub(crate) struct Arrivals {
    pub(crate) hops: Mutex<Vec<Hop>>,
    /// When the first part of each channel came.
    pub(crate) first: Mutex<HashMap<ChannelName, Instant>>,
    pub(crate) windows: Mutex<HashMap<ChannelName, Arc<Window>>>,
}

/// Windows of the origin, or of a copying node.
struct Knows {
    originals: HashMap<ChannelName, Arc<Window>>,
    made: HashMap<ChannelName, Made>,
    arrivals: Arc<Arrivals>,
}

impl Originals for Knows {
    fn offer(&self, channel: &ChannelName) -> Option<Offer> {
        let window = self.originals.get(channel).cloned()?;
        Some(Offer { window, epoch: EPOCH, path: Vec::new() })
    }

    fn shade(&self, _: &ChannelName) -> Shade {
        Shade::default()
    }
}

impl Sources for Knows {
    fn source(&self, _: &ChannelName) -> Option<(NodeId, u64)> {
        Some((ORIGIN, EPOCH))
    }
}

impl Replicas for Knows {
    fn replica(&self, channel: &ChannelName, timing: &Timing) -> Arc<dyn Replica> {
        let mut windows = self.arrivals.windows.lock();
        let window =
            windows.entry(channel.clone()).or_insert_with(|| Arc::new(Window::new(*timing)));
        Arc::new(Probe {
            channel: channel.clone(),
            window: Arc::clone(window),
            made: Arc::clone(&self.made[channel]),
            arrivals: Arc::clone(&self.arrivals),
        })
    }
}

/// A window that notes when its parts were there.
struct Probe {
    channel: ChannelName,
    window: Arc<Window>,
    made: Made,
    arrivals: Arc<Arrivals>,
}

impl Replica for Probe {
    fn step(&self, steps: &mut Vec<Step>) {
        let part = |step: &Step| match step {
            Step::Part(track, part) => Some((*track, part.number)),
            _ => None,
        };
        let parts: Vec<(TrackId, u64)> = steps.iter().filter_map(part).collect();
        self.window.step(steps);
        let now = Instant::now();
        if parts.is_empty() {
            return;
        }
        self.arrivals.first.lock().entry(self.channel.clone()).or_insert(now);
        let made = self.made.lock();
        let hop = |ready: &Instant| Hop { ready: *ready, took: now - *ready };
        self.arrivals.hops.lock().extend(parts.iter().filter_map(|one| made.get(one)).map(hop));
    }

    fn take_shade(&self, shade: Shade) {
        self.window.take_shade(shade);
    }
}

/// One node.
pub(crate) struct Node {
    id: NodeId,
    pub(crate) link: Link,
    pub(crate) puller: Puller,
    _replicate: Replicate,
    pub(crate) arrivals: Arc<Arrivals>,
    name: String,
    runtime: Option<Runtime>,
    _stop: watch::Sender<bool>,
}

impl Drop for Node {
    fn drop(&mut self) {
        // A runtime must not wait inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Node {
    /// Node 1 is the origin of `originals`; the others copy from it.
    pub(crate) fn start(
        authority: &Arc<Authority>,
        number: u64,
        originals: HashMap<ChannelName, Arc<Window>>,
        made: HashMap<ChannelName, Made>,
    ) -> Self {
        let name = format!("node-{number}");
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().thread_name(&name).build();
        let runtime = runtime.unwrap();
        let handle = runtime.handle().clone();
        let spawn: Spawn = Arc::new(move |_, future| drop(handle.spawn(future)));
        let (sender, stop) = watch::channel(false);
        let world = World { spawn, clock: Arc::new(clock::now), stop };
        let id = NodeId(number);
        let roles = BTreeSet::from(["edge".to_owned()]);
        let key = NodeKey::new().unwrap();
        let issued = authority.issue(id, &roles, &key.public(), clock::now()).unwrap();
        let trust = Arc::new(Trust::new(Credentials::new(issued, &key), None).unwrap());
        let _inside = runtime.enter();
        let config = Config::new("127.0.0.1:0".parse().unwrap(), 1, "bench");
        let link = Link::start(config, trust, None, world).unwrap();
        let arrivals = Arc::new(Arrivals::default());
        let knows = Arc::new(Knows { originals, made, arrivals: Arc::clone(&arrivals) });
        let (sources, replicas) = (Arc::clone(&knows), Arc::clone(&knows));
        let puller = Puller::start(&link, sources, replicas, LINGER);
        let replicate = Replicate::start(&link, knows);
        Self {
            id,
            link,
            puller,
            _replicate: replicate,
            arrivals,
            name,
            runtime: Some(runtime),
            _stop: sender,
        }
    }

    pub(crate) fn address(&self) -> PeerAddress {
        PeerAddress { node: self.id, addresses: vec![self.link.local_addr().unwrap()] }
    }

    pub(crate) async fn connected(&self) {
        let away = |node: &Self| {
            let peers = node.link.peers();
            peers.is_empty() || peers.iter().any(|peer| peer.state != PeerState::Connected)
        };
        while away(self) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn want(&self, streams: std::ops::Range<usize>) -> Vec<Demand> {
        streams.map(|number| self.puller.want(&channel(number)).unwrap()).collect()
    }

    /// Datagrams and their bytes that it sent.
    pub(crate) fn sent(&self) -> (u64, u64) {
        let peers = self.link.peers();
        let sum = |of: fn(&weir::link::peers::PeerInfo) -> u64| peers.iter().map(of).sum();
        (sum(|peer| peer.packets_sent), sum(|peer| peer.bytes_out))
    }

    /// Media bytes in its windows so far, parts that came for nothing, and gaps.
    pub(crate) fn taken(&self) -> (u64, u64, u64) {
        let all = self.puller.incoming();
        let sum =
            |of: fn(&weir::link::fetch::Tally) -> u64| all.iter().map(|one| of(&one.tally)).sum();
        (sum(|it| it.bytes), sum(|it| it.unwanted), sum(|it| it.gaps + it.started_over))
    }

    /// Processor seconds of its threads.
    pub(crate) fn cpu(&self) -> f64 {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        threads.filter_map(|thread| cpu_of(&thread.path(), &self.name)).sum()
    }
}

fn cpu_of(thread: &std::path::Path, name: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(thread.join("stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let fields: Vec<f64> = after.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    // The kernel counts in hundredths of a second.
    before.ends_with(&format!("({name}")).then(|| fields.iter().sum::<f64>() / 100.0)
}
