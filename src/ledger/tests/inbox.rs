//! What providers say, in the order in which it comes, and what they are told.

use std::collections::BTreeMap;

use super::bank::{ANN, BOB, Bank, CREATOR, amount, stripe};
use super::invariants::check;
use crate::Refusal;
use crate::account::{Account, Kind};
use crate::record::Receipt;
use crate::request::{Command, PayoutCommand, Provider, ProviderCommand, PspRef, WAITING_EACH_MAX};
use crate::row::{At, DisputeState, Heard, Id, News, Notice, On, PayoutState, Telling};
use crate::state::Done;

const PAYMENT: Id = 70;
const DISPUTE: Id = 80;

fn notice(event: Id, news: News) -> Notice {
    let name = PspRef::try_from(format!("evt_{event}")).unwrap();
    Notice { event, provider: stripe(), name, created: At(7), news }
}

fn hear(bank: &mut Bank, event: Id, news: News) -> Done {
    bank.ask(0, Command::Provider(ProviderCommand::Hear(notice(event, news))))
}

fn recorded(done: &Done) -> bool {
    matches!(done, Done::Recorded(_))
}

fn paid(units: u64) -> News {
    News::Paid { payment: PAYMENT, user: ANN, amount: amount(units) }
}

const fn ended(state: DisputeState) -> News {
    News::DisputeEnded { dispute: DISPUTE, state }
}

fn disputed(units: u64) -> News {
    News::Disputed { dispute: DISPUTE, payment: PAYMENT, amount: amount(units), fee: 15 }
}

fn settled(units: u64) -> News {
    News::Settled { payment: PAYMENT, amount: amount(units), fee: 3 }
}

fn net(bank: &Bank, account: Account) -> i128 {
    bank.state.balance(&account).net(account.kind.class())
}

fn at_psp(bank: &Bank) -> [i128; 2] {
    [Kind::PspPending, Kind::PspAvailable]
        .map(|kind| net(bank, Account { kind, of: stripe().of() }))
}

#[test]
fn inv_29_an_event_is_counted_once_and_its_postings_are_its_own_record() {
    let mut bank = Bank::new();
    let Done::Recorded(entry) = hear(&mut bank, 1, paid(500)) else { panic!("not recorded") };
    assert_eq!((entry.record.moved(), entry.record.rows.len()), (500, 2));
    assert_eq!(hear(&mut bank, 1, paid(500)), Done::Unchanged(Receipt::default()));
    // Another event of the same payment says nothing new; one that says something else is for staff.
    assert!(recorded(&hear(&mut bank, 2, paid(500))));
    assert!(recorded(&hear(&mut bank, 3, paid(600))));
    assert!(matches!(bank.state.heard(3), Some(Heard::Stopped { .. })));
    assert_eq!(at_psp(&bank), [500, 0]);
    assert_eq!(bank.state.spendable(ANN, bank.now), 500);
    check(&bank.state);
}

#[test]
fn inv_29_what_comes_too_early_waits_and_is_counted_with_what_brings_it() {
    let mut bank = Bank::new();
    for (event, news) in [(1, ended(DisputeState::Won)), (2, disputed(500)), (3, settled(500))] {
        assert!(recorded(&hear(&mut bank, event, news)));
        assert_eq!(at_psp(&bank), [0, 0]);
    }
    let Some(Heard::Waits { on, .. }) = bank.state.heard(1) else { panic!("it does not wait") };
    assert_eq!(*on, On::Dispute(DISPUTE));
    bank.state = super::through_pages(&mut bank.state, &mut BTreeMap::new()).unwrap();
    let Done::Recorded(entry) = hear(&mut bank, 4, paid(500)) else { panic!("not recorded") };
    assert_eq!(entry.record.result.unwrap().units, 500 + 500 + 500 + 500);
    assert_eq!(at_psp(&bank), [0, 500 - 3 - 15]);
    assert_eq!(bank.state.uncounted(stripe()).count(), 0);
    assert_eq!(bank.state.dispute(DISPUTE).unwrap().state, DisputeState::Won);
    check(&bank.state);
}

#[test]
fn a_payment_is_settled_once() {
    let mut bank = Bank::new();
    hear(&mut bank, 1, paid(500));
    hear(&mut bank, 2, settled(400));
    hear(&mut bank, 3, settled(400));
    assert!(matches!(bank.state.heard(3), Some(Heard::Stopped { why, .. }) if why.contains("100")));
    assert_eq!((at_psp(&bank), bank.state.settled(PAYMENT)), ([100, 397], 400));
    let aside = Command::Provider(ProviderCommand::PutAside { event: 3 });
    assert!(recorded(&bank.ask(0, aside.clone())));
    assert_eq!(bank.state.uncounted(stripe()).count(), 0);
    assert_eq!(bank.ask(0, aside), Done::Unchanged(Receipt::default()));
}

#[test]
fn few_events_wait_for_one_thing_and_what_is_refused_may_come_again() {
    let mut bank = Bank::new();
    let most = Id::try_from(WAITING_EACH_MAX).unwrap();
    for event in 1..=most {
        assert!(recorded(&hear(&mut bank, event, ended(DisputeState::Lost))));
    }
    let full = Done::Refused(Refusal::Full { provider: stripe() });
    assert_eq!(hear(&mut bank, most + 1, ended(DisputeState::Lost)), full);
    assert!(bank.state.heard(most + 1).is_none());
    hear(&mut bank, 100, paid(500));
    hear(&mut bank, 101, disputed(500));
    assert!(recorded(&hear(&mut bank, most + 1, ended(DisputeState::Lost))));
    assert_eq!(bank.state.uncounted(stripe()).count(), 0);
}

fn payable(bank: &mut Bank, units: u64) {
    bank.top_up(BOB, units * 2);
    bank.tip(BOB, units * 2).unwrap();
    bank.later_ms(1_000 * 3_600_000);
    bank.get(0, Command::Payout(PayoutCommand::Mature { creator: CREATOR })).unwrap();
}

fn pay_out(bank: &mut Bank, provider: Provider) -> Id {
    let (id, creator) = (bank.new_id(), CREATOR);
    let command = PayoutCommand::Request { creator, amount: amount(100), provider };
    bank.get(id, Command::Payout(command)).unwrap();
    id
}

#[test]
fn only_the_provider_of_a_payout_says_what_became_of_it_in_any_order() {
    let mut bank = Bank::new();
    payable(&mut bank, 400);
    let [ours, by_hand] = [stripe(), Provider::MANUAL].map(|by| pay_out(&mut bank, by));
    let before = net(&bank, Account::person(Kind::CreatorPayable, CREATOR));
    let ended = |payout, state| News::PayoutEnded { payout, state };
    for unknown in [by_hand, 12_345] {
        let said = hear(&mut bank, 1, ended(unknown, PayoutState::Paid));
        assert!(matches!(said, Done::Refused(_)), "{said:?}");
    }
    hear(&mut bank, 2, ended(ours, PayoutState::Failed));
    hear(&mut bank, 3, ended(ours, PayoutState::Paid));
    assert_eq!(bank.state.uncounted(stripe()).count(), 0);
    assert_eq!(bank.state.payout(ours).unwrap().state, PayoutState::Failed);
    assert_eq!(net(&bank, Account::person(Kind::CreatorPayable, CREATOR)), before);
    check(&bank.state);
}

#[test]
fn inv_17_an_attempt_to_tell_a_provider_is_one_nodes() {
    let mut bank = Bank::new();
    payable(&mut bank, 400);
    let payout = pay_out(&mut bank, stripe());
    let tell = |nth| Command::Provider(ProviderCommand::Tell { payout, nth });
    let told = |nth, state| Command::Provider(ProviderCommand::Told { payout, nth, state });
    assert!(bank.get(0, tell(2)).is_err(), "the first comes first");
    assert!(recorded(&bank.ask(0, tell(1))));
    assert_eq!(bank.ask(0, tell(1)), Done::Unchanged(Receipt::default()), "not another's too");
    let failed = Telling::Failed("no answer".into());
    assert!(recorded(&bank.ask(0, told(1, failed.clone()))));
    assert!(recorded(&bank.ask(0, tell(2))));
    // What came of the first attempt is known late, and that the provider has it is good for ever.
    assert!(recorded(&bank.ask(0, told(1, Telling::Sent))));
    assert_eq!(bank.ask(0, told(2, failed)), Done::Unchanged(Receipt::default()));
    assert_eq!(bank.ask(0, tell(3)), Done::Unchanged(Receipt::default()));
    let (_, _, told) = bank.state.leaving().next().unwrap();
    assert_eq!(told.map(|told| (told.tries, told.state.clone())), Some((2, Telling::Sent)));
}

#[test]
fn what_providers_hold_is_the_newest_that_they_said() {
    let mut bank = Bank::new();
    for (event, created) in [(1, 50), (2, 40)] {
        let news = News::Holds { pending: i64::from(created), available: -1 };
        let said = Notice { created: At(created as u64), ..notice(event, news) };
        bank.get(0, Command::Provider(ProviderCommand::Hear(said))).unwrap();
    }
    assert_eq!(bank.state.report(stripe()).unwrap().pending, 50);
}
