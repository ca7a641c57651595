//! A ledger on a disk: what was made is there again, and nothing is made twice.

use proptest::prelude::*;
use weir_ledger::account::{Account, Balance};

use super::testing::requests;
use journal::Found;
use weir_ledger::state::Checked;

use super::*;

/// Requests of a workload, some to each entry of the log.
fn entries_of_a_log(seed: u64, count: usize) -> Vec<Posted> {
    let requests = requests(seed, count);
    let some = requests.chunks(7).enumerate();
    let posted = some.map(|(nth, some)| {
        let batches = some.chunks(3).map(|few| {
            let requests: Vec<Request> = few.iter().map(|(request, _)| request.clone()).collect();
            Batch { wall: few[0].1, requests: batch::write(&requests).unwrap() }
        });
        Posted { index: nth as u64 * 2 + 1, batches: batches.collect() }
    });
    posted.collect()
}

fn all(ledger: &Ledger) -> (Head, Vec<Entry>, Vec<(Account, Balance)>) {
    let balances = ledger.read(State::all_balances);
    (ledger.head(), ledger.records(1, usize::MAX).unwrap(), balances.rows().copied().collect())
}

fn make_again(state: &mut State, entry: &Entry) {
    let checked = Checked::new(entry.clone(), state.head().link).unwrap();
    state.redo(checked).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After a start everything is as it was, and the log may come again from anywhere.
    #[test]
    fn inv_6_and_8_a_start_brings_back_what_was_made_and_the_log_makes_nothing_twice(
        seed: u64,
        cut: prop::sample::Index,
        again: prop::sample::Index,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let posted = entries_of_a_log(seed, 300);
        let cut = cut.index(posted.len());
        let ledger = Ledger::open(dir.path()).unwrap();
        for one in &posted[..cut] {
            ledger.apply(one).unwrap();
        }
        let before = all(&ledger);
        drop(ledger);
        let ledger = Ledger::open(dir.path()).unwrap();
        prop_assert_eq!(all(&ledger), before);
        for one in &posted[again.index(cut + 1)..] {
            ledger.apply(one).unwrap();
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Ledger::open(elsewhere.path()).unwrap();
        posted.iter().for_each(|one| drop(other.apply(one).unwrap()));
        prop_assert_eq!(all(&ledger), all(&other));
    }

    /// A power cut takes chunks from the end of the journal: what is left is whole records, with all that they did and
    /// nothing of the next one, and the log makes the others again.
    #[test]
    fn inv_6_and_7_what_a_power_cut_takes_the_log_makes_again(seed: u64, end: prop::sample::Index, zeros: bool) {
        let dir = tempfile::tempdir().unwrap();
        let posted = entries_of_a_log(seed, 200);
        let ledger = Ledger::open(dir.path()).unwrap();
        posted.iter().for_each(|one| drop(ledger.apply(one).unwrap()));
        let before = all(&ledger);
        drop(ledger);
        let file = dir.path().join(JOURNAL_DIR).join("0000000000000001.journal");
        let mut bytes = std::fs::read(&file).unwrap();
        let end = end.index(bytes.len());
        if zeros {
            bytes[end..].fill(0);
        } else {
            bytes.truncate(end);
        }
        std::fs::write(&file, bytes).unwrap();
        let ledger = Ledger::open(dir.path()).unwrap();
        let left = usize::try_from(ledger.head().seq).unwrap();
        prop_assert!(left <= before.1.len());
        let mut known = State::default();
        before.1[..left].iter().for_each(|entry| make_again(&mut known, entry));
        let known_balances = known.all_balances().rows().copied().collect();
        prop_assert_eq!(all(&ledger), (*known.head(), before.1[..left].to_vec(), known_balances));
        prop_assert_eq!(ledger.read(|state| format!("{state:?}")), format!("{known:?}"));
        posted.iter().for_each(|one| drop(ledger.apply(one).unwrap()));
        prop_assert_eq!(all(&ledger), before);
    }

    /// From the disk: what the records of an account lead through is all that touched it.
    #[test]
    fn inv_23_the_history_of_an_account_is_all_that_touched_it(seed: u64, upto: prop::sample::Index) {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path()).unwrap();
        entries_of_a_log(seed, 300).iter().for_each(|one| drop(ledger.apply(one).unwrap()));
        let (head, records, balances) = all(&ledger);
        let upto = upto.index(usize::try_from(head.seq).unwrap() + 1) as u64;
        let mut known = State::default();
        for entry in records.iter().take_while(|entry| entry.record.seq <= upto) {
            make_again(&mut known, entry);
        }
        for (account, _) in balances {
            let touches = |entry: &&Entry| entry.record.legs.iter().any(|leg| leg.account == account);
            let mut expected: Vec<u64> = records.iter().filter(touches).map(|entry| entry.record.seq).collect();
            expected.retain(|seq| *seq <= upto);
            expected.reverse();
            let history = ledger.history(account, upto, usize::MAX).unwrap();
            prop_assert_eq!(history.iter().map(|record| record.seq).collect::<Vec<_>>(), expected);
            let statement = ledger.statement(account, upto, 3).unwrap();
            prop_assert!(statement.lines.len() <= 3);
            prop_assert_eq!(statement.closing, known.balance(&account).net(account.kind.class()));
        }
    }
}

fn answers(ledger: &Ledger, posted: &Posted) -> Vec<Answer> {
    let answers = ledger.apply(posted).unwrap();
    answers.iter().flat_map(|bytes| batch::read_answers(bytes).unwrap()).collect()
}

#[test]
fn inv_5_what_was_asked_before_is_answered_as_then_from_the_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let posted = entries_of_a_log(4, 300);
    let ledger = Ledger::open(dir.path()).unwrap();
    let first: Vec<Vec<Answer>> = posted.iter().map(|one| answers(&ledger, one)).collect();
    drop(ledger);
    let ledger = Ledger::open(dir.path()).unwrap();
    let mut replayed = 0;
    for (one, first) in posted.iter().zip(first) {
        let later = Posted { index: one.index + 1_000, ..one.clone() };
        let requests = one.batches.iter().flat_map(|batch| batch::read(&batch.requests).unwrap());
        let again = answers(&ledger, &later);
        assert_eq!((first.len(), again.len()), (requests.clone().count(), first.len()));
        for ((first, again), request) in first.iter().zip(&again).zip(requests) {
            if request.id == 0 {
                continue;
            }
            assert_eq!((&again.result, again.seq), (&first.result, first.seq), "{request:?}");
            assert!(again.replayed == first.seq.is_some(), "{request:?}");
            replayed += usize::from(again.replayed);
        }
    }
    assert!(replayed > 50);
}

#[test]
fn a_record_that_was_changed_on_the_disk_stops_the_start_and_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let mut entries = testing::entries(5, 200);
    let moves = |entry: &&mut Entry| entry.record.legs.len() > 1;
    let changed = entries.iter_mut().filter(moves).nth(3).unwrap();
    changed.record.legs.iter_mut().for_each(|leg| leg.units += 1);
    changed.bytes = changed.record.bytes().unwrap();
    let seq = changed.record.seq;
    let found = Found::read(&dir.path().join(JOURNAL_DIR), None, &mut |_, _| Ok(())).unwrap();
    let mut journal = found.open().unwrap();
    journal.append(1, &entries).unwrap();
    drop(journal);
    // However often it is started.
    for _ in 0..2 {
        let error = Ledger::open(dir.path()).err().unwrap();
        assert!(
            matches!(&error, LedgerError::Damaged(text) if text.starts_with(&format!("record {seq}:"))),
            "{error}"
        );
    }
}

#[test]
fn bytes_that_are_no_requests_are_passed_over_alike_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let garbage =
        Posted { index: 3, batches: vec![Batch { wall: At(1), requests: vec![0xff; 40] }] };
    assert_eq!(answers(&ledger, &garbage), []);
    assert_eq!((ledger.applied(), ledger.head().seq), (3, 0));
    drop(ledger);
    assert_eq!(Ledger::open(dir.path()).unwrap().applied(), 3);
}

#[test]
fn a_node_that_does_not_know_the_rules_stops_where_newer_ones_go_on() {
    use weir_ledger::request::{Command, ControlCommand, Refs};
    use weir_ledger::row::{Policy, RULES};
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    let (found, wall) = requests(5, 1).remove(0);
    let policy = Policy { rules: RULES + 1, ..Policy::default() };
    let command = Command::Control(ControlCommand::SetPolicy { policy, second: None });
    let by = weir_model::AccountId(900);
    let newer = Request { id: 9, by, reason: String::new(), refs: Refs::default(), command };
    let posted = |index, request| {
        let batches = vec![Batch { wall, requests: batch::write(&[request]).unwrap() }];
        Posted { index, batches }
    };
    ledger.apply(&posted(1, found)).unwrap();
    let error = ledger.apply(&posted(2, newer)).unwrap_err();
    assert_eq!(error, LedgerError::Old(Refusal::Rules { rules: RULES + 1 }));
    assert_eq!(ledger.applied(), 1, "a newer program makes it with its next start");
}

/// Entries with the same requests, applied to a ledger that writes a checkpoint every few kilobytes.
mod checkpoints {
    use std::path::PathBuf;

    use super::*;

    const EVERY: u64 = 10_000;

    /// Applies `posted` below `dir`, and closes it with its newest checkpoint written.
    fn written(dir: &Path, posted: &[Posted]) -> (Head, Vec<Entry>, Vec<(Account, Balance)>) {
        let ledger = Ledger::open_with(dir, EVERY).unwrap();
        posted.iter().for_each(|one| drop(ledger.apply(one).unwrap()));
        while ledger.is_writing() {
            std::thread::yield_now();
        }
        all(&ledger)
    }

    /// The ledger below `dir`, and how many records of it came from a checkpoint.
    fn opened(dir: &Path) -> (Ledger, u64) {
        let loaded = checkpoint::load(dir);
        let seq = loaded.map_or(0, |loaded| loaded.state.head().seq);
        (Ledger::open_with(dir, EVERY).unwrap(), seq)
    }

    fn files(dir: &Path) -> Vec<PathBuf> {
        let all = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.is_file()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Whatever was made again from records and what from pages, it is the same ledger, and goes on alike.
        #[test]
        fn inv_8_a_start_from_a_checkpoint_is_a_start_from_the_first_record(
            seed: u64,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        ) {
            let (dir, plain) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let posted = entries_of_a_log(seed, 400);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(posted.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts.into_iter().chain([posted.len()]) {
                written(dir.path(), &posted[from..cut]);
                from = cut;
            }
            let (ledger, seq) = opened(dir.path());
            prop_assert!(seq > 0, "there is a checkpoint");
            let other = Ledger::open_with(plain.path(), u64::MAX).unwrap();
            posted.iter().for_each(|one| drop(other.apply(one).unwrap()));
            prop_assert_eq!(all(&ledger), all(&other));
            let state = |ledger: &Ledger| ledger.read(|state| format!("{state:?}"));
            prop_assert_eq!(state(&ledger), state(&other));
            prop_assert_eq!(ledger.applied(), other.applied());
            prop_assert_eq!(ledger.verify(&|_| ()), other.verify(&|_| ()));
        }

        /// A checkpoint is a help and nothing more: one in which anything was changed is not believed.
        #[test]
        fn a_checkpoint_that_was_changed_is_thrown_away(
            seed: u64,
            at: prop::sample::Index,
            bit in 0_u32..8,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let before = written(dir.path(), &entries_of_a_log(seed, 300));
            let db = files(&checkpoint::place(dir.path())).into_iter().find(|path| path.ends_with("db"));
            let db = db.unwrap();
            let mut bytes = std::fs::read(&db).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            std::fs::write(&db, bytes).unwrap();
            let ledger = Ledger::open_with(dir.path(), EVERY).unwrap();
            prop_assert_eq!(all(&ledger), before);
        }
    }

    #[test]
    fn a_checkpoint_of_records_that_the_journal_lost_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let posted = entries_of_a_log(7, 300);
        let before = written(dir.path(), &posted);
        std::fs::write(dir.path().join(JOURNAL_DIR).join("0000000000000001.journal"), []).unwrap();
        let ledger = Ledger::open_with(dir.path(), EVERY).unwrap();
        assert_eq!((ledger.head().seq, ledger.applied()), (0, 0));
        posted.iter().for_each(|one| drop(ledger.apply(one).unwrap()));
        assert_eq!(all(&ledger), before);
    }

    #[test]
    fn a_checkpoint_that_was_not_finished_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let posted = entries_of_a_log(8, 300);
        let before = written(dir.path(), &posted);
        let loaded = checkpoint::load(dir.path()).unwrap();
        let newest = loaded.state.head().seq;
        // Pages of the next one, and no mark.
        loaded.kept.litter().unwrap();
        drop(loaded.kept);
        let (ledger, seq) = opened(dir.path());
        assert_eq!((all(&ledger), seq), (before, newest));
    }
}
