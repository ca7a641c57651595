//! The two ends of a copy: telling what is here, and taking what is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Ladder, RENDITIONS_MAX, Told};
use crate::TrackId;
use crate::output::{Init, SegmentStart};
use crate::rendition::Mark;
use crate::replica::{
    Left, LeftTrack, Outline, Progress, SegmentHead, Shade, ShowStatus, Step, TrackOutline,
};

impl Ladder {
    /// What is here, without media.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let outline_of = |(track, one): (TrackId, &crate::rendition::Rendition)| TrackOutline {
            track,
            floor_msn: one.floor_msn(),
            settled: one.settled(),
            segments: one.heads_after(track, None),
        };
        Outline {
            timing: self.timing,
            show: self.show,
            id: self.id,
            ended: self.ended,
            tracks: self.renditions().map(outline_of).collect(),
        }
    }

    /// The newest section of each rendition.
    #[must_use]
    pub fn inits(&self) -> Vec<Arc<Init>> {
        self.renditions().filter_map(|(_, one)| Some(Arc::clone(one.inits().first()?))).collect()
    }

    /// Where the show stands.
    #[must_use]
    pub fn status(&self) -> ShowStatus {
        let newest = |(track, one): (TrackId, &crate::rendition::Rendition)| {
            Some((track, one.tip().last()?.0))
        };
        ShowStatus {
            show: self.show,
            id: self.id,
            ended: self.ended,
            part_target_us: self.timing.part_target_us,
            last: if self.ended {
                self.renditions().filter_map(newest).collect()
            } else {
                BTreeMap::new()
            },
            shade: Shade::default(),
        }
    }

    /// Segments behind those that `seen` names, oldest first within a rendition.
    #[must_use]
    pub fn heads_after(&self, seen: &BTreeMap<TrackId, u64>) -> Vec<SegmentHead> {
        let of = |(track, one): (TrackId, &crate::rendition::Rendition)| {
            one.heads_after(track, seen.get(&track).copied())
        };
        self.renditions().flat_map(of).collect()
    }

    /// A segment that is still here, from its part `from_part` on; none when it is gone.
    #[must_use]
    pub fn progress(&self, track: TrackId, msn: u64, from_part: u64) -> Option<Progress> {
        self.renditions.get(&track)?.progress(msn, from_part)
    }

    /// Nobody feeds it any more: what is open ends with what came of it, and a copy may go on behind that. None when
    /// there is no show.
    pub fn leave(&mut self) -> Option<Left> {
        let show = self.show?;
        for rendition in self.renditions.values_mut() {
            rendition.finish(&self.timing);
        }
        let left = |(track, one): (TrackId, &crate::rendition::Rendition)| {
            let newest = one.listed().next_back()?;
            let (mark, duration_us) = (newest.mark, newest.duration_us);
            let next_part = one.next_part().unwrap_or(0);
            Some((track, LeftTrack { mark, duration_us, next_part }))
        };
        Some(Left { show, id: self.id, tracks: self.renditions().filter_map(left).collect() })
    }

    /// Takes one step of the window that this one copies, and says whose playlist it changed.
    pub fn step(&mut self, step: Step) -> Option<TrackId> {
        let track = match &step {
            Step::Start(track, ..)
            | Step::Part(track, _)
            | Step::End(track, _)
            | Step::Floor(track, _)
            | Step::Settle(track, _) => *track,
            Step::Forget | Step::Finish | Step::Show { .. } => {
                self.step_of_show(&step);
                return None;
            }
        };
        if !self.renditions.contains_key(&track) && self.renditions.len() >= RENDITIONS_MAX {
            self.ignored += 1;
            return None;
        }
        if let Step::Start(_, mark, _) = &step {
            self.adopt(*mark);
        }
        let rendition = self.renditions.entry(track).or_default();
        match step {
            Step::Start(_, mark, init) => {
                let Mark { msn, discontinuity, .. } = mark;
                let start = SegmentStart { msn, start_us: 0, discontinuity, init };
                rendition.start(&self.timing, mark, &start);
            }
            Step::Part(_, part) => rendition.part(part),
            Step::End(_, end) => rendition.end(&self.timing, &end),
            Step::Floor(_, msn) => rendition.raise_floor(msn),
            Step::Settle(_, settled) => rendition.settle(settled),
            Step::Forget | Step::Finish | Step::Show { .. } => {}
        }
        self.playable |= self.can_play();
        Some(track)
    }

    fn step_of_show(&mut self, step: &Step) {
        match step {
            Step::Forget => self.begin_show(None),
            Step::Finish => self.end(),
            Step::Show { show, id, part_target_us } => {
                self.set_part_target_us(*part_target_us);
                self.id = id.or(self.id);
                self.show.get_or_insert(*show);
            }
            _ => {}
        }
    }

    /// A mark that another window decided; should this one decide again, it goes on from there.
    fn adopt(&mut self, mark: Mark) {
        // A copy that was given up with its packager goes on when the show does.
        (self.break_due, self.ended) = (false, false);
        self.show.get_or_insert(mark.msn);
        let after = mark.dsn_before.saturating_add(u64::from(mark.discontinuity));
        self.discontinuities = Some(self.discontinuities.unwrap_or(0).max(after));
        let told = Told { mark, start_us: None };
        match self.marks.back_mut() {
            // It began without a part at a packager that is gone.
            Some(newest) if newest.mark.msn == mark.msn => *newest = told,
            Some(newest) if newest.mark.msn > mark.msn => {}
            _ => self.tell(told),
        }
    }
}
