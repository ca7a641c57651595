//! Frozen and closed accounts: they stop what their owner wants, and nothing that somebody is owed.

use super::*;
use crate::row::EventState;

fn refuses(bank: &mut Bank, account: Account) -> bool {
    [Standing::Frozen, Standing::Closed]
        .into_iter()
        .all(|standing| matches!(bank.freeze(account, standing), Err(Refusal::Invalid(_))))
}

#[test]
fn only_what_somebody_pays_with_or_is_paid_can_be_frozen_or_closed() {
    let mut bank = Bank::new();
    let single = [Kind::PlatformFees, Kind::Writeoff, Kind::BankInTransit, Kind::DisputesInReview];
    for kind in single {
        assert!(refuses(&mut bank, Account::single(kind)), "{kind:?}");
    }
    for kind in [Kind::CreatorPending, Kind::CreatorDebt, Kind::Promo, Kind::EscrowEvent] {
        assert!(refuses(&mut bank, Account::person(kind, CREATOR)), "{kind:?}");
    }
    let nobodys = Account { kind: Kind::Wallet, of: u128::MAX };
    assert!(refuses(&mut bank, nobodys));
}

#[test]
fn inv_24_a_closed_wallet_stops_its_owner_and_nobody_elses_refunds() {
    let mut bank = Bank::new();
    let event = bank.event(10, 100);
    for user in (1..=40).map(AccountId) {
        bank.top_up(user, 10);
        bank.buy(event, user).unwrap();
    }
    bank.freeze(Account::wallet(ANN), Standing::Closed).unwrap();
    bank.end(event, EventState::Cancelled);
    assert_eq!(bank.shows(Kind::EscrowEvent, event), 0);
    assert!((1..=40).all(|user| bank.wallet(AccountId(user)) == 10), "hers too");
    let closed = Refusal::Closed { account: Account::wallet(ANN) };
    assert_eq!(bank.tip(ANN, 1), Err(closed.clone()));
    assert_eq!(bank.reserve(SESSION, ANN, 1, 1), Err(closed));
    bank.freeze(Account::wallet(ANN), Standing::Open).unwrap();
    bank.tip(ANN, 10).unwrap();
}

#[test]
fn a_payment_that_a_provider_has_arrives_also_in_a_closed_wallet() {
    let mut bank = Bank::new();
    let wallet = Account::wallet(ANN);
    bank.freeze(wallet, Standing::Closed).unwrap();
    let lot = bank.top_up(ANN, 7);
    assert_eq!(bank.wallet(ANN), 7);
    assert_eq!(bank.pay_back(lot, 7, stripe()), Err(Refusal::Closed { account: wallet }));
}

#[test]
fn a_creator_who_is_closed_earns_and_is_paid_nothing() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 300);
    let payable = Account::person(Kind::CreatorPayable, CREATOR);
    bank.freeze(payable, Standing::Closed).unwrap();
    let event = bank.event(100, 10);
    bank.buy(event, ANN).unwrap();
    bank.end(event, EventState::Delivered);
    bank.tip(ANN, 100).unwrap();
    bank.mature();
    assert_eq!(bank.creator(), (0, 140, 0));
    assert_eq!(bank.payout(1), Err(Refusal::Closed { account: payable }));
    bank.freeze(payable, Standing::Open).unwrap();
    let payout = bank.payout(140).unwrap();
    bank.freeze(payable, Standing::Frozen).unwrap();
    bank.end_payout(payout, PayoutState::Paid).expect("the bank has paid it");
}

#[test]
fn a_dispute_ends_whatever_operators_said_about_accounts() {
    let mut bank = Bank::new();
    bank.claw_back();
    let lot = bank.top_up(ANN, 1_000);
    bank.tip(ANN, 1_000).unwrap();
    bank.mature();
    let payout = bank.payout(700).unwrap();
    bank.end_payout(payout, PayoutState::Paid).unwrap();
    bank.freeze(Account::person(Kind::CreatorPayable, CREATOR), Standing::Closed).unwrap();
    bank.freeze(Account::wallet(ANN), Standing::Closed).unwrap();
    bank.lose(5, lot, 1_000);
    assert_eq!(bank.recover(5), [1_000]);
    assert_eq!(bank.creator(), (0, 0, 700));
}
