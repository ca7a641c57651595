//! A copy of a window becomes the window itself: somebody else packages the same show from here on.
//!
//! What the one before had open ends with what came of it, and numbers that others may have seen of it are never
//! given again: they are declared gaps.

use weir_model::Timestamp;

use super::Ladder;
use crate::TrackId;
use crate::output::{SegmentEnd, SegmentStart};
use crate::replica::Tip;

/// Gaps declared at most; when more is missing the playlists begin anew, as for whoever was away for so long.
const GAPS_MAX: u64 = 16;

impl Ladder {
    /// Where somebody goes on who takes this show over; none when there is no show or it is over.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        let first_msn = self.show.filter(|_| !self.ended)?;
        let next_msn = self.newest_msn()?.saturating_add(1);
        let parts = self.renditions().filter_map(|(_, one)| one.next_part());
        let next_part = parts.max().unwrap_or(0);
        let discontinuities = self.before(next_msn).unwrap_or_default();
        // Not by the numbers of parts: whoever goes on with a show raises them, and tells that with its next part only.
        let place = |one: &crate::rendition::Rendition| (one.tip().next_msn, one.tip().open_parts);
        let tracks = self.renditions().map(|(track, one)| (track, place(one))).collect();
        Some(Tip { show: self.id, first_msn, discontinuities, next_msn, next_part, tracks })
    }

    /// Another packager goes on behind `tip` and a discontinuity, with parts from `first_part` on. What this window
    /// does not have of the show it does not need: others do, and the numbers go on.
    pub fn join(&mut self, tip: &Tip, first_part: u64) {
        let next_msn = tip.next_msn;
        for rendition in self.renditions.values_mut() {
            rendition.finish(&self.timing);
        }
        // What began without a part was told nobody: its number is given again, and says something else.
        self.discontinuities = self.before(next_msn);
        self.marks.retain(|told| told.mark.msn < next_msn);
        let tracks: Vec<TrackId> = self.renditions().map(|(track, _)| track).collect();
        let missing = |track: &TrackId| {
            let next = self.renditions.get(track).map_or(next_msn, |one| one.tip().next_msn);
            next_msn.saturating_sub(next)
        };
        if tracks.iter().any(|track| missing(track) > GAPS_MAX) {
            let id = self.id;
            self.begin_show(id);
        } else {
            tracks.into_iter().for_each(|track| self.fill(track, next_msn));
        }
        self.renditions.values_mut().for_each(|rendition| rendition.raise_parts(first_part));
        // Whoever kept it as a copy may have given its packager up in the meantime.
        self.ended = false;
        self.show.get_or_insert(tip.first_msn);
        self.id = self.id.or(tip.show);
        self.discontinuities = self.discontinuities.max(Some(tip.discontinuities));
        self.break_due = true;
    }

    /// Discontinuities before segment `msn`.
    fn before(&self, msn: u64) -> Option<u64> {
        let from = self.marks.iter().map(|told| told.mark).find(|mark| mark.msn >= msn);
        from.map(|mark| mark.dsn_before).or(self.discontinuities)
    }

    /// A packager that goes on with a show learns of a rendition from its first frame; the others may be further on.
    pub(super) fn fill_before(&mut self, track: TrackId, msn: u64) {
        let Some(one) = self.renditions.get_mut(&track) else { return };
        match one.behind().map(|next| msn.saturating_sub(next)) {
            None | Some(0) => {}
            Some(missing) if missing > GAPS_MAX => one.forget(),
            Some(_) => self.fill(track, msn),
        }
    }

    /// When what it holds ends, by its dates; none without a segment.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        let last = |one: &crate::rendition::Rendition| {
            let last = one.listed().next_back()?;
            Some(last.mark.pdt.plus_ms(last.duration_us / 1000))
        };
        self.renditions().filter_map(|(_, one)| last(one)).max()
    }

    /// Declares the segments of a rendition before `next_msn` gaps.
    fn fill(&mut self, track: TrackId, next_msn: u64) {
        let Some(first) = self.renditions.get(&track).map(|one| one.tip().next_msn) else { return };
        for msn in first..next_msn {
            let (pdt, duration_us) = self.span_of(track, msn);
            let mark = self.mark(msn, pdt, false, None);
            let Some(rendition) = self.renditions.get_mut(&track) else { return };
            let discontinuity = mark.discontinuity;
            let start = SegmentStart { msn, start_us: 0, discontinuity, init: None };
            rendition.start(&self.timing, mark, &start);
            rendition.end(&self.timing, &SegmentEnd { msn, duration_us, gap: true });
        }
    }

    /// When a segment begins and how long it is: as another rendition says, else behind the one before.
    fn span_of(&self, track: TrackId, msn: u64) -> (Timestamp, i64) {
        let listed = |one: &crate::rendition::Rendition| {
            let found = one.listed().find(|segment| segment.mark.msn == msn);
            found.map(|segment| (segment.mark.pdt, segment.duration_us))
        };
        if let Some(known) = self.renditions().find_map(|(_, one)| listed(one)) {
            return known;
        }
        let last = self.renditions.get(&track).and_then(|one| one.listed().next_back());
        let pdt = last.map_or(Timestamp(0), |last| last.mark.pdt.plus_ms(last.duration_us / 1000));
        (pdt, self.timing.target_us() / 2)
    }
}
