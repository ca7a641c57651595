//! Lots, as lists of units.

use weir_model::AccountId;

use super::{Auditor, Lot, Verdict};
use crate::account::{Account, Standing};
use crate::request::IncomeCommand;
use crate::row::{At, Id};

impl Auditor {
    pub(super) fn income(&mut self, command: &IncomeCommand, id: Id, at: At) -> Option<Verdict> {
        match *command {
            IncomeCommand::TopUp { user, amount, provider } => {
                *self.came_in.entry(provider).or_default() += i128::from(amount.units());
                self.new_lot(id, user, true, amount.units(), None)
            }
            IncomeCommand::Grant { user, amount, expires_at } => {
                if expires_at.is_some_and(|ends| ends <= at) {
                    return None;
                }
                self.given += i128::from(amount.units());
                self.new_lot(id, user, false, amount.units(), expires_at)
            }
            IncomeCommand::Expire { lot } => self.end_lot(lot, at),
        }
    }

    pub(super) fn new_lot(
        &mut self,
        id: Id,
        owner: AccountId,
        is_paid: bool,
        left: u64,
        ends: Option<At>,
    ) -> Option<Verdict> {
        self.born += 1;
        let (ended, is_disputed, is_lost) = (false, false, false);
        let (born, size) = (self.born, left);
        let lot = Lot { owner, is_paid, ends, born, size, left, ended, is_disputed, is_lost };
        self.lots.insert(id, lot);
        Some(Verdict::Moves(left))
    }

    fn end_lot(&mut self, id: Id, at: At) -> Option<Verdict> {
        let lot = self.lots.get_mut(&id)?;
        if lot.ended {
            return Some(Verdict::Nothing);
        }
        lot.ends.filter(|ends| *ends <= at)?;
        let gone = std::mem::take(&mut lot.left);
        (lot.ended, self.lapsed) = (true, self.lapsed + i128::from(gone));
        Some(Verdict::Moves(gone))
    }

    /// Takes single units, the best lot first, or none when they do not suffice.
    pub(super) fn spend(&mut self, user: AccountId, count: usize, at: At) -> Option<Vec<Id>> {
        self.spend_of(user, count, at, |_| true)
    }

    pub(super) fn spend_of(
        &mut self,
        user: AccountId,
        count: usize,
        at: At,
        fits: impl Fn(&Lot) -> bool,
    ) -> Option<Vec<Id>> {
        let standing = self.standings.get(&Account::wallet(user)).copied().unwrap_or_default();
        let mut good: Vec<(bool, u64, u64, Id)> = self
            .lots
            .iter()
            .filter(|(_, lot)| lot.owner == user && lot.left > 0 && fits(lot))
            .filter(|(_, lot)| !lot.ended && !lot.is_disputed && !lot.is_lost)
            .filter(|(_, lot)| lot.ends.is_none_or(|ends| ends > at))
            .map(|(id, lot)| {
                let ends = lot.ends.map_or(u64::MAX, |ends| ends.0);
                (
                    lot.is_paid,
                    if lot.is_paid { 0 } else { ends },
                    if lot.is_paid { lot.born } else { 0 },
                    *id,
                )
            })
            .collect();
        good.sort_unstable();
        let units: Vec<Id> = good
            .iter()
            .flat_map(|(.., id)| {
                std::iter::repeat_n(*id, usize::try_from(self.lots[id].left).unwrap_or(usize::MAX))
            })
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

    pub(super) fn give_back(&mut self, units: impl IntoIterator<Item = Id>) {
        for id in units {
            match self.lots.get_mut(&id) {
                Some(lot) if lot.is_lost => self.lost -= 1,
                Some(lot) if lot.ended => self.lapsed += 1,
                Some(lot) => lot.left += 1,
                None => {}
            }
        }
    }
}
