//! The page that people open: `/watch/<channel>`, and `/` with what is live.
//!
//! The pages are fixed files inside the program. Nothing of a channel is written into them, so there is nothing to
//! escape: the script asks for the state and sets titles as text. The player is bundled by esbuild from
//! `player/` when npm was run here; without it the page says how to build it (see `build.rs` beside).

pub mod state;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use weir_model::ChannelName;

use super::Context;
use super::http::reply::{self, Reply};
use super::route::Ask;
use crate::store::window;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const ICON: HeaderValue = HeaderValue::from_static("image/svg+xml");

const LIST_PAGE: &[u8] = include_bytes!("list.html");
const WATCH_PAGE: &[u8] = include_bytes!("watch.html");
const STYLE: &[u8] = include_bytes!("style.css");
const LIST_SCRIPT: &[u8] = include_bytes!("list.js");
const ACCOUNT_SCRIPT: &[u8] = include_bytes!("account.js");
const PLAYER_SCRIPT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/player.js"));
const FAVICON: &[u8] = include_bytes!("icon.svg");

/// Only our own files, no inline script, no other host. `blob:` is how a script plays media.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);
const REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Answers a page, or what a page needs; none when the path names neither.
#[must_use]
pub fn answer(context: &Context, path: &str, ask: &Ask<'_>) -> Option<Reply> {
    let reply = match path {
        "/" => file(ask, HTML, LIST_PAGE),
        "/live.json" => state::list(context, ask),
        "/assets/account.js" => file(ask, SCRIPT, ACCOUNT_SCRIPT),
        "/assets/list.js" => file(ask, SCRIPT, LIST_SCRIPT),
        "/assets/player.js" => file(ask, SCRIPT, PLAYER_SCRIPT),
        "/assets/style.css" => file(ask, CSS, STYLE),
        "/assets/icon.svg" | "/favicon.ico" => file(ask, ICON, FAVICON),
        _ => watch_page(context, path.strip_prefix("/watch/")?, ask),
    };
    Some(reply)
}

fn watch_page(context: &Context, name: &str, ask: &Ask<'_>) -> Reply {
    let channel = name.strip_suffix('/').unwrap_or(name).parse::<ChannelName>().ok();
    let known = channel.is_some_and(|channel| context.lookup.title(&channel).is_some());
    let mut reply = file(ask, HTML, WATCH_PAGE);
    if !known && reply.status() == StatusCode::OK {
        // The page itself says that there is no such channel.
        *reply.status_mut() = StatusCode::NOT_FOUND;
    }
    reply
}

fn file(ask: &Ask<'_>, kind: HeaderValue, bytes: &'static [u8]) -> Reply {
    let plain = Bytes::from_static(bytes);
    let hash = blake3::hash(bytes).to_hex();
    let etag = Bytes::from(format!("\"{}\"", hash.get(..16).unwrap_or_default()));
    let reply = reply::text(ask.headers, kind, reply::REVALIDATE, plain, || window::gzip(bytes));
    let mut reply = reply::with_etag(ask.headers, reply, &etag);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, REFERRER);
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), SAME_ORIGIN);
    reply
}

const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

#[cfg(test)]
mod tests;
