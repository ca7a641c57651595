//! What clients saw, and whether one register after the other could have answered so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use porcupine_rs::{CheckResult, Model, Operation, check_operations_timeout};

use super::registers::Op;

/// A search that takes longer says nothing, and that is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request as its client saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) register: u8,
    pub(super) op: Op,
    /// What the register held before; none when there was no answer, so that it may have been made or not.
    pub(super) before: Option<u64>,
    pub(super) begin: i64,
    pub(super) end: i64,
}

#[derive(Clone)]
struct Register;

impl Model for Register {
    type State = u64;
    type Op = Seen;
    type Metadata = ();

    fn partition_operations(history: &[Operation<Self>]) -> Vec<Vec<Operation<Self>>> {
        let mut parts: BTreeMap<u8, Vec<Operation<Self>>> = BTreeMap::new();
        for operation in history {
            parts.entry(operation.op.register).or_default().push(operation.clone());
        }
        parts.into_values().collect()
    }

    fn init() -> u64 {
        0
    }

    fn step(held: &u64, seen: &Seen) -> (bool, u64) {
        (seen.before.is_none_or(|before| before == *held), seen.op.apply(*held))
    }
}

/// Whether the history is linearizable; the error says what is not.
pub(super) fn check(history: &[Seen]) -> Result<(), String> {
    match verdict(history) {
        CheckResult::Ok => Ok(()),
        CheckResult::Illegal => Err(format!("not linearizable: {}", wrong_part(history))),
        CheckResult::Unknown => Err("whether it is linearizable could not be found out".into()),
    }
}

fn verdict(history: &[Seen]) -> CheckResult {
    let operation = |seen: &Seen| Operation::<Register> {
        client_id: None,
        call_time: seen.begin,
        return_time: seen.end,
        op: *seen,
        metadata: None,
    };
    let operations: Vec<_> = history.iter().map(operation).collect();
    check_operations_timeout(&operations, PATIENCE)
}

/// What was seen of the first register that is not linearizable, in the order of asking.
fn wrong_part(history: &[Seen]) -> String {
    let registers: BTreeSet<u8> = history.iter().map(|seen| seen.register).collect();
    let of = |register: &u8| -> Vec<Seen> {
        history.iter().filter(|seen| seen.register == *register).copied().collect()
    };
    let wrong = registers.iter().map(of).find(|part| verdict(part) != CheckResult::Ok);
    let mut wrong = wrong.unwrap_or_default();
    wrong.sort_by_key(|seen| seen.begin);
    wrong.iter().map(|seen| format!("\n  {seen:?}")).collect()
}

#[test]
fn a_lost_write_an_old_read_and_a_doubled_write_are_found() {
    let seen = |op, before, begin, end| Seen { register: 1, op, before, begin, end };
    let (put, read) = (Op::Put(5), Op::Read);
    let sound = [seen(put, Some(0), 1, 2), seen(read, Some(5), 3, 4)];
    assert_eq!(check(&sound), Ok(()));
    let unanswered =
        [seen(put, None, 1, i64::MAX), seen(read, Some(0), 3, 4), seen(read, Some(5), 5, 6)];
    assert_eq!(check(&unanswered), Ok(()), "it was made late");
    let lost = [seen(put, Some(0), 1, 2), seen(read, Some(0), 3, 4)];
    let back = [seen(put, None, 1, i64::MAX), seen(read, Some(5), 3, 4), seen(read, Some(0), 5, 6)];
    let doubled =
        [seen(put, Some(0), 1, 2), seen(Op::Put(6), Some(5), 3, 4), seen(read, Some(5), 5, 6)];
    for wrong in [&lost[..], &back[..], &doubled[..]] {
        assert!(check(wrong).is_err(), "{wrong:?}");
    }
}
