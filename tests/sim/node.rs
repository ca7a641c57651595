//! One simulated node: the product's own [`NodeLease`], [`Directory`] and planning, and around them the glue that the
//! product has in its actors, as CLUSTER.md says it. It sees its own clock, messages and its disk, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_cluster::Applied;
use weir_cluster::Command;
use weir_cluster::Directory;
use weir_cluster::lease::{LeaseCommand, LeaseDone, Verdict};
use weir_cluster::liveness::{Beat, Fencings, HEARTBEAT_MS, Heard, NodeLease};
use weir_cluster::members::{Change, Changed, Profile};
use weir_model::cluster::NodeLoad;
use weir_model::{ActorId, ActorKind, Epoch, Incarnation, NodeId, Timestamp};

use super::consensus::Replica;
use super::media::Media;
use super::message::{Entry, Message, Outcome, RequestId};
use super::office::Office;
use super::plant::Plant;

/// A proposal that was not answered is sent again after this, and given up after that.
const RETRY_MS: u64 = 300;
const PATIENCE_MS: u64 = 5000;
/// An owner that handed its actor over and hears nothing more takes it back after this.
const HANDED_MS: u64 = 3000;
/// A publisher that this node cannot get the stream for is sent away after this.
const PUBLISH_MS: u64 = 3000;
/// A stream whose publisher is gone is given up after this; much shorter than in the product, to see it happen.
const GRACE_MS: u64 = 4000;

/// What a node owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) epoch: Epoch,
    /// Since when it only forwards, because another node takes over.
    pub(super) handed: Option<u64>,
    /// Since when a stream has no publisher.
    idle: Option<u64>,
}

/// What a step of a node did, for the world and its checks.
#[derive(Default)]
pub(super) struct Out {
    pub(super) sends: Vec<(NodeId, Message)>,
    pub(super) applied: Vec<(u64, Arc<Entry>, Option<Outcome>)>,
    /// Proposals of this node of which it was told that they were made.
    pub(super) told: Vec<(RequestId, u64)>,
    /// Connections of publishers that were closed.
    pub(super) away: Vec<(ActorId, u64, Option<NodeId>)>,
    /// Requests that were accepted as owner.
    pub(super) accepted: Vec<(ActorId, Epoch)>,
    /// Plans of replication that were made.
    pub(super) plans: Vec<super::media::Planned>,
}

struct Pending {
    command: Command,
    next: u64,
    until: u64,
}

pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) profile: Profile,
    pub(super) plant: Plant,
    pub(super) lease: NodeLease,
    pub(super) replica: Replica,
    pub(super) directory: Directory,
    pub(super) applied: u64,
    made: BTreeMap<RequestId, (u64, Outcome)>,
    numbers: u64,
    pending: BTreeMap<RequestId, Pending>,
    pub(super) owned: BTreeMap<ActorId, Owned>,
    /// Publishers that are connected, as far as this node knows.
    pub(super) sessions: BTreeMap<ActorId, Session>,
    pub(super) office: Option<Office>,
    pub(super) fencings: Fencings,
    pub(super) media: Media,
    next_beat: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    connection: u64,
    since: u64,
    /// Whether this node owned the stream for it.
    had: bool,
}

impl Node {
    pub(super) fn new(profile: Profile, id: NodeId, replica: Replica, plant: Plant) -> Self {
        Self {
            id,
            profile,
            plant,
            lease: NodeLease::new(Incarnation(0)),
            replica,
            directory: Directory::default(),
            applied: 0,
            made: BTreeMap::new(),
            numbers: 0,
            pending: BTreeMap::new(),
            owned: BTreeMap::new(),
            sessions: BTreeMap::new(),
            office: None,
            fencings: Fencings::default(),
            media: Media::default(),
            next_beat: 0,
        }
    }

    /// Everything but the disk is gone.
    pub(super) fn crash(&mut self) {
        self.replica.crash();
        self.directory = Directory::default();
        self.applied = 0;
        self.made.clear();
        self.lose_all();
        self.sessions.clear();
        self.office = None;
        self.fencings = Fencings::default();
    }

    pub(super) fn start(&mut self, now: u64, incarnation: Incarnation) {
        self.lease = NodeLease::new(incarnation);
        self.next_beat = now;
        self.replica.start(now);
    }

    /// Whether this node believes that it may act as the actor's owner.
    pub(super) fn may_act(&self, actor: &ActorId, now: u64) -> Option<Epoch> {
        let owned = self.owned.get(actor).filter(|owned| owned.handed.is_none())?;
        // A stream goes on without the cluster: only its publisher can make another one.
        let stays = actor.kind == ActorKind::Stream && self.sessions.contains_key(actor);
        (stays || self.lease_is_valid(now)).then_some(owned.epoch)
    }

    pub(super) fn lease_is_valid(&self, now: u64) -> bool {
        self.plant == Plant::NodesIgnoreTheirLease || self.lease.is_valid(now)
    }

    pub(super) fn tick(&mut self, now: u64, out: &mut Out) {
        self.replica.tick(now, &mut out.sends);
        self.apply(now, out);
        if now >= self.next_beat {
            self.next_beat = now + HEARTBEAT_MS;
            let (beat, load) = (self.lease.beat(now), self.load());
            self.tell_leader(Message::Beat { beat, load }, out);
        }
        self.resend(now, out);
        self.take_back(now, out);
        self.serve_publishers(now, out);
        self.release(now, out);
        self.lead(now, out);
        self.relay(now, out);
    }

    pub(super) fn handle(&mut self, from: NodeId, message: Message, now: u64, out: &mut Out) {
        match message {
            Message::Propose { id, command } => self.proposed(id, command, out),
            Message::Operate(command) => self.propose(command, now, out),
            Message::Done { id, index, outcome } => self.told(id, index, &outcome, out),
            Message::Beat { beat, load } => self.heard_beat(from, beat, load, now, out),
            Message::Answer { beat, heard } => self.answered(beat, heard),
            Message::Start(actor) => self.claim(actor, None, now, out),
            Message::Move { actor, epoch, from } => {
                out.sends.push((from, Message::HandOver { actor, epoch }));
            }
            Message::HandOver { actor, epoch } => self.hand_over(from, actor, epoch, now, out),
            Message::Handed { actor, epoch } => self.claim(actor, Some(epoch), now, out),
            Message::SendAway { stream, to } => self.send_away(stream, to, out),
            Message::Publish { stream, connection } => {
                self.sessions.insert(stream, Session { connection, since: now, had: false });
            }
            Message::Gone { stream, connection } => {
                self.sessions
                    .retain(|live, session| *live != stream || session.connection > connection);
            }
            Message::Say { actor, believed, hops } => self.said(actor, believed, hops, now, out),
            Message::Append(_)
            | Message::Appended { .. }
            | Message::AskVote { .. }
            | Message::Voted { .. } => {
                self.replica.handle(from, message, now, &mut out.sends);
                self.apply(now, out);
            }
            media => self.handle_media(from, media, now, out),
        }
    }

    /// Sends a proposal on its way; it is repeated until it is answered or its time is over.
    pub(super) fn propose(&mut self, command: Command, now: u64, out: &mut Out) {
        if self.pending.values().any(|pending| pending.command == command) {
            return;
        }
        let id = self.number();
        let until = now + PATIENCE_MS;
        self.tell_leader(Message::Propose { id, command: command.clone() }, out);
        self.pending.insert(id, Pending { command, next: now + RETRY_MS, until });
    }

    pub(super) fn number(&mut self) -> RequestId {
        self.numbers += 1;
        (self.id, self.lease.incarnation(), self.numbers)
    }

    pub(super) fn claim(
        &mut self,
        actor: ActorId,
        supersedes: Option<Epoch>,
        now: u64,
        out: &mut Out,
    ) {
        if !self.lease_is_valid(now) {
            return;
        }
        let (node, incarnation, at) = (self.id, self.lease.incarnation(), Timestamp(0));
        let claim = LeaseCommand::Claim { actor, node, incarnation, supersedes, at };
        self.propose(Command::Lease(claim), now, out);
    }

    pub(super) fn tell_leader(&self, message: Message, out: &mut Out) {
        if let Some(leader) = self.replica.leader {
            out.sends.push((leader, message));
        }
    }

    fn resend(&mut self, now: u64, out: &mut Out) {
        self.pending.retain(|_, pending| now < pending.until);
        let mut due = Vec::new();
        for (id, pending) in self.pending.iter_mut().filter(|(_, pending)| now >= pending.next) {
            pending.next = now + RETRY_MS;
            due.push(Message::Propose { id: *id, command: pending.command.clone() });
        }
        due.into_iter().for_each(|message| self.tell_leader(message, out));
    }

    fn proposed(&mut self, id: RequestId, command: Command, out: &mut Out) {
        if !self.replica.leads() {
            return;
        }
        if let Some((index, outcome)) = self.made.get(&id).cloned() {
            out.sends.push((id.0, Message::Done { id, index, outcome }));
        } else if !self.replica.holds(&id) {
            self.replica.propose(Entry { term: 0, request: Some((id, command)) });
        }
    }

    fn told(&mut self, id: RequestId, index: u64, outcome: &Outcome, out: &mut Out) {
        out.told.push((id, index));
        self.pending.remove(&id);
        // What this node has read in the log already is newer than the answer.
        if index > self.applied
            && let Ok(Applied::Lease(done)) = outcome
        {
            self.take_in(done);
        }
    }

    fn apply(&mut self, now: u64, out: &mut Out) {
        while self.applied < self.replica.commit {
            let index = self.applied + 1;
            let Some(entry) = self.replica.entry(index) else { return };
            self.applied = index;
            let outcome = self.apply_one(index, &entry, now, out);
            out.applied.push((index, entry, outcome));
        }
    }

    fn apply_one(&mut self, index: u64, entry: &Entry, now: u64, out: &mut Out) -> Option<Outcome> {
        let (id, command) = entry.request.as_ref()?;
        let again = self.made.get(id).cloned();
        let is_first = again.is_none();
        let (at, outcome) = again.unwrap_or_else(|| (index, self.directory.apply(index, command)));
        if is_first {
            self.made.insert(*id, (at, outcome.clone()));
            self.notice(&outcome, command, now);
        }
        if self.replica.leads() {
            let done = Message::Done { id: *id, index: at, outcome: outcome.clone() };
            out.sends.push((id.0, done));
        }
        is_first.then_some(outcome)
    }

    /// What a committed entry means for this node.
    fn notice(&mut self, outcome: &Outcome, command: &Command, now: u64) {
        match outcome {
            Ok(Applied::Lease(done)) => self.take_in(done),
            Ok(Applied::Member { changed, .. }) => {
                self.fencings.look(&self.directory.members, now);
                if let (Command::Member(Change::Fence { id, .. }), Changed::Lost(fenced)) =
                    (command, changed)
                    && *id == self.id
                    && *fenced == self.lease.incarnation()
                {
                    self.be_fenced();
                }
                if let Some(office) = &mut self.office {
                    office.watch.applied(&self.directory.members, now);
                }
            }
            Err(_) => {}
        }
    }

    fn take_in(&mut self, done: &LeaseDone) {
        match done {
            LeaseDone::Granted { lease, .. } => {
                let known = self.owned.get(&lease.actor).map(|owned| owned.epoch);
                if known.is_some_and(|known| known >= lease.epoch) {
                    return;
                }
                self.owned.remove(&lease.actor);
                if lease.node == self.id && lease.incarnation == self.lease.incarnation() {
                    let owned = Owned { epoch: lease.epoch, handed: None, idle: None };
                    self.owned.insert(lease.actor.clone(), owned);
                }
            }
            LeaseDone::Released(lease) => {
                if self.owned.get(&lease.actor).is_some_and(|owned| owned.epoch == lease.epoch) {
                    self.owned.remove(&lease.actor);
                }
            }
            LeaseDone::Unchanged => {}
        }
    }

    fn answered(&mut self, beat: Beat, heard: Heard) {
        match heard {
            Heard::Granted => self.lease.granted(beat),
            Heard::Fenced if beat.incarnation == self.lease.incarnation() => self.be_fenced(),
            Heard::Fenced | Heard::NewStart | Heard::Unknown | Heard::Unconfirmed => {}
        }
    }

    /// Stops everything and comes back as a newer incarnation.
    fn be_fenced(&mut self) {
        self.lose_all();
        self.lease.fenced(Incarnation(0));
    }

    fn lose_all(&mut self) {
        self.owned.clear();
        self.pending.clear();
        self.media = self.media.emptied();
    }

    fn hand_over(&mut self, to: NodeId, actor: ActorId, epoch: Epoch, now: u64, out: &mut Out) {
        if self.may_act(&actor, now) != Some(epoch) || actor.kind == ActorKind::Stream {
            return;
        }
        if let Some(owned) = self.owned.get_mut(&actor) {
            owned.handed = Some(now);
            out.sends.push((to, Message::Handed { actor, epoch }));
        }
    }

    /// Nobody may act until the log has decided between the one who shall take over and this node.
    fn take_back(&mut self, now: u64, out: &mut Out) {
        let is_due = |owned: &&mut Owned| {
            owned.handed.is_some_and(|since| now.saturating_sub(since) > HANDED_MS)
        };
        let mut due = Vec::new();
        for (actor, owned) in &mut self.owned {
            if let Some(owned) = Some(owned).filter(is_due) {
                owned.handed = Some(now);
                due.push((actor.clone(), owned.epoch));
            }
        }
        for (actor, epoch) in due {
            self.claim(actor, Some(epoch), now, out);
        }
    }

    fn serve_publishers(&mut self, now: u64, out: &mut Out) {
        let mut wanted = Vec::new();
        let mut away = Vec::new();
        for (stream, session) in &mut self.sessions {
            if self.owned.contains_key(stream) {
                (session.had, session.since) = (true, now);
                continue;
            }
            let other = self.directory.leases.of(stream).filter(|lease| lease.node != self.id);
            // Somebody else has the publisher's newer connection, or there is no quorum to ask.
            if (session.had && other.is_some()) || now.saturating_sub(session.since) > PUBLISH_MS {
                away.push(stream.clone());
            } else {
                wanted.push((stream.clone(), other.map(|lease| lease.epoch)));
            }
        }
        away.into_iter().for_each(|stream| self.send_away(stream, None, out));
        for (stream, supersedes) in wanted {
            self.claim(stream, supersedes, now, out);
        }
    }

    fn send_away(&mut self, stream: ActorId, to: Option<NodeId>, out: &mut Out) {
        if let Some(session) = self.sessions.remove(&stream) {
            out.away.push((stream, session.connection, to));
        }
    }

    /// Gives up streams whose publisher does not come back.
    fn release(&mut self, now: u64, out: &mut Out) {
        let mut due = Vec::new();
        let streams = self.owned.iter_mut().filter(|(actor, _)| actor.kind == ActorKind::Stream);
        for (stream, owned) in streams {
            if self.sessions.contains_key(stream) {
                owned.idle = None;
            } else if now.saturating_sub(*owned.idle.get_or_insert(now)) > GRACE_MS {
                due.push((stream.clone(), owned.epoch));
            }
        }
        for (actor, epoch) in due {
            self.propose(Command::Lease(LeaseCommand::Release { actor, epoch }), now, out);
        }
    }

    fn said(&mut self, actor: ActorId, believed: Epoch, hops: u8, now: u64, out: &mut Out) {
        match self.directory.leases.check(&actor, believed, self.id) {
            Verdict::Owner { epoch } => {
                if self.may_act(&actor, now) == Some(epoch) {
                    out.accepted.push((actor, epoch));
                }
            }
            Verdict::Redirect { node, epoch } if hops < 3 => {
                let again = Message::Say { actor, believed: epoch, hops: hops + 1 };
                out.sends.push((node, again));
            }
            Verdict::Redirect { .. } | Verdict::Stale | Verdict::Vacant => {}
        }
    }

    fn load(&self) -> NodeLoad {
        let cpu = (self.owned.len() * 60 + self.id.0 as usize * 20).min(1000);
        NodeLoad { cpu: cpu as u16, ..NodeLoad::default() }
    }
}
