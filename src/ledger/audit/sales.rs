//! Payments: each is a list of the lots of its units, and a refund takes from its end.

use std::collections::BTreeMap;

use weir_model::AccountId;

use super::holds::pays_himself;
use super::{Auditor, Charge, Event, Member, Verdict};
use crate::Amount;
use crate::request::{EventCommand, Gift, MemberCommand, Terms};
use crate::row::{At, ChargeId, EventState, Id, MemberId};

impl Auditor {
    pub(super) fn pay(
        &mut self,
        id: ChargeId,
        terms: &Terms,
        units: u64,
        at: At,
    ) -> Option<Verdict> {
        if units > terms.cap.units() || self.charges.contains_key(&id) || pays_himself(terms) {
            return None;
        }
        let paid = self.spend(terms.payer, usize::try_from(units).ok()?, at)?;
        self.note(id, Charge::paid(terms, paid));
        Some(Verdict::Moves(units))
    }

    /// From the end of what was paid; of a lot in dispute nothing, of a lost one what is not lost.
    pub(super) fn refund(&mut self, id: ChargeId, amount: Option<Amount>) -> Option<Verdict> {
        let charge = self.charges.get_mut(&id)?;
        let units = amount.map_or(charge.paid.len() as u64, Amount::units);
        if units == 0 {
            return None;
        }
        let mut kept: BTreeMap<Id, u64> = BTreeMap::new();
        for lot in &charge.paid {
            let one = self.lots.get(lot)?;
            kept.insert(*lot, if one.reviews > 0 { u64::MAX } else { one.lost });
        }
        let (mut back, mut stays) = (Vec::new(), Vec::new());
        for lot in charge.paid.iter().rev() {
            let kept = kept.get_mut(lot)?;
            if *kept > 0 || back.len() as u64 == units {
                *kept = kept.saturating_sub(1);
                stays.push(*lot);
            } else {
                back.push(*lot);
            }
        }
        if (back.len() as u64) < units {
            return None;
        }
        stays.reverse();
        charge.paid = stays;
        let is_all = charge.paid.is_empty();
        if let Some(event) = charge.waits.filter(|_| is_all) {
            self.events.get_mut(&event)?.sold -= 1;
        }
        if let ChargeId::Period { member, number } = id
            && let Some(known) = self.members.get_mut(&member)
            && is_all
            && (known.periods, known.until) == (number, known.newest.1)
        {
            (known.until, known.newest.1) = (known.newest.0, known.newest.0);
        }
        self.give_back(back);
        Some(Verdict::Moves(units))
    }

    pub(super) fn event(&mut self, command: &EventCommand, id: Id, at: At) -> Option<Verdict> {
        match command {
            EventCommand::Open { price, capacity, split } => {
                let (split, state) = (split.clone(), EventState::Open);
                let (price, capacity) = (price.units(), *capacity);
                if self.events.contains_key(&id) {
                    return None;
                }
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
        let event = self.events.get(&id)?.clone();
        let bought = self.seats.get(&(id, user)).copied().unwrap_or_default();
        let ticket = |nth| ChargeId::Ticket { event: id, user, nth };
        let has_one = self.charges.get(&ticket(bought)).is_some_and(|one| !one.paid.is_empty());
        let cap = Amount::try_from(event.price).ok()?;
        let terms = Terms { payer: user, cap, split: event.split.clone() };
        let is_full = event.state != EventState::Open || event.sold >= event.capacity;
        if has_one || is_full || pays_himself(&terms) {
            return None;
        }
        let paid = self.spend(user, usize::try_from(event.price).ok()?, at)?;
        let charge = Charge { waits: Some(id), ..Charge::paid(&terms, paid) };
        self.note(ticket(bought + 1), charge);
        self.seats.insert((id, user), bought + 1);
        self.events.get_mut(&id)?.sold += 1;
        Some(Verdict::Moves(event.price))
    }

    /// The first tickets by their ids, as many as one record has.
    fn settle(&mut self, id: Id) -> Option<Verdict> {
        let state = self.events.get(&id)?.state;
        let waits =
            self.charges.iter().filter(|(_, one)| one.waits == Some(id) && !one.paid.is_empty());
        let tickets: Vec<ChargeId> = waits.map(|(ticket, _)| *ticket).take(15).collect();
        if tickets.is_empty() {
            return Some(Verdict::Nothing);
        }
        let mut units = 0;
        for ticket in tickets {
            let charge = self.charges.get_mut(&ticket)?;
            units += charge.paid.len() as u64;
            match state {
                EventState::Open => return None,
                EventState::Delivered => {
                    charge.waits = None;
                    charge.paid.retain(|lot| match self.lots.get_mut(lot) {
                        Some(lot) if lot.lost > 0 => {
                            (lot.lost, self.lost) = (lot.lost - 1, self.lost - 1);
                            false
                        }
                        _ => true,
                    });
                }
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
                let known = self.members.get(member).cloned().unwrap_or_default();
                if *period <= known.periods {
                    return (*period > 1).then_some(Verdict::Nothing);
                }
                if *period != known.periods + 1 {
                    return None;
                }
                let charge = ChargeId::Period { member: *member, number: *period };
                let paid = self.pay(charge, terms, price.units(), at)?;
                let from = known.until.max(at);
                let until = from.plus_ms(*length_ms);
                let newest = (from, until);
                self.members.insert(*member, Member { until, periods: *period, newest });
                Some(paid)
            }
            MemberCommand::Gift(gift) => self.gift(gift, id, at),
        }
    }

    fn gift(&mut self, gift: &Gift, id: Id, at: At) -> Option<Verdict> {
        let mut named = gift.to.clone();
        named.sort_unstable();
        named.dedup();
        let all = named.len() == gift.to.len();
        named.retain(|user| {
            let member = MemberId { user: *user, channel: gift.channel };
            self.members.get(&member).is_none_or(|known| known.until <= at)
        });
        if !all || named.is_empty() || (named.len() < gift.to.len() && !gift.partial) {
            return None;
        }
        let total = gift.price.units() * named.len() as u64;
        let paid = self.pay(ChargeId::Gift(id), &gift.terms, total, at)?;
        for user in named {
            let member = MemberId { user, channel: gift.channel };
            self.members.entry(member).or_default().until = at.plus_ms(gift.length_ms);
        }
        Some(paid)
    }
}
