//! Streams that are sent to another node: a publisher goes where it likes, but for a moment the owner leaves its stream
//! to that node alone, so that an encoder with a list of servers finds it there at last.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use weir_cluster::members::Member;
use weir_model::{ChannelName, NodeId};

use super::{Inner, Placement, now_ms};

/// How long a stream waits for the node it was sent to: an encoder tries every server of its list in less. Then
/// whoever has the publisher may have the stream.
const WAIT_MS: u64 = 5000;

/// Where streams were sent, and until when they wait, milliseconds of the monotonic clock. At most one entry for
/// each stream that is packaged here.
#[derive(Default)]
pub(super) struct Sent(Mutex<BTreeMap<ChannelName, (NodeId, u64)>>);

impl Sent {
    fn to(&self, channel: &ChannelName, node: NodeId, now_ms: u64) {
        let mut sent = self.0.lock();
        sent.retain(|_, (_, until)| *until > now_ms);
        sent.insert(channel.clone(), (node, now_ms.saturating_add(WAIT_MS)));
    }

    fn target(&self, channel: &ChannelName, now_ms: u64) -> Option<NodeId> {
        let sent = self.0.lock();
        sent.get(channel).filter(|(_, until)| *until > now_ms).map(|(node, _)| *node)
    }
}

impl Placement {
    /// As owner: a channel's stream waits a moment for `node`, and for no other.
    pub fn send(&self, channel: &ChannelName, node: NodeId) {
        self.inner.sent.to(channel, node, now_ms());
    }
}

impl Inner {
    /// Whether a stream waits for another node than `asker`, and that one can have it.
    pub(super) fn is_sent_past(&self, channel: &ChannelName, asker: NodeId) -> bool {
        let Some(target) = self.sent.target(channel, now_ms()) else { return false };
        let directory = self.parts.store.cluster();
        target != asker && directory.members.of(target).is_some_and(Member::takes_work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_waits_a_moment_for_the_node_it_was_sent_to() {
        let (sent, channel) = (Sent::default(), "demo".parse().unwrap());
        assert_eq!(sent.target(&channel, 0), None);
        sent.to(&channel, NodeId(4), 1000);
        assert_eq!(sent.target(&channel, 1000 + WAIT_MS - 1), Some(NodeId(4)));
        assert_eq!(sent.target(&channel, 1000 + WAIT_MS), None);
        sent.to(&"other".parse().unwrap(), NodeId(5), 1000 + WAIT_MS);
        assert_eq!(sent.0.lock().len(), 1, "what is over is forgotten");
    }
}
