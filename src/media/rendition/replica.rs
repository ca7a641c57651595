//! The two ends of a copy of one rendition.

use super::{Rendition, Segment};
use crate::TrackId;
use crate::output::SegmentEnd;
use crate::replica::{Progress, SegmentHead, Settled};

impl Rendition {
    /// No number below this is listed.
    pub(crate) const fn floor_msn(&self) -> u64 {
        self.floor_msn
    }

    /// Before the first segment of a copy: where its original's floor is. Parts that were here before may come
    /// again, as the same bytes.
    pub(crate) fn raise_floor(&mut self, msn: u64) {
        self.floor_msn = self.floor_msn.max(msn);
        if self.is_empty() {
            self.next_part = None;
        }
    }

    /// The number behind the newest segment, when that is whole; none in a rendition that has nothing.
    pub(crate) fn behind(&self) -> Option<u64> {
        (self.open.is_none() && !self.is_empty()).then_some(self.next_msn)
    }

    /// No part below this number comes any more.
    pub(crate) fn raise_parts(&mut self, number: u64) {
        self.next_part = self.next_part.max(Some(number));
    }

    /// What whole segments left behind.
    pub(crate) fn settled(&self) -> Settled {
        let of_open = self.open.as_ref().and_then(|open| open.parts.first());
        Settled { next_part: of_open.map(|part| part.number).or(self.next_part), rate: self.rate }
    }

    /// See [`Self::settled`], in a copy that now has the same whole segments.
    pub(crate) fn settle(&mut self, settled: Settled) {
        self.rate = settled.rate;
        self.next_part = self.next_part.max(settled.next_part);
    }

    /// Listed segments and the open one behind `seen`, by number; leading gaps are left out, because a copy makes
    /// them itself.
    pub(crate) fn heads_after(&self, track: TrackId, seen: Option<u64>) -> Vec<SegmentHead> {
        let from = seen.map_or(self.first_msn, |seen| seen.saturating_add(1).max(self.first_msn));
        let mut newest_first: Vec<&Segment> = Vec::new();
        newest_first.extend(self.open.as_ref().filter(|open| open.mark.msn >= from));
        newest_first.extend(self.listed().rev().take_while(|segment| segment.mark.msn >= from));
        newest_first.into_iter().rev().map(|segment| self.head(track, segment)).collect()
    }

    /// What is left of a segment from its part `from_part` on; none when it is gone.
    pub(crate) fn progress(&self, msn: u64, from_part: u64) -> Option<Progress> {
        let open = self.open.as_ref().filter(|open| open.mark.msn == msn);
        let (segment, whole) = match open {
            Some(open) => (open, false),
            None => {
                let at = self.whole.binary_search_by_key(&msn, |segment| segment.mark.msn).ok()?;
                (self.whole.get(at)?, true)
            }
        };
        let first = segment.parts.partition_point(|part| part.number < from_part);
        let end = SegmentEnd { msn, duration_us: segment.duration_us, gap: segment.gap };
        Some(Progress {
            init: segment.init.clone(),
            parts: segment.parts.iter().skip(first).cloned().collect(),
            end: whole.then_some(end),
        })
    }

    fn head(&self, track: TrackId, segment: &Segment) -> SegmentHead {
        let msn = segment.mark.msn;
        let whole = self.open.as_ref().is_none_or(|open| open.mark.msn != msn);
        let before = self.whole.partition_point(|other| other.mark.msn < msn).checked_sub(1);
        let before = before.and_then(|at| self.whole.get(at)).map(|segment| segment.mark.msn);
        let first_part = segment.parts.first().map(|part| part.number);
        SegmentHead {
            track,
            mark: segment.mark,
            before: before.filter(|before| *before >= self.first_msn),
            first_part: if whole { first_part } else { first_part.or(self.next_part) },
            init: segment.init.as_ref().map(|init| init.hash.clone()),
            whole,
        }
    }
}
