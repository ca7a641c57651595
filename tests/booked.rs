//! Somebody else's arithmetic: what `hledger` makes of an exported ledger is what the ledger says itself.

use std::collections::BTreeMap;
use std::process::Command;

use weir_ledger::Currency;
use weir_ledger::export::{Exporter, Format};
use weir_ledger::record::Entry;
use weir_ledger::row::At;
use weir_ledger::state::Done;
use weir_ledger::workload::Workload;
use weir_ledger::{State, account::Class};

const REQUESTS: usize = 2_000;

/// A ledger with everything in it, and its records.
fn ledger(seed: u64) -> (State, Vec<Entry>) {
    let (mut work, mut state, mut records) = (Workload::new(seed), State::default(), Vec::new());
    for _ in 0..REQUESTS {
        let (request, wall): (_, At) = work.next_request();
        if let Done::Recorded(entry) = state.execute(&request, wall).unwrap() {
            records.push(*entry);
        }
    }
    (state, records)
}

fn exported(records: &[Entry], format: Format) -> String {
    let exporter = Exporter::new(format, Currency::new("EUR", 2).unwrap());
    let mut text = exporter.header();
    records.iter().for_each(|record| text += &exporter.record(record).unwrap());
    text
}

pub(crate) fn hledger(journal: &std::path::Path, args: &[&str]) -> String {
    let ran = Command::new("hledger").arg("-f").arg(journal).args(args).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// What `hledger` shows of each account, in cents; a debit is positive.
pub(crate) fn shown(journal: &std::path::Path) -> BTreeMap<String, i128> {
    let table = hledger(journal, &["balance", "--flat", "--no-total", "--output-format", "csv"]);
    let cents = |text: &str| text.trim_end_matches(" EUR").replace(['.', ','], "").parse().unwrap();
    let row = |line: &str| -> (String, i128) {
        let (account, balance) = line.split_once("\",\"").unwrap();
        (account.trim_start_matches('"').into(), cents(balance.trim_end_matches('"')))
    };
    table.lines().skip(1).map(row).collect()
}

/// The same by the ledger itself.
fn said(state: &State) -> BTreeMap<String, i128> {
    let mut all = BTreeMap::new();
    for (account, balance) in state.all_balances().rows() {
        let (group, sign) = match account.kind.class() {
            Class::Assets => ("assets", 1),
            Class::Expenses => ("expenses", 1),
            Class::Liabilities => ("liabilities", -1),
            Class::Income => ("income", -1),
        };
        let net = sign * balance.net(account.kind.class());
        if net != 0 {
            all.insert(format!("{group}:{account}"), net);
        }
    }
    all
}

/// INV-27.
#[test]
fn inv_27_hledger_agrees_to_the_cent() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..5 {
        let (state, records) = ledger(seed);
        let journal = dir.path().join(format!("{seed}.journal"));
        std::fs::write(&journal, exported(&records, Format::Hledger)).unwrap();
        hledger(&journal, &["check"]);
        assert_eq!(shown(&journal), said(&state), "seed {seed}");
        assert!(said(&state).len() > 20, "a ledger with hardly anything in it says little");
    }
}

#[test]
fn one_cent_that_is_not_there_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (state, records) = ledger(7);
    let text = exported(&records, Format::Hledger);
    let journal = dir.path().join("wrong.journal");
    let wrong = text.replacen("0.0", "0.1", 1);
    assert_ne!(wrong, text);
    std::fs::write(&journal, wrong).unwrap();
    let ran = Command::new("hledger").arg("-f").arg(&journal).arg("check").output().unwrap();
    let differs = || shown(&journal) != said(&state);
    assert!(!ran.status.success() || differs());
}

/// Reasons are people's own words: none of them becomes a posting, a comment or a second line.
#[test]
fn words_of_people_stay_words() {
    let (_, mut records) = ledger(3);
    let moved = |entry: &&mut Entry| !entry.record.legs.is_empty();
    let entry = records.iter_mut().find(moved).unwrap();
    entry.record.request.reason = "a \"b\"\n    assets:mine  1000 EUR ; c | d".into();
    let one = std::slice::from_ref(&*entry);
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("words.journal");
    std::fs::write(&journal, exported(one, Format::Hledger)).unwrap();
    hledger(&journal, &["check"]);
    assert!(!shown(&journal).keys().any(|account| account.contains("mine")));
    let csv = exported(one, Format::Csv);
    assert_eq!(csv.lines().count(), 1 + entry.record.legs.len());
    let beans = exported(one, Format::Beancount);
    assert!(beans.lines().all(|line| !line.trim_start().starts_with("assets:mine")));
}

/// A ledger is exported in pieces, each by an exporter of its own: every account is opened once, before it is used.
#[test]
fn pieces_follow_on_each_other() {
    let (_, records) = ledger(5);
    let halves = records.split_at(records.len() / 2);
    let pieces = [halves.0, halves.1].map(|piece| exported(piece, Format::Beancount));
    let mut open = std::collections::BTreeSet::new();
    for line in pieces.concat().lines() {
        if let Some((_, account)) = line.split_once(" open ") {
            assert!(open.insert(account.to_owned()), "{account} is opened twice");
        } else if let Some(posting) = line.strip_prefix("  ") {
            let account = posting.split("  ").next().unwrap();
            assert!(open.contains(account), "{account} is used before it is opened");
        }
    }
    assert!(open.len() > 20, "{open:?}");
}
