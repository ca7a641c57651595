//! Following the event log for ever: a dropped connection is resumed after the last event that arrived.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::Stream;
use futures_util::stream::unfold;
use reqwest::{Method, Response};
use weir_model::Event;
use weir_model::api::EventQuery;

use crate::{Client, ClientError};

/// Pauses before a new attempt double from the first to the second.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// One event is a sentence and a few fields; far more means that this is no event log.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads events one by one.
pub struct Follow {
    client: Client,
    query: EventQuery,
    connection: Option<Response>,
    unread: BytesMut,
    /// Before the next attempt to connect; none before the first one.
    pause: Duration,
    over: bool,
}

impl Client {
    /// Follows the event log: after `query.since`, else from now on (with `query.limit` older ones first).
    #[must_use]
    pub fn follow(&self, query: EventQuery) -> Follow {
        Follow {
            client: self.clone(),
            query: EventQuery { follow: true, ..query },
            connection: None,
            unread: BytesMut::new(),
            pause: Duration::ZERO,
            over: false,
        }
    }
}

impl Follow {
    /// The next event. An error is news, not the end: the next call tries again, after a pause that grows.
    /// Only a refusal that no retry can cure (a wrong token, say) is followed by `None`.
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Result<Event, ClientError>> {
        while !self.over {
            if let Some(line) = self.line() {
                if line.is_empty() {
                    continue;
                }
                return Some(self.event(&line));
            }
            if let Err(error) = self.more().await {
                self.connection = None;
                self.unread.clear();
                self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
                self.over = !error.is_transient();
                return Some(Err(error));
            }
        }
        None
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, ClientError>> {
        unfold(self, |mut follow| async move {
            let item = follow.next().await?;
            Some((item, follow))
        })
    }

    /// The cursor after which a new follower would go on.
    #[must_use]
    pub fn cursor(&self) -> Option<u64> {
        self.query.since
    }

    fn event(&mut self, line: &[u8]) -> Result<Event, ClientError> {
        let event: Event = serde_json::from_slice(line).map_err(|error| {
            self.over = true;
            self.client.decode(error.to_string())
        })?;
        self.query.since = Some(event.cursor);
        self.pause = PAUSE_MIN;
        Ok(event)
    }

    fn line(&mut self) -> Option<BytesMut> {
        let end = self.unread.iter().position(|byte| *byte == b'\n')?;
        let line = self.unread.split_to(end);
        self.unread.advance(1);
        Some(line)
    }

    /// Waits for more bytes, connecting first where needed.
    async fn more(&mut self) -> Result<(), ClientError> {
        let Some(connection) = &mut self.connection else {
            tokio::time::sleep(self.pause).await;
            self.connection = Some(self.connect().await?);
            return Ok(());
        };
        match connection.chunk().await.map_err(|error| self.client.failed(&error))? {
            // Only the begun line is unread here; whole ones were taken before.
            Some(_) if self.unread.len() > LINE_BYTES_MAX => {
                Err(self.client.decode("an event does not end".into()))
            }
            Some(chunk) => {
                self.unread.extend_from_slice(&chunk);
                Ok(())
            }
            None => {
                // The node stops, or ends a connection that lived too long.
                self.connection = None;
                self.unread.clear();
                self.pause = self.pause.max(PAUSE_MIN);
                Ok(())
            }
        }
    }

    async fn connect(&mut self) -> Result<Response, ClientError> {
        let request = self.client.request(Method::GET, "/v1/events").query(&self.query);
        let response = self.client.accepted(request).await?;
        if self.query.since.is_none() {
            let cursor = response.headers().get("x-weir-cursor");
            let cursor = cursor.and_then(|value| value.to_str().ok());
            self.query.since = cursor.and_then(|text| text.parse().ok());
        }
        Ok(response)
    }
}
