//! The ledger and the auditor side by side, over one workload.

use std::collections::BTreeMap;

use super::invariants::check;
use crate::Request;
use crate::account::{Account, Balance, Kind};
use crate::audit::{Auditor, Expected, Verdict};
use crate::leg::{Side, Stage};
use crate::record::Record;
use crate::state::{Done, State};
use crate::workload::Workload;

pub(super) fn balances(state: &State) -> BTreeMap<Account, Balance> {
    state.balances.view().rows().copied().collect()
}

/// What the accounts show, in the auditor's terms.
fn shown(state: &State) -> Expected {
    let mut all = Expected::new();
    for (account, balance) in balances(state) {
        let net = balance.net(account.kind.class());
        let (account, net) = match account.kind {
            Kind::CreatorPayable => (Account { kind: Kind::CreatorPending, ..account }, net),
            Kind::CreatorDebt => (Account { kind: Kind::CreatorPending, ..account }, -net),
            Kind::EscrowSession | Kind::BankInTransit => continue,
            _ => (account, net),
        };
        let entry = all.entry(account).or_default();
        *entry = (entry.0 + net, entry.1 + balance.debits_pending);
    }
    all.retain(|_, shown| *shown != (0, 0));
    all
}

fn judged(done: &Done) -> Verdict {
    let moved = |receipt: &crate::record::Receipt| Verdict::Moves(receipt.units);
    match done {
        Done::Recorded(entry) => entry.record.result.as_ref().map_or(Verdict::Refused, moved),
        Done::Replayed(_) | Done::Unchanged(_) => Verdict::Nothing,
        Done::Refused(_) => Verdict::Refused,
        Done::Mismatch(_) => Verdict::Mismatch,
    }
}

/// What the debits that were posted make.
fn moved(record: &Record) -> u64 {
    let those = record.legs.iter().filter(|leg| leg.stage == Stage::Posted);
    those.filter(|leg| leg.side == Side::Debit).map(|leg| leg.units).sum()
}

/// What a workload brought about.
pub(super) struct Run {
    pub(super) state: State,
    pub(super) records: Vec<Record>,
    pub(super) answers: Vec<(Request, Done)>,
}

/// Has the ledger do what a workload asks, and the auditor say after each request what had to come of it.
pub(super) fn run(seed: u64, requests: usize) -> Run {
    let (mut work, mut auditor) = (Workload::new(seed), Auditor::default());
    let mut run = Run { state: State::default(), records: Vec::new(), answers: Vec::new() };
    for _ in 0..requests {
        let (request, wall) = work.next_request();
        request.check().unwrap();
        let at = run.state.head().next_at(wall).unwrap();
        let done = run.state.execute(&request, wall).unwrap();
        let made = matches!(&done, Done::Recorded(entry) if entry.record.result.is_ok());
        let verdict = auditor.judge(&request, at, made);
        if let Done::Recorded(entry) = &done {
            auditor.recorded(moved(&entry.record));
        }
        match verdict {
            Verdict::Other => {}
            verdict => assert_eq!(judged(&done), verdict, "{request:?} gave {done:?}"),
        }
        assert_eq!(shown(&run.state), auditor.expected(), "after {request:?}");
        check(&run.state);
        if let Done::Recorded(entry) = &done {
            run.records.push(entry.record.clone());
        }
        run.answers.push((request, done));
    }
    run
}
