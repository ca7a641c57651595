//! A whole run: three voters and their clients, everything breaks, heals, is switched off and comes back.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::super::*;
use super::dice::Dice;
use super::history::{self, Seen};
use super::money::{self, PAYERS, Told};
use super::network::{Air, Process};
use super::registers::Op;
use super::site::Site;

const NODES: [u64; 3] = [1, 2, 3];
const CLIENTS: u64 = 4;
const REGISTERS: u64 = 3;
/// The register that is written to see whether the cluster works.
const PROBE: u8 = 9;
/// A client gives up after so many milliseconds; some before they can know much.
const PATIENCE_MS: (u64, u64) = (150, 2_500);
/// After healing a write succeeds within this: worst elections of openraft 0.9 with their sticky penalty.
const HEALED: Duration = Duration::from_secs(10);
/// Between two looks of whoever breaks things.
const STEP: Duration = Duration::from_millis(50);

/// What a run was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) answered: u64,
    pub(super) unanswered: u64,
    pub(super) paid: u64,
    pub(super) starts: u64,
    pub(super) healed: Duration,
    pub(super) print: u64,
}

struct World {
    air: Air,
    sites: BTreeMap<u64, Site>,
    dice: Dice,
    /// Ends of faults, by step.
    due: Vec<(u64, Repair)>,
    starts: u64,
}

enum Repair {
    Start(u64),
    Mend,
    Calm,
}

/// What all clients share.
struct Book {
    seen: Mutex<Vec<Seen>>,
    clock: AtomicU64,
    done: AtomicBool,
}

impl Book {
    fn tick(&self) -> i64 {
        self.clock.fetch_add(1, Ordering::Relaxed) as i64
    }
}

/// Runs a seed.
pub(super) fn run(seed: u64) -> Result<Ran, String> {
    in_simulation(seed, live)
}

/// On a clock that only sleeping moves.
fn in_simulation<T>(
    seed: u64,
    what: impl AsyncFnOnce(Dice) -> Result<T, String>,
) -> Result<T, String> {
    let mut dice = Dice::new(seed);
    super::runtime::seed(dice.split());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(what(dice))
}

async fn live(mut dice: Dice) -> Result<Ran, String> {
    let mut world = World::new(&mut dice);
    let air = world.air.clone();
    let book =
        Book { seen: Mutex::default(), clock: AtomicU64::new(1), done: AtomicBool::new(false) };
    let clients: Vec<Dice> = (0..CLIENTS).map(|_| dice.split()).collect();
    let payers: Vec<Dice> = (0..PAYERS).map(|_| dice.split()).collect();
    money::set();
    world.found().await?;
    let clients = clients.into_iter().zip(1..).map(|(dice, nth)| client(&air, &book, dice, nth));
    let is_done = || book.done.load(Ordering::Relaxed);
    let payers = payers.into_iter().zip(1..);
    let payers = payers.map(|(dice, nth)| money::payer(&air, &NODES, dice, nth, is_done));
    let faults = async {
        let healed = world.break_and_heal().await;
        book.done.store(true, Ordering::Relaxed);
        healed
    };
    let (healed, _, told) = tokio::join!(faults, join_all(clients), join_all(payers));
    let (healed, told) = (healed?, told.concat());
    world.check_money(&told).await?;
    world.restart_all().await?;
    world.read_all(&book).await?;
    world.check_money(&told).await?;
    let seen = book.seen.into_inner();
    history::check(&seen)?;
    let answered = seen.iter().filter(|one| one.before.is_some()).count() as u64;
    let unanswered = seen.len() as u64 - answered;
    let print = air.0.lock().print;
    let paid = told.len() as u64;
    Ok(Ran { answered, unanswered, paid, starts: world.starts, healed, print })
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let air = Air::new(dice.split());
        let sites = NODES.map(|id| (id, Site::new(id, &air, dice.split()))).into();
        Self { air, sites, dice: dice.split(), due: Vec::new(), starts: 0 }
    }

    async fn found(&mut self) -> Result<(), String> {
        for id in NODES {
            self.start(id, u64::MAX).await?;
        }
        let first = self.process(1)?.consensus;
        first.found().await.map_err(|error| error.to_string())?;
        for id in &NODES[1..] {
            let node = NodeId(*id);
            first.change(Change::AddLearner(node)).await.map_err(|error| error.to_string())?;
            let caught_up = |status: &Status| {
                status.peers.iter().any(|peer| peer.node == node && peer.lag == Some(0))
            };
            until(&[&first], "the learner has caught up", caught_up).await;
            first.change(Change::Promote(node)).await.map_err(|error| error.to_string())?;
        }
        money::found(&self.process(1)?).await
    }

    async fn start(&mut self, id: u64, steps: u64) -> Result<(), String> {
        self.starts += 1;
        let site = self.sites.get_mut(&id).ok_or("no such site")?;
        let started = site.start(steps).await;
        if started.is_err() && site.is_off() {
            // The power went again before it was up.
            site.stop();
            return site.start(u64::MAX).await.map_err(|error| error.to_string());
        }
        started.map_err(|error| format!("node {id} does not start: {error}"))
    }

    fn stop(&mut self, id: u64) {
        if let Some(site) = self.sites.get_mut(&id) {
            site.stop();
        }
    }

    fn process(&self, id: u64) -> Result<Process, String> {
        self.air.process(id).ok_or_else(|| format!("node {id} is off"))
    }

    async fn break_and_heal(&mut self) -> Result<Duration, String> {
        let steps = self.dice.between(60, 160);
        for step in 0..steps {
            tokio::time::sleep(STEP).await;
            self.look_for_failures(step)?;
            let (due, later) =
                std::mem::take(&mut self.due).into_iter().partition(|one| one.0 <= step);
            self.due = later;
            for (_, repair) in Vec::from_iter::<Vec<(u64, Repair)>>(due) {
                self.repair(repair).await?;
            }
            if self.dice.permille(80) {
                self.break_something(step);
            }
        }
        self.heal().await
    }

    /// Whose power went takes its time; who stops with power on is broken.
    fn look_for_failures(&mut self, step: u64) -> Result<(), String> {
        for id in NODES {
            let Some(process) = self.air.process(id) else { continue };
            let Some(site) = self.sites.get(&id) else { continue };
            if site.is_off() {
                self.stop_for(id, step, 40);
            } else if process.consensus.status().part == Part::Stopped {
                return Err(format!("node {id} stopped by itself"));
            }
        }
        Ok(())
    }

    fn break_something(&mut self, step: u64) {
        let Some(id) = self.dice.pick(&NODES) else { return };
        let leads = |id: &u64| self.air.process(*id).is_some_and(|one| one.consensus.leads());
        let leader = NODES.into_iter().find(leads).unwrap_or(id);
        match self.dice.between(0, 99) {
            0..=17 => self.stop_for(leader, step, 50),
            18..=29 => self.stop_for(id, step, 50),
            30..=44 => {
                self.cut(step, NODES.iter().flat_map(|other| [(leader, *other), (*other, leader)]))
            }
            45..=54 => self.cut(step, NODES.iter().map(|other| (id, *other))),
            55..=64 => self.cut(step, NODES.iter().map(|other| (*other, id))),
            65..=82 => {
                let mut weather = self.air.0.lock();
                weather.loss = self.dice.between(0, 250);
                weather.delay = self.dice.between(2, 300);
                weather.disk = self.dice.between(1, 120);
                drop(weather);
                self.repair_in(step, 60, Repair::Calm);
            }
            83..=90 => self.snapshot(id),
            91..=93 => self.sites.values_mut().for_each(Site::keep),
            94..=95 => money::jump(&mut self.dice),
            _ => NODES.into_iter().for_each(|id| self.stop_for(id, step, 20)),
        }
    }

    fn stop_for(&mut self, id: u64, step: u64, most: u64) {
        if self.air.process(id).is_some() {
            self.stop(id);
            self.repair_in(step, most, Repair::Start(id));
        }
    }

    fn cut(&mut self, step: u64, ways: impl Iterator<Item = (u64, u64)>) {
        self.air.0.lock().cut.extend(ways.filter(|(from, to)| from != to));
        self.repair_in(step, 50, Repair::Mend);
    }

    /// A snapshot and a purge at once, so that whoever is behind has to be sent it.
    fn snapshot(&self, id: u64) {
        let Some(process) = self.air.process(id) else { return };
        let core = process.consensus.inner.core.clone();
        spawn()(
            "snapshot",
            Box::pin(async move {
                let _ = core.trigger().snapshot().await;
                tokio::time::sleep(STEP).await;
                let upto = core.metrics().borrow().snapshot.map(|id| id.index);
                if let Some(upto) = upto {
                    let _ = core.trigger().purge_log(upto).await;
                }
            }),
        );
    }

    fn repair_in(&mut self, step: u64, most: u64, repair: Repair) {
        let at = step + self.dice.between(2, most);
        self.due.push((at, repair));
    }

    async fn repair(&mut self, repair: Repair) -> Result<(), String> {
        match repair {
            Repair::Start(id) if self.air.process(id).is_none() => {
                let cut_short = self.dice.permille(300);
                let steps = if cut_short { self.dice.between(4, 300) } else { u64::MAX };
                self.start(id, steps).await
            }
            Repair::Start(_) => Ok(()),
            Repair::Mend => {
                self.air.0.lock().cut.clear();
                Ok(())
            }
            Repair::Calm => {
                let mut weather = self.air.0.lock();
                (weather.loss, weather.delay, weather.disk) = (0, 2, 1);
                Ok(())
            }
        }
    }

    /// Everything is repaired; a write by way of each node says when all is well.
    async fn heal(&mut self) -> Result<Duration, String> {
        self.due.clear();
        self.repair(Repair::Mend).await?;
        self.repair(Repair::Calm).await?;
        self.sites.values().for_each(Site::heal);
        for id in NODES {
            if self.sites.get(&id).is_some_and(Site::is_off) {
                self.stop(id);
            }
            if self.air.process(id).is_none() {
                self.start(id, u64::MAX).await?;
            }
        }
        let begin = tokio::time::Instant::now();
        for id in NODES {
            self.write(id, Op::Put(id)).await?;
        }
        Ok(begin.elapsed())
    }

    /// What payers were told is recorded everywhere, and everywhere the same.
    async fn check_money(&self, told: &[Told]) -> Result<(), String> {
        let mut links = Vec::new();
        for id in NODES {
            let Process { consensus, machine, .. } = self.process(id)?;
            let read = consensus.read_barrier(HEALED).await;
            read.map_err(|error| format!("money by node {id}: {error}"))?;
            let books = machine.0.lock().books.clone();
            books.check(told).map_err(|what| format!("node {id}: {what}"))?;
            links.push(books.link());
        }
        match links.iter().all(|link| *link == links[0]) {
            true => Ok(()),
            false => Err("the nodes' ledgers are not the same".into()),
        }
    }

    async fn write(&self, id: u64, op: Op) -> Result<(), String> {
        let command = serde_json::value::to_raw_value(&(PROBE, op)).unwrap();
        let made = self.process(id)?.consensus.propose(command, Purpose::Wish, HEALED).await;
        made.map(|_| ()).map_err(|error| format!("not well after healing, by node {id}: {error}"))
    }

    async fn restart_all(&mut self) -> Result<(), String> {
        NODES.into_iter().for_each(|id| self.stop(id));
        for id in NODES {
            if let Some(site) = self.sites.get_mut(&id) {
                site.lose_machine();
            }
            self.start(id, u64::MAX).await?;
        }
        Ok(())
    }

    /// Every register by way of every node, as further reads of the history; and all nodes hold the same.
    async fn read_all(&self, book: &Book) -> Result<(), String> {
        let mut held = Vec::new();
        for id in NODES {
            let process = self.process(id)?;
            let begin = book.tick();
            let read = process.consensus.read_barrier(HEALED).await;
            read.map_err(|error| format!("after a restart of all, by node {id}: {error}"))?;
            let end = book.tick();
            held.push(process.machine.values());
            let registers = (0..REGISTERS as u8).map(|register| Seen {
                register,
                op: Op::Read,
                before: Some(process.machine.read(register)),
                begin,
                end,
            });
            book.seen.lock().extend(registers);
        }
        let same = held.iter().all(|values| *values == held[0]);
        if same { Ok(()) } else { Err(format!("nodes hold different states: {held:?}")) }
    }
}

/// A write that is acknowledged, then a power cut of all, then a read by way of the first that is back.
pub(super) fn cut_and_read(seed: u64) -> Result<u64, String> {
    in_simulation(seed, async |mut dice| {
        let mut world = World::new(&mut dice);
        world.found().await?;
        world.write(1, Op::Put(7)).await?;
        NODES.into_iter().for_each(|id| world.stop(id));
        for id in NODES {
            world.start(id, u64::MAX).await?;
        }
        let process = world.process(1)?;
        let read = process.consensus.read_barrier(HEALED).await;
        read.map_err(|error| error.to_string())?;
        Ok(process.machine.read(PROBE))
    })
}

/// Asks one thing after the other of any node until all is done.
async fn client(air: &Air, book: &Book, mut dice: Dice, nth: u64) {
    let mut numbers = (nth * 1_000_000).wrapping_add(1)..;
    let mut last = 0;
    while !book.done.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(dice.between(5, 150))).await;
        let process = dice.pick(&NODES).and_then(|id| air.process(id));
        let (Some(process), Some(value)) = (process, numbers.next()) else { continue };
        let register = dice.between(0, REGISTERS - 1) as u8;
        let op = match dice.between(0, 9) {
            0..=3 => Op::Read,
            4..=6 => Op::Put(value),
            _ => Op::Swap(last, value),
        };
        let patience = Duration::from_millis(dice.between(PATIENCE_MS.0, PATIENCE_MS.1));
        let begin = book.tick();
        let Some(before) = ask(&process, register, op, patience).await else { continue };
        let end = if before.is_some() { book.tick() } else { i64::MAX };
        last = before.map_or(last, |before| op.apply(before));
        book.seen.lock().push(Seen { register, op, before, begin, end });
    }
}

/// None when the register cannot have changed by it and nothing was read; no inner value when nobody knows.
async fn ask(process: &Process, register: u8, op: Op, patience: Duration) -> Option<Option<u64>> {
    if op == Op::Read {
        process.consensus.read_barrier(patience).await.ok()?;
        return (!process.life.is_over()).then(|| Some(process.machine.read(register)));
    }
    let command = serde_json::value::to_raw_value(&(register, op)).unwrap();
    let made = process.consensus.propose(command, Purpose::Wish, patience).await;
    if process.life.is_over() {
        // Its last words were heard by nobody.
        return Some(None);
    }
    match made {
        Ok(reply) => Some(serde_json::from_str(reply.get()).ok()),
        Err(ProposeError::NoLeader | ProposeError::NoRoom(_) | ProposeError::TooLarge(_)) => None,
        Err(ProposeError::Unknown | ProposeError::Stopped(_)) => Some(None),
    }
}
