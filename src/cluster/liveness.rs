//! Leases in time: what a node may believe of itself, and when the leader may give it up.
//!
//! A node sends a heartbeat every 500 ms and the leader grants it 4 s. The node counts them from the moment it
//! *sent*, on its own monotonic clock, less a tenth: [`NodeLease`]. The leader counts from the moment it *received*,
//! on its own, and waits another second before it proposes the fencing: [`Watch`]. So a message's delay and clocks
//! that run up to 5 % wrong only ever make the node stop too early. No wall clock takes part.
//!
//! A leader that was cut off from the voters must not go on granting while the next one already counts down.
//! Therefore it grants only within [`CONFIRMED_MS`] of the last time a quorum confirmed it, and the next one begins
//! with a full grant for everybody.
//!
//! With node clocks between 0.95 and 1.05 of true time: a node stops at most 3600 / 0.95 = 3790 ms after it sent.
//! The leader that granted fences at least 5000 / 1.05 = 4761 ms after it received. A next leader takes office after
//! the old one's last confirmation, fences at least 4761 ms later, and the old one's last grant was for a heartbeat
//! received at most 500 / 0.95 = 527 ms after that confirmation: 527 + 3790 < 4761.

mod expelled;
mod fencings;
mod node;
mod watch;

pub use expelled::Welcome;
pub use fencings::Fencings;
pub use node::{Beat, NodeLease, Standing};
pub use watch::{Due, Heard, Watch};

/// A node's time between heartbeats.
pub const HEARTBEAT_MS: u64 = 500;

/// How long a heartbeat is good for: eight of them may be lost in a row.
pub const TTL_MS: u64 = 4000;

/// What a node may count on: a tenth less, which is twice what a clock may be wrong by.
pub const NODE_TTL_MS: u64 = TTL_MS - TTL_MS / 10;

/// What the leader waits on top.
pub const MARGIN_MS: u64 = 1000;

/// Silence after which the leader says that it doubts: four heartbeats, half of what ends it.
pub const SUSPECT_MS: u64 = TTL_MS / 2;

/// How long after its last confirmation by a quorum a leader still grants. See above for why not longer.
pub const CONFIRMED_MS: u64 = 500;

/// Fencing is counted over this time …
pub const BRAKE_WINDOW_MS: u64 = 30_000;

/// … and held back when more than this share of the nodes, and more than one, would be given up in it: when so many
/// seem dead at once, the network or the leader is the likelier cause, and an operator decides.
pub const BRAKE_PERCENT: usize = 20;

/// Heartbeats whose answers a node waits for: what it sends within a TTL, and as many again.
pub const BEATS_MAX: usize = 16;

/// How many nodes may be fenced within [`BRAKE_WINDOW_MS`].
#[must_use]
pub const fn brake_limit(nodes: usize) -> usize {
    let share = nodes * BRAKE_PERCENT / 100;
    if share > 1 { share } else { 1 }
}

#[cfg(test)]
mod tests;
