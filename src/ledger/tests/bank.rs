//! A ledger with a clock, for tests that tell a story.

use weir_model::AccountId;

use crate::account::{Account, Kind, Standing};
use crate::record::Receipt;
use crate::request::{
    Command, ControlCommand, EventCommand, HoldCommand, IncomeCommand, MemberCommand,
    PaymentCommand, PayoutCommand, Provider, Refs, Terms,
};
use crate::row::{At, ChargeId, EventState, Founding, HoldId, Id, MemberId};
use crate::split::{Recipient, Share, Split};
use crate::state::{Done, State};
use crate::{Amount, Currency, Refusal, Request};

pub(super) const ANN: AccountId = AccountId(1);
pub(super) const BOB: AccountId = AccountId(2);
pub(super) const CREATOR: AccountId = AccountId(101);
const OPERATOR: AccountId = AccountId(900);

/// See the module.
#[derive(Clone)]
pub(super) struct Bank {
    pub(super) state: State,
    pub(super) now: At,
    next: Id,
}

pub(super) fn amount(units: u64) -> Amount {
    units.try_into().unwrap()
}

pub(super) fn stripe() -> Provider {
    Provider::named("stripe").unwrap()
}

/// Thirty percent for the platform.
pub(super) fn split() -> Split {
    let share = Share { to: Recipient::Platform, bps: 3_000 };
    Split::new(vec![share], Recipient::Creator(CREATOR)).unwrap()
}

pub(super) fn terms(payer: AccountId, cap: u64) -> Terms {
    Terms { payer, cap: amount(cap), split: split() }
}

pub(super) fn euro() -> Currency {
    Currency::new("EUR", 2).unwrap()
}

pub(super) fn founding() -> Founding {
    Founding { ledger: 0xeee, currency: euro() }
}

impl Bank {
    /// Founded; its first record is said, and no id is used.
    pub(super) fn new() -> Self {
        let mut bank = Self { state: State::default(), now: At(1_700_000_000_000_000), next: 0 };
        bank.get(0, Command::Control(ControlCommand::Found(founding()))).unwrap();
        bank
    }

    pub(super) fn later_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    pub(super) fn new_id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    pub(super) fn ask(&mut self, id: Id, command: Command) -> Done {
        self.ask_by(OPERATOR, id, command)
    }

    pub(super) fn ask_by(&mut self, by: AccountId, id: Id, command: Command) -> Done {
        let id = if command.is_repeatable() { 0 } else { id };
        let (reason, refs) = ("test".into(), Refs::default());
        let request = Request { id, by, reason, refs, command };
        request.check().unwrap();
        self.state.execute(&request, self.now).unwrap()
    }

    /// Asks and says what came of it.
    pub(super) fn get(&mut self, id: Id, command: Command) -> Result<Receipt, Refusal> {
        match self.ask(id, command) {
            Done::Recorded(entry) => entry.record.result,
            Done::Unchanged(receipt) => Ok(receipt),
            Done::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// Asks once.
    pub(super) fn once(&mut self, command: Command) -> Result<Receipt, Refusal> {
        let id = self.new_id();
        self.get(id, command)
    }

    pub(super) fn top_up(&mut self, user: AccountId, units: u64) -> Id {
        let id = self.new_id();
        let command = IncomeCommand::TopUp { user, amount: amount(units), provider: stripe() };
        self.get(id, Command::Income(command)).unwrap();
        id
    }

    pub(super) fn grant(&mut self, user: AccountId, units: u64, life_ms: u64) -> Id {
        let (id, expires_at) = (self.new_id(), Some(self.now.plus_ms(life_ms)));
        let command = IncomeCommand::Grant { user, amount: amount(units), expires_at };
        self.get(id, Command::Income(command)).unwrap();
        id
    }

    pub(super) fn tip(&mut self, payer: AccountId, units: u64) -> Result<ChargeId, Refusal> {
        let id = self.new_id();
        let command = PaymentCommand::Tip { terms: terms(payer, units), amount: amount(units) };
        self.get(id, Command::Payment(command)).map(|_| ChargeId::Tip(id))
    }

    pub(super) fn refund(&mut self, charge: ChargeId, units: u64) -> Result<Receipt, Refusal> {
        let amount = Some(amount(units));
        self.once(Command::Payment(PaymentCommand::Refund { charge, amount }))
    }

    pub(super) fn reserve(
        &mut self,
        hold: HoldId,
        payer: AccountId,
        units: u64,
        epoch: u64,
    ) -> Result<Receipt, Refusal> {
        let (terms, lives_ms) = (terms(payer, 10_000), 900_000);
        let amount = amount(units);
        self.get(0, Command::Hold(HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch }))
    }

    pub(super) fn capture(
        &mut self,
        hold: HoldId,
        total: u64,
        epoch: u64,
    ) -> Result<Receipt, Refusal> {
        self.get(0, Command::Hold(HoldCommand::Capture { hold, total, epoch }))
    }

    pub(super) fn close(
        &mut self,
        hold: HoldId,
        total: u64,
        epoch: u64,
    ) -> Result<Receipt, Refusal> {
        self.get(0, Command::Hold(HoldCommand::Close { hold, total, epoch, ends: true }))
    }

    pub(super) fn buy(&mut self, event: Id, user: AccountId) -> Result<Receipt, Refusal> {
        self.once(Command::Event(EventCommand::Buy { event, user }))
    }

    pub(super) fn event(&mut self, price: u64, capacity: u32) -> Id {
        let (id, price, split) = (self.new_id(), amount(price), split());
        self.get(id, Command::Event(EventCommand::Open { price, capacity, split })).unwrap();
        id
    }

    /// Ends an event and settles all of its tickets; how many records that took.
    pub(super) fn end(&mut self, event: Id, state: EventState) -> usize {
        self.get(0, Command::Event(EventCommand::End { event, state })).unwrap();
        let settle = Command::Event(EventCommand::Settle { event });
        std::iter::from_fn(|| (self.get(0, settle.clone()).unwrap().units > 0).then_some(()))
            .count()
    }

    pub(super) fn subscribe(
        &mut self,
        member: MemberId,
        period: u32,
        length_ms: u64,
    ) -> Result<Receipt, Refusal> {
        let (terms, price) = (terms(member.user, 500), amount(500));
        let command = MemberCommand::Subscribe { member, period, terms, price, length_ms };
        self.once(Command::Member(command))
    }

    pub(super) fn mature(&mut self) {
        self.later_ms(8 * 24 * 3_600_000);
        self.get(0, Command::Payout(PayoutCommand::Mature { creator: CREATOR })).unwrap();
    }

    pub(super) fn freeze(
        &mut self,
        account: Account,
        standing: Standing,
    ) -> Result<Receipt, Refusal> {
        self.once(Command::Control(ControlCommand::SetStanding { account, standing }))
    }

    /// What an account shows on its own side.
    pub(super) fn shows(&self, kind: Kind, of: u128) -> i128 {
        let account = Account { kind, of };
        self.state.balance(&account).net(kind.class())
    }

    pub(super) fn wallet(&self, user: AccountId) -> i128 {
        self.shows(Kind::Wallet, u128::from(user.0))
    }

    /// What a creator has pending, payable and owes.
    pub(super) fn creator(&self) -> (i128, i128, i128) {
        let of = u128::from(CREATOR.0);
        let shows = |kind| self.shows(kind, of);
        (shows(Kind::CreatorPending), shows(Kind::CreatorPayable), shows(Kind::CreatorDebt))
    }
}
