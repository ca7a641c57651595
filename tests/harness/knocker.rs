//! Somebody who asks one edge for all there is of a channel, again and again, and notes when he was given something:
//! playlists, sections, segments and parts. What he once knew of he asks for again when nobody tells him more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use reqwest::{StatusCode, Url};
use tokio::task::JoinHandle;

use super::cluster::SOON;
use super::hls::{Multivariant, Player, Playlist};
use super::wait::eventually;

/// Between two rounds.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);
/// The newest segments, and parts, of a playlist that a round asks for.
const NEWEST: usize = 2;
/// Rounds without anything that say that it stays so.
const QUIET: u64 = 3;

/// Something of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Playlist,
    Section,
    Segment,
    Part,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Playlist, Self::Section, Self::Segment, Self::Part];
    /// What is of one moment of the stream.
    pub(crate) const MEDIA: [Self; 2] = [Self::Segment, Self::Part];

    pub(crate) fn of(url: &Url) -> Self {
        match url.path().rsplit('/').next().unwrap_or_default() {
            name if name.ends_with(".m3u8") => Self::Playlist,
            name if name.starts_with("init") => Self::Section,
            name if name.starts_with('s') => Self::Segment,
            _ => Self::Part,
        }
    }
}

/// Now, in milliseconds since 1970, as nodes of this machine count it too.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The one who asks; dropped, he is gone.
pub(crate) struct Knocker {
    task: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
    frozen: Arc<AtomicBool>,
}

#[derive(Default)]
struct Seen {
    /// When something was given the last time.
    given: BTreeMap<Kind, i64>,
    /// Every segment and part that was given, by its path.
    media: BTreeSet<String>,
    rounds: u64,
    /// The last round in which something was given.
    busy: u64,
}

impl Knocker {
    pub(crate) fn start(player: Player) -> Self {
        let (seen, frozen) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let (own, is_frozen) = (Arc::clone(&seen), Arc::clone(&frozen));
        let task = tokio::spawn(async move {
            let mut round = Round { player, seen: own, lists: Vec::new(), known: BTreeMap::new() };
            loop {
                round.all(is_frozen.load(Ordering::Relaxed)).await;
                round.seen.lock().rounds += 1;
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { task, seen, frozen }
    }

    /// Waits until he was given one of each kind since `since`.
    pub(crate) async fn is_given_all(&self, since: i64) {
        eventually("playlist, section, segment and part are given", SOON, async || {
            let seen = self.seen.lock();
            let given = |kind| seen.given.get(kind).is_some_and(|at| *at > since);
            Kind::ALL.iter().all(given).then_some(())
        })
        .await;
    }

    /// Waits until rounds pass without anything; when he was given something of these kinds the last time.
    pub(crate) async fn is_given_none(&self) -> i64 {
        eventually("nothing is given any more", SOON, async || {
            let seen = self.seen.lock();
            (seen.rounds > seen.busy + QUIET).then_some(())
        })
        .await;
        self.last(&Kind::ALL)
    }

    /// When something of these kinds was given the last time.
    pub(crate) fn last(&self, kinds: &[Kind]) -> i64 {
        let seen = self.seen.lock();
        kinds.iter().filter_map(|kind| seen.given.get(kind).copied()).max().unwrap_or_default()
    }

    /// Asks for no playlist and nothing new from now on; the segments and parts that he was given.
    pub(crate) async fn freeze(&self) -> BTreeSet<String> {
        self.frozen.store(true, Ordering::Relaxed);
        self.rounds_on(2).await;
        self.seen.lock().media.clone()
    }

    /// Waits for so many more rounds.
    pub(crate) async fn rounds_on(&self, more: u64) {
        let since = self.seen.lock().rounds;
        eventually("he asks again", SOON, async || {
            (self.seen.lock().rounds >= since + more).then_some(())
        })
        .await;
    }
}

impl Drop for Knocker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What he knows.
struct Round {
    player: Player,
    seen: Arc<Mutex<Seen>>,
    /// Addresses of media playlists. They stay as they were first given: others would be further players.
    lists: Vec<Url>,
    /// The newest of each of them.
    known: BTreeMap<Url, Vec<Url>>,
}

impl Round {
    async fn all(&mut self, is_frozen: bool) {
        if !is_frozen {
            self.playlists().await;
        }
        for url in self.known.values().flatten() {
            if !is_frozen || Kind::MEDIA.contains(&Kind::of(url)) {
                self.ask(url).await;
            }
        }
    }

    async fn playlists(&mut self) {
        let first = self.player.url().clone();
        if let Some(text) = self.ask(&first).await
            && self.lists.is_empty()
        {
            let listed = Multivariant::parse(&text).media_playlists();
            self.lists = listed.iter().map(|uri| first.join(uri).unwrap()).collect();
        }
        for url in self.lists.clone() {
            let Some(text) = self.ask(&url).await else { continue };
            let newest = newest(&Playlist::parse(&text));
            let newest = newest.iter().map(|uri| url.join(uri).unwrap()).collect();
            self.known.insert(url, newest);
        }
    }

    /// What is given; of media nobody wants to know what it says.
    async fn ask(&self, url: &Url) -> Option<String> {
        let answer = self.player.get(url).await.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        let (kind, now_ms) = (Kind::of(url), now_ms());
        {
            let mut seen = self.seen.lock();
            seen.given.insert(kind, now_ms);
            seen.busy = seen.rounds;
            if Kind::MEDIA.contains(&kind) {
                seen.media.insert(url.path().to_owned());
            }
        }
        let bytes = answer.bytes().await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Its newest segments and parts, and their section.
fn newest(list: &Playlist) -> Vec<String> {
    let segments = list.segments.iter().rev().take(NEWEST);
    let sections = list.segments.last().and_then(|segment| segment.map.clone());
    let closed = list.segments.last().map(|segment| segment.parts.as_slice()).unwrap_or_default();
    let parts = list.open.iter().rev().chain(closed.iter().rev()).take(NEWEST);
    let parts = parts.map(|part| part.uri.clone());
    segments.map(|segment| segment.uri.clone()).chain(sections).chain(parts).collect()
}
