//! People's own words, and what they would like to be.

use super::*;
use crate::explain::explain;
use crate::export::{Exporter, Format};
use crate::record::{Entry, Record};
use crate::request::Refs;
use crate::statement::Statement;

const HOSTILE: [&str; 17] = [
    "x).\nRecord 9: payout \u{1b}[2J",
    "x\\",
    "\" \"",
    "a\r\nb",
    "a\u{85}b\u{0}",
    "a\u{2028}b\u{2029}c",
    "a\u{202e}b\u{2066}c\u{200f}",
    "x  assets:mine  5 EUR",
    "a;b|c",
    "\\\" open",
    "\u{feff}2024-01-01 x",
    "\n    assets:mine  1000 EUR",
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=HYPERLINK(1)",
];

/// A top-up for that reason.
fn record(bank: &mut Bank, reason: &str) -> Record {
    entry(bank, reason).record
}

fn entry(bank: &mut Bank, reason: &str) -> Entry {
    let (id, refs) = (bank.new_id(), Refs::default());
    let top_up = IncomeCommand::TopUp { user: ANN, amount: amount(1), provider: stripe() };
    let command = Command::Income(top_up);
    let request = crate::Request { id, by: ANN, reason: reason.into(), refs, command };
    match bank.state.execute(&request, bank.now) {
        Ok(Done::Recorded(entry)) => *entry,
        other => panic!("{other:?}"),
    }
}

fn is_plain(line: &str) -> bool {
    let obeyed = ['\\', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{feff}'];
    !line.chars().any(|one| one.is_control() || obeyed.contains(&one))
}

#[test]
fn an_explanation_is_one_plain_line_for_each_sentence() {
    let mut bank = Bank::new();
    for reason in HOSTILE {
        let record = record(&mut bank, reason);
        let text = explain(&record, &euro());
        assert_eq!(text.len(), 4, "{text:?}");
        assert!(text.iter().all(|line| is_plain(line)), "{text:?}");
    }
}

#[test]
fn a_statement_says_reasons_in_plain_words() {
    let mut bank = Bank::new();
    let records = HOSTILE.map(|reason| record(&mut bank, reason));
    let statement = Statement::of(Account::wallet(ANN), &Balance::default(), &records);
    assert_eq!(statement.lines.len(), HOSTILE.len());
    assert!(statement.lines.iter().all(|line| is_plain(&line.reason)));
}

#[test]
fn a_reason_never_leaves_its_place_in_an_export() {
    for format in [Format::Hledger, Format::Beancount, Format::Csv] {
        let exporter = Exporter::new(format, euro());
        let mut bank = Bank::new();
        record(&mut bank, "the first opens accounts");
        let harmless = entry(&mut bank, "x");
        let shape = exporter.record(&harmless).unwrap().lines().count();
        for reason in HOSTILE {
            let text = exporter.record(&entry(&mut bank, reason)).unwrap();
            assert_eq!(text.lines().count(), shape, "{format:?}: {text}");
            assert!(text.lines().all(is_plain), "{format:?}: {text}");
            let quotes = text.matches('"').count();
            assert!(format != Format::Csv || quotes.is_multiple_of(2), "{text}");
            assert!(format != Format::Beancount || quotes == 4, "{text}");
            assert!(format != Format::Hledger || !text.contains([';', '|']), "{text}");
        }
    }
}

#[test]
fn no_reason_is_a_formula_of_a_spreadsheet() {
    let (mut bank, exporter) = (Bank::new(), Exporter::new(Format::Csv, euro()));
    for reason in HOSTILE {
        let text = exporter.record(&entry(&mut bank, reason)).unwrap();
        for line in text.lines() {
            let reason = line.split_once('"').unwrap().1;
            assert!(!reason.trim_start().starts_with(['=', '+', '-', '@']), "{line}");
        }
    }
}

#[test]
fn what_operators_say_of_an_account_and_of_the_rules_is_a_sentence() {
    let mut bank = Bank::new();
    let account = Account::wallet(ANN);
    let frozen = ControlCommand::SetStanding { account, standing: Standing::Frozen };
    let policy = Policy { correction_max: 500, ..Policy::default() };
    let ruled = ControlCommand::SetPolicy { policy, second: Some(AccountId(99)) };
    for (command, said) in [
        (frozen, format!("{account} is frozen: nothing leaves it.")),
        (ruled, "corrections above 5.00 EUR need a second person".into()),
    ] {
        let id = bank.new_id();
        let Done::Recorded(entry) = bank.ask(id, Command::Control(command)) else { panic!() };
        let text = explain(&entry.record, &euro());
        assert!(text.iter().any(|line| line.contains(&said)), "{text:?}");
    }
}
