//! What users pay with: taken out of their lots, and given back to them.

use weir_model::AccountId;

use super::Draft;
use crate::account::{Account, Kind};
use crate::leg::Stage;
use crate::refusal::{Name, Refusal};
use crate::row::{At, Charge, ChargeId, HoldId, Id, Lot, LotState, Origin, Row, Taken};

/// Lots that one payment draws on.
pub(crate) const SOURCES_MAX: usize = 256;

impl Draft<'_> {
    /// What `user` can spend now.
    pub(crate) fn spendable(&self, user: AccountId) -> u128 {
        let change = self.purses.iter().find(|(owner, _)| *owner == user);
        let before = self.state.spendable(user, self.now);
        before.saturating_add_signed(change.map_or(0, |(_, change)| *change))
    }

    /// Notes by how much `lot` as it is now changes what its owner can spend.
    pub(super) fn count(&mut self, id: Id, lot: &Lot) {
        let before = self.lot(id).map_or(0, |lot| lot.spendable(self.now));
        let change = i128::from(lot.spendable(self.now)) - i128::from(before);
        match self.purses.iter_mut().find(|(owner, _)| *owner == lot.owner) {
            Some((_, sum)) => *sum += change,
            None => self.purses.push((lot.owner, change)),
        }
    }

    /// Takes `units` out of what `user` can spend, in the order of the lots, because the user wants it. Where they go
    /// is the caller's matter.
    pub(crate) fn spend(&mut self, user: AccountId, units: u64) -> Result<Vec<Taken>, Refusal> {
        self.must_be_open(Account::wallet(user))?;
        self.draw(Account::wallet(user), user, units, |_| true)
    }

    /// The same of those lots only that fit, whoever wants it; `account` is told when they do not suffice.
    pub(crate) fn draw(
        &mut self,
        account: Account,
        user: AccountId,
        units: u64,
        fits: impl Fn(&Lot) -> bool,
    ) -> Result<Vec<Taken>, Refusal> {
        let (mut missing, mut taken) = (units, Vec::new());
        let state = self.state;
        for id in state.open_lots(user) {
            if missing == 0 {
                break;
            }
            let lot = self.lot(id)?;
            let part = lot.spendable(self.now).min(missing);
            if part == 0 || !fits(&lot) {
                continue;
            }
            if taken.len() == SOURCES_MAX {
                return Err(Refusal::TooLarge);
            }
            missing -= part;
            taken.push(Taken { lot: id, units: part });
            self.put(Row::Lot(id, Lot { left: lot.left - part, ..lot }));
        }
        match missing {
            0 => Ok(taken),
            _ => Err(Refusal::Insufficient { account, available: u128::from(units - missing) }),
        }
    }

    /// Takes what was `taken` off the accounts of its lots.
    pub(crate) fn debit(&mut self, taken: &[Taken]) -> Result<(), Refusal> {
        for part in taken {
            let account = self.lot(part.lot)?.account();
            self.charge_account(account, part.units)?;
        }
        Ok(())
    }

    /// Moves `taken` between what is free of its lots' accounts and what is set aside for `waits`.
    pub(crate) fn set_aside(
        &mut self,
        stage: Stage,
        waits: Account,
        taken: &[Taken],
    ) -> Result<(), Refusal> {
        for part in taken {
            let account = self.lot(part.lot)?.account();
            self.both(stage, account, waits, part.units)?;
        }
        Ok(())
    }

    /// Credits what was `taken` of lost payments to the loss, as far as they owe it; answers with the rest.
    pub(crate) fn make_good(&mut self, taken: &[Taken]) -> Result<Vec<Taken>, Refusal> {
        let mut rest = Vec::with_capacity(taken.len());
        for part in taken {
            let lot = self.lot(part.lot)?;
            let lost = lot.lost.min(part.units);
            if lost > 0 {
                self.put(Row::Lot(part.lot, Lot { lost: lot.lost - lost, ..lot }));
                self.credit(Account::single(Kind::ChargebackLoss), lost)?;
            }
            if part.units > lost {
                rest.push(Taken { units: part.units - lost, ..*part });
            }
        }
        Ok(rest)
    }

    /// Gives `back`, which is on the accounts of its lots, to the lots that it came from. What comes back to a lot that
    /// is over goes where that one went.
    pub(crate) fn restore(&mut self, back: &[Taken]) -> Result<(), Refusal> {
        for part in back {
            let lot = self.lot(part.lot)?;
            if lot.state == LotState::Expired {
                self.post(lot.account(), Account::single(Kind::PlatformBreakage), part.units)?;
                continue;
            }
            let lost = lot.lost.min(part.units);
            self.post(lot.account(), Account::single(Kind::ChargebackLoss), lost)?;
            let left = lot.left.checked_add(part.units - lost).ok_or(Refusal::Overflow)?;
            self.put(Row::Lot(part.lot, Lot { left, lost: lot.lost - lost, ..lot }));
        }
        Ok(())
    }

    /// Puts `back` onto the accounts of its lots, and into the lots.
    pub(crate) fn refill(&mut self, back: &[Taken]) -> Result<(), Refusal> {
        for part in back {
            let account = self.lot(part.lot)?.account();
            self.credit(account, part.units)?;
        }
        self.restore(back)
    }

    /// Lots that what is paid or reserved for a session draws on.
    pub(crate) fn sources_of(&self, id: ChargeId, charge: &Charge) -> usize {
        let ChargeId::Session(session) = id else { return charge.taken.len() };
        let open = charge.open.iter();
        let holds = open.filter_map(|block| self.hold(HoldId { session, block: *block }));
        charge.taken.len() + holds.map(|hold| hold.sources.len()).sum::<usize>()
    }

    /// Refuses the id of a lot that is there.
    pub(crate) fn must_be_new(&self, id: Id) -> Result<(), Refusal> {
        match self.lot(id) {
            Ok(_) => Err(Refusal::Exists { name: Name::Lot(id) }),
            Err(_) => Ok(()),
        }
    }

    /// A new lot, on whose account the caller has put its money.
    pub(crate) fn open_lot(
        &mut self,
        id: Id,
        owner: AccountId,
        origin: Origin,
        units: u64,
        expires_at: Option<At>,
    ) {
        let lot = Lot {
            owner,
            origin,
            units,
            left: units,
            paid_back: 0,
            disputed: 0,
            reviews: 0,
            lost: 0,
            expires_at,
            born: self.seq(),
            state: LotState::Open,
        };
        self.put(Row::Lot(id, lot));
    }

    /// What `user` was given that ends at that time, if something is left of it.
    pub(crate) fn promo_until(&self, user: AccountId, expires_at: Option<At>) -> Option<Id> {
        self.state.purses.get(&user)?.given_until(expires_at)
    }
}
