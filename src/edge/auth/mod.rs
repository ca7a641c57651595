//! `/auth/…`: people register, sign in and sign out on the viewers' address.
//!
//! Who is signed in is told by one cookie that no script can read. A browser sends it with requests that other sites
//! caused, so whatever changes something must come from a page of our own ([`origin`]) and be JSON, which a foreign form
//! cannot send.

pub(super) mod body;
pub mod cookie;
pub(super) mod origin;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use weir_model::api::people::{Credentials, Visitor, VisitorAccount};
use weir_model::{Account, ApiError, ErrorCode};

use super::Context;
use super::http::body::Body;
use super::http::reply::{self, Reply};
use super::metrics::Kind;
use crate::actors::clock;
use crate::actors::people::{Refusal, SignedIn};
use crate::store::{Bearer, Standing};

/// Where all of it lies.
pub const PREFIX: &str = "/auth/";

/// What a page sends, in words.
const SHAPE: &str = "{\"name\", \"password\"}";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// How a request came.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub remote: IpAddr,
    /// Over TLS.
    pub secure: bool,
}

/// Who is signed in with these headers.
#[must_use]
pub fn standing_of(context: &Context, headers: &HeaderMap) -> Option<Standing> {
    let Bearer { account, token } = bearer(context, headers)?;
    context.lookup.standing(account.id, token.id)
}

/// Answers what lies below [`PREFIX`] and counts it.
pub async fn answer<B>(context: &Context, peer: Peer, request: Request<B>) -> Reply
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let head = *request.method() == Method::HEAD;
    let reply = finished(dispatch(context, peer, request).await, head);
    context.metrics.answered(Kind::Auth, reply.status().as_u16(), reply.body().len());
    reply
}

/// An answer as it goes out: for nobody else, for no other site, and without a body for a `head`.
pub(super) fn finished(answer: Result<Reply, Refused>, head: bool) -> Reply {
    let mut reply = answer.unwrap_or_else(|refused| refusal(&refused.error, refused.retry_secs));
    if head {
        *reply.body_mut() = Body::empty();
    }
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, reply::NO_STORE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(http::HeaderName::from_static("cross-origin-resource-policy"), SAME_ORIGIN);
    reply
}

/// A refusal on its way out.
pub(super) struct Refused {
    error: ApiError,
    retry_secs: Option<u64>,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { error, retry_secs: None }
    }
}

impl Refused {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { error: ApiError::new(code, message), retry_secs: None }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let retry_secs = refusal.retry_secs();
        Self { error: refusal.into(), retry_secs }
    }
}

async fn dispatch<B>(context: &Context, peer: Peer, request: Request<B>) -> Result<Reply, Refused>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (parts, body) = request.into_parts();
    let what = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    if what == "me" && matches!(parts.method, Method::GET | Method::HEAD) {
        let bearer = bearer(context, &parts.headers);
        return Ok(visitor(context, bearer.map(|bearer| bearer.account)));
    }
    if !matches!(what, "me" | "login" | "register" | "logout" | "logout-everywhere") {
        return Err(Refused::new(ErrorCode::NotFound, "there is no such thing here"));
    }
    if what == "me" || parts.method != Method::POST {
        let takes = if what == "me" { "GET" } else { "POST" };
        let message = format!("{} takes {takes} only", parts.uri.path());
        return Err(Refused::new(ErrorCode::Invalid, message));
    }
    origin::check(&parts)?;
    if let "logout" | "logout-everywhere" = what {
        return log_out(context, peer, &parts.headers, what == "logout-everywhere").await;
    }
    let given: Credentials = body::json(&parts.headers, body, SHAPE).await?;
    let signed_in = match what {
        "register" => context.people.register(peer.remote, &given).await?,
        _ => context.people.login(peer.remote, &given).await?,
    };
    // A second log-in from the same page would leave the first one behind.
    if let Some(old) = bearer(context, &parts.headers) {
        context.people.log_out(&old).await?;
    }
    Ok(welcome(context, peer, signed_in, what == "register"))
}

fn welcome(context: &Context, peer: Peer, signed_in: SignedIn, new: bool) -> Reply {
    let SignedIn { account, token, secret } = signed_in;
    let mut reply = visitor(context, Some(account));
    if new {
        *reply.status_mut() = StatusCode::CREATED;
    }
    let life = token.expires_at.since_ms(clock::now()) / 1000;
    cookie::set(reply.headers_mut(), &secret, life, peer.secure);
    reply
}

async fn log_out(
    context: &Context,
    peer: Peer,
    headers: &HeaderMap,
    everywhere: bool,
) -> Result<Reply, Refused> {
    // Whoever is not signed in any more is where he wants to be.
    match bearer(context, headers) {
        Some(bearer) if everywhere => context.people.log_out_everywhere(&bearer).await?,
        Some(bearer) => context.people.log_out(&bearer).await?,
        None => {}
    }
    let mut reply = visitor(context, None);
    cookie::clear(reply.headers_mut(), peer.secure);
    Ok(reply)
}

fn bearer(context: &Context, headers: &HeaderMap) -> Option<Bearer> {
    let bearer = context.people.bearer(cookie::get(headers)?).ok()?;
    // A token that is limited is for programs; a page would promise more than it may.
    (bearer.token.kind == weir_model::TokenKind::Login).then_some(bearer)
}

fn visitor(context: &Context, account: Option<Account>) -> Reply {
    let account = account.map(|one| VisitorAccount { name: one.name, roles: one.roles });
    let registration = context.people.registration().to_string();
    json(StatusCode::OK, &Visitor { account, registration })
}

fn refusal(error: &ApiError, retry_secs: Option<u64>) -> Reply {
    let status = StatusCode::from_u16(error.code.http_status());
    let mut reply = json(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error);
    if let Some(secs) = retry_secs {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
    }
    reply
}

pub(super) fn json<T: serde::Serialize>(status: StatusCode, value: &T) -> Reply {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut reply = Response::new(Body::from(Bytes::from(text)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, JSON);
    reply
}

#[cfg(test)]
mod tests;
