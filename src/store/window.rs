//! The window of a stream: its newest segments and parts in memory, with readers that wait for more.
//!
//! The decisions are [`weir_media::ladder`]'s; this is the lock around it, the wake-up of whoever waits, and the
//! text that all viewers share: a playlist is written once per change, on the first request after it, and
//! compressed at most once. Readers hold the lock for a look-up, never across a wait.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use tokio::sync::watch;
use weir_media::ladder::Ladder;
use weir_media::multivariant::Multivariant;
use weir_media::playlist::Shown;
use weir_media::reload::{Decision, Reload};
use weir_media::rendition::Timing;
use weir_media::replica::Shade;
use weir_media::{Output, TrackId};
use weir_model::{ShowId, Timestamp};

/// Targets that a blocking request is held at most (RFC 8216bis §6.2.5.2).
const HOLD_TARGETS: u32 = 3;

/// Playlists and media of one stream. One writer (the stream's media loop), any number of readers.
pub struct Window {
    ladder: RwLock<Ladder>,
    /// Rises with every change that a reader could see.
    version: watch::Sender<u64>,
    shelves: RwLock<BTreeMap<TrackId, Arc<Shelf>>>,
    multivariant: Mutex<Option<(u64, Arc<Multivariant>)>>,
    waiting: AtomicU64,
    /// For whom it is made, as the nodes say that it comes from.
    shade: Mutex<Shade>,
    /// Whether they said anything: most streams are for everybody, and all of their readers ask.
    is_shaded: AtomicBool,
}

/// What readers of one track share.
struct Shelf {
    /// The version in which its playlist last got longer.
    grown: watch::Sender<u64>,
    full: Mutex<Option<Kept>>,
    delta: Mutex<Option<Kept>>,
}

/// A text that everybody gets: of which version, and with media from which segment on.
struct Kept {
    version: u64,
    from: u64,
    text: Arc<Text>,
}

/// A playlist as it is sent.
pub struct Text {
    /// UTF-8.
    pub plain: Bytes,
    /// Strong validator of `plain`, in quotes.
    pub etag: Bytes,
    gzip: OnceLock<Bytes>,
}

/// Answer to a playlist request.
pub enum PlaylistAnswer {
    /// The playlist.
    Ready(Arc<Text>),
    /// The directives ask for something that cannot be; the reason.
    BadRequest(&'static str),
    /// The stream has no such track, or nothing of it.
    NotFound,
    /// What was asked for did not come in time.
    TimedOut,
}

/// Answer to a part request.
pub enum PartAnswer {
    /// Its bytes.
    Ready(Bytes),
    /// It is gone or never was.
    NotFound,
    /// It was hinted but did not come in time.
    TimedOut,
}

impl Window {
    /// An empty window.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self {
            ladder: RwLock::new(Ladder::new(timing)),
            version: watch::Sender::new(0),
            shelves: RwLock::new(BTreeMap::new()),
            multivariant: Mutex::new(None),
            waiting: AtomicU64::new(0),
            shade: Mutex::default(),
            is_shaded: AtomicBool::new(false),
        }
    }

    /// The lengths of its playlists.
    #[must_use]
    pub fn timing(&self) -> Timing {
        *self.ladder.read().timing()
    }

    /// Announces the packager's part target; call it before the first output, later calls change nothing.
    pub fn set_part_target_us(&self, part_target_us: i64) {
        self.ladder.write().set_part_target_us(part_target_us);
    }

    /// The part target that players were told, microseconds; none before the first segment of a show.
    #[must_use]
    pub fn told_part_target_us(&self) -> Option<i64> {
        self.ladder.read().told_part_target_us()
    }

    /// When what it holds ends, by its dates; none without a segment.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.ladder.read().until()
    }

    /// Takes steps of the packager; `anchor` is the wall-clock time of 0 on the show's line.
    pub fn apply(&self, outputs: &mut Vec<Output>, anchor: Timestamp) {
        let mut grown: Vec<TrackId> = Vec::new();
        let mut ladder = self.ladder.write();
        for output in outputs.drain(..) {
            let starts = matches!(output, Output::Start(..));
            let track = ladder.apply(output, anchor);
            // A segment that only begins says nothing that a reader waits for.
            if let Some(track) = track.filter(|track| !starts && !grown.contains(track)) {
                grown.push(track);
            }
        }
        self.publish(ladder, grown);
    }

    /// The show is over: playlists end (`EXT-X-ENDLIST`) and answer everybody who waits.
    pub fn end(&self) {
        let mut ladder = self.ladder.write();
        ladder.end();
        self.publish_all(ladder);
    }

    /// Forgets everything of the last show except the numbering; a new show begins.
    pub fn begin_show(&self, id: Option<ShowId>) {
        let mut ladder = self.ladder.write();
        ladder.begin_show(id);
        self.publish_all(ladder);
    }

    /// At least one whole segment is listed.
    #[must_use]
    pub fn playable(&self) -> bool {
        self.ladder.read().playable()
    }

    /// The same for whoever sees nothing below segment `from`.
    #[must_use]
    pub fn playable_from(&self, from: u64) -> bool {
        self.ladder.read().playable_from(from)
    }

    /// Waits until a player can start that is shown nothing below segment `from`, at most `limit`; whether it can.
    pub async fn wait_playable(&self, from: u64, limit: Duration) -> bool {
        if self.playable_from(from) {
            return true;
        }
        let _waits = Waits::new(&self.waiting);
        // Looked at between two waits, not by `wait_for`: that holds the version while it looks, and who changes the
        // ladder holds the ladder while it raises the version.
        let mut version = self.version.subscribe();
        let playable = async {
            while !self.playable_from(from) {
                if version.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(limit, playable).await;
        self.playable_from(from)
    }

    /// Readers that wait for something right now.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Number of the newest segment.
    #[must_use]
    pub fn newest_msn(&self) -> Option<u64> {
        self.ladder.read().newest_msn()
    }

    /// Media bytes kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ladder.read().bytes()
    }

    /// Segments and outputs that were dropped because a limit was reached.
    #[must_use]
    pub fn squeezed(&self) -> u64 {
        self.ladder.read().squeezed()
    }

    /// The multivariant playlist; none before a player can start.
    #[must_use]
    pub fn multivariant(&self) -> Option<Arc<Multivariant>> {
        let version = *self.version.borrow();
        let mut cached = self.multivariant.lock();
        if let Some((of, text)) = cached.as_ref()
            && *of == version
        {
            return Some(Arc::clone(text));
        }
        let text = Arc::new(self.ladder.read().multivariant()?);
        *cached = Some((version, Arc::clone(&text)));
        Some(text)
    }

    /// The media playlist of a track, when it holds what `reload` asks for, as far as it is `shown`.
    pub async fn playlist(
        &self,
        track: TrackId,
        reload: &Reload,
        shown: Shown<'_>,
    ) -> PlaylistAnswer {
        let Some(shelf) = self.shelves.read().get(&track).cloned() else {
            return PlaylistAnswer::NotFound;
        };
        if let Some(answer) = self.try_playlist(track, &shelf, reload, shown) {
            return answer;
        }
        let _waits = Waits::new(&self.waiting);
        let mut grown = shelf.grown.subscribe();
        let answer = async {
            loop {
                grown.mark_unchanged();
                if let Some(answer) = self.try_playlist(track, &shelf, reload, shown) {
                    return answer;
                }
                if grown.changed().await.is_err() {
                    return PlaylistAnswer::NotFound;
                }
            }
        };
        tokio::time::timeout(self.hold(), answer).await.unwrap_or(PlaylistAnswer::TimedOut)
    }

    /// The bytes of a part of segment `from` or a later one; waits for the part that the playlist hints at
    /// (RFC 8216bis §6.2.6).
    pub async fn part(&self, track: TrackId, number: u64, from: u64) -> PartAnswer {
        if let Some(answer) = self.try_part(track, number, from) {
            return answer;
        }
        let Some(shelf) = self.shelves.read().get(&track).cloned() else {
            return PartAnswer::NotFound;
        };
        let _waits = Waits::new(&self.waiting);
        let mut grown = shelf.grown.subscribe();
        let answer = async {
            loop {
                grown.mark_unchanged();
                if let Some(answer) = self.try_part(track, number, from) {
                    return answer;
                }
                if grown.changed().await.is_err() {
                    return PartAnswer::NotFound;
                }
            }
        };
        tokio::time::timeout(self.hold(), answer).await.unwrap_or(PartAnswer::TimedOut)
    }

    /// The bytes of a whole segment, in order; shared, not copied.
    #[must_use]
    pub fn segment(&self, track: TrackId, msn: u64) -> Option<Arc<[Bytes]>> {
        let ladder = self.ladder.read();
        Some(Arc::clone(&ladder.rendition(track)?.segment(msn)?.body))
    }

    /// An initialisation section that segment `from` or a later one needs.
    #[must_use]
    pub fn init(&self, track: TrackId, hash: &str, from: u64) -> Option<Bytes> {
        let ladder = self.ladder.read();
        Some(ladder.rendition(track)?.init(hash, from)?.data.clone())
    }

    fn hold(&self) -> Duration {
        Duration::from_secs(u64::from(HOLD_TARGETS * self.timing().target_secs))
    }

    /// The version rises while the ladder is still locked: whoever sees the new state must not be given the
    /// text of the old one.
    fn publish(&self, ladder: RwLockWriteGuard<'_, Ladder>, grown: Vec<TrackId>) {
        if grown.is_empty() {
            return;
        }
        self.version.send_modify(|version| *version += 1);
        drop(ladder);
        let version = *self.version.borrow();
        for track in grown {
            self.shelf(track).grown.send_replace(version);
        }
    }

    fn publish_all(&self, ladder: RwLockWriteGuard<'_, Ladder>) {
        self.version.send_modify(|version| *version += 1);
        drop(ladder);
        let version = *self.version.borrow();
        for shelf in self.shelves.read().values() {
            shelf.grown.send_replace(version);
        }
    }

    fn shelf(&self, track: TrackId) -> Arc<Shelf> {
        if let Some(shelf) = self.shelves.read().get(&track) {
            return Arc::clone(shelf);
        }
        Arc::clone(self.shelves.write().entry(track).or_insert_with(|| Arc::new(Shelf::new())))
    }

    /// None while the request must wait.
    fn try_playlist(
        &self,
        track: TrackId,
        shelf: &Shelf,
        reload: &Reload,
        shown: Shown<'_>,
    ) -> Option<PlaylistAnswer> {
        let decision = {
            let ladder = self.ladder.read();
            let ended = ladder.ended();
            let Some(rendition) = ladder.rendition(track) else {
                return Some(PlaylistAnswer::NotFound);
            };
            let nothing = !shown.lists(rendition);
            if nothing && (ended || (rendition.is_empty() && ladder.playable())) {
                return Some(PlaylistAnswer::NotFound);
            }
            match reload.decide(&rendition.tip(), ended, ladder.timing().part_target_us) {
                Decision::Ready if nothing => Decision::Wait,
                decision => decision,
            }
        };
        match decision {
            Decision::Wait => None,
            Decision::BadRequest(why) => Some(PlaylistAnswer::BadRequest(why)),
            Decision::Ready => Some(self.text(track, shelf, reload.skip, shown)),
        }
    }

    fn text(&self, track: TrackId, shelf: &Shelf, skip: bool, shown: Shown<'_>) -> PlaylistAnswer {
        let write = || self.ladder.read().playlist_for(track, skip, shown).map(Text::new);
        if shown.query.is_some() {
            return write().map_or(PlaylistAnswer::NotFound, |text| Arc::new(text).into());
        }
        let slot = if skip { &shelf.delta } else { &shelf.full };
        let mut cached = slot.lock();
        let (version, from) = (*self.version.borrow(), shown.from);
        if let Some(kept) = cached.as_ref()
            && (kept.version, kept.from) == (version, from)
        {
            return Arc::clone(&kept.text).into();
        }
        let Some(text) = write().map(Arc::new) else { return PlaylistAnswer::NotFound };
        *cached = Some(Kept { version, from, text: Arc::clone(&text) });
        text.into()
    }

    /// None while the request must wait.
    fn try_part(&self, track: TrackId, number: u64, from: u64) -> Option<PartAnswer> {
        let ladder = self.ladder.read();
        let Some(rendition) = ladder.rendition(track) else { return Some(PartAnswer::NotFound) };
        if let Some(part) = rendition.find_part(number) {
            let is_shown = part.msn >= from;
            let ready = || PartAnswer::Ready(part.data.clone());
            return Some(if is_shown { ready() } else { PartAnswer::NotFound });
        }
        let hinted = !ladder.ended() && rendition.next_part() == Some(number);
        (!hinted).then_some(PartAnswer::NotFound)
    }
}

impl From<Arc<Text>> for PlaylistAnswer {
    fn from(text: Arc<Text>) -> Self {
        Self::Ready(text)
    }
}

impl Shelf {
    fn new() -> Self {
        Self { grown: watch::Sender::new(0), full: Mutex::new(None), delta: Mutex::new(None) }
    }
}

impl Text {
    /// A text that many readers will share.
    #[must_use]
    pub fn new(text: String) -> Self {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let etag = format!("\"{}\"", hash.get(..16).unwrap_or_default());
        Self { plain: text.into(), etag: etag.into(), gzip: OnceLock::new() }
    }

    /// The text compressed, made by whoever asks first.
    #[must_use]
    pub fn gzip(&self) -> Bytes {
        self.gzip.get_or_init(|| gzip(&self.plain)).clone()
    }
}

/// Compresses a text; fast rather than small, because a playlist lives for a fraction of a second.
#[must_use]
pub fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(plain.len() / 4 + 64),
        flate2::Compression::fast(),
    );
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default().into()
}

/// Counts a waiting reader, also one whose connection goes away.
struct Waits<'a>(&'a AtomicU64);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

mod follow;
#[cfg(test)]
mod tests;
