//! HLS and low-latency HLS from a stream's window (RFC 8216bis §6.2).

mod playlist;
pub mod target;

use std::sync::Arc;

use http::StatusCode;
use http::header::{self, HeaderValue};
use weir_media::{TrackId, TrackKind};
use weir_model::{ChannelName, StreamState};

use self::target::Target;
use super::gate::Viewer;
use super::http::body::Body;
use super::http::reply::{self, Reply};
use super::metrics::Kind;
use super::route::{self, Ask};
use super::{Context, gate, watch};
use crate::actors::streams::PublicStream;
use crate::store::window::PartAnswer;

const VIDEO: HeaderValue = HeaderValue::from_static("video/mp4");
const AUDIO: HeaderValue = HeaderValue::from_static("audio/mp4");

/// Answers what lies below `/live/`: `<channel>/<what>`.
pub async fn answer(context: &Arc<Context>, rest: &str, ask: &Ask<'_>) -> (Kind, Reply) {
    let Some((name, rest)) = rest.split_once('/') else { return (Kind::Other, route::nothing()) };
    let Some(target) = target::parse(rest) else { return (Kind::Other, route::nothing()) };
    let Ok(channel) = name.parse::<ChannelName>() else {
        return (target.kind(), reply::sentence(StatusCode::NOT_FOUND, "there is no such channel"));
    };
    let reply = match target {
        Target::State => watch::state::events(context, channel, ask),
        Target::StateOnce => watch::state::once(context, &channel, ask),
        _ => media(context, &channel, &target, ask).await.unwrap_or_else(|refusal| refusal),
    };
    (target.kind(), reply)
}

/// The answer with something of a stream, to whoever may have it.
async fn media(
    context: &Context,
    channel: &ChannelName,
    target: &Target<'_>,
    ask: &Ask<'_>,
) -> Result<Reply, Reply> {
    let stream = context.lookup.stream(channel).ok_or_else(|| missing(context, channel))?;
    if stream.state.borrow().state == StreamState::Offline {
        return Err(missing(context, channel));
    }
    let (stream, viewer) = (&*stream, &Viewer::from(ask));
    let work = async |view| match *target {
        Target::Multivariant => playlist::multivariant(context, stream, view, viewer, ask).await,
        Target::Playlist(track) => {
            playlist::of_track(context, stream, track, view, viewer, ask).await
        }
        _ => Ok(bytes(stream, target, view.from(), ask).await),
    };
    let (view, reply) = gate::seen(context, stream, viewer, work).await.map_err(refused)?;
    let mut reply = reply.unwrap_or_else(|refusal| refusal);
    if view.is_own() {
        reply.headers_mut().insert(header::CACHE_CONTROL, reply::PRIVATE);
    }
    Ok(reply)
}

fn missing(context: &Context, channel: &ChannelName) -> Reply {
    let text = match context.lookup.title(channel) {
        Some(_) => "the channel is offline",
        None => "there is no such channel",
    };
    reply::sentence(StatusCode::NOT_FOUND, text)
}

/// A refusal is for this viewer and this moment: a player that is told 403 stops, and one that is told 503 asks again.
fn refused(refusal: gate::Refusal) -> Reply {
    let status = match refusal {
        // Not 402: players know 403, and stop.
        gate::Refusal::Kicked
        | gate::Refusal::Private
        | gate::Refusal::Members
        | gate::Refusal::Ticket => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut reply = reply::sentence(status, refusal);
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, reply::NO_STORE);
    headers.insert(reply::REFUSED, HeaderValue::from_static(refusal.word()));
    reply
}

/// Media from segment `from` on.
async fn bytes(stream: &PublicStream, target: &Target<'_>, from: u64, ask: &Ask<'_>) -> Reply {
    let window = &stream.window;
    match *target {
        Target::Init(track, hash) => match window.init(track, hash, from) {
            Some(bytes) => reply::media(ask.headers, of(track), bytes.into()),
            None => gone(),
        },
        Target::Segment(track, msn) if msn >= from => match window.segment(track, msn) {
            Some(list) => reply::media(ask.headers, of(track), Body::pieces(list)),
            None => gone(),
        },
        Target::Segment(..) => gone(),
        Target::Part(track, number) => match window.part(track, number, from).await {
            PartAnswer::Ready(bytes) => reply::media(ask.headers, of(track), bytes.into()),
            PartAnswer::NotFound => gone(),
            PartAnswer::TimedOut => {
                reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "the part did not come in time")
            }
        },
        _ => route::nothing(),
    }
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
