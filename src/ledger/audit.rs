//! An independent opinion: what accounts must hold, from requests and the ledger's answers alone.
//!
//! The auditor shares no code with what it judges but the split of a sum. It keeps single units in plain lists, which
//! is slow and leaves little to be wrong: a payment is a list of the lots of its units, a refund takes from its end.
//! It says of each request whether it had to succeed, and afterwards what every account must show.

mod disputes;
mod holds;
mod lots;
mod operators;
mod outside;
mod provider;
mod sales;

use std::collections::BTreeMap;

use weir_model::AccountId;

use crate::account::{Account, Class, Kind, Standing};
use crate::request::{Command, ControlCommand, PaymentCommand, Provider, Request, Terms};
use crate::row::{
    At, ChargeId, DisputeState, EventState, Founding, HoldId, Id, MemberId, Origin, PayoutState,
    Policy, Telling,
};
use crate::split::{Recipient, Split};

/// What an auditor knows.
#[derive(Debug, Clone, Default)]
pub struct Auditor {
    founding: Option<Founding>,
    lots: BTreeMap<Id, Lot>,
    holds: BTreeMap<HoldId, Hold>,
    charges: BTreeMap<ChargeId, Charge>,
    standings: BTreeMap<Account, Standing>,
    events: BTreeMap<Id, Event>,
    seats: BTreeMap<(Id, AccountId), u32>,
    members: BTreeMap<MemberId, Member>,
    payouts: BTreeMap<Id, Payout>,
    repayments: BTreeMap<Id, Repayment>,
    disputes: BTreeMap<Id, Dispute>,
    came_in: BTreeMap<Provider, i128>,
    at_provider: BTreeMap<Provider, i128>,
    corrected: BTreeMap<Account, i128>,
    given: i128,
    lapsed: i128,
    fees: i128,
    lost: i128,
    policy: Policy,
    /// What each record moved, and what was corrected of that.
    moved: Vec<(u64, u64)>,
    requests: BTreeMap<(AccountId, Id), (Request, Verdict)>,
    born: u64,
    notices: BTreeMap<Id, provider::Event>,
    settled: BTreeMap<Id, u64>,
    /// Attempts, and what came of the newest.
    told: BTreeMap<Id, (u32, Telling)>,
}

#[derive(Debug, Clone)]
struct Lot {
    owner: AccountId,
    origin: Origin,
    ends: Option<At>,
    born: u64,
    size: u64,
    left: u64,
    paid_back: u64,
    disputed: u64,
    reviews: u32,
    /// Taken by the bank, and not made good by what came back.
    lost: u64,
    ended: bool,
}

#[derive(Debug, Clone)]
struct Hold {
    units: Vec<Id>,
    captured: usize,
    ends: At,
    is_open: bool,
    late: usize,
}

#[derive(Debug, Clone)]
struct Charge {
    terms: Terms,
    /// The lot of each unit that was paid and is still there.
    paid: Vec<Id>,
    ever: u64,
    blocks: u32,
    epoch: u64,
    is_open: bool,
    /// The event whose money it is still.
    waits: Option<Id>,
    born: usize,
}

#[derive(Debug, Clone)]
struct Event {
    price: u64,
    capacity: u32,
    sold: u32,
    split: Split,
    state: EventState,
}

#[derive(Debug, Clone, Default)]
struct Member {
    until: At,
    periods: u32,
    /// When the newest of them began, and ends.
    newest: (At, At),
}

#[derive(Debug, Clone)]
struct Payout {
    creator: AccountId,
    units: u64,
    provider: Provider,
    state: PayoutState,
}

#[derive(Debug, Clone)]
struct Repayment {
    lot: Id,
    units: u64,
    provider: Provider,
    state: PayoutState,
}

#[derive(Debug, Clone)]
struct Dispute {
    lot: Id,
    units: u64,
    excess: u64,
    provider: Provider,
    state: DisputeState,
    /// What may be taken from whoever got it.
    owed: u64,
}

/// What had to come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It moves or reserves that many units.
    Moves(u64),
    /// It was done before, or there is nothing to do.
    Nothing,
    /// It is refused.
    Refused,
    /// It is refused because its id belongs to other words.
    Mismatch,
    /// It has an effect that the auditor does not count.
    Other,
}

/// The net of an account by sort, for comparison: (what it shows, what is reserved on its debit side).
pub type Expected = BTreeMap<Account, (i128, u128)>;

impl Auditor {
    /// What `request` at ledger time `at` has to bring about. Time is the record's where there is one.
    /// Whether a payout is `made` depends on what has matured, which no request says: the answer is believed.
    pub fn judge(&mut self, request: &Request, at: At, made: bool) -> Verdict {
        let asked = (request.by, request.id);
        if let Some((before, _)) = self.requests.get(&asked) {
            return if before == request { Verdict::Nothing } else { Verdict::Mismatch };
        }
        let founds = matches!(&request.command, Command::Control(ControlCommand::Found(_)));
        if self.founding.is_none() && !founds {
            return Verdict::Refused;
        }
        let verdict = self.decide(request, at, made).unwrap_or(Verdict::Refused);
        if request.id != 0 {
            self.requests.insert(asked, (request.clone(), verdict));
        }
        verdict
    }

    fn decide(&mut self, request: &Request, at: At, made: bool) -> Option<Verdict> {
        let id = request.id;
        match &request.command {
            Command::Income(command) => self.income(command, id, at),
            Command::Hold(command) => self.held(command, at),
            Command::Payment(PaymentCommand::Tip { terms, amount }) => {
                self.pay(ChargeId::Tip(id), terms, amount.units(), at)
            }
            Command::Payment(PaymentCommand::Refund { charge, amount }) => {
                self.refund(*charge, *amount)
            }
            Command::Event(command) => self.event(command, id, at),
            Command::Member(command) => self.member(command, id, at),
            Command::Payout(command) => self.payout(command, id, made),
            Command::Dispute(command) => self.dispute(command),
            Command::Control(command) => self.control(command, request, (at, made)),
            Command::Act(act) => act.check().is_ok().then_some(Verdict::Moves(0)),
            Command::Provider(command) => self.provider(command, at),
        }
    }

    /// A payment; those that came first stay the first.
    fn note(&mut self, id: ChargeId, charge: Charge) {
        let next = self.charges.len();
        let born = self.charges.get(&id).map_or(next, |known| known.born);
        self.charges.insert(id, Charge { born, ..charge });
    }

    /// A record was made, which moved so much.
    pub fn recorded(&mut self, moved: u64) {
        self.moved.push((moved, 0));
    }

    /// What every account must show. What a creator earned is one sum over pending, payable and debt, because the time
    /// at which it moves between them is no matter of requests: it is told under [`Kind::CreatorPending`].
    #[must_use]
    pub fn expected(&self) -> Expected {
        let mut all = Expected::new();
        let mut add = |account: Account, net: i128| all.entry(account).or_default().0 += net;
        for (provider, sum) in &self.came_in {
            add(Account { kind: Kind::PspPending, of: provider.of() }, *sum);
        }
        for (provider, sum) in &self.at_provider {
            add(Account { kind: Kind::PspAvailable, of: provider.of() }, *sum);
        }
        self.corrected.iter().for_each(|(account, sum)| add(*account, *sum));
        add(Account::single(Kind::PlatformPromo), self.given);
        add(Account::single(Kind::PlatformBreakage), self.lapsed);
        add(Account::single(Kind::PspFees), self.fees);
        add(Account::single(Kind::ChargebackLoss), self.lost);
        for dispute in self.disputes.values().filter(|one| one.state == DisputeState::Open) {
            add(Account::single(Kind::DisputesInReview), i128::from(dispute.units));
        }
        for lot in self.lots.values() {
            add(lot.account(), i128::from(lot.left));
        }
        for charge in self.charges.values() {
            if let Some(event) = charge.waits {
                let escrow = Account { kind: Kind::EscrowEvent, of: event };
                add(escrow, i128::from(charge.paid.len() as u64));
                continue;
            }
            let split: &Split = &charge.terms.split;
            for (to, units) in split.of(charge.paid.len() as u64) {
                add(earned(to), i128::from(units));
            }
        }
        for payout in self.payouts.values() {
            let account = Account::person(Kind::CreatorPending, payout.creator);
            let entry = all.entry(account).or_default();
            match payout.state {
                PayoutState::Open => entry.1 += u128::from(payout.units),
                PayoutState::Paid => entry.0 -= i128::from(payout.units),
                PayoutState::Failed => {}
            }
        }
        let mut waits = |lot: &Id, units: u64| {
            let Some(lot) = self.lots.get(lot) else { return };
            let entry = all.entry(lot.account()).or_default();
            *entry = (entry.0 + i128::from(units), entry.1 + u128::from(units));
        };
        for hold in self.holds.values().filter(|hold| hold.is_open) {
            hold.units.iter().skip(hold.captured).for_each(|lot| waits(lot, 1));
        }
        for one in self.repayments.values().filter(|one| one.state == PayoutState::Open) {
            waits(&one.lot, one.units);
        }
        all.retain(|_, (net, pending)| (*net, *pending) != (0, 0));
        all
    }
}

impl Charge {
    /// Paid at once.
    fn paid(terms: &Terms, paid: Vec<Id>) -> Self {
        let ever = paid.len() as u64;
        let (terms, waits) = (terms.clone(), None);
        Self { terms, paid, ever, blocks: 0, epoch: 0, is_open: false, waits, born: 0 }
    }
}

/// By how much a debit of `units` changes what an account shows.
fn sign(account: Account, units: u64) -> i128 {
    match account.kind.class() {
        Class::Assets | Class::Expenses => i128::from(units),
        Class::Liabilities | Class::Income => -i128::from(units),
    }
}

impl Lot {
    fn account(&self) -> Account {
        match self.is_given() {
            false => Account::wallet(self.owner),
            true => Account::person(Kind::Promo, self.owner),
        }
    }

    fn is_given(&self) -> bool {
        self.origin == Origin::Promo
    }
}

impl Hold {
    fn is_good(&self, at: At) -> bool {
        self.is_open && self.ends > at
    }

    fn rest(&self) -> usize {
        if self.is_open { self.units.len() - self.captured } else { 0 }
    }
}

/// Where the auditor expects what a recipient earned.
#[must_use]
pub fn earned(to: Recipient) -> Account {
    match to {
        Recipient::Platform => Account::single(Kind::PlatformFees),
        Recipient::Creator(creator) => Account::person(Kind::CreatorPending, creator),
    }
}
