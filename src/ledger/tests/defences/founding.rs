//! What a ledger is, and what programs that know too little do with one.

use super::*;
use crate::chain::Link;
use crate::record::Record;
use crate::request::{PaymentCommand, Refs};
use crate::row::{Founding, RULES};
use crate::state::State;
use crate::verify::Verifier;
use crate::{Currency, Request};

fn request(id: Id, command: Command) -> Request {
    Request { id, by: ANN, reason: String::new(), refs: Refs::default(), command }
}

fn found(founding: Founding) -> Request {
    request(0, Command::Control(ControlCommand::Found(founding)))
}

fn top_up() -> Command {
    Command::Income(IncomeCommand::TopUp { user: ANN, amount: amount(1), provider: stripe() })
}

#[test]
fn nothing_is_done_before_the_ledger_is_founded() {
    let (mut state, now) = (State::default(), Bank::new().now);
    let done = state.execute(&request(5, top_up()), now);
    assert_eq!(done, Ok(Done::Refused(Refusal::Unfounded)));
    assert_eq!(state.head().seq, 0, "and nothing is recorded");
    assert!(matches!(state.execute(&found(founding()), now), Ok(Done::Recorded(_))));
    assert_eq!(state.founding(), Some(&founding()));
    assert!(matches!(state.execute(&request(5, top_up()), now), Ok(Done::Recorded(_))));
}

#[test]
fn a_ledger_is_founded_once() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1);
    let now = bank.now;
    assert!(matches!(bank.state.execute(&found(founding()), now), Ok(Done::Unchanged(_))));
    let others = [
        Founding { ledger: 1, ..founding() },
        Founding { currency: Currency::new("USD", 2).unwrap(), ..founding() },
        Founding { currency: Currency::new("EUR", 3).unwrap(), ..founding() },
    ];
    for other in others {
        let done = bank.state.execute(&found(other), now);
        assert_eq!(done, Ok(Done::Refused(Refusal::Founded)));
    }
    assert_eq!((bank.seq(), bank.state.founding()), (2, Some(&founding())));
}

#[test]
fn what_it_counts_is_chosen_anew_as_long_as_nothing_was_counted() {
    let mut bank = Bank::new();
    let dollars = Founding { currency: Currency::new("USD", 2).unwrap(), ..founding() };
    let done = bank.state.execute(&found(dollars.clone()), bank.now);
    assert!(matches!(done, Ok(Done::Recorded(_))), "{done:?}");
    assert_eq!(bank.state.founding(), Some(&dollars));
    let other = Founding { ledger: 1, ..dollars };
    let done = bank.state.execute(&found(other), bank.now);
    assert_eq!(done, Ok(Done::Refused(Refusal::Founded)));
}

#[test]
fn the_first_record_founds_and_no_other() {
    let mut bank = Bank::new();
    let Ok(Done::Recorded(entry)) = bank.state.execute(&request(5, top_up()), bank.now) else {
        panic!("a top-up");
    };
    let mut first = entry.record;
    first.seq = 1;
    let bytes = first.bytes().unwrap();
    assert!(matches!(State::default().commit(first, bytes), Err(Refusal::Invalid(_))));
}

#[test]
fn records_of_another_ledger_are_not_taken() {
    let (mut state, now) = (State::default(), Bank::new().now);
    let Ok(Done::Recorded(entry)) = state.execute(&found(founding()), now) else {
        panic!("it is founded");
    };
    let link = Link::default().then(&entry.bytes);
    let mut own = Verifier::of(founding());
    own.take(&entry.bytes, link).unwrap();
    let mut other = Verifier::of(Founding { ledger: 1, ..founding() });
    let fault = other.take(&entry.bytes, link).unwrap_err();
    assert_eq!((fault.seq, fault.what.as_str()), (1, "it is of another ledger"));
}

#[test]
fn bytes_of_another_form_are_not_read() {
    let mut bank = Bank::new();
    let Ok(Done::Recorded(entry)) = bank.state.execute(&request(5, top_up()), bank.now) else {
        panic!("a top-up");
    };
    let mut bytes = entry.bytes;
    bytes.push(0);
    assert!(Record::read(&bytes).is_err(), "more than a record");
    bytes.pop();
    assert!(Record::read(&bytes).is_ok());
    bytes[0] += 1;
    let error = Record::read(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "not of a ledger: a record of form 2");
    assert!(Record::read(&[]).is_err());
}

#[test]
fn currencies_that_are_none_are_not_read() {
    for parts in [("EUR", 4_u8), ("eur", 2), ("", 0)] {
        let bytes = postcard::to_allocvec(&parts).unwrap();
        assert!(postcard::from_bytes::<Currency>(&bytes).is_err(), "{parts:?}");
    }
    let bytes = postcard::to_allocvec(&("EUR", 2_u8)).unwrap();
    assert_eq!(postcard::from_bytes::<Currency>(&bytes), Ok(euro()));
}

#[test]
fn what_is_no_request_is_refused_by_the_ledger_itself() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    let charge = bank.tip(ANN, 100).unwrap();
    let refund = Command::Payment(PaymentCommand::Refund { charge, amount: Some(amount(10)) });
    let unnamed = request(0, refund.clone());
    let wordy = Request { reason: "x".repeat(201), ..request(9, refund) };
    let seq = bank.seq();
    for request in [&unnamed, &unnamed, &wordy] {
        let done = bank.state.execute(request, bank.now);
        assert!(matches!(done, Ok(Done::Refused(Refusal::Invalid(_)))), "{done:?}");
    }
    assert_eq!((bank.wallet(ANN), bank.seq()), (0, seq));
}

#[test]
fn a_program_that_does_not_know_the_rules_makes_nothing_any_more() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    let policy = Policy { rules: RULES + 1, ..Policy::default() };
    let newer = Command::Control(ControlCommand::SetPolicy { policy, second: None });
    let unknown = Refusal::Rules { rules: RULES + 1 };
    assert_eq!(request(9, newer.clone()).check(), Err(unknown.clone()), "nobody asks for it");
    let seq = bank.seq();
    // Newer programs asked for it: what they do from now on, this one cannot know.
    assert_eq!(bank.state.execute(&request(9, newer), bank.now), Err(unknown.clone()));
    assert_eq!(bank.state.execute(&request(10, top_up()), bank.now), Err(unknown));
    assert_eq!(bank.seq(), seq);
}

#[test]
fn rules_are_not_gone_back_behind() {
    let mut bank = Bank::new();
    let older = Policy { rules: RULES - 1, ..Policy::default() };
    assert!(matches!(bank.set_policy(older, Some(ANN)), Err(Refusal::Invalid(_))));
}
