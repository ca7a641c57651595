//! What banks take back.

use super::{Auditor, Dispute, Verdict};
use crate::request::DisputeCommand;
use crate::row::{DisputeState, Id, Origin};

impl Auditor {
    pub(super) fn dispute(&mut self, command: &DisputeCommand) -> Option<Verdict> {
        match *command {
            DisputeCommand::Open { dispute, lot, provider, amount, fee } => {
                let amount = amount.units();
                if let Some(known) = self.disputes.get(&dispute) {
                    let is_same = (known.lot, known.provider) == (lot, provider)
                        && known.units + known.excess == amount;
                    return is_same.then_some(Verdict::Nothing);
                }
                let one = self.lots.get_mut(&lot)?;
                if one.origin != (Origin::Paid { provider }) {
                    return None;
                }
                let units = amount.min(one.size - one.paid_back - one.disputed);
                let excess = amount - units;
                (one.reviews, one.disputed) = (one.reviews + 1, one.disputed + units);
                *self.at_provider.entry(provider).or_default() -= i128::from(amount + fee);
                self.fees += i128::from(fee);
                self.lost += i128::from(excess);
                let (state, owed) = (DisputeState::Open, 0);
                let row = Dispute { lot, units, excess, provider, state, owed };
                self.disputes.insert(dispute, row);
                Some(Verdict::Moves(amount))
            }
            DisputeCommand::End { dispute, state } => self.end_dispute(dispute, state),
            DisputeCommand::Recover { dispute } => self.recover(dispute),
        }
    }

    fn end_dispute(&mut self, id: Id, state: DisputeState) -> Option<Verdict> {
        let known = self.disputes.get_mut(&id)?;
        if known.state == state {
            return Some(Verdict::Nothing);
        }
        if known.state != DisputeState::Open || state == DisputeState::Open {
            return None;
        }
        known.state = state;
        let taken = known.units + known.excess;
        let lot = self.lots.get_mut(&known.lot)?;
        lot.reviews -= 1;
        if state == DisputeState::Won {
            lot.disputed -= known.units;
            *self.at_provider.entry(known.provider).or_default() += i128::from(taken);
            self.lost -= i128::from(known.excess);
        } else {
            let from_wallet = lot.left.min(taken);
            (lot.left, lot.lost) = (lot.left - from_wallet, lot.lost + taken - from_wallet);
            self.lost += i128::from(known.units) - i128::from(from_wallet);
            known.owed = if self.policy.claws_back { taken - from_wallet } else { 0 };
        }
        Some(Verdict::Moves(taken))
    }

    /// From the oldest payment, unit by unit.
    fn recover(&mut self, id: Id) -> Option<Verdict> {
        let dispute = self.disputes.get(&id)?.clone();
        if dispute.state != DisputeState::Lost {
            return None;
        }
        let lot = self.lots.get_mut(&dispute.lot)?;
        let with = self.charges.values_mut().filter(|one| one.paid.contains(&dispute.lot));
        let charge = with.min_by_key(|one| one.born).filter(|_| dispute.owed > 0 && lot.lost > 0);
        let Some(charge) = charge else { return Some(Verdict::Nothing) };
        let mut taken = 0;
        while lot.lost > 0
            && taken < dispute.owed
            && let Some(last) = charge.paid.iter().rposition(|unit| *unit == dispute.lot)
        {
            charge.paid.remove(last);
            (lot.lost, self.lost, taken) = (lot.lost - 1, self.lost - 1, taken + 1);
        }
        if let Some(event) = charge.waits.filter(|_| charge.paid.is_empty()) {
            self.events.get_mut(&event)?.sold -= 1;
        }
        self.disputes.get_mut(&id)?.owed -= taken;
        Some(Verdict::Moves(taken))
    }
}
