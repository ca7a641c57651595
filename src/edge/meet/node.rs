//! The sessions of the node behind this edge.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use weir_ledger::meter::Halt;
use weir_ledger::{Amount, Currency};
use weir_model::money::Wallet;
use weir_model::{AccountId, ApiError, ChannelName, SessionId};
use weir_session::{Price, Session, Standing};

use super::Meetings;
use crate::actors::books::{Books, Question};
use crate::actors::sessions::Sessions;
use crate::store::Store;

/// The node's own.
pub struct NodeMeetings {
    store: Store,
    sessions: Sessions,
    books: Books,
    /// Never changes once money moves, so it is asked for once.
    currency: OnceLock<Currency>,
}

impl NodeMeetings {
    /// Asks these.
    #[must_use]
    pub const fn new(store: Store, sessions: Sessions, books: Books) -> Self {
        Self { store, sessions, books, currency: OnceLock::new() }
    }
}

impl Meetings for NodeMeetings {
    fn of_channel(&self, channel: &ChannelName) -> Option<Arc<Session>> {
        self.store.session_of(channel)
    }

    fn of(&self, id: SessionId) -> Option<Arc<Session>> {
        self.store.session(id)
    }

    fn played(&self, id: SessionId, account: AccountId) {
        self.sessions.played(id, account);
    }

    fn standing(&self, id: SessionId, account: AccountId) -> Option<Standing> {
        self.sessions.standing(id, account)
    }

    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>> {
        Box::pin(async {
            if let Some(known) = self.currency.get() {
                return Ok(known.clone());
            }
            let currency = self.books.currency().await?;
            Ok(self.currency.get_or_init(|| currency).clone())
        })
    }

    fn available(&self, account: AccountId) -> BoxFuture<'_, Result<String, ApiError>> {
        Box::pin(async move {
            let wallet: Wallet = self.books.ask(Question::Wallet { account }).await?;
            Ok(wallet.available)
        })
    }

    fn join(
        &self,
        id: SessionId,
        account: AccountId,
        price: (u8, Price),
        cap: Amount,
    ) -> BoxFuture<'_, Result<Arc<Session>, ApiError>> {
        Box::pin(self.sessions.join(id, account, price, cap))
    }

    fn leave(
        &self,
        id: SessionId,
        account: AccountId,
    ) -> BoxFuture<'_, Result<Arc<Session>, ApiError>> {
        Box::pin(self.sessions.leave(id, account, Halt::Viewer))
    }
}
