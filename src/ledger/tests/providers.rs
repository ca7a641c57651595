//! INV-22: a payment provider that keeps its own book, and the ledger's accounts of what it holds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::REQUESTS;
use super::judged::run;
use crate::Request;
use crate::account::{Account, Kind};
use crate::record::Record;
use crate::request::{
    Command, DisputeCommand, IncomeCommand, PayoutCommand, Provider, ProviderCommand,
};
use crate::row::{DisputeState, Heard, Id, News, Notice, PayoutState, Row};
use crate::state::Done;

/// What each provider says that it holds.
#[derive(Default)]
struct Book {
    /// Paid by customers, not ours to take out yet.
    pending: BTreeMap<Provider, i128>,
    /// Ours to take out.
    available: BTreeMap<Provider, i128>,
    /// Money on its way out: by whom, how much.
    leaving: BTreeMap<Id, (Provider, i128)>,
    /// What left that way.
    left: BTreeMap<Id, bool>,
    disputes: BTreeMap<Id, (Provider, i128)>,
    /// Payments that it told of.
    paid: BTreeSet<Id>,
    /// Disputes that it said are over.
    over: BTreeSet<Id>,
    /// What it said that is not counted yet.
    said: BTreeMap<Id, Notice>,
}

impl Book {
    /// Something that the provider did, or was told to do; each of it once.
    fn note(&mut self, id: Id, command: &Command) {
        match *command {
            Command::Income(IncomeCommand::TopUp { amount, provider, .. }) => {
                *self.pending.entry(provider).or_default() += i128::from(amount.units());
            }
            Command::Payout(PayoutCommand::Settle { provider, amount, fee }) => {
                let units = i128::from(amount.units());
                *self.pending.entry(provider).or_default() -= units;
                *self.available.entry(provider).or_default() += units - i128::from(fee);
            }
            Command::Payout(PayoutCommand::Request { amount, provider, .. })
            | Command::Payout(PayoutCommand::PayBack { amount, provider, .. }) => {
                self.leaving.insert(id, (provider, i128::from(amount.units())));
            }
            Command::Payout(PayoutCommand::End { payout: id, state })
            | Command::Payout(PayoutCommand::EndPayBack { repayment: id, state }) => {
                self.ended(id, state);
            }
            Command::Dispute(DisputeCommand::Open { dispute, provider, amount, fee, .. }) => {
                let units = i128::from(amount.units());
                *self.available.entry(provider).or_default() -= units + i128::from(fee);
                self.disputes.insert(dispute, (provider, units));
            }
            Command::Dispute(DisputeCommand::End { dispute, state }) => {
                self.over.insert(dispute);
                if state != DisputeState::Won {
                    return;
                }
                let (provider, units) = self.disputes[&dispute];
                *self.available.entry(provider).or_default() += units;
            }
            _ => {}
        }
    }

    /// What it said is in its book as soon as the ledger counts it, together with what waited for that.
    fn read(&mut self, request: &Request, record: &Record) {
        match &request.command {
            Command::Provider(ProviderCommand::Hear(notice)) => {
                self.said.insert(notice.event, notice.clone());
            }
            _ => return,
        }
        for row in &record.rows {
            if let Row::Heard(event, Heard::Counted) = row {
                let notice = self.said.remove(event).unwrap();
                self.say(&notice);
            }
        }
    }

    fn say(&mut self, notice: &Notice) {
        let provider = notice.provider;
        let command = match notice.news {
            News::Paid { payment, user, amount } if self.paid.insert(payment) => {
                Command::Income(IncomeCommand::TopUp { user, amount, provider })
            }
            News::Settled { amount, fee, .. } => {
                Command::Payout(PayoutCommand::Settle { provider, amount, fee })
            }
            News::Disputed { dispute, payment: lot, amount, fee }
                if !self.disputes.contains_key(&dispute) =>
            {
                Command::Dispute(DisputeCommand::Open { dispute, lot, provider, amount, fee })
            }
            News::DisputeEnded { dispute, state } if self.over.insert(dispute) => {
                Command::Dispute(DisputeCommand::End { dispute, state })
            }
            News::PayoutEnded { payout: id, state }
            | News::RefundEnded { repayment: id, state } => return self.changed(id, state),
            _ => return,
        };
        self.note(notice.event, &command);
    }

    /// What is told twice, or too late, is no change.
    fn changed(&mut self, id: Id, state: PayoutState) {
        match (self.left.get(&id), state) {
            (None, _) | (Some(true), PayoutState::Failed) => self.ended(id, state),
            _ => {}
        }
    }

    fn ended(&mut self, id: Id, state: PayoutState) {
        let (provider, units) = self.leaving[&id];
        let had_left = self.left.insert(id, state == PayoutState::Paid).unwrap_or_default();
        let change = match state {
            PayoutState::Paid => -units,
            PayoutState::Failed if had_left => units,
            PayoutState::Failed | PayoutState::Open => 0,
        };
        *self.available.entry(provider).or_default() += change;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn inv_22_what_a_provider_says_it_holds_is_what_the_ledger_says(seed: u64) {
        let (run, mut book) = (run(seed, REQUESTS), Book::default());
        for (request, done) in &run.answers {
            let made = matches!(done, Done::Recorded(entry) if entry.record.result.is_ok());
            match (done, &request.command) {
                (Done::Recorded(entry), Command::Provider(_)) => book.read(request, &entry.record),
                _ if made => book.note(request.id, &request.command),
                _ => {}
            }
        }
        for (kind, held) in [(Kind::PspPending, book.pending), (Kind::PspAvailable, book.available)] {
            for (provider, units) in held {
                let account = Account { kind, of: provider.of() };
                prop_assert_eq!(run.state.balance(&account).net(kind.class()), units, "{}", account);
            }
        }
    }
}
