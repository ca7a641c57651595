//! Reserved money: each hold is a list of the lots of its units.

use super::{Auditor, Charge, Hold, Verdict};
use crate::request::{HoldCommand, Terms};
use crate::row::{At, HoldId, Id};

impl Auditor {
    pub(super) fn held(&mut self, command: &HoldCommand, at: At) -> Option<Verdict> {
        match command {
            HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch } => {
                let size = usize::try_from(amount.units()).ok()?;
                self.reserve(*hold, terms, size, (at.plus_ms(*lives_ms), at), *epoch)
            }
            HoldCommand::Capture { hold, total, epoch } => {
                let is_good = self.holds.get(hold)?.is_good(at);
                if !is_good && usize::try_from(*total).ok()? > self.holds.get(hold)?.captured {
                    return None;
                }
                let (taken, is_new) = self.capture(*hold, *total, *epoch)?;
                Some(if taken > 0 || is_new { Verdict::Moves(taken) } else { Verdict::Nothing })
            }
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
        let fresh = Charge { is_open: true, ..Charge::paid(terms, Vec::new()) };
        let mut charge = self.charges.get(&id.charge()).cloned().unwrap_or(fresh);
        if charge.terms != *terms || epoch < charge.epoch {
            return None;
        }
        if let Some(hold) = self.holds.get(&id) {
            if hold.units.len() != size || !hold.is_good(at) {
                return None;
            }
            let is_new = epoch > charge.epoch;
            self.charges.get_mut(&id.charge())?.epoch = epoch;
            return Some(if is_new { Verdict::Moves(0) } else { Verdict::Nothing });
        }
        let those = self.holds.iter().filter(|(other, _)| other.session == id.session);
        let open: Vec<usize> =
            those.filter(|(_, hold)| hold.is_open).map(|(_, hold)| hold.rest()).collect();
        let most = terms.cap.units().saturating_sub(charge.ever);
        let fits = (size + open.iter().sum::<usize>()) as u64 <= most && open.len() < 2;
        if !charge.is_open || id.block != charge.blocks + 1 || !fits || pays_himself(terms) {
            return None;
        }
        let units = self.spend(terms.payer, size, at)?;
        (charge.blocks, charge.epoch) = (id.block, epoch);
        self.note(id.charge(), charge);
        self.holds.insert(id, Hold { units, captured: 0, ends, is_open: true, late: 0 });
        Some(Verdict::Moves(size as u64))
    }

    /// What is taken now, and whether somebody took the session over.
    fn capture(&mut self, id: HoldId, total: u64, epoch: u64) -> Option<(u64, bool)> {
        let charge = self.charges.get_mut(&id.charge()).filter(|one| epoch >= one.epoch)?;
        let hold = self.holds.get_mut(&id)?;
        let total = usize::try_from(total).ok()?;
        if total > hold.captured && total > hold.units.len() {
            return None;
        }
        let is_new = epoch > charge.epoch;
        charge.epoch = epoch;
        let mut taken = 0;
        while hold.captured < total {
            let lot = hold.units[hold.captured];
            (hold.captured, taken) = (hold.captured + 1, taken + 1);
            match self.lots.get_mut(&lot).filter(|lot| lot.lost > 0) {
                Some(lot) => (lot.lost, self.lost) = (lot.lost - 1, self.lost - 1),
                None => charge.paid.push(lot),
            }
        }
        charge.ever += taken;
        Some((taken, is_new))
    }

    fn close(&mut self, id: HoldId, total: u64, epoch: u64, at: At, ends: bool) -> Option<Verdict> {
        let hold = self.holds.get(&id)?;
        let (is_good, captured) = (hold.is_good(at), hold.captured as u64);
        let (taken, is_new) = self.capture(id, if is_good { total } else { captured }, epoch)?;
        let mut changed = taken > 0 || is_new;
        let hold = self.holds.get_mut(&id)?;
        if !is_good {
            let most = usize::try_from(total).unwrap_or(usize::MAX).min(hold.units.len());
            let late = most.saturating_sub(hold.captured);
            changed |= late > hold.late;
            hold.late = hold.late.max(late);
        }
        changed |= self.free(id);
        let charge = self.charges.get_mut(&id.charge())?;
        if ends && std::mem::replace(&mut charge.is_open, false) {
            changed = true;
            let those = self.holds.keys().filter(|other| other.session == id.session);
            let those: Vec<HoldId> = those.copied().collect();
            for other in those {
                self.free(other);
            }
        }
        Some(if changed { Verdict::Moves(taken) } else { Verdict::Nothing })
    }

    /// Gives what was not taken back; whether the hold was open.
    fn free(&mut self, id: HoldId) -> bool {
        let Some(hold) = self.holds.get_mut(&id).filter(|hold| hold.is_open) else { return false };
        hold.is_open = false;
        let rest: Vec<Id> = hold.units[hold.captured..].to_vec();
        self.give_back(rest);
        true
    }

    fn end_hold(&mut self, id: HoldId, at: At) -> Option<Verdict> {
        self.charges.get(&id.charge())?;
        let hold = self.holds.get(&id)?;
        if !hold.is_open {
            return Some(Verdict::Nothing);
        }
        let count = hold.rest() as u64;
        (hold.ends <= at).then(|| self.free(id)).map(|_| Verdict::Moves(count))
    }
}

/// A payer who would get something of it.
pub(super) fn pays_himself(terms: &Terms) -> bool {
    let payer = crate::split::Recipient::Creator(terms.payer);
    terms.split.of(0).any(|(to, _)| to == payer)
}
