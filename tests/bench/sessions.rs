//! Ten thousand private sessions at once, each with a player that beats every second: what metering them costs.
//!
//! Sessions, their actors, the ledger and its log are the product's. Media is a counter that rises, and players are calls
//! of this process, so what is measured is metering and nothing else; it includes those calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use parking_lot::Mutex;
use weir::actors::books::Books;
use weir::actors::clock;
use weir::actors::placement::{self, Placement};
use weir::actors::session;
use weir::actors::sessions::{self, Sessions};
use weir::actors::stages::{Stage, Stages};
use weir::actors::streams::{self, Streams};
use weir::actors::viewings::{Limits, Viewings};
use weir::node::config::Config;
use weir_ledger::Request;
use weir_ledger::meter::{Halt, Mode, Tariff};
use weir_ledger::request::{Command, IncomeCommand, Provider, Refs};
use weir_model::{AccountId, ChannelName, Epoch, SessionId};
use weir_session::{Offer, Price};

use crate::Effort;
use crate::report::Report;
use crate::usage::Meter;
use crate::voters::Voter;

const SESSIONS: u64 = 10_000;
/// Of them, in a smoke test.
const FEW: u64 = 200;
/// Changes of the directory at once while all is made ready.
const AT_ONCE: usize = 256;
const BEAT: Duration = Duration::from_secs(1);
/// All of them have begun within this.
const PATIENCE: Duration = Duration::from_secs(300);
/// What a session costs: 10.00 an hour.
const RATE: u64 = 1_000;
const WEALTH: u64 = 1 << 40;

pub(crate) async fn run(effort: Effort) -> Report {
    let mut report = Report::new("sessions");
    let count = if effort.quick { FEW } else { SESSIONS };
    let seconds = effort.seconds.unwrap_or(if effort.quick { 5 } else { 30 });
    let place = Place::new().await;
    let begun = tokio::time::Instant::now();
    let known = Mutex::default();
    let made = iter(0..count).map(|nth| place.begin(nth, &known)).buffer_unordered(AT_ONCE);
    // Those that began first must not be given up for want of media.
    let all: Vec<Arc<One>> = tokio::select! {
        all = made.collect() => all,
        () = beat_on(&place, &known) => Vec::new(),
    };
    place.until_live(&all).await;
    report.row(format!("{count} sessions: begun within, s"), begun.elapsed().as_secs_f64(), None);
    // What beginning left to do is over.
    beat(&place, &all, 10).await;
    let billed = place.billed(&all);
    let meter = Meter::start(std::process::id());
    beat(&place, &all, seconds).await;
    let cost = meter.read();
    let share = 100.0 * cost.cpu / cost.seconds;
    report.row("sessions: processor, % of one core", share, None);
    report.row("sessions: memory of the process, MiB", cost.rss_mib, None);
    let units = (place.billed(&all) - billed) as f64 / count as f64;
    let due = RATE as f64 / 60.0 * cost.seconds;
    report.at_least("sessions: billed of what was delivered, %", 100.0 * units / due, 80.0);
    report.at_most(
        "sessions: processor, % of one core",
        share * SESSIONS as f64 / count as f64,
        10.0,
    );
    place.voter.stop().await;
    report
}

/// A session, its stream and its player.
struct One {
    session: SessionId,
    viewer: AccountId,
    stage: Arc<Stage>,
}

/// A node without doors that runs sessions.
struct Place {
    voter: Voter,
    stages: Stages,
    sessions: Sessions,
}

impl Place {
    async fn new() -> Self {
        let voter = Voter::start("one", None).await;
        let config = Config::default();
        let (store, link, membership) =
            (voter.store.clone(), voter.mesh.link.clone(), voter.membership.clone());
        let (events, tasks) = (voter.events.clone(), voter.tasks.clone());
        let stages = Stages::new(config.stream.streams().window);
        let placement = Placement::new(placement::Parts {
            config: config.stream.placement(),
            store: store.clone(),
            link: link.clone(),
            membership: membership.clone(),
            stages: stages.clone(),
            tasks: tasks.clone(),
            events: events.clone(),
        });
        let limits = Limits { total: 1, per_address: 1 };
        let context = streams::Context {
            config: config.stream.streams(),
            events: events.clone(),
            store: store.clone(),
            tasks: tasks.clone(),
            viewings: Viewings::new(events.clone(), limits),
            stages: stages.clone(),
            owner: Arc::new(placement),
        };
        let streams = Streams::start(context).await.unwrap();
        let ledger = voter.mesh.ledger.clone();
        let books = Books::start(ledger, &voter.mesh.consensus, &link, &store);
        let teller = voter.mesh.teller.clone();
        let context = session::Context { store, streams, teller, books, events, tasks };
        let sessions =
            Sessions::start(sessions::Parts { context, link, membership }).await.unwrap();
        Self { voter, stages, sessions }
    }

    async fn begin(&self, nth: u64, known: &Mutex<Vec<Arc<One>>>) -> Arc<One> {
        let channel: ChannelName = format!("c{nth}").parse().unwrap();
        let (viewer, host) = (AccountId(1_000_000 + nth), AccountId(1 + nth));
        let store = &self.voter.store;
        let now = clock::now();
        store.create_channel_of(host, channel.clone(), String::new(), now).await.unwrap();
        store.reserve_msn(&channel, 1).await.unwrap();
        self.top_up(viewer).await;
        let mode = Mode::ProRata { granule_ms: 1_000 };
        let rate = RATE.try_into().unwrap();
        let tariff = Tariff { rate, mode, min_seconds: 0, free_ms: 0 };
        let price = Price { name: "guest".into(), tariff, places: 1 };
        let session = store.new_session_id().unwrap();
        let (prices, invited) = (vec![price.clone()], Vec::new());
        let stage = self.stages.for_packager(&channel, Epoch(1));
        let offer = Offer { id: session, channel, host, fee_bps: 2_000, prices, invited, at: now };
        self.sessions.change(weir_session::Command::Offer(offer)).await.unwrap();
        let cap = WEALTH.try_into().unwrap();
        self.sessions.join(session, viewer, (0, price), cap).await.unwrap();
        let one = Arc::new(One { session, viewer, stage });
        known.lock().push(Arc::clone(&one));
        one
    }

    async fn top_up(&self, user: AccountId) {
        let (amount, provider) = (WEALTH.try_into().unwrap(), Provider::MANUAL);
        let command = Command::Income(IncomeCommand::TopUp { user, amount, provider });
        let (id, reason, refs) = (user.0.into(), String::new(), Refs::default());
        let request = Request { id, by: AccountId(1), reason, refs, command };
        self.voter.mesh.teller.ask(&request).await.unwrap().answer.result.unwrap();
    }

    async fn until_live(&self, all: &[Arc<One>]) {
        let begin = tokio::time::Instant::now();
        let waits = |one: &Arc<One>| {
            let session = self.voter.store.session(one.session);
            session.is_none_or(|session| session.stage != weir_session::Stage::Live)
        };
        while all.iter().any(waits) {
            assert!(begin.elapsed() < PATIENCE, "{}", all.iter().filter(|one| waits(one)).count());
            beat(self, all, 1).await;
        }
    }

    /// Units billed so far in all.
    fn billed(&self, all: &[Arc<One>]) -> u64 {
        let of = |one: &Arc<One>| {
            let session = self.voter.store.session(one.session).unwrap();
            let why = session.ended.map(|ending| ending.why);
            assert!(why.is_none_or(|why: Halt| why == Halt::Cap), "{why:?}");
            self.sessions.standing(one.session, one.viewer).map_or(0, |standing| standing.billed)
        };
        all.iter().map(of).sum()
    }
}

async fn beat_on(place: &Place, known: &Mutex<Vec<Arc<One>>>) {
    loop {
        let all = known.lock().clone();
        beat(place, &all, 1).await;
    }
}

/// Media arrives, and every player beats, once a second and spread over it.
async fn beat(place: &Place, all: &[Arc<One>], seconds: u64) {
    let part = all.len().div_ceil(20).max(1);
    let mut tick = tokio::time::interval(BEAT / 20);
    for _ in 0..seconds {
        let mut parts = all.chunks(part);
        for _ in 0..20 {
            tick.tick().await;
            let some = parts.next().unwrap_or_default();
            for one in some {
                one.stage.public.gauge.bytes.fetch_add(1, Ordering::Relaxed);
                place.sessions.played(one.session, one.viewer);
            }
        }
    }
}
