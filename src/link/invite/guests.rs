//! Newcomers that were admitted here a moment ago. They are let in before this node's copy of the directory has them:
//! the answer to a join may be quicker than the log. With the key that they joined with, and no other.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use weir_model::{NodeId, Timestamp};

use super::admit::JOINS_PER_MINUTE_MAX;
use crate::link::trust::Fingerprint;

/// The log is behind by a round trip; after a minute something else is wrong.
pub const GUEST_LIFE_MS: i64 = 60_000;
/// As many as can be admitted in the life of one, which reaches into two minutes. Beyond it the one whose time ends
/// first is forgotten; it gets in when the directory has it.
pub const GUESTS_MAX: usize = 2 * JOINS_PER_MINUTE_MAX as usize;

/// See the module.
#[derive(Debug, Default)]
pub(in crate::link) struct Guests(Mutex<BTreeMap<NodeId, (Timestamp, Fingerprint)>>);

impl Guests {
    /// `node` was admitted with `key` at `now`.
    pub(in crate::link) fn welcome(&self, node: NodeId, key: Fingerprint, now: Timestamp) {
        let mut guests = self.0.lock();
        guests.retain(|_, (at, _)| is_fresh(*at, now));
        guests.insert(node, (now, key));
        if guests.len() > GUESTS_MAX
            && let Some(oldest) =
                guests.iter().min_by_key(|(_, (at, _))| *at).map(|(node, _)| *node)
        {
            guests.remove(&oldest);
        }
    }

    /// The key of `node`, if it was admitted a moment before `now`.
    pub(in crate::link) fn key(&self, node: NodeId, now: Timestamp) -> Option<Fingerprint> {
        self.0.lock().get(&node).filter(|(at, _)| is_fresh(*at, now)).map(|(_, key)| *key)
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
    const KEY: Fingerprint = Fingerprint([1; 32]);

    #[test]
    fn a_guest_stays_for_a_minute() {
        let guests = Guests::default();
        guests.welcome(NodeId(1), KEY, NOON);
        let key = |id, ms| guests.key(NodeId(id), NOON.plus_ms(ms));
        assert_eq!((key(1, 0), key(2, 0)), (Some(KEY), None));
        assert_eq!((key(1, GUEST_LIFE_MS - 1), key(1, GUEST_LIFE_MS)), (Some(KEY), None));
        assert_eq!(key(1, -1), None);
    }

    #[test]
    fn there_are_never_more_guests_than_the_bound() {
        let guests = Guests::default();
        let many = GUESTS_MAX as u64 + 5;
        (0..many).for_each(|id| guests.welcome(NodeId(id), KEY, NOON.plus_ms(id as i64)));
        let now = NOON.plus_ms(many as i64);
        let stays = |id: &u64| guests.key(NodeId(*id), now).is_some();
        assert_eq!((0..many).filter(stays).count(), GUESTS_MAX);
        assert!(!stays(&4) && stays(&5));
    }
}
