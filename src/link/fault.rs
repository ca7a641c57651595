//! A bad network between this node's socket and the real one: for tests and game days.
//!
//! Kernels that we test on have no `netem`, and none can break one direction of one pair of processes on
//! loopback. Faults of outgoing datagrams are thrown by seeded dice per address; an incoming direction can
//! be blocked. The rules change while everything runs, through any clone of the [`Faults`] handle.

mod rule;

use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};
use tokio::sync::Notify;

pub use rule::Rule;

use self::rule::Dice;
use super::World;

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

/// Puts the faults before `inner`.
pub(super) fn wrap(
    faults: &Faults,
    inner: Arc<dyn AsyncUdpSocket>,
    world: &World,
) -> Arc<dyn AsyncUdpSocket> {
    let socket = Arc::new(Socket { inner, shared: Arc::clone(&faults.shared) });
    let (sender, mut stop) = (Arc::clone(&socket), world.stop.clone());
    world.short(async move {
        tokio::select! {
            () = sender.send_late_ones() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
    socket
}

struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FaultSocket").field(&self.inner).finish()
    }
}

/// What to do with a datagram now.
enum Now {
    Send,
    Nothing,
}

impl Socket {
    fn decide(&self, transmit: &Transmit<'_>) -> Now {
        let mut network = self.shared.network.lock();
        let to = canonical(transmit.destination);
        if let Some(recorded) = &mut network.recorded
            && recorded.len() < RECORDED_MAX
        {
            recorded.push(transmit.contents.to_vec());
        }
        let rule = network.to.get(&to).copied().unwrap_or(network.everywhere);
        if rule.is_clean() {
            return Now::Send;
        }
        let fate = network.dice.throw(&rule);
        let now = TokioRuntime.now();
        let sent = network.through_the_pipe(to, &rule, transmit.contents.len(), now);
        let (false, Some(sent)) = (fate.lost, sent) else {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return Now::Nothing;
        };
        let mut bytes = transmit.contents.to_vec();
        if let Some(flip) = fate.flip {
            let at = (flip >> 3) % (bytes.len().max(1) as u64);
            if let Some(byte) = bytes.get_mut(usize::try_from(at).unwrap_or_default()) {
                *byte ^= 1 << (flip & 7);
            }
        }
        for _ in 0..fate.copies {
            if network.waiting.len() == WAITING_MAX {
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                break;
            }
            network.order += 1;
            let order = network.order;
            let waiting = Waiting {
                due: sent + fate.late,
                order,
                to: transmit.destination,
                bytes: bytes.clone(),
            };
            network.waiting.push(waiting);
        }
        self.shared.wake.notify_one();
        Now::Nothing
    }

    async fn send_late_ones(self: Arc<Self>) {
        let mut poller = Arc::clone(&self.inner).create_io_poller();
        loop {
            let next = {
                let mut network = self.shared.network.lock();
                network.due(TokioRuntime.now())
            };
            match next {
                Next::Now(waiting) => {
                    let transmit = Transmit {
                        destination: waiting.to,
                        ecn: None,
                        contents: &waiting.bytes,
                        segment_size: None,
                        src_ip: None,
                    };
                    while let Err(error) = self.inner.try_send(&transmit) {
                        if error.kind() != io::ErrorKind::WouldBlock {
                            break;
                        }
                        let writable = std::future::poll_fn(|cx| poller.as_mut().poll_writable(cx));
                        if writable.await.is_err() {
                            break;
                        }
                    }
                }
                Next::In(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.shared.wake.notified() => {}
                    }
                }
                Next::Nothing => self.shared.wake.notified().await,
            }
        }
    }
}

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

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.decide(transmit) {
            Now::Send => self.inner.try_send(transmit),
            Now::Nothing => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [io::IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = ready!(self.inner.poll_recv(cx, bufs, meta))?;
        let network = self.shared.network.lock();
        for one in meta.iter_mut().take(received) {
            if network.from_blocked.get(&canonical(one.addr)).copied().unwrap_or(false) {
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                // A datagram of no bytes is passed over.
                one.len = 0;
            }
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// One, so that each datagram has its own fate.
    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}
