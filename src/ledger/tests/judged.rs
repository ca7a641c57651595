//! The ledger and the auditor side by side, over one workload.

use std::collections::{BTreeMap, VecDeque};

use super::invariants::check;
use crate::Request;
use crate::account::{Account, Balance, Kind};
use crate::audit::{Auditor, Expected, Verdict};
use crate::leg::{Side, Stage};
use crate::record::Record;
use crate::row::At;
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
#[derive(Default)]
pub(super) struct Run {
    pub(super) state: State,
    pub(super) records: Vec<Record>,
    pub(super) answers: Vec<(Request, Done)>,
}

/// Something that the ledger did and the auditor says it must not have done.
pub(super) struct Fault {
    /// What it brought about …
    pub(super) said: Verdict,
    /// … and what it had to.
    pub(super) owed: Verdict,
    /// By what, and what accounts show then.
    pub(super) text: String,
}

/// What a node has of a ledger after a start, from its records.
pub(super) type Restart = fn(&[Record]) -> State;

/// Requests between two starts, and how many of the newest are asked again then: nobody heard what came of them.
const LIFE: usize = 40;
const UNHEARD: usize = 15;

/// Has the ledger do what a workload asks, and the auditor say after each request what had to come of it.
pub(super) fn run(seed: u64, requests: usize) -> Run {
    let (mut work, mut court) = (Workload::new(seed), Court::default());
    let asked = (0..requests).try_for_each(|_| {
        let (request, wall) = work.next_request();
        court.ask(request, wall)
    });
    asked.unwrap_or_else(|fault| panic!("{}", fault.text));
    court.run
}

/// The same on a node that dies now and then: it goes on with what a start leaves, and people ask again what they have
/// no answer to.
pub(super) fn run_dying(seed: u64, requests: usize, start: Restart) -> Result<Run, Fault> {
    let (mut work, mut court) = (Workload::new(seed), Court::default());
    let mut unheard = VecDeque::new();
    for at in 1..=requests {
        let (request, wall) = work.next_request();
        unheard.push_back((request.clone(), wall));
        unheard.drain(..unheard.len().saturating_sub(UNHEARD));
        court.ask(request, wall)?;
        if at.is_multiple_of(LIFE) {
            court.run.state = start(&court.run.records);
            unheard.iter().try_for_each(|(request, wall)| court.ask(request.clone(), *wall))?;
        }
    }
    Ok(court.run)
}

/// The ledger and its auditor.
#[derive(Default)]
struct Court {
    auditor: Auditor,
    run: Run,
}

impl Court {
    fn ask(&mut self, request: Request, wall: At) -> Result<(), Fault> {
        let (run, auditor) = (&mut self.run, &mut self.auditor);
        request.check().unwrap();
        let at = run.state.head().next_at(wall).unwrap();
        let done = run.state.execute(&request, wall).unwrap();
        let made = matches!(&done, Done::Recorded(entry) if entry.record.result.is_ok());
        let owed = auditor.judge(&request, at, made);
        if let Done::Recorded(entry) = &done {
            auditor.recorded(moved(&entry.record));
        }
        let said = judged(&done);
        if owed != Verdict::Other && said != owed {
            let text = format!("{request:?} gave {done:?}, not {owed:?}");
            return Err(Fault { said, owed, text });
        }
        let (shown, expected) = (shown(&run.state), auditor.expected());
        if shown != expected {
            let text = format!("after {request:?}: {shown:#?}, not {expected:#?}");
            return Err(Fault { said, owed, text });
        }
        check(&run.state);
        if let Done::Recorded(entry) = &done {
            run.records.push(entry.record.clone());
        }
        run.answers.push((request, done));
        Ok(())
    }
}
