//! `/session/…`: viewers see what a private session costs, join it, prove that they play, and leave.
//!
//! Whoever asks is known by the cookie of [`super::auth`], and what changes something must come from a page of our own.
//! A page beats once a second while its player plays: that is what its viewer is billed by, and the answer tells how he
//! stands.

mod node;
mod show;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, StatusCode};
use weir_ledger::{Amount, Currency};
use weir_model::api::meet::{MeetJoin, MeetState, MeetWhich, MeetYou};
use weir_model::{AccountId, ApiError, ChannelName, ErrorCode, SessionId};
use weir_session::{Price, Session, Standing};

use super::Context;
use super::auth::{self, Peer, Refused, body, origin};
use super::http::reply::Reply;
use super::metrics::Kind;

pub use node::NodeMeetings;

/// Where all of it lies.
pub const PREFIX: &str = "/session/";

/// What a page sends, in words.
const SHAPE: &str = "{\"session\"}, and {\"price\", \"cap\"} to join";

/// Whoever knows the sessions, and what accounts have.
pub trait Meetings: Send + Sync {
    /// The session of a channel that is not done.
    fn of_channel(&self, channel: &ChannelName) -> Option<Arc<Session>>;

    /// A session.
    fn of(&self, id: SessionId) -> Option<Arc<Session>>;

    /// A player of `account` takes or plays the session's stream now.
    fn played(&self, id: SessionId, account: AccountId);

    /// How an account stands, if anybody said so.
    fn standing(&self, id: SessionId, account: AccountId) -> Option<Standing>;

    /// What amounts are in.
    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>>;

    /// What an account can spend, as text.
    fn available(&self, account: AccountId) -> BoxFuture<'_, Result<String, ApiError>>;

    /// Joins at a price.
    fn join(
        &self,
        id: SessionId,
        account: AccountId,
        price: (u8, Price),
        cap: Amount,
    ) -> BoxFuture<'_, Result<Arc<Session>, ApiError>>;

    /// Leaves.
    fn leave(
        &self,
        id: SessionId,
        account: AccountId,
    ) -> BoxFuture<'_, Result<Arc<Session>, ApiError>>;
}

/// Answers what lies below [`PREFIX`] and counts it.
pub async fn answer<B>(context: &Context, peer: Peer, request: Request<B>) -> Reply
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let head = *request.method() == Method::HEAD;
    let reply = dispatch(context, peer, request).await;
    let reply = auth::finished(reply, head);
    context.metrics.answered(Kind::Session, reply.status().as_u16(), reply.body().len());
    reply
}

async fn dispatch<B>(context: &Context, peer: Peer, request: Request<B>) -> Result<Reply, Refused>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (parts, body) = request.into_parts();
    let what = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let account = auth::standing_of(context, &parts.headers).map(|one| one.account);
    if what == "state" && matches!(parts.method, Method::GET | Method::HEAD) {
        return asked(context, parts.uri.query().unwrap_or_default(), account).await;
    }
    if !matches!(what, "join" | "leave" | "beat") || parts.method != Method::POST {
        let message = "there is GET state, and POST join, leave and beat";
        return Err(Refused::new(ErrorCode::NotFound, message));
    }
    origin::check(&parts)?;
    let account = account.ok_or_else(|| {
        Refused::new(ErrorCode::Unauthorized, "sign in to take part in a session")
    })?;
    let meetings = context.meetings.as_ref();
    let session = match what {
        "join" => {
            let join: MeetJoin = body::json(&parts.headers, body, SHAPE).await?;
            joined(context, account, &join).await?
        }
        "leave" => {
            let MeetWhich { session } = body::json(&parts.headers, body, SHAPE).await?;
            meetings.leave(session, account).await?
        }
        _ => {
            let MeetWhich { session } = body::json(&parts.headers, body, SHAPE).await?;
            let known = meetings.of(session).ok_or_else(missing)?;
            meetings.played(session, account);
            known
        }
    };
    tracing::trace!(remote = %peer.remote, %account, session = %session.id, what, "a viewer's page");
    state(context, Some(session), Some(account), false, |_| true).await
}

/// The session that a query names by its id; or the one of a channel, in which whoever left and has his receipt is
/// somebody who may join. `&available` asks for what the account can spend too, which only the ledger knows.
async fn asked(
    context: &Context,
    query: &str,
    account: Option<AccountId>,
) -> Result<Reply, Refused> {
    let invalid =
        || Refused::new(ErrorCode::Invalid, "ask with ?channel=NAME or ?session=ID of a session");
    let (which, means) = match query.strip_suffix("&available") {
        Some(which) => (which, true),
        None => (query, false),
    };
    match which.split_once('=') {
        Some(("channel", name)) => {
            let session = context.meetings.of_channel(&name.parse().map_err(|_| invalid())?);
            state(context, session, account, means, |you| !you.settled).await
        }
        Some(("session", id)) => {
            let session = context.meetings.of(id.parse().map_err(|_| invalid())?);
            state(context, session, account, means, |_| true).await
        }
        _ => Err(invalid()),
    }
}

async fn state(
    context: &Context,
    session: Option<Arc<Session>>,
    account: Option<AccountId>,
    means: bool,
    counts: impl Fn(&MeetYou) -> bool + Send,
) -> Result<Reply, Refused> {
    let told = session.filter(|session| show::is_told(session, account));
    let Some(session) = told else {
        let none = MeetState { session: None, you: None, available: None };
        return Ok(auth::json(StatusCode::OK, &none));
    };
    let meetings = context.meetings.as_ref();
    let currency = meetings.currency().await?;
    let standing = account.and_then(|account| meetings.standing(session.id, account));
    let you = account.and_then(|account| show::you(&session, account, standing, &currency));
    let you = you.filter(counts);
    let may_join = show::may_join(&session, account);
    let available = match account.filter(|_| means && may_join && you.is_none()) {
        Some(account) => Some(meetings.available(account).await?),
        None => None,
    };
    let session = Some(show::session(&session, account, &currency));
    Ok(auth::json(StatusCode::OK, &MeetState { session, you, available }))
}

async fn joined(
    context: &Context,
    account: AccountId,
    join: &MeetJoin,
) -> Result<Arc<Session>, Refused> {
    let meetings = context.meetings.as_ref();
    let session = meetings.of(join.session).ok_or_else(missing)?;
    let currency = meetings.currency().await?;
    let cap = currency.parse(&join.cap).map_err(|error| {
        Refused::new(ErrorCode::Invalid, format!("the most you want to pay: {error}"))
    })?;
    let price = show::agreed(&session, &join.price, &currency).ok_or_else(|| {
        let message = "the price is not the one that was shown; look at the session again";
        Refused::new(ErrorCode::Conflict, message)
    })?;
    Ok(meetings.join(session.id, account, price, cap).await?)
}

fn missing() -> Refused {
    Refused::new(ErrorCode::NotFound, "there is no such session")
}
