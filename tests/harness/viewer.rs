//! A viewer that stays: one blocking reload after the other on every rendition, on to the next edge with the same
//! request when one fails, and a look at everything that is new. It judges nothing while it watches; what it saw is
//! asked for at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{StatusCode, Url};
use tokio::task::JoinHandle;

use super::conformance;
use super::hls::{Player, Playlist, with_query};
use super::wait::eventually;

/// Between an edge that failed and the next attempt.
const PAUSE: Duration = Duration::from_millis(50);
/// A show goes on within seconds of whatever happens to it.
const PROGRESS_MAX: Duration = Duration::from_secs(30);

/// What was fetched, by rendition and name: its length and hash.
pub(crate) type Bytes = BTreeMap<String, (usize, blake3::Hash)>;

/// The viewer; dropped, it is gone.
pub(crate) struct Viewer {
    tasks: Vec<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
}

/// What it saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// What may never happen: numbers that go back, listed media that cannot be fetched, playlists that break rules.
    pub(crate) violations: Vec<String>,
    /// When the first rendition got longer, and what came next then.
    pub(crate) grew: Vec<(Instant, (u64, usize))>,
    /// Requests that failed, by edge.
    pub(crate) failed: BTreeMap<usize, u32>,
    /// Which edge gave the newest playlist.
    pub(crate) edge: usize,
    /// Discontinuities of the first rendition so far, and when the newest one was first seen.
    pub(crate) breaks: u64,
    pub(crate) broke: Option<Instant>,
    pub(crate) bytes: Bytes,
}

impl Viewer {
    /// Watches a channel that is playable at the first of `edges`, and is to be so at the others.
    pub(crate) async fn start(edges: Vec<Player>) -> Self {
        let renditions: Vec<String> = {
            let urls = edges[0].media_urls().await;
            urls.iter().map(|url| url.path().to_owned()).collect()
        };
        let (edges, seen) = (Arc::new(edges), Arc::new(Mutex::new(Seen::default())));
        let watch = |(first, path): (usize, String)| {
            let (edges, seen) = (Arc::clone(&edges), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut watch = Watch {
                    edges,
                    seen,
                    path,
                    counts: first == 0,
                    edge: 0,
                    old: None,
                    old_edge: 0,
                };
                loop {
                    watch.reload().await;
                }
            })
        };
        let tasks = renditions.into_iter().enumerate().map(watch).collect();
        let viewer = Self { tasks, seen };
        viewer.plays_on(0).await;
        viewer
    }

    /// What it saw so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until it has got more parts than `before` updates brought.
    pub(crate) async fn plays_on(&self, before: usize) -> Instant {
        eventually("the viewer gets a new part", PROGRESS_MAX, async || {
            Some(self.seen.lock().unwrap().grew.get(before)?.0)
        })
        .await
    }

    /// Waits for what comes behind a further discontinuity than `breaks`; when it came.
    pub(crate) async fn behind_a_break(&self, breaks: u64) -> Instant {
        eventually("the show goes on behind a discontinuity", PROGRESS_MAX, async || {
            let seen = self.seen.lock().unwrap();
            seen.broke.filter(|_| seen.breaks > breaks)
        })
        .await
    }

    /// Nothing may have happened that a player stumbles over.
    pub(crate) fn assert_content(&self, what: &str) {
        let seen = self.seen();
        assert!(seen.violations.is_empty(), "{what}: {:#?}", seen.violations);
    }
}

impl Seen {
    /// The longest time without a new part that ended after `since`.
    pub(crate) fn longest_stall(&self, since: Instant) -> Duration {
        let pairs = self.grew.windows(2).filter(|pair| pair[1].0 > since);
        pairs.map(|pair| pair[1].0 - pair[0].0).max().unwrap_or_default()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// One rendition.
struct Watch {
    edges: Arc<Vec<Player>>,
    seen: Arc<Mutex<Seen>>,
    path: String,
    /// Its progress is the viewer's.
    counts: bool,
    edge: usize,
    old: Option<Playlist>,
    old_edge: usize,
}

impl Watch {
    async fn reload(&mut self) {
        let Some(list) = self.next_list().await else {
            *self.seen.lock().unwrap().failed.entry(self.edge).or_default() += 1;
            self.edge = (self.edge + 1) % self.edges.len();
            tokio::time::sleep(PAUSE).await;
            return;
        };
        self.note(&list);
        self.fetch_new(&list).await;
        (self.old, self.old_edge) = (Some(list), self.edge);
    }

    fn url(&self) -> Url {
        self.edges[self.edge].url().join(&self.path).unwrap()
    }

    async fn next_list(&self) -> Option<Playlist> {
        let url = match self.old.as_ref().map(Playlist::next_part) {
            Some((msn, part)) => {
                with_query(&self.url(), &format!("_HLS_msn={msn}&_HLS_part={part}"))
            }
            None => self.url(),
        };
        let answer = self.edges[self.edge].get(&url).await.ok()?;
        let ok = answer.status() == StatusCode::OK;
        Some(Playlist::parse(&answer.text().await.ok().filter(|_| ok)?))
    }

    fn note(&self, list: &Playlist) {
        let mut seen = self.seen.lock().unwrap();
        let mut found = conformance::of_playlist(list);
        if let Some(old) = &self.old {
            // Edges fill a young playlist up at its old end, each as long as it needs.
            if self.old_edge == self.edge {
                found.extend(conformance::of_update(old, list));
            }
            if list.next_part() < old.next_part() {
                let (was, is) = (old.next_part(), list.next_part());
                found.push(format!("parts never go back: {was:?} → {is:?}"));
            }
        }
        let place = format!("{} at edge {}", self.path, self.edge);
        seen.violations.extend(found.into_iter().map(|one| format!("{place}: {one}")));
        if !self.counts {
            return;
        }
        let grew = self.old.as_ref().is_none_or(|old| list.next_part() > old.next_part());
        if grew {
            seen.grew.push((Instant::now(), list.next_part()));
        }
        seen.edge = self.edge;
        let listed = list.segments.iter().filter(|one| one.discontinuity).count() as u64;
        // The tag of a segment that is open stands before its first part.
        let open = u64::from(list.open_discontinuity);
        let breaks = list.discontinuities + listed + open;
        if breaks > seen.breaks {
            (seen.breaks, seen.broke) = (breaks, Some(Instant::now()));
        }
    }

    /// Fetches what it has not fetched yet, from whoever listed it.
    async fn fetch_new(&self, list: &Playlist) {
        let whole = list.segments.iter().filter(|one| !one.gap).map(|one| &one.uri);
        let parts = list.segments.iter().rev().take(1).flat_map(|one| &one.parts).chain(&list.open);
        let parts = parts.filter(|part| !part.gap).map(|part| &part.uri);
        let names: Vec<&String> = whole.chain(parts).collect();
        for name in names {
            let key = format!("{} {name}", self.path);
            if self.seen.lock().unwrap().bytes.contains_key(&key) {
                continue;
            }
            let url = self.url().join(name).unwrap();
            // An edge that dies between two requests is no edge that lists what it does not have.
            let Ok(answer) = self.edges[self.edge].get(&url).await else { return };
            let status = answer.status();
            let Ok(bytes) = answer.bytes().await else { return };
            let mut seen = self.seen.lock().unwrap();
            if status == StatusCode::OK {
                seen.bytes.insert(key, (bytes.len(), blake3::hash(&bytes)));
            } else {
                seen.violations.push(format!("listed but not there: {url}: {status}"));
            }
        }
    }
}

/// What two viewers saw differently under the same name, and how much they both saw.
pub(crate) fn differences(one: &Bytes, other: &Bytes) -> (Vec<String>, usize) {
    let both = one.iter().filter_map(|(name, hash)| Some((name, hash, other.get(name)?)));
    let mut shared = 0;
    let mut differ = Vec::new();
    for (name, mine, theirs) in both {
        shared += 1;
        if mine != theirs {
            differ.push(format!("{name}: {} and {} bytes", mine.0, theirs.0));
        }
    }
    (differ, shared)
}
