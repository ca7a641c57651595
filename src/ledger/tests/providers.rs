//! INV-22: a payment provider that keeps its own book, and the ledger's accounts of what it holds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::REQUESTS;
use super::judged::run;
use crate::account::{Account, Kind};
use crate::request::{Command, DisputeCommand, IncomeCommand, PayoutCommand, Provider};
use crate::row::{DisputeState, Id, PayoutState};
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
            Command::Dispute(DisputeCommand::End { dispute, state: DisputeState::Won }) => {
                let (provider, units) = self.disputes[&dispute];
                *self.available.entry(provider).or_default() += units;
            }
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
            if made {
                book.note(request.id, &request.command);
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
