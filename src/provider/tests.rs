//! Recorded events of providers, in every order: the books are the same in the end.

use proptest::prelude::*;
use weir_ledger::account::{Account, Kind};
use weir_ledger::request::{
    Command, ControlCommand, PaymentCommand, PayoutCommand, Provider, PspRef, Refs, Terms,
};
use weir_ledger::row::{At, Founding, Heard, Id, PayoutState};
use weir_ledger::split::{Recipient, Split};
use weir_ledger::state::Done;
use weir_ledger::{Currency, Request, State};
use weir_model::AccountId;

use crate::event::{Event, id_of};

const VIEWERS: [AccountId; 2] = [AccountId(1), AccountId(2)];
const CREATOR: AccountId = AccountId(101);
const PAYOUT: Id = 0xa;
const REPAYMENT: Id = 0xb;
const START: At = At(1_690_000_000_000_000);
/// Orders of this many events are all looked at: 5,040.
const ALL_ORDERS_MAX: usize = 7;

/// Each file is what one provider said, in the order in which it happened.
const RECORDED: [(&str, &str); 7] = [
    ("top_up", include_str!("tests/events/top_up.json")),
    ("dispute_won", include_str!("tests/events/dispute_won.json")),
    ("dispute_lost", include_str!("tests/events/dispute_lost.json")),
    ("two_disputes", include_str!("tests/events/two_disputes.json")),
    ("payout_returned", include_str!("tests/events/payout_returned.json")),
    ("refund_failed", include_str!("tests/events/refund_failed.json")),
    ("a_day", include_str!("tests/events/a_day.json")),
];

fn euro() -> Currency {
    Currency::new("EUR", 2).unwrap()
}

fn acme() -> Provider {
    Provider::named("acme").unwrap()
}

fn events(text: &str) -> Vec<Event> {
    let all: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(text).unwrap();
    all.iter().map(|one| Event::read(one.get().as_bytes()).unwrap()).collect()
}

fn ask(state: &mut State, id: Id, command: Command) {
    let request =
        Request { id, by: AccountId(900), reason: String::new(), refs: Refs::default(), command };
    let done = state.execute(&request, START).unwrap();
    assert!(matches!(&done, Done::Recorded(entry) if entry.record.result.is_ok()), "{done:?}");
}

fn hear(state: &mut State, event: &Event) -> Done {
    let request = event.request(acme(), &euro()).unwrap();
    request.check().unwrap();
    state.execute(&request, START).unwrap()
}

/// A ledger with a payment of 40.00, settled, of which 30.00 were earned, 10.00 are on their way to the creator, and
/// 5.00 on their way back.
fn before() -> State {
    let mut state = State::default();
    let founding = Founding { ledger: 7, currency: euro() };
    ask(&mut state, 0, Command::Control(ControlCommand::Found(founding)));
    let policy = weir_ledger::row::Policy { pending_hours: 0, ..*state.policy() };
    let command = ControlCommand::SetPolicy { policy, second: Some(AccountId(901)) };
    ask(&mut state, 1, Command::Control(command));
    let text = r#"[
        {"id":"evt_a","type":"topup.paid","created":1690000000,
         "data":{"payment":"pay_0","account":"acc_0000000000000002","amount":"40.00","currency":"EUR"}},
        {"id":"evt_b","type":"topup.settled","created":1690000001,
         "data":{"payment":"pay_0","amount":"40.00","fee":"0.00","currency":"EUR"}}]"#;
    events(text).iter().for_each(|event| drop(hear(&mut state, event)));
    let amount = |units: u64| units.try_into().unwrap();
    let split = Split::all_to(Recipient::Creator(CREATOR));
    let terms = Terms { payer: VIEWERS[1], cap: amount(3_000), split };
    ask(&mut state, 2, Command::Payment(PaymentCommand::Tip { terms, amount: amount(3_000) }));
    // The hour in which it was earned has to be over.
    let command = Command::Payout(PayoutCommand::Mature { creator: CREATOR });
    let request =
        Request { id: 0, by: CREATOR, reason: String::new(), refs: Refs::default(), command };
    state.execute(&request, START.plus_ms(3 * 3_600_000)).unwrap();
    let command =
        PayoutCommand::Request { creator: CREATOR, amount: amount(1_000), provider: acme() };
    ask(&mut state, PAYOUT, Command::Payout(command));
    let lot = id_of("payment", acme(), &PspRef::try_from("pay_0".to_owned()).unwrap());
    let command = PayoutCommand::PayBack { lot, amount: amount(500), provider: acme() };
    ask(&mut state, REPAYMENT, Command::Payout(command));
    state
}

/// What the books say, whatever the way there: every account, every event, and what is on its way.
fn books(state: &State, events: &[Event]) -> String {
    let mut accounts: Vec<(Account, i128, u128)> = state
        .all_balances()
        .rows()
        .map(|(account, one)| (*account, one.net(account.kind.class()), one.debits_pending))
        .collect();
    accounts.retain(|(_, net, pending)| (*net, *pending) != (0, 0));
    accounts.sort_unstable();
    let heard = events.iter().map(event_id).map(|id| state.heard(id));
    assert!(
        heard.clone().all(|heard| heard == Some(&Heard::Counted)),
        "{:?}",
        heard.collect::<Vec<_>>()
    );
    let spendable = VIEWERS.map(|user| state.spendable(user, START.plus_ms(1 << 40)));
    let payout = state.payout(PAYOUT).map(|payout| payout.state);
    format!("{accounts:?} {spendable:?} {payout:?} {:?}", state.report(acme()))
}

fn event_id(event: &Event) -> Id {
    use weir_ledger::request::ProviderCommand;
    match event.request(acme(), &euro()).unwrap().command {
        Command::Provider(ProviderCommand::Hear(notice)) => notice.event,
        other => panic!("{other:?}"),
    }
}

fn told(order: &[&Event]) -> State {
    let mut state = before();
    for event in order {
        let done = hear(&mut state, event);
        assert!(matches!(done, Done::Recorded(_) | Done::Unchanged(_)), "{done:?}");
        assert!(state.totals().are_even());
    }
    state
}

/// Calls with every order of `all` (Heap 1963).
fn every_order<T: Clone>(all: &mut [T], count: usize, see: &mut impl FnMut(&[T])) {
    if count <= 1 {
        return see(all);
    }
    for at in 0..count {
        every_order(all, count - 1, see);
        all.swap(if count.is_multiple_of(2) { at } else { 0 }, count - 1);
    }
}

#[test]
fn inv_29_any_order_of_recorded_events_makes_the_same_books() {
    for (name, text) in RECORDED {
        let all = events(text);
        let mut order: Vec<&Event> = all.iter().collect();
        if order.len() > ALL_ORDERS_MAX {
            continue;
        }
        let expected = books(&told(&order), &all);
        let (count, mut orders) = (order.len(), 0);
        every_order(&mut order, count, &mut |order| {
            assert_eq!(books(&told(order), &all), expected, "{name}: {order:?}");
            orders += 1;
        });
        assert_eq!(orders, (1..=count).product::<usize>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Events come more than once, between one another, and the first time in any order.
    #[test]
    fn inv_29_events_that_come_again_in_any_order_change_nothing(
        file in 0..RECORDED.len(),
        order in Just((0..24).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let all = events(RECORDED[file].1);
        let straight: Vec<&Event> = all.iter().collect();
        let expected = books(&told(&straight), &all);
        let twice: Vec<&Event> =
            order.iter().filter(|at| **at < 2 * all.len()).map(|at| &all[at % all.len()]).collect();
        let state = told(&twice);
        prop_assert_eq!(books(&state, &all), expected);
        // One more of each.
        let (mut again, head) = (state.clone(), *state.head());
        for event in &all {
            let done = hear(&mut again, event);
            prop_assert!(matches!(done, Done::Unchanged(_)));
        }
        prop_assert_eq!(again.head(), &head);
    }
}

/// INV-22: what the report at the end of a file says is what the ledger has at that cut.
#[test]
fn inv_21_and_22_what_is_at_the_provider_is_what_it_says_and_what_is_not_settled() {
    let state = told(&events(RECORDED[0].1).iter().collect::<Vec<_>>());
    let report = *state.report(acme()).unwrap();
    for (kind, said) in [(Kind::PspPending, report.pending), (Kind::PspAvailable, report.available)]
    {
        let account = Account { kind, of: acme().of() };
        assert_eq!(state.balance(&account).net(kind.class()), i128::from(said), "{account}");
    }
    let mut open = before();
    let paid = &events(RECORDED[0].1)[0];
    hear(&mut open, paid);
    let pending = Account { kind: Kind::PspPending, of: acme().of() };
    assert_eq!(open.balance(&pending).net(pending.kind.class()), 2_000);
    assert_eq!(open.payout(PAYOUT).unwrap().state, PayoutState::Open);
}
