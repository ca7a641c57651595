//! Who sees what of a channel. What was made while a session had the stream stays its parties' for ever.

use weir_model::{AccountId, SessionId};

use crate::session::{Session, Stage};

/// Segments of a stream that are a session's, by their media sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Veil {
    /// The first one.
    pub from: u64,
    /// The first one that is public again; none while nobody knows.
    pub until: Option<u64>,
}

impl Veil {
    /// Whether it hides a segment.
    #[must_use]
    pub fn hides(&self, msn: u64) -> bool {
        msn >= self.from && self.until.is_none_or(|until| msn < until)
    }
}

/// What somebody sees of a channel at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// What everybody sees: segments from this number on.
    Public(u64),
    /// A session has the stream, and this one is not of it.
    Private(SessionId),
    /// This one is of the session that has the stream, and sees the segments from this number on.
    Party(SessionId, u64),
}

/// The sessions of a channel as its viewers meet them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    /// The session that has the stream, with whoever may see it.
    now: Option<(SessionId, Veil, Vec<AccountId>)>,
    /// The first number that was never any session's and never will be.
    public_from: u64,
}

impl Screen {
    /// Of all sessions of one channel that are known.
    #[must_use]
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> Self {
        let mut screen = Self::default();
        for session in sessions {
            match session.veil {
                Some(Veil { until: Some(until), .. }) => {
                    screen.public_from = screen.public_from.max(until);
                }
                Some(veil) => screen.now = Some((session.id, veil, seers(session))),
                None => {}
            }
        }
        screen
    }

    /// Whether there is nothing to hide and never was.
    #[must_use]
    pub const fn is_clear(&self) -> bool {
        self.now.is_none() && self.public_from == 0
    }

    /// The session that has the stream.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.now.as_ref().map(|(session, ..)| *session)
    }

    /// What `account`, or somebody without one, sees at the moment.
    #[must_use]
    pub fn sight(&self, account: Option<AccountId>) -> Sight {
        match &self.now {
            None => Sight::Public(self.public_from),
            Some((session, veil, seers)) if account.is_some_and(|one| seers.contains(&one)) => {
                Sight::Party(*session, veil.from)
            }
            Some((session, ..)) => Sight::Private(*session),
        }
    }

    /// Whether `account`, or somebody without one, may have a segment.
    #[must_use]
    pub fn shows(&self, msn: u64, account: Option<AccountId>) -> bool {
        match self.sight(account) {
            Sight::Public(from) | Sight::Party(_, from) => msn >= from,
            Sight::Private(_) => false,
        }
    }
}

/// Whoever takes part and has paid, and the streamer. Once it is over, nobody but the streamer.
fn seers(session: &Session) -> Vec<AccountId> {
    let admitted = session.admitted().map(|(_, party)| party.account);
    let parties = admitted.filter(|_| session.stage == Stage::Live);
    std::iter::once(session.host).chain(parties).collect()
}

#[cfg(test)]
mod tests {
    use weir_ledger::meter::Halt;
    use weir_model::Timestamp;

    use super::*;
    use crate::command::Command;
    use crate::command::testing::{ALICE, BOB, HOST, live, plan};

    #[test]
    fn a_channel_without_sessions_is_everybodys() {
        let screen = Screen::of(&[]);
        assert!(screen.is_clear() && screen.shows(0, None));
        assert_eq!(screen.sight(Some(ALICE)), Sight::Public(0));
    }

    #[test]
    fn while_a_session_has_the_stream_only_its_parties_see_it() {
        let session = live(100);
        let screen = Screen::of([&session]);
        assert_eq!(screen.sight(None), Sight::Private(session.id));
        assert_eq!(screen.sight(Some(BOB)), Sight::Private(session.id));
        assert_eq!(screen.sight(Some(ALICE)), Sight::Party(session.id, 100));
        assert_eq!(screen.sight(Some(HOST)), Sight::Party(session.id, 100));
        for msn in [0, 99, 100, 1_000] {
            assert!(!screen.shows(msn, None) && !screen.shows(msn, Some(BOB)), "{msn}");
        }
        assert!(!screen.shows(99, Some(ALICE)), "what was before it is nobody's any more");
        assert!(screen.shows(100, Some(ALICE)));
    }

    #[test]
    fn who_joined_and_has_not_paid_sees_nothing() {
        let mut session = live(100);
        let command = crate::command::testing::join(&session, BOB, 1);
        plan(&mut session, &command).unwrap();
        assert_eq!(Screen::of([&session]).sight(Some(BOB)), Sight::Private(session.id));
        let admit = Command::Admit { session: session.id, party: 1 };
        plan(&mut session, &admit).unwrap();
        assert_eq!(Screen::of([&session]).sight(Some(BOB)), Sight::Party(session.id, 100));
    }

    #[test]
    fn who_left_sees_nothing_more_and_what_was_made_is_never_public() {
        let mut session = live(100);
        let at = Timestamp(9);
        let quit = Command::Leave { session: session.id, party: 0, why: Halt::Viewer, at };
        plan(&mut session, &quit).unwrap();
        assert_eq!(Screen::of([&session]).sight(Some(ALICE)), Sight::Private(session.id));
        let end = Command::End { session: session.id, why: Halt::Streamer, at };
        plan(&mut session, &end).unwrap();
        let screen = Screen::of([&session]);
        assert_eq!(
            screen.sight(None),
            Sight::Private(session.id),
            "until somebody says from where on"
        );
        let unveil = Command::Unveil { session: session.id, until: 120 };
        plan(&mut session, &unveil).unwrap();
        let screen = Screen::of([&session]);
        assert_eq!(screen.sight(None), Sight::Public(120));
        for (msn, shown) in [(99, false), (100, false), (119, false), (120, true)] {
            assert_eq!(screen.shows(msn, None), shown, "{msn}");
            assert_eq!(screen.shows(msn, Some(ALICE)), shown, "{msn}");
        }
    }
}
