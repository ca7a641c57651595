//! Sums over everything, which say at once when something is wrong.

use crate::account::Balance;
use crate::leg::{Leg, Side, Stage};

/// Sums over all accounts: debits and credits of each kind are the same, after every record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Debits, credits.
    pub posted: (u128, u128),
    /// Debits, credits.
    pub pending: (u128, u128),
}

impl Totals {
    pub(super) fn add(&mut self, leg: &Leg) {
        let (sums, units) = match leg.stage {
            Stage::Posted => (&mut self.posted, u128::from(leg.units)),
            Stage::Reserved | Stage::Released => (&mut self.pending, u128::from(leg.units)),
        };
        let sum = match leg.side {
            Side::Debit => &mut sums.0,
            Side::Credit => &mut sums.1,
        };
        // Each account's sum stays below half the range, and so do these as long as money is conserved.
        *sum = match leg.stage {
            Stage::Released => sum.saturating_sub(units),
            Stage::Posted | Stage::Reserved => sum.saturating_add(units),
        };
    }

    pub(crate) fn count(&mut self, balance: &Balance) {
        let add = |sum: &mut u128, more: u128| *sum = sum.saturating_add(more);
        add(&mut self.posted.0, balance.debits_posted);
        add(&mut self.posted.1, balance.credits_posted);
        add(&mut self.pending.0, balance.debits_pending);
        add(&mut self.pending.1, balance.credits_pending);
    }

    /// Whether debits are credits.
    #[must_use]
    pub const fn are_even(&self) -> bool {
        self.posted.0 == self.posted.1 && self.pending.0 == self.pending.1
    }
}
