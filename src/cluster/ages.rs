//! For how long things have been so, as somebody sees it who looks now and then.

use std::collections::BTreeMap;

/// Since when each of some things has been so. What a look does not find is forgotten with it, so this is bounded by
/// what one look finds.
#[derive(Debug, Clone)]
pub struct Ages<K> {
    before: BTreeMap<K, u64>,
    found: BTreeMap<K, u64>,
}

impl<K> Default for Ages<K> {
    fn default() -> Self {
        Self { before: BTreeMap::new(), found: BTreeMap::new() }
    }
}

impl<K: Ord> Ages<K> {
    /// It is so now: for how long it has been, milliseconds.
    pub fn of(&mut self, what: K, now_ms: u64) -> u64 {
        let since = self.before.get(&what).copied().unwrap_or(now_ms);
        self.found.insert(what, since);
        now_ms.saturating_sub(since)
    }

    /// A look is over: what it did not find is not so any more.
    pub fn end_look(&mut self) {
        self.before = std::mem::take(&mut self.found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_counts_from_the_first_of_looks_without_a_break() {
        let mut ages = Ages::default();
        assert_eq!((ages.of("a", 10), ages.of("b", 10)), (0, 0));
        ages.end_look();
        assert_eq!(ages.of("a", 25), 15);
        ages.end_look();
        assert_eq!((ages.of("a", 30), ages.of("b", 30)), (20, 0), "b was not so in between");
        ages.end_look();
        assert_eq!(ages.of("a", 5), 0, "time does not go back");
    }
}
