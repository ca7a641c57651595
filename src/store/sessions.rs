//! Private sessions, as the store's callers see them. Read from this node's memory, like all that the log brings.

use std::sync::Arc;

use tokio::sync::watch;
use weir_media::replica::Shade;
use weir_model::{ChannelName, SessionId};
use weir_session::{Command, Refusal, Screen, Session, Sight};

use super::catalog;
use super::{Store, StoreError, identity};

impl Store {
    /// A session.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.inner.held.catalog.read().sessions.of(id).cloned()
    }

    /// All sessions that are known, those that ended included.
    #[must_use]
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.inner.held.catalog.read().sessions.iter().cloned().collect()
    }

    /// The sessions of which something is left to be done.
    #[must_use]
    pub fn open_sessions(&self) -> Vec<Arc<Session>> {
        self.inner.held.catalog.read().sessions.open().cloned().collect()
    }

    /// The session of a channel of which something is left to be done.
    #[must_use]
    pub fn session_of(&self, channel: &ChannelName) -> Option<Arc<Session>> {
        let catalog = self.inner.held.catalog.read();
        catalog.sessions.of(catalog.open_session_of(channel)?).cloned()
    }

    /// Who sees what of a channel; none when everybody sees all of it.
    #[must_use]
    pub fn screen(&self, channel: &ChannelName) -> Option<Arc<Screen>> {
        self.inner.held.catalog.read().sessions.screen_of(channel)
    }

    /// For whom a channel's stream is made, in a word that can be sent along with it.
    #[must_use]
    pub fn shade(&self, channel: &ChannelName) -> Shade {
        let catalog = self.inner.held.catalog.read();
        match catalog.sessions.screen_of(channel).map(|screen| screen.sight(None)) {
            Some(Sight::Public(from)) => Shade { from, session: None },
            Some(Sight::Private(session) | Sight::Party(session, _)) => {
                let veil = catalog.sessions.of(session).and_then(|session| session.veil);
                Shade { from: veil.map_or(0, |veil| veil.from), session: Some(session) }
            }
            None => Shade::default(),
        }
    }

    /// Whether this node has heard that a session had its stream.
    #[must_use]
    pub fn knows_veil(&self, session: SessionId) -> bool {
        let catalog = self.inner.held.catalog.read();
        catalog.sessions.of(session).is_some_and(|session| session.veil.is_some())
    }

    /// Changes whenever a session did.
    #[must_use]
    pub fn session_changes(&self) -> watch::Receiver<u64> {
        self.inner.held.sessions.subscribe()
    }

    /// The first number that no segment of a channel has, now or ever, when nobody publishes on it.
    #[must_use]
    pub fn next_msn(&self, channel: &ChannelName) -> u64 {
        self.inner.held.catalog.read().msn.get(channel).copied().unwrap_or_default()
    }

    /// An id for a new session.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new_session_id(&self) -> Result<SessionId, StoreError> {
        identity::id().map(SessionId)
    }

    /// Changes a session, and answers with what it is then, and whether this changed it; a rehearsal with what it would
    /// be.
    ///
    /// # Errors
    /// When the rules forbid it, or the cluster takes no changes.
    pub async fn change_session(
        &self,
        command: Command,
    ) -> Result<(Arc<Session>, bool), StoreError> {
        let id = command.session();
        let wished = command.clone();
        let changed = self.change(catalog::Command::Session(command)).await?.session()?;
        if self.rehearsal {
            return Ok((self.session_after(&wished)?, changed));
        }
        let changes = self.inner.held.sessions.subscribe();
        self.until_here(changes, |catalog| {
            let known = catalog.sessions.of(id);
            known.is_some_and(|known| !matches!(known.after(&wished), Ok(Some(_))))
        })
        .await;
        let missing = || StoreError::NotFound { what: format!("session {id}") };
        Ok((self.session(id).ok_or_else(missing)?, changed))
    }

    fn session_after(&self, command: &Command) -> Result<Arc<Session>, StoreError> {
        let known = self.session(command.session());
        let next = match (&known, command) {
            (None, Command::Offer(offer)) => offer.made().map(Some),
            (None, _) => Err(Refusal::Unknown(command.session())),
            (Some(_), Command::Offer(_)) => Ok(None),
            (Some(known), _) => known.after(command),
        };
        let missing = StoreError::Session(Refusal::Unknown(command.session()));
        next.map_err(StoreError::Session)?.map(Arc::new).or(known).ok_or(missing)
    }
}
