//! What creators are paid, and what they owe.

use super::*;
use crate::tests::invariants::check;

/// A payout of everything on its way, when the payment that it came from is given back.
fn owing() -> (Bank, Id) {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    let charge = bank.tip(ANN, 1_000).unwrap();
    bank.mature();
    let payout = bank.payout(700).unwrap();
    bank.refund(charge, 1_000).unwrap();
    assert_eq!(bank.creator(), (0, 700, 700));
    (bank, payout)
}

#[test]
fn a_payout_that_fails_pays_what_its_creator_owes() {
    let (mut bank, payout) = owing();
    bank.end_payout(payout, PayoutState::Failed).unwrap();
    assert_eq!(bank.creator(), (0, 0, 0));
    check(&bank.state);
    assert!(bank.payout(1).is_err());
}

#[test]
fn whoever_owes_asks_for_nothing() {
    let (mut bank, payout) = owing();
    bank.end_payout(payout, PayoutState::Paid).unwrap();
    assert_eq!(bank.creator(), (0, 0, 700));
    let account = Account::person(Kind::CreatorDebt, CREATOR);
    assert_eq!(bank.payout(1), Err(Refusal::Indebted { account, units: 700 }));
    bank.top_up(BOB, 2_000);
    bank.tip(BOB, 2_000).unwrap();
    bank.mature();
    assert_eq!(bank.creator(), (0, 700, 0));
    bank.payout(700).unwrap();
}

#[test]
fn a_payout_that_was_paid_may_still_come_back() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.tip(ANN, 1_000).unwrap();
    bank.mature();
    let payout = bank.payout(700).unwrap();
    bank.end_payout(payout, PayoutState::Paid).unwrap();
    for _ in 0..2 {
        bank.end_payout(payout, PayoutState::Failed).unwrap();
        let at_provider = bank.shows(Kind::PspAvailable, stripe().of());
        assert_eq!((bank.creator(), at_provider), ((0, 700, 0), 0));
    }
    let over = Err(Refusal::Over { what: What::Payout });
    assert_eq!(bank.end_payout(payout, PayoutState::Paid), over);
    bank.payout(700).expect("it is asked for again");
}

#[test]
fn what_came_back_after_it_was_paid_pays_a_debt_too() {
    let (mut bank, payout) = owing();
    bank.end_payout(payout, PayoutState::Paid).unwrap();
    bank.top_up(ANN, 1_000);
    bank.tip(ANN, 500).unwrap();
    assert_eq!(bank.creator(), (0, 0, 350));
    bank.end_payout(payout, PayoutState::Failed).unwrap();
    assert_eq!(bank.creator(), (0, 350, 0));
    check(&bank.state);
}
