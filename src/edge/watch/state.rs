//! What the pages know of streams: as a list, once, or as it changes (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::HeaderValue;
use http_body::Frame;
use http_body_util::StreamBody;
use prometheus::IntGauge;
use tokio::sync::watch;
use weir_model::{ChannelName, StreamState};

use crate::actors::placement::Watched;
use crate::actors::streams::PublicStream;
use crate::actors::viewings::Viewings;
use crate::edge::http::body::Body;
use crate::edge::http::reply::{self, Reply};
use crate::edge::route::Ask;
use crate::edge::{Context, Lookup};
use crate::store::window;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Streams on the page of what is live; more than anybody scrolls through.
const LIST_MAX: usize = 500;

/// How often a page is looked after when nothing wakes it: viewers are counted, and a channel that was never live
/// has nothing that could wake.
const LOOK: Duration = Duration::from_secs(1);

/// Looks without news before a comment goes out, so that a proxy does not take the connection for dead.
const QUIET_LOOKS_MAX: u32 = 15;

/// A stream as its page sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Seen {
    channel: ChannelName,
    title: String,
    state: StreamState,
    playable: bool,
    viewers: u64,
    /// Changes when another show begins.
    show: Option<String>,
}

/// Every live stream, most viewers first.
#[must_use]
pub fn list(context: &Context, ask: &Ask<'_>) -> Reply {
    let lookup = context.lookup.as_ref();
    let mut streams: Vec<Seen> = lookup
        .streams()
        .iter()
        .filter(|one| one.state.borrow().state == StreamState::Live)
        .filter_map(|one| seen(lookup, &context.viewings, &one.channel, Some(one)))
        .collect();
    streams.sort_by(|a, b| b.viewers.cmp(&a.viewers).then_with(|| a.channel.cmp(&b.channel)));
    streams.truncate(LIST_MAX);
    json(ask, &serde_json::json!({ "streams": streams }))
}

/// A stream's state now.
#[must_use]
pub fn once(context: &Context, channel: &ChannelName, ask: &Ask<'_>) -> Reply {
    let lookup = context.lookup.as_ref();
    let stream = lookup.stream(channel);
    match seen(lookup, &context.viewings, channel, stream.as_deref()) {
        Some(seen) => json(ask, &seen),
        None => reply::sentence(StatusCode::NOT_FOUND, "there is no such channel"),
    }
}

/// A stream's state now and whenever it changes.
#[must_use]
pub fn events(context: &Arc<Context>, channel: ChannelName) -> Reply {
    if context.lookup.title(&channel).is_none() {
        return reply::sentence(StatusCode::NOT_FOUND, "there is no such channel");
    }
    let max = i64::try_from(context.config.pages_max).unwrap_or(i64::MAX);
    if context.metrics.pages.get() >= max {
        context.metrics.pages_refused.inc();
        return reply::sentence(StatusCode::SERVICE_UNAVAILABLE, "ask state.json instead");
    }
    let page = Page {
        context: Arc::clone(context),
        channel,
        told: None,
        quiet: 0,
        stop: context.tasks.stop_signal(),
        _counted: Counted::new(context.metrics.pages.clone()),
    };
    let stream = stream::unfold(page, |mut page| async move {
        let text = page.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(text)), page))
    });
    let body = Body::Live(Box::pin(StreamBody::new(stream)));
    let mut reply = reply::with(StatusCode::OK, EVENTS, reply::NO_STORE, body);
    // Tells nginx in front of us not to collect the events.
    reply.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    reply
}

/// One open page.
struct Page {
    context: Arc<Context>,
    channel: ChannelName,
    told: Option<Seen>,
    quiet: u32,
    stop: watch::Receiver<bool>,
    _counted: Counted,
}

impl Page {
    /// The next text for the page; none when the node stops or the channel is gone.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.stop.borrow() {
                return None;
            }
            let lookup = self.context.lookup.as_ref();
            let stream = lookup.stream(&self.channel);
            let now = seen(lookup, &self.context.viewings, &self.channel, stream.as_deref())?;
            if self.told.as_ref() != Some(&now) {
                let text = serde_json::to_string(&now).ok()?;
                self.told = Some(now);
                self.quiet = 0;
                return Some(Bytes::from(format!("data: {text}\n\n")));
            }
            self.quiet += 1;
            if self.quiet > QUIET_LOOKS_MAX {
                self.quiet = 0;
                return Some(Bytes::from_static(b": still here\n\n"));
            }
            self.news(stream).await;
        }
    }

    async fn news(&mut self, stream: Option<Watched>) {
        let changed = async {
            let Some(stream) = stream else { return std::future::pending().await };
            let mut state = stream.state.clone();
            state.mark_unchanged();
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK) => {}
            _ = self.stop.changed() => {}
        }
    }
}

fn seen(
    lookup: &dyn Lookup,
    viewings: &Viewings,
    channel: &ChannelName,
    stream: Option<&PublicStream>,
) -> Option<Seen> {
    let title = lookup.title(channel)?;
    let state = stream.map(|stream| *stream.state.borrow());
    Some(Seen {
        channel: channel.clone(),
        title,
        state: state.map_or(StreamState::Offline, |state| state.state),
        playable: stream.is_some_and(|stream| stream.window.playable()),
        viewers: viewings.watching(channel),
        show: state.and_then(|state| state.show).map(|show| show.to_string()),
    })
}

fn json(ask: &Ask<'_>, value: &impl serde::Serialize) -> Reply {
    let Ok(text) = serde_json::to_vec(value) else {
        return reply::sentence(StatusCode::INTERNAL_SERVER_ERROR, "the state has no text form");
    };
    let plain = Bytes::from(text);
    let compress = || window::gzip(&plain);
    reply::text(ask.headers, JSON, reply::NO_STORE, plain.clone(), compress)
}

/// Counts a page for as long as it is open.
struct Counted(IntGauge);

impl Counted {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
