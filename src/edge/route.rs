//! From a request to its answer: the path decides who answers.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Request, StatusCode, header};

use super::http::reply::{self, Reply};
use super::metrics::Kind;
use super::{Context, hls, ready, watch};

/// What an answer may depend on.
pub struct Ask<'a> {
    /// The viewer's address.
    pub remote: IpAddr,
    /// The query, empty when there is none.
    pub query: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// Only the head of the answer is wanted.
    pub head: bool,
}

impl<'a> Ask<'a> {
    /// A query parameter's value, as it stands.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// What the player calls itself.
    #[must_use]
    pub fn player(&self) -> &'a str {
        self.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

/// Answers a request and counts it.
pub async fn answer<B: Sync>(
    context: &Arc<Context>,
    remote: IpAddr,
    request: &Request<B>,
) -> Reply {
    let (kind, reply) = match reply::other_method(request) {
        Some(reply) => (Kind::Other, reply),
        None => dispatch(context, remote, request).await,
    };
    let bytes = reply.body().len();
    let reply = reply::finish(request.method(), reply);
    context.metrics.answered(kind, reply.status().as_u16(), bytes);
    reply
}

async fn dispatch<B: Sync>(
    context: &Arc<Context>,
    remote: IpAddr,
    request: &Request<B>,
) -> (Kind, Reply) {
    let uri = request.uri();
    let (query, headers) = (uri.query().unwrap_or_default(), request.headers());
    let ask = Ask { remote, query, headers, head: request.method() == http::Method::HEAD };
    let path = uri.path();
    if let Some(rest) = path.strip_prefix("/live/") {
        return hls::answer(context, rest, &ask).await;
    }
    if path == "/ready" {
        return (Kind::Other, ready::answer(context));
    }
    watch::answer(context, path, &ask)
        .map_or_else(|| (Kind::Other, nothing()), |reply| (Kind::Page, reply))
}

/// The answer to a path that names nothing.
#[must_use]
pub fn nothing() -> Reply {
    reply::sentence(StatusCode::NOT_FOUND, "nothing is here; live streams are listed at /")
}
