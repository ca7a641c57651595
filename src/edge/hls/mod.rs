//! HLS and low-latency HLS from a stream's window (RFC 8216bis §6.2).

pub mod target;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderValue};
use weir_media::reload::Reload;
use weir_media::{TrackId, TrackKind};
use weir_model::{ChannelName, StreamState};

use self::target::Target;
use super::http::body::Body;
use super::http::reply::{self, Reply};
use super::metrics::Kind;
use super::route::{self, Ask};
use super::{Context, auth, gate, watch};
use crate::actors::placement::Watched;
use crate::actors::streams::PublicStream;
use crate::store::window::{self, PartAnswer, PlaylistAnswer};

const PLAYLIST: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");
const VIDEO: HeaderValue = HeaderValue::from_static("video/mp4");
const AUDIO: HeaderValue = HeaderValue::from_static("audio/mp4");

/// Targets that the answer to a blocking request may be cached: it says of a point in the stream what will not
/// change (RFC 8216bis Appendix B.1).
const BLOCKING_CACHE_TARGETS: u32 = 6;

/// Answers what lies below `/live/`: `<channel>/<what>`.
pub async fn answer(context: &Arc<Context>, rest: &str, ask: &Ask<'_>) -> (Kind, Reply) {
    let Some((name, rest)) = rest.split_once('/') else { return (Kind::Other, route::nothing()) };
    let Some(target) = target::parse(rest) else { return (Kind::Other, route::nothing()) };
    let Ok(channel) = name.parse::<ChannelName>() else {
        return (target.kind(), reply::sentence(StatusCode::NOT_FOUND, "there is no such channel"));
    };
    let reply = match target {
        Target::State => watch::state::events(context, channel),
        Target::StateOnce => watch::state::once(context, &channel, ask),
        _ => match watchable(context, &channel, &target).await {
            Ok(stream) => media(context, &stream, &target, ask).await,
            Err(refusal) => refusal,
        },
    };
    (target.kind(), reply)
}

/// The stream, once there is something of it to serve.
async fn watchable(
    context: &Context,
    channel: &ChannelName,
    target: &Target<'_>,
) -> Result<Watched, Reply> {
    let missing = || {
        let text = match context.lookup.title(channel) {
            Some(_) => "the channel is offline",
            None => "there is no such channel",
        };
        reply::sentence(StatusCode::NOT_FOUND, text)
    };
    let stream = context.lookup.stream(channel).ok_or_else(missing)?;
    let state = stream.state.borrow().state;
    let playlist = matches!(target, Target::Multivariant | Target::Playlist(_));
    // Media is named by a playlist, so whoever asks for it has seen one; only playlists are held.
    if !playlist || stream.window.playable() {
        return if state == StreamState::Offline { Err(missing()) } else { Ok(stream) };
    }
    if state != StreamState::Live {
        return Err(missing());
    }
    if stream.window.wait_playable(context.config.start_hold()).await {
        return Ok(stream);
    }
    Err(reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "the show is starting; ask again"))
}

async fn media(
    context: &Context,
    stream: &PublicStream,
    target: &Target<'_>,
    ask: &Ask<'_>,
) -> Reply {
    let window = &stream.window;
    match *target {
        Target::Multivariant => multivariant(context, stream, ask),
        Target::Playlist(track) => playlist(context, stream, track, ask).await,
        Target::Init(track, hash) => match window.init(track, hash) {
            Some(bytes) => reply::media(ask.headers, of(track), bytes.into()),
            None => gone(),
        },
        Target::Segment(track, msn) => match window.segment(track, msn) {
            Some(list) => reply::media(ask.headers, of(track), Body::pieces(list)),
            None => gone(),
        },
        Target::Part(track, number) => match window.part(track, number).await {
            PartAnswer::Ready(bytes) => reply::media(ask.headers, of(track), bytes.into()),
            PartAnswer::NotFound => gone(),
            PartAnswer::TimedOut => {
                reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "the part did not come in time")
            }
        },
        Target::State | Target::StateOnce => route::nothing(),
    }
}

/// Gives each player an id of its own, behind the playlists' addresses.
fn multivariant(context: &Context, stream: &PublicStream, ask: &Ask<'_>) -> Reply {
    let Some(text) = stream.window.multivariant() else {
        return reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "the show is starting; ask again");
    };
    // A player that comes back with its id keeps it.
    let known = ask.parameter("v").filter(|v| context.tickets.check(&stream.channel, v).is_some());
    let query = match known {
        Some(value) => format!("?v={value}"),
        None => match context.tickets.issue(&stream.channel) {
            Ok(value) => format!("?v={value}"),
            Err(error) => return reply::sentence(StatusCode::SERVICE_UNAVAILABLE, error),
        },
    };
    let plain = Bytes::from(text.with_query(&query));
    let compress = || window::gzip(&plain);
    reply::text(ask.headers, PLAYLIST, reply::NO_STORE, plain.clone(), compress)
}

async fn playlist(
    context: &Context,
    stream: &PublicStream,
    track: TrackId,
    ask: &Ask<'_>,
) -> Reply {
    let reload = match Reload::parse(ask.query) {
        Ok(reload) => reload,
        Err(error) => return reply::sentence(StatusCode::BAD_REQUEST, error),
    };
    let viewer = gate::Viewer {
        remote: ask.remote,
        account: auth::account_of(context, ask.headers),
        player: ask.player(),
        ticket: ask.parameter("v"),
        head: ask.head,
    };
    if let Err(refusal) = gate::admit(context, &stream.channel, &viewer) {
        let status = match refusal {
            gate::Refusal::Kicked => StatusCode::FORBIDDEN,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        return reply::sentence(status, refusal);
    }
    match stream.window.playlist(track, &reload).await {
        PlaylistAnswer::Ready(text) => {
            let cache = if reload.is_blocking() { blocking(stream) } else { reply::REVALIDATE };
            let gzip = || text.gzip();
            let reply = reply::text(ask.headers, PLAYLIST, cache, text.plain.clone(), gzip);
            reply::with_etag(ask.headers, reply, &text.etag)
        }
        PlaylistAnswer::BadRequest(why) => reply::sentence(StatusCode::BAD_REQUEST, why),
        PlaylistAnswer::NotFound => gone(),
        PlaylistAnswer::TimedOut => {
            reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "the publisher is behind; ask again")
        }
    }
}

fn blocking(stream: &PublicStream) -> HeaderValue {
    let seconds = BLOCKING_CACHE_TARGETS * stream.window.timing().target_secs;
    HeaderValue::from_maybe_shared(Bytes::from(format!("public, max-age={seconds}")))
        .unwrap_or(reply::REVALIDATE)
}

const fn of(track: TrackId) -> HeaderValue {
    match track.kind {
        TrackKind::Video => VIDEO,
        TrackKind::Audio => AUDIO,
    }
}

fn gone() -> Reply {
    let mut reply = reply::sentence(StatusCode::NOT_FOUND, "it is not there, or no longer");
    reply.headers_mut().insert(header::CACHE_CONTROL, reply::BRIEF);
    reply
}

#[cfg(test)]
mod tests;
