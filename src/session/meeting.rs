//! A session as the node that owns it runs it: a bill for each party.
//!
//! It holds nothing that cannot be lost. What was agreed is in the directory, what was paid is in the ledger; whoever
//! goes on with a session looks there ([`Deed::Look`]) and continues. Each tick compares what the directory says with
//! what the bills say, and names what is missing; what was asked for and is not there yet is asked for again, and all
//! of it may be done twice.

mod seat;

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_ledger::meter::Halt;
use weir_ledger::record::Receipt;
use weir_ledger::request::HoldCommand;
use weir_ledger::row::Id;
use weir_ledger::{Refusal, state};
use weir_model::{AccountId, Timestamp};

use crate::command::Command;
use crate::session::{PartyId, Session, Stage};
use seat::Seat;

pub use seat::Standing;

/// What was asked for and is not there after this time is asked for again, milliseconds.
const AGAIN_MS: u64 = 2_000;

/// What has to be done for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Ask the ledger what it has of a bill; answer with [`Meeting::known`].
    Look {
        /// Whose.
        party: PartyId,
        /// What the ledger calls it.
        bill: Id,
    },
    /// Have the ledger do this; answer with [`Meeting::answered`] or [`Meeting::unanswered`]. Until then nothing more is
    /// asked for that party.
    Ask {
        /// For whom.
        party: PartyId,
        /// What.
        command: HoldCommand,
    },
    /// Have the directory change.
    Change(Command),
    /// The first party's money is reserved: have the directory make the stream the session's.
    Begin,
    /// It is over: have the directory make the stream everybody's.
    Unveil,
    /// Warn a party: what is left lasts so many seconds.
    Warn {
        /// Whom.
        party: PartyId,
        /// How long.
        left_s: u32,
    },
    /// A later owner runs it: this one stops.
    Yield,
}

/// What is asked of the directory or the ledger until it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Look(PartyId),
    Admit(PartyId),
    Leave(PartyId),
    Settle(PartyId),
    Begin,
    End,
    Unveil,
}

/// See the module. Times are of one monotonic clock, in milliseconds.
#[derive(Debug, Clone)]
pub struct Meeting {
    session: Arc<Session>,
    epoch: u64,
    seats: BTreeMap<PartyId, Seat>,
    wished: BTreeMap<Wish, u64>,
    yields: bool,
}

impl Meeting {
    /// Runs `session` for the owner of the lease `epoch`.
    #[must_use]
    pub fn new(session: Arc<Session>, epoch: u64) -> Self {
        let (seats, wished) = (BTreeMap::new(), BTreeMap::new());
        Self { session, epoch, seats, wished, yields: false }
    }

    /// The session as it was last heard of.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The directory says that the session is like this.
    pub fn follow(&mut self, session: Arc<Session>) {
        self.session = session;
    }

    /// Media of the streamer arrived.
    pub fn sent(&mut self, now_ms: u64) {
        if self.session.stage == Stage::Live {
            self.seats.values_mut().for_each(|seat| seat.sent(now_ms));
        }
    }

    /// The player of `account` played.
    pub fn played(&mut self, account: AccountId, now_ms: u64) {
        if self.session.stage != Stage::Live {
            return;
        }
        let party = self.session.party_of(account).map(|(party, _)| party);
        if let Some(seat) = party.and_then(|party| self.seats.get_mut(&party)) {
            seat.played(now_ms);
        }
    }

    /// What the ledger has of a party's bill; none when it never heard of it.
    pub fn known(&mut self, party: PartyId, session: Option<&state::Session>) {
        self.wished.remove(&Wish::Look(party));
        let agreement = self.session.agreement(party);
        if let (Some(agreement), Some(seat)) = (agreement, self.seats.get_mut(&party)) {
            seat.known(agreement, session);
        }
    }

    /// What the ledger says to what was asked for a party.
    pub fn answered(&mut self, party: PartyId, result: Result<Receipt, Refusal>) {
        self.yields |= matches!(result, Err(Refusal::Stale { .. }));
        if let Some(seat) = self.seats.get_mut(&party) {
            seat.answered(result);
        }
    }

    /// The ledger did not answer: it is asked again.
    pub fn unanswered(&mut self, party: PartyId) {
        if let Some(seat) = self.seats.get_mut(&party) {
            seat.unanswered();
        }
    }

    /// How a party stands.
    #[must_use]
    pub fn standing(&self, party: PartyId) -> Option<Standing> {
        self.seats.get(&party).and_then(Seat::standing)
    }

    /// What has to be done now; `at` is the wall clock's time. Called a few times a second.
    pub fn tick(&mut self, now_ms: u64, at: Timestamp) -> Vec<Deed> {
        if self.yields {
            return vec![Deed::Yield];
        }
        let mut deeds = Vec::new();
        let session = Arc::clone(&self.session);
        for (id, party) in session.numbered() {
            if party.settled.is_some() {
                self.seats.remove(&id);
                continue;
            }
            let seat = self.seats.entry(id).or_default();
            seat.tick(now_ms, party.left.map(|ending| ending.why), &mut deeds, id);
            self.tend(id, &session, at, now_ms, &mut deeds);
            self.ask(id, &session, &mut deeds);
        }
        self.tend_stage(at, now_ms, &mut deeds);
        deeds
    }

    fn tend(
        &mut self,
        id: PartyId,
        session: &Session,
        at: Timestamp,
        now_ms: u64,
        deeds: &mut Vec<Deed>,
    ) {
        let (Some(seat), Some(party)) = (self.seats.get(&id), session.party(id)) else { return };
        let session_id = session.id;
        let wish = if seat.needs_look() {
            Some((Wish::Look(id), Deed::Look { party: id, bill: session.bill_id(id) }))
        } else if seat.has_begun() && party.is_in() && !party.admitted {
            let admit = Command::Admit { session: session_id, party: id };
            Some((Wish::Admit(id), Deed::Change(admit)))
        } else if let Some(why) = seat.ended().filter(|_| party.is_in()) {
            let leave = Command::Leave { session: session_id, party: id, why, at };
            Some((Wish::Leave(id), Deed::Change(leave)))
        } else {
            seat.receipt().filter(|_| !party.is_in()).map(|settled| {
                let settle = Command::Settle { session: session_id, party: id, settled };
                (Wish::Settle(id), Deed::Change(settle))
            })
        };
        if let Some((wish, deed)) = wish {
            self.wish(wish, deed, now_ms, deeds);
        }
    }

    fn ask(&mut self, id: PartyId, session: &Session, deeds: &mut Vec<Deed>) {
        let epoch = self.epoch;
        if let Some(seat) = self.seats.get_mut(&id)
            && let Some(command) = seat.next_command(session, id, epoch)
        {
            deeds.push(Deed::Ask { party: id, command });
        }
    }

    fn tend_stage(&mut self, at: Timestamp, now_ms: u64, deeds: &mut Vec<Deed>) {
        let is_alone = self.session.present().next().is_none();
        let is_paid = self.session.admitted().next().is_some();
        match self.session.stage {
            Stage::Offered if is_paid => self.wish(Wish::Begin, Deed::Begin, now_ms, deeds),
            Stage::Live if is_alone => {
                let last = self.session.parties.iter().filter_map(|party| party.left);
                let why = last.max_by_key(|ending| ending.at).map_or(Halt::Viewer, |last| last.why);
                let end = Command::End { session: self.session.id, why, at };
                self.wish(Wish::End, Deed::Change(end), now_ms, deeds);
            }
            Stage::Ended if self.session.veil.is_some_and(|veil| veil.until.is_none()) => {
                self.wish(Wish::Unveil, Deed::Unveil, now_ms, deeds);
            }
            _ => {}
        }
    }

    fn wish(&mut self, wish: Wish, deed: Deed, now_ms: u64, deeds: &mut Vec<Deed>) {
        let asked = self.wished.get(&wish);
        if asked.is_none_or(|asked| now_ms.saturating_sub(*asked) >= AGAIN_MS) {
            self.wished.insert(wish, now_ms);
            deeds.push(deed);
        }
    }
}

#[cfg(test)]
mod tests;
