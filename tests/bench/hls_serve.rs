//! Many players on one stream: segments, playlists and blocking reloads. nginx serves the very same bytes as files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::harness::flv::Tags;
use crate::harness::hls::Playlist;
use crate::harness::{Node, rtmp};
use crate::http::{Target, get, get_gzip};
use crate::nginx::{Certificate, Nginx};
use crate::report::{Report, percentile};
use crate::rtmp_ingest::CLIP;
use crate::usage::{Cost, Meter};

/// Players that load as fast as they can.
const CLIENTS: usize = 64;
/// Players that wait for the next part.
const WAITING: usize = 2000;
/// A player asks for the next part a round trip after it has one. Without it the generator, which shares the processors,
/// would spend the time that is measured on sending the requests for the part after.
const ROUND_TRIP: Duration = Duration::from_millis(25);
/// Segments that take turns: new enough to stay while they are loaded.
const SEGMENTS: usize = 5;

/// Turns that each server gets.
const ROUNDS: u32 = 4;

/// One load on one server.
#[derive(Default)]
struct Load {
    requests: f64,
    bytes: f64,
    cost: Cost,
}

impl std::ops::AddAssign for Load {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.bytes += more.bytes;
        self.cost += more.cost;
    }
}

impl Load {
    fn gbit_per_cpu_second(&self) -> f64 {
        self.bytes * 8.0 / 1e9 / self.cost.cpu.max(0.01)
    }

    fn per_second(&self) -> f64 {
        self.requests / self.cost.seconds
    }
}

/// The stream under load, with its rival.
struct Stage {
    node: Node,
    nginx: Result<Nginx, String>,
    certificate: Option<Certificate>,
    playlist: String,
}

pub(crate) async fn run(effort: Effort) -> Report {
    let length = Duration::from_secs(effort.seconds.unwrap_or(if effort.quick { 2 } else { 8 }));
    let waiting = if effort.quick { 200 } else { WAITING };
    let mut report = Report::new("hls-serve");
    let certificate = Certificate::make();
    let stage = Stage::start(certificate).await;
    if let Err(reason) = &stage.nginx {
        report.note(format!("no rival: {reason}"));
    }
    segments(&mut report, &stage, length, false).await;
    if stage.certificate.is_some() {
        segments(&mut report, &stage, length, true).await;
    } else {
        report.note("no TLS: openssl is not installed");
    }
    playlists(&mut report, &stage, length).await;
    blocking_reloads(&mut report, &stage, waiting, length).await;
    report
}

impl Stage {
    async fn start(certificate: Option<Certificate>) -> Self {
        let node = match &certificate {
            Some(one) => Node::start_with_certificate(&one.cert, &one.key).await,
            None => Node::start().await,
        };
        let key = node.channel("bench").await;
        let mut publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
        let tags = Tags::of(&CLIP);
        tokio::spawn(async move { publisher.play(&tags).await });
        let player = node.player("bench");
        let playlist = player.first().await.path().to_owned();
        let nginx = Nginx::start(certificate.as_ref());
        let stage = Self { node, nginx, certificate, playlist };
        while stage.newest_segments().await.len() < SEGMENTS {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        stage
    }

    async fn list(&self) -> Playlist {
        let mut client = Target::clear(self.node.http_address()).connect().await.unwrap();
        let answer = client.fetch_body(&self.playlist).await.unwrap();
        Playlist::parse(&String::from_utf8(answer.body).unwrap())
    }

    /// Paths of the newest whole segments.
    async fn newest_segments(&self) -> Vec<String> {
        let (folder, _) = self.playlist.rsplit_once('/').expect("a folder");
        let list = self.list().await;
        list.segments
            .iter()
            .rev()
            .take(SEGMENTS)
            .map(|one| format!("{folder}/{}", one.uri))
            .collect()
    }

    /// Gives nginx the bytes that the node serves under these paths.
    async fn copy_to_nginx(&self, nginx: &Nginx, paths: &[String]) {
        let mut client = Target::clear(self.node.http_address()).connect().await.unwrap();
        for path in paths {
            let answer = client.fetch_body(path).await.unwrap();
            assert_eq!(answer.status, 200, "{path}");
            let file = nginx.files().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, answer.body).unwrap();
        }
    }

    /// The same load on both in short turns, so that whatever else the machine does meanwhile meets both.
    async fn both(&self, paths: &[String], length: Duration, tls: bool) -> (Load, Option<Load>) {
        if let Ok(nginx) = &self.nginx {
            self.copy_to_nginx(nginx, paths).await;
        }
        let certificate = self.certificate.as_ref().filter(|_| tls);
        let target = |clear, secure| match certificate {
            Some(one) => Target::tls(secure, &one.cert),
            None => Target::clear(clear),
        };
        let ours = target(self.node.http_address(), self.node.https_address());
        let Ok(nginx) = &self.nginx else {
            return (load(&ours, paths, length, self.node.id()).await, None);
        };
        let theirs = target(nginx.http(), nginx.https());
        let (mut mine, mut rival) = (Load::default(), Load::default());
        for _ in 0..ROUNDS {
            mine += load(&ours, paths, length / ROUNDS, self.node.id()).await;
            rival += load(&theirs, paths, length / ROUNDS, nginx.id()).await;
        }
        (mine, Some(rival))
    }
}

/// Players that each load one path after the other until the time is over.
async fn load(target: &Target, paths: &[String], length: Duration, id: u32) -> Load {
    let requests: Rc<Vec<Vec<u8>>> = Rc::new(paths.iter().map(|path| get(path)).collect());
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let mut clients = Vec::new();
            for _ in 0..CLIENTS {
                clients.push(target.connect().await.unwrap());
            }
            let meter = Meter::start(id);
            let end = Instant::now() + length;
            let running: Vec<_> = clients
                .into_iter()
                .enumerate()
                .map(|(number, mut client)| {
                    let requests = Rc::clone(&requests);
                    tokio::task::spawn_local(async move {
                        let (mut count, mut bytes) = (0_u64, 0_u64);
                        while Instant::now() < end {
                            let request = &requests[(number + count as usize) % requests.len()];
                            let answer = client.fetch(request).await.unwrap();
                            assert_eq!(answer.status, 200);
                            count += 1;
                            bytes += answer.body_bytes as u64;
                        }
                        (count, bytes)
                    })
                })
                .collect();
            let (mut requests, mut bytes) = (0.0, 0.0);
            for client in running {
                let (count, size) = client.await.unwrap();
                requests += count as f64;
                bytes += size as f64;
            }
            Load { requests, bytes, cost: meter.read() }
        })
        .await
}

async fn segments(report: &mut Report, stage: &Stage, length: Duration, tls: bool) {
    let paths = stage.newest_segments().await;
    let (ours, rival) = stage.both(&paths, length, tls).await;
    let how = if tls { "TLS" } else { "clear" };
    let rate = |load: &Load| load.bytes * 8.0 / 1e9 / load.cost.seconds;
    let rival_cost = rival.as_ref().map(Load::gbit_per_cpu_second);
    report.row(
        format!("segments, {how}: Gbit per CPU-second"),
        ours.gbit_per_cpu_second(),
        rival_cost,
    );
    report.row(format!("segments, {how}: Gbit/s"), rate(&ours), rival.as_ref().map(rate));
    let generator = |load: &Load| 100.0 * load.cost.generator_cpu / load.cost.seconds;
    report.row(
        format!("segments, {how}: generator CPU %"),
        generator(&ours),
        rival.as_ref().map(generator),
    );
    if !tls {
        report.at_least(
            "segments in the clear, Gbit per CPU-second",
            ours.gbit_per_cpu_second(),
            10.0,
        );
    } else if let Some(rival) = rival_cost {
        report.at_least("segments over TLS against nginx", ours.gbit_per_cpu_second() / rival, 0.9);
    }
}

async fn playlists(report: &mut Report, stage: &Stage, length: Duration) {
    let (ours, rival) = stage.both(std::slice::from_ref(&stage.playlist), length, false).await;
    report.row("playlists: requests/s", ours.per_second(), rival.as_ref().map(Load::per_second));
    let efficiency = |load: &Load| load.requests / load.cost.cpu.max(0.01);
    report.row(
        "playlists: requests per CPU-second",
        efficiency(&ours),
        rival.as_ref().map(efficiency),
    );
    if let Some(rival) = rival {
        report.at_least(
            "playlists against nginx, requests/s",
            ours.per_second() / rival.per_second(),
            1.0,
        );
    }
}

/// How long after the first player the others get each part.
async fn blocking_reloads(report: &mut Report, stage: &Stage, players: usize, length: Duration) {
    let target = Target::clear(stage.node.http_address());
    let seen: Rc<Seen> = Rc::default();
    let start = stage.list().await.next_part();
    let meter = Meter::start(stage.node.id());
    let local = tokio::task::LocalSet::new();
    let mut late = local
        .run_until(async {
            let end = Instant::now() + length;
            let one = || wait(target.clone(), stage.playlist.clone(), start, end, Rc::clone(&seen));
            let waiting: Vec<_> = (0..players).map(|_| tokio::task::spawn_local(one())).collect();
            let mut late = Vec::new();
            for one in waiting {
                late.extend(one.await.unwrap());
            }
            late
        })
        .await;
    let cost = meter.read();
    let p99 = percentile(&mut late, 99.0);
    report.row(format!("{players} blocking reloads: p50 ms"), percentile(&mut late, 50.0), None);
    report.row(format!("{players} blocking reloads: p99 ms"), p99, None);
    report.row("blocking reloads: CPU %", 100.0 * cost.cpu / cost.seconds, None);
    report.row(
        "blocking reloads: generator CPU %",
        100.0 * cost.generator_cpu / cost.seconds,
        None,
    );
    report.at_most(format!("{players} blocking reloads, p99 ms"), p99, 50.0);
    report.note("a part counts as ready when the first of all waiting players has it");
    report.note("waiting players ask for the next part 25 ms after the last: a round trip");
}

/// What all waiting players have seen together.
#[derive(Default)]
struct Seen {
    /// When the first of them had each part.
    first: RefCell<BTreeMap<(u64, usize), Instant>>,
    /// The part after the newest one of each playlist, by its validator: 2,000 players get the same text at the
    /// same instant, and a generator that reads it 2,000 times measures itself.
    next: RefCell<BTreeMap<String, (u64, usize)>>,
}

async fn wait(
    target: Target,
    path: String,
    mut at: (u64, usize),
    end: Instant,
    seen: Rc<Seen>,
) -> Vec<f64> {
    let mut client = target.connect_small().await.unwrap();
    let mut late = Vec::new();
    while Instant::now() < end {
        let (msn, part) = at;
        let request = get_gzip(&format!("{path}?_HLS_msn={msn}&_HLS_part={part}"));
        let answer = client.fetch_raw(&request).await.unwrap();
        assert_eq!(answer.status, 200, "{at:?}");
        let now = Instant::now();
        let ready = *seen.first.borrow_mut().entry(at).or_insert(now);
        // The first answers come while players still connect; they say nothing about a part.
        late.push(now.duration_since(ready).as_secs_f64() * 1000.0);
        let known = seen.next.borrow().get(&answer.etag).copied();
        at = known.unwrap_or_else(|| {
            let next = next_part(&answer.body);
            seen.next.borrow_mut().insert(answer.etag, next);
            next
        });
        tokio::time::sleep(ROUND_TRIP).await;
    }
    late.split_off(late.len().min(2))
}

/// The place after the newest part of a compressed playlist.
fn next_part(body: &[u8]) -> (u64, usize) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(body).read_to_string(&mut text).expect("a compressed text");
    Playlist::parse(&text).next_part()
}
