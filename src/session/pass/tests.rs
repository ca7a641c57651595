//! Who has a pass, as the ledger changes.

use weir_ledger::request::{
    Command, ControlCommand, EventCommand, IncomeCommand, MemberCommand, PaymentCommand, Provider,
    Refs, Terms,
};
use weir_ledger::row::Founding;
use weir_ledger::split::Split;
use weir_ledger::state::Done;
use weir_ledger::{Amount, Currency, Request};

use super::*;

const STAR: AccountId = AccountId(1);
const FAN: AccountId = AccountId(2);
const CHANNEL: Id = 7;
const EVENT: Id = 2;
const MEMBER: PassId = PassId { good: Good::Channel(CHANNEL), account: FAN };
const SEAT: PassId = PassId { good: Good::Event(EVENT), account: FAN };
/// A minute, as the ledger counts.
const MINUTE: u64 = 60_000_000;

fn amount(units: u64) -> Amount {
    units.try_into().unwrap()
}

/// A ledger in which the fan has paid 100.00 in.
struct Books {
    state: State,
    asked: Id,
}

impl Books {
    fn new() -> Self {
        let mut books = Self { state: State::default(), asked: 0 };
        let currency = Currency::new("EUR", 2).unwrap();
        books.ask(Command::Control(ControlCommand::Found(Founding { ledger: 1, currency })));
        let event = EventCommand::Open { price: amount(300), capacity: 9, split: split() };
        books.ask(Command::Event(event));
        let provider = Provider::MANUAL;
        let paid = IncomeCommand::TopUp { user: FAN, amount: amount(10_000), provider };
        books.ask(Command::Income(paid));
        books
    }

    /// Has it done, at its number in microseconds; answers with what it touched.
    fn ask(&mut self, command: Command) -> Touched {
        self.asked += 1;
        let id = if command.is_repeatable() { 0 } else { self.asked };
        let (reason, refs) = (String::new(), Refs::default());
        let request = Request { id, by: FAN, reason, refs, command };
        let wall = At(u64::try_from(self.asked).unwrap());
        match self.state.execute(&request, wall).unwrap() {
            Done::Recorded(entry) => {
                entry.record.result.as_ref().unwrap();
                let touched = Touched::by(&entry.record);
                let touches = touched != Touched::Some(BTreeSet::new());
                assert!(!touches || entry.record.is_about_rights(), "{entry:?}");
                touched
            }
            other => panic!("{other:?}"),
        }
    }

    fn subscribe(&mut self, period: u32) -> Touched {
        let terms = Terms { payer: FAN, cap: amount(500), split: split() };
        self.ask(Command::Member(MemberCommand::Subscribe {
            member: MemberId { user: FAN, channel: CHANNEL },
            period,
            terms,
            price: amount(500),
            length_ms: 60_000,
        }))
    }

    fn refund(&mut self, charge: ChargeId, units: u64) -> Touched {
        let amount = Some(amount(units));
        self.ask(Command::Payment(PaymentCommand::Refund { charge, amount }))
    }

    fn stand(&mut self, standing: Standing) -> Touched {
        let account = Account::wallet(FAN);
        self.ask(Command::Control(ControlCommand::SetStanding { account, standing }))
    }

    fn has(&self, id: PassId) -> bool {
        Pass::due(&self.state, id, self.state.head().at).is_some()
    }
}

fn split() -> Split {
    Split::less_fee(2_000, STAR).unwrap()
}

fn only(id: PassId) -> Touched {
    Touched::Some([id].into())
}

fn period(number: u32) -> ChargeId {
    ChargeId::Period { member: MemberId { user: FAN, channel: CHANNEL }, number }
}

const TICKET: ChargeId = ChargeId::Ticket { event: EVENT, user: FAN, nth: 1 };

#[test]
fn a_member_has_a_pass_until_the_end_of_what_he_paid() {
    let mut books = Books::new();
    assert!(!books.has(MEMBER));
    assert_eq!(books.subscribe(1), only(MEMBER));
    let began = books.state.head().at.0;
    let pass = Pass::due(&books.state, MEMBER, At(began)).unwrap();
    assert_eq!(pass.until, Some(Timestamp(i64::try_from((began + MINUTE) / 1_000).unwrap())));
    assert!(Pass::due(&books.state, MEMBER, At(began + MINUTE)).is_none());
    assert_eq!(books.subscribe(2), only(MEMBER));
    assert!(Pass::due(&books.state, MEMBER, At(began + MINUTE)).is_some(), "the next goes on");
    assert!(!books.has(PassId { account: STAR, ..MEMBER }));
    assert!(!books.has(PassId { good: Good::Channel(CHANNEL + 1), ..MEMBER }));
}

#[test]
fn what_is_paid_back_whole_is_no_membership() {
    let mut books = Books::new();
    books.subscribe(1);
    books.refund(period(1), 200);
    assert!(books.has(MEMBER), "a part is a favour");
    assert_eq!(books.refund(period(1), 300), only(MEMBER));
    assert!(!books.has(MEMBER));
}

#[test]
fn a_ticket_is_a_pass_until_it_is_given_back_or_the_event_is_over() {
    let mut books = Books::new();
    let buy = || Command::Event(EventCommand::Buy { event: EVENT, user: FAN });
    assert_eq!(books.ask(buy()), only(SEAT));
    assert_eq!(Pass::due(&books.state, SEAT, At(0)), Some(Pass { id: SEAT, until: None }));
    assert_eq!(books.refund(TICKET, 300), only(SEAT));
    assert!(!books.has(SEAT));
    books.ask(buy());
    assert!(books.has(SEAT), "another one");
    let end = EventCommand::End { event: EVENT, state: EventState::Delivered };
    assert_eq!(books.ask(Command::Event(end)), Touched::All);
    assert!(!books.has(SEAT));
    assert_eq!(books.state.unsettled(), Some(EVENT));
    books.ask(Command::Event(EventCommand::Settle { event: EVENT }));
    assert_eq!(books.state.unsettled(), None);
}

#[test]
fn whose_wallet_is_frozen_has_no_pass_until_it_is_open() {
    let mut books = Books::new();
    books.subscribe(1);
    assert_eq!(books.stand(Standing::Frozen), Touched::All);
    assert!(!books.has(MEMBER));
    books.stand(Standing::Open);
    assert!(books.has(MEMBER));
}

#[test]
fn a_tip_touches_no_pass() {
    let mut books = Books::new();
    let terms = Terms { payer: FAN, cap: amount(100), split: split() };
    let tip = PaymentCommand::Tip { terms, amount: amount(100) };
    assert_eq!(books.ask(Command::Payment(tip)), Touched::Some(BTreeSet::new()));
}

#[test]
fn nobody_is_renewed_at_another_price() {
    let agreed = Renewal {
        account: FAN,
        channel: "demo".parse().unwrap(),
        price: "4.99".into(),
        period_secs: 60,
    };
    let sold = |price: &str, period_secs| Access::Members {
        price: price.into(),
        currency: "EUR".into(),
        period_secs,
    };
    assert!(agreed.fits(&sold("4.99", 60)));
    assert!(!agreed.fits(&sold("5.99", 60)) && !agreed.fits(&sold("4.99", 59)));
    assert!(!agreed.fits(&Access::Public));
    assert_eq!(agreed.ahead_ms(), 6_000);
    assert_eq!(Renewal { period_secs: 30 * 86_400, ..agreed }.ahead_ms(), 3_600_000);
}
