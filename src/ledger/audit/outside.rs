//! What providers say.

use super::{Auditor, Payout, Repayment, Verdict};
use crate::account::{Account, Standing};
use crate::request::{PayoutCommand, Provider};
use crate::row::{Id, Origin, PayoutState};

impl Auditor {
    pub(super) fn payout(
        &mut self,
        command: &PayoutCommand,
        id: Id,
        made: bool,
    ) -> Option<Verdict> {
        match *command {
            PayoutCommand::Mature { .. } => Some(Verdict::Other),
            PayoutCommand::Request { creator, amount, provider } => {
                if made {
                    let (units, state) = (amount.units(), PayoutState::Open);
                    self.payouts.insert(id, Payout { creator, units, provider, state });
                }
                Some(Verdict::Other)
            }
            PayoutCommand::End { payout, state } => {
                let payout = self.payouts.get_mut(&payout)?;
                let left = left(payout.state, state)?;
                payout.state = state;
                let (units, provider) = (payout.units, payout.provider);
                Some(self.move_out(provider, units, left))
            }
            PayoutCommand::Settle { provider, amount, fee } => {
                let rest = amount.units().checked_sub(fee)?;
                *self.came_in.entry(provider).or_default() -= i128::from(amount.units());
                *self.at_provider.entry(provider).or_default() += i128::from(rest);
                self.fees += i128::from(fee);
                Some(Verdict::Moves(amount.units()))
            }
            PayoutCommand::PayBack { lot, amount, provider } => {
                self.pay_back(id, lot, amount.units(), provider)
            }
            PayoutCommand::EndPayBack { repayment, state } => self.end_pay_back(repayment, state),
        }
    }

    fn move_out(
        &mut self,
        provider: Provider,
        units: u64,
        (changes, sign): (bool, i128),
    ) -> Verdict {
        *self.at_provider.entry(provider).or_default() -= sign * i128::from(units);
        if changes { Verdict::Moves(units) } else { Verdict::Nothing }
    }

    fn pay_back(&mut self, id: Id, lot: Id, units: u64, provider: Provider) -> Option<Verdict> {
        let one = self.lots.get_mut(&lot)?;
        let wallet = Account::wallet(one.owner);
        let standing = self.standings.get(&wallet).copied().unwrap_or_default();
        let is_own = one.origin == Origin::Paid { provider } && one.reviews == 0;
        let most = one.left.min(one.size - one.paid_back - one.disputed);
        let is_new = !self.repayments.contains_key(&id);
        if !is_own || !is_new || standing != Standing::Open || units > most {
            return None;
        }
        (one.left, one.paid_back) = (one.left - units, one.paid_back + units);
        let state = PayoutState::Open;
        self.repayments.insert(id, Repayment { lot, units, provider, state });
        Some(Verdict::Moves(units))
    }

    fn end_pay_back(&mut self, id: Id, state: PayoutState) -> Option<Verdict> {
        let one = self.repayments.get(&id)?.clone();
        let left = left(one.state, state)?;
        self.repayments.get_mut(&id)?.state = state;
        if state == PayoutState::Failed && left.0 {
            self.lots.get_mut(&one.lot)?.paid_back -= one.units;
            let count = usize::try_from(one.units).ok()?;
            self.give_back(std::iter::repeat_n(one.lot, count));
        }
        Some(self.move_out(one.provider, one.units, left))
    }
}

/// Whether that is a change, and whether by it something leaves the provider (1) or comes back there (-1).
fn left(before: PayoutState, after: PayoutState) -> Option<(bool, i128)> {
    match (before, after) {
        (PayoutState::Open, PayoutState::Paid) => Some((true, 1)),
        (PayoutState::Open, PayoutState::Failed) => Some((true, 0)),
        (PayoutState::Paid, PayoutState::Failed) => Some((true, -1)),
        (before, after) => (before == after).then_some((false, 0)),
    }
}
