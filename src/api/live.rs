//! What the API asks of the actors. A trait, so that the API is tested without a stream.

use std::future::Future;
use std::pin::Pin;

use weir_model::{ChannelName, KeyId, StreamInfo, Viewing, ViewingId};

use crate::actors::streams::{StopReason, Streams};
use crate::actors::viewings::Viewings;

/// An answer that takes a while.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Streams and viewings of this node.
pub trait Live: Send + Sync + 'static {
    /// Every stream, by channel name.
    fn streams(&self) -> Reply<'_, Vec<StreamInfo>>;

    /// One stream.
    fn stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, StreamInfo>;

    /// Drops a publisher. False when there is none.
    fn kick_stream<'a>(&'a self, channel: &'a ChannelName, reason: StopReason) -> Reply<'a, bool>;

    /// Ends a stream at once and forgets it, with its media. False when nobody published.
    fn remove_stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, bool>;

    /// Drops the publisher that came with `key`. False when there is none.
    fn withdraw_key<'a>(&'a self, channel: &'a ChannelName, key: KeyId) -> Reply<'a, bool>;

    /// At most `limit` viewings, oldest first.
    fn viewings(&self, channel: Option<&ChannelName>, limit: usize) -> Vec<Viewing>;

    /// Ends a viewing. False when there is none of that id.
    fn kick_viewing(&self, id: ViewingId, reason: &str) -> bool;
}

impl Live for (Streams, Viewings) {
    fn streams(&self) -> Reply<'_, Vec<StreamInfo>> {
        Box::pin(self.0.list())
    }

    fn stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, StreamInfo> {
        Box::pin(self.0.info(channel))
    }

    fn kick_stream<'a>(&'a self, channel: &'a ChannelName, reason: StopReason) -> Reply<'a, bool> {
        Box::pin(self.0.kick(channel, reason))
    }

    fn remove_stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, bool> {
        Box::pin(self.0.remove(channel))
    }

    fn withdraw_key<'a>(&'a self, channel: &'a ChannelName, key: KeyId) -> Reply<'a, bool> {
        Box::pin(self.0.withdraw_key(channel, key))
    }

    fn viewings(&self, channel: Option<&ChannelName>, limit: usize) -> Vec<Viewing> {
        self.1.list(channel, limit)
    }

    fn kick_viewing(&self, id: ViewingId, reason: &str) -> bool {
        self.1.kick(id, reason)
    }
}
