//! The newest of a series, for readers who each remember how far they came.
//!
//! Whoever comes too late for what was dropped is told so, and has to be given everything.

use std::collections::VecDeque;

/// The newest of a series, numbered from 1.
pub(in crate::actors) struct Log<T> {
    kept: VecDeque<T>,
    newest: u64,
    max: usize,
}

impl<T: Clone> Log<T> {
    /// Nothing yet; keeps `max`.
    pub(in crate::actors) const fn new(max: usize) -> Self {
        Self { kept: VecDeque::new(), newest: 0, max }
    }

    /// Adds the next.
    pub(in crate::actors) fn push(&mut self, item: T) {
        self.newest += 1;
        self.kept.push_back(item);
        while self.kept.len() > self.max {
            self.kept.pop_front();
        }
    }

    /// The number of the newest, 0 before the first.
    pub(in crate::actors) const fn newest(&self) -> u64 {
        self.newest
    }

    /// What came after number `read`; none when some of it is gone.
    pub(in crate::actors) fn after(&self, read: u64) -> Option<Vec<T>> {
        let missing = usize::try_from(self.newest.checked_sub(read)?).ok()?;
        let skipped = self.kept.len().checked_sub(missing)?;
        Some(self.kept.iter().skip(skipped).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_what_came_after_it_or_is_told_that_it_is_too_late() {
        let mut log = Log::new(3);
        assert_eq!((log.newest(), log.after(0)), (0, Some(vec![])));
        for item in 'a'..='e' {
            log.push(item);
        }
        assert_eq!((log.newest(), log.after(5)), (5, Some(vec![])));
        assert_eq!(log.after(4), Some(vec!['e']));
        assert_eq!(log.after(2), Some(vec!['c', 'd', 'e']));
        assert_eq!((log.after(1), log.after(6)), (None, None));
    }
}
