//! A packager in real time: the playlists of a show grow whether media comes or not.
//!
//! [`Packager`] goes by media time alone; [`Pace`] knows when the time itself has to be declared. Here they are
//! brought together, still without a clock: the caller says what time it is (microseconds of one monotonic
//! clock) and asks again at [`Live::due_us`].

use std::sync::Arc;

use super::catchup::{Arrival, CatchUp, TOLERANCE_US};
use super::pace::Pace;
use super::{Packager, PackagerConfig};
use crate::output::{Init, Output};
use crate::{Frame, Item, TrackId};

/// The shows of one stream, one after the other.
#[derive(Debug)]
pub struct Live {
    config: PackagerConfig,
    packager: Packager,
    pace: Pace,
    catch_up: CatchUp,
    late: u64,
    /// The number behind the newest segment that is whole in a rendition.
    whole_msn: u64,
    /// When each rendition got its newest segment.
    ends: Vec<(TrackId, i64)>,
}

impl Live {
    /// One whose first segment is `first_msn` and whose first part is `first_part` in every rendition.
    #[must_use]
    pub fn new(config: PackagerConfig, first_msn: u64, first_part: u64) -> Self {
        let packager = Packager::new(config, first_msn, first_part);
        let (pace, catch_up) = (Pace::new(config), CatchUp::new(config));
        Self { config, packager, pace, catch_up, late: 0, whole_msn: 0, ends: Vec::new() }
    }

    /// Goes on with a show; see [`Packager::with_part_target`].
    #[must_use]
    pub fn with_part_target(mut self, part_target_us: i64) -> Self {
        self.packager = self.packager.with_part_target(part_target_us);
        self
    }

    /// Goes on with a show, see [`Packager::with_renditions`], which ended at `at_us` of the caller's clock: what lasts
    /// until the first media comes is declared like any silence.
    #[must_use]
    pub fn with_renditions(mut self, inits: Vec<Arc<Init>>, end_us: i64, at_us: i64) -> Self {
        if !inits.is_empty() {
            self.pace.media(at_us);
            self.pace.segment(at_us);
        }
        self.packager = self.packager.with_renditions(inits, end_us);
        self
    }

    /// What is packaged.
    #[must_use]
    pub const fn packager(&self) -> &Packager {
        &self.packager
    }

    /// A new show begins; its numbers follow those of the last one.
    pub fn begin_show(&mut self) {
        let (msn, part) = (self.packager.next_msn(), self.packager.next_part());
        *self = Self { late: self.late, ..Self::new(self.config, msn, part) };
    }

    /// Another publisher follows, whose times are places on the show's line from [`Packager::end_us`] on.
    pub const fn attach(&mut self) {
        self.packager.attach();
        self.catch_up.forget();
    }

    /// Frames that were dropped because they came behind declared gaps and belonged into them, or waited
    /// there for a key frame.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Takes `item`, which came at `now_us`. When it ended a time that gaps were declared for, it goes on behind
    /// them and a discontinuity, and the answer is where now is on the show's line, microseconds.
    ///
    /// Media that comes late, for time that gaps were declared for, is dropped; see [`Self::late`].
    pub fn take(&mut self, item: Item, now_us: i64, out: &mut Vec<Output>) -> Option<i64> {
        let before = out.len();
        let mut resumed_us = None;
        match item {
            Item::Frame(frame) => resumed_us = self.frame(frame, now_us, out),
            Item::Discontinuity => {
                self.catch_up.forget();
                self.packager.push(item, out);
            }
            Item::Config(..) => self.packager.push(item, out),
        }
        self.note_segments(out.get(before..), now_us);
        resumed_us
    }

    /// Keeps the playlists going without media, if that is due at `now_us`: true when it was.
    pub fn declare(&mut self, now_us: i64, out: &mut Vec<Output>) -> bool {
        let before = out.len();
        if self.lag_due_us().is_some_and(|due_us| now_us >= due_us) {
            self.packager.settle(out);
        } else {
            let Some(gap_us) = self.pace.due(now_us) else { return false };
            self.packager.gap(gap_us, out);
            self.pace.segment(now_us);
        }
        self.note_segments(out.get(before..), now_us);
        true
    }

    /// The publisher is gone: closes what is open.
    pub fn close(&mut self, now_us: i64, out: &mut Vec<Output>) {
        let before = out.len();
        self.packager.close(out);
        self.note_segments(out.get(before..), now_us);
    }

    /// The show is over: nothing more is declared.
    pub const fn end(&mut self) {
        self.pace.stop();
    }

    /// When to call [`Self::declare`] if no media comes before; none while nothing has to be declared.
    #[must_use]
    pub fn due_us(&self) -> Option<i64> {
        let due_us = self.pace.due_us()?;
        Some(self.lag_due_us().map_or(due_us, |lag_us| lag_us.min(due_us)))
    }

    /// Whether a silence was declared and no media ended it yet.
    #[must_use]
    pub const fn is_stalled(&self) -> bool {
        self.pace.is_declared()
    }

    /// When a rendition has to end a segment that another one has left.
    fn lag_due_us(&self) -> Option<i64> {
        let lags = |track: TrackId| self.packager.lags(track);
        let ended = self.ends.iter().filter(|(track, _)| lags(*track));
        ended.map(|(_, at_us)| self.pace.lag_due_us(*at_us)).min()
    }

    fn frame(&mut self, frame: Frame, now_us: i64, out: &mut Vec<Output>) -> Option<i64> {
        let Some(media_us) = self.packager.own_end_us(&frame) else {
            self.packager.push(Item::Frame(frame), out);
            return None;
        };
        if self.pace.is_declared() {
            return self.come_back(frame, media_us, now_us, out);
        }
        self.catch_up.observe(media_us, now_us);
        self.pace.media(now_us);
        let before = out.len();
        self.packager.push(Item::Frame(frame), out);
        self.note_segments(out.get(before..), now_us);
        if self.pace.is_overdue(now_us) {
            self.packager.cut_short(out);
        }
        None
    }

    /// Takes a frame behind declared gaps, or drops it.
    fn come_back(
        &mut self,
        frame: Frame,
        media_us: i64,
        now_us: i64,
        out: &mut Vec<Output>,
    ) -> Option<i64> {
        let early_us = self.packager.end_us().saturating_sub(self.packager.place_us(&frame));
        let start = self.packager.can_start(&frame);
        let covered = early_us > TOLERANCE_US;
        let Some(back) = self.catch_up.arrive(Arrival { now_us, media_us, start, covered }) else {
            self.late += 1;
            return None;
        };
        let rest_us = self.pace.media(now_us).unwrap_or(0);
        let rest_us = if back.in_place { 0 } else { rest_us };
        let at_us = self.packager.end_us().saturating_add(rest_us);
        self.packager.resume(at_us, start, out);
        self.packager.push(Item::Frame(frame), out);
        let lead_us = now_us.saturating_add(back.lead_us);
        Some(lead_us.saturating_add(self.packager.moved_us()))
    }

    /// Tells the pace of segments that are whole in a first rendition, and of the beginning of the first one.
    fn note_segments(&mut self, new: Option<&[Output]>, now_us: i64) {
        let new = new.unwrap_or_default();
        if !self.pace.has_begun() && !new.is_empty() {
            self.pace.segment(now_us);
        }
        for output in new {
            let Output::End(track, end) = output else { continue };
            match self.ends.iter_mut().find(|(known, _)| known == track) {
                Some((_, at_us)) => *at_us = now_us,
                None => self.ends.push((*track, now_us)),
            }
            if end.msn >= self.whole_msn {
                self.whole_msn = end.msn.saturating_add(1);
                self.pace.segment(now_us);
            }
        }
    }
}
