//! Viewings: one per viewer and stream, counted once, listed, kickable, bounded.

use std::net::IpAddr;

use weir_model::{ChannelName, Viewing, ViewingId};

/// All viewings of this node.
#[derive(Clone)]
pub struct Viewings {}

/// What a request of a viewing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Serve it.
    Go,
    /// It was kicked.
    Kicked,
    /// The node already has as many viewings as it may.
    Full,
}

impl Viewings {
    /// Notes a request of a viewing at the current time and says whether to serve it.
    pub fn touch(
        &self,
        id: ViewingId,
        channel: &ChannelName,
        protocol: &'static str,
        remote: IpAddr,
        player: &str,
    ) -> Verdict {
        let _ = (id, channel, protocol, remote, player);
        unimplemented!()
    }

    /// Viewings of `channel`.
    #[must_use]
    pub fn count(&self, channel: &ChannelName) -> u64 {
        let _ = channel;
        unimplemented!()
    }

    /// Viewings of all channels.
    #[must_use]
    pub fn total(&self) -> u64 {
        unimplemented!()
    }

    /// At most `limit` viewings, of one channel or of all, oldest first.
    #[must_use]
    pub fn list(&self, channel: Option<&ChannelName>, limit: usize) -> Vec<Viewing> {
        let _ = (channel, limit);
        unimplemented!()
    }

    /// Refuses every further request of a viewing. False when there is none of that id.
    pub fn kick(&self, id: ViewingId, reason: &str) -> bool {
        let _ = (id, reason);
        unimplemented!()
    }
}
