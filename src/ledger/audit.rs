//! An independent opinion: what accounts must hold, from requests and the ledger's answers alone.
//!
//! The auditor shares no code with what it judges but the split of a sum. It keeps single units in plain lists, which
//! is slow and leaves little to be wrong: a payment is a list of the lots of its units, a refund takes from its end.
//! It says of each request whether it had to succeed, and afterwards what every account must show.

use std::collections::BTreeMap;

use weir_model::AccountId;

use crate::account::{Account, Kind, Standing};
use crate::request::{Command, Provider, Request, Terms};
use crate::row::{At, HoldId, Id};
use crate::split::{Recipient, Split};

/// What an auditor knows.
#[derive(Debug, Clone, Default)]
pub struct Auditor {
    lots: BTreeMap<Id, Lot>,
    holds: BTreeMap<HoldId, Hold>,
    charges: BTreeMap<Id, Charge>,
    standings: BTreeMap<Account, Standing>,
    came_in: BTreeMap<Provider, u128>,
    given: u128,
    lapsed: u128,
    requests: BTreeMap<Id, (Request, Verdict)>,
    born: u64,
}

#[derive(Debug, Clone)]
struct Lot {
    owner: AccountId,
    is_paid: bool,
    ends: Option<At>,
    born: u64,
    left: u64,
    ended: bool,
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
    pub fn judge(&mut self, request: &Request, at: At) -> Verdict {
        if let Some((before, _)) = self.requests.get(&request.id) {
            return if before == request { Verdict::Nothing } else { Verdict::Mismatch };
        }
        let verdict = self.decide(&request.command, request.id, at).unwrap_or(Verdict::Refused);
        if request.id != 0 {
            self.requests.insert(request.id, (request.clone(), verdict));
        }
        verdict
    }

    fn decide(&mut self, command: &Command, id: Id, at: At) -> Option<Verdict> {
        match command {
            Command::TopUp { user, amount, provider } => {
                *self.came_in.entry(*provider).or_default() += u128::from(amount.units());
                self.new_lot(id, *user, true, amount.units(), None)
            }
            Command::Grant { user, amount, expires_at } => {
                if expires_at.is_some_and(|ends| ends <= at) {
                    return None;
                }
                self.given += u128::from(amount.units());
                self.new_lot(id, *user, false, amount.units(), *expires_at)
            }
            Command::ExpireLot { lot } => self.end_lot(*lot, at),
            Command::Reserve { hold, terms, amount, expires_at, epoch } => {
                let size = usize::try_from(amount.units()).ok()?;
                self.reserve(*hold, terms, size, (*expires_at, at), *epoch)
            }
            Command::Capture { hold, total, epoch } => self.capture(*hold, *total, *epoch, at),
            Command::Close { hold, total, epoch, ends } => {
                self.close(*hold, *total, *epoch, at, *ends)
            }
            Command::ExpireHold { hold } => self.end_hold(*hold, at),
            Command::Tip { terms, amount } => self.tip(id, terms, amount.units(), at),
            Command::Refund { charge, amount } => self.refund(*charge, amount.units()),
            Command::SetStanding { account, standing } => {
                self.standings.insert(*account, *standing);
                Some(Verdict::Other)
            }
            Command::Mature { .. } | Command::SetPolicy { .. } => Some(Verdict::Other),
        }
    }

    fn new_lot(
        &mut self,
        id: Id,
        owner: AccountId,
        is_paid: bool,
        left: u64,
        ends: Option<At>,
    ) -> Option<Verdict> {
        self.born += 1;
        self.lots.insert(id, Lot { owner, is_paid, ends, born: self.born, left, ended: false });
        Some(Verdict::Moves(left))
    }

    fn end_lot(&mut self, id: Id, at: At) -> Option<Verdict> {
        let lot = self.lots.get_mut(&id)?;
        if lot.ended {
            return Some(Verdict::Nothing);
        }
        lot.ends.filter(|ends| *ends <= at)?;
        let gone = std::mem::take(&mut lot.left);
        (lot.ended, self.lapsed) = (true, self.lapsed + u128::from(gone));
        Some(Verdict::Moves(gone))
    }

    /// Takes single units, the best lot first, or none when they do not suffice.
    fn spend(&mut self, user: AccountId, count: usize, at: At) -> Option<Vec<Id>> {
        let standing = self.standings.get(&Account::wallet(user)).copied().unwrap_or_default();
        let mut good: Vec<(bool, u64, u64, Id)> = self
            .lots
            .iter()
            .filter(|(_, lot)| lot.owner == user && !lot.ended && lot.left > 0)
            .filter(|(_, lot)| lot.ends.is_none_or(|ends| ends > at))
            .map(|(id, lot)| {
                let ends = lot.ends.map_or(u64::MAX, |ends| ends.0);
                (lot.is_paid, if lot.is_paid { 0 } else { ends }, if lot.is_paid { lot.born } else { 0 }, *id)
            })
            .collect();
        good.sort_unstable();
        let units: Vec<Id> = good
            .iter()
            .flat_map(|(.., id)| std::iter::repeat_n(*id, usize::try_from(self.lots[id].left).unwrap_or(usize::MAX)))
            .take(count)
            .collect();
        if units.len() < count || standing != Standing::Open {
            return None;
        }
        for id in &units {
            self.lots.get_mut(id)?.left -= 1;
        }
        Some(units)
    }

    fn give_back(&mut self, units: impl IntoIterator<Item = Id>) {
        for id in units {
            match self.lots.get_mut(&id) {
                Some(lot) if lot.ended => self.lapsed += 1,
                Some(lot) => lot.left += 1,
                None => {}
            }
        }
    }

    fn reserve(
        &mut self,
        id: HoldId,
        terms: &Terms,
        size: usize,
        (ends, at): (At, At),
        epoch: u64,
    ) -> Option<Verdict> {
        if let Some(hold) = self.holds.get(&id) {
            return (hold.units.len() == size).then_some(Verdict::Nothing);
        }
        let fresh = Charge {
            terms: terms.clone(),
            paid: Vec::new(),
            ever: 0,
            blocks: 0,
            epoch: 0,
            is_open: true,
        };
        let mut charge = self.charges.get(&id.charge).cloned().unwrap_or(fresh);
        let fits = charge.terms == *terms && charge.is_open && epoch >= charge.epoch;
        if !fits || id.block != charge.blocks + 1 || ends <= at {
            return None;
        }
        let those = self.holds.iter().filter(|(other, _)| other.charge == id.charge);
        let open: usize = those.map(|(_, hold)| hold.rest()).sum();
        let most = terms.cap.units().saturating_sub(charge.ever);
        if size as u64 + open as u64 > most {
            return None;
        }
        let units = self.spend(terms.payer, size, at)?;
        (charge.blocks, charge.epoch) = (id.block, epoch);
        self.charges.insert(id.charge, charge);
        self.holds.insert(id, Hold { units, captured: 0, ends, is_open: true });
        Some(Verdict::Moves(size as u64))
    }

    fn capture(&mut self, id: HoldId, total: u64, epoch: u64, at: At) -> Option<Verdict> {
        let (charge, hold) = (self.charges.get_mut(&id.charge)?, self.holds.get_mut(&id)?);
        if epoch < charge.epoch {
            return None;
        }
        let total = usize::try_from(total).ok()?;
        if total <= hold.captured {
            return Some(Verdict::Nothing);
        }
        if !hold.is_open || hold.ends <= at || total > hold.units.len() {
            return None;
        }
        let new = &hold.units[hold.captured..total];
        let count = new.len() as u64;
        charge.paid.extend_from_slice(new);
        (charge.ever, charge.epoch, hold.captured) = (charge.ever + count, epoch, total);
        Some(Verdict::Moves(count))
    }

    fn close(&mut self, id: HoldId, total: u64, epoch: u64, at: At, ends: bool) -> Option<Verdict> {
        let taken = self.capture(id, total, epoch, at)?;
        let charge = self.charges.get_mut(&id.charge)?;
        charge.epoch = epoch;
        let ended = ends && charge.is_open;
        charge.is_open &= !ends;
        let hold = self.holds.get_mut(&id)?;
        let was_open = std::mem::replace(&mut hold.is_open, false);
        let rest: Vec<Id> = if was_open { hold.units[hold.captured..].to_vec() } else { Vec::new() };
        self.give_back(rest);
        Some(match taken {
            Verdict::Nothing if was_open || ended => Verdict::Moves(0),
            other => other,
        })
    }

    fn end_hold(&mut self, id: HoldId, at: At) -> Option<Verdict> {
        self.charges.get(&id.charge)?;
        let hold = self.holds.get_mut(&id)?;
        if !hold.is_open {
            return Some(Verdict::Nothing);
        }
        if hold.ends > at {
            return None;
        }
        hold.is_open = false;
        let rest = hold.units[hold.captured..].to_vec();
        let count = rest.len() as u64;
        self.give_back(rest);
        Some(Verdict::Moves(count))
    }

    fn tip(&mut self, id: Id, terms: &Terms, units: u64, at: At) -> Option<Verdict> {
        if units > terms.cap.units() {
            return None;
        }
        let paid = self.spend(terms.payer, usize::try_from(units).ok()?, at)?;
        let charge = Charge {
            terms: terms.clone(),
            paid,
            ever: units,
            blocks: 0,
            epoch: 0,
            is_open: false,
        };
        self.charges.insert(id, charge);
        Some(Verdict::Moves(units))
    }

    fn refund(&mut self, id: Id, units: u64) -> Option<Verdict> {
        let charge = self.charges.get_mut(&id)?;
        let left = charge.paid.len().checked_sub(usize::try_from(units).ok()?)?;
        let back = charge.paid.split_off(left);
        self.give_back(back);
        Some(Verdict::Moves(units))
    }

    /// What every account must show. What a creator earned is one sum over pending, payable and debt, because the time
    /// at which it moves between them is no matter of requests: it is told under [`Kind::CreatorPending`].
    #[must_use]
    pub fn expected(&self) -> Expected {
        let mut all = Expected::new();
        let mut add = |account: Account, net: i128| all.entry(account).or_default().0 += net;
        for (provider, sum) in &self.came_in {
            add(Account { kind: Kind::PspPending, of: provider.of() }, sum.cast_signed());
        }
        add(Account::single(Kind::PlatformPromo), self.given.cast_signed());
        add(Account::single(Kind::PlatformBreakage), self.lapsed.cast_signed());
        for (id, lot) in &self.lots {
            add(lot.account(*id), i128::from(lot.left));
        }
        for charge in self.charges.values() {
            let split: &Split = &charge.terms.split;
            for (to, units) in split.of(charge.paid.len() as u64) {
                add(earned(to), i128::from(units));
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
