//! Rows into the state, and what is derived from them.

use super::{Expiring, Row, State};
use crate::account::Balance;
use crate::row::{
    Charge, ChargeId, ChargeState, DueId, Hold, HoldId, HoldState, Id, Lot, LotState, RULES, Taken,
};
use crate::snapshot::Snapshot;
use crate::table::{List, Table};

impl State {
    /// The state as it is now, for others.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            head: self.head,
            founding: self.founding.clone(),
            policy: self.policy,
            balances: self.balances.view(),
            lots: self.lots.view(),
            holds: self.holds.view(),
            charges: self.charges.view(),
            dues: self.dues.view(),
            events: self.events.view(),
            seats: self.seats.view(),
            members: self.members.view(),
            payouts: self.payouts.view(),
            repayments: self.repayments.view(),
            disputes: self.disputes.view(),
            writeoffs: self.writeoffs.view(),
            corrected: self.corrected.view(),
            moved: self.moved.view(),
            seen: self.seen.view(),
        }
    }

    /// The state that `snapshot` was taken of; what is derived is made anew.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut state = Self {
            head: snapshot.head,
            founding: snapshot.founding.clone(),
            policy: snapshot.policy,
            unknown_rules: Some(snapshot.policy.rules).filter(|rules| *rules > RULES),
            balances: Table::of(&snapshot.balances),
            events: Table::of(&snapshot.events),
            seats: Table::of(&snapshot.seats),
            members: Table::of(&snapshot.members),
            payouts: Table::of(&snapshot.payouts),
            repayments: Table::of(&snapshot.repayments),
            disputes: Table::of(&snapshot.disputes),
            writeoffs: Table::of(&snapshot.writeoffs),
            corrected: Table::of(&snapshot.corrected),
            moved: List::of(&snapshot.moved),
            seen: Table::of(&snapshot.seen),
            ..Self::default()
        };
        snapshot.lots.rows().for_each(|(id, lot)| state.put_lot(*id, *lot));
        snapshot.holds.rows().for_each(|(id, hold)| state.put_hold(*id, hold));
        snapshot.charges.rows().for_each(|(id, charge)| state.put_charge(*id, charge));
        snapshot.dues.rows().for_each(|(id, units)| state.put_due(*id, *units));
        snapshot.balances.rows().for_each(|(_, balance)| state.totals.count(balance));
        state
    }

    pub(super) fn put(&mut self, row: &Row) {
        match row {
            Row::Founding(founding) => self.founding = Some(founding.clone()),
            Row::Policy(policy) => self.policy = *policy,
            Row::Standing(account, standing) => {
                let balance = Balance { standing: *standing, ..self.balance(account) };
                self.balances.put(*account, balance);
            }
            Row::Lot(id, lot) => self.put_lot(*id, *lot),
            Row::Hold(id, hold) => self.put_hold(*id, hold),
            Row::Charge(id, charge) => self.put_charge(*id, charge),
            Row::Due(id, units) => self.put_due(*id, *units),
            Row::Event(id, event) => self.events.put(*id, event.clone()),
            Row::Seat(id, count) => self.seats.put(*id, *count),
            Row::Member(id, member) => self.members.put(*id, *member),
            Row::Payout(id, payout) => self.payouts.put(*id, *payout),
            Row::Repayment(id, repayment) => self.repayments.put(*id, *repayment),
            Row::Dispute(id, dispute) => self.disputes.put(*id, *dispute),
            Row::Writeoff(id, units) => self.writeoffs.put(*id, *units),
            Row::Corrected(seq, units) => self.corrected.put(*seq, *units),
        }
    }

    fn put_lot(&mut self, id: Id, lot: Lot) {
        let before = self.lots.get(&id).and_then(|lot| Some((lot.place(id)?, lot.left)));
        let after = lot.place(id);
        let sum = self.purse_sums.entry(lot.owner).or_default();
        let less = before.map_or(0, |(_, left)| u128::from(left));
        *sum = sum.saturating_sub(less) + after.map_or(0, |_| u128::from(lot.left));
        match (before.map(|(place, _)| place), after) {
            (before, after) if before == after => {}
            (before, after) => {
                before.map(|place| self.purses.remove(&place));
                self.purses.extend(after);
            }
        }
        if let Some(at) = lot.expires_at {
            let key = (at, Expiring::Lot(id));
            let _ = match lot.state {
                LotState::Open => self.expiring.insert(key),
                LotState::Expired => self.expiring.remove(&key),
            };
        }
        self.lots.put(id, lot);
    }

    fn put_charge(&mut self, id: ChargeId, charge: &Charge) {
        let is_same = |a: &[Taken], b: &[Taken]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.lot == b.lot)
        };
        let before = self.charges.get(&id).map_or(&[][..], |charge| &charge.taken);
        if !is_same(before, &charge.taken) {
            for part in before {
                self.spent.remove(&(part.lot, id));
            }
            self.spent.extend(charge.taken.iter().map(|part| (part.lot, id)));
        }
        if let ChargeId::Ticket { event, .. } = id {
            let waits = charge.state == ChargeState::Escrowed && charge.net() > 0;
            let _ = match waits {
                true => self.escrowed.insert((event, id)),
                false => self.escrowed.remove(&(event, id)),
            };
        }
        self.charges.put(id, charge.clone());
    }

    fn put_due(&mut self, id: DueId, units: u64) {
        if units > 0 {
            self.pending.insert(id);
            self.expiring.insert((id.at, Expiring::Due(id)));
        } else {
            self.pending.remove(&id);
            self.expiring.remove(&(id.at, Expiring::Due(id)));
        }
        self.dues.put(id, units);
    }

    fn put_hold(&mut self, id: HoldId, hold: &Hold) {
        let (key, ends) = ((hold.expires_at, Expiring::Hold(id)), hold.state == HoldState::Open);
        let _ = if ends { self.expiring.insert(key) } else { self.expiring.remove(&key) };
        self.holds.put(id, hold.clone());
    }
}
