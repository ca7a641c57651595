//! A record in the making: reads the state with what it has changed itself, and changes nothing before it is whole.

use weir_model::AccountId;

use crate::account::{Account, Balance, Kind, Standing};
use crate::leg::{self, Leg, Side, Stage};
use crate::refusal::{Refusal, What};
use crate::row::{
    self, At, Charge, Dispute, DueId, Event, Hold, HoldId, Id, Lot, LotState, MemberId, Membership,
    Origin, Payout, Policy, Row, Taken,
};
use crate::split::{Recipient, Split};
use crate::state::State;

/// What a draft becomes.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) legs: Vec<Leg>,
    pub(crate) rows: Vec<Row>,
    /// What is on each account that a leg is on, afterwards.
    pub(crate) balances: Vec<(Account, Balance)>,
}

const HOUR_US: u64 = 3_600_000_000;

/// See the module.
pub(crate) struct Draft<'a> {
    state: &'a State,
    now: At,
    legs: Vec<Leg>,
    rows: Vec<Row>,
}

/// Finds the newest row of a kind in the draft, else in the state.
macro_rules! look {
    ($self:ident, $row:ident, $key:expr, $table:ident) => {
        $self
            .rows
            .iter()
            .find_map(|row| match row {
                Row::$row(key, row) if *key == $key => Some(row.clone()),
                _ => None,
            })
            .or_else(|| $self.state.$table.get(&$key).cloned())
    };
}

impl<'a> Draft<'a> {
    pub(crate) const fn new(state: &'a State, now: At) -> Self {
        Self { state, now, legs: Vec::new(), rows: Vec::new() }
    }

    /// The time of the record.
    pub(crate) const fn now(&self) -> At {
        self.now
    }

    /// The number of the record.
    pub(crate) const fn seq(&self) -> u64 {
        self.state.head.seq + 1
    }

    pub(crate) const fn policy(&self) -> Policy {
        self.state.policy
    }

    pub(crate) fn lot(&self, id: Id) -> Result<Lot, Refusal> {
        look!(self, Lot, id, lots).ok_or(Refusal::Unknown { what: What::Lot, id })
    }

    pub(crate) fn hold(&self, id: HoldId) -> Option<Hold> {
        look!(self, Hold, id, holds)
    }

    pub(crate) fn charge(&self, id: Id) -> Option<Charge> {
        look!(self, Charge, id, charges)
    }

    pub(crate) fn event(&self, id: Id) -> Result<Event, Refusal> {
        look!(self, Event, id, events).ok_or(Refusal::Unknown { what: What::Event, id })
    }

    pub(crate) fn member(&self, id: MemberId) -> Membership {
        look!(self, Member, id, members).unwrap_or_default()
    }

    pub(crate) fn payout(&self, id: Id) -> Result<Payout, Refusal> {
        look!(self, Payout, id, payouts).ok_or(Refusal::Unknown { what: What::Payout, id })
    }

    pub(crate) fn dispute(&self, id: Id) -> Result<Dispute, Refusal> {
        look!(self, Dispute, id, disputes).ok_or(Refusal::Unknown { what: What::Dispute, id })
    }

    /// Tickets of an event whose money still waits.
    pub(crate) fn escrowed(&self, event: Id, most: usize) -> Vec<Id> {
        let those = self.state.escrowed.range((event, 0)..=(event, Id::MAX));
        those.take(most).map(|(_, ticket)| *ticket).collect()
    }

    /// Payments that something of a lot went into.
    pub(crate) fn spent_on(&self, lot: Id, most: usize) -> Vec<Id> {
        let those = self.state.spent.range((lot, 0)..=(lot, Id::MAX));
        those.take(most).map(|(_, charge)| *charge).collect()
    }

    pub(crate) fn due(&self, id: DueId) -> u64 {
        look!(self, Due, id, dues).unwrap_or_default()
    }

    /// Replaces a row; the record holds each once.
    pub(crate) fn put(&mut self, new: Row) {
        let is_same = |known: &&mut Row| match (&**known, &new) {
            (Row::Lot(a, _), Row::Lot(b, _))
            | (Row::Charge(a, _), Row::Charge(b, _))
            | (Row::Event(a, _), Row::Event(b, _))
            | (Row::Payout(a, _), Row::Payout(b, _))
            | (Row::Dispute(a, _), Row::Dispute(b, _)) => a == b,
            (Row::Member(a, _), Row::Member(b, _)) => a == b,
            (Row::Hold(a, _), Row::Hold(b, _)) => a == b,
            (Row::Due(a, _), Row::Due(b, _)) => a == b,
            (Row::Standing(a, _), Row::Standing(b, _)) => a == b,
            (Row::Policy(_), Row::Policy(_)) => true,
            _ => false,
        };
        match self.rows.iter_mut().find(is_same) {
            Some(known) => *known = new,
            None => self.rows.push(new),
        }
    }

    /// Moves `units` from the side of `credit` to that of `debit`.
    pub(crate) fn post(
        &mut self,
        debit: Account,
        credit: Account,
        units: u64,
    ) -> Result<(), Refusal> {
        self.both(Stage::Posted, debit, credit, units)
    }

    pub(crate) fn both(
        &mut self,
        stage: Stage,
        debit: Account,
        credit: Account,
        units: u64,
    ) -> Result<(), Refusal> {
        for (side, account) in [(Side::Debit, debit), (Side::Credit, credit)] {
            leg::add(&mut self.legs, Leg { account, side, stage, units })?;
        }
        Ok(())
    }

    /// What is on `account` with what the draft has done to it.
    pub(crate) fn balance(&self, account: Account) -> Result<Balance, Refusal> {
        let mut those = self.legs.iter().filter(|leg| leg.account == account);
        those.try_fold(self.state.balance(&account), |balance, leg| leg.on(balance))
    }

    /// What `user` can spend now.
    pub(crate) fn spendable(&self, user: AccountId) -> u128 {
        let open = self.state.open_lots(user).filter_map(|id| self.lot(id).ok());
        let good = open.filter(|lot| self.is_good(lot)).map(|lot| u128::from(lot.left));
        let new = self.rows.iter().filter_map(|row| match row {
            Row::Lot(id, lot) if lot.owner == user => Some((*id, lot)),
            _ => None,
        });
        let fresh = new.filter(|(id, lot)| {
            let listed = self.state.lots.get(id).and_then(|lot| lot.place(*id)).is_some();
            !listed && self.is_good(lot)
        });
        good.sum::<u128>() + fresh.map(|(_, lot)| u128::from(lot.left)).sum::<u128>()
    }

    fn is_good(&self, lot: &Lot) -> bool {
        lot.state == LotState::Open && lot.expires_at.is_none_or(|at| at > self.now)
    }

    /// Takes `units` out of what `user` can spend, in the order of the lots. Where they go is the caller's matter.
    pub(crate) fn spend(&mut self, user: AccountId, units: u64) -> Result<Vec<Taken>, Refusal> {
        self.spend_of(user, units, |_| true)
    }

    /// The same of those lots only that fit.
    pub(crate) fn spend_of(
        &mut self,
        user: AccountId,
        units: u64,
        fits: impl Fn(&Lot) -> bool,
    ) -> Result<Vec<Taken>, Refusal> {
        let wallet = Account::wallet(user);
        self.must_be_open(wallet)?;
        let (mut missing, mut taken) = (units, Vec::new());
        let state = self.state;
        for id in state.open_lots(user) {
            if missing == 0 {
                break;
            }
            let lot = self.lot(id)?;
            if !self.is_good(&lot) || !fits(&lot) {
                continue;
            }
            let part = lot.left.min(missing);
            missing -= part;
            taken.push(Taken { lot: id, units: part });
            self.put(Row::Lot(id, Lot { left: lot.left - part, ..lot }));
        }
        if missing > 0 {
            let available = u128::from(units - missing);
            return Err(Refusal::Insufficient { account: wallet, available });
        }
        Ok(taken)
    }

    /// Refuses what its owner wants of an account that an operator froze or closed.
    pub(crate) fn must_be_open(&self, account: Account) -> Result<(), Refusal> {
        match self.state.balance(&account).standing {
            Standing::Open => Ok(()),
            Standing::Frozen => Err(Refusal::Frozen { account }),
            Standing::Closed => Err(Refusal::Closed { account }),
        }
    }

    /// Gives `back` to the lots that it came from. What comes back to a lot that is over goes where that one went.
    pub(crate) fn restore(&mut self, back: &[Taken]) -> Result<(), Refusal> {
        for part in back {
            let lot = self.lot(part.lot)?;
            let account = lot.account(part.lot);
            match lot.state {
                LotState::Open | LotState::Disputed => {
                    let left = lot.left.checked_add(part.units).ok_or(Refusal::Overflow)?;
                    self.put(Row::Lot(part.lot, Lot { left, ..lot }));
                }
                LotState::Expired => {
                    self.post(account, Account::single(Kind::PlatformBreakage), part.units)?;
                }
                LotState::Lost => {
                    self.post(account, Account::single(Kind::ChargebackLoss), part.units)?;
                }
            }
        }
        Ok(())
    }

    /// Puts `back` onto the accounts of its lots, and into the lots.
    pub(crate) fn refill(&mut self, back: &[Taken]) -> Result<(), Refusal> {
        for part in back {
            let account = self.lot(part.lot)?.account(part.lot);
            self.credit(account, part.units)?;
        }
        self.restore(back)
    }

    /// Takes what was `taken` off the accounts of its lots.
    pub(crate) fn debit(&mut self, taken: &[Taken]) -> Result<(), Refusal> {
        for part in taken {
            let account = self.lot(part.lot)?.account(part.lot);
            self.charge_account(account, part.units)?;
        }
        Ok(())
    }

    /// Gives every recipient its part, or takes it back, when what is paid goes from `before` to `after`.
    pub(crate) fn share(&mut self, split: &Split, before: u64, after: u64) -> Result<(), Refusal> {
        for (to, change) in split.between(before, after) {
            if change >= 0 {
                self.give(to, change.unsigned_abs())?;
            } else {
                self.take(to, change.unsigned_abs())?;
            }
        }
        Ok(())
    }

    /// Credits `units` of what a recipient earned: debt first, the rest is pending.
    pub(crate) fn give(&mut self, to: Recipient, units: u64) -> Result<(), Refusal> {
        let Recipient::Creator(creator) = to else {
            return self.credit(Account::single(Kind::PlatformFees), units);
        };
        let debt = Account::person(Kind::CreatorDebt, creator);
        let owed = self.balance(debt)?.net(Kind::CreatorDebt.class()).max(0).unsigned_abs();
        let repaid = u64::try_from(owed).unwrap_or(u64::MAX).min(units);
        self.credit(debt, repaid)?;
        let earned = units - repaid;
        if earned == 0 {
            return Ok(());
        }
        let id = DueId { creator, at: self.due_at() };
        let sum = self.due(id).checked_add(earned).ok_or(Refusal::Overflow)?;
        self.put(Row::Due(id, sum));
        self.credit(Account::person(Kind::CreatorPending, creator), earned)
    }

    /// When what is earned now becomes payable: by whole hours, so that a creator has few of these.
    fn due_at(&self) -> At {
        let at = self.now.plus_ms(u64::from(self.policy().pending_hours) * 3_600_000);
        At(at.0.div_ceil(HOUR_US).saturating_mul(HOUR_US))
    }

    /// Takes `units` back from a recipient: what is pending and was earned last, then what is payable; what is missing
    /// is owed.
    pub(crate) fn take(&mut self, from: Recipient, units: u64) -> Result<(), Refusal> {
        let Recipient::Creator(creator) = from else {
            return self.charge_account(Account::single(Kind::PlatformFees), units);
        };
        let mut missing = units;
        for id in self.dues_of(creator) {
            if missing == 0 {
                break;
            }
            let there = self.due(id);
            let part = there.min(missing);
            missing -= part;
            self.put(Row::Due(id, there - part));
        }
        self.charge_account(Account::person(Kind::CreatorPending, creator), units - missing)?;
        let payable = Account::person(Kind::CreatorPayable, creator);
        let there = u64::try_from(self.balance(payable)?.available()).unwrap_or(u64::MAX);
        let part = there.min(missing);
        self.charge_account(payable, part)?;
        self.charge_account(Account::person(Kind::CreatorDebt, creator), missing - part)
    }

    /// What `creator` has pending, newest first.
    pub(crate) fn dues_of(&self, creator: AccountId) -> Vec<DueId> {
        let from = DueId { creator, at: At(0) };
        let known = self.state.pending.range(from..).copied();
        let own = self.rows.iter().filter_map(|row| match row {
            Row::Due(id, _) => Some(*id),
            _ => None,
        });
        let known = known.take_while(|id| id.creator == creator);
        let mut all: Vec<DueId> = known.chain(own.filter(|id| id.creator == creator)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        all
    }

    /// One debit; the caller sees to the credits.
    pub(crate) fn charge_account(&mut self, account: Account, units: u64) -> Result<(), Refusal> {
        self.one(Side::Debit, account, units)
    }

    /// One credit; the caller sees to the debits.
    pub(crate) fn credit(&mut self, account: Account, units: u64) -> Result<(), Refusal> {
        self.one(Side::Credit, account, units)
    }

    fn one(&mut self, side: Side, account: Account, units: u64) -> Result<(), Refusal> {
        leg::add(&mut self.legs, Leg { account, side, stage: Stage::Posted, units })
    }

    /// A new lot, on whose account the caller has put its money.
    pub(crate) fn open_lot(
        &mut self,
        id: Id,
        owner: AccountId,
        origin: Origin,
        units: u64,
        expires_at: Option<At>,
    ) {
        let (born, left, state) = (self.seq(), units, LotState::Open);
        self.put(Row::Lot(id, Lot { owner, origin, units, left, expires_at, born, state }));
    }

    /// What the record does, when every account stays where it may be.
    pub(crate) fn seal(self) -> Result<Effects, Refusal> {
        let balances = self.state.balances_after(&self.legs)?;
        Ok(Effects { legs: self.legs, rows: self.rows, balances })
    }
}

/// What was taken from a hold and is taken now, and what is still in it.
pub(crate) fn parts_of(hold: &Hold, total: u64) -> (Vec<Taken>, Vec<Taken>) {
    let taken = row::slice(&hold.sources, hold.captured, total);
    let rest = row::slice(&hold.sources, total, hold.units);
    (taken, rest)
}
