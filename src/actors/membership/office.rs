//! The leader's side: it hears heartbeats, gives up who is silent, and brings the members of the log in step with
//! the directory. Every voter runs this loop; it does nothing while another one leads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use weir_cluster::Directory;
use weir_cluster::directory::Command;
use weir_cluster::liveness::{Fencings, Heard, Watch};
use weir_cluster::load::Loads;
use weir_cluster::members::{Change, Members, Profile};
use weir_model::{Incarnation, NodeId, Role, Roles};

use super::beat::{Answer, BEAT, Call, Figure};
use super::beside::Beside;
use super::{Inner, now_ms};
use crate::actors::clock;
use crate::actors::tasks::Handle;
use crate::link::request::{Caller, Kind, Refusal, encoded, parsed};
use crate::raft;

/// Between two looks: oftener than heartbeats come.
const EVERY: Duration = Duration::from_millis(200);
/// … and while nobody else is there to fall silent: within `liveness::CONFIRMED_MS`.
const EVERY_ALONE: Duration = Duration::from_millis(400);
/// Voters confirm a leader within the time that it may grant without; see `liveness::CONFIRMED_MS`.
const CONFIRM_MAX: Duration = Duration::from_millis(250);
/// The log's members are compared with the directory's every so many looks.
const COMPARE_EVERY: u64 = 3;
/// A leader that begins first reads what was acknowledged before it.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);

/// What a leader knows.
pub(super) struct Office {
    watch: Watch,
    /// When the newest round that the voters answered was sent.
    confirmed_ms: u64,
    loads: Loads,
    skews_ms: BTreeMap<NodeId, i64>,
    /// Starts that wait to be entered in the directory, and such that are in it and have newer keys.
    starts: BTreeMap<NodeId, (Incarnation, Profile)>,
    /// Starts that the directory does not take, with the reason.
    refused: BTreeMap<NodeId, String>,
    held_back: BTreeSet<NodeId>,
}

impl Office {
    fn new(directory: &Directory, fencings: &mut Fencings) -> Self {
        let now = now_ms();
        fencings.look(&directory.members, now);
        Self {
            watch: Watch::take_office(&directory.members, fencings.times(), now),
            confirmed_ms: now,
            loads: Loads::default(),
            skews_ms: BTreeMap::new(),
            starts: BTreeMap::new(),
            refused: BTreeMap::new(),
            held_back: BTreeSet::new(),
        }
    }

    fn figures(&self, directory: &Directory) -> Vec<Figure> {
        let now = now_ms();
        let figure = |member: &weir_cluster::members::Member| {
            let node = member.id;
            Some(Figure {
                node,
                incarnation: member.incarnation,
                heard_ms: self.watch.silence_ms(node, now)?,
                load: self.loads.of(node, now),
                skew_ms: self.skews_ms.get(&node).copied(),
                held_back: self.held_back.contains(&node),
            })
        };
        directory.members.iter().filter_map(figure).collect()
    }
}

/// Answers heartbeats from now on.
pub(super) fn serve(own: &Arc<Inner>) {
    let inner = Arc::clone(own);
    own.parts.link.on_request(BEAT, Kind::default(), move |caller, body| {
        let answer = inner.answer(&caller, &body);
        Box::pin(std::future::ready(answer))
    });
}

/// Leads whenever this node does.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let (mut looks, mut comparing) = (0_u64, Beside::default());
    loop {
        if own.parts.consensus.leads() {
            lead(&own).await;
            if own.moved.load(Ordering::Relaxed) || looks.is_multiple_of(COMPARE_EVERY) {
                // It waits for the log, which may take long; the voters' word is needed all the time.
                let compared = Arc::clone(&own);
                comparing.begin(&own.parts.tasks, || async move { compare(&compared).await });
            }
            looks += 1;
        } else {
            *own.office.lock() = None;
        }
        let alone = own.parts.store.cluster().members.len() == 1;
        tokio::select! {
            () = tokio::time::sleep(if alone { EVERY_ALONE } else { EVERY }) => {}
            () = own.wake.notified() => {}
            () = handle.stopping() => return,
        }
    }
}

async fn lead(own: &Arc<Inner>) {
    if own.office.lock().is_none() {
        if own.parts.consensus.read_barrier(CATCH_UP_MAX).await.is_err() {
            return;
        }
        let begun = Office::new(&own.parts.store.cluster(), &mut own.fencings.lock());
        *own.office.lock() = Some(begun);
    }
    let asked_ms = now_ms();
    let confirmed = tokio::time::timeout(CONFIRM_MAX, own.parts.consensus.confirm()).await;
    let changes = own.due(confirmed == Ok(true), asked_ms);
    for change in changes {
        let id = change.node();
        if let Err(error) = own.parts.store.decide_cluster(Command::Member(change)).await {
            tracing::warn!(%error, node = %id, "a change of the members was not made");
        }
    }
}

impl Inner {
    fn answer(&self, caller: &Caller, body: &[u8]) -> Result<Bytes, Refusal> {
        let call = parsed(body)?;
        let roles = caller.roles.iter().filter_map(|role| role.parse::<Role>().ok()).collect();
        let answer = self.heard(caller.node, roles, call).ok_or_else(|| {
            Refusal::new("not_leader", "this node does not lead; ask another voter")
        })?;
        encoded(&answer)
    }

    /// A heartbeat has come in from `node`, whose certificate says `roles`. None when this node does not lead.
    pub(super) fn heard(&self, node: NodeId, roles: Roles, call: Call) -> Option<Answer> {
        let directory = self.parts.store.cluster();
        let mut office = self.office.lock();
        let office = office.as_mut()?;
        let (now, incarnation) = (now_ms(), call.beat.incarnation);
        let confirmed_ms = office.confirmed_ms;
        office.watch.applied(&directory.members, now);
        let heard = office.watch.heard(node, incarnation, &directory.members, confirmed_ms, now);
        let member = directory.members.of(node);
        let says_more = |profile: &Profile| match heard {
            Heard::NewStart => true,
            // It is about to renew its certificate, or has come from a version that named no keys.
            Heard::Granted => member.is_some_and(|member| !member.profile.keys.has(&profile.keys)),
            _ => false,
        };
        let mut refused = None;
        if let Some(mut profile) = call.profile.filter(says_more) {
            let claimed = profile.roles.iter().filter(|role| roles.contains(*role));
            profile.roles = claimed.collect();
            let start = Change::Start { id: node, incarnation, profile: profile.clone() };
            // What would be refused is not put into the log with every heartbeat.
            refused = directory.plan(0, &Command::Member(start)).err().map(|why| why.to_string());
            if refused.is_none() {
                office.starts.insert(node, (incarnation, profile));
                self.wake.notify_one();
            }
        }
        self.tell_refused(office, &directory.members, node, refused.as_deref());
        match heard {
            Heard::Granted => {
                office.loads.report(node, incarnation, call.beat.seq, call.load, now);
                if let Some(skew_ms) = call.skew_ms {
                    office.skews_ms.insert(node, skew_ms);
                }
            }
            Heard::NewStart | Heard::Fenced | Heard::Unknown | Heard::Unconfirmed => {}
        }
        let newest = member.map(|member| member.incarnation);
        let figures = if call.figures { office.figures(&directory) } else { Vec::new() };
        let newest = newest.unwrap_or_default();
        Some(Answer { heard, newest, at: clock::now(), figures, refused })
    }

    /// Says once why a node's start is not entered in the directory.
    fn tell_refused(
        &self,
        office: &mut Office,
        members: &Members,
        node: NodeId,
        why: Option<&str>,
    ) {
        let Some(why) = why else {
            office.refused.remove(&node);
            return;
        };
        if office.refused.insert(node, why.to_owned()).as_deref() != Some(why) {
            let name = members.name(node);
            let text = format!("node {name} started and is not taken back: {why}");
            let fields = [("node", name), ("id", node.to_string())];
            self.parts.events.emit("node.start_refused", None, text, &fields);
        }
    }

    /// What is to be proposed now.
    fn due(&self, confirmed: bool, asked_ms: u64) -> Vec<Change> {
        let directory = self.parts.store.cluster();
        let mut office = self.office.lock();
        let Some(office) = office.as_mut() else { return Vec::new() };
        if confirmed {
            office.confirmed_ms = asked_ms;
        }
        office.watch.applied(&directory.members, now_ms());
        office.skews_ms.retain(|node, _| directory.members.of(*node).is_some());
        office.refused.retain(|node, _| directory.members.of(*node).is_some());
        let due = office.watch.decide(office.confirmed_ms, now_ms());
        let held_back: BTreeSet<NodeId> = due.held_back.into_iter().collect();
        for node in held_back.difference(&office.held_back) {
            let name = directory.members.name(*node);
            let text = format!(
                "node {name} is silent and not given up: so many are that an operator has to decide; see \
                 `weir cluster check`"
            );
            let fields = [("node", name)];
            self.parts.events.emit("cluster.brake", None, text, &fields);
        }
        office.held_back = held_back;
        let starts = std::mem::take(&mut office.starts).into_iter();
        let start = |(id, (incarnation, profile))| Change::Start { id, incarnation, profile };
        starts.map(start).chain(due.changes).collect()
    }
}

/// Brings the log's members in step with the directory's, a step at a time: each is repeated until it is seen.
async fn compare(own: &Inner) {
    own.moved.store(false, Ordering::Relaxed);
    let directory = own.parts.store.cluster();
    let status = own.parts.consensus.status();
    let known: BTreeSet<NodeId> = status.voters.iter().chain(&status.learners).copied().collect();
    for member in directory.members.iter() {
        let votes = status.voters.contains(&member.id);
        if !known.contains(&member.id) {
            change(own, raft::Change::AddLearner(member.id)).await;
        } else if votes != member.voter {
            let follows = Change::SetVoter { id: member.id, voter: votes };
            if let Err(error) = own.parts.store.change_cluster(Command::Member(follows)).await {
                tracing::warn!(%error, node = %member.id, "a vote is not in the directory yet");
            }
        }
    }
    let removed = |id: &&NodeId| directory.members.was_removed(**id);
    for node in known.iter().filter(removed) {
        change(own, raft::Change::Remove(*node)).await;
    }
}

async fn change(own: &Inner, change: raft::Change) {
    if let Err(error) = own.parts.consensus.change(change).await {
        tracing::warn!(%error, ?change, "the members of the log are not in step yet");
    }
}
