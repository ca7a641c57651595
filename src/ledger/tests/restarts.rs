//! A node that dies and starts again, with people who ask again what they have no answer to.

use proptest::prelude::*;

use super::judged::{Fault, Restart, run_dying};
use super::{REQUESTS, redo};
use crate::audit::Verdict;
use crate::record::Record;
use crate::state::State;
use crate::table::Table;

/// What was asked is in the records, so a start knows it.
fn from_records(records: &[Record]) -> State {
    let mut state = State::default();
    records.iter().for_each(|record| drop(redo(&mut state, record).unwrap()));
    state
}

/// As a ledger starts that keeps what it was asked in memory only.
fn forgetful(records: &[Record]) -> State {
    let mut state = from_records(records);
    state.seen = Table::default();
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn inv_5_what_was_asked_before_a_start_is_not_done_after_it(seed: u64) {
        let run = run_dying(seed, REQUESTS, from_records);
        prop_assert!(run.is_ok(), "{}", run.err().unwrap().text);
    }
}

/// A memory that a restart loses pays, refunds and corrects twice, and the auditor says so.
#[test]
fn mutant_volatile_dedupe_is_found() {
    let faults = |start: Restart| -> Vec<Fault> {
        (0..24).filter_map(|seed| run_dying(seed, REQUESTS, start).err()).collect()
    };
    assert!(faults(from_records).is_empty());
    let found = faults(forgetful);
    assert_eq!(found.len(), 24, "in every run");
    let is_twice = |fault: &&Fault| {
        matches!((fault.said, fault.owed), (Verdict::Moves(1..), Verdict::Nothing))
    };
    let twice = found.iter().filter(is_twice).count();
    let texts: Vec<&str> = found.iter().map(|fault| &*fault.text).collect();
    assert!(twice > 0, "money that moves twice: {texts:#?}");
}
