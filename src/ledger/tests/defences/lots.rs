//! Many small amounts, and very large ones: what could be paid can be captured, released, settled and given back.

use super::*;
use crate::draft::SOURCES_MAX;
use crate::row::{ChargeId, EventState, MemberId};

/// More than a record has legs.
const MANY: u64 = 70;

#[test]
fn a_hold_of_many_lapsed_lots_expires() {
    let mut bank = Bank::new();
    let lots = bank.grants(ANN, MANY);
    let (terms, lives_ms) = (terms(ANN, 10_000), 24 * HOUR_MS);
    let (hold, amount, epoch) = (SESSION, amount(MANY), 1);
    let reserve = HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch };
    bank.get(0, Command::Hold(reserve)).unwrap();
    bank.later_ms((MANY + 1) * HOUR_MS);
    for lot in lots {
        bank.expire_lot(lot).unwrap();
    }
    assert_eq!(bank.expire_hold(SESSION).unwrap().units, MANY);
    assert_eq!(bank.shows(Kind::PlatformBreakage, 0), i128::from(MANY));
}

#[test]
fn what_is_reserved_of_many_lots_is_taken() {
    let mut bank = Bank::new();
    bank.grants(ANN, MANY);
    bank.reserve(SESSION, ANN, MANY, 1).unwrap();
    bank.close(SESSION, MANY, 1).unwrap();
    assert_eq!(bank.creator().0 + bank.shows(Kind::PlatformFees, 0), i128::from(MANY));
}

#[test]
fn many_small_gifts_of_the_house_stop_no_payment() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 10_000);
    bank.grants(ANN, MANY);
    bank.subscribe(MemberId { user: ANN, channel: 5 }, 1, 1_000).unwrap();
}

#[test]
fn what_one_user_is_given_until_the_same_hour_is_one_lot() {
    let mut bank = Bank::new();
    let first = bank.grant(ANN, 5, 1);
    for ms in [2, 59_000, 600_000] {
        let id = bank.grant(ANN, 5, ms);
        assert_eq!(bank.state.lot(id), None);
    }
    let lot = bank.state.lot(first).unwrap();
    assert_eq!((lot.units, lot.left), (20, 20));
    let other = bank.grant(BOB, 5, 1);
    assert!(bank.state.lot(other).is_some(), "each user has lots of their own");
    let later = bank.grant(ANN, 5, HOUR_MS);
    assert!(bank.state.lot(later).is_some(), "and each hour");
    bank.tip(ANN, 25).unwrap();
    let fresh = bank.grant(ANN, 5, 1);
    assert!(bank.state.lot(fresh).is_some(), "what is spent is not added to");
}

#[test]
fn one_payment_draws_on_so_many_lots_and_more_is_paid_in_parts() {
    let mut bank = Bank::new();
    let most = SOURCES_MAX as u64;
    for _ in 0..=2 * most {
        bank.top_up(ANN, 1);
    }
    assert_eq!(bank.tip(ANN, most + 1), Err(Refusal::TooLarge));
    assert_eq!(bank.reserve(SESSION, ANN, most + 1, 1), Err(Refusal::TooLarge));
    bank.reserve(SESSION, ANN, most, 1).unwrap();
    assert_eq!(bank.reserve(SECOND, ANN, 1, 1), Err(Refusal::TooLarge), "of a session, together");
    bank.close(SESSION, most, 1).unwrap();
    bank.tip(ANN, most).unwrap();
    assert!(Refusal::TooLarge.to_string().contains("pay it in smaller parts"));
}

/// Every ticket was paid with given money that has lapsed since and with paid money that was lost in part, so that
/// each gives something back to both accounts of its buyer, and takes it off again.
#[test]
fn a_cancelled_event_settles_whatever_its_tickets_were_paid_with() {
    let mut bank = Bank::new();
    let event = bank.event(10, 100);
    let mut lots = Vec::new();
    for user in (1..=16).map(AccountId) {
        lots.extend(bank.grants(user, 4));
        let paid = bank.top_up(user, 6);
        bank.buy(event, user).unwrap();
        bank.lose(Id::from(user.0), paid, 3);
    }
    bank.later_ms(6 * HOUR_MS);
    for lot in lots {
        bank.expire_lot(lot).unwrap();
    }
    assert_eq!(bank.end(event, EventState::Cancelled), 2);
    assert_eq!(bank.shows(Kind::EscrowEvent, event), 0);
    assert!((1..=16).all(|user| bank.wallet(AccountId(user)) == 3));
    assert_eq!(bank.shows(Kind::PlatformBreakage, 0), 64);
    assert_eq!(bank.shows(Kind::ChargebackLoss, 0), 0);
}

#[test]
fn a_user_with_many_small_lots_does_not_stop_the_refunds_of_others() {
    let mut bank = Bank::new();
    let event = bank.event(MANY, 100);
    bank.grants(ANN, MANY);
    bank.buy(event, ANN).unwrap();
    for user in (2..=16).map(AccountId) {
        bank.top_up(user, MANY);
        bank.buy(event, user).unwrap();
    }
    bank.end(event, EventState::Cancelled);
    assert_eq!(bank.shows(Kind::EscrowEvent, event), 0);
    assert_eq!(bank.state.spendable(ANN, bank.now), u128::from(MANY));
}

#[test]
fn inv_30_sums_that_do_not_fit_one_record_go_with_the_next() {
    let most = i64::MAX as u64;
    let mut bank = Bank::new();
    let event = bank.event(most, 10);
    for user in (1..=3).map(AccountId) {
        bank.top_up(user, most);
        bank.buy(event, user).unwrap();
    }
    assert_eq!(bank.end(event, EventState::Cancelled), 3);
    assert!((1..=3).all(|user| bank.wallet(AccountId(user)) == i128::from(most)));
    for _ in 0..4 {
        bank.top_up(BOB, most);
        bank.tip(BOB, most).unwrap();
        bank.later_ms(HOUR_MS);
    }
    (0..4).for_each(|_| bank.mature());
    let all: i128 = 4 * i128::from(most - most / 10 * 3);
    assert!((bank.creator().1 - all).abs() <= 100 && bank.creator().0 == 0, "{:?}", bank.creator());
}

#[test]
fn inv_30_what_one_hour_cannot_hold_becomes_payable_in_the_next() {
    let most = i64::MAX as u64;
    let mut bank = Bank::new();
    for _ in 0..4 {
        bank.top_up(ANN, most);
        bank.tip(ANN, most).unwrap();
    }
    bank.mature();
    bank.mature();
    assert_eq!(bank.creator().0, 0);
    assert!(bank.creator().1 > 2 * i128::from(most));
}

#[test]
fn what_can_be_spent_is_the_sum_of_what_is_good_at_that_time() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    let lots = bank.grants(ANN, 3);
    let spendable = |bank: &Bank| bank.state.spendable(ANN, bank.now);
    assert_eq!(spendable(&bank), 103);
    bank.later_ms(HOUR_MS + HOUR_MS / 2);
    let over: Vec<Id> = lots.iter().copied().filter(|lot| bank.expire_lot(*lot).is_ok()).collect();
    bank.later_ms(HOUR_MS);
    let good = 100 + 3 - u128::from(over.len() as u64) - 1;
    assert_eq!(spendable(&bank), good, "one more has ended, and nobody has said so");
    assert!(bank.tip(ANN, u64::try_from(good).unwrap() + 1).is_err());
    let charge = bank.tip(ANN, u64::try_from(good).unwrap()).unwrap();
    assert!(matches!(charge, ChargeId::Tip(_)));
    assert_eq!(spendable(&bank), 0);
}
