//! The greatest value of the last moments, in constant memory: what was measured under the best conditions.
//!
//! Arrivals are late by chance and never early, so the greatest distance of media time ahead of the time of arrival
//! is the one that says where a publisher really is.

/// The greatest value of a running span and of the one before it.
#[derive(Debug, Clone)]
pub(crate) struct Greatest {
    span: i64,
    before: Option<i64>,
    running: Option<i64>,
    since: i64,
}

impl Greatest {
    /// Spans of length `span`, the first one from `now` on, in the unit of the instants to come.
    pub(crate) const fn new(span: i64, now: i64) -> Self {
        Self { span, before: None, running: None, since: now }
    }

    /// `value` was measured at `now`.
    pub(crate) fn observe(&mut self, value: i64, now: i64) {
        if now.saturating_sub(self.since) >= self.span {
            self.before = self.running.take();
            self.since = now;
        }
        self.running = self.running.max(Some(value));
    }

    /// The greatest value of both spans; none before there is one.
    pub(crate) fn get(&self) -> Option<i64> {
        self.running.max(self.before)
    }

    /// The same once a whole span was seen; none before.
    pub(crate) fn settled(&self) -> Option<i64> {
        self.before.and_then(|_| self.get())
    }

    /// What was measured before `now` says nothing any more.
    pub(crate) const fn restart(&mut self, now: i64) {
        *self = Self::new(self.span, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_of_two_spans_is_kept_and_then_forgotten() {
        let mut most = Greatest::new(10, 0);
        assert_eq!((most.get(), most.settled()), (None, None));
        most.observe(7, 1);
        most.observe(3, 9);
        assert_eq!((most.get(), most.settled()), (Some(7), None));
        most.observe(5, 10);
        assert_eq!((most.get(), most.settled()), (Some(7), Some(7)));
        most.observe(4, 20);
        assert_eq!(most.get(), Some(5));
        most.restart(20);
        assert_eq!(most.get(), None);
    }
}
