//! An edge without private sessions.

use std::future::ready;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use weir_ledger::{Amount, Currency};
use weir_model::{AccountId, ApiError, ChannelName, ErrorCode, SessionId};
use weir_session::{Price, Session, Standing};

use super::Meetings;

/// There are no private sessions.
pub(crate) struct NoMeetings;

impl Meetings for NoMeetings {
    fn of_channel(&self, _: &ChannelName) -> Option<Arc<Session>> {
        None
    }

    fn of(&self, _: SessionId) -> Option<Arc<Session>> {
        None
    }

    fn played(&self, _: SessionId, _: AccountId) {}

    fn standing(&self, _: SessionId, _: AccountId) -> Option<Standing> {
        None
    }

    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>> {
        Box::pin(ready(Ok(Currency::new("EUR", 2).unwrap())))
    }

    fn available(&self, _: AccountId) -> BoxFuture<'_, Result<String, ApiError>> {
        Box::pin(ready(Ok("0.00".into())))
    }

    fn join(
        &self,
        _: SessionId,
        _: AccountId,
        _: (u8, Price),
        _: Amount,
    ) -> BoxFuture<'_, Result<Arc<Session>, ApiError>> {
        Box::pin(ready(Err(ApiError::new(ErrorCode::NotFound, "there is no such session"))))
    }

    fn leave(&self, _: SessionId, _: AccountId) -> BoxFuture<'_, Result<Arc<Session>, ApiError>> {
        Box::pin(ready(Err(ApiError::new(ErrorCode::NotFound, "there is no such session"))))
    }
}
