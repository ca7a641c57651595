//! The shape of every answer: CORS on all of them (an error without it looks like a network failure to a player),
//! caching said out loud, plain sentences on errors.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::body::Body;
use super::range::{self, Wanted};

/// Never stored: it differs from viewer to viewer, or from moment to moment.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Stored, but asked again each time: it changes with every part.
pub const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Never changes under its name.
pub const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=3600, immutable");

/// For this viewer alone: no cache between may keep it, and its own need not.
pub const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// An error that may be over soon.
pub const BRIEF: HeaderValue = HeaderValue::from_static("max-age=1");

/// Why somebody may not watch, in a word: players do not read the sentence.
pub const REFUSED: HeaderName = HeaderName::from_static("weir-refused");

const ANY: HeaderValue = HeaderValue::from_static("*");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("Date, Age, ETag, Retry-After, Content-Range, Weir-Refused");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
const RETRY_SOON: HeaderValue = HeaderValue::from_static("1");

/// An answer.
pub type Reply = Response<Body>;

/// An answer with a body of a type.
#[must_use]
pub fn with(status: StatusCode, kind: HeaderValue, cache: HeaderValue, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.reserve(10);
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, cache);
    reply
}

/// A sentence with a status.
#[must_use]
pub fn sentence(status: StatusCode, text: impl std::fmt::Display) -> Reply {
    let cache = if status.is_server_error() { NO_STORE } else { BRIEF };
    let mut reply = with(status, TEXT, cache, Bytes::from(format!("{text}\n")).into());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        reply.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON);
    }
    reply
}

/// Bytes that never change: whole, or the range that was asked for.
#[must_use]
pub fn media(request: &HeaderMap, kind: HeaderValue, body: Body) -> Reply {
    let len = body.len();
    // An `If-Range` names a validator that media never had, so its range does not apply.
    let asked = request.get(header::RANGE).filter(|_| !request.contains_key(header::IF_RANGE));
    let mut reply = match range::wanted(asked.and_then(|value| value.to_str().ok()), len) {
        Wanted::All => with(StatusCode::OK, kind, IMMUTABLE, body),
        Wanted::Part { from, to } => {
            let mut part = with(StatusCode::PARTIAL_CONTENT, kind, IMMUTABLE, body.slice(from, to));
            insert(&mut part, header::CONTENT_RANGE, format!("bytes {from}-{}/{len}", to - 1));
            part
        }
        Wanted::Unsatisfiable => {
            let mut none = sentence(StatusCode::RANGE_NOT_SATISFIABLE, "the range lies outside");
            insert(&mut none, header::CONTENT_RANGE, format!("bytes */{len}"));
            none
        }
    };
    reply.headers_mut().insert(header::ACCEPT_RANGES, BYTES);
    reply
}

/// Text in the coding that the client takes, from `plain` or from what `compress` makes.
#[must_use]
pub fn text(
    request: &HeaderMap,
    kind: HeaderValue,
    cache: HeaderValue,
    plain: Bytes,
    compress: impl FnOnce() -> Bytes,
) -> Reply {
    let gzip = takes_gzip(request);
    let body = if gzip { compress() } else { plain };
    let mut reply = with(StatusCode::OK, kind, cache, body.into());
    let headers = reply.headers_mut();
    headers.insert(header::VARY, ACCEPT_ENCODING);
    if gzip {
        headers.insert(header::CONTENT_ENCODING, GZIP);
    }
    reply
}

/// Says that the client's copy is still right, if it is.
#[must_use]
pub fn with_etag(request: &HeaderMap, mut reply: Reply, etag: &Bytes) -> Reply {
    let Ok(value) = HeaderValue::from_maybe_shared(etag.clone()) else { return reply };
    let has = |known: &HeaderValue| {
        let mut listed = known.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
        listed.any(|one| one.strip_prefix(b"W/").unwrap_or(one) == etag.as_ref() || one == b"*")
    };
    // The codings of a text are the same text, so one validator that allows for both (RFC 9110 §8.8.1).
    let weak = reply.headers().contains_key(header::CONTENT_ENCODING);
    if request.get(header::IF_NONE_MATCH).is_some_and(has) {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        *reply.body_mut() = Body::empty();
        reply.headers_mut().remove(header::CONTENT_TYPE);
        reply.headers_mut().remove(header::CONTENT_ENCODING);
    }
    if weak {
        insert(&mut reply, header::ETAG, [b"W/", etag.as_ref()].concat());
    } else {
        reply.headers_mut().insert(header::ETAG, value);
    }
    reply
}

/// What every answer has, whatever it is; the body goes when only the head was asked for.
#[must_use]
pub fn finish(method: &Method, mut reply: Reply) -> Reply {
    if *method == Method::HEAD {
        let len = reply.body().len();
        insert(&mut reply, header::CONTENT_LENGTH, len.to_string());
        *reply.body_mut() = Body::empty();
    }
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    reply
}

/// The answer to a method other than `GET` and `HEAD`; none for these two.
#[must_use]
pub fn other_method<B>(request: &Request<B>) -> Option<Reply> {
    const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    if *request.method() != Method::OPTIONS {
        let mut refused = sentence(StatusCode::METHOD_NOT_ALLOWED, "only GET, HEAD and OPTIONS");
        refused.headers_mut().insert(header::ALLOW, METHODS);
        return Some(refused);
    }
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let headers = reply.headers_mut();
    headers.insert(header::ALLOW, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ANY);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=86400"));
    Some(reply)
}

/// Whether the client takes gzip (RFC 9110 §12.5.3).
#[must_use]
pub fn takes_gzip(request: &HeaderMap) -> bool {
    let Some(accepted) = request.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    accepted.split(',').any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn insert(reply: &mut Reply, name: HeaderName, value: impl Into<Bytes>) {
    if let Ok(value) = HeaderValue::from_maybe_shared(value.into()) {
        reply.headers_mut().insert(name, value);
    }
}
