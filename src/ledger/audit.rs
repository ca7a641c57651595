//! An independent opinion: what accounts must hold, from requests and the ledger's answers alone.
//!
//! The auditor shares no code with what it judges but the split of a sum. It keeps single units in plain lists, which
//! is slow and leaves little to be wrong: a payment is a list of the lots of its units, a refund takes from its end.
//! It says of each request whether it had to succeed, and afterwards what every account must show.

mod holds;
mod lots;
mod outside;
mod sales;

use std::collections::BTreeMap;

use weir_model::AccountId;

use crate::account::{Account, Class, Kind, Standing};
use crate::request::{Command, PaymentCommand, Provider, Request, Terms};
use crate::row::{At, DisputeState, EventState, HoldId, Id, MemberId, PayoutState, Policy};
use crate::split::{Recipient, Split};

/// What an auditor knows.
#[derive(Debug, Clone, Default)]
pub struct Auditor {
    lots: BTreeMap<Id, Lot>,
    holds: BTreeMap<HoldId, Hold>,
    charges: BTreeMap<Id, Charge>,
    standings: BTreeMap<Account, Standing>,
    events: BTreeMap<Id, Event>,
    members: BTreeMap<MemberId, (At, u32)>,
    payouts: BTreeMap<Id, Payout>,
    disputes: BTreeMap<Id, Dispute>,
    came_in: BTreeMap<Provider, i128>,
    at_provider: BTreeMap<Provider, i128>,
    corrected: BTreeMap<Account, i128>,
    given: i128,
    lapsed: i128,
    fees: i128,
    lost: i128,
    policy: Policy,
    records: u64,
    requests: BTreeMap<Id, (Request, Verdict)>,
    born: u64,
}

#[derive(Debug, Clone)]
struct Lot {
    owner: AccountId,
    is_paid: bool,
    ends: Option<At>,
    born: u64,
    size: u64,
    left: u64,
    ended: bool,
    is_disputed: bool,
    is_lost: bool,
}

#[derive(Debug, Clone)]
struct Hold {
    units: Vec<Id>,
    captured: usize,
    ends: At,
    is_open: bool,
}

#[derive(Debug, Clone)]
struct Charge {
    terms: Terms,
    /// The lot of each unit that was paid and not given back.
    paid: Vec<Id>,
    ever: u64,
    blocks: u32,
    epoch: u64,
    is_open: bool,
    /// The event whose money it is still.
    waits: Option<Id>,
}

#[derive(Debug, Clone)]
struct Event {
    price: u64,
    capacity: u32,
    sold: u32,
    split: Split,
    state: EventState,
}

#[derive(Debug, Clone)]
struct Payout {
    creator: AccountId,
    units: u64,
    provider: Provider,
    state: PayoutState,
}

#[derive(Debug, Clone)]
struct Dispute {
    lot: Id,
    provider: Provider,
    state: DisputeState,
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
        if let Some((before, _)) = self.requests.get(&request.id) {
            return if before == request { Verdict::Nothing } else { Verdict::Mismatch };
        }
        let verdict = self.decide(request, at, made).unwrap_or(Verdict::Refused);
        if request.id != 0 {
            self.requests.insert(request.id, (request.clone(), verdict));
        }
        verdict
    }

    fn decide(&mut self, request: &Request, at: At, made: bool) -> Option<Verdict> {
        let id = request.id;
        match &request.command {
            Command::Income(command) => self.income(command, id, at),
            Command::Hold(command) => self.held(command, at),
            Command::Payment(PaymentCommand::Tip { terms, amount }) => {
                self.pay(id, terms, amount.units(), at)
            }
            Command::Payment(PaymentCommand::Refund { charge, amount }) => {
                self.refund(*charge, amount.units())
            }
            Command::Event(command) => self.event(command, id, at),
            Command::Member(command) => self.member(command, id, at),
            Command::Payout(command) => self.payout(command, id, made),
            Command::Dispute(command) => self.dispute(command),
            Command::Control(command) => self.control(command, request, at),
        }
    }

    /// A record was made.
    pub const fn recorded(&mut self) {
        self.records += 1;
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
            let units = self.lots.get(&dispute.lot).map_or(0, |lot| lot.size);
            add(Account::single(Kind::DisputesInReview), i128::from(units));
        }
        for (id, lot) in &self.lots {
            add(lot.account(*id), i128::from(lot.left));
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
        for hold in self.holds.values() {
            for id in hold.units.iter().skip(hold.captured).filter(|_| hold.is_open) {
                let Some(lot) = self.lots.get(id) else { continue };
                let entry = all.entry(lot.account(*id)).or_default();
                *entry = (entry.0 + 1, entry.1 + 1);
            }
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
        Self { terms, paid, ever, blocks: 0, epoch: 0, is_open: false, waits }
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
    fn account(&self, id: Id) -> Account {
        match self.is_paid {
            true => Account::wallet(self.owner),
            false => Account { kind: Kind::Promo, of: id },
        }
    }
}

impl Hold {
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
