//! The state of a ledger: the fold of its records.

use std::collections::BTreeSet;

use weir_model::AccountId;

use crate::account::{Account, Balance};
use crate::draft::{Draft, Effects};
use crate::flow;
use crate::leg::{self, Leg, Side, Stage};
use crate::record::{Entry, Head, Receipt, Record};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::row::{
    At, Charge, ChargeState, Dispute, DueId, Event, Hold, HoldId, HoldState, Id, Lot, LotState,
    MemberId, Membership, Payout, Place, Policy, Purpose, Row,
};
use crate::snapshot::Snapshot;
use crate::table::{Table, View};

/// Everything that decides what the next request brings about.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(crate) head: Head,
    pub(crate) policy: Policy,
    pub(crate) balances: Table<Account, Balance>,
    pub(crate) lots: Table<Id, Lot>,
    pub(crate) holds: Table<HoldId, Hold>,
    pub(crate) charges: Table<Id, Charge>,
    pub(crate) dues: Table<DueId, u64>,
    pub(crate) events: Table<Id, Event>,
    pub(crate) members: Table<MemberId, Membership>,
    pub(crate) payouts: Table<Id, Payout>,
    pub(crate) disputes: Table<Id, Dispute>,
    /// Requests with an id, and the record of each.
    seen: Table<Id, Seen>,
    /// Derived: lots that can be spent, in the order in which they are.
    pub(crate) purses: BTreeSet<Place>,
    /// Derived: what creators have pending.
    pub(crate) pending: BTreeSet<DueId>,
    /// Derived: events and their tickets whose money waits.
    pub(crate) escrowed: BTreeSet<(Id, Id)>,
    /// Derived: lots and the payments that something of them went into.
    pub(crate) spent: BTreeSet<(Id, Id)>,
    /// Derived: what ends by itself.
    expiring: BTreeSet<(At, Expiring)>,
    totals: Totals,
}

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

/// Sums over all accounts: debits and credits of each kind are the same, after every record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Debits, credits.
    pub posted: (u128, u128),
    /// Debits, credits.
    pub pending: (u128, u128),
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
    /// A repeatable command was refused; nothing is kept of that.
    Refused(Refusal),
    /// Another request has its id.
    Mismatch(u64),
}

impl State {
    /// Where it stands.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What is on `account`.
    #[must_use]
    pub fn balance(&self, account: &Account) -> Balance {
        self.balances.get(account).copied().unwrap_or_default()
    }

    /// What is on every account now, as it will stay for whoever looks.
    #[must_use]
    pub fn all_balances(&self) -> View<Account, Balance> {
        self.balances.view()
    }

    /// How many accounts something was ever on.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.balances.len()
    }

    /// What `user` can spend: everything that is neither reserved, disputed nor expired at `now`.
    #[must_use]
    pub fn spendable(&self, user: AccountId, now: At) -> u128 {
        let lots = self.open_lots(user).filter_map(|id| self.lots.get(&id));
        let good = lots.filter(|lot| lot.expires_at.is_none_or(|at| at > now));
        good.map(|lot| u128::from(lot.left)).sum()
    }

    /// A payment.
    #[must_use]
    pub fn charge(&self, id: Id) -> Option<&Charge> {
        self.charges.get(&id)
    }

    /// Reserved money.
    #[must_use]
    pub fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.holds.get(&id)
    }

    /// The sums over all accounts.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What has ended by itself at `now`, and is waiting to be told so.
    pub fn expired(&self, now: At) -> impl Iterator<Item = Expiring> {
        self.expiring.iter().take_while(move |(at, _)| *at <= now).map(|(_, what)| *what)
    }

    /// The state as it is now, for others.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            head: self.head,
            policy: self.policy,
            balances: self.balances.view(),
            lots: self.lots.view(),
            holds: self.holds.view(),
            charges: self.charges.view(),
            dues: self.dues.view(),
            events: self.events.view(),
            members: self.members.view(),
            payouts: self.payouts.view(),
            disputes: self.disputes.view(),
            seen: self.seen.view(),
        }
    }

    /// The state that `snapshot` was taken of; what is derived is made anew.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut state = Self {
            head: snapshot.head,
            policy: snapshot.policy,
            balances: Table::of(&snapshot.balances),
            events: Table::of(&snapshot.events),
            members: Table::of(&snapshot.members),
            payouts: Table::of(&snapshot.payouts),
            disputes: Table::of(&snapshot.disputes),
            seen: Table::of(&snapshot.seen),
            ..Self::default()
        };
        snapshot.lots.rows().for_each(|(id, lot)| state.put_lot(*id, *lot));
        snapshot.holds.rows().for_each(|(id, hold)| state.put_hold(*id, hold));
        snapshot.charges.rows().for_each(|(id, charge)| state.put_charge(*id, charge));
        snapshot.dues.rows().for_each(|(id, units)| state.put_due(*id, *units));
        snapshot.balances.rows().for_each(|(_, balance)| state.totals.count(balance));
        state
    }

    /// Does what `request` asks, at `wall` by the clock of whoever put it into the log.
    ///
    /// # Errors
    /// When a record cannot be made at all; then nothing has changed.
    pub fn execute(&mut self, request: &Request, wall: At) -> Result<Done, Refusal> {
        if let Some(before) = self.repeated(request)? {
            return Ok(before);
        }
        let at = self.head.next_at(wall);
        let mut draft = Draft::new(self, at);
        let asked = flow::run(&mut draft, request);
        let decided = asked.and_then(|receipt| draft.seal().map(|effects| (receipt, effects)));
        let (result, effects) = match decided {
            Ok((receipt, does)) if does.legs.is_empty() && does.rows.is_empty() => {
                return Ok(Done::Unchanged(receipt));
            }
            Ok((receipt, effects)) => (Ok(receipt), effects),
            Err(refusal) if request.command.is_repeatable() => return Ok(Done::Refused(refusal)),
            Err(refusal) => (Err(refusal), Effects::default()),
        };
        let Effects { legs, rows, balances } = effects;
        let (seq, request) = (self.head.seq + 1, request.clone());
        let record = Record { seq, at, request, result, legs, rows };
        let bytes = record.bytes()?;
        let entry = self.make(record, bytes, balances)?;
        Ok(Done::Recorded(Box::new(entry)))
    }

    /// As a ledger would be that keeps what it was asked in memory only.
    #[cfg(test)]
    pub(crate) fn forget_everything_asked(&mut self) {
        self.seen = Table::default();
    }

    fn repeated(&self, request: &Request) -> Result<Option<Done>, Refusal> {
        if request.id == 0 {
            return Ok(None);
        }
        let Some(seen) = self.seen.get(&request.id) else { return Ok(None) };
        let same = seen.digest == digest(request)?;
        Ok(Some(if same { Done::Replayed(seen.seq) } else { Done::Mismatch(seen.seq) }))
    }

    /// Makes what `record` says, whose canonical bytes are `bytes`. It follows on the newest one.
    ///
    /// # Errors
    /// When it does not follow, is not balanced, or leaves an account where it may not be; then nothing has changed.
    pub fn commit(&mut self, record: Record, bytes: Vec<u8>) -> Result<Entry, Refusal> {
        let invalid = |text: &str| Refusal::Invalid(format!("record {}: {text}", record.seq));
        if record.seq != self.head.seq + 1 || record.at <= self.head.at {
            return Err(invalid("it does not follow on the one before"));
        }
        let balances = self.balances_after(&record.legs)?;
        self.make(record, bytes, balances)
    }

    /// Makes what a record says that was checked.
    fn make(
        &mut self,
        record: Record,
        bytes: Vec<u8>,
        balances: Vec<(Account, Balance)>,
    ) -> Result<Entry, Refusal> {
        let digest = digest(&record.request)?;
        let mut before = Vec::with_capacity(balances.len());
        for (account, balance) in balances {
            before.push(balance.touched);
            self.balances.put(account, Balance { touched: record.seq, ..balance });
        }
        record.legs.iter().for_each(|leg| self.totals.add(leg));
        record.rows.iter().for_each(|row| self.put(row));
        if record.request.id != 0 {
            self.seen.put(record.request.id, Seen { seq: record.seq, digest });
        }
        let link = self.head.link.then(&bytes);
        self.head = Head::then(&record, link);
        Ok(Entry { record, bytes, link, before })
    }

    /// What is on each account that one of `legs` is on, afterwards, when debits are credits and every account stays
    /// where it may be.
    pub(crate) fn balances_after(&self, legs: &[Leg]) -> Result<Vec<(Account, Balance)>, Refusal> {
        if !leg::is_balanced(legs) {
            return Err(Refusal::Invalid("its debits are not its credits".into()));
        }
        let mut after: Vec<(Account, Balance)> = Vec::with_capacity(legs.len());
        for leg in legs {
            let known = after.iter().position(|(account, _)| *account == leg.account);
            let at = known.unwrap_or_else(|| {
                after.push((leg.account, self.balance(&leg.account)));
                after.len() - 1
            });
            after[at].1 = leg.on(after[at].1)?;
        }
        for (account, balance) in &after {
            leg::check(*account, &self.balance(account), balance)?;
        }
        Ok(after)
    }

    fn put(&mut self, row: &Row) {
        match row {
            Row::Standing(account, standing) => {
                let balance = Balance { standing: *standing, ..self.balance(account) };
                self.balances.put(*account, balance);
            }
            Row::Lot(id, lot) => self.put_lot(*id, *lot),
            Row::Hold(id, hold) => self.put_hold(*id, hold),
            Row::Charge(id, charge) => self.put_charge(*id, charge),
            Row::Due(id, units) => self.put_due(*id, *units),
            Row::Event(id, event) => self.events.put(*id, event.clone()),
            Row::Member(id, member) => self.members.put(*id, *member),
            Row::Payout(id, payout) => self.payouts.put(*id, *payout),
            Row::Dispute(id, dispute) => self.disputes.put(*id, *dispute),
            Row::Policy(policy) => self.policy = *policy,
        }
    }

    fn put_lot(&mut self, id: Id, lot: Lot) {
        if let Some(before) = self.lots.get(&id).and_then(|lot| lot.place(id)) {
            self.purses.remove(&before);
        }
        self.purses.extend(lot.place(id));
        if let Some(at) = lot.expires_at {
            let ends = matches!(lot.state, LotState::Open | LotState::Disputed);
            let key = (at, Expiring::Lot(id));
            let _ = if ends { self.expiring.insert(key) } else { self.expiring.remove(&key) };
        }
        self.lots.put(id, lot);
    }

    fn put_charge(&mut self, id: Id, charge: &Charge) {
        if let Some(before) = self.charges.get(&id) {
            for part in &before.taken {
                self.spent.remove(&(part.lot, id));
            }
        }
        self.spent.extend(charge.taken.iter().map(|part| (part.lot, id)));
        if let Purpose::Ticket { event } = charge.purpose {
            let waits = charge.state == ChargeState::Escrowed && charge.net() > 0;
            let _ = match waits {
                true => self.escrowed.insert((event, id)),
                false => self.escrowed.remove(&(event, id)),
            };
        }
        self.charges.put(id, charge.clone());
    }

    fn put_due(&mut self, id: DueId, units: u64) {
        if units > 0 {
            self.pending.insert(id);
            self.expiring.insert((id.at, Expiring::Due(id)));
        } else {
            self.pending.remove(&id);
            self.expiring.remove(&(id.at, Expiring::Due(id)));
        }
        self.dues.put(id, units);
    }

    fn put_hold(&mut self, id: HoldId, hold: &Hold) {
        let (key, ends) = ((hold.expires_at, Expiring::Hold(id)), hold.state == HoldState::Open);
        let _ = if ends { self.expiring.insert(key) } else { self.expiring.remove(&key) };
        self.holds.put(id, hold.clone());
    }

    /// The lots that `user` can spend, in the order in which they are spent.
    pub(crate) fn open_lots(&self, user: AccountId) -> impl Iterator<Item = Id> {
        let from = (user, 0, 0, 0);
        self.purses.range(from..).take_while(move |(owner, ..)| *owner == user).map(|place| place.3)
    }
}

impl Totals {
    fn add(&mut self, leg: &Leg) {
        let (sums, units) = match leg.stage {
            Stage::Posted => (&mut self.posted, u128::from(leg.units)),
            Stage::Reserved | Stage::Released => (&mut self.pending, u128::from(leg.units)),
        };
        let sum = match leg.side {
            Side::Debit => &mut sums.0,
            Side::Credit => &mut sums.1,
        };
        // Each account's sum stays below half the range, and so do these as long as money is conserved.
        *sum = match leg.stage {
            Stage::Released => sum.saturating_sub(units),
            Stage::Posted | Stage::Reserved => sum.saturating_add(units),
        };
    }

    fn count(&mut self, balance: &Balance) {
        let add = |sum: &mut u128, more: u128| *sum = sum.saturating_add(more);
        add(&mut self.posted.0, balance.debits_posted);
        add(&mut self.posted.1, balance.credits_posted);
        add(&mut self.pending.0, balance.debits_pending);
        add(&mut self.pending.1, balance.credits_pending);
    }

    /// Whether debits are credits.
    #[must_use]
    pub const fn are_even(&self) -> bool {
        self.posted.0 == self.posted.1 && self.pending.0 == self.pending.1
    }
}

fn digest(request: &Request) -> Result<[u8; 16], Refusal> {
    if request.id == 0 {
        return Ok([0; 16]);
    }
    let hash = blake3::hash(&request.bytes()?);
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    Ok(half)
}
