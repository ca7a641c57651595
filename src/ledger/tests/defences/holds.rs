//! Sessions: who may reserve and take, how much at once, and what comes too late.

use super::*;
use crate::row::{ChargeId, ChargeState, HoldState};

/// Asks for something in the name of an owner.
type Ask = fn(&mut Bank, u64) -> Result<Receipt, Refusal>;

#[test]
fn inv_12_open_blocks_and_what_was_taken_stay_below_what_was_agreed() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    let block = |block| HoldId { block, ..SESSION };
    let reserve = |bank: &mut Bank, at: u32, units: u64| {
        let (terms, hold, amount) = (terms(ANN, 100), block(at), amount(units));
        let reserve = HoldCommand::Reserve { hold, terms, amount, lives_ms: 900_000, epoch: 1 };
        bank.get(0, Command::Hold(reserve))
    };
    reserve(&mut bank, 1, 60).unwrap();
    let too_much = |left| Err(Refusal::TooMuch { what: What::Charge, left });
    assert_eq!(reserve(&mut bank, 2, 41), too_much(40));
    reserve(&mut bank, 2, 30).unwrap();
    assert!(matches!(reserve(&mut bank, 3, 1), Err(Refusal::Invalid(_))), "two at once");
    bank.capture(SESSION, 50, 1).unwrap();
    let close = HoldCommand::Close { hold: SESSION, total: 50, epoch: 1, ends: false };
    bank.get(0, Command::Hold(close)).unwrap();
    assert_eq!(reserve(&mut bank, 3, 21), too_much(20), "50 taken, 30 reserved");
    reserve(&mut bank, 3, 20).unwrap();
    bank.capture(block(2), 30, 1).unwrap();
    bank.capture(block(3), 20, 1).unwrap();
    let charge = bank.state.charge(ChargeId::Session(SESSION.session)).unwrap();
    assert_eq!((charge.total, charge.reserved, charge.open.len()), (100, 0, 2));
}

#[test]
fn a_new_owner_fences_the_old_one_by_anything_that_it_asks() {
    let asks: [Ask; 3] = [
        |bank, epoch| bank.reserve(SESSION, ANN, 100, epoch),
        |bank, epoch| bank.capture(SESSION, 10, epoch),
        |bank, epoch| {
            let close = HoldCommand::Close { hold: SESSION, total: 10, epoch, ends: false };
            bank.get(0, Command::Hold(close))
        },
    ];
    for takes_over in asks {
        let mut bank = Bank::new();
        bank.top_up(ANN, 1_000);
        bank.reserve(SESSION, ANN, 100, 1).unwrap();
        bank.capture(SESSION, 10, 1).unwrap();
        takes_over(&mut bank, 2).expect("nothing new, by a new owner");
        for late in asks {
            assert_eq!(late(&mut bank, 1), Err(Refusal::Stale { newest: 2 }));
        }
        assert_eq!(bank.reserve(SECOND, ANN, 1, 1), Err(Refusal::Stale { newest: 2 }));
    }
}

#[test]
fn a_repeated_reserve_is_answered_by_what_the_hold_is_now() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.reserve(SESSION, ANN, 10, 1).unwrap();
    let seq = bank.seq();
    assert_eq!(bank.reserve(SESSION, ANN, 10, 1).unwrap().units, 0);
    assert_eq!(bank.seq(), seq, "nothing is recorded of that");
    bank.later_ms(900_001);
    let over = Err(Refusal::Over { what: What::Hold });
    assert_eq!(bank.reserve(SESSION, ANN, 10, 1), over, "its time is over");
    bank.expire_hold(SESSION).unwrap();
    assert_eq!(bank.reserve(SESSION, ANN, 10, 1), over, "and it is swept");
}

#[test]
fn a_hold_lives_for_a_day_at_most() {
    let reserve = |lives_ms| {
        let (terms, amount, hold) = (terms(ANN, 100), amount(10), SESSION);
        HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch: 1 }
    };
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    for lives_ms in [0, 24 * HOUR_MS + 1, u64::MAX] {
        let (reason, refs) = (String::new(), crate::request::Refs::default());
        let command = Command::Hold(reserve(lives_ms));
        let request = crate::Request { id: 0, by: ANN, reason, refs, command };
        assert!(matches!(request.check(), Err(Refusal::Invalid(_))));
        let done = bank.state.execute(&request, bank.now).unwrap();
        assert!(matches!(done, Done::Refused(Refusal::Invalid(_))), "{done:?}");
    }
    bank.get(0, Command::Hold(reserve(24 * HOUR_MS))).unwrap();
}

#[test]
fn the_end_of_a_session_frees_every_block_that_is_open() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.reserve(SESSION, ANN, 10, 1).unwrap();
    bank.reserve(SECOND, ANN, 500, 1).unwrap();
    bank.close(SESSION, 10, 1).unwrap();
    assert_eq!(bank.state.totals().pending, (0, 0));
    assert_eq!(bank.state.hold(SECOND).unwrap().state, HoldState::Closed);
    assert_eq!(bank.wallet(ANN), 990);
}

#[test]
fn what_is_settled_too_late_ends_the_session_and_is_written_off() {
    for is_swept in [false, true] {
        let mut bank = Bank::new();
        bank.top_up(ANN, 1_000);
        bank.reserve(SESSION, ANN, 100, 1).unwrap();
        bank.capture(SESSION, 10, 1).unwrap();
        bank.later_ms(900_001);
        if is_swept {
            bank.expire_hold(SESSION).unwrap();
        }
        for total in [30, 30, 20, 2_000] {
            let receipt = bank.close(SESSION, total, 1).unwrap();
            assert_eq!((receipt.units, receipt.written_off), (0, total.min(100) - 10));
        }
        let charge = bank.state.charge(ChargeId::Session(SESSION.session)).unwrap();
        assert_eq!((charge.state, charge.total), (ChargeState::Settled, 10));
        let report = bank.state.written_off();
        assert_eq!(report.rows().copied().collect::<Vec<_>>(), [(SESSION, 90)]);
        assert_eq!((bank.wallet(ANN), bank.state.totals().pending), (990, (0, 0)));
    }
}

#[test]
fn a_capture_that_comes_too_late_takes_nothing() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.reserve(SESSION, ANN, 100, 1).unwrap();
    bank.capture(SESSION, 10, 1).unwrap();
    bank.later_ms(900_001);
    assert_eq!(bank.capture(SESSION, 11, 1), Err(Refusal::Over { what: What::Hold }));
    assert_eq!(bank.capture(SESSION, 10, 1).unwrap().units, 0, "what was taken stays taken");
}
