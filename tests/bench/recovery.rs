//! A start: how long a node takes until its ledger of five million records is whole again.
//!
//! The records are tips of many people, each with an id that is never forgotten and a split, as the product's ledger
//! writes them. They are made without a log: what a start reads is the ledger's own.

use std::path::Path;
use std::time::Instant;

use weir::store::ledger::{Batch, JOURNAL_DIR, Ledger, PAGES_DIR, Posted};
use weir_ledger::record::Head;
use weir_ledger::request::{
    Command, ControlCommand, IncomeCommand, PaymentCommand, Provider, Refs, Terms,
};
use weir_ledger::row::{At, Founding};
use weir_ledger::split::{Recipient, Share, Split};
use weir_ledger::{Amount, Currency, Request, batch};
use weir_model::AccountId;

use crate::Effort;
use crate::ledger::mixed;
use crate::report::Report;
use crate::usage::Meter;

const RECORDS: u64 = 5_000_000;
const FEW: u64 = 50_000;
const PAYERS: u64 = 10_000;
const CREATORS: u64 = 1_000;
/// Requests of an entry of the log.
const BATCH: u64 = 500;
const WEALTH: u64 = 1 << 40;
/// Between two records, microseconds: five million in some six days, before anything of it is payable.
const APART: u64 = 100_000;
/// Bytes of a mebibyte.
const MIB: f64 = 1_048_576.0;

pub(crate) fn run(effort: Effort) -> Report {
    let mut report = Report::new("recovery");
    let count = if effort.quick { FEW } else { RECORDS };
    let dir = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let head = fill(dir.path(), count);
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    report.row("made: records a second", rate, None);
    report.row("made: journal, MiB", bytes_of(&dir.path().join(JOURNAL_DIR)) / MIB, None);
    report.row("made: checkpoint, MiB", bytes_of(&dir.path().join(PAGES_DIR)) / MIB, None);
    let start = || {
        let meter = Meter::start(std::process::id());
        let ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(ledger.head(), head);
        meter.read()
    };
    let from_checkpoint = start();
    report.row("a start: processor time, s", from_checkpoint.cpu, None);
    report.row("a start: memory, MiB", from_checkpoint.rss_mib, None);
    report.at_most("a start from a checkpoint: s", from_checkpoint.seconds, 5.0);
    std::fs::remove_dir_all(dir.path().join(PAGES_DIR)).unwrap();
    let from_records = start();
    let rate = count as f64 / from_records.seconds;
    report.row("a start without a checkpoint: s", from_records.seconds, None);
    report.at_least("made again: records a second", rate, 300_000.0);
    report
}

/// Bytes of the files in a folder.
fn bytes_of(dir: &Path) -> f64 {
    let Ok(all) = std::fs::read_dir(dir) else { return 0.0 };
    let each = all.map(|entry| entry.unwrap().metadata().unwrap());
    each.filter(|file| file.is_file()).map(|file| file.len() as f64).sum()
}

/// Makes `count` records; answers with where the ledger stands.
fn fill(dir: &Path, count: u64) -> Head {
    let ledger = Ledger::open(dir).unwrap();
    let mut index = 0;
    let mut post = |requests: Vec<Request>| {
        index += 1;
        let wall = At(1_700_000_000_000_000 + index * BATCH * APART);
        let requests = batch::write(&requests).unwrap();
        ledger.apply(&Posted { index, batches: vec![Batch { wall, requests }] }).unwrap();
    };
    post(vec![found()]);
    let users: Vec<Request> = (1..=PAYERS).map(top_up).collect();
    users.chunks(BATCH as usize).for_each(|some| post(some.to_vec()));
    let made = 1 + PAYERS;
    let rest: Vec<u64> = (made + 1..=count).collect();
    rest.chunks(BATCH as usize).for_each(|some| post(some.iter().copied().map(tip).collect()));
    ledger.sync().unwrap();
    ledger.head()
}

fn request(nth: u64, command: Command) -> Request {
    // As random as a client's.
    let id = u128::from(mixed(nth)) << 64 | u128::from(nth);
    let id = if command.is_repeatable() { 0 } else { id };
    Request { id, by: AccountId(1), reason: String::new(), refs: Refs::default(), command }
}

fn found() -> Request {
    let currency = Currency::new("EUR", 2).unwrap();
    request(0, Command::Control(ControlCommand::Found(Founding { ledger: 1, currency })))
}

fn top_up(user: u64) -> Request {
    let provider = Provider::named("bench").unwrap();
    let (user, amount) = (AccountId(user), WEALTH.try_into().unwrap());
    request(user.0, Command::Income(IncomeCommand::TopUp { user, amount, provider }))
}

fn tip(nth: u64) -> Request {
    let dice = mixed(nth ^ 0x5555);
    let creator = AccountId(PAYERS + 1 + dice % CREATORS);
    let share = Share { to: Recipient::Platform, bps: 3_000 };
    let split = Split::new(vec![share], Recipient::Creator(creator)).unwrap();
    let amount: Amount = (1 + (dice >> 40) % 100).try_into().unwrap();
    let payer = AccountId(1 + (dice >> 20) % PAYERS);
    let terms = Terms { payer, cap: amount, split };
    request(nth, Command::Payment(PaymentCommand::Tip { terms, amount }))
}
