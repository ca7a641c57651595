//! Deaths and moves under viewers: three nodes that vote and two edges as processes, an encoder that reconnects after
//! 0.35 s, viewers that reload at once.
//!
//! There is no rival: none of them moves a stream. What stands beside each figure is the bar of CLUSTER.md.

use std::time::Instant;

use weir_model::cluster::NodeChange;

use crate::Effort;
use crate::harness::cluster::{SOON, member};
use crate::harness::{Cluster, Encoder, Viewer, clip, eventually};
use crate::report::{Report, percentile};

/// Voters, then edges.
const VOTERS: usize = 3;
const EDGES: [usize; 2] = [3, 4];
/// The encoder's own pause before it tries another node.
const RECONNECT_S: f64 = 0.35;
/// Streams and viewers of the node that is emptied.
const DRAINED: usize = 10;
const WATCHING: usize = 100;
/// Changes that a voter misses which then is the only one left beside the next leader.
const MISSED: usize = 50;

pub(crate) async fn run(effort: Effort) -> Report {
    let rounds = if effort.quick { 1 } else { 7 };
    let mut report = Report::new("failover");
    let mut stage = Stage::start(&mut report).await;
    let (mut dies, mut hangs, mut edge) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("failover: deaths under viewers, {round} of {rounds}");
        dies.push(stage.owner(Silence::Dead).await);
        hangs.push(stage.owner(Silence::Hangs).await);
        edge.push(stage.edge().await);
    }
    two(&mut report, "kill -9 of the ingest, beyond the reconnect", dies, [None, Some(2.0)]);
    two(&mut report, "SIGSTOP of the ingest, beyond the reconnect", hangs, [None, Some(2.0)]);
    two(&mut report, "kill -9 of an edge, next edge", edge, [Some(3.0), Some(8.0)]);
    stage.assert_content();
    let Stage { mut cluster, encoder, viewers } = stage;
    drop((encoder, viewers));
    let (mut leader, mut lagging) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("failover: deaths of leaders, {round} of {rounds}");
        leader.push(leader_dies(&mut cluster, &format!("a-{round}"), false).await);
        lagging.push(leader_dies(&mut cluster, &format!("b-{round}"), true).await);
    }
    two(&mut report, "kill -9 of the leader, next write", leader, [Some(2.0), Some(5.0)]);
    two(&mut report, "the same while a voter lags", lagging, [Some(2.0), Some(5.0)]);
    drain(&mut report, &cluster).await;
    report
}

/// Seconds: the middle one and the worst, with their limits.
fn two(report: &mut Report, what: &str, mut took: Vec<f64>, limits: [Option<f64>; 2]) {
    for (percent, word, limit) in [(50.0, "p50", limits[0]), (100.0, "max", limits[1])] {
        let value = percentile(&mut took, percent);
        let name = format!("{what}: {word}, s");
        report.row(&*name, value, None);
        if let Some(limit) = limit {
            report.at_most(&*name, value, limit);
        }
    }
}

/// How a node falls silent.
#[derive(Debug, Clone, Copy)]
enum Silence {
    Dead,
    Hangs,
}

/// A stream with two viewers, and nodes that die below it.
struct Stage {
    cluster: Cluster,
    encoder: Encoder,
    viewers: Vec<Viewer>,
}

impl Stage {
    async fn start(report: &mut Report) -> Self {
        let mut cluster = Cluster::start(VOTERS, 1).await;
        let begin = Instant::now();
        cluster.join(&["edge"]).await;
        report.row("join by token until up, s", begin.elapsed().as_secs_f64(), None);
        report.at_most("join by token until up, s", begin.elapsed().as_secs_f64(), 2.0);
        cluster.eventually_all_up(0).await;
        let key = cluster.channel("demo").await;
        let encoder = Encoder::start(cluster.ingests(&[0, 1, 2]), &key, &clip::STANDARD);
        encoder.live_again(0).await;
        let mut viewers = vec![cluster.viewer("demo", &[EDGES[0]]).await];
        let begin = Instant::now();
        viewers.push(cluster.viewer("demo", &[EDGES[1]]).await);
        report.row("cold edge until the first part, s", begin.elapsed().as_secs_f64(), None);
        Self { cluster, encoder, viewers }
    }

    /// The owner falls silent. From then until the last viewer has media from behind it.
    async fn owner(&mut self, silence: Silence) -> f64 {
        let owner = eventually("the stream has an owner", SOON, async || {
            self.cluster.owner(EDGES[0], "demo").await
        })
        .await;
        let led = self.cluster.leader(EDGES[0], &[]).await == owner;
        let (lives, breaks) = (self.encoder.lives().len(), self.breaks());
        let begin = Instant::now();
        match silence {
            Silence::Dead => self.cluster.kill(owner),
            Silence::Hangs => {
                self.cluster.stop_process(owner);
                // Of a process that hangs an encoder learns nothing; people see it.
                self.encoder.leave();
            }
        }
        let life = self.encoder.live_again(lives).await;
        let mut last = begin;
        for (viewer, breaks) in self.viewers.iter().zip(breaks) {
            last = last.max(viewer.behind_a_break(breaks).await);
        }
        let (let_in, seen) = ((life.since - begin).as_secs_f64(), (last - begin).as_secs_f64());
        eprintln!(
            "failover: {silence:?}, led: {led}, let in after {let_in:.2} s, seen after {seen:.2} s"
        );
        match silence {
            Silence::Dead => self.cluster.restart(owner).await,
            Silence::Hangs => self.cluster.resume_process(owner),
        }
        self.cluster.eventually_all_up(EDGES[0]).await;
        (last - begin).as_secs_f64() - RECONNECT_S
    }

    fn breaks(&self) -> Vec<u64> {
        self.viewers.iter().map(|viewer| viewer.seen().breaks).collect()
    }

    /// An edge dies, and its viewer goes on at the other one.
    async fn edge(&mut self) -> f64 {
        let viewer = self.cluster.viewer("demo", &[EDGES[1], EDGES[0]]).await;
        viewer.plays_on(5).await;
        let (before, begin) = (viewer.seen().grew.len(), Instant::now());
        self.cluster.kill(EDGES[1]);
        let took = viewer.plays_on(before).await - begin;
        viewer.assert_content("an edge died");
        self.cluster.restart(EDGES[1]).await;
        self.cluster.eventually_all_up(EDGES[0]).await;
        took.as_secs_f64()
    }

    /// The first viewer's edge never died: it saw all of it.
    fn assert_content(&self) {
        let broken: Vec<String> =
            self.viewers[0].seen().violations.into_iter().filter(counts).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

/// From the leader's death to the next acknowledged change.
async fn leader_dies(cluster: &mut Cluster, name: &str, lagging: bool) -> f64 {
    let leader = cluster.leader(EDGES[0], &[]).await;
    if lagging {
        let late = (leader + 1) % VOTERS;
        cluster.stop_process(late);
        for number in 0..MISSED {
            cluster.eventually_writes(leader, &format!("{name}-missed-{number}")).await;
        }
        cluster.resume_process(late);
    }
    let begin = Instant::now();
    cluster.kill(leader);
    cluster.eventually_writes(EDGES[0], name).await;
    let took = begin.elapsed().as_secs_f64();
    cluster.restart(leader).await;
    cluster.eventually_all_up(EDGES[0]).await;
    took
}

/// An ingest with [`DRAINED`] streams and [`WATCHING`] viewers is emptied.
async fn drain(report: &mut Report, cluster: &Cluster) {
    let mut encoders = Vec::new();
    let mut viewers = Vec::new();
    for number in 0..DRAINED {
        let channel = format!("drained-{number}");
        let key = cluster.channel(&channel).await;
        let encoder = Encoder::start(cluster.ingests(&[1, 2, 0]), &key, &clip::STANDARD);
        encoder.live_again(0).await;
        encoders.push(encoder);
        for viewer in 0..WATCHING / DRAINED {
            viewers.push(cluster.viewer(&channel, &[EDGES[viewer % 2]]).await);
        }
    }
    eprintln!("failover: drain");
    let begin = Instant::now();
    cluster.change(0, 1, NodeChange::Drain).await;
    cluster
        .eventually_sees(0, "that it is empty", |status| {
            member(status, 1).filter(|node| node.leases == 0).map(drop)
        })
        .await;
    let took = begin.elapsed();
    let before: Vec<usize> = viewers.iter().map(|viewer| viewer.seen().grew.len()).collect();
    for (viewer, before) in viewers.iter().zip(before) {
        viewer.plays_on(before + 10).await;
    }
    let seen = viewers.iter().map(Viewer::seen);
    let mut stalls: Vec<f64> =
        seen.clone().map(|seen| seen.longest_stall(begin).as_secs_f64()).collect();
    let failed: u32 = seen.flat_map(|seen| seen.failed.into_values()).sum();
    let broken = viewers.iter().flat_map(|viewer| viewer.seen().violations).filter(counts).count();
    report.row("drain: until it is empty, s", took.as_secs_f64(), None);
    two(report, "drain: longest stall of a viewer", stalls.clone(), [None, Some(2.0)]);
    report.row("drain: viewers that stalled over 1 s", over(&mut stalls), None);
    report.at_most("drain: requests that failed", f64::from(failed), 0.0);
    report.at_most("drain: rules that were broken", broken as f64, 0.0);
    report.note(format!(
        "drain: {DRAINED} streams, {WATCHING} viewers; an encoder reconnects after {RECONNECT_S} s"
    ));
}

/// The clip's sound is 57 ms shorter than its pictures: each repetition leaves a hole, and dates tell of it.
#[allow(clippy::ptr_arg)]
fn counts(violation: &String) -> bool {
    !violation.contains("4.4.4.6")
}

fn over(stalls: &mut Vec<f64>) -> f64 {
    stalls.retain(|stall| *stall > 1.0);
    stalls.len() as f64
}
