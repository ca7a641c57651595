//! What providers say, in any order, and what they are told.

use super::Workload;
use crate::request::{Command, Provider, ProviderCommand, PspRef};
use crate::row::{At, DisputeState, Id, News, Notice, Telling};

/// Payments that a provider speaks of, whether they were told already or not.
const PAYMENTS: u64 = 12;

impl Workload {
    pub(super) fn outside(&mut self) -> Command {
        let payout = self.newest_payout();
        Command::Provider(match self.dice.below(24) {
            0..=2 => ProviderCommand::Tell { payout, nth: self.nth() },
            3..=5 => {
                let state = self.telling_state();
                ProviderCommand::Told { payout, nth: self.nth(), state }
            }
            6 => {
                let event = self.dice.pick(&self.notices).copied().unwrap_or(9);
                ProviderCommand::PutAside { event }
            }
            _ => self.notice(payout),
        })
    }

    /// A provider is told of a payout and answers. What is to be asked first comes last.
    pub(super) fn telling(&mut self, payout: Id) -> Vec<Command> {
        let state = self.telling_state();
        let all = [
            ProviderCommand::Told { payout, nth: 1, state },
            ProviderCommand::Tell { payout, nth: 1 },
        ];
        all.map(Command::Provider).into()
    }

    fn telling_state(&mut self) -> Telling {
        match self.dice.below(3) {
            0 => Telling::Sent,
            1 => Telling::Tried,
            _ => Telling::Failed("no answer".into()),
        }
    }

    fn nth(&mut self) -> u32 {
        match self.dice.below(3) {
            0 => u32::try_from(self.dice.below(4)).unwrap_or_default(),
            _ => 1,
        }
    }

    fn newest_payout(&mut self) -> Id {
        let most = if self.dice.below(2) == 0 { 1 } else { 4 };
        let newest = self.payouts.len().saturating_sub(most);
        self.dice.pick(self.payouts.get(newest..).unwrap_or_default()).copied().unwrap_or(9)
    }

    fn notice(&mut self, payout: Id) -> ProviderCommand {
        let (event, provider) = (self.new_id(), self.provider());
        let news = self.news(payout, provider);
        let created = At(self.now.0.saturating_sub(self.dice.below(10_000_000)));
        self.notices.push(event);
        match PspRef::try_from(format!("evt_{event}")) {
            Ok(name) => ProviderCommand::Hear(Notice { event, provider, name, created, news }),
            // It is a name.
            Err(_) => ProviderCommand::PutAside { event },
        }
    }

    fn news(&mut self, payout: Id, provider: Provider) -> News {
        // Of each provider its own, and a new set now and then.
        let set = Id::from(self.last_id as u64 / 400);
        let payment =
            (1 << 100) + (provider.of() << 16) + (set << 8) + Id::from(self.dice.below(PAYMENTS));
        let dispute = (1 << 101) + payment;
        let (amount, fee) = (self.amount(60), self.dice.below(5));
        match self.dice.below(9) {
            0 | 1 => {
                self.lots.push(payment);
                self.paid.push((payment, provider));
                News::Paid { payment, user: self.user(), amount }
            }
            2 | 3 => News::Settled { payment, amount, fee },
            4 => News::Disputed { dispute, payment, amount, fee },
            5 => {
                let won = self.dice.below(2) == 0;
                let state = if won { DisputeState::Won } else { DisputeState::Lost };
                if self.dice.below(4) == 0 {
                    self.disputes.push(dispute);
                }
                News::DisputeEnded { dispute, state }
            }
            6 => News::PayoutEnded { payout, state: self.payout_state() },
            7 => {
                let repayment = self.dice.pick(&self.repayments).copied().unwrap_or(9);
                News::RefundEnded { repayment, state: self.payout_state() }
            }
            _ => News::Holds { pending: 1, available: -1 },
        }
    }
}
