//! An independent opinion: what accounts must hold, from requests and the ledger's answers alone.
//!
//! The auditor shares no code with what it judges but the split of a sum. It keeps single units in plain lists, which
//! is slow and leaves little to be wrong: a payment is a list of the lots of its units, a refund takes from its end.
//! It says of each request whether it had to succeed, and afterwards what every account must show.

use std::collections::BTreeMap;

use weir_model::AccountId;

use crate::account::{Account, Class, Kind, Standing};
use crate::request::{
    Command, ControlCommand, Correction, DisputeCommand, EventCommand, HoldCommand, IncomeCommand,
    MemberCommand, PaymentCommand, PayoutCommand, Provider, Request, Terms, period_id, ticket_id,
};
use crate::row::{
    At, DisputeState, EventState, HoldId, Id, MemberId, PayoutState, Policy,
};
use crate::split::{Recipient, Split};

/// What an auditor knows.
#[derive(Debug, Clone, Default)]
pub struct Auditor {
    lots: BTreeMap<Id, Lot>,
    holds: BTreeMap<HoldId, Hold>,
    charges: BTreeMap<Id, Charge>,
    standings: BTreeMap<Account, Standing>,
    events: BTreeMap<Id, Event>,
    members: BTreeMap<MemberId, (At, u32)>,
    payouts: BTreeMap<Id, Payout>,
    disputes: BTreeMap<Id, Dispute>,
    came_in: BTreeMap<Provider, i128>,
    at_provider: BTreeMap<Provider, i128>,
    corrected: BTreeMap<Account, i128>,
    given: i128,
    lapsed: i128,
    fees: i128,
    lost: i128,
    policy: Policy,
    records: u64,
    requests: BTreeMap<Id, (Request, Verdict)>,
    born: u64,
}

#[derive(Debug, Clone)]
struct Lot {
    owner: AccountId,
    is_paid: bool,
    ends: Option<At>,
    born: u64,
    size: u64,
    left: u64,
    ended: bool,
    is_disputed: bool,
    is_lost: bool,
}

#[derive(Debug, Clone)]
struct Hold {
    units: Vec<Id>,
    captured: usize,
    ends: At,
    is_open: bool,
}

#[derive(Debug, Clone)]
struct Charge {
    terms: Terms,
    /// The lot of each unit that was paid and not given back.
    paid: Vec<Id>,
    ever: u64,
    blocks: u32,
    epoch: u64,
    is_open: bool,
    /// The event whose money it is still.
    waits: Option<Id>,
}

#[derive(Debug, Clone)]
struct Event {
    price: u64,
    capacity: u32,
    sold: u32,
    split: Split,
    state: EventState,
}

#[derive(Debug, Clone)]
struct Payout {
    creator: AccountId,
    units: u64,
    provider: Provider,
    state: PayoutState,
}

#[derive(Debug, Clone)]
struct Dispute {
    lot: Id,
    provider: Provider,
    state: DisputeState,
}

/// What had to come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It moves or reserves that many units.
    Moves(u64),
    /// It was done before, or there is nothing to do.
    Nothing,
    /// It is refused.
    Refused,
    /// It is refused because its id belongs to other words.
    Mismatch,
    /// It has an effect that the auditor does not count.
    Other,
}

/// The net of an account by sort, for comparison: (what it shows, what is reserved on its debit side).
pub type Expected = BTreeMap<Account, (i128, u128)>;

impl Auditor {
    /// What `request` at ledger time `at` has to bring about. Time is the record's where there is one.
    /// Whether a payout is `made` depends on what has matured, which no request says: the answer is believed.
    pub fn judge(&mut self, request: &Request, at: At, made: bool) -> Verdict {
        if let Some((before, _)) = self.requests.get(&request.id) {
            return if before == request { Verdict::Nothing } else { Verdict::Mismatch };
        }
        let verdict = self.decide(request, at, made).unwrap_or(Verdict::Refused);
        if request.id != 0 {
            self.requests.insert(request.id, (request.clone(), verdict));
        }
        verdict
    }

    fn decide(&mut self, request: &Request, at: At, made: bool) -> Option<Verdict> {
        let id = request.id;
        match &request.command {
            Command::Income(command) => self.income(command, id, at),
            Command::Hold(command) => self.held(command, at),
            Command::Payment(PaymentCommand::Tip { terms, amount }) => {
                self.pay(id, terms, amount.units(), at)
            }
            Command::Payment(PaymentCommand::Refund { charge, amount }) => {
                self.refund(*charge, amount.units())
            }
            Command::Event(command) => self.event(command, id, at),
            Command::Member(command) => self.member(command, id, at),
            Command::Payout(command) => self.payout(command, id, made),
            Command::Dispute(command) => self.dispute(command),
            Command::Control(command) => self.control(command, request, at),
        }
    }

    fn income(&mut self, command: &IncomeCommand, id: Id, at: At) -> Option<Verdict> {
        match *command {
            IncomeCommand::TopUp { user, amount, provider } => {
                *self.came_in.entry(provider).or_default() += i128::from(amount.units());
                self.new_lot(id, user, true, amount.units(), None)
            }
            IncomeCommand::Grant { user, amount, expires_at } => {
                if expires_at.is_some_and(|ends| ends <= at) {
                    return None;
                }
                self.given += i128::from(amount.units());
                self.new_lot(id, user, false, amount.units(), expires_at)
            }
            IncomeCommand::Expire { lot } => self.end_lot(lot, at),
        }
    }

    fn held(&mut self, command: &HoldCommand, at: At) -> Option<Verdict> {
        match command {
            HoldCommand::Reserve { hold, terms, amount, expires_at, epoch } => {
                let size = usize::try_from(amount.units()).ok()?;
                self.reserve(*hold, terms, size, (*expires_at, at), *epoch)
            }
            HoldCommand::Capture { hold, total, epoch } => self.capture(*hold, *total, *epoch, at),
            HoldCommand::Close { hold, total, epoch, ends } => {
                self.close(*hold, *total, *epoch, at, *ends)
            }
            HoldCommand::Expire { hold } => self.end_hold(*hold, at),
        }
    }

    fn new_lot(
        &mut self,
        id: Id,
        owner: AccountId,
        is_paid: bool,
        left: u64,
        ends: Option<At>,
    ) -> Option<Verdict> {
        self.born += 1;
        let (ended, is_disputed, is_lost) = (false, false, false);
        let (born, size) = (self.born, left);
        let lot = Lot { owner, is_paid, ends, born, size, left, ended, is_disputed, is_lost };
        self.lots.insert(id, lot);
        Some(Verdict::Moves(left))
    }

    fn end_lot(&mut self, id: Id, at: At) -> Option<Verdict> {
        let lot = self.lots.get_mut(&id)?;
        if lot.ended {
            return Some(Verdict::Nothing);
        }
        lot.ends.filter(|ends| *ends <= at)?;
        let gone = std::mem::take(&mut lot.left);
        (lot.ended, self.lapsed) = (true, self.lapsed + i128::from(gone));
        Some(Verdict::Moves(gone))
    }

    /// Takes single units, the best lot first, or none when they do not suffice.
    fn spend(&mut self, user: AccountId, count: usize, at: At) -> Option<Vec<Id>> {
        self.spend_of(user, count, at, |_| true)
    }

    fn spend_of(
        &mut self,
        user: AccountId,
        count: usize,
        at: At,
        fits: impl Fn(&Lot) -> bool,
    ) -> Option<Vec<Id>> {
        let standing = self.standings.get(&Account::wallet(user)).copied().unwrap_or_default();
        let mut good: Vec<(bool, u64, u64, Id)> = self
            .lots
            .iter()
            .filter(|(_, lot)| lot.owner == user && lot.left > 0 && fits(lot))
            .filter(|(_, lot)| !lot.ended && !lot.is_disputed && !lot.is_lost)
            .filter(|(_, lot)| lot.ends.is_none_or(|ends| ends > at))
            .map(|(id, lot)| {
                let ends = lot.ends.map_or(u64::MAX, |ends| ends.0);
                (lot.is_paid, if lot.is_paid { 0 } else { ends }, if lot.is_paid { lot.born } else { 0 }, *id)
            })
            .collect();
        good.sort_unstable();
        let units: Vec<Id> = good
            .iter()
            .flat_map(|(.., id)| std::iter::repeat_n(*id, usize::try_from(self.lots[id].left).unwrap_or(usize::MAX)))
            .take(count)
            .collect();
        if units.len() < count || standing != Standing::Open {
            return None;
        }
        for id in &units {
            self.lots.get_mut(id)?.left -= 1;
        }
        Some(units)
    }

    fn give_back(&mut self, units: impl IntoIterator<Item = Id>) {
        for id in units {
            match self.lots.get_mut(&id) {
                Some(lot) if lot.is_lost => self.lost -= 1,
                Some(lot) if lot.ended => self.lapsed += 1,
                Some(lot) => lot.left += 1,
                None => {}
            }
        }
    }

    fn reserve(
        &mut self,
        id: HoldId,
        terms: &Terms,
        size: usize,
        (ends, at): (At, At),
        epoch: u64,
    ) -> Option<Verdict> {
        if let Some(hold) = self.holds.get(&id) {
            return (hold.units.len() == size).then_some(Verdict::Nothing);
        }
        let fresh = Charge { is_open: true, ..Charge::paid(terms, Vec::new()) };
        let mut charge = self.charges.get(&id.charge).cloned().unwrap_or(fresh);
        let fits = charge.terms == *terms && charge.is_open && epoch >= charge.epoch;
        if !fits || id.block != charge.blocks + 1 || ends <= at {
            return None;
        }
        let those = self.holds.iter().filter(|(other, _)| other.charge == id.charge);
        let open: usize = those.map(|(_, hold)| hold.rest()).sum();
        let most = terms.cap.units().saturating_sub(charge.ever);
        if size as u64 + open as u64 > most {
            return None;
        }
        let units = self.spend(terms.payer, size, at)?;
        (charge.blocks, charge.epoch) = (id.block, epoch);
        self.charges.insert(id.charge, charge);
        self.holds.insert(id, Hold { units, captured: 0, ends, is_open: true });
        Some(Verdict::Moves(size as u64))
    }

    fn capture(&mut self, id: HoldId, total: u64, epoch: u64, at: At) -> Option<Verdict> {
        let (charge, hold) = (self.charges.get_mut(&id.charge)?, self.holds.get_mut(&id)?);
        if epoch < charge.epoch {
            return None;
        }
        let total = usize::try_from(total).ok()?;
        if total <= hold.captured {
            return Some(Verdict::Nothing);
        }
        if !hold.is_open || hold.ends <= at || total > hold.units.len() {
            return None;
        }
        let new = &hold.units[hold.captured..total];
        let count = new.len() as u64;
        charge.paid.extend_from_slice(new);
        (charge.ever, charge.epoch, hold.captured) = (charge.ever + count, epoch, total);
        Some(Verdict::Moves(count))
    }

    fn close(&mut self, id: HoldId, total: u64, epoch: u64, at: At, ends: bool) -> Option<Verdict> {
        let taken = self.capture(id, total, epoch, at)?;
        let charge = self.charges.get_mut(&id.charge)?;
        charge.epoch = epoch;
        let ended = ends && charge.is_open;
        charge.is_open &= !ends;
        let hold = self.holds.get_mut(&id)?;
        let was_open = std::mem::replace(&mut hold.is_open, false);
        let rest: Vec<Id> = if was_open { hold.units[hold.captured..].to_vec() } else { Vec::new() };
        self.give_back(rest);
        Some(match taken {
            Verdict::Nothing if was_open || ended => Verdict::Moves(0),
            other => other,
        })
    }

    fn end_hold(&mut self, id: HoldId, at: At) -> Option<Verdict> {
        self.charges.get(&id.charge)?;
        let hold = self.holds.get_mut(&id)?;
        if !hold.is_open {
            return Some(Verdict::Nothing);
        }
        if hold.ends > at {
            return None;
        }
        hold.is_open = false;
        let rest = hold.units[hold.captured..].to_vec();
        let count = rest.len() as u64;
        self.give_back(rest);
        Some(Verdict::Moves(count))
    }

    fn pay(&mut self, id: Id, terms: &Terms, units: u64, at: At) -> Option<Verdict> {
        if units > terms.cap.units() || self.charges.contains_key(&id) {
            return None;
        }
        let paid = self.spend(terms.payer, usize::try_from(units).ok()?, at)?;
        self.charges.insert(id, Charge::paid(terms, paid));
        Some(Verdict::Moves(units))
    }

    fn refund(&mut self, id: Id, units: u64) -> Option<Verdict> {
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

    fn event(&mut self, command: &EventCommand, id: Id, at: At) -> Option<Verdict> {
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
        let waits = self.charges.iter().filter(|(_, one)| one.waits == Some(id) && !one.paid.is_empty());
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

    fn member(&mut self, command: &MemberCommand, id: Id, at: At) -> Option<Verdict> {
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

    fn payout(&mut self, command: &PayoutCommand, id: Id, made: bool) -> Option<Verdict> {
        match *command {
            PayoutCommand::Mature { .. } => Some(Verdict::Other),
            PayoutCommand::Request { creator, amount, provider } => {
                if made {
                    let (units, state) = (amount.units(), PayoutState::Open);
                    self.payouts.insert(id, Payout { creator, units, provider, state });
                }
                Some(Verdict::Other)
            }
            PayoutCommand::End { payout, state } => {
                let payout = self.payouts.get_mut(&payout)?;
                if payout.state == state {
                    return Some(Verdict::Nothing);
                }
                if payout.state != PayoutState::Open {
                    return None;
                }
                payout.state = state;
                if state == PayoutState::Paid {
                    let at_provider = self.at_provider.entry(payout.provider).or_default();
                    *at_provider -= i128::from(payout.units);
                }
                Some(Verdict::Moves(payout.units))
            }
            PayoutCommand::Settle { provider, amount, fee } => {
                let rest = amount.units().checked_sub(fee)?;
                *self.came_in.entry(provider).or_default() -= i128::from(amount.units());
                *self.at_provider.entry(provider).or_default() += i128::from(rest);
                self.fees += i128::from(fee);
                Some(Verdict::Moves(amount.units()))
            }
            PayoutCommand::PayBack { lot, amount, provider } => {
                let lot = self.lots.get_mut(&lot)?;
                let wallet = Account::wallet(lot.owner);
                let standing = self.standings.get(&wallet).copied().unwrap_or_default();
                if !lot.is_paid || lot.is_disputed || lot.is_lost || standing != Standing::Open {
                    return None;
                }
                lot.left = lot.left.checked_sub(amount.units())?;
                *self.at_provider.entry(provider).or_default() -= i128::from(amount.units());
                Some(Verdict::Moves(amount.units()))
            }
        }
    }

    fn dispute(&mut self, command: &DisputeCommand) -> Option<Verdict> {
        match *command {
            DisputeCommand::Open { dispute, lot, provider, fee } => {
                if let Some(known) = self.disputes.get(&dispute) {
                    return (known.lot == lot).then_some(Verdict::Nothing);
                }
                let one = self.lots.get_mut(&lot)?;
                if !one.is_paid || one.is_disputed || one.is_lost {
                    return None;
                }
                one.is_disputed = true;
                let taken = i128::from(one.size) + i128::from(fee);
                *self.at_provider.entry(provider).or_default() -= taken;
                self.fees += i128::from(fee);
                let state = DisputeState::Open;
                self.disputes.insert(dispute, Dispute { lot, provider, state });
                Some(Verdict::Moves(self.lots.get(&lot)?.size))
            }
            DisputeCommand::End { dispute, state } => {
                let known = self.disputes.get_mut(&dispute)?;
                if known.state == state {
                    return Some(Verdict::Nothing);
                }
                if known.state != DisputeState::Open || state == DisputeState::Open {
                    return None;
                }
                known.state = state;
                let (id, provider) = (known.lot, known.provider);
                let lot = self.lots.get_mut(&id)?;
                (lot.is_disputed, lot.is_lost) = (false, state == DisputeState::Lost);
                let size = i128::from(lot.size);
                if state == DisputeState::Won {
                    *self.at_provider.entry(provider).or_default() += size;
                } else {
                    let left = std::mem::take(&mut lot.left);
                    self.lost += size - i128::from(left) - self.claw_back(id);
                }
                Some(Verdict::Moves(size.unsigned_abs().try_into().unwrap_or(u64::MAX)))
            }
        }
    }

    /// From the first payments by their ids, as many as one record has.
    fn claw_back(&mut self, lot: Id) -> i128 {
        if !self.policy.claws_back {
            return 0;
        }
        let with = self.charges.values_mut().filter(|charge| charge.paid.contains(&lot));
        let mut clawed = 0;
        for charge in with.take(3).filter(|charge| charge.waits.is_none()) {
            let before = charge.paid.len();
            charge.paid.retain(|unit| *unit != lot);
            clawed += (before - charge.paid.len()) as i128;
        }
        clawed
    }

    fn control(&mut self, command: &ControlCommand, request: &Request, at: At) -> Option<Verdict> {
        match command {
            ControlCommand::SetStanding { account, standing } => {
                self.standings.insert(*account, *standing);
                Some(Verdict::Other)
            }
            ControlCommand::SetPolicy { policy } => {
                self.policy = *policy;
                Some(Verdict::Other)
            }
            ControlCommand::Correct(correction) => self.correct(correction, request, at),
        }
    }

    /// Between a wallet or an account that stands for nothing else, on either side.
    fn correct(&mut self, correction: &Correction, request: &Request, at: At) -> Option<Verdict> {
        let Correction { corrects, debit, credit, amount, second } = *correction;
        let units = amount.units();
        let approved = second.is_some_and(|second| second != request.by);
        let exists = (1..=self.records).contains(&corrects);
        if !exists || (units > self.policy.correction_max && !approved) {
            return None;
        }
        if debit.kind == Kind::Wallet {
            let user = AccountId(u64::try_from(debit.of).ok()?);
            self.spend_of(user, usize::try_from(units).ok()?, at, |lot| lot.is_paid)?;
        } else {
            *self.corrected.entry(debit).or_default() += sign(debit, units);
        }
        if credit.kind == Kind::Wallet {
            let user = AccountId(u64::try_from(credit.of).ok()?);
            self.new_lot(request.id, user, true, units, None);
        } else {
            *self.corrected.entry(credit).or_default() -= sign(credit, units);
        }
        Some(Verdict::Moves(units))
    }

    /// A record was made.
    pub const fn recorded(&mut self) {
        self.records += 1;
    }

    /// What every account must show. What a creator earned is one sum over pending, payable and debt, because the time
    /// at which it moves between them is no matter of requests: it is told under [`Kind::CreatorPending`].
    #[must_use]
    pub fn expected(&self) -> Expected {
        let mut all = Expected::new();
        let mut add = |account: Account, net: i128| all.entry(account).or_default().0 += net;
        for (provider, sum) in &self.came_in {
            add(Account { kind: Kind::PspPending, of: provider.of() }, *sum);
        }
        for (provider, sum) in &self.at_provider {
            add(Account { kind: Kind::PspAvailable, of: provider.of() }, *sum);
        }
        self.corrected.iter().for_each(|(account, sum)| add(*account, *sum));
        add(Account::single(Kind::PlatformPromo), self.given);
        add(Account::single(Kind::PlatformBreakage), self.lapsed);
        add(Account::single(Kind::PspFees), self.fees);
        add(Account::single(Kind::ChargebackLoss), self.lost);
        for dispute in self.disputes.values().filter(|one| one.state == DisputeState::Open) {
            let units = self.lots.get(&dispute.lot).map_or(0, |lot| lot.size);
            add(Account::single(Kind::DisputesInReview), i128::from(units));
        }
        for (id, lot) in &self.lots {
            add(lot.account(*id), i128::from(lot.left));
        }
        for charge in self.charges.values() {
            if let Some(event) = charge.waits {
                let escrow = Account { kind: Kind::EscrowEvent, of: event };
                add(escrow, i128::from(charge.paid.len() as u64));
                continue;
            }
            let split: &Split = &charge.terms.split;
            for (to, units) in split.of(charge.paid.len() as u64) {
                add(earned(to), i128::from(units));
            }
        }
        for payout in self.payouts.values() {
            let account = Account::person(Kind::CreatorPending, payout.creator);
            let entry = all.entry(account).or_default();
            match payout.state {
                PayoutState::Open => entry.1 += u128::from(payout.units),
                PayoutState::Paid => entry.0 -= i128::from(payout.units),
                PayoutState::Failed => {}
            }
        }
        for hold in self.holds.values() {
            for id in hold.units.iter().skip(hold.captured).filter(|_| hold.is_open) {
                let Some(lot) = self.lots.get(id) else { continue };
                let entry = all.entry(lot.account(*id)).or_default();
                *entry = (entry.0 + 1, entry.1 + 1);
            }
        }
        all.retain(|_, (net, pending)| (*net, *pending) != (0, 0));
        all
    }
}

impl Charge {
    /// Paid at once.
    fn paid(terms: &Terms, paid: Vec<Id>) -> Self {
        let ever = paid.len() as u64;
        let (terms, waits) = (terms.clone(), None);
        Self { terms, paid, ever, blocks: 0, epoch: 0, is_open: false, waits }
    }
}

/// By how much a debit of `units` changes what an account shows.
fn sign(account: Account, units: u64) -> i128 {
    match account.kind.class() {
        Class::Assets | Class::Expenses => i128::from(units),
        Class::Liabilities | Class::Income => -i128::from(units),
    }
}

impl Lot {
    fn account(&self, id: Id) -> Account {
        match self.is_paid {
            true => Account::wallet(self.owner),
            false => Account { kind: Kind::Promo, of: id },
        }
    }
}

impl Hold {
    fn rest(&self) -> usize {
        if self.is_open { self.units.len() - self.captured } else { 0 }
    }
}

/// Where the auditor expects what a recipient earned.
#[must_use]
pub fn earned(to: Recipient) -> Account {
    match to {
        Recipient::Platform => Account::single(Kind::PlatformFees),
        Recipient::Creator(creator) => Account::person(Kind::CreatorPending, creator),
    }
}
