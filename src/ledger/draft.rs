//! A record in the making: reads the state with what it has changed itself, and changes nothing before it is whole.

use weir_model::AccountId;

use crate::account::{Account, Balance, Standing};
use crate::leg::{self, Leg, Side, Stage};
use crate::refusal::{Name, Refusal};
use crate::row::{
    At, Charge, ChargeId, Dispute, DueId, Event, Founding, Hold, HoldId, Id, Key, Lot, MemberId,
    Membership, Payout, Policy, Repayment, Row, SeatId,
};
use crate::state::{After, State};

mod earned;
mod lots;
mod places;
mod provider;

pub(crate) use lots::SOURCES_MAX;
use places::Places;

/// Rows of one record. What one payment draws on is bounded far below that ([`SOURCES_MAX`]).
const ROWS_MAX: usize = 4_096;

/// What a draft becomes.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) legs: Vec<Leg>,
    pub(crate) rows: Vec<Row>,
    /// What is on each account that a leg is on, afterwards.
    pub(crate) balances: Vec<After>,
}

impl Effects {
    pub(crate) const fn is_nothing(&self) -> bool {
        self.legs.is_empty() && self.rows.is_empty()
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    state: &'a State,
    now: At,
    legs: Vec<Leg>,
    rows: Vec<Row>,
    /// Where each row stands.
    places: Places,
    /// By how much the draft changes what users can spend.
    purses: Vec<(AccountId, i128)>,
}

/// Finds the newest row of a kind in the draft, else in the state.
macro_rules! look {
    ($self:ident, $row:ident, $key:expr, $table:ident) => {
        match $self.own(&Key::$row($key)) {
            Some(Row::$row(_, row)) => Some(row),
            _ => $self.state.$table.get(&$key),
        }
    };
}

impl<'a> Draft<'a> {
    pub(crate) fn new(state: &'a State, now: At) -> Self {
        let (legs, rows, places) = (Vec::new(), Vec::new(), Places::default());
        Self { state, now, legs, rows, places, purses: Vec::new() }
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

    pub(crate) const fn founding(&self) -> Option<&Founding> {
        self.state.founding.as_ref()
    }

    pub(crate) const fn newest_act(&self) -> u64 {
        self.state.newest_act
    }

    /// Whether no account was ever touched.
    pub(crate) fn is_untouched(&self) -> bool {
        self.state.accounts() == 0
    }

    fn own(&self, key: &Key) -> Option<&Row> {
        self.rows.get(self.places.get(key)?)
    }

    pub(crate) fn lot(&self, id: Id) -> Result<Lot, Refusal> {
        look!(self, Lot, id, lots).copied().ok_or(Refusal::Unknown { name: Name::Lot(id) })
    }

    pub(crate) fn hold(&self, id: HoldId) -> Option<Hold> {
        look!(self, Hold, id, holds).cloned()
    }

    pub(crate) fn charge(&self, id: ChargeId) -> Option<Charge> {
        look!(self, Charge, id, charges).cloned()
    }

    pub(crate) fn event(&self, id: Id) -> Result<Event, Refusal> {
        look!(self, Event, id, events).cloned().ok_or(Refusal::Unknown { name: Name::Event(id) })
    }

    /// Tickets that somebody bought for an event so far.
    pub(crate) fn seat(&self, id: SeatId) -> u32 {
        look!(self, Seat, id, seats).copied().unwrap_or_default()
    }

    pub(crate) fn member(&self, id: MemberId) -> Membership {
        look!(self, Member, id, members).copied().unwrap_or_default()
    }

    pub(crate) fn payout(&self, id: Id) -> Result<Payout, Refusal> {
        let unknown = Refusal::Unknown { name: Name::Payout(id) };
        look!(self, Payout, id, payouts).copied().ok_or(unknown)
    }

    pub(crate) fn repayment(&self, id: Id) -> Result<Repayment, Refusal> {
        let unknown = Refusal::Unknown { name: Name::Repayment(id) };
        look!(self, Repayment, id, repayments).copied().ok_or(unknown)
    }

    pub(crate) fn dispute(&self, id: Id) -> Result<Dispute, Refusal> {
        let unknown = Refusal::Unknown { name: Name::Dispute(id) };
        look!(self, Dispute, id, disputes).copied().ok_or(unknown)
    }

    pub(crate) fn due(&self, id: DueId) -> u64 {
        look!(self, Due, id, dues).copied().unwrap_or_default()
    }

    /// Units of a block for which it was too late.
    pub(crate) fn written_off(&self, id: HoldId) -> u64 {
        look!(self, Writeoff, id, writeoffs).copied().unwrap_or_default()
    }

    /// What a record moved, less what corrections of it moved so far; none when it did nothing.
    pub(crate) fn correctable(&self, seq: u64) -> Option<(u64, u64)> {
        let moved = self.state.moved.get(seq).copied().filter(|moved| *moved > 0)?;
        let corrected = look!(self, Corrected, seq, corrected).copied().unwrap_or_default();
        Some((moved.saturating_sub(corrected), corrected))
    }

    /// Tickets of an event whose money still waits.
    pub(crate) fn escrowed(&self, event: Id, most: usize) -> Vec<ChargeId> {
        let (first, last) = ChargeId::ENDS;
        let those = self.state.escrowed.range((event, first)..=(event, last));
        those.take(most).map(|(_, ticket)| *ticket).collect()
    }

    /// The oldest payment that something of a lot went into and is there still.
    pub(crate) fn spent_on(&self, lot: Id) -> Option<ChargeId> {
        let payment = self.state.spent.oldest(self.state.lots.place(&lot)?)?;
        self.state.charges.row(payment).map(|(id, _)| *id)
    }

    /// Replaces a row; the record holds each once.
    pub(crate) fn put(&mut self, new: Row) {
        if let Row::Lot(id, lot) = &new {
            self.count(*id, lot);
        }
        let place = self.places.note(new.key());
        match self.rows.get_mut(place) {
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

    /// Refuses what its owner wants of an account that an operator froze or closed.
    pub(crate) fn must_be_open(&self, account: Account) -> Result<(), Refusal> {
        match self.state.balance(&account).standing {
            Standing::Open => Ok(()),
            Standing::Frozen => Err(Refusal::Frozen { account }),
            Standing::Closed => Err(Refusal::Closed { account }),
        }
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

    /// What the record does, when every account stays where it may be.
    pub(crate) fn seal(self) -> Result<Effects, Refusal> {
        if self.rows.len() > ROWS_MAX {
            return Err(Refusal::TooLarge);
        }
        let balances = self.state.balances_after(&self.legs)?;
        Ok(Effects { legs: self.legs, rows: self.rows, balances })
    }
}
