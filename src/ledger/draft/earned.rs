//! What recipients get, and what is taken back from them.

use weir_model::AccountId;

use super::Draft;
use crate::account::{Account, Kind};
use crate::refusal::Refusal;
use crate::row::{At, Charge, DueId, Row, Taken};
use crate::split::{Recipient, Split};

/// Times at which what a creator has pending becomes payable, at most.
const DUES_USUAL: u64 = 168;

impl Draft<'_> {
    /// Adds what was `taken` from the payer to a payment, and gives it to whom it belongs.
    pub(crate) fn earn(
        &mut self,
        charge: &mut Charge,
        units: u64,
        taken: &[Taken],
    ) -> Result<(), Refusal> {
        let before = charge.net();
        let good = self.make_good(taken)?;
        let earned: u64 = good.iter().map(|part| part.units).sum();
        charge.total = charge.total.checked_add(units).ok_or(Refusal::Overflow)?;
        charge.recovered += units - earned;
        self.share(&charge.split, before, charge.net())?;
        crate::row::append(&mut charge.taken, &good);
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

    /// What a creator owes.
    pub(crate) fn debt(&self, creator: AccountId) -> Result<u128, Refusal> {
        let debt = self.balance(Account::person(Kind::CreatorDebt, creator))?;
        Ok(debt.net(Kind::CreatorDebt.class()).max(0).unsigned_abs())
    }

    /// Credits `units` of what a recipient earned: debt first, the rest is pending.
    pub(crate) fn give(&mut self, to: Recipient, units: u64) -> Result<(), Refusal> {
        let Recipient::Creator(creator) = to else {
            return self.credit(Account::single(Kind::PlatformFees), units);
        };
        let repaid = u64::try_from(self.debt(creator)?).unwrap_or(u64::MAX).min(units);
        self.credit(Account::person(Kind::CreatorDebt, creator), repaid)?;
        let earned = units - repaid;
        if earned > 0 {
            let (id, sum) = self.due_with_room(creator, earned);
            self.put(Row::Due(id, sum));
            self.credit(Account::person(Kind::CreatorPending, creator), earned)?;
        }
        Ok(())
    }

    /// When what is earned now becomes payable, and how much does then. By whole hours or more, so that a creator has
    /// few of these; later when more would become due then than a number says.
    fn due_with_room(&self, creator: AccountId, earned: u64) -> (DueId, u64) {
        let hours = u64::from(self.policy().pending_hours);
        let step = 1 + hours / DUES_USUAL;
        let mut at = self.now.plus_ms(hours * 3_600_000).rounded_up(step);
        loop {
            let id = DueId { creator, at };
            if let Some(sum) = self.due(id).checked_add(earned) {
                return (id, sum);
            }
            at = At(at.0.saturating_add(1)).rounded_up(step);
        }
    }

    /// Takes `units` back from a recipient: what is pending and was earned last, then what is payable; what is missing
    /// is owed.
    pub(crate) fn take(&mut self, from: Recipient, units: u64) -> Result<(), Refusal> {
        let Recipient::Creator(creator) = from else {
            return self.charge_account(Account::single(Kind::PlatformFees), units);
        };
        let missing = self.take_pending(creator, units)?;
        let payable = Account::person(Kind::CreatorPayable, creator);
        let there = u64::try_from(self.balance(payable)?.available()).unwrap_or(u64::MAX);
        let part = there.min(missing);
        self.charge_account(payable, part)?;
        self.charge_account(Account::person(Kind::CreatorDebt, creator), missing - part)
    }

    /// Takes up to `units` of what is pending; answers with what is missing then.
    pub(crate) fn take_pending(&mut self, creator: AccountId, units: u64) -> Result<u64, Refusal> {
        let mut missing = units;
        for id in self.dues_of(creator) {
            if missing == 0 {
                break;
            }
            let there = self.due(id);
            let part = there.min(missing);
            if part > 0 {
                missing -= part;
                self.put(Row::Due(id, there - part));
            }
        }
        self.charge_account(Account::person(Kind::CreatorPending, creator), units - missing)?;
        Ok(missing)
    }

    /// What `creator` has pending, newest first.
    pub(crate) fn dues_of(&self, creator: AccountId) -> Vec<DueId> {
        let from = DueId { creator, at: At(0) };
        let known = self.state.pending.range(from..).copied();
        let own = self.rows.iter().filter_map(|row| match row {
            Row::Due(id, units) if *units > 0 => Some(*id),
            _ => None,
        });
        let known = known.take_while(|id| id.creator == creator);
        let mut all: Vec<DueId> = known.chain(own.filter(|id| id.creator == creator)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        all
    }
}
