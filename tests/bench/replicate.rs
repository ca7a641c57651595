//! What it costs to copy streams between nodes: bytes on the wire, time, and processor, in steady state and at a start.
//!
//! One origin and three edges in this process, 20 streams of 2.5 Mbit/s; later a fourth edge comes and wants them all.
//! There is no rival: what stands beside each figure is the bar of CLUSTER.md.

mod far;
mod nodes;
mod road;
mod studio;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir::actors::clock;
use weir::link::trust::Authority;

use crate::Effort;
use crate::report::{Report, percentile};
use nodes::{Node, channel};
use studio::Studio;

const STREAMS: usize = 20;
const EDGES: u64 = 3;
/// Longer than a playlist: there is history to fetch.
const BEFORE: Duration = Duration::from_secs(20);
/// After a start everything that belongs to it is over.
const SETTLING: Duration = Duration::from_secs(3);
/// IPv4 and UDP around each datagram.
const AROUND: u64 = 20 + 8;

pub(crate) async fn run(effort: Effort) -> Report {
    let default = if effort.quick { 5 } else { 30 };
    let length = Duration::from_secs(effort.seconds.unwrap_or(default));
    let mut studios: Vec<Studio> = (0..STREAMS).map(|_| Studio::new(clock::now())).collect();
    studios.iter_mut().for_each(|studio| studio.produce(BEFORE));
    let windows: HashMap<_, _> =
        (0..).map(channel).zip(studios.iter().map(|one| Arc::clone(&one.window))).collect();
    let made: HashMap<_, _> =
        (0..).map(channel).zip(studios.iter().map(|one| Arc::clone(&one.made))).collect();
    let authority = Arc::new(Authority::new(clock::now()).unwrap());
    let studio = far::Studios { windows: windows.clone(), made: made.clone() };
    let origin = Node::start(&authority, 1, windows, HashMap::new());
    let edge = |number| Node::start(&authority, number, HashMap::new(), made.clone());
    let edges: Vec<Node> = (2..2 + EDGES).map(edge).collect();
    let late = edge(2 + EDGES);
    origin.link.set_peers(edges.iter().chain([&late]).map(Node::address).collect());
    for edge in edges.iter().chain([&late]) {
        edge.link.set_peers(vec![origin.address()]);
        edge.connected().await;
    }
    // Blocking threads of this runtime: what it costs is not a node's.
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(studio::play(studios));
    });
    let mut report = Report::new("replicate");
    let demands = start(&mut report, &origin, &edges).await;
    steady(&mut report, &origin, &edges, length).await;
    join(&mut report, &origin, &edges, &late).await;
    drop((demands, origin, edges, late));
    far::run(&mut report, &studio, length).await;
    report
}

/// All edges want all streams at once.
async fn start(
    report: &mut Report,
    origin: &Node,
    edges: &[Node],
) -> Vec<weir::link::fetch::Demand> {
    let (wanted, before) = (Instant::now(), Seen::of(origin, edges));
    let demands = edges.iter().flat_map(|edge| edge.want(0..STREAMS)).collect();
    tokio::time::sleep(SETTLING).await;
    let mut first = firsts(edges, wanted);
    let cost = Seen::of(origin, edges).since(&before);
    report.row("all at once: first part p50, ms", percentile(&mut first, 50.0), None);
    report.row("all at once: first part max, ms", percentile(&mut first, 100.0), None);
    report.row("all at once: media used, MB", cost.media as f64 / 1e6, None);
    report.row("all at once: bytes on the wire, MB", cost.bytes as f64 / 1e6, None);
    report.row("all at once: pieces for nothing", cost.unwanted as f64, None);
    report.row("all at once: streams started", first.len() as f64, None);
    demands
}

async fn steady(report: &mut Report, origin: &Node, edges: &[Node], length: Duration) {
    let (began, before) = (Instant::now(), Seen::of(origin, edges));
    tokio::time::sleep(length).await;
    let cost = Seen::of(origin, edges).since(&before);
    let seconds = began.elapsed().as_secs_f64();
    let copies = STREAMS as f64 * edges.len() as f64;
    let media = cost.media as f64;
    let overhead = 100.0 * (cost.bytes as f64 / media - 1.0);
    let around = cost.datagrams * AROUND;
    let mut hops = hops(edges, began);
    report.row("Mbit/s per stream", media * 8e-6 / seconds / copies, None);
    report.row("datagrams to the edges per MB", cost.out_datagrams as f64 * 1e6 / media, None);
    report.row("datagrams to the origin per MB", cost.back_datagrams as f64 * 1e6 / media, None);
    report.row("bytes to the origin, % of media", 100.0 * cost.back_bytes as f64 / media, None);
    report.row(
        "overhead with IP and UDP headers, %",
        overhead + 100.0 * around as f64 / media,
        None,
    );
    report.row("pieces for nothing", cost.unwanted as f64, None);
    report.row("gaps", cost.gaps as f64, None);
    report.row("hop p50, ms", percentile(&mut hops, 50.0), None);
    report.row("hop max, ms", percentile(&mut hops, 100.0), None);
    report.at_most("overhead on the wire, % of media", overhead, 4.0);
    report.at_most("hop p99, ms", percentile(&mut hops, 99.0), 10.0);
    let percent = 100.0 / seconds / copies;
    report.at_most("edge CPU per stream, % of a core", cost.edges_cpu * percent, 0.3);
    report.at_most("origin CPU per stream and edge, %", cost.origin_cpu * percent, 0.1);
}

/// Another edge wants one stream, then all the others at once, while the first ones go on.
async fn join(report: &mut Report, origin: &Node, edges: &[Node], late: &Node) {
    let wanted = Instant::now();
    let one = late.want(0..1);
    tokio::time::sleep(SETTLING).await;
    let first = firsts(std::slice::from_ref(late), wanted).first().copied();
    report.at_most("first part at a cold edge, ms", first.unwrap_or(f64::MAX), 300.0);
    let (wanted, joined) = (Instant::now(), std::slice::from_ref(late));
    let before = Seen::of(origin, joined);
    let others = late.want(1..STREAMS);
    tokio::time::sleep(SETTLING).await;
    let cost = Seen::of(origin, joined).since(&before);
    let mut first = firsts(joined, wanted);
    report.row("a join: first part p50, ms", percentile(&mut first, 50.0), None);
    report.row("a join: media used, MB", cost.media as f64 / 1e6, None);
    report.row("a join: pieces for nothing", cost.unwanted as f64, None);
    report.at_most(
        "a join of all others: first part max, ms",
        percentile(&mut first, 100.0),
        300.0,
    );
    let mut others_hops = hops(edges, wanted);
    report.row("a join: hop p99 at the other edges, ms", percentile(&mut others_hops, 99.0), None);
    let mut own = hops(joined, wanted + Duration::from_millis(300));
    report.row("a join: hop p99 at the new edge, ms", percentile(&mut own, 99.0), None);
    drop((one, others));
}

/// Milliseconds from `wanted` to the first part of each stream that was wanted then.
fn firsts(edges: &[Node], wanted: Instant) -> Vec<f64> {
    let of = |edge: &Node| edge.arrivals.first.lock().values().copied().collect::<Vec<_>>();
    let all = edges.iter().flat_map(of).filter(|first| *first >= wanted);
    all.map(|first| (first - wanted).as_secs_f64() * 1000.0).collect()
}

/// Milliseconds that parts took which were ready after `began`.
fn hops(edges: &[Node], began: Instant) -> Vec<f64> {
    let of = |edge: &Node| edge.arrivals.hops.lock().clone();
    let all = edges.iter().flat_map(of).filter(|hop| hop.ready >= began);
    all.map(|hop| hop.took.as_secs_f64() * 1000.0).collect()
}

/// What was counted so far, or between two moments.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    datagrams: u64,
    bytes: u64,
    out_datagrams: u64,
    back_datagrams: u64,
    back_bytes: u64,
    media: u64,
    unwanted: u64,
    gaps: u64,
    origin_cpu: f64,
    edges_cpu: f64,
}

impl Seen {
    fn of(origin: &Node, edges: &[Node]) -> Self {
        let (out_datagrams, out_bytes) = origin.sent();
        let mut seen = Self { out_datagrams, origin_cpu: origin.cpu(), ..Self::default() };
        for edge in edges {
            let ((datagrams, bytes), (media, unwanted, gaps)) = (edge.sent(), edge.taken());
            seen.back_datagrams += datagrams;
            seen.back_bytes += bytes;
            seen.media += media;
            seen.unwanted += unwanted;
            seen.gaps += gaps;
            seen.edges_cpu += edge.cpu();
        }
        seen.datagrams = seen.out_datagrams + seen.back_datagrams;
        seen.bytes = out_bytes + seen.back_bytes;
        seen
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            datagrams: self.datagrams - before.datagrams,
            bytes: self.bytes - before.bytes,
            out_datagrams: self.out_datagrams - before.out_datagrams,
            back_datagrams: self.back_datagrams - before.back_datagrams,
            back_bytes: self.back_bytes - before.back_bytes,
            media: self.media - before.media,
            unwanted: self.unwanted - before.unwanted,
            gaps: self.gaps - before.gaps,
            origin_cpu: self.origin_cpu - before.origin_cpu,
            edges_cpu: self.edges_cpu - before.edges_cpu,
        }
    }
}
