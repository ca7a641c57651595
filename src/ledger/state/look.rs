//! What others look at.

use weir_model::AccountId;

use super::{Expiring, Purse, State, Totals};
use crate::account::{Account, Balance};
use crate::record::Head;
use crate::row::{
    At, Charge, ChargeId, ChargeState, Event, EventState, Founding, Hold, HoldId, Id, Lot,
    MemberId, Membership, Payout, Policy, SeatId,
};
use crate::table::View;

/// What the ledger has of a session, for whoever goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Session {
    /// Taken in all.
    pub taken: u64,
    /// Blocks that were ever reserved.
    pub blocks: u32,
    /// Those that something can still be taken from: number, units reserved, units taken.
    pub open: Vec<(u32, u64, u64)>,
    /// The newest owner that was seen.
    pub epoch: u64,
    /// No more can be reserved.
    pub is_over: bool,
}

impl State {
    /// Where it stands.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What it is; none before the first record.
    #[must_use]
    pub const fn founding(&self) -> Option<&Founding> {
        self.founding.as_ref()
    }

    /// The record of the newest act of staff; zero before the first. Its row leads to the one before.
    #[must_use]
    pub const fn newest_act(&self) -> u64 {
        self.newest_act
    }

    /// The rules.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What is on `account`.
    #[must_use]
    pub fn balance(&self, account: &Account) -> Balance {
        self.balances.get(account).copied().unwrap_or_default()
    }

    /// What is on every account now, as it will stay for whoever looks.
    #[must_use]
    pub fn all_balances(&self) -> View<Account, Balance> {
        self.balances.view()
    }

    /// How many accounts something was ever on.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.balances.len()
    }

    /// What `user` can spend: everything that is neither reserved, disputed nor expired at `now`.
    #[must_use]
    pub fn spendable(&self, user: AccountId, now: At) -> u128 {
        let Some(purse) = self.purses.get(&user) else { return 0 };
        let over = purse.over(now).filter_map(|lot| self.lots.get(&lot));
        purse.sum().saturating_sub(over.map(|lot| u128::from(lot.left)).sum())
    }

    /// The lots that `user` can spend, in the order in which they are spent.
    pub(crate) fn open_lots(&self, user: AccountId) -> impl Iterator<Item = Id> {
        self.purses.get(&user).into_iter().flat_map(Purse::lots)
    }

    /// Money of one origin.
    #[must_use]
    pub fn lot(&self, id: Id) -> Option<&Lot> {
        self.lots.get(&id)
    }

    /// A payment.
    #[must_use]
    pub fn charge(&self, id: ChargeId) -> Option<&Charge> {
        self.charges.get(&id)
    }

    /// Something that tickets are sold for.
    #[must_use]
    pub fn event(&self, id: Id) -> Option<&Event> {
        self.events.get(&id)
    }

    /// An event that is over and has tickets that are not settled.
    #[must_use]
    pub fn unsettled(&self) -> Option<Id> {
        let mut from = 0;
        loop {
            let (event, _) = self.escrowed.range((from, ChargeId::ENDS.0)..).next()?;
            if self.event(*event).is_some_and(|one| one.state != EventState::Open) {
                return Some(*event);
            }
            from = event.checked_add(1)?;
        }
    }

    /// All of these as they are now.
    #[must_use]
    pub fn all_events(&self) -> View<Id, Event> {
        self.events.view()
    }

    /// How many tickets somebody has bought so far.
    #[must_use]
    pub fn seat(&self, id: SeatId) -> u32 {
        self.seats.get(&id).copied().unwrap_or_default()
    }

    /// All who ever bought one, as they are now.
    #[must_use]
    pub fn all_seats(&self) -> View<SeatId, u32> {
        self.seats.view()
    }

    /// Until when somebody is a member.
    #[must_use]
    pub fn member(&self, id: MemberId) -> Membership {
        self.members.get(&id).copied().unwrap_or_default()
    }

    /// All who ever were members, as they are now.
    #[must_use]
    pub fn all_members(&self) -> View<MemberId, Membership> {
        self.members.view()
    }

    /// Reserved money.
    #[must_use]
    pub fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.holds.get(&id)
    }

    /// What there is of a session at `now`.
    #[must_use]
    pub fn session(&self, session: Id, now: At) -> Option<Session> {
        let charge = self.charges.get(&ChargeId::Session(session))?;
        let hold =
            |block: &u32| Some((*block, self.holds.get(&HoldId { session, block: *block })?));
        let open = charge.open.iter().filter_map(hold).filter(|(_, hold)| hold.is_good(now));
        Some(Session {
            taken: charge.total,
            blocks: charge.blocks,
            open: open.map(|(block, hold)| (block, hold.units, hold.captured)).collect(),
            epoch: charge.epoch,
            is_over: charge.state != ChargeState::Open,
        })
    }

    /// The sums over all accounts.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What has ended by itself at `now`, and is waiting to be told so.
    pub fn expired(&self, now: At) -> impl Iterator<Item = Expiring> {
        self.expiring.iter().take_while(move |(at, _)| *at <= now).map(|(_, what)| *what)
    }

    /// All payouts there ever were, in the order in which they were asked for.
    #[must_use]
    pub fn payouts(&self) -> View<Id, Payout> {
        self.payouts.view()
    }

    /// Units for which blocks were settled too late, for the report: nobody was charged for them.
    #[must_use]
    pub fn written_off(&self) -> View<HoldId, u64> {
        self.writeoffs.view()
    }
}
