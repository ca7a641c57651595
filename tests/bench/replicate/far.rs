//! The same over a slow and lossy road.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir::actors::clock;
use weir::link::peers::PeerAddress;
use weir::link::trust::Authority;
use weir::store::window::Window;
use weir_model::ChannelName;

use super::nodes::Node;
use super::road::{self, Quality};
use super::studio::Made;
use super::{EDGES, SETTLING, STREAMS, Seen, hops};
use crate::report::{Report, percentile};

/// In each direction.
const DELAY: Duration = Duration::from_millis(50);
const LOSS: f64 = 0.01;

/// What the first nodes work with, and these do too.
pub(crate) struct Studios {
    pub(crate) windows: HashMap<ChannelName, Arc<Window>>,
    pub(crate) made: HashMap<ChannelName, Made>,
}

/// Another origin of the same streams and edges that are far away from it.
pub(crate) async fn run(report: &mut Report, studios: &Studios, length: Duration) {
    let authority = Arc::new(Authority::new(clock::now()).unwrap());
    let node = |number, originals, made| Node::start(&authority, number, originals, made);
    let origin = node(1, studios.windows.clone(), HashMap::new());
    let edge = |number| node(number, HashMap::new(), studios.made.clone());
    let edges: Vec<Node> = (2..2 + EDGES).map(edge).collect();
    let mut roads = Vec::new();
    for edge in &edges {
        let PeerAddress { node, addresses } = edge.address();
        let door = road::to(addresses[0], Quality { delay: DELAY, loss: LOSS }).await;
        roads.push(PeerAddress { node, addresses: vec![door] });
    }
    origin.link.set_peers(roads);
    for edge in &edges {
        edge.link.set_peers(vec![origin.address()]);
        edge.connected().await;
    }
    let demands: Vec<_> = edges.iter().flat_map(|edge| edge.want(0..STREAMS)).collect();
    tokio::time::sleep(SETTLING).await;
    let (began, before) = (Instant::now(), Seen::of(&origin, &edges));
    tokio::time::sleep(length).await;
    let cost = Seen::of(&origin, &edges).since(&before);
    let mut hops = hops(&edges, began);
    drop(demands);
    let rtt_ms = 2.0 * DELAY.as_secs_f64() * 1000.0;
    let name = format!("{rtt_ms:.0} ms away, {:.0} % lost", LOSS * 100.0);
    let seconds = length.as_secs_f64() * STREAMS as f64 * edges.len() as f64;
    let rate = cost.media as f64 * 8e-6 / seconds;
    report.row(format!("{name}: Mbit/s per stream"), rate, None);
    report.row(format!("{name}: gaps"), cost.gaps as f64, None);
    for at in [50.0, 90.0] {
        report.row(format!("{name}: hop p{at:.0}, ms"), percentile(&mut hops, at), None);
    }
    let p99 = percentile(&mut hops, 99.0);
    report.at_most(format!("{name}: hop p99, ms"), p99, 1.5 * rtt_ms + 20.0);
}
