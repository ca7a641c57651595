//! Reserved money: each hold is a list of the lots of its units.

use super::{Auditor, Charge, Hold, Verdict};
use crate::request::{HoldCommand, Terms};
use crate::row::{At, HoldId, Id};

impl Auditor {
    pub(super) fn held(&mut self, command: &HoldCommand, at: At) -> Option<Verdict> {
        match command {
            HoldCommand::Reserve { hold, terms, amount, expires_at, epoch } => {
                let size = usize::try_from(amount.units()).ok()?;
                self.reserve(*hold, terms, size, (*expires_at, at), *epoch)
            }
            HoldCommand::Capture { hold, total, epoch } => self.capture(*hold, *total, *epoch, at),
            HoldCommand::Close { hold, total, epoch, ends } => {
                self.close(*hold, *total, *epoch, at, *ends)
            }
            HoldCommand::Expire { hold } => self.end_hold(*hold, at),
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
        let fresh = Charge { is_open: true, ..Charge::paid(terms, Vec::new()) };
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
        let rest: Vec<Id> =
            if was_open { hold.units[hold.captured..].to_vec() } else { Vec::new() };
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
}
