//! What the API asks of the actors. A trait, so that the API is tested without a stream.

use std::future::Future;
use std::pin::Pin;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use weir_model::api::SILENT_HEADER;
use weir_model::{ChannelName, KeyId, StreamInfo, Viewing, ViewingId};

use crate::actors::reach::{Gathered, Reach};

/// An answer that takes a while.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

const SILENT: HeaderName = HeaderName::from_static(SILENT_HEADER);

/// Streams and viewings of all nodes.
pub trait Live: Send + Sync + 'static {
    /// Every stream, by channel name.
    fn streams(&self) -> Reply<'_, Gathered<Vec<StreamInfo>>>;

    /// One stream.
    fn stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, Gathered<StreamInfo>>;

    /// Drops a publisher. False when there is none.
    fn kick_stream<'a>(
        &'a self,
        channel: &'a ChannelName,
        reason: &'a str,
    ) -> Reply<'a, Gathered<bool>>;

    /// Ends a stream at once and forgets it, with its media. False when nobody published.
    fn remove_stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, Gathered<bool>>;

    /// Drops the publisher that came with `key`. False when there is none.
    fn withdraw_key<'a>(
        &'a self,
        channel: &'a ChannelName,
        key: KeyId,
    ) -> Reply<'a, Gathered<bool>>;

    /// At most `limit` viewings, oldest first.
    fn viewings<'a>(
        &'a self,
        channel: Option<&'a ChannelName>,
        limit: usize,
    ) -> Reply<'a, Gathered<Vec<Viewing>>>;

    /// What a viewing watches. None when there is none of that id.
    fn watches(&self, id: ViewingId) -> Option<ChannelName>;

    /// Ends a viewing. False when there is none of that id.
    fn kick_viewing(&self, id: ViewingId) -> Reply<'_, Gathered<bool>>;
}

impl Live for Reach {
    fn streams(&self) -> Reply<'_, Gathered<Vec<StreamInfo>>> {
        Box::pin(self.streams())
    }

    fn stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, Gathered<StreamInfo>> {
        Box::pin(self.stream(channel))
    }

    fn kick_stream<'a>(
        &'a self,
        channel: &'a ChannelName,
        reason: &'a str,
    ) -> Reply<'a, Gathered<bool>> {
        Box::pin(self.kick_stream(channel, reason))
    }

    fn remove_stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, Gathered<bool>> {
        Box::pin(self.remove_stream(channel))
    }

    fn withdraw_key<'a>(
        &'a self,
        channel: &'a ChannelName,
        key: KeyId,
    ) -> Reply<'a, Gathered<bool>> {
        Box::pin(self.withdraw_key(channel, key))
    }

    fn viewings<'a>(
        &'a self,
        channel: Option<&'a ChannelName>,
        limit: usize,
    ) -> Reply<'a, Gathered<Vec<Viewing>>> {
        Box::pin(self.viewings(channel, limit))
    }

    fn watches(&self, id: ViewingId) -> Option<ChannelName> {
        self.channel_of(id)
    }

    fn kick_viewing(&self, id: ViewingId) -> Reply<'_, Gathered<bool>> {
        Box::pin(self.kick_viewing(id))
    }
}

/// An answer with the names of the nodes that are not in it.
pub(super) fn told<T>(gathered: Gathered<T>) -> (HeaderMap, axum::Json<T>) {
    let mut headers = HeaderMap::new();
    let names = gathered.silent.join(", ");
    if let Some(names) = HeaderValue::from_str(&names).ok().filter(|names| !names.is_empty()) {
        headers.insert(SILENT, names);
    }
    (headers, axum::Json(gathered.found))
}
