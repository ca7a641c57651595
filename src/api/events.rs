//! Events: what the API's own changes leave behind, and the log for whoever reads or follows it.
//!
//! A follower is behind or waits; it holds a cursor, no copy. One that is slower than the log is told by a
//! `log.gap` event that it missed something, and goes on with what is still kept.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use weir_model::api::EventQuery;
use weir_model::event::{GAP, kind_matches};
use weir_model::text::one_line;
use weir_model::{ApiError, ChannelName, ErrorCode, Event};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::extract::Query;
use crate::actors::events::{EVENTS_KEPT_MAX, Events};

/// Events of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// Events that a follower is given in one write.
const BATCH: usize = 256;

/// A quiet follower gets an empty line this often, so that both sides notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Tells a follower where it begins, so that it can resume even before its first event.
const CURSOR: HeaderName = HeaderName::from_static("x-weir-cursor");

/// Checks the reason of a change; an absent one is empty.
pub(super) fn reason(given: Option<String>) -> Result<String, Refusal> {
    Ok(one_line("reason", &given.unwrap_or_default())?)
}

/// An operator's change, on its way to the log.
pub(super) struct Change<'a> {
    channel: Option<&'a ChannelName>,
    kind: &'a str,
    text: String,
    fields: Vec<(&'a str, String)>,
}

impl<'a> Change<'a> {
    /// A change of `channel` or of something that belongs to it.
    pub(super) fn of(
        channel: &'a ChannelName,
        kind: &'a str,
        text: String,
        reason: String,
    ) -> Self {
        Self::of_cluster(kind, text, reason).about(Some(channel))
    }

    /// A change of what belongs to no channel.
    pub(super) fn of_cluster(kind: &'a str, text: String, reason: String) -> Self {
        let fields = if reason.is_empty() { Vec::new() } else { vec![("reason", reason)] };
        Self { channel: None, kind, text, fields }
    }

    /// The channel that the change concerns.
    pub(super) fn about(mut self, channel: Option<&'a ChannelName>) -> Self {
        self.channel = channel;
        self
    }

    /// Adds a field; never a secret.
    pub(super) fn field(mut self, name: &'a str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// Appends it, with the account that asked for it.
    pub(super) fn emit(self, ctx: &Context, asker: &Asker) {
        let this = self.field("by", &asker.principal.name);
        ctx.events.emit(this.kind, this.channel, this.text, &this.fields);
    }
}

/// Events after a cursor or the newest ones, oldest first; with `follow`, one line of JSON each, for ever.
#[utoipa::path(
    get, path = "/v1/events", tag = "event",
    params(EventQuery),
    responses(
        (status = 200, body = Vec<Event>),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    Query(query): Query<EventQuery>,
) -> Result<Response, Refusal> {
    if query.follow {
        return follow(&ctx, query);
    }
    let limit = query.limit.unwrap_or(LIMIT).min(EVENTS_KEPT_MAX);
    let fits =
        |event: &Event| query.kind.as_deref().is_none_or(|kind| kind_matches(kind, &event.kind));
    let events: Vec<Event> = match query.since {
        Some(cursor) => {
            let after = ctx.events.after(cursor, EVENTS_KEPT_MAX);
            after.into_iter().filter(fits).take(limit).collect()
        }
        None => newest(&ctx.events, fits, limit),
    };
    Ok(axum::Json(events).into_response())
}

fn newest(events: &Events, fits: impl Fn(&Event) -> bool, limit: usize) -> Vec<Event> {
    let mut all: Vec<Event> = events.newest(EVENTS_KEPT_MAX).into_iter().filter(fits).collect();
    all.split_off(all.len().saturating_sub(limit))
}

fn follow(ctx: &Context, query: EventQuery) -> Result<Response, Refusal> {
    let place = ctx.followers.clone().try_acquire_owned().map_err(|_| {
        Refusal::new(ErrorCode::Unavailable, "too many readers follow events already")
            .hint("end some of them, or read with `since` now and then")
    })?;
    let newest = ctx.events.cursor();
    let cursor = query.since.unwrap_or_else(|| {
        // `limit` events from before now come first.
        let first = ctx.events.newest(query.limit.unwrap_or_default());
        let now = *newest.borrow();
        first.first().map_or(now, |event| event.cursor.saturating_sub(1))
    });
    let stop = ctx.tasks.stop_signal();
    let resumes = query.since.is_some();
    let follower = Follower {
        events: ctx.events.clone(),
        kind: query.kind,
        cursor,
        resumes,
        newest,
        stop,
        _place: place,
    };
    let mut response = Body::from_stream(lines(follower)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CURSOR, HeaderValue::from(cursor));
    Ok(response)
}

struct Follower {
    events: Events,
    kind: Option<String>,
    cursor: u64,
    /// It knows a cursor, so a hole after it must be told.
    resumes: bool,
    newest: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

fn lines(follower: Follower) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(follower, |mut follower| async move {
        let chunk = follower.next().await?;
        Some((Ok(chunk), follower))
    })
}

impl Follower {
    /// The next lines, or an empty one after a while; none when the node stops.
    async fn next(&mut self) -> Option<Bytes> {
        let deadline = tokio::time::sleep(KEEP_ALIVE);
        tokio::pin!(deadline);
        loop {
            self.newest.borrow_and_update();
            let before = self.cursor;
            let chunk = self.take();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            if self.cursor != before {
                // A batch that this follower does not want; there may be more behind it.
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                _ = self.stop.wait_for(|stop| *stop) => return None,
                () = &mut deadline => return Some(Bytes::from_static(b"\n")),
            }
        }
    }

    /// Lines that are there already.
    fn take(&mut self) -> Bytes {
        let batch = self.events.after(self.cursor, BATCH);
        let mut lines = BytesMut::new();
        if let Some(gap) = batch.first().and_then(|first| self.gap_before(first)) {
            write_line(&mut lines, &gap);
        }
        self.resumes = true;
        for event in &batch {
            self.cursor = event.cursor;
            if self.kind.as_deref().is_none_or(|kind| kind_matches(kind, &event.kind)) {
                write_line(&mut lines, event);
            }
        }
        lines.freeze()
    }

    /// Cursors have no holes while a node runs, so one in front of `first` means lost events or a restart.
    fn gap_before(&self, first: &Event) -> Option<Event> {
        let expected = self.cursor.saturating_add(1);
        if !self.resumes || first.cursor <= expected {
            return None;
        }
        let text = "events before this one are no longer kept, or the node was restarted";
        Some(Event {
            cursor: first.cursor - 1,
            at: first.at,
            kind: GAP.into(),
            channel: None,
            text: text.into(),
            fields: [("after".to_owned(), self.cursor.to_string())].into(),
        })
    }
}

fn write_line(lines: &mut BytesMut, event: &Event) {
    // Plain data of strings and numbers always has a JSON form.
    if let Ok(json) = serde_json::to_vec(event) {
        lines.put_slice(&json);
        lines.put_u8(b'\n');
    }
}

#[cfg(test)]
mod tests;
