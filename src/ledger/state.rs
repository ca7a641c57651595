//! The state of a ledger: the fold of its records.

use std::collections::BTreeSet;

use weir_model::AccountId;

use crate::account::{Account, Balance};
use crate::chain::Link;
use crate::draft::{Draft, Effects};
use crate::flow;
use crate::leg::{self, Leg};
use crate::record::{Entry, Head, Receipt, Record};
use crate::refusal::Refusal;
use crate::request::{
    Command, ControlCommand, HoldCommand, IncomeCommand, PayoutCommand, Provider, Request,
};
use crate::row::{
    At, Charge, ChargeId, Dispute, DueId, Event, Founding, Heard, Hold, HoldId, Id, Lot, MemberId,
    Membership, On, Payout, Policy, Repayment, Report, Row, SeatId, Told,
};
use crate::table::{List, Table};

mod look;
mod provider;
mod purse;
mod put;
mod redo;
mod rehearse;
mod spent;
mod totals;

pub use look::Session;
pub(crate) use purse::Purse;
pub use redo::Checked;
pub use rehearse::{Change, Rehearsal};
pub(crate) use spent::Spent;
pub use totals::Totals;

/// Everything that decides what the next request brings about.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(crate) head: Head,
    pub(crate) founding: Option<Founding>,
    pub(crate) policy: Policy,
    pub(crate) balances: Table<Account, Balance>,
    pub(crate) lots: Table<Id, Lot>,
    pub(crate) holds: Table<HoldId, Hold>,
    pub(crate) charges: Table<ChargeId, Charge>,
    pub(crate) dues: Table<DueId, u64>,
    pub(crate) events: Table<Id, Event>,
    pub(crate) seats: Table<SeatId, u32>,
    pub(crate) members: Table<MemberId, Membership>,
    pub(crate) payouts: Table<Id, Payout>,
    pub(crate) repayments: Table<Id, Repayment>,
    pub(crate) disputes: Table<Id, Dispute>,
    pub(crate) writeoffs: Table<HoldId, u64>,
    /// What corrections of a record moved, by its number.
    pub(crate) corrected: Table<u64, u64>,
    /// What each record moved.
    pub(crate) moved: List<u64>,
    /// The record of the newest act of staff; zero before the first.
    pub(crate) newest_act: u64,
    /// What providers said, for ever: the same is counted once.
    pub(crate) heard: Table<Id, Heard>,
    /// What providers settled of payments.
    pub(crate) settled: Table<Id, u64>,
    pub(crate) reports: Table<Provider, Report>,
    /// How far providers were told of payouts.
    pub(crate) told: Table<Id, Told>,
    /// Requests with an id, and the record of each.
    pub(crate) seen: Table<AskedId, Seen>,
    /// Derived: what people can spend.
    pub(crate) purses: Table<AccountId, Purse>,
    /// Derived: what creators have pending.
    pub(crate) pending: BTreeSet<DueId>,
    /// Derived: events and their tickets whose money waits.
    pub(crate) escrowed: BTreeSet<(Id, ChargeId)>,
    /// Derived: what was spent of lots.
    pub(crate) spent: Spent,
    /// Derived: events that wait, by what they wait for.
    pub(crate) waiting: BTreeSet<(On, Id)>,
    /// Derived: events that wait or are stopped.
    pub(crate) uncounted: BTreeSet<(Provider, Id)>,
    /// Derived: payouts that are on their way.
    pub(crate) leaving: BTreeSet<Id>,
    /// Derived: disputes of which something may still be taken from whoever got it.
    pub(crate) clawing: BTreeSet<Id>,
    /// Derived: what ends by itself.
    expiring: BTreeSet<(At, Expiring)>,
    pub(crate) totals: Totals,
    /// Rules that this program does not know; it cannot go on.
    pub(crate) unknown_rules: Option<u16>,
}

/// Whose request, and its id.
pub type AskedId = (AccountId, Id);

/// A request that was done or refused before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// The record.
    pub seq: u64,
    /// The first half of the hash of the request's bytes.
    pub digest: [u8; 16],
}

/// What ends by itself when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiring {
    /// A hold.
    Hold(HoldId),
    /// A lot.
    Lot(Id),
    /// What a creator has pending.
    Due(DueId),
}

impl Expiring {
    /// Tells the ledger that it has ended.
    #[must_use]
    pub const fn command(self) -> Command {
        match self {
            Self::Hold(hold) => Command::Hold(HoldCommand::Expire { hold }),
            Self::Lot(lot) => Command::Income(IncomeCommand::Expire { lot }),
            Self::Due(due) => Command::Payout(PayoutCommand::Mature { creator: due.creator }),
        }
    }
}

/// An account that legs are on: what it was and what it is then.
pub(crate) struct After {
    account: Account,
    /// Where its row lies, if it has one.
    place: Option<usize>,
    before: Balance,
    balance: Balance,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It made this record.
    Recorded(Box<Entry>),
    /// The record of that number is its answer: it was done before.
    Replayed(u64),
    /// Its command names what was done already; nothing changed.
    Unchanged(Receipt),
    /// It has no form that a ledger takes, or it is repeatable and was refused; nothing is kept of that.
    Refused(Refusal),
    /// Another request has its id.
    Mismatch(u64),
}

/// What a record brings about beside its rows.
struct Made {
    balances: Vec<After>,
    digest: [u8; 16],
}

/// What is to become of a request.
enum Decision {
    /// It makes that record.
    Makes(Box<Entry>, Made),
    /// Nothing changes.
    Says(Done),
}

impl State {
    /// Does what `request` asks, at `wall` by the clock of whoever put it into the log.
    ///
    /// # Errors
    /// When a record cannot be made at all; then nothing has changed. [`Refusal::Rules`] says that this program is too
    /// old to go on with this ledger: from then on it makes nothing, because it would make something else than newer
    /// ones.
    pub fn execute(&mut self, request: &Request, wall: At) -> Result<Done, Refusal> {
        match self.decide(request, wall) {
            Ok(Decision::Makes(entry, made)) => {
                self.make(&entry.record, entry.link, made);
                Ok(Done::Recorded(entry))
            }
            Ok(Decision::Says(done)) => Ok(done),
            Err(refusal) => {
                if let Refusal::Rules { rules } = refusal {
                    self.unknown_rules = Some(rules);
                }
                Err(refusal)
            }
        }
    }

    /// What [`Self::execute`] would do, without doing it.
    fn decide(&self, request: &Request, wall: At) -> Result<Decision, Refusal> {
        self.decide_after(&[], request, wall)
    }

    /// The same with what `first` does to accounts, as parts of one record.
    fn decide_after(
        &self,
        first: &[Request],
        request: &Request,
        wall: At,
    ) -> Result<Decision, Refusal> {
        self.must_know_its_rules()?;
        if let Err(refusal) = self.is_request(request) {
            return Ok(Decision::Says(Done::Refused(refusal)));
        }
        let digest = redo::digest(request)?;
        if let Some(done) = self.repeated(request, &digest) {
            return Ok(Decision::Says(done));
        }
        // What a newer program says of rules that this one does not know is not to be guessed.
        request.check_rules()?;
        let at = self.head.next_at(wall)?;
        let mut draft = Draft::new(self, at);
        let before = first.iter().try_for_each(|one| flow::run(&mut draft, one).map(drop));
        let asked = before.and_then(|()| flow::run(&mut draft, request));
        let decided = asked.and_then(|receipt| draft.seal().map(|effects| (receipt, effects)));
        let (result, effects) = match decided {
            Ok((receipt, does)) if request.id == 0 && does.is_nothing() => {
                return Ok(Decision::Says(Done::Unchanged(receipt)));
            }
            Ok((receipt, effects)) => (Ok(receipt), effects),
            Err(refusal) if request.command.is_repeatable() => {
                return Ok(Decision::Says(Done::Refused(refusal)));
            }
            Err(refusal) => (Err(refusal), Effects::default()),
        };
        let Effects { legs, rows, balances } = effects;
        let (seq, request) = (self.head.seq + 1, request.clone());
        let record = Record { seq, at, request, result, legs, rows };
        let bytes = record.bytes()?;
        let entry = Box::new(self.chained(record, bytes, &balances));
        Ok(Decision::Makes(entry, Made { balances, digest }))
    }

    /// Refuses what is no request to this ledger.
    fn is_request(&self, request: &Request) -> Result<(), Refusal> {
        request.check_form()?;
        let founds = matches!(&request.command, Command::Control(ControlCommand::Found(_)));
        match self.founding.is_none() && !founds {
            true => Err(Refusal::Unfounded),
            false => Ok(()),
        }
    }

    const fn must_know_its_rules(&self) -> Result<(), Refusal> {
        match self.unknown_rules {
            Some(rules) => Err(Refusal::Rules { rules }),
            None => Ok(()),
        }
    }

    fn repeated(&self, request: &Request, digest: &[u8; 16]) -> Option<Done> {
        let asked = (request.id != 0).then_some((request.by, request.id))?;
        let seen = self.seen.get(&asked)?;
        let same = seen.digest == *digest;
        Some(if same { Done::Replayed(seen.seq) } else { Done::Mismatch(seen.seq) })
    }

    /// The entry that follows on the newest one.
    fn chained(&self, record: Record, bytes: Vec<u8>, balances: &[After]) -> Entry {
        let before = balances.iter().map(|after| after.before.touched).collect();
        Entry { link: self.head.link.then(&bytes), record, bytes, before }
    }

    /// Makes what a record says that was checked.
    fn make(&mut self, record: &Record, link: Link, Made { balances, digest }: Made) {
        for After { account, place, balance, .. } in balances {
            self.balances.put_at(place, account, Balance { touched: record.seq, ..balance });
        }
        record.legs.iter().for_each(|leg| self.totals.add(leg));
        record.rows.iter().for_each(|row| self.put(row));
        self.moved.push(record.moved());
        if record.request.id != 0 {
            let asked = (record.request.by, record.request.id);
            self.seen.put(asked, Seen { seq: record.seq, digest });
        }
        self.head = Head::then(record, link);
    }

    /// What is on each account that one of `legs` is on, afterwards, when debits are credits and every account stays
    /// where it may be.
    pub(crate) fn balances_after(&self, legs: &[Leg]) -> Result<Vec<After>, Refusal> {
        leg::must_be_balanced(legs)?;
        self.balances_with(legs)
    }

    /// The same of legs that are known to be balanced.
    fn balances_with(&self, legs: &[Leg]) -> Result<Vec<After>, Refusal> {
        let mut all: Vec<After> = Vec::with_capacity(legs.len());
        for leg in legs {
            let known = all.iter().position(|after| after.account == leg.account);
            let at = known.unwrap_or_else(|| {
                let (account, place) = (leg.account, self.balances.place(&leg.account));
                let row = place.and_then(|place| self.balances.row(place));
                let before = row.map(|(_, balance)| *balance).unwrap_or_default();
                all.push(After { account, place, before, balance: before });
                all.len() - 1
            });
            all[at].balance = leg.on(all[at].balance)?;
        }
        for After { account, before, balance, .. } in &all {
            leg::check(*account, before, balance)?;
        }
        Ok(all)
    }
}
