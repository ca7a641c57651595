//! What providers said and were told.

use super::State;
use crate::request::Provider;
use crate::row::{
    Dispute, DisputeState, Heard, Id, Lot, Notice, On, Payout, PayoutState, Report, Told,
};

impl State {
    /// What became of an event.
    #[must_use]
    pub fn heard(&self, event: Id) -> Option<&Heard> {
        self.heard.get(&event)
    }

    /// Events of `provider` that are not counted, in the order of their ids.
    pub fn uncounted(&self, provider: Provider) -> impl Iterator<Item = &Heard> {
        let those = self.uncounted.range((provider, 0)..=(provider, Id::MAX));
        those.filter_map(|(_, id)| self.heard.get(id))
    }

    /// The newest that `provider` said about what it holds.
    #[must_use]
    pub fn report(&self, provider: Provider) -> Option<&Report> {
        self.reports.get(&provider)
    }

    /// Payouts that are on their way, and how far their providers were told.
    pub fn leaving(&self) -> impl Iterator<Item = (Id, &Payout, Option<&Told>)> {
        let those = self.leaving.iter();
        those.filter_map(|id| Some((*id, self.payouts.get(id)?, self.told.get(id))))
    }

    /// A payout.
    #[must_use]
    pub fn payout(&self, id: Id) -> Option<&Payout> {
        self.payouts.get(&id)
    }

    /// How far its provider was told of a payout.
    #[must_use]
    pub fn told(&self, payout: Id) -> Option<&Told> {
        self.told.get(&payout)
    }

    /// A dispute.
    #[must_use]
    pub fn dispute(&self, id: Id) -> Option<&Dispute> {
        self.disputes.get(&id)
    }

    /// Units of a payment that its provider settled.
    #[must_use]
    pub fn settled(&self, payment: Id) -> u64 {
        self.settled.get(&payment).copied().unwrap_or_default()
    }

    /// Lost disputes of which something can be taken from whoever got it.
    pub fn recoverable(&self) -> impl Iterator<Item = Id> {
        let is_due = |id: &&Id| {
            let lot = self.disputes.get(id).map(|dispute| dispute.lot);
            lot.is_some_and(|lot| self.lots.get(&lot).is_some_and(is_lost) && self.is_spent(lot))
        };
        self.clawing.iter().filter(is_due).copied()
    }

    /// Whether something of a lot went into a payment and is there still.
    fn is_spent(&self, lot: Id) -> bool {
        let place = self.lots.place(&lot);
        place.is_some_and(|place| self.spent.oldest(place).is_some())
    }

    pub(crate) fn put_heard(&mut self, id: Id, heard: &Heard) {
        if let Some(before) = self.heard.put(id, heard.clone()) {
            on(&before).map(|on| self.waiting.remove(&(on, id)));
            before.notice().map(|notice| self.uncounted.remove(&(notice.provider, id)));
        }
        self.waiting.extend(on(heard).map(|on| (on, id)));
        self.uncounted.extend(heard.notice().map(|notice: &Notice| (notice.provider, id)));
    }

    pub(crate) fn put_payout(&mut self, id: Id, payout: Payout) {
        self.payouts.put(id, payout);
        let _ = match payout.state {
            PayoutState::Open => self.leaving.insert(id),
            PayoutState::Paid | PayoutState::Failed => self.leaving.remove(&id),
        };
    }

    pub(crate) fn put_dispute(&mut self, id: Id, dispute: Dispute) {
        self.disputes.put(id, dispute);
        let _ = match dispute.state == DisputeState::Lost && dispute.recoverable > 0 {
            true => self.clawing.insert(id),
            false => self.clawing.remove(&id),
        };
    }
}

const fn is_lost(lot: &Lot) -> bool {
    lot.lost > 0
}

const fn on(heard: &Heard) -> Option<On> {
    match heard {
        Heard::Waits { on, .. } => Some(*on),
        Heard::Counted | Heard::Stopped { .. } => None,
    }
}
