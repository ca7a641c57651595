//! Requests as many people would make them, from a seed: for tests that ask whether money stays right.
//!
//! Amounts are small, people few and mistakes frequent, so that wallets run empty, the last unit is fought for, and
//! what was asked before is asked again, in the same words or in others.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind, Standing};
use crate::request::{
    Command, ControlCommand, Correction, DisputeCommand, EventCommand, Gift, HoldCommand,
    IncomeCommand, MemberCommand, PaymentCommand, PayoutCommand, Provider, Request, Terms,
    period_id, ticket_id,
};
use crate::row::{At, DisputeState, EventState, HoldId, Id, MemberId, PayoutState, Policy};
use crate::split::{Recipient, Share, Split};

/// Who pays, and who earns.
const USERS: u64 = 5;
const CREATORS: u64 = 3;
/// Requests that can be asked again.
const REMEMBERED: usize = 64;

/// A source of requests: the same seed gives the same ones.
#[derive(Debug, Clone)]
pub struct Workload {
    dice: Dice,
    now: At,
    last_id: Id,
    charges: Vec<Id>,
    sessions: Vec<Session>,
    lots: Vec<Id>,
    events: Vec<Id>,
    payouts: Vec<Id>,
    before: Vec<Request>,
}

#[derive(Debug, Clone)]
struct Session {
    charge: Id,
    terms: Terms,
    blocks: u32,
    epoch: u64,
    taken: u64,
}

/// Splitmix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or_default();
        from.get(at)
    }
}

impl Workload {
    /// Everything of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            now: At(1_700_000_000_000_000),
            last_id: 0,
            charges: Vec::new(),
            sessions: Vec::new(),
            lots: Vec::new(),
            events: Vec::new(),
            payouts: Vec::new(),
            before: Vec::new(),
        }
    }

    /// The next request, and when it is made. Clocks jump now and then, also back.
    pub fn next_request(&mut self) -> (Request, At) {
        let step = match self.dice.below(50) {
            0 => 3_600_000_000 * self.dice.below(80),
            1 => 0,
            _ => self.dice.below(5_000_000),
        };
        let back = if self.dice.below(40) == 0 { 60_000_000 } else { 0 };
        self.now = At(self.now.0 + step);
        let request = self.again().unwrap_or_else(|| self.fresh());
        if self.before.len() == REMEMBERED {
            let at = usize::try_from(self.dice.below(REMEMBERED as u64)).unwrap_or_default();
            self.before.swap_remove(at);
        }
        self.before.push(request.clone());
        (request, At(self.now.0 - back))
    }

    /// One that was made before, sometimes with the same id and other words.
    fn again(&mut self) -> Option<Request> {
        let kind = self.dice.below(20);
        if kind > 3 {
            return None;
        }
        let mut request = self.dice.pick(&self.before)?.clone();
        if kind == 0 && request.id != 0 {
            request.reason.push('!');
        }
        Some(request)
    }

    fn fresh(&mut self) -> Request {
        let command = match self.dice.below(40) {
            0..=4 => self.top_up(),
            5 | 6 => self.grant(),
            7..=9 => self.reserve(),
            10..=14 => self.capture(),
            15 | 16 => self.close(),
            17 => self.expire(),
            18..=20 => self.tip(),
            21 | 22 => self.refund(),
            23 | 24 => Command::Payout(PayoutCommand::Mature { creator: self.creator() }),
            25..=29 => self.event(),
            30 | 31 => self.subscribe(),
            32 => self.gift(),
            33 | 34 => self.payout(),
            35 => self.settle(),
            36 | 37 => self.dispute(),
            _ => self.control(),
        };
        let id = if command.is_repeatable() { 0 } else { self.new_id() };
        self.remember(&command, id);
        let by = AccountId(1 + self.dice.below(USERS));
        Request { id, by, reason: "test".into(), command }
    }

    /// What later requests may be about.
    fn remember(&mut self, command: &Command, id: Id) {
        match command {
            Command::Income(IncomeCommand::TopUp { .. } | IncomeCommand::Grant { .. }) => {
                self.lots.push(id);
            }
            Command::Payment(PaymentCommand::Tip { .. })
            | Command::Member(MemberCommand::Gift(_)) => self.charges.push(id),
            Command::Event(EventCommand::Open { .. }) => self.events.push(id),
            Command::Event(EventCommand::Buy { event, user }) => {
                self.charges.push(ticket_id(*event, *user));
            }
            Command::Member(MemberCommand::Subscribe { member, period, .. }) => {
                self.charges.push(period_id(*member, *period));
            }
            Command::Payout(PayoutCommand::Request { .. }) => self.payouts.push(id),
            _ => {}
        }
    }

    fn new_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    fn user(&mut self) -> AccountId {
        AccountId(1 + self.dice.below(USERS))
    }

    fn creator(&mut self) -> AccountId {
        AccountId(101 + self.dice.below(CREATORS))
    }

    fn amount(&mut self, most: u64) -> Amount {
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

    fn top_up(&mut self) -> Command {
        let provider = self.provider();
        Command::Income(IncomeCommand::TopUp {
            user: self.user(),
            amount: self.amount(120),
            provider,
        })
    }

    fn grant(&mut self) -> Command {
        let ends = self.dice.below(3) > 0;
        // Sometimes at once, which is too late.
        let life = self.dice.below(10).min(1) * self.dice.below(200_000_000);
        let expires_at = ends.then_some(At(self.now.0 + life));
        Command::Income(IncomeCommand::Grant {
            user: self.user(),
            amount: self.amount(40),
            expires_at,
        })
    }

    fn reserve(&mut self) -> Command {
        if self.sessions.is_empty() || self.dice.below(3) == 0 {
            let (charge, terms) = (self.new_id(), self.terms());
            self.charges.push(charge);
            self.sessions.push(Session { charge, terms, blocks: 0, epoch: 1, taken: 0 });
        }
        let (amount, life) = (self.amount(60), 1 + self.dice.below(60_000_000));
        let (skips, moves) = (self.dice.below(20) == 0, self.dice.below(10) == 0);
        let expires_at = At(self.now.0 + life);
        let session = self.session();
        session.epoch += u64::from(moves);
        session.blocks += 1 + u32::from(skips);
        session.taken = 0;
        let hold = HoldId { charge: session.charge, block: session.blocks };
        let (terms, epoch) = (session.terms.clone(), session.epoch);
        if skips {
            session.blocks -= 2;
        }
        Command::Hold(HoldCommand::Reserve { hold, terms, amount, expires_at, epoch })
    }

    fn session(&mut self) -> &mut Session {
        if self.sessions.is_empty() {
            let terms = self.terms();
            self.sessions.push(Session { charge: 0, terms, blocks: 0, epoch: 1, taken: 0 });
        }
        let newest = self.sessions.len().saturating_sub(4) as u64;
        let at = newest + self.dice.below(self.sessions.len() as u64 - newest);
        let last = self.sessions.len() - 1;
        &mut self.sessions[usize::try_from(at).unwrap_or(last).min(last)]
    }

    fn capture(&mut self) -> Command {
        let (hold, total, epoch) = self.progress();
        Command::Hold(HoldCommand::Capture { hold, total, epoch })
    }

    fn close(&mut self) -> Command {
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
        (HoldId { charge: session.charge, block }, session.taken, epoch)
    }

    fn expire(&mut self) -> Command {
        match self.dice.below(2) {
            0 => Command::Income(IncomeCommand::Expire { lot: self.lot() }),
            _ => Command::Hold(HoldCommand::Expire { hold: self.progress().0 }),
        }
    }

    fn lot(&mut self) -> Id {
        self.dice.pick(&self.lots).copied().unwrap_or(9)
    }

    fn provider(&mut self) -> Provider {
        let name = *self.dice.pick(&["stripe", "manual"]).unwrap_or(&"stripe");
        Provider::named(name).unwrap_or_default()
    }

    fn tip(&mut self) -> Command {
        Command::Payment(PaymentCommand::Tip { terms: self.terms(), amount: self.amount(50) })
    }

    fn refund(&mut self) -> Command {
        let charge = self.dice.pick(&self.charges).copied().unwrap_or(9);
        Command::Payment(PaymentCommand::Refund { charge, amount: self.amount(40) })
    }

    fn event(&mut self) -> Command {
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

    fn subscribe(&mut self) -> Command {
        let period = u32::try_from(1 + self.dice.below(4)).unwrap_or(1);
        let (member, terms, price) = (self.member(), self.terms(), self.amount(30));
        let length_ms = self.dice.below(300_000);
        Command::Member(MemberCommand::Subscribe { member, period, terms, price, length_ms })
    }

    fn gift(&mut self) -> Command {
        let count = 1 + self.dice.below(4);
        let to = (0..count).map(|_| self.user()).collect();
        let (channel, partial) = (self.member().channel, self.dice.below(2) == 0);
        let (terms, price) = (self.terms(), self.amount(10));
        let length_ms = self.dice.below(300_000);
        Command::Member(MemberCommand::Gift(Gift { terms, channel, price, length_ms, to, partial }))
    }

    fn payout(&mut self) -> Command {
        let payout = self.dice.pick(&self.payouts).copied();
        let Some(payout) = payout.filter(|_| self.dice.below(2) == 0) else {
            let (creator, amount, provider) = (self.creator(), self.amount(30), self.provider());
            return Command::Payout(PayoutCommand::Request { creator, amount, provider });
        };
        let state = match self.dice.below(3) {
            0 => PayoutState::Failed,
            _ => PayoutState::Paid,
        };
        Command::Payout(PayoutCommand::End { payout, state })
    }

    fn settle(&mut self) -> Command {
        let (provider, amount) = (self.provider(), self.amount(100));
        Command::Payout(match self.dice.below(2) {
            0 => PayoutCommand::Settle { provider, amount, fee: self.dice.below(12) },
            _ => PayoutCommand::PayBack { lot: self.lot(), amount, provider },
        })
    }

    fn dispute(&mut self) -> Command {
        let dispute = Id::from(self.dice.below(12));
        Command::Dispute(if self.dice.below(2) == 0 {
            let (provider, fee) = (self.provider(), self.dice.below(5));
            DisputeCommand::Open { dispute, lot: self.lot(), provider, fee }
        } else {
            let state = match self.dice.below(2) {
                0 => DisputeState::Won,
                _ => DisputeState::Lost,
            };
            DisputeCommand::End { dispute, state }
        })
    }

    fn control(&mut self) -> Command {
        Command::Control(match self.dice.below(8) {
            0 => ControlCommand::SetPolicy {
                policy: Policy {
                    pending_hours: u16::try_from(self.dice.below(48)).unwrap_or_default(),
                    correction_max: self.dice.below(20),
                    claws_back: self.dice.below(2) == 0,
                },
            },
            1 | 2 => ControlCommand::Correct(self.correction()),
            _ => {
                let standing = match self.dice.below(6) {
                    0 => Standing::Frozen,
                    _ => Standing::Open,
                };
                ControlCommand::SetStanding { account: Account::wallet(self.user()), standing }
            }
        })
    }

    fn correction(&mut self) -> Correction {
        let wallet = Account::wallet(self.user());
        let writeoff = Account::single(Kind::Writeoff);
        let (debit, credit) = match self.dice.below(2) {
            0 => (wallet, writeoff),
            _ => (writeoff, wallet),
        };
        let second = Some(self.user()).filter(|_| self.dice.below(2) == 0);
        let (corrects, amount) = (self.dice.below(60), self.amount(30));
        Correction { corrects, debit, credit, amount, second }
    }
}
