//! Private sessions as pages meet them, without a node that runs them: it notes what it is told and asked.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use weir_ledger::meter::Halt;
use weir_ledger::{Amount, Currency};
use weir_model::{AccountId, ApiError, ChannelName, ErrorCode, SessionId, Timestamp};
use weir_session::{Command, Price, Refusal, Session, Standing};

use super::session::{Sessions, demo};
use crate::edge::meet::Meetings;

/// What everybody can spend.
pub(crate) const AVAILABLE: &str = "12.00";

type Done = Result<Arc<Session>, ApiError>;

/// Meetings of [`Sessions`].
#[derive(Clone, Default)]
pub(crate) struct TestMeetings {
    sessions: Arc<Sessions>,
    played: Arc<Mutex<Vec<(SessionId, AccountId)>>>,
    asked: Arc<AtomicU64>,
}

impl TestMeetings {
    pub(super) fn of(sessions: Arc<Sessions>) -> Self {
        Self { sessions, ..Self::default() }
    }

    /// A session as it is now.
    pub(crate) fn session(&self, id: SessionId) -> Session {
        self.sessions.of(id).unwrap()
    }

    /// Whose player proved that it plays, in that order.
    pub(crate) fn played(&self) -> Vec<(SessionId, AccountId)> {
        self.played.lock().clone()
    }

    /// How often somebody wanted to know what an account can spend.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn change(&self, command: &Command) -> Done {
        let changed = self.sessions.try_change(command);
        changed
            .map(Arc::new)
            .map_err(|refusal: Refusal| ApiError::new(ErrorCode::Conflict, refusal.to_string()))
    }

    fn left(&self, session: SessionId, account: AccountId) -> Done {
        let missing = || ApiError::new(ErrorCode::NotFound, "takes no part");
        let known = self.sessions.of(session).ok_or_else(missing)?;
        let (party, _) = known.party_of(account).ok_or_else(missing)?;
        self.change(&Command::Leave { session, party, why: Halt::Viewer, at: Timestamp(3) })
    }
}

impl Meetings for TestMeetings {
    fn of_channel(&self, channel: &ChannelName) -> Option<Arc<Session>> {
        self.sessions.open().filter(|_| *channel == demo()).map(Arc::new)
    }

    fn of(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions.of(id).map(Arc::new)
    }

    fn played(&self, id: SessionId, account: AccountId) {
        self.played.lock().push((id, account));
    }

    fn standing(&self, _: SessionId, _: AccountId) -> Option<Standing> {
        None
    }

    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>> {
        Box::pin(ready(Ok(Currency::new("EUR", 2).unwrap())))
    }

    fn available(&self, _: AccountId) -> BoxFuture<'_, Result<String, ApiError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(ready(Ok(AVAILABLE.into())))
    }

    fn join(
        &self,
        session: SessionId,
        account: AccountId,
        (price, shown): (u8, Price),
        cap: Amount,
    ) -> BoxFuture<'_, Done> {
        let at = Timestamp(1);
        let join = Command::Join { session, account, price, shown, cap, at };
        Box::pin(ready(self.change(&join)))
    }

    fn leave(&self, session: SessionId, account: AccountId) -> BoxFuture<'_, Done> {
        Box::pin(ready(self.left(session, account)))
    }
}
