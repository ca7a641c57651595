//! Invariants as small stories: what people do, and what is on their accounts then.

use weir_model::AccountId;

use super::bank::*;
use crate::Amount;
use crate::account::{Account, Kind, Standing};
use crate::refusal::{Name, Refusal, What};
use crate::request::{
    Command, ControlCommand, DisputeCommand, Gift, IncomeCommand, MemberCommand, PaymentCommand,
    PayoutCommand,
};
use crate::row::{ChargeId, DisputeState, EventState, HoldId, Id, MemberId, PayoutState, Policy};
use crate::state::Done;

const HOUR_MS: u64 = 3_600_000;
const SESSION: HoldId = HoldId { session: 7_000, block: 1 };

fn too_little(user: AccountId, available: u128) -> Refusal {
    Refusal::Insufficient { account: Account::wallet(user), available }
}

#[test]
fn inv_5_what_was_refused_once_stays_refused() {
    let mut bank = Bank::new();
    let tip = PaymentCommand::Tip { terms: terms(ANN, 10), amount: amount(10) };
    let tip = Command::Payment(tip);
    assert_eq!(bank.get(77, tip.clone()), Err(too_little(ANN, 0)));
    bank.top_up(ANN, 100);
    assert_eq!(bank.ask(77, tip.clone()), Done::Replayed(2));
    assert!(bank.get(78, tip).is_ok(), "a new attempt is a new request");
}

#[test]
fn inv_12_a_session_takes_no_more_than_was_agreed_and_reserved() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 50_000);
    bank.reserve(SESSION, ANN, 600, 1).unwrap();
    assert_eq!(
        bank.capture(SESSION, 601, 1),
        Err(Refusal::TooMuch { what: What::Hold, left: 600 })
    );
    let second = HoldId { block: 2, ..SESSION };
    let too_much = Refusal::TooMuch { what: What::Charge, left: 9_400 };
    assert_eq!(bank.reserve(second, ANN, 9_401, 1), Err(too_much));
    assert_eq!(
        bank.reserve(second, BOB, 100, 1).unwrap_err(),
        Refusal::Exists { name: Name::Charge(ChargeId::Session(7_000)) }
    );
    bank.close(SESSION, 250, 1).unwrap();
    assert_eq!(bank.wallet(ANN), 49_750);
    assert_eq!((bank.creator(), bank.shows(Kind::PlatformFees, 0)), ((175, 0, 0), 75));
    assert_eq!(bank.reserve(second, ANN, 100, 1), Err(Refusal::Over { what: What::Charge }));
}

#[test]
fn whoever_lost_the_session_takes_nothing_any_more() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.reserve(SESSION, ANN, 600, 1).unwrap();
    bank.capture(SESSION, 100, 2).unwrap();
    assert_eq!(bank.capture(SESSION, 200, 1), Err(Refusal::Stale { newest: 2 }));
    assert_eq!(bank.close(SESSION, 200, 1), Err(Refusal::Stale { newest: 2 }));
    assert_eq!(bank.wallet(ANN), 900);
}

#[test]
fn a_hold_whose_time_is_over_gives_the_rest_back_and_takes_nothing_late() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 600);
    bank.reserve(SESSION, ANN, 600, 1).unwrap();
    bank.capture(SESSION, 100, 1).unwrap();
    let expire = Command::Hold(crate::request::HoldCommand::Expire { hold: SESSION });
    assert_eq!(bank.get(0, expire.clone()), Err(Refusal::NotDue { what: What::Hold }));
    assert_eq!(bank.tip(ANN, 1), Err(too_little(ANN, 0)), "the rest is reserved");
    bank.later_ms(900_001);
    assert_eq!(bank.capture(SESSION, 200, 1), Err(Refusal::Over { what: What::Hold }));
    assert_eq!(bank.get(0, expire).unwrap().units, 500);
    assert!(bank.tip(ANN, 500).is_ok());
}

#[test]
fn inv_15_a_full_refund_puts_every_account_back() {
    let mut bank = Bank::new();
    bank.grant(ANN, 30, 1_000_000);
    bank.top_up(ANN, 1_000);
    let show = |bank: &Bank| {
        let rows = bank.state.balances.view();
        let mut all: Vec<_> = rows.rows().map(|(a, b)| (*a, b.net(a.kind.class()))).collect();
        all.retain(|(_, net)| *net != 0);
        all.sort_unstable();
        all
    };
    let before = show(&bank);
    let charge = bank.tip(ANN, 101).unwrap();
    for part in [1, 33, 67] {
        bank.refund(charge, part).unwrap();
    }
    assert_eq!(show(&bank), before);
    let nothing_left = Refusal::TooMuch { what: What::Charge, left: 0 };
    assert_eq!(bank.refund(charge, 1), Err(nothing_left));
}

#[test]
fn a_refund_comes_from_what_is_pending_then_payable_and_then_is_owed() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 10_000);
    let old = bank.tip(ANN, 1_000).unwrap();
    bank.mature();
    bank.tip(ANN, 100).unwrap();
    assert_eq!(bank.creator(), (70, 700, 0));
    bank.refund(old, 1_000).unwrap();
    assert_eq!(bank.creator(), (0, 70, 0));
    let payout =
        PayoutCommand::Request { creator: CREATOR, amount: amount(70), provider: stripe() };
    let id = bank.new_id();
    bank.get(id, Command::Payout(payout)).unwrap();
    let young = bank.tip(ANN, 1_000).unwrap();
    bank.mature();
    let all = PayoutCommand::Request { creator: CREATOR, amount: amount(700), provider: stripe() };
    bank.once(Command::Payout(all)).unwrap();
    bank.refund(young, 1_000).unwrap();
    assert_eq!(bank.creator().2, 700, "what was paid out already is owed");
    bank.tip(ANN, 500).unwrap();
    assert_eq!(
        (bank.creator().0, bank.creator().2),
        (0, 350),
        "what is earned pays the debt first"
    );
}

#[test]
fn inv_16_promotional_money_is_spent_first_and_never_leaves() {
    let mut bank = Bank::new();
    let paid = bank.top_up(ANN, 100);
    let (late, soon) = (bank.grant(ANN, 10, 2 * HOUR_MS), bank.grant(ANN, 10, HOUR_MS));
    let charge = bank.tip(ANN, 15).unwrap();
    let left = |bank: &Bank, lot: Id| bank.state.lots.get(&lot).unwrap().left;
    assert_eq!([soon, late, paid].map(|lot| left(&bank, lot)), [0, 5, 100]);
    assert_eq!(bank.creator().0, 11, "the creator is paid real money");
    let back = PayoutCommand::PayBack { lot: late, amount: amount(1), provider: stripe() };
    assert!(matches!(bank.once(Command::Payout(back)), Err(Refusal::Invalid(_))));
    bank.refund(charge, 7).unwrap();
    assert_eq!(
        [soon, late, paid].map(|lot| left(&bank, lot)),
        [2, 10, 100],
        "in the order of the spending"
    );
    bank.later_ms(3 * HOUR_MS);
    assert_eq!(bank.tip(ANN, 111), Err(too_little(ANN, 100)), "what expired cannot be spent");
    bank.get(0, Command::Income(IncomeCommand::Expire { lot: soon })).unwrap();
    bank.get(0, Command::Income(IncomeCommand::Expire { lot: late })).unwrap();
    assert_eq!(bank.shows(Kind::PlatformBreakage, 0), 12);
    bank.refund(charge, 8).unwrap();
    assert_eq!(bank.shows(Kind::PlatformBreakage, 0), 20, "what comes back too late is gone");
}

#[test]
fn inv_17_no_more_is_paid_out_than_is_payable() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.tip(ANN, 1_000).unwrap();
    let payout = |units| {
        let (creator, provider) = (CREATOR, stripe());
        Command::Payout(PayoutCommand::Request { creator, amount: amount(units), provider })
    };
    assert!(bank.once(payout(1)).is_err(), "it is pending for a week");
    bank.mature();
    let first = bank.new_id();
    bank.get(first, payout(500)).unwrap();
    assert!(bank.once(payout(201)).is_err());
    let end = |state| Command::Payout(PayoutCommand::End { payout: first, state });
    bank.get(0, end(PayoutState::Failed)).unwrap();
    assert_eq!(bank.get(0, end(PayoutState::Paid)), Err(Refusal::Over { what: What::Payout }));
    let second = bank.new_id();
    bank.get(second, payout(700)).unwrap();
    let end = Command::Payout(PayoutCommand::End { payout: second, state: PayoutState::Paid });
    bank.get(0, end.clone()).unwrap();
    assert_eq!(bank.get(0, end).unwrap().units, 0, "once");
    assert_eq!((bank.creator(), bank.shows(Kind::PspAvailable, stripe().of())), ((0, 0, 0), -700));
}

#[test]
fn inv_18_no_more_tickets_than_places_and_one_for_each() {
    let mut bank = Bank::new();
    let event = bank.event(100, 2);
    for user in [ANN, BOB, AccountId(3)] {
        bank.top_up(user, 300);
    }
    assert_eq!(bank.buy(event, ANN).unwrap().units, 100);
    let ticket = |user| ChargeId::Ticket { event, user, nth: 1 };
    let has_one = Refusal::Exists { name: Name::Charge(ticket(ANN)) };
    assert_eq!(bank.buy(event, ANN), Err(has_one));
    bank.buy(event, BOB).unwrap();
    let full = Refusal::TooMuch { what: What::Event, left: 0 };
    assert_eq!(bank.buy(event, AccountId(3)), Err(full));
    assert_eq!(bank.shows(Kind::EscrowEvent, event), 200);
    bank.refund(ticket(BOB), 100).unwrap();
    bank.buy(event, AccountId(3)).unwrap();
    assert_eq!(bank.end(event, EventState::Delivered), 1);
    assert_eq!((bank.shows(Kind::EscrowEvent, event), bank.creator().0), (0, 140));
}

#[test]
fn a_cancelled_event_gives_everybody_the_money_back() {
    let mut bank = Bank::new();
    let event = bank.event(10, 100);
    for user in (1..=40).map(AccountId) {
        bank.top_up(user, 10);
        bank.buy(event, user).unwrap();
    }
    assert_eq!(bank.end(event, EventState::Cancelled), 3, "fifteen at a time");
    assert!((1..=40).all(|user| bank.wallet(AccountId(user)) == 10));
    assert_eq!((bank.shows(Kind::EscrowEvent, event), bank.creator().0), (0, 0));
}

#[test]
fn inv_19_a_period_is_charged_once_and_times_do_not_overlap() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 2_000);
    let member = MemberId { user: ANN, channel: 5 };
    bank.subscribe(member, 1, 1_000_000).unwrap();
    let exists = Err(Refusal::Exists { name: Name::Member(member) });
    assert_eq!([(); 2].map(|()| bank.subscribe(member, 1, 1_000_000)), [exists.clone(), exists]);
    assert_eq!(bank.wallet(ANN), 1_500);
    let first = bank.state.members.get(&member).unwrap().until;
    bank.later_ms(400_000);
    for _ in 0..3 {
        bank.subscribe(member, 2, 1_000_000).unwrap();
    }
    assert_eq!(bank.state.members.get(&member).unwrap().until, first.plus_ms(1_000_000));
    assert!(bank.subscribe(member, 4, 1_000_000).is_err(), "no period is left out");
}

#[test]
fn inv_20_a_gift_is_for_all_or_for_those_who_are_paid_for() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 1_000);
    bank.top_up(BOB, 500);
    bank.subscribe(MemberId { user: BOB, channel: 5 }, 1, 1_000_000).unwrap();
    let gift = |to: &[u64], partial| {
        let to = to.iter().copied().map(AccountId).collect();
        let (terms, price, length_ms) = (terms(ANN, 1_000), amount(100), 9_000);
        Command::Member(MemberCommand::Gift(Gift {
            terms,
            channel: 5,
            price,
            length_ms,
            to,
            partial,
        }))
    };
    assert!(bank.once(gift(&[BOB.0, 11, 12], false)).is_err());
    assert!(bank.once(gift(&[11, 11], true)).is_err(), "twice");
    assert_eq!(bank.wallet(ANN), 1_000);
    assert_eq!(bank.once(gift(&[BOB.0, 11, 12], true)).unwrap().units, 200);
    let is_member = |bank: &Bank, user| {
        bank.state.members.get(&MemberId { user: AccountId(user), channel: 5 }).is_some()
    };
    assert!(is_member(&bank, 11) && is_member(&bank, 12));
    assert_eq!(bank.once(gift(&[13], false)).unwrap().units, 100);
}

#[test]
fn a_disputed_payment_is_neither_spent_nor_refunded_and_its_loss_is_somebodys() {
    for claws_back in [false, true] {
        let mut bank = Bank::new();
        let policy = Policy { claws_back, ..Policy::default() };
        bank.once(Command::Control(ControlCommand::SetPolicy { policy, second: None })).unwrap();
        let lot = bank.top_up(ANN, 1_000);
        let charge = bank.tip(ANN, 400).unwrap();
        bank.freeze(Account::wallet(ANN), Standing::Frozen).unwrap();
        let open = DisputeCommand::Open {
            dispute: 5,
            lot,
            provider: stripe(),
            amount: amount(1_000),
            fee: 15,
        };
        for _ in 0..2 {
            bank.get(0, Command::Dispute(open.clone())).unwrap();
        }
        assert_eq!(bank.state.spendable(ANN, bank.now), 0);
        assert_eq!(bank.refund(charge, 1), Err(Refusal::Disputed));
        assert_eq!(bank.shows(Kind::DisputesInReview, 0), 1_000);
        let lost = DisputeCommand::End { dispute: 5, state: DisputeState::Lost };
        bank.get(0, Command::Dispute(lost)).unwrap();
        assert_eq!((bank.wallet(ANN), bank.shows(Kind::DisputesInReview, 0)), (0, 0));
        assert_eq!(bank.shows(Kind::ChargebackLoss, 0), 400, "the platform's at once");
        let recover = Command::Dispute(DisputeCommand::Recover { dispute: 5 });
        let recovered = [0; 2].map(|_| bank.get(0, recover.clone()).unwrap().units);
        assert_eq!(recovered, if claws_back { [400, 0] } else { [0, 0] });
        let (earned, loss) = if claws_back { (0, 0) } else { (280, 400) };
        assert_eq!((bank.creator().0, bank.shows(Kind::ChargebackLoss, 0)), (earned, loss));
        assert_eq!(bank.shows(Kind::PspAvailable, stripe().of()), -1_015);
        if !claws_back {
            assert_eq!(bank.refund(charge, 1), Err(Refusal::Disputed), "the bank has paid it");
        }
    }
}

#[test]
fn inv_29_a_disputes_events_lead_to_the_same_end_in_any_order() {
    let ends = [DisputeState::Won, DisputeState::Lost];
    for end in ends {
        let mut bank = Bank::new();
        let lot = bank.top_up(ANN, 1_000);
        let ended = Command::Dispute(DisputeCommand::End { dispute: 5, state: end });
        let opened = DisputeCommand::Open {
            dispute: 5,
            lot,
            provider: stripe(),
            amount: amount(1_000),
            fee: 15,
        };
        let opened = Command::Dispute(opened);
        assert!(bank.get(0, ended.clone()).is_err(), "told too early, it is told again");
        for command in [&opened, &ended, &opened, &ended] {
            bank.get(0, command.clone()).unwrap();
        }
        let left = if end == DisputeState::Won { 1_000 } else { 0 };
        assert_eq!((bank.wallet(ANN), bank.shows(Kind::DisputesInReview, 0)), (left, 0));
    }
}

#[test]
fn inv_24_frozen_and_closed_accounts_give_their_owner_nothing() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    bank.reserve(SESSION, ANN, 40, 1).unwrap();
    let wallet = Account::wallet(ANN);
    assert_eq!(bank.freeze(wallet, Standing::Closed), Err(Refusal::NotEmpty { account: wallet }));
    bank.freeze(wallet, Standing::Frozen).unwrap();
    assert_eq!(bank.tip(ANN, 1), Err(Refusal::Frozen { account: wallet }));
    bank.capture(SESSION, 40, 1).expect("what is reserved is taken");
    bank.freeze(wallet, Standing::Open).unwrap();
    let charge = bank.tip(ANN, 60).unwrap();
    bank.freeze(wallet, Standing::Closed).unwrap();
    bank.refund(charge, 10).expect("what is owed to her arrives");
    assert_eq!(bank.tip(ANN, 1), Err(Refusal::Closed { account: wallet }));
    bank.freeze(wallet, Standing::Open).unwrap();
    bank.tip(ANN, 10).unwrap();
}

#[test]
fn inv_30_amounts_at_the_end_of_their_range_are_refused_and_nothing_wraps() {
    let mut bank = Bank::new();
    let largest = Amount::MAX.units();
    bank.top_up(ANN, largest);
    bank.top_up(ANN, largest);
    let tip = bank.tip(ANN, largest).unwrap();
    assert_eq!(bank.wallet(ANN), i128::from(largest));
    bank.refund(tip, largest).unwrap();
    assert_eq!(bank.wallet(ANN), 2 * i128::from(largest));
    let price = Amount::MAX;
    let (terms, to) = (terms(ANN, largest), vec![AccountId(11), AccountId(12)]);
    let gift = Gift { terms, channel: 5, price, length_ms: u64::MAX, to, partial: false };
    let gift = Command::Member(MemberCommand::Gift(gift));
    assert_eq!(bank.once(gift), Err(Refusal::Overflow));
    assert!(bank.state.totals().are_even());
}
