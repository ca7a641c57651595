//! Rows into the state, and what is derived from them.

use std::collections::BTreeSet;

use super::{Expiring, Row, State};
use crate::row::{
    At, Charge, ChargeId, ChargeState, DueId, Hold, HoldId, HoldState, Id, Lot, LotState, Taken,
};

impl State {
    pub(super) fn put(&mut self, row: &Row) {
        match row {
            Row::Founding(founding) => self.founding = Some(founding.clone()),
            Row::Policy(policy) => self.policy = *policy,
            Row::Standing(account, standing) => {
                self.balances.change(*account, |balance| balance.standing = *standing);
            }
            Row::Lot(id, lot) => self.put_lot(*id, *lot),
            Row::Hold(id, hold) => self.put_hold(*id, hold),
            Row::Charge(id, charge) => self.put_charge(*id, charge),
            Row::Due(id, units) => self.put_due(*id, *units),
            Row::Event(id, event) => drop(self.events.put(*id, event.clone())),
            Row::Seat(id, count) => drop(self.seats.put(*id, *count)),
            Row::Member(id, member) => drop(self.members.put(*id, *member)),
            Row::Payout(id, payout) => self.put_payout(*id, *payout),
            Row::Repayment(id, repayment) => drop(self.repayments.put(*id, *repayment)),
            Row::Dispute(id, dispute) => self.put_dispute(*id, *dispute),
            Row::Writeoff(id, units) => drop(self.writeoffs.put(*id, *units)),
            Row::Corrected(seq, units) => drop(self.corrected.put(*seq, *units)),
            // It is of the record that is being made.
            Row::Act(_) => self.newest_act = self.head.seq + 1,
            Row::Heard(id, heard) => self.put_heard(*id, heard),
            Row::Settled(id, units) => drop(self.settled.put(*id, *units)),
            Row::Report(provider, report) => drop(self.reports.put(*provider, *report)),
            Row::Told(id, told) => drop(self.told.put(*id, told.clone())),
        }
    }

    pub(crate) fn put_lot(&mut self, id: Id, lot: Lot) {
        let before = self.lots.put(id, lot);
        let place = |lot: Lot| Some((lot.place(id)?, lot.left));
        let (out, into) = (before.and_then(place), place(lot));
        self.purses.change(lot.owner, |purse| purse.change(out, into));
        let ends = |lot: Lot| lot.expires_at.filter(|_| lot.state == LotState::Open);
        self.expires(Expiring::Lot(id), before.and_then(ends), ends(lot));
    }

    /// What is derived from the payments from the one of that number on.
    pub(crate) fn derive_from_charges(&mut self, from: usize) {
        let mut went = Vec::new();
        for place in from..self.charges.len() {
            let Some((id, charge)) = self.charges.row(place) else { return };
            let lots = charge.taken.iter().filter_map(|part| self.lots.place(&part.lot));
            went.extend(lots.map(|lot| (lot, place)));
            note_escrowed(&mut self.escrowed, *id, charge);
        }
        // Far apart in memory, and quicker when nothing else stands between them.
        went.into_iter().for_each(|(lot, place)| self.spent.note(lot, place));
    }

    fn put_charge(&mut self, id: ChargeId, charge: &Charge) {
        let is_same = |a: &[Taken], b: &[Taken]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.lot == b.lot)
        };
        let place = self.charges.place(&id);
        let (place, before) = self.charges.put_at(place, id, charge.clone());
        let before = before.map(|before| before.taken).unwrap_or_default();
        if !is_same(&before, &charge.taken) {
            self.note_spent(place, &before, &charge.taken);
        }
        note_escrowed(&mut self.escrowed, id, charge);
    }

    /// What was taken of lots went into that payment.
    fn note_spent(&mut self, charge: usize, before: &[Taken], after: &[Taken]) {
        let place = |part: &Taken| self.lots.place(&part.lot);
        for lot in before.iter().filter_map(place) {
            self.spent.forget(lot, charge);
        }
        for lot in after.iter().filter_map(place) {
            self.spent.note(lot, charge);
        }
    }

    pub(crate) fn put_due(&mut self, id: DueId, units: u64) {
        let before = self.dues.put(id, units).unwrap_or_default();
        let ends = |units: u64| (units > 0).then_some(id.at);
        match (before > 0, units > 0) {
            (false, true) => drop(self.pending.insert(id)),
            (true, false) => drop(self.pending.remove(&id)),
            _ => {}
        }
        self.expires(Expiring::Due(id), ends(before), ends(units));
    }

    pub(crate) fn put_hold(&mut self, id: HoldId, hold: &Hold) {
        let before = self.holds.put(id, hold.clone());
        let ends = |hold: &Hold| (hold.state == HoldState::Open).then_some(hold.expires_at);
        self.expires(Expiring::Hold(id), before.as_ref().and_then(ends), ends(hold));
    }

    /// It ended by itself at one time, and ends at another now.
    fn expires(&mut self, what: Expiring, before: Option<At>, after: Option<At>) {
        if before == after {
            return;
        }
        before.map(|at| self.expiring.remove(&(at, what)));
        self.expiring.extend(after.map(|at| (at, what)));
    }
}

/// Whether the money of a ticket waits.
fn note_escrowed(escrowed: &mut BTreeSet<(Id, ChargeId)>, id: ChargeId, charge: &Charge) {
    if let ChargeId::Ticket { event, .. } = id {
        let waits = charge.state == ChargeState::Escrowed && charge.net() > 0;
        let _ = match waits {
            true => escrowed.insert((event, id)),
            false => escrowed.remove(&(event, id)),
        };
    }
}
