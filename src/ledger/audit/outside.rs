//! What providers and operators say.

use weir_model::AccountId;

use super::{Auditor, Dispute, Payout, Verdict, sign};
use crate::account::{Account, Kind, Standing};
use crate::request::{ControlCommand, Correction, DisputeCommand, PayoutCommand, Request};
use crate::row::{At, DisputeState, Id, PayoutState};

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
                if payout.state == state {
                    return Some(Verdict::Nothing);
                }
                if payout.state != PayoutState::Open {
                    return None;
                }
                payout.state = state;
                if state == PayoutState::Paid {
                    let at_provider = self.at_provider.entry(payout.provider).or_default();
                    *at_provider -= i128::from(payout.units);
                }
                Some(Verdict::Moves(payout.units))
            }
            PayoutCommand::Settle { provider, amount, fee } => {
                let rest = amount.units().checked_sub(fee)?;
                *self.came_in.entry(provider).or_default() -= i128::from(amount.units());
                *self.at_provider.entry(provider).or_default() += i128::from(rest);
                self.fees += i128::from(fee);
                Some(Verdict::Moves(amount.units()))
            }
            PayoutCommand::PayBack { lot, amount, provider } => {
                let lot = self.lots.get_mut(&lot)?;
                let wallet = Account::wallet(lot.owner);
                let standing = self.standings.get(&wallet).copied().unwrap_or_default();
                if !lot.is_paid || lot.is_disputed || lot.is_lost || standing != Standing::Open {
                    return None;
                }
                lot.left = lot.left.checked_sub(amount.units())?;
                *self.at_provider.entry(provider).or_default() -= i128::from(amount.units());
                Some(Verdict::Moves(amount.units()))
            }
        }
    }

    pub(super) fn dispute(&mut self, command: &DisputeCommand) -> Option<Verdict> {
        match *command {
            DisputeCommand::Open { dispute, lot, provider, fee } => {
                if let Some(known) = self.disputes.get(&dispute) {
                    return (known.lot == lot).then_some(Verdict::Nothing);
                }
                let one = self.lots.get_mut(&lot)?;
                if !one.is_paid || one.is_disputed || one.is_lost {
                    return None;
                }
                one.is_disputed = true;
                let taken = i128::from(one.size) + i128::from(fee);
                *self.at_provider.entry(provider).or_default() -= taken;
                self.fees += i128::from(fee);
                let state = DisputeState::Open;
                self.disputes.insert(dispute, Dispute { lot, provider, state });
                Some(Verdict::Moves(self.lots.get(&lot)?.size))
            }
            DisputeCommand::End { dispute, state } => {
                let known = self.disputes.get_mut(&dispute)?;
                if known.state == state {
                    return Some(Verdict::Nothing);
                }
                if known.state != DisputeState::Open || state == DisputeState::Open {
                    return None;
                }
                known.state = state;
                let (id, provider) = (known.lot, known.provider);
                let lot = self.lots.get_mut(&id)?;
                (lot.is_disputed, lot.is_lost) = (false, state == DisputeState::Lost);
                let size = i128::from(lot.size);
                if state == DisputeState::Won {
                    *self.at_provider.entry(provider).or_default() += size;
                } else {
                    let left = std::mem::take(&mut lot.left);
                    self.lost += size - i128::from(left) - self.claw_back(id);
                }
                Some(Verdict::Moves(size.unsigned_abs().try_into().unwrap_or(u64::MAX)))
            }
        }
    }

    /// From the first payments by their ids, as many as one record has.
    fn claw_back(&mut self, lot: Id) -> i128 {
        if !self.policy.claws_back {
            return 0;
        }
        let with = self.charges.values_mut().filter(|charge| charge.paid.contains(&lot));
        let mut clawed = 0;
        for charge in with.take(3).filter(|charge| charge.waits.is_none()) {
            let before = charge.paid.len();
            charge.paid.retain(|unit| *unit != lot);
            clawed += (before - charge.paid.len()) as i128;
        }
        clawed
    }

    pub(super) fn control(
        &mut self,
        command: &ControlCommand,
        request: &Request,
        at: At,
    ) -> Option<Verdict> {
        match command {
            ControlCommand::SetStanding { account, standing } => {
                self.standings.insert(*account, *standing);
                Some(Verdict::Other)
            }
            ControlCommand::SetPolicy { policy } => {
                self.policy = *policy;
                Some(Verdict::Other)
            }
            ControlCommand::Correct(correction) => self.correct(correction, request, at),
        }
    }

    /// Between a wallet or an account that stands for nothing else, on either side.
    fn correct(&mut self, correction: &Correction, request: &Request, at: At) -> Option<Verdict> {
        let Correction { corrects, debit, credit, amount, second } = *correction;
        let units = amount.units();
        let approved = second.is_some_and(|second| second != request.by);
        let exists = (1..=self.records).contains(&corrects);
        if !exists || (units > self.policy.correction_max && !approved) {
            return None;
        }
        if debit.kind == Kind::Wallet {
            let user = AccountId(u64::try_from(debit.of).ok()?);
            self.spend_of(user, usize::try_from(units).ok()?, at, |lot| lot.is_paid)?;
        } else {
            *self.corrected.entry(debit).or_default() += sign(debit, units);
        }
        if credit.kind == Kind::Wallet {
            let user = AccountId(u64::try_from(credit.of).ok()?);
            self.new_lot(request.id, user, true, units, None);
        } else {
            *self.corrected.entry(credit).or_default() -= sign(credit, units);
        }
        Some(Verdict::Moves(units))
    }
}
