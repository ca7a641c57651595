//! Requests as many people would make them, from a seed: for tests that ask whether money stays right.
//!
//! Amounts are small, people few and mistakes frequent, so that wallets run empty, the last unit is fought for, and
//! what was asked before is asked again, in the same words or in others.

use weir_model::AccountId;

use crate::request::{
    Command, DisputeCommand, EventCommand, IncomeCommand, MemberCommand, PaymentCommand,
    PayoutCommand, Provider, Refs, Request, Terms,
};
use crate::row::{At, ChargeId, Id};

mod commands;
mod provider;

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
    is_founded: bool,
    charges: Vec<ChargeId>,
    sessions: Vec<Session>,
    lots: Vec<Id>,
    /// Those that somebody paid, and by whom the money came.
    paid: Vec<(Id, Provider)>,
    events: Vec<Id>,
    payouts: Vec<Id>,
    repayments: Vec<Id>,
    disputes: Vec<Id>,
    /// What providers said.
    notices: Vec<Id>,
    /// What is asked next: a payout is told of soon.
    next: Vec<Command>,
    before: Vec<Request>,
}

#[derive(Debug, Clone)]
struct Session {
    id: Id,
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
            is_founded: false,
            charges: Vec::new(),
            sessions: Vec::new(),
            lots: Vec::new(),
            paid: Vec::new(),
            events: Vec::new(),
            payouts: Vec::new(),
            repayments: Vec::new(),
            disputes: Vec::new(),
            notices: Vec::new(),
            next: Vec::new(),
            before: Vec::new(),
        }
    }

    /// The next request, and when it is made. The first founds the ledger. Clocks jump now and then, also back.
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
        match kind {
            0 if request.id != 0 => request.reason.push('!'),
            // Somebody else's request has the same id.
            1 if request.id != 0 => request.by = AccountId(1 + self.dice.below(USERS)),
            _ => {}
        }
        Some(request)
    }

    fn fresh(&mut self) -> Request {
        let next = self.next.pop();
        let command = match self.dice.below(47) {
            _ if !self.is_founded => self.found(),
            _ if next.is_some() => next.unwrap_or_else(|| self.outside()),
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
            33..=35 => self.payout(),
            36 => self.settle(),
            37..=39 => self.dispute(),
            40..=44 => self.outside(),
            _ => self.control(),
        };
        let id = if command.is_repeatable() { 0 } else { self.new_id() };
        self.remember(&command, id);
        let by = AccountId(1 + self.dice.below(USERS));
        Request { id, by, reason: "test".into(), refs: Refs::default(), command }
    }

    /// What later requests may be about.
    fn remember(&mut self, command: &Command, id: Id) {
        match command {
            Command::Income(IncomeCommand::TopUp { provider, .. }) => {
                self.lots.push(id);
                self.paid.push((id, *provider));
            }
            Command::Income(IncomeCommand::Grant { .. }) => self.lots.push(id),
            Command::Payment(PaymentCommand::Tip { .. }) => self.charges.push(ChargeId::Tip(id)),
            Command::Member(MemberCommand::Gift(_)) => self.charges.push(ChargeId::Gift(id)),
            Command::Event(EventCommand::Open { .. }) => self.events.push(id),
            Command::Event(EventCommand::Buy { event, user }) => {
                let nth = 1 + u32::from(self.dice.below(4) == 0);
                self.charges.push(ChargeId::Ticket { event: *event, user: *user, nth });
            }
            Command::Member(MemberCommand::Subscribe { member, period, .. }) => {
                self.charges.push(ChargeId::Period { member: *member, number: *period });
            }
            Command::Dispute(DisputeCommand::Open { dispute, .. }) => self.disputes.push(*dispute),
            Command::Payout(PayoutCommand::Request { .. }) => {
                self.payouts.push(id);
                self.next = self.telling(id);
            }
            Command::Payout(PayoutCommand::PayBack { .. }) => self.repayments.push(id),
            _ => {}
        }
    }
}
