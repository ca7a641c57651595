//! Legs: what a record does to accounts.

use crate::account::{Account, Balance};
use crate::refusal::Refusal;

/// Legs of one record.
pub const LEGS_MAX: usize = 64;

/// Which side of an account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Side {
    /// The left one.
    Debit,
    /// The right one.
    Credit,
}

/// What happens to the amount there.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Stage {
    /// It moves.
    Posted,
    /// It is set aside.
    Reserved,
    /// It is set aside no longer.
    Released,
}

/// A part of a record. In a record the legs of each stage have the same sum on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Leg {
    /// Where.
    pub account: Account,
    /// On which side.
    pub side: Side,
    /// What happens.
    pub stage: Stage,
    /// Minor units.
    pub units: u64,
}

impl Leg {
    /// What `balance` is after it.
    ///
    /// # Errors
    /// When a sum leaves its range.
    pub fn on(&self, mut balance: Balance) -> Result<Balance, Refusal> {
        let (pending, posted) = match self.side {
            Side::Debit => (&mut balance.debits_pending, &mut balance.debits_posted),
            Side::Credit => (&mut balance.credits_pending, &mut balance.credits_posted),
        };
        let units = u128::from(self.units);
        let (sum, new) = match self.stage {
            Stage::Posted => {
                let new = posted.checked_add(units);
                (posted, new)
            }
            Stage::Reserved => {
                let new = pending.checked_add(units);
                (pending, new)
            }
            Stage::Released => {
                let new = pending.checked_sub(units);
                (pending, new)
            }
        };
        // Half the range, so that differences fit a signed number.
        *sum = new.filter(|sum| *sum <= i128::MAX.unsigned_abs()).ok_or(Refusal::Overflow)?;
        Ok(balance)
    }
}

/// Adds `leg` to `legs`; what happens to the same account in the same way stands once.
pub(crate) fn add(legs: &mut Vec<Leg>, leg: Leg) -> Result<(), Refusal> {
    if leg.units == 0 {
        return Ok(());
    }
    let is_same = |known: &&mut Leg| {
        (known.account, known.side, known.stage) == (leg.account, leg.side, leg.stage)
    };
    if let Some(known) = legs.iter_mut().find(is_same) {
        known.units = known.units.checked_add(leg.units).ok_or(Refusal::Overflow)?;
    } else if legs.len() < LEGS_MAX {
        legs.push(leg);
    } else {
        return Err(Refusal::TooLarge);
    }
    Ok(())
}

/// Whether the legs of each stage have the same sum on both sides.
#[must_use]
pub fn is_balanced(legs: &[Leg]) -> bool {
    [Stage::Posted, Stage::Reserved, Stage::Released].into_iter().all(|stage| {
        let sum = |side: Side| -> u128 {
            let those = legs.iter().filter(|leg| (leg.side, leg.stage) == (side, stage));
            those.map(|leg| u128::from(leg.units)).sum()
        };
        sum(Side::Debit) == sum(Side::Credit)
    })
}

/// Says whether an account may go from one balance to the other.
pub(crate) fn check(account: Account, before: &Balance, after: &Balance) -> Result<(), Refusal> {
    let out = |balance: &Balance| balance.debits_posted.saturating_add(balance.debits_pending);
    let taken = |balance: &Balance| balance.credits_posted.saturating_add(balance.credits_pending);
    if account.kind.is_without_overdraft() && out(after) > after.credits_posted {
        return Err(Refusal::Insufficient { account, available: before.available() });
    }
    if account.kind.is_without_underdraft() && taken(after) > after.debits_posted {
        let available = before.debits_posted.saturating_sub(taken(before));
        return Err(Refusal::Insufficient { account, available });
    }
    Ok(())
}

/// Refuses legs of which debits are not credits.
pub(crate) fn must_be_balanced(legs: &[Leg]) -> Result<(), Refusal> {
    match is_balanced(legs) {
        true => Ok(()),
        false => Err(Refusal::Invalid("its debits are not its credits".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Kind;

    const FEES: Account = Account::single(Kind::PlatformFees);

    fn leg(side: Side, stage: Stage, units: u64) -> Leg {
        Leg { account: FEES, side, stage, units }
    }

    #[test]
    fn the_same_thing_stands_once_and_nothing_not_at_all() {
        let mut legs = Vec::new();
        for units in [0, 3, 4] {
            add(&mut legs, leg(Side::Debit, Stage::Posted, units)).unwrap();
        }
        assert_eq!(legs, [leg(Side::Debit, Stage::Posted, 7)]);
        assert!(!is_balanced(&legs));
        add(&mut legs, leg(Side::Credit, Stage::Reserved, 7)).unwrap();
        assert!(!is_balanced(&legs), "each stage for itself");
        add(&mut legs, leg(Side::Credit, Stage::Posted, 7)).unwrap();
        add(&mut legs, leg(Side::Debit, Stage::Reserved, 7)).unwrap();
        assert!(is_balanced(&legs));
    }

    #[test]
    fn inv_30_sums_that_leave_their_range_are_refused() {
        let full = Balance { debits_posted: i128::MAX.unsigned_abs(), ..Balance::default() };
        assert_eq!(leg(Side::Debit, Stage::Posted, 1).on(full), Err(Refusal::Overflow));
        let none = Balance::default();
        assert_eq!(leg(Side::Debit, Stage::Released, 1).on(none), Err(Refusal::Overflow));
        let mut legs = vec![leg(Side::Debit, Stage::Posted, u64::MAX)];
        assert_eq!(add(&mut legs, leg(Side::Debit, Stage::Posted, 1)), Err(Refusal::Overflow));
    }

    #[test]
    fn a_record_has_a_bounded_number_of_legs() {
        let mut legs = Vec::new();
        let of = |of: u128| Leg {
            account: Account { kind: Kind::Wallet, of },
            ..leg(Side::Debit, Stage::Posted, 1)
        };
        (0..LEGS_MAX as u128).for_each(|at| add(&mut legs, of(at)).unwrap());
        assert_eq!(add(&mut legs, of(1_000)), Err(Refusal::TooLarge));
        assert_eq!(add(&mut legs, of(1)), Ok(()));
    }
}
