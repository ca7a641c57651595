//! Lost payments: who bears them, and that no end of one is ever out of reach.

use super::*;
use crate::request::{PaymentCommand, Terms};
use crate::row::{ChargeId, EventState};
use crate::split::{Share, Split};

fn loss(bank: &Bank) -> i128 {
    bank.shows(Kind::ChargebackLoss, 0)
}

#[test]
fn what_was_lost_is_taken_back_from_every_payment_that_it_went_into() {
    let mut bank = Bank::new();
    bank.claw_back();
    let lot = bank.top_up(ANN, 1_000);
    for _ in 0..100 {
        bank.tip(ANN, 10).unwrap();
    }
    bank.lose(5, lot, 1_000);
    assert_eq!((bank.creator().0, loss(&bank)), (700, 1_000), "the platform's at once");
    assert_eq!(bank.recover(5), [10; 100]);
    assert_eq!((bank.creator().0, bank.shows(Kind::PlatformFees, 0), loss(&bank)), (0, 0, 0));
}

#[test]
fn of_a_part_that_was_lost_no_more_than_that_is_taken_back() {
    let mut bank = Bank::new();
    bank.claw_back();
    let lot = bank.top_up(ANN, 1_000);
    let tips = [0; 2].map(|_| bank.tip(ANN, 400).unwrap());
    bank.lose(5, lot, 700);
    assert_eq!((bank.wallet(ANN), loss(&bank)), (0, 500), "200 were left");
    assert_eq!(bank.recover(5), [400, 100]);
    let nets = tips.map(|tip| bank.state.charge(tip).unwrap().net());
    assert_eq!((nets, loss(&bank)), ([0, 300], 0));
    bank.refund(tips[1], 300).expect("the rest was never lost");
    assert_eq!((bank.wallet(ANN), bank.creator().0), (300, 0));
}

#[test]
fn whoever_bears_a_loss_is_decided_when_it_is_lost() {
    for claws_back in [false, true] {
        let mut bank = Bank::new();
        let lot = bank.top_up(ANN, 1_000);
        bank.tip(ANN, 1_000).unwrap();
        bank.set_policy(Policy { claws_back, ..Policy::default() }, None).unwrap();
        bank.lose(5, lot, 1_000);
        let other = Policy { claws_back: !claws_back, ..Policy::default() };
        bank.set_policy(other, None).unwrap();
        bank.recover(5);
        assert_eq!(loss(&bank), if claws_back { 0 } else { 1_000 });
    }
}

#[test]
fn lost_money_that_waits_for_an_event_never_becomes_its_creators() {
    for asks_before in [false, true] {
        let mut bank = Bank::new();
        bank.claw_back();
        let lot = bank.top_up(ANN, 1_000);
        let event = bank.event(1_000, 1);
        bank.buy(event, ANN).unwrap();
        bank.lose(5, lot, 1_000);
        if asks_before {
            assert_eq!(bank.recover(5), [1_000]);
            bank.top_up(BOB, 1_000);
            bank.buy(event, BOB).expect("the place is free again");
        }
        bank.end(event, EventState::Delivered);
        let earned = if asks_before { 700 } else { 0 };
        assert_eq!((bank.creator().0, loss(&bank)), (earned, 0));
        assert_eq!(bank.shows(Kind::EscrowEvent, event), 0);
    }
}

#[test]
fn lost_money_that_a_session_holds_is_not_earned() {
    for is_captured in [false, true] {
        let mut bank = Bank::new();
        let lot = bank.top_up(ANN, 1_000);
        bank.reserve(SESSION, ANN, 1_000, 1).unwrap();
        bank.lose(5, lot, 1_000);
        assert_eq!(loss(&bank), 1_000);
        let total = if is_captured { 1_000 } else { 0 };
        bank.close(SESSION, total, 1).unwrap();
        assert_eq!((bank.creator().0, bank.wallet(ANN), loss(&bank)), (0, 0, 0));
    }
}

/// Nine recipients, of whom each has a part pending, a part payable and a part that was paid out.
#[test]
fn a_lost_payment_of_many_recipients_is_recovered() {
    let crowd = |from: u64| {
        let share = |at| Share { to: Recipient::Creator(AccountId(from + at)), bps: 1_100 };
        Split::new((0..8).map(share).collect(), Recipient::Creator(AccountId(from + 8))).unwrap()
    };
    let crowds = [1_000, 2_000, 3_000];
    let tip = |bank: &mut Bank, payer, from, units| {
        let terms = Terms { payer, cap: amount(units), split: crowd(from) };
        bank.once(Command::Payment(PaymentCommand::Tip { terms, amount: amount(units) })).unwrap();
    };
    let mut bank = Bank::new();
    bank.claw_back();
    let lot = bank.top_up(ANN, 3_000);
    crowds.iter().for_each(|from| tip(&mut bank, ANN, *from, 1_000));
    bank.later_ms(8 * 24 * HOUR_MS);
    for creator in crowds.iter().flat_map(|from| (0..9).map(move |at| AccountId(from + at))) {
        bank.get(0, Command::Payout(PayoutCommand::Mature { creator })).unwrap();
        let (amount, provider) = (amount(90), stripe());
        let request = PayoutCommand::Request { creator, amount, provider };
        bank.once(Command::Payout(request)).unwrap();
    }
    bank.top_up(BOB, 300);
    crowds.iter().for_each(|from| tip(&mut bank, BOB, *from, 100));
    bank.lose(5, lot, 3_000);
    assert_eq!(bank.shows(Kind::DisputesInReview, 0), 0);
    assert_eq!(bank.recover(5), [1_000; 3]);
    assert_eq!(loss(&bank), 0);
    let owes = |from: &u64| bank.shows(Kind::CreatorDebt, u128::from(*from)) > 0;
    assert!(crowds.iter().all(owes), "pending, payable, and the rest is owed");
}

#[test]
fn what_was_not_lost_is_refunded_beside_what_was() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1);
    bank.top_up(ANN, 999);
    let charge = bank.tip(ANN, 1_000).unwrap();
    bank.lose(5, lot, 1);
    assert_eq!(bank.refund(charge, 1_000), Err(Refusal::Disputed));
    bank.refund(charge, 999).unwrap();
    assert_eq!(bank.wallet(ANN), 999);
}

/// What comes back of a payment that was lost in part makes good the loss first: the customer has that from the bank.
#[test]
fn inv_15_a_refund_and_a_loss_give_back_no_more_than_was_paid() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1_000);
    let charge = bank.tip(ANN, 1_000).unwrap();
    bank.lose(5, lot, 300);
    assert_eq!(bank.refund(charge, 701), Err(Refusal::Disputed));
    bank.refund(charge, 700).unwrap();
    assert_eq!((bank.wallet(ANN), loss(&bank)), (400, 0));
    bank.refund(charge, 300).unwrap();
    assert_eq!((bank.wallet(ANN), bank.creator()), (700, (0, 0, 0)));
}

#[test]
fn a_part_of_a_payment_is_disputed_and_won_like_the_whole() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1_000);
    bank.dispute(5, lot, 300).unwrap();
    bank.dispute(6, lot, 300).unwrap();
    assert_eq!(bank.shows(Kind::DisputesInReview, 0), 600);
    let exists = Err(Refusal::Exists { name: Name::Dispute(5) });
    assert_eq!(bank.dispute(5, lot, 301), exists, "other words for the same");
    bank.end_dispute(5, DisputeState::Won).unwrap();
    assert_eq!(bank.tip(ANN, 1).unwrap_err(), too_little(0), "the other one is open");
    bank.end_dispute(6, DisputeState::Lost).unwrap();
    assert_eq!((bank.wallet(ANN), loss(&bank)), (700, 0));
    bank.tip(ANN, 700).unwrap();
    assert_eq!(bank.end_dispute(6, DisputeState::Won), Err(Refusal::Over { what: What::Dispute }));
}

#[test]
fn what_is_lost_twice_is_refused_to_nobody_and_the_platforms_loss() {
    let mut bank = Bank::new();
    bank.claw_back();
    let lot = bank.top_up(ANN, 1_000);
    let tip = bank.tip(ANN, 1_000).unwrap();
    bank.lose(5, lot, 1_000);
    bank.lose(6, lot, 1_000);
    let second = bank.state.disputes.get(&6).unwrap();
    assert_eq!((second.units, second.excess), (0, 1_000), "more than was paid");
    assert_eq!((bank.recover(5), bank.recover(6)), (vec![1_000], vec![]));
    assert_eq!((loss(&bank), bank.state.charge(tip).unwrap().net()), (1_000, 0));
    assert!(matches!(tip, ChargeId::Tip(_)));
}

#[test]
fn a_loss_that_the_platform_bears_is_not_taken_back_for_another_one() {
    for order in [[5, 6], [6, 5]] {
        let mut bank = Bank::new();
        let lot = bank.top_up(ANN, 1_000);
        bank.tip(ANN, 1_000).unwrap();
        for dispute in order {
            let claws_back = dispute == 5;
            bank.set_policy(Policy { claws_back, ..Policy::default() }, None).unwrap();
            bank.lose(dispute, lot, 300);
        }
        assert_eq!((bank.recover(5), bank.recover(6)), (vec![300], vec![]));
        assert_eq!((bank.creator().0, loss(&bank)), (490, 300));
    }
}

fn too_little(available: u128) -> Refusal {
    Refusal::Insufficient { account: Account::wallet(ANN), available }
}
