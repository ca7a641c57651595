//! The node's side: until when it may act on what it owns.

use std::collections::VecDeque;

use weir_model::Incarnation;

use super::{BEATS_MAX, NODE_TTL_MS};

/// Where a node stands with its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The leader has not granted it anything yet.
    Waiting,
    /// The leader counts on it.
    Granted,
    /// Nobody granted it anything for so long that others may take over what it owns.
    Lapsed,
    /// It was removed from the cluster.
    Removed,
}

/// A heartbeat as it goes on the wire, beside the node's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Beat {
    /// Which start of the node.
    pub incarnation: Incarnation,
    /// Counts up; the answer repeats it.
    pub seq: u64,
}

/// Until when this node's leases are its own. Times are of its monotonic clock, in milliseconds.
#[derive(Debug, Clone)]
pub struct NodeLease {
    incarnation: Incarnation,
    seq: u64,
    /// Sent and not answered: sequence number and time, oldest first.
    sent: VecDeque<(u64, u64)>,
    until_ms: u64,
}

impl NodeLease {
    /// Before the first answer: nothing is its own.
    #[must_use]
    pub const fn new(incarnation: Incarnation) -> Self {
        Self { incarnation, seq: 0, sent: VecDeque::new(), until_ms: 0 }
    }

    /// The next heartbeat, to be sent not before `now_ms`. With too many unanswered ones the oldest is given up:
    /// its answer could no longer prolong anything.
    pub fn beat(&mut self, now_ms: u64) -> Beat {
        self.seq += 1;
        if self.sent.len() >= BEATS_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back((self.seq, now_ms));
        Beat { incarnation: self.incarnation, seq: self.seq }
    }

    /// The leader granted heartbeat `beat`. Counted from when that one was sent, however late this is. An answer to
    /// something that was not sent, to another start, or for the second time changes nothing.
    pub fn granted(&mut self, beat: Beat) {
        if beat.incarnation != self.incarnation {
            return;
        }
        let Some(at) = self.sent.iter().position(|(seq, _)| *seq == beat.seq) else { return };
        // Answers to older ones would say less.
        if let Some((_, sent_ms)) = self.sent.drain(..=at).next_back() {
            self.until_ms = self.until_ms.max(sent_ms.saturating_add(NODE_TTL_MS));
        }
    }

    /// Whether the node may act as owner now.
    #[must_use]
    pub const fn is_valid(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms
    }

    /// When it has to stop, unless a further answer comes.
    #[must_use]
    pub const fn until_ms(&self) -> u64 {
        self.until_ms
    }

    /// The start of the node that this is about.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The leader refused: this start was given up. Nothing is its own any more, and before it owns anything again
    /// it has to stop its actors and come back as `next`.
    pub fn fenced(&mut self, next: Incarnation) {
        *self = Self { seq: self.seq, ..Self::new(next.max(Incarnation(self.incarnation.0 + 1))) };
    }
}
