//! True time, the network between the nodes, the machines they run on, and the order of everything that happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_cluster::Command;
use weir_cluster::members::{Change, Profile, ZONE_LABEL};
use weir_model::cluster::Duty;
use weir_model::{ActorId, Incarnation, NodeId, Role, Roles};

use super::checks::{Checks, Wrong};
use super::consensus::Replica;
use super::dice::Dice;
use super::message::{Entry, Message};
use super::node::{Node, Out};
use super::plant::Plant;

/// A node looks around this often, in microseconds of true time.
const TICK_US: (u64, u64) = (40_000, 60_000);
/// Messages that wait for a stopped process in the buffers of its system.
const INBOX_MAX: usize = 400;

/// A computer with a node on it.
pub(super) struct Machine {
    pub(super) node: Node,
    /// Thousandths of true speed, and what the clock showed at the beginning.
    rate: u64,
    offset_ms: u64,
    pub(super) running: bool,
    pub(super) paused: bool,
    /// Counts processes: what was sent to an earlier one does not reach a later one.
    life: u64,
    inbox: Vec<(NodeId, Message)>,
}

impl Machine {
    /// What its clock shows.
    pub(super) fn clock(&self, at: u64) -> u64 {
        self.offset_ms + at * self.rate / 1_000_000
    }

    pub(super) fn acts(&self) -> bool {
        self.running && !self.paused
    }
}

/// A streamer's encoder: connected to one node at a time.
pub(super) struct Publisher {
    pub(super) stream: ActorId,
    pub(super) at: Option<NodeId>,
    connection: u64,
    next: u64,
    /// Where it was sent.
    sent: Option<NodeId>,
}

pub(super) enum Event {
    Deliver { from: NodeId, to: NodeId, life: u64, message: Box<Message> },
    Tick { node: NodeId, life: u64 },
    Fault,
    Repair(super::faults::Repair),
    Around,
}

/// How the network is now.
pub(super) struct Weather {
    /// Ways that carry nothing, with how many faults cut each.
    pub(super) cut: BTreeMap<(NodeId, NodeId), u32>,
    /// Of a thousand messages, how many are lost.
    pub(super) loss: u64,
    /// The longest way of a message, in microseconds.
    pub(super) delay_us: u64,
}

pub(super) struct World {
    /// True time in microseconds.
    pub(super) now: u64,
    seq: u64,
    agenda: BTreeMap<(u64, u64), Event>,
    pub(super) machines: BTreeMap<NodeId, Machine>,
    pub(super) publishers: Vec<Publisher>,
    pub(super) rooms: Vec<ActorId>,
    pub(super) placed: Vec<ActorId>,
    pub(super) weather: Weather,
    pub(super) dice: Dice,
    pub(super) checks: Checks,
    /// From then on nothing breaks any more.
    pub(super) healed: bool,
    /// What operators want of each node, once all is healed.
    pub(super) duties: BTreeMap<NodeId, Duty>,
}

impl World {
    pub(super) fn new(seed: u64, plant: Plant) -> Self {
        let mut dice = Dice::new(seed);
        let voters: u64 = match dice.between(0, 9) {
            0 => 1,
            1 | 2 => 5,
            _ => 3,
        };
        let edges = dice.between(1, 4);
        let ids: Vec<NodeId> = (1..=voters + edges).map(NodeId).collect();
        let profiles: Vec<Profile> = ids.iter().map(|id| profile(*id, id.0 <= voters)).collect();
        let joined: Vec<Arc<Entry>> = ids.iter().zip(&profiles).map(joins).collect();
        let placed = placed();
        let streams: Vec<ActorId> = (1..=3).map(|at| name(&format!("stream/c{at}"))).collect();
        let mut machines = BTreeMap::new();
        for (id, profile) in ids.iter().zip(profiles) {
            let (log, voters) = (joined.clone(), &ids[..voters as usize]);
            let replica = Replica::new(*id, voters, &ids, log, dice.split());
            let mut node = Node::new(profile, *id, replica, plant);
            node.media.placed.clone_from(&placed);
            let watches = streams.iter().filter(|_| !voters.contains(id) || dice.permille(200));
            node.media.watched = watches.cloned().collect();
            // The bounds for which the margins are made: see `liveness`.
            let (rate, offset_ms) = (dice.between(950, 1050), dice.between(0, 1_000_000));
            let (running, paused, life, inbox) = (false, false, 0, Vec::new());
            let machine = Machine { node, rate, offset_ms, running, paused, life, inbox };
            machines.insert(*id, machine);
        }
        let publisher = |stream: &ActorId| Publisher {
            stream: stream.clone(),
            at: None,
            connection: 0,
            next: 0,
            sent: None,
        };
        let weather = Weather { cut: BTreeMap::new(), loss: 0, delay_us: 5_000 };
        let mut world = Self {
            now: 1_000_000,
            seq: 0,
            agenda: BTreeMap::new(),
            machines,
            publishers: streams.iter().map(publisher).collect(),
            rooms: placed
                .iter()
                .filter(|actor| actor.kind == weir_model::ActorKind::Room)
                .cloned()
                .collect(),
            placed,
            weather,
            dice,
            checks: Checks::default(),
            healed: false,
            duties: BTreeMap::new(),
        };
        ids.iter().for_each(|id| world.start(*id));
        world.after(5_000_000, Event::Fault);
        world.after(100_000, Event::Around);
        world
    }

    /// Runs until `until`, or until something is wrong.
    pub(super) fn run(&mut self, until: u64) -> Result<(), Wrong> {
        while let Some(((at, _), event)) = self.agenda.pop_first() {
            if at > until {
                self.put(at, event);
                break;
            }
            self.now = at;
            self.happen(event);
            if let Some(wrong) = self.checks.wrong.take() {
                return Err(wrong);
            }
        }
        self.now = until;
        Ok(())
    }

    pub(super) fn after(&mut self, us: u64, event: Event) {
        self.put(self.now + us, event);
    }

    fn put(&mut self, at: u64, event: Event) {
        self.seq += 1;
        self.agenda.insert((at, self.seq), event);
    }

    pub(super) fn drop_repairs(&mut self) {
        self.agenda.retain(|_, event| !matches!(event, Event::Repair(_)));
    }

    pub(super) fn repair_after(&mut self, us: u64, repair: super::faults::Repair) {
        self.after(us, Event::Repair(repair));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { from, to, life, message } => self.deliver(from, to, life, *message),
            Event::Tick { node, life } => {
                if self.machines.get(&node).is_some_and(|one| one.life == life && one.acts()) {
                    self.step(node, Node::tick);
                    let next = self.dice.between(TICK_US.0, TICK_US.1);
                    self.after(next, Event::Tick { node, life });
                }
            }
            Event::Fault => {
                if !self.healed {
                    self.break_something();
                    let next = self.dice.between(300_000, 4_000_000);
                    self.after(next, Event::Fault);
                }
            }
            Event::Repair(repair) => self.repair(repair),
            Event::Around => {
                self.look_around();
                self.after(500_000, Event::Around);
            }
        }
    }

    fn deliver(&mut self, from: NodeId, to: NodeId, life: u64, message: Message) {
        let is_cut = self.weather.cut.get(&(from, to)).is_some_and(|cuts| *cuts > 0);
        let Some(machine) = self.machines.get_mut(&to) else { return };
        if is_cut || !machine.running || machine.life != life {
            return;
        }
        if machine.paused {
            // What comes from outside waits in connections of its own.
            if from == to || machine.inbox.len() < INBOX_MAX {
                machine.inbox.push((from, message));
            }
            return;
        }
        self.step(to, |node, now, out| node.handle(from, message, now, out));
    }

    /// Lets a node do something, and looks at what it did.
    fn step(&mut self, id: NodeId, what: impl FnOnce(&mut Node, u64, &mut Out)) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let (now, mut out) = (machine.clock(self.now), Out::default());
        what(&mut machine.node, now, &mut out);
        for (to, message) in out.sends {
            self.send(id, to, message);
        }
        for (stream, connection, to) in out.away {
            self.sent_away(&stream, connection, to);
        }
        for (index, entry, outcome) in out.applied {
            self.checks.applied(&self.machines, self.now, (index, entry, outcome));
        }
        out.told.into_iter().for_each(|(request, index)| self.checks.told(request, index));
        out.accepted.into_iter().for_each(|(actor, epoch)| self.checks.accepted(actor, epoch));
        out.plans.into_iter().for_each(|planned| self.checks.planned(&planned));
        self.checks.one_acts(&self.machines, &self.publishers, id, self.now);
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: Message) {
        let Some(life) = self.machines.get(&to).map(|machine| machine.life) else { return };
        let own = from == to;
        if !own && self.dice.permille(self.weather.loss) {
            return;
        }
        let copies = 1 + u64::from(!own && self.dice.permille(5));
        for _ in 0..copies {
            let most = if own { 200 } else { self.weather.delay_us };
            let delay = self.dice.between(100, most);
            self.after(
                delay,
                Event::Deliver { from, to, life, message: Box::new(message.clone()) },
            );
        }
    }

    pub(super) fn start(&mut self, id: NodeId) {
        // As in the product: the wall clock at the start.
        let incarnation = Incarnation(self.now / 1000);
        let Some(machine) = self.machines.get_mut(&id).filter(|machine| !machine.running) else {
            return;
        };
        machine.life += 1;
        (machine.running, machine.paused) = (true, false);
        machine.node.start(machine.offset_ms + self.now * machine.rate / 1_000_000, incarnation);
        let life = machine.life;
        self.after(1000, Event::Tick { node: id, life });
    }

    pub(super) fn crash(&mut self, id: NodeId) {
        if let Some(machine) = self.machines.get_mut(&id) {
            (machine.running, machine.paused) = (false, false);
            machine.inbox.clear();
            machine.node.crash();
        }
        for at in 0..self.publishers.len() {
            if self.publishers[at].at == Some(id) {
                let pause = self.dice.between(300_000, 3_000_000);
                self.unplug(at, pause);
            }
        }
    }

    pub(super) fn resume(&mut self, id: NodeId) {
        let Some(machine) = self.machines.get_mut(&id).filter(|machine| machine.paused) else {
            return;
        };
        machine.paused = false;
        let (life, inbox) = (machine.life, std::mem::take(&mut machine.inbox));
        // What it believes before it has read anything.
        self.checks.one_acts(&self.machines, &self.publishers, id, self.now);
        for (from, message) in inbox {
            self.step(id, |node, now, out| node.handle(from, message, now, out));
        }
        self.after(1000, Event::Tick { node: id, life });
    }

    fn sent_away(&mut self, stream: &ActorId, connection: u64, to: Option<NodeId>) {
        let pause = self.dice.between(300_000, 2_000_000);
        let publisher = self.publishers.iter_mut().find(|one| one.stream == *stream);
        if let Some(publisher) = publisher.filter(|one| one.connection == connection) {
            (publisher.at, publisher.next) = (None, self.now + pause);
            // Other nodes leave the stream to that one for a moment.
            publisher.sent = to;
        }
    }

    /// The encoder breaks off and comes back after a while, perhaps elsewhere.
    pub(super) fn unplug(&mut self, at: usize, pause: u64) {
        let publisher = &mut self.publishers[at];
        let before = publisher.at.take();
        publisher.next = self.now + pause;
        let (stream, connection) = (publisher.stream.clone(), publisher.connection);
        if let Some(node) = before {
            self.tell(node, Message::Gone { stream, connection });
        }
    }

    /// Something that comes from outside the cluster.
    pub(super) fn tell(&mut self, to: NodeId, message: Message) {
        let Some(life) = self.machines.get(&to).map(|machine| machine.life) else { return };
        let delay = self.dice.between(100, 5000);
        self.after(delay, Event::Deliver { from: to, to, life, message: Box::new(message) });
    }

    /// Publishers look for a node, people write in rooms.
    fn look_around(&mut self) {
        let members = &self.checks.directory.members;
        let other = |(id, duty): &(&NodeId, &Duty)| {
            members.of(**id).is_some_and(|member| member.duty != **duty)
        };
        let late = self.duties.iter().find(other).map(|(id, duty)| (*id, *duty));
        if let Some((id, duty)) = late {
            self.operate(Change::SetDuty { id, duty });
        }
        for at in 0..self.publishers.len() {
            let tired = self.dice.permille(150);
            let gone = |machine: &Machine| machine.paused && tired;
            let node = self.publishers[at].at.and_then(|id| self.machines.get(&id));
            if node.is_some_and(gone) {
                let pause = self.dice.between(300_000, 3_000_000);
                self.unplug(at, pause);
            }
            if self.publishers[at].at.is_none() && self.publishers[at].next <= self.now {
                self.plug_in(at);
            }
        }
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        for room in self.rooms.clone() {
            let Some(by) = self.dice.pick(&ids).and_then(|id| self.machines.get(&id)) else {
                return;
            };
            let lease = by.node.directory.leases.of(&room).filter(|_| by.acts());
            if let Some((to, believed)) = lease.map(|lease| (lease.node, lease.epoch)) {
                let from = by.node.id;
                self.send(from, to, Message::Say { actor: room, believed, hops: 0 });
            }
        }
    }

    fn plug_in(&mut self, at: usize) {
        let members = &self.checks.directory.members;
        let takes =
            |id: NodeId| members.of(id).is_none_or(weir_cluster::members::Member::takes_work);
        let open = self
            .machines
            .values()
            .filter(|machine| machine.acts() && machine.node.profile.roles.contains(Role::Ingest));
        let open: Vec<NodeId> = open.map(|machine| machine.node.id).collect();
        let good: Vec<NodeId> = open.iter().copied().filter(|id| takes(*id)).collect();
        let Some(node) = self.dice.pick(if good.is_empty() { &open } else { &good }) else {
            return;
        };
        let publisher = &mut self.publishers[at];
        let node = publisher.sent.take().filter(|sent| good.contains(sent)).unwrap_or(node);
        publisher.at = Some(node);
        publisher.connection += 1;
        let (stream, connection) = (publisher.stream.clone(), publisher.connection);
        self.tell(node, Message::Publish { stream, connection });
    }
}

fn name(text: &str) -> ActorId {
    text.parse().expect("an actor's name")
}

/// What shall be somewhere at all times.
fn placed() -> Vec<ActorId> {
    let names = [
        "room/c1",
        "room/c2",
        "room/off",
        "puller/p1",
        "puller/p2",
        "recorder/c1",
        "transcoder/c2",
    ];
    names.into_iter().map(name).collect()
}

fn profile(id: NodeId, votes: bool) -> Profile {
    let roles: Roles = match votes {
        true => Roles::all(),
        false => [Role::Edge].into_iter().collect(),
    };
    let zone = if id.0.is_multiple_of(2) { "a" } else { "b" };
    let labels = [(ZONE_LABEL.to_owned(), zone.to_owned())].into();
    Profile { name: format!("n{}", id.0), roles, labels, weight: 1, ..Profile::default() }
}

fn joins((id, profile): (&NodeId, &Profile)) -> Arc<Entry> {
    let change = Change::Join { id: *id, profile: profile.clone() };
    let request = ((NodeId(0), Incarnation(0), id.0), Command::Member(change));
    Arc::new(Entry { term: 0, request: Some(request) })
}
