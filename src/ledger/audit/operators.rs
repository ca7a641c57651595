//! What operators do.

use super::{Auditor, Verdict, sign};
use crate::account::{Account, Class, Kind};
use crate::request::{ControlCommand, Correction, Request};
use crate::row::{At, Origin};

impl Auditor {
    /// Whether an account is empty, and what is pending there, follows from times that no request says: what was
    /// `made` is believed.
    pub(super) fn control(
        &mut self,
        command: &ControlCommand,
        request: &Request,
        (at, made): (At, bool),
    ) -> Option<Verdict> {
        let approved = |second: Option<_>| second.is_some_and(|second| second != request.by);
        match command {
            ControlCommand::Found(founding) => match &self.founding {
                Some(known) if known == founding => Some(Verdict::Nothing),
                Some(known) if known.ledger != founding.ledger || self.is_touched() => None,
                _ => {
                    self.founding = Some(founding.clone());
                    Some(Verdict::Moves(0))
                }
            },
            ControlCommand::SetStanding { account, standing } => {
                if !matches!(account.kind, Kind::Wallet | Kind::CreatorPayable) {
                    return None;
                }
                if made {
                    self.standings.insert(*account, *standing);
                }
                Some(Verdict::Other)
            }
            ControlCommand::SetPolicy { policy, second } => {
                if policy.correction_max > self.policy.correction_max && !approved(*second) {
                    return None;
                }
                self.policy = *policy;
                Some(Verdict::Moves(0))
            }
            ControlCommand::Correct(correction) => {
                let units = correction.amount.units();
                let place = usize::try_from(correction.corrects.checked_sub(1)?).ok()?;
                let (moved, before) = *self.moved.get(place)?;
                let is_small = units + before <= self.policy.correction_max;
                let at_once = is_small || approved(correction.second);
                if !at_once || before + units > moved {
                    return None;
                }
                let verdict = self.correct(correction, request, (at, made))?;
                if made {
                    self.moved.get_mut(place)?.1 += units;
                }
                Some(verdict)
            }
        }
    }

    /// Whether anything was ever said of an account.
    fn is_touched(&self) -> bool {
        !self.standings.is_empty() || self.moved.iter().any(|(moved, _)| *moved > 0)
    }

    fn correct(
        &mut self,
        correction: &Correction,
        request: &Request,
        (at, made): (At, bool),
    ) -> Option<Verdict> {
        let Correction { debit, credit, amount, .. } = *correction;
        let units = amount.units();
        let is_taken = credit.kind == Kind::Wallet && self.lots.contains_key(&request.id);
        let is_given_away =
            debit.kind == Kind::Promo && credit != Account::single(Kind::PlatformPromo);
        if is_taken || is_given_away {
            return None;
        }
        let there = |account: Account, class: Class| {
            let net = self.expected().get(&account).map_or(0, |(net, _)| *net);
            account.kind.class() != class || net >= i128::from(units)
        };
        let believed = debit.kind == Kind::CreatorPending;
        if !there(debit, Class::Income) || !there(credit, Class::Expenses) || (believed && !made) {
            return if believed { Some(Verdict::Other) } else { None };
        }
        match debit.kind {
            Kind::Wallet | Kind::Promo => {
                let is_given = debit.kind == Kind::Promo;
                let (owner, count) = (debit.owner()?, usize::try_from(units).ok()?);
                self.draw(owner, count, at, |lot| lot.is_given() == is_given)?;
            }
            _ => *self.corrected.entry(debit).or_default() += sign(debit, units),
        }
        if credit.kind == Kind::Wallet {
            self.new_lot(request.id, credit.owner()?, Origin::Correction, units, None);
        } else {
            *self.corrected.entry(credit).or_default() -= sign(credit, units);
        }
        Some(Verdict::Moves(units))
    }
}
