//! L2. Feeds: one writer, many readers, bounded. They carry frames from ingest to whoever needs them.
//!
//! A reader has a cursor, not a copy, and what every reader has passed is dropped. One that falls out of the ring
//! skips to the newest key frame behind a discontinuity; what it lost is counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use weir_media::{CodecConfig, Item, TrackId, TrackKind};

/// What a feed keeps at most; whichever is reached first drops the oldest items.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Media bytes.
    pub bytes_max: usize,
    /// Items, so that empty frames cannot grow it.
    pub items_max: usize,
    /// Time on the show's line, microseconds.
    pub duration_us_max: i64,
}

/// A live reader is at most a few frames behind; 8 s and 16 MiB bridge a stall of the node without
/// letting a 50 Mbit/s publisher take more than 16 MiB.
pub const LIMITS: Limits =
    Limits { bytes_max: 16 << 20, items_max: 16_384, duration_us_max: 8_000_000 };

/// Makes an empty feed.
#[must_use]
pub fn channel(limits: Limits) -> (Writer, Feed) {
    let shared = Arc::new(Shared {
        ring: Mutex::new(Ring::new(limits)),
        wake: Notify::new(),
        skipped: AtomicU64::new(0),
    });
    (Writer { shared: Arc::clone(&shared) }, Feed { shared })
}

/// The one writing end. Dropping it ends every reader once it has read what is left.
pub struct Writer {
    shared: Arc<Shared>,
}

/// Where readers come from.
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

/// A cursor into a feed.
pub struct Reader {
    shared: Arc<Shared>,
    id: u64,
    next: u64,
    lagged: bool,
}

struct Shared {
    ring: Mutex<Ring>,
    wake: Notify,
    skipped: AtomicU64,
}

struct Ring {
    limits: Limits,
    /// Items with their time in microseconds.
    items: VecDeque<(Item, i64)>,
    /// Index of `items[0]` since the feed began.
    first: u64,
    bytes: usize,
    newest_us: i64,
    configs: BTreeMap<TrackId, Arc<CodecConfig>>,
    /// Index of the newest frame a video decoder can start at.
    newest_key: Option<u64>,
    /// Where each reader stands, by its id.
    cursors: BTreeMap<u64, u64>,
    next_reader: u64,
    closed: bool,
}

impl Writer {
    /// Appends items in order and wakes the readers once.
    pub fn push(&self, items: impl IntoIterator<Item = Item>) {
        let mut ring = self.shared.ring.lock();
        for item in items {
            ring.push(item);
        }
        drop(ring);
        self.shared.wake.notify_waiters();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.ring.lock().closed = true;
        self.shared.wake.notify_waiters();
    }
}

impl Feed {
    /// A reader that begins with the next item written.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let (id, next) = self.shared.ring.lock().join();
        Reader { shared: Arc::clone(&self.shared), id, next, lagged: false }
    }

    /// Frames that readers lost because they fell behind.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.shared.skipped.load(Ordering::Relaxed)
    }
}

impl Reader {
    /// Waits for items and appends all there are to `out`. False once the feed has ended.
    pub async fn recv(&mut self, out: &mut Vec<Item>) -> bool {
        let shared = Arc::clone(&self.shared);
        loop {
            let mut woken = std::pin::pin!(shared.wake.notified());
            // Registered before looking, so that a push in between is not missed.
            woken.as_mut().enable();
            let before = out.len();
            let open = self.take(out);
            if out.len() > before {
                return true;
            }
            if !open {
                return false;
            }
            woken.await;
        }
    }

    fn take(&mut self, out: &mut Vec<Item>) -> bool {
        let mut ring = self.shared.ring.lock();
        if self.next < ring.first {
            self.lagged = true;
            let resume = ring.resume_point();
            let lost = resume - self.next;
            self.shared.skipped.fetch_add(lost, Ordering::Relaxed);
            self.next = resume;
        }
        if self.next == ring.end() {
            return !ring.closed;
        }
        if std::mem::take(&mut self.lagged) {
            out.push(Item::Discontinuity);
            out.extend(ring.configs.iter().map(|(track, one)| Item::Config(*track, one.clone())));
        }
        let skip = usize::try_from(self.next - ring.first).unwrap_or(usize::MAX);
        out.extend(ring.items.iter().skip(skip).map(|(item, _)| item.clone()));
        self.next = ring.end();
        ring.passed(self.id, self.next);
        true
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.ring.lock().leave(self.id);
    }
}

impl Ring {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            items: VecDeque::new(),
            first: 0,
            bytes: 0,
            newest_us: 0,
            configs: BTreeMap::new(),
            newest_key: None,
            cursors: BTreeMap::new(),
            next_reader: 0,
            closed: false,
        }
    }

    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    fn push(&mut self, item: Item) {
        match &item {
            Item::Config(track, config) => {
                self.configs.insert(*track, Arc::clone(config));
            }
            Item::Frame(frame) => {
                let scale = self.configs.get(&frame.track).map_or(1000, |one| one.timescale);
                self.newest_us = frame.dts.saturating_mul(1_000_000) / i64::from(scale.max(1));
                if frame.key && frame.track.kind == TrackKind::Video {
                    self.newest_key = Some(self.end());
                }
            }
            Item::Discontinuity => {}
        }
        self.bytes += item.len();
        self.items.push_back((item, self.newest_us));
        while self.is_over() {
            self.drop_oldest();
        }
    }

    fn join(&mut self) -> (u64, u64) {
        let (id, next) = (self.next_reader, self.end());
        self.next_reader += 1;
        self.cursors.insert(id, next);
        (id, next)
    }

    fn leave(&mut self, reader: u64) {
        self.cursors.remove(&reader);
        self.drop_read();
    }

    fn passed(&mut self, reader: u64, next: u64) {
        self.cursors.insert(reader, next);
        self.drop_read();
    }

    /// Drops what every reader has: nobody can ask for it again.
    fn drop_read(&mut self) {
        let Some(slowest) = self.cursors.values().min().copied() else { return };
        while self.first < slowest && !self.items.is_empty() {
            self.drop_oldest();
        }
    }

    fn is_over(&self) -> bool {
        let oldest_us = self.items.front().map_or(self.newest_us, |(_, us)| *us);
        // At least one item stays, however large, so that a reader that keeps up gets every frame.
        self.items.len() > 1
            && (self.bytes > self.limits.bytes_max
                || self.items.len() > self.limits.items_max
                || self.newest_us.saturating_sub(oldest_us) > self.limits.duration_us_max)
    }

    fn drop_oldest(&mut self) {
        if let Some((item, _)) = self.items.pop_front() {
            self.bytes -= item.len();
            self.first += 1;
        }
    }

    /// Where a reader that fell behind goes on: the newest video key frame, else the newest item.
    fn resume_point(&self) -> u64 {
        let newest = self.end().saturating_sub(1).max(self.first);
        self.newest_key.filter(|key| *key >= self.first).unwrap_or(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use weir_media::{Codec, Frame};

    fn config() -> Item {
        let config = CodecConfig {
            codec: Codec::Avc,
            record: Bytes::new(),
            rfc6381: "avc1.42c01f".into(),
            timescale: 1000,
            video: None,
            audio: None,
        };
        Item::Config(TrackId::VIDEO, Arc::new(config))
    }

    fn frame(ms: i64, key: bool) -> Item {
        let payload = Bytes::from_static(&[0; 100]);
        Item::Frame(Frame { track: TrackId::VIDEO, pts: ms, dts: ms, key, payload })
    }

    #[tokio::test]
    async fn every_reader_gets_every_item_in_order() {
        let (writer, feed) = channel(LIMITS);
        let (mut one, mut two) = (feed.reader(), feed.reader());
        let items = vec![config(), frame(0, true), frame(40, false)];
        writer.push(items.clone());
        for reader in [&mut one, &mut two] {
            let mut got = Vec::new();
            assert!(reader.recv(&mut got).await);
            assert_eq!(got, items);
        }
        drop(writer);
        assert!(!one.recv(&mut Vec::new()).await);
        assert_eq!(feed.skipped(), 0);
    }

    #[tokio::test]
    async fn a_slow_reader_skips_to_the_newest_key_frame_and_it_is_counted() {
        let limits = Limits { bytes_max: 1 << 20, items_max: 5, duration_us_max: i64::MAX };
        let (writer, feed) = channel(limits);
        let mut reader = feed.reader();
        writer.push([config(), frame(0, true), frame(40, false), frame(80, false)]);
        writer.push([frame(120, true), frame(160, false), frame(200, true), frame(240, false)]);
        let mut got = Vec::new();
        assert!(reader.recv(&mut got).await);
        let expected = vec![Item::Discontinuity, config(), frame(200, true), frame(240, false)];
        assert_eq!(got, expected);
        assert_eq!(feed.skipped(), 6);
    }

    #[tokio::test]
    async fn what_every_reader_has_is_not_kept() {
        let (writer, feed) = channel(LIMITS);
        let (mut fast, slow) = (feed.reader(), feed.reader());
        writer.push([config(), frame(0, true), frame(40, false)]);
        assert!(fast.recv(&mut Vec::new()).await);
        assert_eq!(feed.shared.ring.lock().items.len(), 3);
        drop(slow);
        assert_eq!(feed.shared.ring.lock().items.len(), 0);
        writer.push([frame(80, false)]);
        let mut got = Vec::new();
        assert!(fast.recv(&mut got).await);
        assert_eq!(got, [frame(80, false)]);
    }

    #[tokio::test]
    async fn memory_is_bounded_by_bytes_and_by_duration() {
        let by_bytes = Limits { bytes_max: 250, items_max: 100, duration_us_max: i64::MAX };
        let by_time = Limits { bytes_max: 1 << 20, items_max: 100, duration_us_max: 100_000 };
        for limits in [by_bytes, by_time] {
            let (writer, feed) = channel(limits);
            writer.push((0..50).map(|n| frame(n * 40, n % 10 == 0)));
            assert!(feed.shared.ring.lock().items.len() <= 3);
        }
    }
}
