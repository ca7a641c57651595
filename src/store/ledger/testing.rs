//! Records for tests.

use weir_ledger::record::Entry;
use weir_ledger::state::Done;
use weir_ledger::workload::Workload;
use weir_ledger::{Request, State, row::At};

/// What `count` requests of a workload record.
pub(super) fn entries(seed: u64, count: usize) -> Vec<Entry> {
    let mut state = State::default();
    let made = requests(seed, count).into_iter().filter_map(|(request, wall)| {
        match state.execute(&request, wall).unwrap() {
            Done::Recorded(entry) => Some(*entry),
            _ => None,
        }
    });
    made.collect()
}

/// Requests of a workload, each with its time.
pub(super) fn requests(seed: u64, count: usize) -> Vec<(Request, At)> {
    let mut work = Workload::new(seed);
    (0..count).map(|_| work.next_request()).collect()
}
