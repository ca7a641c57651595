//! One party of a session that runs here.

use std::collections::VecDeque;

use weir_ledger::meter::{Act, Agreement, Bill, Halt};
use weir_ledger::record::Receipt;
use weir_ledger::request::HoldCommand;
use weir_ledger::request::Terms;
use weir_ledger::row::HoldId;
use weir_ledger::{Amount, Refusal, state};

use super::Deed;
use crate::session::{PartyId, Session, Settled};

/// How a party stands at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Units billed so far.
    pub billed: u64,
    /// Time that both sides had, milliseconds.
    pub delivered_ms: u64,
    /// Why time does not count at the moment.
    pub paused: Option<Halt>,
    /// What was left, in seconds, when the party was last warned of it.
    pub left_s: Option<u32>,
}

/// A wish of the bill that waits for the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Reserve { block: u32, amount: Amount, lives_ms: u64 },
    Capture { block: u32, total: u64 },
    Close { block: u32, total: u64, ends: bool },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Seat {
    /// None until the ledger said what it has of it.
    bill: Option<Bill>,
    /// A block was reserved at some time.
    has_begun: bool,
    wanted: VecDeque<Wanted>,
    asking: Option<Wanted>,
    /// Why the bill ended.
    ended: Option<Halt>,
    /// What the ledger took, told after everything was asked.
    taken: Option<u64>,
    paused: Option<Halt>,
    left_s: Option<u32>,
}

impl Seat {
    pub(super) fn sent(&mut self, now_ms: u64) {
        if let Some(bill) = &mut self.bill {
            bill.sent(now_ms);
        }
    }

    pub(super) fn played(&mut self, now_ms: u64) {
        if let Some(bill) = &mut self.bill {
            bill.played(now_ms);
        }
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) const fn ended(&self) -> Option<Halt> {
        self.ended
    }

    /// Whether the ledger has to say what it has: at first, and when all is over.
    pub(super) fn needs_look(&self) -> bool {
        self.bill.is_none() || (self.is_closed() && self.taken.is_none())
    }

    pub(super) fn receipt(&self) -> Option<Settled> {
        let delivered_ms = self.bill.as_ref()?.delivered_ms();
        Some(Settled { billed: self.taken?, delivered_ms })
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        let bill = self.bill.as_ref()?;
        let (billed, delivered_ms) =
            (self.taken.unwrap_or_else(|| bill.billed()), bill.delivered_ms());
        Some(Standing { billed, delivered_ms, paused: self.paused, left_s: self.left_s })
    }

    pub(super) fn known(&mut self, agreement: Agreement, session: Option<&state::Session>) {
        if self.bill.is_some() {
            // What was asked before the end may be answered behind it.
            let has_all = session.map_or(!self.has_begun, |session| session.is_over);
            if self.is_closed() && has_all {
                self.taken = Some(session.map_or(0, |session| session.taken));
            }
            return;
        }
        self.has_begun = session.is_some();
        if session.is_some_and(|session| session.is_over) {
            // Whoever ran it before could not tell the directory why.
            self.ended = Some(Halt::Ledger);
        }
        let resumed = |session| Bill::resume(agreement, session);
        self.bill = Some(session.map_or_else(|| Bill::new(agreement), resumed));
    }

    pub(super) fn tick(
        &mut self,
        now_ms: u64,
        left: Option<Halt>,
        deeds: &mut Vec<Deed>,
        party: PartyId,
    ) {
        let Some(bill) = &mut self.bill else { return };
        let acts = match left {
            Some(why) => bill.end(why),
            None => bill.tick(now_ms),
        };
        for act in acts {
            if let Act::Warn(left_s) = act {
                deeds.push(Deed::Warn { party, left_s });
            }
            self.act(act);
        }
    }

    /// What the ledger is asked for next; nothing while it is asked for something.
    pub(super) fn next_command(
        &mut self,
        session: &Session,
        party: PartyId,
        epoch: u64,
    ) -> Option<HoldCommand> {
        if self.asking.is_some() {
            return None;
        }
        let wanted = *self.wanted.front()?;
        let hold = |block| HoldId { session: session.bill_id(party), block };
        let command = match wanted {
            Wanted::Reserve { block, amount, lives_ms } => {
                let (agreed, split) = (session.party(party)?, session.split().ok()?);
                let terms = Terms { payer: agreed.account, cap: agreed.cap, split };
                HoldCommand::Reserve { hold: hold(block), terms, amount, lives_ms, epoch }
            }
            Wanted::Capture { block, total } => {
                HoldCommand::Capture { hold: hold(block), total, epoch }
            }
            Wanted::Close { block, total, ends } => {
                HoldCommand::Close { hold: hold(block), total, epoch, ends }
            }
        };
        self.asking = self.wanted.pop_front();
        Some(command)
    }

    pub(super) fn answered(&mut self, result: Result<Receipt, Refusal>) {
        if let Err(Refusal::Clock | Refusal::Unfounded | Refusal::Rules { .. }) = result {
            // It says nothing of what was asked, and passes.
            return self.unanswered();
        }
        let Some(asked) = self.asking.take() else { return };
        let Some(bill) = &mut self.bill else { return };
        match (asked, result) {
            (Wanted::Reserve { block, amount, .. }, Ok(receipt)) => {
                self.has_begun = true;
                let too_late = bill.reserved(block, amount.units(), receipt.available);
                too_late.into_iter().for_each(|act| self.act(act));
            }
            (Wanted::Reserve { .. }, Err(refusal)) => self.refused(&refusal),
            (_, Ok(receipt)) => bill.knows(receipt.available),
            (Wanted::Capture { .. }, Err(Refusal::Over { .. })) if !bill.is_over() => {
                self.look_again();
            }
            // What cannot be taken any more is the platform's loss, never the payer's.
            (_, Err(_)) => {}
        }
    }

    pub(super) fn unanswered(&mut self) {
        if let Some(asked) = self.asking.take() {
            self.wanted.push_front(asked);
        }
    }

    /// A block is over that the bill counts on: goes on with what the ledger has.
    fn look_again(&mut self) {
        self.bill = None;
        self.wanted.retain(|one| matches!(one, Wanted::Close { .. }));
    }

    fn refused(&mut self, refusal: &Refusal) {
        let Some(bill) = &mut self.bill else { return };
        let available = match refusal {
            Refusal::Insufficient { available, .. } => *available,
            _ => 0,
        };
        bill.refused(available);
        if !self.has_begun {
            let acts = bill.end(Halt::Balance);
            acts.into_iter().for_each(|act| self.act(act));
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Reserve { block, amount, lives_ms } => {
                let is_same =
                    |one: &Wanted| matches!(one, Wanted::Reserve { block: b, .. } if *b == block);
                if !self.asking.iter().chain(&self.wanted).any(is_same) {
                    self.wanted.push_back(Wanted::Reserve { block, amount, lives_ms });
                }
            }
            Act::Capture { block, total } => {
                // What waits is included in the new total.
                let old =
                    |one: &Wanted| matches!(one, Wanted::Capture { block: b, .. } if *b == block);
                self.wanted.retain(|one| !old(one));
                self.wanted.push_back(Wanted::Capture { block, total });
            }
            Act::Close { block, total, ends } => {
                self.wanted.push_back(Wanted::Close { block, total, ends });
            }
            Act::Warn(left_s) => self.left_s = Some(left_s),
            Act::Pause(why) => self.paused = Some(why),
            Act::Resume => self.paused = None,
            Act::End(why) => self.ended = Some(why),
        }
    }

    /// The bill is over and the ledger knows all of it.
    fn is_closed(&self) -> bool {
        let is_over = self.bill.as_ref().is_some_and(Bill::is_over);
        is_over && self.asking.is_none() && self.wanted.is_empty()
    }
}
