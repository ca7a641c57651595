//! The invariants of money, over requests as many people would make them.

mod acts;
mod bank;
mod defences;
mod deliveries;
mod drain;
mod evidence;
mod extremes;
mod inbox;
mod invariants;
mod judged;
mod providers;
mod races;
mod refunds;
mod rehearsals;
mod restarts;
mod seeds;
mod sessions;
mod steps;
mod stories;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::account::Class;
use crate::chain::Link;
use crate::checkpoint::{Loader, PageId};
use crate::explain::explain;
use crate::record::{Entry, Record, Unreadable};
use crate::row::At;
use crate::state::{Done, State};
use crate::statement::Statement;
use crate::verify::Verifier;
use crate::{Currency, Refusal};
use judged::{balances, run};

const REQUESTS: usize = 400;

/// The same values of `strategy` each time, for whoever counts in how many of them a mistake is found.
pub(crate) fn drawn<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Everything that decides, for comparison.
fn all_of(state: &State) -> String {
    format!("{state:?}")
}

/// Records as a disk has them.
fn stored(records: &[Record]) -> Vec<(Vec<u8>, Link)> {
    let mut link = Link::default();
    let chained = records.iter().map(|record| {
        let bytes = record.bytes().unwrap();
        link = link.then(&bytes);
        (bytes, link)
    });
    chained.collect()
}

fn first_fault(stored: &[(Vec<u8>, Link)]) -> Option<u64> {
    let mut verifier = Verifier::default();
    stored.iter().find_map(|(bytes, link)| verifier.take(bytes, *link).err()).map(|fault| fault.seq)
}

/// The state that comes of what changed of `state` and the `pages` from before.
fn through_pages(
    state: &mut State,
    pages: &mut BTreeMap<PageId, Vec<u8>>,
) -> Result<State, Unreadable> {
    let changes = state.take_changes();
    changes.each(&mut |id, bytes| {
        pages.insert(id, bytes);
        true
    })?;
    let core = changes.core();
    let mut halves = [Loader::new(core, 0)?, Loader::new(core, 1)?];
    for (id, bytes) in pages {
        halves[usize::from(Loader::half_of(id.table))].page(*id, bytes)?;
    }
    let [first, second] = halves.map(Loader::finish);
    second.join(first, core)
}

fn redo(state: &mut State, record: &Record) -> Result<Entry, Refusal> {
    state.commit(record.clone(), record.bytes().unwrap())
}

#[test]
fn the_workload_has_everything_in_it() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..60 {
        for (request, done) in run(seed, REQUESTS).answers {
            let name = format!("{:?}", request.command);
            let name: Vec<&str> = name.split([' ', '{', '(']).take(2).collect();
            let name = name.join(" ");
            let what = match &done {
                Done::Recorded(entry) if entry.record.result.is_ok() => "made",
                Done::Recorded(_) | Done::Refused(_) => "refused",
                Done::Replayed(_) | Done::Unchanged(_) => "again",
                Done::Mismatch(_) => "mismatch",
            };
            *seen.entry(format!("{name} {what}")).or_default() += 1;
        }
    }
    for name in EVERYTHING {
        for what in ["made", "refused", "again"] {
            let never = NEVER.contains(&(name, what));
            let found = seen.contains_key(&format!("{name} {what}"));
            assert_eq!(found, !never, "{name} {what}: {seen:#?}");
        }
    }
}

/// What the workload asks for.
const EVERYTHING: [&str; 32] = [
    "Income TopUp",
    "Income Grant",
    "Income Expire",
    "Hold Reserve",
    "Hold Capture",
    "Hold Close",
    "Hold Expire",
    "Payment Tip",
    "Payment Refund",
    "Event Open",
    "Event Buy",
    "Event End",
    "Event Settle",
    "Member Subscribe",
    "Member Gift",
    "Payout Mature",
    "Payout Request",
    "Payout End",
    "Payout Settle",
    "Payout PayBack",
    "Payout EndPayBack",
    "Dispute Open",
    "Dispute End",
    "Dispute Recover",
    "Control Found",
    "Control SetStanding",
    "Control SetPolicy",
    "Control Correct",
    "Provider Hear",
    "Provider PutAside",
    "Provider Tell",
    "Provider Told",
];

/// What cannot happen.
const NEVER: [(&str, &str); 1] = [("Payout Mature", "refused")];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// INV-1 to INV-4, and the auditor's opinion of every request and every account.
    #[test]
    fn inv_1_to_4_every_record_leaves_money_where_it_has_to_be(seed: u64) {
        run(seed, REQUESTS);
    }

    /// INV-5.
    #[test]
    fn inv_5_what_was_asked_again_changes_nothing(seed: u64) {
        let mut run = run(seed, REQUESTS);
        let (before, wall) = (all_of(&run.state), At(2_000_000_000_000_000));
        for (request, first) in run.answers {
            if request.id == 0 {
                continue;
            }
            let again = run.state.execute(&request, wall).unwrap();
            match first {
                Done::Recorded(entry) => prop_assert_eq!(again, Done::Replayed(entry.record.seq)),
                Done::Mismatch(seq) => prop_assert_eq!(again, Done::Mismatch(seq)),
                other => prop_assert_eq!(again, other),
            }
        }
        prop_assert_eq!(all_of(&run.state), before);
    }

    /// INV-8, INV-10.
    #[test]
    fn inv_8_the_state_is_the_fold_of_its_records(seed: u64) {
        let run = run(seed, REQUESTS);
        let mut again = State::default();
        for (at, record) in run.records.iter().enumerate() {
            let bytes = record.bytes().unwrap();
            prop_assert_eq!(record.seq, at as u64 + 1);
            let read = Record::read(&bytes).unwrap();
            prop_assert_eq!(&read, record);
            again.commit(read, bytes).unwrap();
        }
        prop_assert_eq!(all_of(&again), all_of(&run.state));
    }

    /// INV-8: from any checkpoint on it is the same state, and what changes later makes the next one.
    #[test]
    fn inv_8_a_ledger_goes_on_from_a_checkpoint(seed: u64, cuts: [prop::sample::Index; 2]) {
        let run = run(seed, REQUESTS);
        let mut cuts = cuts.map(|cut| cut.index(run.records.len() + 1));
        cuts.sort_unstable();
        let (mut state, mut pages, mut at) = (State::default(), BTreeMap::new(), 0);
        for cut in cuts {
            for record in &run.records[at..cut] {
                redo(&mut state, record).unwrap();
            }
            at = cut;
            let loaded = through_pages(&mut state, &mut pages).unwrap();
            prop_assert_eq!(all_of(&loaded), all_of(&state));
            state = loaded;
        }
        for record in &run.records[at..] {
            redo(&mut state, record).unwrap();
        }
        prop_assert_eq!(all_of(&state), all_of(&run.state));
        if let Some(lost) = pages.keys().next().copied() {
            pages.remove(&lost);
            prop_assert!(through_pages(&mut State::default(), &mut pages).is_err());
        }
    }

    /// INV-9, and that the verifier makes the same state.
    #[test]
    fn inv_9_a_flipped_bit_is_found_where_it_is(seed: u64, at: prop::sample::Index, bit: prop::sample::Index) {
        let run = run(seed, 60);
        let mut stored = stored(&run.records);
        let mut good = Verifier::default();
        for (bytes, link) in &stored {
            good.take(bytes, *link).unwrap();
        }
        prop_assert_eq!(all_of(&good.into_state()), all_of(&run.state));
        let broken = at.index(stored.len());
        let (bytes, link) = &mut stored[broken];
        let bit = bit.index((bytes.len() + 32) * 8);
        match bytes.get_mut(bit / 8) {
            Some(byte) => *byte ^= 1 << (bit % 8),
            None => link.0[bit / 8 - bytes.len()] ^= 1 << (bit % 8),
        }
        prop_assert_eq!(first_fault(&stored), Some(broken as u64 + 1));
    }

    /// Somebody who makes the chain anew behind a change is found by what requests bring about.
    #[test]
    fn a_change_with_a_chain_of_its_own_is_found(seed: u64, at: prop::sample::Index) {
        let mut run = run(seed, 120);
        let with_legs: Vec<usize> = (0..run.records.len()).filter(|at| !run.records[*at].legs.is_empty()).collect();
        prop_assume!(!with_legs.is_empty());
        let changed = with_legs[at.index(with_legs.len())];
        run.records[changed].legs.iter_mut().for_each(|leg| leg.units += 1);
        prop_assert_eq!(first_fault(&stored(&run.records)), Some(changed as u64 + 1));
    }

    /// INV-21: what waits is its open items at every moment, and when all of them are over nothing waits.
    #[test]
    fn inv_21_nothing_waits_when_everything_is_over(seed: u64) {
        let mut run = run(seed, REQUESTS);
        drain::drain(&mut run.state, seed);
    }

    #[test]
    fn explanations_name_every_account(seed: u64) {
        let euro = Currency::new("EUR", 2).unwrap();
        for record in run(seed, 60).records {
            let text = explain(&record, &euro).join("\n");
            for leg in &record.legs {
                prop_assert!(text.contains(&leg.account.to_string()), "{}", text);
            }
            prop_assert_eq!(record.result.is_err(), text.contains("It was refused"));
        }
    }

    /// INV-10: the ledger's time goes on whatever clocks do.
    #[test]
    fn inv_10_time_and_numbers_only_rise(seed: u64) {
        let records = run(seed, REQUESTS).records;
        prop_assert!(records.windows(2).all(|two| two[0].at < two[1].at && two[0].seq + 1 == two[1].seq));
    }

    /// INV-24 and that a record that does not belong there is not taken.
    #[test]
    fn inv_24_a_record_out_of_place_changes_nothing(seed: u64, at: prop::sample::Index) {
        let mut run = run(seed, 80);
        let before = all_of(&run.state);
        let record = &run.records[at.index(run.records.len())];
        prop_assert!(matches!(redo(&mut run.state, record), Err(Refusal::Invalid(_))));
        prop_assert_eq!(all_of(&run.state), before);
    }

    /// INV-23.
    #[test]
    fn inv_23_a_statement_is_what_happened_between_two_balances(seed: u64, cut: prop::sample::Index) {
        let run = run(seed, REQUESTS);
        let cut = cut.index(run.records.len());
        let mut state = State::default();
        for record in &run.records[..cut] {
            redo(&mut state, record).unwrap();
        }
        for (account, after) in balances(&run.state) {
            let before = state.balance(&account);
            let statement = Statement::of(account, &before, &run.records[cut..]);
            prop_assert_eq!(statement.opening, before.net(account.kind.class()));
            prop_assert_eq!(statement.closing, after.net(account.kind.class()));
            let mut balance = statement.opening;
            for line in &statement.lines {
                let moved = i128::from(line.credits) - i128::from(line.debits);
                let grows = matches!(account.kind.class(), Class::Liabilities | Class::Income);
                balance += if grows { moved } else { -moved };
                prop_assert_eq!(line.balance, balance);
            }
            prop_assert_eq!(balance, statement.closing);
            prop_assert!(statement.lines.windows(2).all(|two| two[0].seq < two[1].seq));
            prop_assert_eq!(&Statement::of(account, &before, &run.records[cut..]), &statement);
        }
    }
}
