//! What providers say and are told.

use super::{Auditor, Verdict};
use crate::request::{
    DisputeCommand, IncomeCommand, PayoutCommand, Provider, ProviderCommand, WAITING_EACH_MAX,
};
use crate::row::{At, Id, News, Notice, Origin, PayoutState, Telling};

/// What is known of an event: nothing but that it came, or what it says when it is not counted.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Counted,
    Waits(Notice),
    Stopped,
}

impl Auditor {
    pub(super) fn provider(&mut self, command: &ProviderCommand, at: At) -> Option<Verdict> {
        match command {
            ProviderCommand::Hear(notice) => self.hear(notice, at),
            ProviderCommand::PutAside { event } => {
                let known = self.notices.get_mut(event)?;
                let is_news = !matches!(known, Event::Counted);
                *known = Event::Counted;
                Some(if is_news { Verdict::Moves(0) } else { Verdict::Nothing })
            }
            ProviderCommand::Tell { payout, nth } => self.tell(*payout, *nth),
            ProviderCommand::Told { payout, nth, state } => self.answered(*payout, *nth, state),
        }
    }

    fn hear(&mut self, notice: &Notice, at: At) -> Option<Verdict> {
        if self.notices.contains_key(&notice.event) {
            return Some(Verdict::Nothing);
        }
        let by = match notice.news {
            News::PayoutEnded { payout, .. } => self.payouts.get(&payout)?.provider,
            News::RefundEnded { repayment, .. } => self.repayments.get(&repayment)?.provider,
            _ => notice.provider,
        };
        if by != notice.provider {
            return None;
        }
        if let Some(thing) = self.missing(&notice.news) {
            if self.waiting(thing).len() >= WAITING_EACH_MAX {
                return None;
            }
            self.notices.insert(notice.event, Event::Waits(notice.clone()));
            return Some(Verdict::Moves(0));
        }
        let mut units = self.count(notice, at);
        let mut next = self.waiting(thing(&notice.news));
        while !next.is_empty() {
            let mut after = Vec::new();
            for one in next {
                units += self.count(&one, at);
                if matches!(one.news, News::Disputed { .. }) {
                    after.extend(self.waiting(thing(&one.news)));
                }
            }
            next = after;
        }
        Some(Verdict::Moves(units))
    }

    /// What it is about, when that is not there.
    fn missing(&self, news: &News) -> Option<(bool, Id)> {
        match *news {
            News::Settled { payment, .. } | News::Disputed { payment, .. } => {
                (!self.lots.contains_key(&payment)).then_some((true, payment))
            }
            News::DisputeEnded { dispute, .. } => {
                (!self.disputes.contains_key(&dispute)).then_some((false, dispute))
            }
            _ => None,
        }
    }

    fn waiting(&self, on: (bool, Id)) -> Vec<Notice> {
        let waiting = self.notices.values().filter_map(|event| match event {
            Event::Waits(notice) => Some(notice),
            _ => None,
        });
        let needs = |news: &News| match *news {
            News::Settled { payment, .. } | News::Disputed { payment, .. } => (true, payment),
            News::DisputeEnded { dispute, .. } => (false, dispute),
            _ => (false, 0),
        };
        waiting.filter(|notice| needs(&notice.news) == on).cloned().collect()
    }

    fn count(&mut self, notice: &Notice, at: At) -> u64 {
        let said = self.book(notice, at);
        let event = if said.is_some() { Event::Counted } else { Event::Stopped };
        self.notices.insert(notice.event, event);
        match said {
            Some(Verdict::Moves(units)) => units,
            _ => 0,
        }
    }

    fn book(&mut self, notice: &Notice, at: At) -> Option<Verdict> {
        let provider = notice.provider;
        match notice.news {
            News::Paid { payment, user, amount } => match self.lots.get(&payment) {
                Some(lot) => {
                    let same = (lot.owner, lot.size) == (user, amount.units());
                    let is_it = same && lot.origin == Origin::Paid { provider };
                    is_it.then_some(Verdict::Nothing)
                }
                None => self.income(&IncomeCommand::TopUp { user, amount, provider }, payment, at),
            },
            News::Settled { payment, amount, fee } => {
                let lot = self.lots.get(&payment)?;
                let settled = self.settled.get(&payment).copied().unwrap_or_default();
                let sum = settled + amount.units();
                if lot.origin != (Origin::Paid { provider }) || sum > lot.size {
                    return None;
                }
                let verdict =
                    self.payout(&PayoutCommand::Settle { provider, amount, fee }, 0, true)?;
                self.settled.insert(payment, sum);
                Some(verdict)
            }
            News::Disputed { dispute, payment: lot, amount, fee } => {
                self.dispute(&DisputeCommand::Open { dispute, lot, provider, amount, fee })
            }
            News::DisputeEnded { dispute, state } => {
                self.dispute(&DisputeCommand::End { dispute, state })
            }
            News::PayoutEnded { payout, state } => {
                let before = self.payouts.get(&payout)?.state;
                match is_old(before, state) {
                    true => Some(Verdict::Nothing),
                    false => self.payout(&PayoutCommand::End { payout, state }, 0, true),
                }
            }
            News::RefundEnded { repayment, state } => {
                let before = self.repayments.get(&repayment)?.state;
                let command = PayoutCommand::EndPayBack { repayment, state };
                match is_old(before, state) {
                    true => Some(Verdict::Nothing),
                    false => self.payout(&command, 0, true),
                }
            }
            News::Holds { .. } => Some(Verdict::Nothing),
        }
    }

    fn tell(&mut self, payout: Id, nth: u32) -> Option<Verdict> {
        let one = self.payouts.get(&payout)?;
        if one.provider == Provider::MANUAL {
            return None;
        }
        let told = self.told.get(&payout);
        if told.is_some_and(|(tries, state)| *tries >= nth || *state == Telling::Sent) {
            return Some(Verdict::Nothing);
        }
        let tries = told.map_or(0, |(tries, _)| *tries);
        if one.state != PayoutState::Open || nth != tries + 1 {
            return None;
        }
        self.told.insert(payout, (nth, Telling::Tried));
        Some(Verdict::Moves(0))
    }

    fn answered(&mut self, payout: Id, nth: u32, said: &Telling) -> Option<Verdict> {
        self.payouts.get(&payout)?;
        let (tries, state) = self.told.get_mut(&payout)?;
        if nth == 0 || nth > *tries {
            return None;
        }
        let is_new = match (&*state, said) {
            (Telling::Sent, _) | (_, Telling::Tried) => false,
            (_, Telling::Sent) => true,
            (Telling::Tried, Telling::Failed(_)) => nth == *tries,
            (Telling::Failed(_), Telling::Failed(_)) => false,
        };
        if is_new {
            *state = said.clone();
        }
        Some(if is_new { Verdict::Moves(0) } else { Verdict::Nothing })
    }
}

/// What others may wait for that this brings.
const fn thing(news: &News) -> (bool, Id) {
    match *news {
        News::Paid { payment, .. } => (true, payment),
        News::Disputed { dispute, .. } => (false, dispute),
        _ => (true, 0),
    }
}

/// It came back before it was told that it had arrived.
fn is_old(before: PayoutState, after: PayoutState) -> bool {
    (before, after) == (PayoutState::Failed, PayoutState::Paid)
}
