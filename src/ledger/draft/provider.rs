//! What providers said and were told.

use super::Draft;
use crate::refusal::{Refusal, What};
use crate::request::Provider;
use crate::row::{Heard, Id, Key, Notice, On, Origin, Report, Row, Told};

impl Draft<'_> {
    /// What became of an event.
    pub(crate) fn heard(&self, event: Id) -> Option<Heard> {
        match self.own(&Key::Heard(event)) {
            Some(Row::Heard(_, heard)) => Some(heard.clone()),
            _ => self.state.heard.get(&event).cloned(),
        }
    }

    /// The newest that a provider said about what it holds.
    pub(crate) fn report(&self, provider: Provider) -> Option<Report> {
        match self.own(&Key::Report(provider)) {
            Some(Row::Report(_, report)) => Some(*report),
            _ => self.state.reports.get(&provider).copied(),
        }
    }

    /// How far a provider was told of a payout.
    pub(crate) fn told(&self, payout: Id) -> Option<Told> {
        match self.own(&Key::Told(payout)) {
            Some(Row::Told(_, told)) => Some(told.clone()),
            _ => self.state.told.get(&payout).cloned(),
        }
    }

    /// Events that waited for that before this record, and wait still, in the order of their ids.
    pub(crate) fn waiting_on(&self, on: On) -> Vec<Notice> {
        let ids = self.state.waiting.range((on, 0)..=(on, Id::MAX)).map(|(_, id)| *id);
        let waiting = ids.filter_map(|id| match self.heard(id) {
            Some(Heard::Waits { notice, .. }) => Some(*notice),
            _ => None,
        });
        waiting.collect()
    }

    /// Events of a provider that were not counted before this record.
    pub(crate) fn uncounted(&self, provider: Provider) -> usize {
        self.state.uncounted.range((provider, 0)..=(provider, Id::MAX)).count()
    }

    /// What is settled of a payment with so much more.
    pub(crate) fn to_settle(&self, id: Id, of: Provider, units: u64) -> Result<u64, Refusal> {
        let lot = self.lot(id)?;
        if lot.origin != (Origin::Paid { provider: of }) {
            return Err(Refusal::Invalid(format!("nobody paid that through {of}")));
        }
        let before = match self.own(&Key::Settled(id)) {
            Some(Row::Settled(_, units)) => *units,
            _ => self.state.settled.get(&id).copied().unwrap_or_default(),
        };
        let left = lot.units.saturating_sub(before);
        let sum = before.checked_add(units).filter(|_| units <= left);
        sum.ok_or(Refusal::TooMuch { what: What::Lot, left })
    }

    /// Refuses when an account is not where it may be by now.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.state.balances_after(&self.legs).map(drop)
    }
}
