//! Newcomers that were admitted here a moment ago. They are let in before this node's copy of the directory has them:
//! the answer to a join may be quicker than the log.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use weir_model::{NodeId, Timestamp};

use super::admit::JOINS_PER_MINUTE_MAX;

/// The log is behind by a round trip; after a minute something else is wrong.
pub const GUEST_LIFE_MS: i64 = 60_000;
/// As many as can be admitted in the life of one, which reaches into two minutes. Beyond it the one whose time ends
/// first is forgotten; it gets in when the directory has it.
pub const GUESTS_MAX: usize = 2 * JOINS_PER_MINUTE_MAX as usize;

/// See the module.
#[derive(Debug, Default)]
pub(in crate::link) struct Guests(Mutex<BTreeMap<NodeId, Timestamp>>);

impl Guests {
    /// `node` was admitted at `now`.
    pub(in crate::link) fn welcome(&self, node: NodeId, now: Timestamp) {
        let mut since = self.0.lock();
        since.retain(|_, at| is_fresh(*at, now));
        since.insert(node, now);
        if since.len() > GUESTS_MAX
            && let Some(oldest) = since.iter().min_by_key(|(_, at)| **at).map(|(node, _)| *node)
        {
            since.remove(&oldest);
        }
    }

    /// Whether `node` was admitted a moment before `now`.
    pub(in crate::link) fn has(&self, node: NodeId, now: Timestamp) -> bool {
        self.0.lock().get(&node).is_some_and(|at| is_fresh(*at, now))
    }
}

/// Also ends when the clock was set back: a guest loses a second, a clock must not prolong its stay.
const fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    let age = now.since_ms(at);
    age >= 0 && age < GUEST_LIFE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn a_guest_stays_for_a_minute() {
        let guests = Guests::default();
        guests.welcome(NodeId(1), NOON);
        assert!(guests.has(NodeId(1), NOON) && !guests.has(NodeId(2), NOON));
        assert!(guests.has(NodeId(1), NOON.plus_ms(GUEST_LIFE_MS - 1)));
        assert!(!guests.has(NodeId(1), NOON.plus_ms(GUEST_LIFE_MS)));
        assert!(!guests.has(NodeId(1), NOON.plus_ms(-1)));
    }

    #[test]
    fn there_are_never_more_guests_than_the_bound() {
        let guests = Guests::default();
        let many = GUESTS_MAX as u64 + 5;
        (0..many).for_each(|id| guests.welcome(NodeId(id), NOON.plus_ms(id as i64)));
        let now = NOON.plus_ms(many as i64);
        let stay = (0..many).filter(|id| guests.has(NodeId(*id), now)).count();
        assert_eq!(stay, GUESTS_MAX);
        assert!(!guests.has(NodeId(4), now) && guests.has(NodeId(5), now));
    }
}
