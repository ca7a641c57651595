//! Lots, as lists of units.

use weir_model::AccountId;

use super::{Auditor, Lot, Verdict};
use crate::account::{Account, Standing};
use crate::request::IncomeCommand;
use crate::row::{At, Id, Origin};

const HOUR_US: u64 = 3_600_000_000;

impl Auditor {
    pub(super) fn income(&mut self, command: &IncomeCommand, id: Id, at: At) -> Option<Verdict> {
        match *command {
            IncomeCommand::TopUp { user, amount, provider } => {
                let origin = Origin::Paid { provider };
                let verdict = self.new_lot(id, user, origin, amount.units(), None)?;
                *self.came_in.entry(provider).or_default() += i128::from(amount.units());
                Some(verdict)
            }
            IncomeCommand::Grant { user, amount, expires_at } => {
                let ends = match expires_at {
                    Some(ends) if ends <= at => return None,
                    Some(ends) if ends.0 % HOUR_US == 0 => Some(ends),
                    Some(ends) => Some(At(ends.0 - ends.0 % HOUR_US + HOUR_US)),
                    None => None,
                };
                let verdict = self.grant(id, user, amount.units(), ends)?;
                self.given += i128::from(amount.units());
                Some(verdict)
            }
            IncomeCommand::Expire { lot } => self.end_lot(lot, at),
        }
    }

    /// What ends together is one lot, as long as something is left of it.
    fn grant(&mut self, id: Id, user: AccountId, units: u64, ends: Option<At>) -> Option<Verdict> {
        let same = self.lots.values_mut().find(|lot| {
            lot.is_given() && lot.owner == user && lot.ends == ends && lot.left > 0 && !lot.ended
        });
        let Some(lot) = same else { return self.new_lot(id, user, Origin::Promo, units, ends) };
        (lot.size, lot.left) = (lot.size + units, lot.left + units);
        Some(Verdict::Moves(units))
    }

    pub(super) fn new_lot(
        &mut self,
        id: Id,
        owner: AccountId,
        origin: Origin,
        left: u64,
        ends: Option<At>,
    ) -> Option<Verdict> {
        if self.lots.contains_key(&id) {
            return None;
        }
        self.born += 1;
        let (born, size, ended) = (self.born, left, false);
        let (paid_back, disputed, reviews, lost) = (0, 0, 0, 0);
        let lot = Lot {
            owner,
            origin,
            ends,
            born,
            size,
            left,
            paid_back,
            disputed,
            reviews,
            lost,
            ended,
        };
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
        let wallet = Account::wallet(user);
        let standing = self.standings.get(&wallet).copied().unwrap_or_default();
        (standing == Standing::Open).then(|| self.draw(user, count, at, |_| true))?
    }

    /// The same of those lots only that fit, whatever an operator said.
    pub(super) fn draw(
        &mut self,
        user: AccountId,
        count: usize,
        at: At,
        fits: impl Fn(&Lot) -> bool,
    ) -> Option<Vec<Id>> {
        let mut good: Vec<(bool, u64, Id)> = self
            .lots
            .iter()
            .filter(|(_, lot)| lot.owner == user && !lot.ended && lot.reviews == 0 && fits(lot))
            .filter(|(_, lot)| lot.ends.is_none_or(|ends| ends > at))
            .map(|(id, lot)| {
                let ends = lot.ends.map_or(u64::MAX, |ends| ends.0);
                (!lot.is_given(), if lot.is_given() { ends } else { lot.born }, *id)
            })
            .collect();
        good.sort_unstable();
        let units = good.iter().flat_map(|(.., id)| {
            let left = usize::try_from(self.lots[id].left).unwrap_or(usize::MAX);
            std::iter::repeat_n(*id, left)
        });
        let units: Vec<Id> = units.take(count).collect();
        if units.len() < count {
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
                Some(lot) if lot.lost > 0 => (lot.lost, self.lost) = (lot.lost - 1, self.lost - 1),
                Some(lot) if lot.ended => self.lapsed += 1,
                Some(lot) => lot.left += 1,
                None => {}
            }
        }
    }
}
