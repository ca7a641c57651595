//! The event log of this node: ordered, cursor-addressed, bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use weir_model::{ChannelName, Event};

use super::clock;

/// Events kept for readers that come late; the oldest go first.
pub const EVENTS_KEPT_MAX: usize = 10_000;

/// Refusals written in a second. Whoever tries keys must not push everything else out of the log; what is
/// above is counted.
pub const REFUSALS_PER_SECOND_MAX: u32 = 20;

/// The log. Cheap to clone; all clones are one log.
#[derive(Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    log: Mutex<VecDeque<Event>>,
    newest: watch::Sender<u64>,
    /// The running second and the refusals written in it.
    refusals: Mutex<(i64, u32)>,
    suppressed: AtomicU64,
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl Events {
    /// An empty log. Cursors start at the wall clock in microseconds, so that they rise across restarts.
    #[must_use]
    pub fn new() -> Self {
        let start = u64::try_from(clock::now().0).unwrap_or_default().saturating_mul(1000);
        let inner = Inner {
            log: Mutex::new(VecDeque::new()),
            newest: watch::Sender::new(start),
            refusals: Mutex::new((0, 0)),
            suppressed: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Appends an event. `fields` must never hold a secret.
    pub fn emit(
        &self,
        kind: &str,
        channel: Option<&ChannelName>,
        text: impl Into<String>,
        fields: &[(&str, String)],
    ) {
        let text = text.into();
        let fields: BTreeMap<String, String> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        tracing::info!(kind, channel = channel.map(ChannelName::as_str), ?fields, "{text}");
        let mut log = self.inner.log.lock();
        let cursor = *self.inner.newest.borrow() + 1;
        let at = clock::now();
        log.push_back(Event {
            cursor,
            at,
            kind: kind.into(),
            channel: channel.cloned(),
            text,
            fields,
        });
        if log.len() > EVENTS_KEPT_MAX {
            log.pop_front();
        }
        self.inner.newest.send_replace(cursor);
    }

    /// Appends an event that a stranger can cause as often as he likes; at most
    /// [`REFUSALS_PER_SECOND_MAX`] of them.
    pub fn emit_refusal(
        &self,
        kind: &str,
        channel: Option<&ChannelName>,
        text: impl Into<String>,
        fields: &[(&str, String)],
    ) {
        if self.may_refuse(clock::monotonic_us() / 1_000_000) {
            self.emit(kind, channel, text, fields);
        } else {
            self.inner.suppressed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Refusals that were not written because there were too many.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.inner.suppressed.load(Ordering::Relaxed)
    }

    fn may_refuse(&self, now_s: i64) -> bool {
        let mut refusals = self.inner.refusals.lock();
        if refusals.0 != now_s {
            *refusals = (now_s, 0);
        }
        refusals.1 += 1;
        refusals.1 <= REFUSALS_PER_SECOND_MAX
    }

    /// At most `limit` events after `cursor`, oldest first.
    #[must_use]
    pub fn after(&self, cursor: u64, limit: usize) -> Vec<Event> {
        let log = self.inner.log.lock();
        let first = log.partition_point(|event| event.cursor <= cursor);
        log.iter().skip(first).take(limit).cloned().collect()
    }

    /// The newest `limit` events, oldest first.
    #[must_use]
    pub fn newest(&self, limit: usize) -> Vec<Event> {
        let log = self.inner.log.lock();
        log.iter().skip(log.len().saturating_sub(limit)).cloned().collect()
    }

    /// The cursor of the newest event; changes when one is appended.
    #[must_use]
    pub fn cursor(&self) -> watch::Receiver<u64> {
        self.inner.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_leaves_room_for_everything_else() {
        let events = Events::new();
        let flood = 10 * REFUSALS_PER_SECOND_MAX;
        for _ in 0..flood {
            events.emit_refusal("publish.refused", None, "no", &[]);
        }
        let written = events.after(0, usize::MAX).len() as u64;
        assert_eq!(written + events.suppressed(), u64::from(flood));
        // The flood may cross from one second into the next.
        assert!(written <= u64::from(2 * REFUSALS_PER_SECOND_MAX));
    }

    #[test]
    fn a_reader_resumes_after_its_cursor_and_old_events_go_first() {
        let events = Events::new();
        for n in 0..EVENTS_KEPT_MAX + 5 {
            events.emit("test.made", None, n.to_string(), &[]);
        }
        let all = events.after(0, usize::MAX);
        assert_eq!(all.len(), EVENTS_KEPT_MAX);
        assert_eq!(all[0].text, "5");
        let resumed = events.after(all[1].cursor, 2);
        assert_eq!(resumed, all[2..4]);
    }
}
