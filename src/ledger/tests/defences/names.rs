//! Ids: each sort of payment has names of its own, and each person ids of their own.

use super::*;
use crate::request::{Gift, PaymentCommand, Terms};
use crate::row::{ChargeId, EventState, MemberId};
use crate::split::Split;
use crate::state::Done;

fn tip_of(payer: AccountId) -> Command {
    Command::Payment(PaymentCommand::Tip { terms: terms(payer, 1), amount: amount(1) })
}

#[test]
fn a_session_and_a_tip_with_an_events_id_leave_its_tickets_alone() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    let event = bank.event(100, 10);
    bank.reserve(HoldId { session: event, block: 1 }, ANN, 1, 1).unwrap();
    assert!(matches!(bank.ask_by(ANN, event, tip_of(ANN)), Done::Recorded(_)));
    bank.buy(event, ANN).unwrap();
    let ids = [
        ChargeId::Session(event),
        ChargeId::Tip(event),
        ChargeId::Ticket { event, user: ANN, nth: 1 },
    ];
    assert!(ids.iter().all(|id| bank.state.charge(*id).is_some()));
    bank.end(event, EventState::Cancelled);
    assert_eq!((bank.shows(Kind::EscrowEvent, event), bank.wallet(ANN)), (0, 999));
}

#[test]
fn a_session_is_reserved_for_its_payer_in_the_words_of_its_beginning_only() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.top_up(BOB, 1_000);
    bank.reserve(SESSION, ANN, 10, 1).unwrap();
    let charge = ChargeId::Session(SESSION.session);
    let taken = Err(Refusal::Exists { name: Name::Charge(charge) });
    let all_mine = Split::all_to(Recipient::Creator(BOB));
    let others =
        [terms(BOB, 10_000), terms(ANN, 10_001), Terms { split: all_mine, ..terms(ANN, 10_000) }];
    for (hold, terms) in
        [SESSION, SECOND].into_iter().flat_map(|hold| others.clone().map(|terms| (hold, terms)))
    {
        let (amount, lives_ms, epoch) = (amount(10), 1_000, 1);
        let reserve = HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch };
        assert_eq!(bank.get(0, Command::Hold(reserve)), taken);
    }
    let other = Err(Refusal::Exists { name: Name::Hold(SESSION) });
    assert_eq!(bank.reserve(SESSION, ANN, 11, 1), other, "another amount");
    assert_eq!(bank.state.charge(charge).unwrap().payer, ANN);
}

#[test]
fn nobody_can_use_up_an_id_that_somebody_else_will_ask_with() {
    let mut bank = Bank::new();
    let id = 0xfeed;
    assert!(matches!(bank.ask_by(BOB, id, tip_of(BOB)), Done::Recorded(_)), "refused, for ever");
    let provider = stripe();
    let top_up = IncomeCommand::TopUp { user: ANN, amount: amount(100), provider };
    bank.get(id, Command::Income(top_up)).unwrap();
    assert!(matches!(bank.ask_by(BOB, id, tip_of(BOB)), Done::Replayed(2)));
    assert_eq!(bank.wallet(ANN), 100);
}

#[test]
fn inv_5_a_repeated_purchase_buys_nothing_after_a_refund() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 300);
    let event = bank.event(100, 10);
    let ticket = |nth| ChargeId::Ticket { event, user: ANN, nth };
    let buy = Command::Event(EventCommand::Buy { event, user: ANN });
    bank.get(70, buy.clone()).unwrap();
    bank.refund(ticket(1), 100).unwrap();
    assert!(matches!(bank.ask(70, buy.clone()), Done::Replayed(_)));
    assert_eq!(bank.wallet(ANN), 300);
    bank.get(71, buy).expect("a new purchase is a new ticket");
    assert_eq!((bank.wallet(ANN), bank.state.charge(ticket(2)).unwrap().net()), (200, 100));
    let nothing_left = Refusal::TooMuch { what: What::Charge, left: 0 };
    assert_eq!(bank.refund(ticket(1), 1), Err(nothing_left), "the first one stays given back");
}

#[test]
fn inv_5_what_users_begin_stays_refused() {
    let mut bank = Bank::new();
    let event = bank.event(100, 10);
    let member = MemberId { user: ANN, channel: 5 };
    let (terms, price, period) = (terms(ANN, 100), amount(100), 1);
    let first = MemberCommand::Subscribe { member, period, terms, price, length_ms: 1_000 };
    let commands = [Command::Event(EventCommand::Buy { event, user: ANN }), Command::Member(first)];
    for (id, command) in (70..).zip(&commands) {
        assert!(bank.get(id, command.clone()).is_err());
    }
    bank.top_up(ANN, 1_000);
    for (id, command) in (70..).zip(commands) {
        assert!(matches!(bank.ask(id, command), Done::Replayed(_)));
    }
    assert_eq!(bank.wallet(ANN), 1_000);
}

#[test]
fn nobody_pays_himself() {
    let mut bank = Bank::new();
    bank.grant(CREATOR, 1_000, HOUR_MS);
    let own = Refusal::Invalid("nobody pays himself".into());
    assert_eq!(bank.tip(CREATOR, 10), Err(own.clone()));
    assert_eq!(bank.reserve(SESSION, CREATOR, 10, 1), Err(own.clone()));
    let event = bank.event(10, 10);
    assert_eq!(bank.buy(event, CREATOR), Err(own.clone()));
    let member = MemberId { user: CREATOR, channel: 5 };
    assert_eq!(bank.subscribe(member, 1, 1_000), Err(own));
}

#[test]
fn a_membership_that_is_given_back_is_over() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 2_000);
    let member = MemberId { user: ANN, channel: 5 };
    let until = |bank: &Bank| bank.state.members.get(&member).unwrap().until;
    let begun = bank.now;
    for number in 1..=2 {
        bank.subscribe(member, number, HOUR_MS).unwrap();
    }
    let [first, second] = [1, 2].map(|number| ChargeId::Period { member, number });
    bank.refund(second, 499).unwrap();
    assert!(until(&bank) >= begun.plus_ms(2 * HOUR_MS), "a part is no whole period");
    bank.refund(second, 1).unwrap();
    assert!(until(&bank) < begun.plus_ms(HOUR_MS + 1_000), "the first is still paid");
    bank.refund(first, 500).unwrap();
    assert!(until(&bank) < begun.plus_ms(HOUR_MS + 1_000), "others came behind it");
    bank.subscribe(member, 3, HOUR_MS).expect("numbers go on");
}

#[test]
fn a_period_that_others_came_behind_takes_nobodys_time() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 2_000);
    bank.top_up(BOB, 2_000);
    let [ann, bob] = [ANN, BOB].map(|user| MemberId { user, channel: 5 });
    let until = |bank: &Bank, member| bank.state.members.get(&member).unwrap().until;
    bank.subscribe(ann, 1, HOUR_MS).unwrap();
    bank.subscribe(ann, 2, HOUR_MS).unwrap();
    let paid = until(&bank, ann);
    bank.refund(ChargeId::Period { member: ann, number: 1 }, 500).unwrap();
    assert_eq!(until(&bank, ann), paid, "the second period is paid");
    bank.subscribe(bob, 1, 1_000).unwrap();
    bank.later_ms(2_000);
    let (terms, price, to) = (terms(ANN, 100), amount(100), vec![BOB]);
    let gift = Gift { terms, channel: 5, price, length_ms: HOUR_MS, to, partial: false };
    bank.once(Command::Member(MemberCommand::Gift(gift))).unwrap();
    let given = until(&bank, bob);
    bank.refund(ChargeId::Period { member: bob, number: 1 }, 500).unwrap();
    assert_eq!(until(&bank, bob), given, "a gift is somebody else's");
}
