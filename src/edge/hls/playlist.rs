//! Playlists, each as its viewer may see it: the public one is the same for everybody, but whoever paid for what he sees
//! gets addresses of his own. They say who asks: whoever passes them on lets others watch in his name, as one viewing,
//! and pays for what they take.

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use weir_media::TrackId;
use weir_media::playlist::Shown;
use weir_media::reload::Reload;
use weir_model::StreamState;

use crate::actors::clock;
use crate::actors::streams::PublicStream;
use crate::edge::Context;
use crate::edge::gate::{self, View, Viewer};
use crate::edge::http::reply::{self, Reply};
use crate::edge::route::Ask;
use crate::store::window::{self, PlaylistAnswer, Text};

const PLAYLIST: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");

/// Targets that the answer to a blocking request may be cached: it says of a point in the stream what will not
/// change (RFC 8216bis Appendix B.1).
const BLOCKING_CACHE_TARGETS: u32 = 6;

/// Gives each player a token of its own, behind the playlists' addresses.
pub(super) async fn multivariant(
    context: &Context,
    stream: &PublicStream,
    view: View,
    viewer: &Viewer<'_>,
    ask: &Ask<'_>,
) -> Result<Reply, Reply> {
    started(context, stream, view.from()).await?;
    let text = stream.window.multivariant().ok_or_else(starting)?;
    let (channel, now) = (&stream.channel, clock::now());
    let known = gate::known(context, channel, viewer);
    let issued = if known.own {
        // A player that comes back with its id keeps it.
        context.tickets.renew(channel, known.id, known.holder, now)
    } else {
        let issued = context.tickets.issue_for(channel, known.holder, now);
        issued.map_err(|error| reply::sentence(StatusCode::SERVICE_UNAVAILABLE, error))?
    };
    let plain = Bytes::from(text.with_query(&format!("?v={}", issued.value)));
    let compress = || window::gzip(&plain);
    Ok(reply::text(ask.headers, PLAYLIST, reply::NO_STORE, plain.clone(), compress))
}

/// The media playlist of a track.
pub(super) async fn of_track(
    context: &Context,
    stream: &PublicStream,
    track: TrackId,
    view: View,
    viewer: &Viewer<'_>,
    ask: &Ask<'_>,
) -> Result<Reply, Reply> {
    let reload = Reload::parse(ask.query)
        .map_err(|error| reply::sentence(StatusCode::BAD_REQUEST, error))?;
    // A party that watched before goes on at once: its playlist has gaps where it may not look any more.
    let first = if let View::Party(_) = view { 0 } else { view.from() };
    started(context, stream, first).await?;
    let known = gate::known(context, &stream.channel, viewer);
    let id = gate::admit(context, &stream.channel, viewer, &known).map_err(super::refused)?;
    let own = || {
        let issued = context.tickets.renew(&stream.channel, id, known.holder, clock::now());
        format!("?v={}", issued.value)
    };
    let query = view.is_own().then(own);
    let shown = Shown { from: view.from(), query: query.as_deref() };
    match stream.window.playlist(track, &reload, shown).await {
        PlaylistAnswer::Ready(text) => Ok(ready(stream, &reload, &text, ask)),
        PlaylistAnswer::BadRequest(why) => Err(reply::sentence(StatusCode::BAD_REQUEST, why)),
        PlaylistAnswer::NotFound => Err(super::gone()),
        PlaylistAnswer::TimedOut => {
            let text = "the publisher is behind; ask again";
            Err(reply::sentence(StatusCode::SERVICE_UNAVAILABLE, text))
        }
    }
}

/// Waits until a player can start with segment `from` or a later one, while a show is on. Media is named by a playlist,
/// so whoever asks for that has seen one; only playlists are held.
async fn started(context: &Context, stream: &PublicStream, from: u64) -> Result<(), Reply> {
    if stream.window.playable_from(from) {
        return Ok(());
    }
    if stream.state.borrow().state != StreamState::Live {
        return Err(super::missing(context, &stream.channel));
    }
    let held = stream.window.wait_playable(from, context.config.start_hold());
    if held.await { Ok(()) } else { Err(starting()) }
}

fn starting() -> Reply {
    reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "the show is starting; ask again")
}

fn ready(stream: &PublicStream, reload: &Reload, text: &Text, ask: &Ask<'_>) -> Reply {
    let cache = if reload.is_blocking() { blocking(stream) } else { reply::REVALIDATE };
    let reply = reply::text(ask.headers, PLAYLIST, cache, text.plain.clone(), || text.gzip());
    reply::with_etag(ask.headers, reply, &text.etag)
}

fn blocking(stream: &PublicStream) -> HeaderValue {
    let seconds = BLOCKING_CACHE_TARGETS * stream.window.timing().target_secs;
    HeaderValue::from_maybe_shared(Bytes::from(format!("public, max-age={seconds}")))
        .unwrap_or(reply::REVALIDATE)
}
