//! Two who want the last of something: whoever is first gets it, in every order in which they ask and ask again.

use weir_model::AccountId;

use super::bank::*;
use super::invariants::check;
use crate::request::{
    Command, EventCommand, Gift, HoldCommand, IncomeCommand, MemberCommand, PaymentCommand,
    PayoutCommand, Refs, Request,
};
use crate::row::{HoldId, Id, MemberId};
use crate::state::Done;

const LAST: u64 = 500;
/// Ids of the two racers.
const RACERS: [Id; 2] = [9_001, 9_002];
/// The orders of two requests of which each is asked twice, because no answer came.
const ORDERS: [[usize; 4]; 6] =
    [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]];

/// A way to want the last units of a wallet, by one of two racers.
type Want = fn(lot: Id, event: Id, racer: Id) -> Command;

const WANTS: [(&str, Want); 6] = [
    ("tip", |_, _, _| {
        let (terms, amount) = (terms(ANN, LAST), amount(LAST));
        Command::Payment(PaymentCommand::Tip { terms, amount })
    }),
    ("session", |_, _, session| {
        let (hold, terms) = (HoldId { session, block: 1 }, terms(ANN, LAST));
        let (amount, lives_ms, epoch) = (amount(LAST), 60_000, 1);
        Command::Hold(HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch })
    }),
    ("ticket", |_, event, racer| {
        let event = event + racer - RACERS[0];
        Command::Event(EventCommand::Buy { event, user: ANN })
    }),
    ("membership", |_, _, channel| {
        let (member, terms) = (MemberId { user: ANN, channel }, terms(ANN, LAST));
        let (price, period, length_ms) = (amount(LAST), 1, 1_000);
        Command::Member(MemberCommand::Subscribe { member, period, terms, price, length_ms })
    }),
    ("gift", |_, _, channel| {
        let (terms, price, length_ms) = (terms(ANN, LAST), amount(LAST / 2), 1_000);
        let (to, partial) = (vec![AccountId(11), AccountId(12)], false);
        Command::Member(MemberCommand::Gift(Gift { terms, channel, price, length_ms, to, partial }))
    }),
    ("repayment", |lot, _, _| {
        let (amount, provider) = (amount(LAST), stripe());
        Command::Payout(PayoutCommand::PayBack { lot, amount, provider })
    }),
];

/// Asks both in each order, and says each time that one of them was done, once, and the other was not.
fn one_wins(bank: &Bank, both: &[Command; 2], what: &str) {
    for order in ORDERS {
        let (mut bank, mut made) = (bank.clone(), Vec::new());
        for racer in order {
            let (id, command) = (RACERS[racer], both[racer].clone());
            rehearse(&bank, &both[1 - racer], RACERS[1 - racer]);
            match bank.ask(id, command) {
                Done::Recorded(entry) if entry.record.result.is_ok() => made.push(racer),
                Done::Recorded(_) | Done::Replayed(_) | Done::Unchanged(_) | Done::Refused(_) => {}
                Done::Mismatch(seq) => panic!("{what}: another request is record {seq}"),
            }
            check(&bank.state);
        }
        assert_eq!(made, order[..1], "{what}, asked in the order {order:?}");
    }
}

/// Whoever tries first takes nothing from whoever asks.
fn rehearse(bank: &Bank, command: &Command, id: Id) {
    let id = if command.is_repeatable() { 0 } else { id };
    let (by, reason, refs) = (ANN, String::new(), Refs::default());
    let request = Request { id, by, reason, refs, command: command.clone() };
    bank.state.rehearse(&request, bank.now).unwrap();
}

#[test]
fn inv_28_of_two_that_want_the_last_unit_of_a_wallet_one_gets_it() {
    let mut bank = Bank::new();
    let lot = bank.top_up(ANN, LAST);
    let event = bank.event(LAST, 10);
    assert_eq!(bank.event(LAST, 10), event + 1);
    for (first, one) in WANTS {
        for (second, other) in WANTS {
            let both = [one(lot, event, RACERS[0]), other(lot, event, RACERS[1])];
            one_wins(&bank, &both, &format!("{first} and {second}"));
        }
    }
}

#[test]
fn inv_28_of_two_that_want_the_last_place_payout_refund_or_gift_one_gets_it() {
    let mut bank = Bank::new();
    for user in [ANN, BOB] {
        bank.top_up(user, 10_000);
    }
    let event = bank.event(10, 1);
    let buy = |user| Command::Event(EventCommand::Buy { event, user });
    one_wins(&bank, &[buy(ANN), buy(BOB)], "the last place");
    let charge = bank.tip(ANN, 1_000).unwrap();
    let refund = |units| {
        let amount = Some(amount(units));
        Command::Payment(PaymentCommand::Refund { charge, amount })
    };
    one_wins(&bank, &[refund(1_000), refund(1)], "the last of a payment");
    bank.mature();
    let payout = |units| {
        let (amount, provider) = (amount(units), stripe());
        Command::Payout(PayoutCommand::Request { creator: CREATOR, amount, provider })
    };
    one_wins(&bank, &[payout(700), payout(1)], "the last that is payable");
    let hold = HoldId { session: 7, block: 1 };
    bank.reserve(hold, ANN, 10_000 - 1_000, 1).unwrap();
    let block = |lives_ms| {
        let (hold, terms) = (HoldId { block: 2, ..hold }, terms(ANN, 10_000));
        let (amount, epoch) = (amount(1_000), 1);
        Command::Hold(HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch })
    };
    bank.top_up(ANN, 1_000);
    let tip = PaymentCommand::Tip { terms: terms(ANN, 1_000), amount: amount(1_000) };
    one_wins(&bank, &[block(1_000), Command::Payment(tip)], "the next minute");
    let given = bank.grant(BOB, 50, 3_600_000);
    bank.later_ms(3 * 3_600_000);
    let expire = Command::Income(IncomeCommand::Expire { lot: given });
    one_wins(&bank, &[expire.clone(), expire], "what is over");
}
