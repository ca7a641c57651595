//! One request of each sort.

use weir_model::AccountId;

use super::{CREATORS, Session, USERS, Workload};
use crate::account::{Account, Kind, Standing};
use crate::request::{
    Command, ControlCommand, Correction, DisputeCommand, EventCommand, Gift, HoldCommand,
    IncomeCommand, MemberCommand, PaymentCommand, PayoutCommand, Provider, Terms,
};
use crate::row::{
    At, ChargeId, DisputeState, EventState, Founding, HoldId, Id, MemberId, PayoutState, Policy,
    RULES,
};
use crate::split::{Recipient, Share, Split};
use crate::{Amount, Currency};

const HOUR_US: u64 = 3_600_000_000;

impl Workload {
    pub(super) fn new_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    /// Who pays; now and then somebody who earns.
    pub(super) fn user(&mut self) -> AccountId {
        match self.dice.below(30) {
            0 => self.creator(),
            _ => AccountId(1 + self.dice.below(USERS)),
        }
    }

    pub(super) fn creator(&mut self) -> AccountId {
        AccountId(101 + self.dice.below(CREATORS))
    }

    pub(super) fn amount(&mut self, most: u64) -> Amount {
        let units = 1 + self.dice.below(most);
        // From 1 to `most`, which is far below the largest amount.
        Amount::try_from(units).unwrap_or(Amount::MAX)
    }

    fn split(&mut self) -> Split {
        let creator = self.creator();
        let share = |to, bps| Share { to, bps };
        let mut shares = Vec::new();
        for (to, most) in [
            (Recipient::Platform, 4_000),
            (Recipient::Creator(AccountId(201)), 3_000),
            (Recipient::Creator(AccountId(202)), 3_000),
        ] {
            if self.dice.below(3) > 0 {
                shares.push(share(to, u32::try_from(self.dice.below(most)).unwrap_or_default()));
            }
        }
        let residual = Recipient::Creator(creator);
        Split::new(shares, residual).unwrap_or_else(|_| Split::all_to(residual))
    }

    fn terms(&mut self) -> Terms {
        Terms { payer: self.user(), cap: self.amount(400), split: self.split() }
    }

    pub(super) fn top_up(&mut self) -> Command {
        let provider = self.provider();
        Command::Income(IncomeCommand::TopUp {
            user: self.user(),
            amount: self.amount(120),
            provider,
        })
    }

    pub(super) fn grant(&mut self) -> Command {
        let ends = self.dice.below(3) > 0;
        // Sometimes at once, which is too late.
        let life = self.dice.below(10).min(1) * self.dice.below(40 * HOUR_US);
        let expires_at = ends.then_some(At(self.now.0 + life));
        Command::Income(IncomeCommand::Grant {
            user: self.user(),
            amount: self.amount(40),
            expires_at,
        })
    }

    pub(super) fn reserve(&mut self) -> Command {
        if self.sessions.is_empty() || self.dice.below(3) == 0 {
            let (id, terms) = (self.new_id(), self.terms());
            self.charges.push(ChargeId::Session(id));
            self.sessions.push(Session { id, terms, blocks: 0, epoch: 1, taken: 0 });
        }
        let (amount, lives_ms) = (self.amount(60), 1 + self.dice.below(60_000));
        let (skips, moves) = (self.dice.below(20) == 0, self.dice.below(10) == 0);
        let session = self.session();
        session.epoch += u64::from(moves);
        session.blocks += 1 + u32::from(skips);
        session.taken = 0;
        let hold = HoldId { session: session.id, block: session.blocks };
        let (terms, epoch) = (session.terms.clone(), session.epoch);
        if skips {
            session.blocks -= 2;
        }
        Command::Hold(HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch })
    }

    fn session(&mut self) -> &mut Session {
        if self.sessions.is_empty() {
            let terms = self.terms();
            self.sessions.push(Session { id: 0, terms, blocks: 0, epoch: 1, taken: 0 });
        }
        let newest = self.sessions.len().saturating_sub(4) as u64;
        let at = newest + self.dice.below(self.sessions.len() as u64 - newest);
        let last = self.sessions.len() - 1;
        &mut self.sessions[usize::try_from(at).unwrap_or(last).min(last)]
    }

    pub(super) fn capture(&mut self) -> Command {
        let (hold, total, epoch) = self.progress();
        Command::Hold(HoldCommand::Capture { hold, total, epoch })
    }

    pub(super) fn close(&mut self) -> Command {
        let (hold, total, epoch) = self.progress();
        let ends = self.dice.below(3) == 0;
        Command::Hold(HoldCommand::Close { hold, total, epoch, ends })
    }

    fn progress(&mut self) -> (HoldId, u64, u64) {
        let (step, late, old) =
            (self.dice.below(12), self.dice.below(8) == 0, self.dice.below(12) == 0);
        let session = self.session();
        session.taken += step;
        let block = session.blocks.saturating_sub(u32::from(late));
        let epoch = session.epoch.saturating_sub(u64::from(old));
        (HoldId { session: session.id, block }, session.taken, epoch)
    }

    pub(super) fn expire(&mut self) -> Command {
        match self.dice.below(2) {
            0 => Command::Income(IncomeCommand::Expire { lot: self.lot() }),
            _ => Command::Hold(HoldCommand::Expire { hold: self.progress().0 }),
        }
    }

    fn lot(&mut self) -> Id {
        self.dice.pick(&self.lots).copied().unwrap_or(9)
    }

    /// One of the newest payments, nearly always with its own provider.
    fn paid(&mut self) -> (Id, Provider) {
        let newest = self.paid.len().saturating_sub(8);
        let paid = self.dice.pick(self.paid.get(newest..).unwrap_or_default()).copied();
        match paid.filter(|_| self.dice.below(6) > 0) {
            Some(paid) => paid,
            None => (self.lot(), self.provider()),
        }
    }

    pub(super) fn provider(&mut self) -> Provider {
        let name = *self.dice.pick(&["stripe", "manual"]).unwrap_or(&"stripe");
        Provider::named(name).unwrap_or(Provider::MANUAL)
    }

    pub(super) fn tip(&mut self) -> Command {
        Command::Payment(PaymentCommand::Tip { terms: self.terms(), amount: self.amount(50) })
    }

    pub(super) fn refund(&mut self) -> Command {
        let charge = self.dice.pick(&self.charges).copied().unwrap_or(ChargeId::Tip(9));
        let amount = self.amount(40);
        let amount = Some(amount).filter(|amount| amount.units() % 8 > 0);
        Command::Payment(PaymentCommand::Refund { charge, amount })
    }

    pub(super) fn event(&mut self) -> Command {
        let newest = self.events.len().saturating_sub(3);
        let event = self.dice.pick(self.events.get(newest..).unwrap_or_default()).copied();
        let Some(event) = event.filter(|_| self.dice.below(12) > 0) else {
            let capacity = u32::try_from(self.dice.below(5)).unwrap_or_default();
            let (price, split) = (self.amount(30), self.split());
            return Command::Event(EventCommand::Open { price, capacity, split });
        };
        Command::Event(match self.dice.below(10) {
            0 => {
                let state = match self.dice.below(2) {
                    0 => EventState::Delivered,
                    _ => EventState::Cancelled,
                };
                EventCommand::End { event, state }
            }
            1 | 2 => EventCommand::Settle { event },
            _ => EventCommand::Buy { event, user: self.user() },
        })
    }

    fn member(&mut self) -> MemberId {
        MemberId { user: self.user(), channel: Id::from(self.dice.below(2)) }
    }

    pub(super) fn subscribe(&mut self) -> Command {
        let period = u32::try_from(1 + self.dice.below(4)).unwrap_or(1);
        let (member, terms, price) = (self.member(), self.terms(), self.amount(30));
        let length_ms = self.dice.below(300_000);
        Command::Member(MemberCommand::Subscribe { member, period, terms, price, length_ms })
    }

    pub(super) fn gift(&mut self) -> Command {
        let count = 1 + self.dice.below(4);
        let to = (0..count).map(|_| self.user()).collect();
        let (channel, partial) = (self.member().channel, self.dice.below(2) == 0);
        let (terms, price) = (self.terms(), self.amount(10));
        let length_ms = self.dice.below(300_000);
        Command::Member(MemberCommand::Gift(Gift { terms, channel, price, length_ms, to, partial }))
    }

    pub(super) fn payout(&mut self) -> Command {
        let newest = self.payouts.len().saturating_sub(4);
        let payout = self.dice.pick(self.payouts.get(newest..).unwrap_or_default()).copied();
        let Some(payout) = payout.filter(|_| self.dice.below(2) == 0) else {
            let (creator, amount, provider) = (self.creator(), self.amount(20), self.provider());
            return Command::Payout(PayoutCommand::Request { creator, amount, provider });
        };
        let state = self.payout_state();
        Command::Payout(PayoutCommand::End { payout, state })
    }

    pub(super) fn payout_state(&mut self) -> PayoutState {
        match self.dice.below(3) {
            0 => PayoutState::Failed,
            _ => PayoutState::Paid,
        }
    }

    pub(super) fn settle(&mut self) -> Command {
        let amount = self.amount(100);
        Command::Payout(match self.dice.below(4) {
            0 => {
                let (provider, fee) = (self.provider(), self.dice.below(12));
                PayoutCommand::Settle { provider, amount, fee }
            }
            1 | 2 => {
                let (lot, provider) = self.paid();
                PayoutCommand::PayBack { lot, amount, provider }
            }
            _ => {
                let repayment = self.dice.pick(&self.repayments).copied().unwrap_or(9);
                PayoutCommand::EndPayBack { repayment, state: self.payout_state() }
            }
        })
    }

    pub(super) fn dispute(&mut self) -> Command {
        let newest = self.disputes.len().saturating_sub(5);
        let known = self.dice.pick(self.disputes.get(newest..).unwrap_or_default()).copied();
        let dispute = known.unwrap_or(9);
        Command::Dispute(match self.dice.below(6) {
            0 | 1 => {
                let dispute = if self.dice.below(5) > 0 { self.new_id() } else { dispute };
                let ((lot, provider), fee) = (self.paid(), self.dice.below(5));
                let amount = self.amount(120);
                DisputeCommand::Open { dispute, lot, provider, amount, fee }
            }
            2 | 3 => {
                let state = match self.dice.below(3) {
                    0 => DisputeState::Won,
                    _ => DisputeState::Lost,
                };
                DisputeCommand::End { dispute, state }
            }
            _ => DisputeCommand::Recover { dispute },
        })
    }

    pub(super) fn found(&mut self) -> Command {
        let code = if self.is_founded && self.dice.below(2) == 0 { "USD" } else { "EUR" };
        self.is_founded = true;
        match Currency::new(code, 2) {
            Ok(currency) => {
                Command::Control(ControlCommand::Found(Founding { ledger: 1, currency }))
            }
            // Both are currencies.
            Err(_) => self.top_up(),
        }
    }

    pub(super) fn control(&mut self) -> Command {
        let second = self.second();
        Command::Control(match self.dice.below(9) {
            0 => ControlCommand::SetPolicy {
                policy: Policy {
                    rules: RULES,
                    pending_hours: u16::try_from(self.dice.below(48)).unwrap_or_default(),
                    correction_max: self.dice.below(20),
                    claws_back: self.dice.below(4) > 0,
                },
                second,
            },
            1..=3 => ControlCommand::Correct(self.correction()),
            4 => return self.found(),
            _ => self.standing(),
        })
    }

    fn standing(&mut self) -> ControlCommand {
        let standing = match self.dice.below(8) {
            0 => Standing::Frozen,
            1 => Standing::Closed,
            _ => Standing::Open,
        };
        let account = match self.dice.below(6) {
            0 => Account::person(Kind::CreatorPayable, self.creator()),
            1 => Account::single(Kind::PlatformFees),
            _ => Account::wallet(self.user()),
        };
        ControlCommand::SetStanding { account, standing }
    }

    fn second(&mut self) -> Option<AccountId> {
        Some(self.user()).filter(|_| self.dice.below(2) == 0)
    }

    fn correction(&mut self) -> Correction {
        let (wallet, user) = (Account::wallet(self.user()), self.user());
        let writeoff = Account::single(Kind::Writeoff);
        let (debit, credit) = match self.dice.below(6) {
            0 | 1 => (wallet, writeoff),
            2 => (Account::person(Kind::Promo, user), Account::single(Kind::PlatformPromo)),
            3 => (Account::single(Kind::PlatformFees), wallet),
            4 => (Account::person(Kind::CreatorPending, self.creator()), wallet),
            _ => (writeoff, wallet),
        };
        let second = self.second();
        let (corrects, amount) = (self.dice.below(60), self.amount(30));
        Correction { corrects, debit, credit, amount, second }
    }
}
