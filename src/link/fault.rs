//! A bad network between this node's socket and the real one: for tests and game days.
//!
//! Kernels that we test on have no `netem`, and none can break one direction of one pair of processes on
//! loopback. Faults of outgoing datagrams are thrown by seeded dice per address; an incoming direction can
//! be blocked. The rules change while everything runs, through any clone of the [`Faults`] handle.

mod rule;
mod socket;

use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use rule::Rule;
pub(super) use socket::wrap;

use self::rule::Dice;

/// Datagrams that wait for their time: 50 ms at 1 Gbit/s. More are lost, as in a full router.
const WAITING_MAX: usize = 8192;
/// A slow link has a queue of this much time; behind it datagrams are lost.
const QUEUE_TIME: Duration = Duration::from_millis(200);
/// Datagrams that are recorded; a test looks at the first of them.
const RECORDED_MAX: usize = 4096;

/// The handle.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

struct Shared {
    network: Mutex<Network>,
    wake: Notify,
    lost: AtomicU64,
}

struct Network {
    dice: Dice,
    everywhere: Rule,
    to: HashMap<SocketAddr, Rule>,
    from_blocked: HashMap<SocketAddr, bool>,
    busy_until: HashMap<SocketAddr, Instant>,
    waiting: BinaryHeap<Waiting>,
    order: u64,
    recorded: Option<Vec<Vec<u8>>>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faults")
    }
}

impl Faults {
    /// A perfect network, whose dice start at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let network = Network {
            dice: Dice::new(seed),
            everywhere: Rule::default(),
            to: HashMap::new(),
            from_blocked: HashMap::new(),
            busy_until: HashMap::new(),
            waiting: BinaryHeap::new(),
            order: 0,
            recorded: None,
        };
        let shared =
            Shared { network: Mutex::new(network), wake: Notify::new(), lost: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Sets the rule for datagrams to every address without a rule of its own.
    pub fn everywhere(&self, rule: Rule) {
        self.shared.network.lock().everywhere = rule;
    }

    /// Sets the rule for datagrams to `peer`.
    pub fn to(&self, peer: SocketAddr, rule: Rule) {
        self.shared.network.lock().to.insert(canonical(peer), rule);
    }

    /// Loses everything from `peer`, or no longer.
    pub fn block_from(&self, peer: SocketAddr, blocked: bool) {
        self.shared.network.lock().from_blocked.insert(canonical(peer), blocked);
    }

    /// Loses everything to and from `peer`.
    pub fn partition(&self, peer: SocketAddr) {
        self.to(peer, Rule::blocked());
        self.block_from(peer, true);
    }

    /// A perfect network again.
    pub fn heal(&self) {
        let mut network = self.shared.network.lock();
        network.everywhere = Rule::default();
        network.to.clear();
        network.from_blocked.clear();
        network.busy_until.clear();
    }

    /// Datagrams that were lost on purpose.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Begins to keep what is sent.
    pub fn record(&self) {
        self.shared.network.lock().recorded = Some(Vec::new());
    }

    /// What was sent since [`record`](Self::record), as it went to the wire.
    #[must_use]
    pub fn recorded(&self) -> Vec<Vec<u8>> {
        self.shared.network.lock().recorded.take().unwrap_or_default()
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// A datagram whose time has not come; the heap's greatest is the earliest.
struct Waiting {
    due: Instant,
    order: u64,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Waiting {}

enum Next {
    Now(Waiting),
    In(Duration),
    Nothing,
}

impl Network {
    fn due(&mut self, now: Instant) -> Next {
        match self.waiting.peek() {
            None => Next::Nothing,
            Some(first) if first.due > now => Next::In(first.due - now),
            Some(_) => self.waiting.pop().map_or(Next::Nothing, Next::Now),
        }
    }

    /// When the last bit of a datagram has left a link of limited rate; none when its queue is full.
    fn through_the_pipe(
        &mut self,
        to: SocketAddr,
        rule: &Rule,
        length: usize,
        now: Instant,
    ) -> Option<Instant> {
        let Some(rate) = rule.bytes_per_second else { return Some(now) };
        let free = self.busy_until.get(&to).copied().unwrap_or(now).max(now);
        if free - now > QUEUE_TIME {
            return None;
        }
        let sent = free + Duration::from_secs_f64(length as f64 / rate.max(1) as f64);
        self.busy_until.insert(to, sent);
        Some(sent)
    }
}
