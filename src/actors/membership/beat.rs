//! The node's side: heartbeats to the leader, wherever it is, and what the answers mean.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use weir_cluster::directory::Command;
use weir_cluster::liveness::{Beat, HEARTBEAT_MS, Heard};
use weir_cluster::members::{Change, Profile};
use weir_model::cluster::NodeLoad;
use weir_model::{Incarnation, NodeId, Timestamp};

use super::{Inner, Standing, now_ms};
use crate::actors::clock;
use crate::actors::tasks::Handle;

/// Request: a heartbeat.
pub(super) const BEAT: &str = "cluster.beat";
/// An answer that comes later is of no use: the next heartbeat has been sent.
const PATIENCE: Duration = Duration::from_millis(HEARTBEAT_MS);
/// Between two looks for a leader, and while this start is being entered in the directory.
const SOON: Duration = Duration::from_millis(50);
/// Every so many heartbeats the figures of all nodes are asked for: they are for people.
const FIGURES_EVERY: u64 = 4;

/// A heartbeat with what rides on it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Call {
    pub(super) beat: Beat,
    #[serde(default)]
    pub(super) load: NodeLoad,
    /// Its wall clock minus the leader's, as it measured, milliseconds.
    #[serde(default)]
    pub(super) skew_ms: Option<i64>,
    /// What it says of itself; there until this start with its keys is in its copy of the directory.
    #[serde(default)]
    pub(super) profile: Option<Profile>,
    #[serde(default)]
    pub(super) figures: bool,
}

/// The answer.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Answer {
    pub(super) heard: Heard,
    /// The newest start that the directory knows.
    #[serde(default)]
    pub(super) newest: Incarnation,
    /// The leader's wall clock.
    #[serde(default)]
    pub(super) at: Timestamp,
    #[serde(default)]
    pub(super) figures: Vec<Figure>,
    /// Why this start of the node is not entered in the directory.
    #[serde(default)]
    pub(super) refused: Option<String>,
}

/// A node as the leader hears it.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Figure {
    pub(super) node: NodeId,
    pub(super) incarnation: Incarnation,
    pub(super) heard_ms: u64,
    #[serde(default)]
    pub(super) load: Option<NodeLoad>,
    #[serde(default)]
    pub(super) skew_ms: Option<i64>,
    /// It would be given up but for the brake.
    #[serde(default)]
    pub(super) held_back: bool,
}

/// How this node's heartbeats fared since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeatCounts {
    /// Sent, and not answered in time by a leader.
    pub unanswered: u64,
    /// Times that the node had to stop acting because of it.
    pub lapses: u64,
}

/// Sends heartbeats until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut skew_ms = None;
    while !own.leaving.load(Ordering::Acquire) {
        let pause = match own.parts.consensus.leader() {
            Some(leader) => send(&own, leader, &mut skew_ms).await,
            None => SOON,
        };
        own.judge();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = handle.stopping() => return,
        }
    }
}

/// One heartbeat; how long to wait for the next.
async fn send(own: &Inner, leader: NodeId, skew_ms: &mut Option<i64>) -> Duration {
    let sent_ms = now_ms();
    let beat = own.lease.lock().beat(sent_ms);
    let keys = own.keys();
    let entered = own.is_entered(&keys);
    let call = Call {
        beat,
        load: (own.parts.load)(),
        skew_ms: *skew_ms,
        profile: (!entered).then(|| Profile { keys, ..own.parts.profile.clone() }),
        figures: beat.seq % FIGURES_EVERY == 1,
    };
    let before = clock::now();
    let answer = if leader == own.node {
        own.heard(own.node, own.parts.profile.roles, call)
    } else {
        own.parts.link.ask(leader, BEAT, &call, PATIENCE).await.ok()
    };
    let Some(answer) = answer else {
        own.unanswered.fetch_add(1, Ordering::Relaxed);
        return rest(sent_ms);
    };
    let middle = before.plus_ms(clock::now().since_ms(before) / 2);
    *skew_ms = Some(middle.since_ms(answer.at));
    own.answered(beat, &answer, *skew_ms).await;
    let soon = answer.heard != Heard::Granted && answer.refused.is_none();
    if soon { SOON } else { rest(sent_ms) }
}

/// What is left of the time between two heartbeats.
fn rest(sent_ms: u64) -> Duration {
    Duration::from_millis(HEARTBEAT_MS.saturating_sub(now_ms().saturating_sub(sent_ms)))
}

impl Inner {
    async fn answered(&self, beat: Beat, answer: &Answer, skew_ms: Option<i64>) {
        match answer.heard {
            Heard::Granted => self.lease.lock().granted(beat),
            Heard::Fenced => self.come_back(answer.newest),
            Heard::Unknown if self.founds() => self.enter().await,
            Heard::Unknown => self.leave(),
            Heard::NewStart | Heard::Unconfirmed => {}
        }
        self.tell_refused_here(answer.refused.as_deref());
        if !answer.figures.is_empty() {
            self.note(&answer.figures, skew_ms.unwrap_or_default());
        }
    }

    /// This start was given up: nothing is its own any more, and it comes back as a newer one.
    fn come_back(&self, newest: Incarnation) {
        let mut lease = self.lease.lock();
        lease.fenced(Incarnation(newest.0.saturating_add(1)));
        let next = lease.incarnation();
        drop(lease);
        self.incarnation.send_replace(next);
        let name = &self.parts.profile.name;
        let text = format!(
            "the cluster gave this node, {name}, up; it drops what it owned and comes back"
        );
        let fields = [("incarnation", next.to_string())];
        self.parts.events.emit("node.given_up", None, text, &fields);
    }

    /// Says once, where the node's own operators look, why it is not taken back.
    fn tell_refused_here(&self, why: Option<&str>) {
        let mut known = self.refused.lock();
        if known.as_deref() == why {
            return;
        }
        *known = why.map(str::to_owned);
        if let Some(why) = why {
            let name = &self.parts.profile.name;
            let text = format!("the cluster does not take this start of node {name}: {why}");
            tracing::error!("{text}");
            self.parts.events.emit("node.not_taken", None, text, &[]);
        }
    }

    /// Whether nobody is in the cluster yet, and this node leads it: it founded it.
    fn founds(&self) -> bool {
        self.parts.consensus.leads() && self.parts.store.cluster().members.is_empty()
    }

    /// The first member enters itself; everybody else is invited.
    async fn enter(&self) {
        let (id, keys) = (self.node, self.keys());
        let profile = Profile { keys, ..self.parts.profile.clone() };
        let joins = Command::Member(Change::Join { id, profile });
        let votes = Command::Member(Change::SetVoter { id, voter: true });
        for command in [joins, votes] {
            if let Err(error) = self.parts.store.change_cluster(command).await {
                tracing::warn!(%error, "the first node is not in its directory yet");
            }
        }
    }

    /// Brings the standing up to date.
    fn judge(&self) {
        let valid = self.lease.lock().is_valid(now_ms());
        if !valid && self.is_expelled() {
            self.leave();
        }
        self.standing.send_if_modified(|now| {
            let next = match (*now, valid) {
                (Standing::Removed, _) => Standing::Removed,
                (_, true) => Standing::Granted,
                (Standing::Granted, false) => Standing::Lapsed,
                (before, false) => before,
            };
            if next == Standing::Lapsed && *now != next {
                self.lapses.fetch_add(1, Ordering::Relaxed);
            }
            std::mem::replace(now, next) != next
        });
    }

    /// Whether the others removed it, as far as they told: who is removed gets no further entry of the log.
    fn is_expelled(&self) -> bool {
        self.parts.link.welcome().expels(self.node, &self.parts.store.cluster().members)
    }

    fn note(&self, figures: &[Figure], own_skew_ms: i64) {
        let now_ms = now_ms();
        let mut known = self.figures.lock();
        known.heard_ms.clear();
        known.skews_ms.clear();
        let held_back = figures.iter().filter(|figure| figure.held_back);
        known.held_back = held_back.map(|figure| figure.node).collect();
        for figure in figures {
            known.heard_ms.insert(figure.node, figure.heard_ms);
            if let Some(skew_ms) = figure.skew_ms {
                known.skews_ms.insert(figure.node, skew_ms.saturating_sub(own_skew_ms));
            }
            if let Some(load) = figure.load {
                known.loads.report(figure.node, figure.incarnation, now_ms, load, now_ms);
            }
        }
    }
}
