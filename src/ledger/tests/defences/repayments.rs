//! Money on its way back to whoever paid it: once, by the way that it came, and never more than came.

use super::*;

fn at_provider(bank: &Bank) -> i128 {
    bank.shows(Kind::PspAvailable, stripe().of())
}

#[test]
fn inv_15_what_was_paid_back_cannot_be_disputed_as_well() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1_000);
    let repayment = bank.pay_back(lot, 600, stripe()).unwrap();
    bank.end_pay_back(repayment, PayoutState::Paid).unwrap();
    bank.lose(5, lot, 1_000);
    let dispute = bank.state.disputes.get(&5).unwrap();
    assert_eq!((dispute.units, dispute.excess), (400, 600));
    assert_eq!((bank.wallet(ANN), at_provider(&bank)), (0, -1_600), "the bank took it all");
    assert_eq!(bank.shows(Kind::ChargebackLoss, 0), 600, "and everybody sees what that costs");
}

#[test]
fn what_a_lost_dispute_took_is_not_paid_back() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1_000);
    let charge = bank.tip(ANN, 700).unwrap();
    bank.dispute(5, lot, 300).unwrap();
    assert_eq!(bank.pay_back(lot, 1, stripe()), Err(Refusal::Disputed));
    bank.end_dispute(5, DisputeState::Lost).unwrap();
    let left = |left| Err(Refusal::TooMuch { what: What::Lot, left });
    assert_eq!(bank.pay_back(lot, 1, stripe()), left(0));
    bank.refund(charge, 700).unwrap();
    assert_eq!(bank.pay_back(lot, 701, stripe()), left(700));
    bank.pay_back(lot, 700, stripe()).unwrap();
}

#[test]
fn a_repayment_is_reserved_until_the_provider_says_what_became_of_it() {
    for end in [PayoutState::Paid, PayoutState::Failed] {
        let mut bank = Bank::new();
        let lot = bank.top_up(ANN, 1_000);
        let repayment = bank.pay_back(lot, 600, stripe()).unwrap();
        assert_eq!(bank.state.spendable(ANN, bank.now), 400);
        assert_eq!((bank.wallet(ANN), at_provider(&bank)), (1_000, 0), "nothing has left");
        assert!(bank.tip(ANN, 401).is_err());
        for _ in 0..2 {
            bank.end_pay_back(repayment, end).unwrap();
        }
        let gone = if end == PayoutState::Paid { 600 } else { 0 };
        assert_eq!((bank.wallet(ANN), at_provider(&bank)), (1_000 - gone, -gone));
        assert_eq!(bank.state.totals().pending, (0, 0));
    }
}

#[test]
fn a_repayment_that_was_paid_may_still_come_back() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1_000);
    let repayment = bank.pay_back(lot, 600, stripe()).unwrap();
    bank.end_pay_back(repayment, PayoutState::Paid).unwrap();
    bank.end_pay_back(repayment, PayoutState::Failed).unwrap();
    assert_eq!((bank.wallet(ANN), at_provider(&bank)), (1_000, 0));
    bank.pay_back(lot, 1_000, stripe()).expect("all of it is there again");
    let over = Err(Refusal::Over { what: What::Repayment });
    assert_eq!(bank.end_pay_back(repayment, PayoutState::Paid), over);
}

#[test]
fn money_goes_back_the_way_it_came() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, 1_000);
    let other = Provider::named("other").unwrap();
    assert!(matches!(bank.pay_back(lot, 1, other), Err(Refusal::Invalid(_))));
    let amount = amount(1_000);
    let open = DisputeCommand::Open { dispute: 5, lot, provider: other, amount, fee: 0 };
    assert!(matches!(bank.get(0, Command::Dispute(open)), Err(Refusal::Invalid(_))));
}

#[test]
fn inv_16_what_nobody_paid_is_neither_paid_back_nor_disputed() {
    let mut bank = Bank::new();
    let given = bank.grant(ANN, 1_000, HOUR_MS);
    let pair = (Account::single(Kind::Writeoff), Account::wallet(BOB));
    let corrected = bank.correct(bank.seq(), pair, 1_000).unwrap();
    for lot in [given, corrected] {
        assert!(matches!(bank.pay_back(lot, 1, stripe()), Err(Refusal::Invalid(_))));
        assert!(matches!(bank.dispute(5, lot, 1), Err(Refusal::Invalid(_))));
    }
    bank.tip(BOB, 1_000).expect("it is spent like any other money");
}
