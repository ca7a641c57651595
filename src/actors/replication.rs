//! Windows as the link copies them: the store keeps them, the link carries them, and neither knows the other.

use std::collections::BTreeMap;

use tokio::sync::watch;
use weir_media::TrackId;
use weir_media::replica::{Outline, Progress, SegmentHead, Shade, ShowStatus, Step};

use crate::link::fetch::Replica;
use crate::link::replicate::Original;
use crate::store::window::Window;

impl Original for Window {
    fn follow(&self) -> watch::Receiver<u64> {
        Self::follow(self)
    }

    fn outline(&self) -> Outline {
        Self::outline(self)
    }

    fn status(&self) -> ShowStatus {
        Self::status(self)
    }

    fn heads_after(&self, seen: &BTreeMap<TrackId, u64>) -> Vec<SegmentHead> {
        Self::heads_after(self, seen)
    }

    fn progress(&self, track: TrackId, msn: u64, from_part: u64) -> Option<Progress> {
        Self::progress(self, track, msn, from_part)
    }
}

impl Replica for Window {
    fn step(&self, steps: &mut Vec<Step>) {
        Self::step(self, steps);
    }

    fn take_shade(&self, shade: Shade) {
        Self::take_shade(self, shade);
    }
}

#[cfg(test)]
mod tests;
