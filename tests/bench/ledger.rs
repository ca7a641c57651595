//! Durable transfers: tips with a split, each with an id that is never forgotten, through log, ledger and journal.
//!
//! The rival is PostgreSQL ([`crate::postgres`]) on the same disk, in turns. What our side does is the whole way of the
//! product inside a node; the requests come from tasks of the same process, as those of its sessions do.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use weir::actors::teller::Teller;
use weir_ledger::request::{Command, IncomeCommand, PaymentCommand, Provider, Refs, Terms};
use weir_ledger::split::{Recipient, Share, Split};
use weir_ledger::{Amount, Request};
use weir_model::AccountId;

use crate::Effort;
use crate::postgres::{CREATORS, Measured, PAYERS, Postgres};
use crate::report::{Report, percentile};
use crate::usage::Meter;
use crate::voters::{Voter, in_step};

const IN_FLIGHT: [usize; 3] = [1, 64, 1_024];
/// More than any run spends.
const WEALTH: u64 = 1 << 40;
/// Transfers a second at which the times of acknowledgements are measured.
const PACE: u64 = 10_000;
const PACE_OF_THREE: u64 = 5_000;

pub(crate) async fn run(effort: Effort) -> Report {
    let seconds = effort.seconds.unwrap_or(if effort.quick { 1 } else { 10 });
    let mut report = Report::new("ledger");
    let rival = Postgres::start().map_err(|error| report.note(format!("no rival: {error}"))).ok();
    let voter = Voter::start("one", None).await;
    let load = Load {
        teller: &voter.mesh.teller,
        ids: AtomicU64::new(1),
        length: Duration::from_secs(seconds),
    };
    load.top_up().await;
    for in_flight in IN_FLIGHT {
        let meter = Meter::start(std::process::id());
        let ours = load.closed(in_flight).await;
        let cost = meter.read();
        let theirs = rival.as_ref().and_then(|rival| {
            rival.measure(in_flight, seconds).map_err(|error| report.note(error)).ok()
        });
        compare(&mut report, &format!("{in_flight} in flight"), &ours, theirs.as_ref());
        let us = cost.cpu * 1e6 / (ours.rate * cost.seconds);
        report.row(format!("{in_flight} in flight: processor time each, µs"), us, None);
        if let Some(theirs) = theirs {
            let bar = if in_flight == 1 { 2.0 } else { 10.0 };
            if in_flight != 64 {
                report.at_least(
                    format!("{in_flight} in flight: of the rival's rate"),
                    ours.rate / theirs.rate,
                    bar,
                );
            }
        }
    }
    let batched = load.closed(8_192).await;
    report.row("8,192 in flight: transfers a second", batched.rate, None);
    report.at_least("batched: transfers a second", batched.rate, 100_000.0);
    let paced = load.paced(PACE).await;
    report.row("at 10,000 a second: p50, ms", paced.p50_ms, None);
    report.row("at 10,000 a second: p99, ms", paced.p99_ms, None);
    report.at_most("at 10,000 a second: p99, ms", paced.p99_ms, 5.0);
    drop(rival);
    three(&mut report, voter, seconds).await;
    report
}

/// The same with three voters.
async fn three(report: &mut Report, founder: Voter, seconds: u64) {
    let mut voters = vec![founder];
    for name in ["two", "three"] {
        let voter = voters[0].another(name).await;
        voters.push(voter);
    }
    in_step(&voters).await;
    let ids = AtomicU64::new(1 << 40);
    let load = Load { teller: &voters[0].mesh.teller, ids, length: Duration::from_secs(seconds) };
    let all = load.closed(4_096).await;
    report.row("3 voters, 4,096 in flight: transfers a second", all.rate, None);
    report.at_least("3 voters: transfers a second", all.rate, 50_000.0);
    in_step(&voters).await;
    let paced = load.paced(PACE_OF_THREE).await;
    report.row("3 voters, at 5,000 a second: p50, ms", paced.p50_ms, None);
    report.row("3 voters, at 5,000 a second: p99, ms", paced.p99_ms, None);
    report.at_most("3 voters, at 5,000 a second: p99, ms", paced.p99_ms, 15.0);
    for voter in &voters {
        voter.stop().await;
    }
}

fn compare(report: &mut Report, name: &str, ours: &Measured, theirs: Option<&Measured>) {
    report.row(format!("{name}: transfers a second"), ours.rate, theirs.map(|one| one.rate));
    report.row(format!("{name}: p50, ms"), ours.p50_ms, theirs.map(|one| one.p50_ms));
    report.row(format!("{name}: p99, ms"), ours.p99_ms, theirs.map(|one| one.p99_ms));
}

struct Load<'a> {
    teller: &'a Teller,
    ids: AtomicU64,
    length: Duration,
}

impl Load<'_> {
    async fn top_up(&self) {
        let each = (1..=PAYERS).map(|user| async move {
            let command = IncomeCommand::TopUp {
                user: AccountId(user),
                amount: amount(WEALTH),
                provider: Provider::named("bench").unwrap(),
            };
            self.ask(Command::Income(command)).await;
        });
        futures_util::future::join_all(each).await;
    }

    async fn ask(&self, command: Command) {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        // As random as a client's.
        let id = u128::from(mixed(number)) << 64 | u128::from(number);
        let (reason, refs) = (String::new(), Refs::default());
        let request = Request { id, by: AccountId(1), reason, refs, command };
        let told = self.teller.ask(&request).await.unwrap();
        assert!(told.answer.result.is_ok(), "{told:?}");
    }

    async fn tip(&self) {
        let dice = mixed(self.ids.load(Ordering::Relaxed) ^ 0x5555);
        let creator = AccountId(PAYERS + 1 + dice % CREATORS);
        let payer = AccountId(1 + (dice >> 20) % PAYERS);
        let units = amount(1 + (dice >> 40) % 100);
        let share = Share { to: Recipient::Platform, bps: 3_000 };
        let split = Split::new(vec![share], Recipient::Creator(creator)).unwrap();
        let terms = Terms { payer, cap: units, split };
        self.ask(Command::Payment(PaymentCommand::Tip { terms, amount: units })).await;
    }

    /// That many clients, each with one transfer at a time.
    async fn closed(&self, in_flight: usize) -> Measured {
        let took = Mutex::new(Vec::new());
        let made = AtomicUsize::new(0);
        let begin = Instant::now();
        let client = async |_| {
            while begin.elapsed() < self.length {
                let asked = Instant::now();
                self.tip().await;
                took.lock().push(asked.elapsed().as_secs_f64() * 1e3);
                made.fetch_add(1, Ordering::Relaxed);
            }
        };
        futures_util::future::join_all((0..in_flight).map(client)).await;
        let rate = made.into_inner() as f64 / begin.elapsed().as_secs_f64();
        measured(rate, took.into_inner())
    }

    /// That many a second, whether or not earlier ones are done.
    async fn paced(&self, rate: u64) -> Measured {
        let took = Mutex::new(Vec::new());
        let each = Duration::from_nanos(1_000_000_000 / rate);
        let count = rate * self.length.as_secs();
        // Behind the making of so many timers.
        let begin = tokio::time::Instant::now() + Duration::from_millis(500);
        let one = async |nth: u64| {
            let due = begin + each * u32::try_from(nth).unwrap();
            tokio::time::sleep_until(due).await;
            self.tip().await;
            took.lock().push(due.elapsed().as_secs_f64() * 1e3);
        };
        // A timer counts whole milliseconds, so what is due in one of them is due together.
        futures_util::future::join_all((0..count).map(one)).await;
        let rate = count as f64 / begin.elapsed().as_secs_f64();
        measured(rate, took.into_inner())
    }
}

fn measured(rate: f64, mut took: Vec<f64>) -> Measured {
    let (p50_ms, p99_ms) = (percentile(&mut took, 50.0), percentile(&mut took, 99.0));
    Measured { rate, p50_ms, p99_ms }
}

fn amount(units: u64) -> Amount {
    units.try_into().unwrap()
}

/// Splitmix64's mixing (Steele, Lea and Flood 2014).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
