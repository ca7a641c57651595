//! Which changes of the members an operator made at this node. The API tells of them, with the reason that was
//! given; whoever follows the directory must not tell of them again.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use weir_cluster::members::Change;
use weir_model::NodeId;

use super::now_ms;

/// A change that was made is in this node's copy long before; after this time the same again is another one.
const SEEN_WITHIN_MS: u64 = 5000;

/// Changes that the API tells of, by node and by kind of event, with the time at which they are forgotten. At most
/// one of each kind for each node.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeMap<(NodeId, &'static str), u64>>);

/// A change that is being made. Dropped without [`Asked::made`], it was not.
#[derive(Debug)]
pub struct Asked<'a> {
    told: &'a Told,
    key: Option<(NodeId, &'static str)>,
}

impl Told {
    /// The API is going to tell of this one.
    pub(super) fn expect(&self, change: &Change) -> Asked<'_> {
        let key = kind(change).map(|kind| (change.node(), kind));
        if let Some(key) = key {
            self.0.lock().insert(key, now_ms() + SEEN_WITHIN_MS);
        }
        Asked { told: self, key }
    }

    /// Whether the API tells of a change of this kind that is seen now; once.
    pub(super) fn tells(&self, node: NodeId, kind: &str) -> bool {
        let mut expected = self.0.lock();
        expected.retain(|_, until| *until >= now_ms());
        let found = expected.keys().find(|key| key.0 == node && key.1 == kind).copied();
        found.is_some_and(|key| expected.remove(&key).is_some())
    }
}

impl Asked<'_> {
    /// It was made.
    pub fn made(mut self) {
        self.key = None;
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.told.0.lock().remove(&key);
        }
    }
}

/// The event that whoever follows the directory has for a change that operators make.
const fn kind(change: &Change) -> Option<&'static str> {
    match change {
        Change::SetDuty { .. } => Some("node.duty"),
        Change::SetVoter { .. } => Some("node.voter"),
        Change::Remove { .. } => Some("node.removed"),
        Change::Fence { .. } => Some("node.fenced"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_made_here_is_told_once_and_by_the_api() {
        let (told, change) = (Told::default(), Change::Remove { id: NodeId(1) });
        told.expect(&change).made();
        assert!(!told.tells(NodeId(2), "node.removed") && !told.tells(NodeId(1), "node.voter"));
        assert!(told.tells(NodeId(1), "node.removed"));
        assert!(!told.tells(NodeId(1), "node.removed"), "the next one is somebody else's");
    }

    #[test]
    fn what_was_refused_is_expected_no_longer() {
        let (told, change) = (Told::default(), Change::Remove { id: NodeId(1) });
        drop(told.expect(&change));
        assert!(!told.tells(NodeId(1), "node.removed"));
    }
}
