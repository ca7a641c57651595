//! What the pages know of streams: as a list, once, or as it changes (server-sent events).

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use prometheus::IntGauge;
use tokio::sync::watch;
use weir_model::{Access, ChannelName, StreamState};

use crate::actors::placement::Watched;
use crate::actors::streams::PublicStream;
use crate::edge::Context;
use crate::edge::gate::{self, Refusal, View, Viewer};
use crate::edge::http::body::Body;
use crate::edge::http::reply::{self, Reply};
use crate::edge::route::Ask;
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

/// Where a stream stands, for whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum SeenState {
    Live,
    /// A private session has it, and whoever looks is not of it.
    Private,
    /// It is its members', and whoever looks is none.
    Members,
    /// A ticket opens it, and whoever looks has none.
    Ticket,
    Ended,
    Offline,
}

impl From<StreamState> for SeenState {
    fn from(state: StreamState) -> Self {
        match state {
            StreamState::Live => Self::Live,
            StreamState::Ended => Self::Ended,
            StreamState::Offline => Self::Offline,
        }
    }
}

/// A stream as its page sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Seen {
    channel: ChannelName,
    title: String,
    state: SeenState,
    playable: bool,
    viewers: u64,
    /// Changes when another show begins.
    show: Option<String>,
    /// What opens it, for who may not watch.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
}

/// Every live stream, most viewers first, and behind them those in a private session: whoever waits for one of them
/// shall find it, and that it is private its page tells everybody.
#[must_use]
pub fn list(context: &Context, ask: &Ask<'_>) -> Reply {
    let lookup = context.lookup.as_ref();
    let mut streams: Vec<Seen> = lookup
        .streams()
        .iter()
        .filter(|one| one.state.borrow().state == StreamState::Live)
        .filter_map(|one| seen(context, &Viewer::from(ask), &one.channel, Some(one)))
        .collect();
    streams.sort_by(|a, b| {
        let busiest = || b.viewers.cmp(&a.viewers).then_with(|| a.channel.cmp(&b.channel));
        a.state.cmp(&b.state).then_with(busiest)
    });
    streams.truncate(LIST_MAX);
    json(ask, &serde_json::json!({ "streams": streams }))
}

/// A stream's state now.
#[must_use]
pub fn once(context: &Context, channel: &ChannelName, ask: &Ask<'_>) -> Reply {
    let stream = context.lookup.stream(channel);
    match seen(context, &Viewer::from(ask), channel, stream.as_deref()) {
        Some(seen) => json(ask, &seen),
        None => reply::sentence(StatusCode::NOT_FOUND, "there is no such channel"),
    }
}

/// A stream's state now and whenever it changes.
#[must_use]
pub fn events(context: &Arc<Context>, channel: ChannelName, ask: &Ask<'_>) -> Reply {
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
        visitor: Visitor::of(ask),
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

/// What of a request tells who opened a page, for as long as that is open.
struct Visitor {
    remote: IpAddr,
    headers: HeaderMap,
    ticket: Option<String>,
}

impl Visitor {
    fn of(ask: &Ask<'_>) -> Self {
        let cookies = ask.headers.get_all(header::COOKIE).iter();
        let headers = cookies.map(|cookie| (header::COOKIE, cookie.clone())).collect();
        Self { remote: ask.remote, headers, ticket: ask.parameter("v").map(str::to_owned) }
    }

    fn viewer(&self) -> Viewer<'_> {
        let Self { remote, headers, ticket } = self;
        Viewer { remote: *remote, headers, player: "", ticket: ticket.as_deref(), head: true }
    }
}

/// One open page.
struct Page {
    context: Arc<Context>,
    channel: ChannelName,
    visitor: Visitor,
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
            let stream = self.context.lookup.stream(&self.channel);
            let viewer = self.visitor.viewer();
            let now = seen(&self.context, &viewer, &self.channel, stream.as_deref())?;
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

/// What `viewer` sees of a stream; none when there is no such channel.
fn seen(
    context: &Context,
    viewer: &Viewer<'_>,
    channel: &ChannelName,
    stream: Option<&PublicStream>,
) -> Option<Seen> {
    let title = context.lookup.title(channel)?;
    let public = stream.map(|stream| *stream.state.borrow());
    let state = public.map_or(SeenState::Offline, |public| public.state.into());
    let view = stream.map(|stream| gate::view(context, stream, viewer));
    // Of what may be a session's nobody is told that it goes on.
    let is_open = !matches!(view, Some(Err(_)));
    let shut = match view {
        Some(Err(Refusal::Private)) => Some(SeenState::Private),
        Some(Err(Refusal::Members)) => Some(SeenState::Members),
        Some(Err(Refusal::Ticket)) => Some(SeenState::Ticket),
        _ => None,
    };
    let shut = shut.filter(|_| state == SeenState::Live);
    let is_sold = matches!(shut, Some(SeenState::Members | SeenState::Ticket));
    let from = match view {
        Some(Ok(View::Public(from) | View::Sold(from))) => from,
        // Whoever is of the session goes on with what he plays.
        _ => 0,
    };
    let playable = stream.is_some_and(|stream| stream.window.playable_from(from));
    Some(Seen {
        channel: channel.clone(),
        title,
        state: shut.unwrap_or(state),
        playable: playable && is_open,
        viewers: if is_open { context.viewings.watching(channel) } else { 0 },
        show: public.and_then(|public| public.show).map(|show| show.to_string()),
        access: is_sold.then(|| context.lookup.access(channel)),
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
