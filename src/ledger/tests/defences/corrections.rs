//! Operators: one alone does not move much, and two do not make money.

use super::*;

fn writeoff() -> Account {
    Account::single(Kind::Writeoff)
}

fn pending() -> Account {
    Account::person(Kind::CreatorPending, CREATOR)
}

#[test]
fn one_person_alone_does_not_raise_the_limit() {
    let mut bank = Bank::new();
    let limit = |correction_max| Policy { correction_max, ..Policy::default() };
    let operator = AccountId(900);
    for second in [None, Some(operator)] {
        assert!(matches!(bank.set_policy(limit(1), second), Err(Refusal::Invalid(_))));
    }
    bank.set_policy(limit(10), Some(ANN)).unwrap();
    bank.set_policy(limit(9), None).expect("a lower one needs nobody");
    bank.top_up(ANN, 100);
    let (corrects, debit, credit) = (bank.seq(), writeoff(), Account::wallet(BOB));
    let alone = |units| {
        let (amount, second) = (amount(units), None);
        let correction = Correction { corrects, debit, credit, amount, second };
        Command::Control(ControlCommand::Correct(correction))
    };
    assert!(matches!(bank.once(alone(10)), Err(Refusal::Invalid(_))));
    bank.once(alone(5)).unwrap();
    assert!(matches!(bank.once(alone(5)), Err(Refusal::Invalid(_))), "nor in small steps");
    bank.once(alone(4)).unwrap();
}

#[test]
fn inv_24_all_corrections_of_a_record_move_no_more_than_it_did() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    let topped_up = bank.seq();
    let pair = (writeoff(), Account::wallet(BOB));
    bank.correct(topped_up, pair, 60).unwrap();
    let left = |left| Err(Refusal::TooMuch { what: What::Record, left });
    assert_eq!(bank.correct(topped_up, pair, 41), left(40));
    bank.correct(topped_up, pair, 40).unwrap();
    assert_eq!(bank.correct(topped_up, pair, 1), left(0));
    assert_eq!(bank.wallet(BOB), 100);
}

#[test]
fn inv_24_a_correction_names_a_record_that_did_something() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    assert!(bank.tip(BOB, 10).is_err());
    let refused = bank.seq();
    bank.reserve(SESSION, ANN, 10, 1).unwrap();
    let moves_nothing = bank.seq();
    for corrects in [0, 1, refused, moves_nothing, moves_nothing + 1, u64::MAX] {
        let unknown = Err(Refusal::Unknown { name: Name::Record(corrects) });
        assert_eq!(bank.correct(corrects, (writeoff(), Account::wallet(BOB)), 1), unknown);
    }
}

#[test]
fn a_correction_takes_no_more_than_is_there() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    let topped_up = bank.seq();
    bank.tip(ANN, 100).unwrap();
    let bob = Account::wallet(BOB);
    let takes = |account, available| Err(Refusal::Insufficient { account, available });
    assert_eq!(bank.correct(topped_up, (pending(), bob), 71), takes(pending(), 70));
    assert_eq!(bank.creator(), (70, 0, 0), "and makes no debts");
    let fees = Account::single(Kind::PlatformFees);
    assert!(bank.correct(topped_up, (fees, bob), 31).is_err());
    bank.correct(topped_up, (fees, bob), 30).unwrap();
    let wallet = Account::wallet(ANN);
    assert_eq!(bank.correct(topped_up, (wallet, writeoff()), 1), takes(writeoff(), 0));
    bank.correct(topped_up, (writeoff(), bob), 5).unwrap();
    bank.correct(topped_up, (wallet, writeoff()), 5).unwrap();
}

#[test]
fn inv_16_what_was_given_is_corrected_to_whoever_gave_it_only() {
    let mut bank = Bank::new();
    bank.grant(ANN, 10, HOUR_MS);
    let given = bank.seq();
    let promo = Account::person(Kind::Promo, ANN);
    for credit in [Account::wallet(BOB), pending(), Account::single(Kind::PlatformFees)] {
        assert!(matches!(bank.correct(given, (promo, credit), 1), Err(Refusal::Invalid(_))));
    }
    let house = Account::single(Kind::PlatformPromo);
    bank.correct(given, (promo, house), 4).unwrap();
    assert_eq!((bank.shows(Kind::PlatformPromo, 0), bank.state.spendable(ANN, bank.now)), (6, 6));
    bank.later_ms(2 * HOUR_MS);
    let over = bank.correct(given, (promo, house), 1);
    assert_eq!(over, Err(Refusal::Insufficient { account: promo, available: 0 }));
}

#[test]
fn what_stands_for_open_items_is_not_corrected() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    let record = bank.seq();
    let kinds = [Kind::BankInTransit, Kind::DisputesInReview, Kind::CreatorDebt, Kind::EscrowEvent];
    for account in kinds.map(|kind| Account::person(kind, CREATOR)) {
        for pair in [(account, writeoff()), (writeoff(), account)] {
            assert!(matches!(bank.correct(record, pair, 1), Err(Refusal::Invalid(_))), "{pair:?}");
        }
    }
}
