//! What is metered of one session, between its actor, the node's clock and the players that are heard of.
//!
//! Most seconds of a session need nothing done: they are counted here, and its actor hears only of what it has to carry.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use weir_model::{AccountId, Timestamp};
use weir_session::{Deed, Meeting, Session, Standing};

/// One session's. Nobody holds it while waiting.
#[derive(Debug)]
pub struct Meter {
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    meeting: Meeting,
    /// Bytes of the stream when it was last looked at.
    bytes: u64,
}

impl Meter {
    /// Nothing was seen yet of `session`, run under the lease `epoch`, whose stream has come to `bytes`.
    #[must_use]
    pub fn new(session: Arc<Session>, epoch: u64, bytes: u64) -> Self {
        let meeting = Meeting::new(session, epoch);
        Self { seen: Mutex::new(Seen { meeting, bytes }) }
    }

    /// The player of `account` played at that time of the monotonic clock; false when the account takes no part.
    pub fn played(&self, account: AccountId, at_ms: u64) -> bool {
        let meeting = &mut self.seen.lock().meeting;
        let takes_part = meeting.session().party_of(account).is_some();
        if takes_part {
            meeting.played(account, at_ms);
        }
        takes_part
    }

    /// A second passed, and the stream has come to `bytes`: media that arrived since the last look is evidence of this
    /// moment.
    pub fn tick(&self, now_ms: u64, at: Timestamp, bytes: u64) -> Vec<Deed> {
        let mut seen = self.seen.lock();
        if std::mem::replace(&mut seen.bytes, bytes) < bytes {
            seen.meeting.sent(now_ms);
        }
        seen.meeting.tick(now_ms, at)
    }

    /// Something was heard of the session.
    pub fn hear<T>(&self, hear: impl FnOnce(&mut Meeting) -> T) -> T {
        hear(&mut self.seen.lock().meeting)
    }

    /// How an account stands that takes part.
    #[must_use]
    pub fn standing(&self, account: AccountId) -> Option<Standing> {
        let meeting = &self.seen.lock().meeting;
        let (party, _) = meeting.session().party_of(account)?;
        meeting.standing(party)
    }

    /// How the parties stand that take part.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<AccountId, Standing> {
        let meeting = &self.seen.lock().meeting;
        let of = |(id, party): (_, &weir_session::Party)| {
            meeting.standing(id).map(|standing| (party.account, standing))
        };
        meeting.session().present().filter_map(of).collect()
    }
}
