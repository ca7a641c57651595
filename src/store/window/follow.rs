//! Copying a window to another node: what is here, what came since, and the steps that a copy takes.
//!
//! A follower keeps its place itself: the newest segment it began and the next part of each. So it may fall behind
//! as far as the window reaches and costs nothing meanwhile; what left the window before it was asked for is gone,
//! as for any reader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use weir_media::replica::{Left, Outline, Progress, SegmentHead, Shade, ShowStatus, Step, Tip};
use weir_media::{Init, TrackId};

use super::Window;

impl Window {
    /// Changes whenever there is something new; see [`Self::heads_after`], [`Self::progress`], [`Self::status`].
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// What is here, without media.
    #[must_use]
    pub fn outline(&self) -> Outline {
        self.ladder.read().outline()
    }

    /// The newest section of each rendition.
    #[must_use]
    pub fn inits(&self) -> Vec<Arc<Init>> {
        self.ladder.read().inits()
    }

    /// Where the show stands.
    #[must_use]
    pub fn status(&self) -> ShowStatus {
        self.ladder.read().status()
    }

    /// For whom it is made, as the nodes said that it comes from.
    #[must_use]
    pub fn shade(&self) -> Shade {
        if self.is_shaded.load(Ordering::Acquire) { *self.shade.lock() } else { Shade::default() }
    }

    /// Takes what the node says that it comes from. What was said before is not taken back by what is older.
    pub fn take_shade(&self, news: Shade) {
        if news.is_none() {
            return;
        }
        let mut shade = self.shade.lock();
        *shade = shade.with(news);
        self.is_shaded.store(true, Ordering::Release);
    }

    /// Segments behind those that `seen` names.
    #[must_use]
    pub fn heads_after(&self, seen: &BTreeMap<TrackId, u64>) -> Vec<SegmentHead> {
        self.ladder.read().heads_after(seen)
    }

    /// A segment from its part `from_part` on; none when it is gone. Bytes are shared.
    #[must_use]
    pub fn progress(&self, track: TrackId, msn: u64, from_part: u64) -> Option<Progress> {
        self.ladder.read().progress(track, msn, from_part)
    }

    /// Where somebody goes on who takes the show over; none when there is no show or it is over.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        self.ladder.read().tip()
    }

    /// From now on this window is no copy: a packager here goes on behind `tip`, with parts from `first_part` on.
    pub fn join(&self, tip: &Tip, first_part: u64) {
        let mut ladder = self.ladder.write();
        ladder.join(tip, first_part);
        self.publish_all(ladder);
    }

    /// Nobody feeds it any more; where a copy goes on, none without a show.
    #[must_use]
    pub fn leave(&self) -> Option<Left> {
        let mut ladder = self.ladder.write();
        let left = ladder.leave();
        self.publish_all(ladder);
        left
    }

    /// Takes steps of the window that this one copies.
    pub fn step(&self, steps: &mut Vec<Step>) {
        let mut grown: Vec<TrackId> = Vec::new();
        let mut all = false;
        let mut ladder = self.ladder.write();
        for step in steps.drain(..) {
            all |= matches!(step, Step::Forget | Step::Finish | Step::Show { .. });
            let starts = matches!(step, Step::Start(..));
            let track = ladder.step(step);
            if let Some(track) = track.filter(|track| !starts && !grown.contains(track)) {
                grown.push(track);
            }
        }
        if !all {
            return self.publish(ladder, grown);
        }
        let known: Vec<TrackId> = self.shelves.read().keys().copied().collect();
        grown.extend(known.into_iter().filter(|track| !grown.contains(track)).collect::<Vec<_>>());
        if grown.is_empty() { self.publish_all(ladder) } else { self.publish(ladder, grown) }
    }
}
