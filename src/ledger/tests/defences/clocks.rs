//! Clocks that are wrong.

use super::*;
use crate::export::{Exporter, Format};
use crate::row::At;

fn top_up() -> Command {
    Command::Income(IncomeCommand::TopUp { user: ANN, amount: amount(1), provider: stripe() })
}

fn request(id: Id) -> crate::Request {
    let (reason, refs) = (String::new(), crate::request::Refs::default());
    crate::Request { id, by: ANN, reason, refs, command: top_up() }
}

#[test]
fn a_clock_beyond_its_time_makes_nothing() {
    let mut bank = Bank::new();
    let before = crate::tests::all_of(&bank.state);
    for wall in [At(At::LAST.0 + 1), At(u64::MAX)] {
        assert_eq!(bank.state.execute(&request(5), wall), Err(Refusal::Clock));
    }
    assert_eq!(crate::tests::all_of(&bank.state), before);
    bank.get(5, top_up()).expect("the next one that is right goes on");
    assert!(matches!(bank.state.execute(&request(6), At::LAST), Ok(Done::Recorded(_))));
    assert_eq!(bank.state.execute(&request(7), At(0)), Err(Refusal::Clock), "time is used up");
}

#[test]
fn a_record_of_a_time_beyond_is_not_taken() {
    let mut bank = Bank::new();
    let Ok(Done::Recorded(entry)) = bank.state.clone().execute(&request(5), At::LAST) else {
        panic!("the last moment is one");
    };
    let mut record = entry.record;
    record.at = At(At::LAST.0 + 1);
    let bytes = record.bytes().unwrap();
    assert_eq!(bank.state.commit(record, bytes), Err(Refusal::Clock));
}

#[test]
fn a_clock_that_was_wrong_for_a_moment_does_not_stop_sessions() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    let now = bank.now;
    bank.now = now.plus_ms(24 * HOUR_MS);
    bank.top_up(ANN, 1);
    bank.now = now.plus_ms(1_000);
    bank.reserve(SESSION, ANN, 10, 1).unwrap();
    bank.capture(SESSION, 5, 1).unwrap();
}

#[test]
fn every_record_has_a_date_that_other_programs_read() {
    for at in [At(1), At(1 << 50), At::LAST] {
        let mut bank = Bank::new();
        let Ok(Done::Recorded(entry)) = bank.state.execute(&request(5), at) else {
            panic!("{at:?}");
        };
        let text = Exporter::new(Format::Hledger, euro()).record(&entry).unwrap();
        let date = text.split(' ').next().unwrap();
        assert_eq!((date.len(), date.split('-').count()), (10, 3), "{text}");
    }
}
