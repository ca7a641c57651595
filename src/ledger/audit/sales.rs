//! Payments: each is a list of the lots of its units, and a refund takes from its end.

use weir_model::AccountId;

use super::{Auditor, Charge, Event, Verdict};
use crate::request::{EventCommand, MemberCommand, Terms, period_id, ticket_id};
use crate::row::{At, EventState, Id, MemberId};

impl Auditor {
    pub(super) fn pay(&mut self, id: Id, terms: &Terms, units: u64, at: At) -> Option<Verdict> {
        if units > terms.cap.units() || self.charges.contains_key(&id) {
            return None;
        }
        let paid = self.spend(terms.payer, usize::try_from(units).ok()?, at)?;
        self.charges.insert(id, Charge::paid(terms, paid));
        Some(Verdict::Moves(units))
    }

    pub(super) fn refund(&mut self, id: Id, units: u64) -> Option<Verdict> {
        let charge = self.charges.get_mut(&id)?;
        let lots = &self.lots;
        let is_bad = |lot: &Id| lots.get(lot).is_some_and(|lot| lot.is_disputed || lot.is_lost);
        let left = charge.paid.len().checked_sub(usize::try_from(units).ok()?)?;
        if charge.paid.iter().any(is_bad) {
            return None;
        }
        let back = charge.paid.split_off(left);
        if let Some(event) = charge.waits.filter(|_| charge.paid.is_empty()) {
            self.events.get_mut(&event)?.sold -= 1;
        }
        self.give_back(back);
        Some(Verdict::Moves(units))
    }

    pub(super) fn event(&mut self, command: &EventCommand, id: Id, at: At) -> Option<Verdict> {
        match command {
            EventCommand::Open { price, capacity, split } => {
                let (split, state) = (split.clone(), EventState::Open);
                let (price, capacity) = (price.units(), *capacity);
                self.events.insert(id, Event { price, capacity, sold: 0, split, state });
                Some(Verdict::Moves(0))
            }
            EventCommand::Buy { event, user } => self.buy(*event, *user, at),
            EventCommand::End { event, state } => {
                let event = self.events.get_mut(event)?;
                match event.state {
                    known if known == *state => Some(Verdict::Nothing),
                    EventState::Open => {
                        event.state = *state;
                        Some(Verdict::Moves(0))
                    }
                    _ => None,
                }
            }
            EventCommand::Settle { event } => self.settle(*event),
        }
    }

    fn buy(&mut self, id: Id, user: AccountId, at: At) -> Option<Verdict> {
        let (event, ticket) = (self.events.get(&id)?.clone(), ticket_id(id, user));
        if self.charges.get(&ticket).is_some_and(|charge| !charge.paid.is_empty()) {
            return Some(Verdict::Nothing);
        }
        if event.state != EventState::Open || event.sold >= event.capacity {
            return None;
        }
        let paid = self.spend(user, usize::try_from(event.price).ok()?, at)?;
        let cap = crate::Amount::try_from(event.price).ok()?;
        let terms = Terms { payer: user, cap, split: event.split.clone() };
        self.charges.insert(ticket, Charge { waits: Some(id), ..Charge::paid(&terms, paid) });
        self.events.get_mut(&id)?.sold += 1;
        Some(Verdict::Moves(event.price))
    }

    /// The first tickets by their ids, as many as one record has.
    fn settle(&mut self, id: Id) -> Option<Verdict> {
        let state = self.events.get(&id)?.state;
        let waits =
            self.charges.iter().filter(|(_, one)| one.waits == Some(id) && !one.paid.is_empty());
        let tickets: Vec<Id> = waits.map(|(ticket, _)| *ticket).take(16).collect();
        if tickets.is_empty() {
            return Some(Verdict::Nothing);
        }
        let mut units = 0;
        for ticket in tickets {
            let charge = self.charges.get_mut(&ticket)?;
            units += charge.paid.len() as u64;
            match state {
                EventState::Open => return None,
                EventState::Delivered => charge.waits = None,
                EventState::Cancelled => {
                    charge.waits = None;
                    let back = std::mem::take(&mut charge.paid);
                    self.give_back(back);
                }
            }
        }
        Some(Verdict::Moves(units))
    }

    pub(super) fn member(&mut self, command: &MemberCommand, id: Id, at: At) -> Option<Verdict> {
        match command {
            MemberCommand::Subscribe { member, period, terms, price, length_ms } => {
                let (until, periods) = self.members.get(member).copied().unwrap_or_default();
                if *period <= periods {
                    return Some(Verdict::Nothing);
                }
                if *period != periods + 1 {
                    return None;
                }
                let paid = self.pay(period_id(*member, *period), terms, price.units(), at)?;
                self.members.insert(*member, (until.max(at).plus_ms(*length_ms), *period));
                Some(paid)
            }
            MemberCommand::Gift(gift) => {
                let mut named = gift.to.clone();
                named.sort_unstable();
                named.dedup();
                let all = named.len() == gift.to.len();
                named.retain(|user| {
                    let member = MemberId { user: *user, channel: gift.channel };
                    self.members.get(&member).is_none_or(|(until, _)| *until <= at)
                });
                if !all || named.is_empty() || (named.len() < gift.to.len() && !gift.partial) {
                    return None;
                }
                let total = gift.price.units() * named.len() as u64;
                let paid = self.pay(id, &gift.terms, total, at)?;
                for user in named {
                    let member = MemberId { user, channel: gift.channel };
                    let known = self.members.entry(member).or_default();
                    known.0 = at.plus_ms(gift.length_ms);
                }
                Some(paid)
            }
        }
    }
}
