//! Publishers in, packaged streams out: what a stream costs while nobody watches.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::Effort;
use crate::harness::clip::{Clip, STANDARD};
use crate::harness::flv::Tags;
use crate::harness::{Node, rtmp};
use crate::nginx::Nginx;
use crate::report::{Report, median};
use crate::usage::{Cost, Meter};

/// 720p30 at 2.5 Mbit/s with a key frame every 2 s: what a streaming site asks for.
pub(crate) const CLIP: Clip = Clip {
    name: "bench_720p30",
    arguments: "-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 2500k -minrate 2500k -maxrate 2500k -bufsize 2500k \
                -x264-params nal-hrd=cbr -sc_threshold 0 -bf 2 -g 60 -c:a aac -b:a 128k -ac 2",
    picture: Some("testsrc2=size=1280x720:rate=30"),
    seconds: 20,
    ..STANDARD
};
const VIDEO_BITS_PER_SECOND: f64 = 2.5e6;
/// The node's default window.
const WINDOW_SECONDS: f64 = 30.0;
/// A run as long as this says whether memory is flat.
const FLAT_AFTER: Duration = Duration::from_secs(300);
/// Looks at the memory of one run; the window breathes with the groups of pictures, so one look says little.
const LOOKS: u32 = 100;
const MIB: f64 = 1024.0 * 1024.0;

struct Plan {
    publishers: usize,
    /// Until the window is full, so that memory is measured full.
    warm_up: Duration,
    measured: Duration,
    rounds: usize,
}

pub(crate) async fn run(effort: Effort) -> Report {
    let seconds = |long, quick| {
        Duration::from_secs(effort.seconds.unwrap_or(if effort.quick { quick } else { long }))
    };
    let plan = Plan {
        publishers: if effort.quick { 10 } else { 50 },
        warm_up: Duration::from_secs(if effort.quick { 3 } else { 35 }),
        measured: seconds(30, 5),
        rounds: if effort.quick || effort.seconds.is_some() { 1 } else { 2 },
    };
    let tags = Arc::new(Tags::of(&CLIP));
    let (mut ours, mut rivals, mut growth) = (Vec::new(), Vec::new(), Vec::new());
    let mut report = Report::new("rtmp-ingest");
    for _ in 0..plan.rounds {
        let (cost, grown) = measure_ours(&plan, &tags).await;
        ours.push(cost);
        growth.push(grown);
        match Nginx::start(None) {
            Ok(nginx) => rivals.push(measure_nginx(&plan, &tags, &nginx).await),
            Err(reason) => report.note(format!("no rival: {reason}")),
        }
    }
    summarize(&mut report, &plan, &ours, &rivals, &growth);
    report
}

fn summarize(report: &mut Report, plan: &Plan, ours: &[Cost], rivals: &[Cost], growth: &[f64]) {
    let streams = plan.publishers as f64;
    let of = |costs: &[Cost], figure: &dyn Fn(&Cost) -> f64| {
        (!costs.is_empty()).then(|| median(costs.iter().map(figure).collect()))
    };
    let per_stream = |cost: &Cost| 100.0 * cost.cpu / cost.seconds / streams;
    let cpu = of(ours, &per_stream).unwrap_or_default();
    let rival_cpu = of(rivals, &per_stream);
    let rss = of(ours, &|cost| cost.rss_mib).unwrap_or_default();
    report.row("CPU % of a core per stream", cpu, rival_cpu);
    report.row("CPU seconds per stream-hour", cpu * 36.0, rival_cpu.map(|one| one * 36.0));
    report.row("RSS MiB", rss, of(rivals, &|cost| cost.rss_mib));
    let generator = |cost: &Cost| 100.0 * cost.generator_cpu / cost.seconds;
    report.row("generator CPU %", of(ours, &generator).unwrap_or_default(), of(rivals, &generator));
    if let Some(rival) = rival_cpu {
        report.at_most("CPU against nginx-rtmp, must", cpu / rival, 1.5);
        report.at_most("CPU against nginx-rtmp, aim", cpu / rival, 1.0);
    }
    let window = 1.5 * VIDEO_BITS_PER_SECOND / 8.0 * WINDOW_SECONDS * streams / MIB;
    report.at_most("RSS MiB", rss, 40.0 + window);
    // Memory grows until the window is full and the allocator has its pages; only after that it says something.
    if plan.measured >= FLAT_AFTER {
        report.at_most("RSS growth in the second half, MiB", median(growth.to_vec()), 8.0);
    }
    report.note(format!(
        "{} publishers of 2.5 Mbit/s, {} s each, {} rounds; whether memory stays flat: --seconds 600",
        plan.publishers,
        plan.measured.as_secs(),
        plan.rounds
    ));
}

async fn measure_ours(plan: &Plan, tags: &Arc<Tags>) -> (Cost, f64) {
    let node = Node::start().await;
    let mut keys = Vec::new();
    for number in 0..plan.publishers {
        keys.push(node.channel(&format!("bench-{number}")).await);
    }
    let publishers = publish_all(node.rtmp(), &keys, tags).await;
    let cost = measure(plan, node.id(), &publishers).await;
    publishers.iter().for_each(JoinHandle::abort);
    cost
}

async fn measure_nginx(plan: &Plan, tags: &Arc<Tags>, nginx: &Nginx) -> Cost {
    let keys: Vec<String> = (0..plan.publishers).map(|number| format!("bench-{number}")).collect();
    let publishers = publish_all(nginx.rtmp(), &keys, tags).await;
    let (cost, _) = measure(plan, nginx.id(), &publishers).await;
    publishers.iter().for_each(JoinHandle::abort);
    cost
}

/// Publishers that start spread over one group of pictures, so that key frames do not come in step.
async fn publish_all(
    server: SocketAddr,
    keys: &[String],
    tags: &Arc<Tags>,
) -> Vec<JoinHandle<std::io::Error>> {
    let mut publishers = Vec::new();
    let apart = Duration::from_secs(2) / u32::try_from(keys.len()).unwrap();
    for key in keys {
        let mut publisher = rtmp::publish(server, key).await.accepted();
        let tags = Arc::clone(tags);
        publishers.push(tokio::spawn(async move { publisher.play(&tags).await }));
        tokio::time::sleep(apart).await;
    }
    publishers
}

/// What the run cost, and how much memory grew in its second half, MiB.
async fn measure(plan: &Plan, id: u32, publishers: &[JoinHandle<std::io::Error>]) -> (Cost, f64) {
    tokio::time::sleep(plan.warm_up).await;
    let meter = Meter::start(id);
    let mut rss = Vec::new();
    for _ in 0..LOOKS {
        tokio::time::sleep(plan.measured / LOOKS).await;
        rss.push(meter.read().rss_mib);
    }
    let cost = meter.read();
    let lost = publishers.iter().filter(|one| one.is_finished()).count();
    assert_eq!(lost, 0, "{lost} publishers were dropped");
    let mean = |some: &[f64]| some.iter().sum::<f64>() / some.len() as f64;
    let (half, tenth) = (rss.len() / 2, rss.len() / 10);
    (cost, mean(&rss[rss.len() - tenth..]) - mean(&rss[half..half + tenth]))
}
