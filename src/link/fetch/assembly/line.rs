//! One track of a window that comes from another node.

mod pending;

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_media::rendition::{self, Mark};
use weir_media::replica::{LeftTrack, SegmentHead, Settled, Step};
use weir_media::{Init, Part, SegmentEnd, TrackId};

use self::pending::Pending;
use super::{Out, Tally, Unwanted, Want};
use crate::link::replicate::SECTIONS_MAX;
use crate::link::replicate::sections::Sections;
use crate::link::replicate::wire::Place;

/// Segments that wait for one before them: a listed window of half-second segments.
const PENDING_MAX: usize = 64;
/// Media bytes of segments that wait: a window holds no more of a track either.
const PENDING_BYTES_MAX: usize = rendition::BYTES_MAX;
/// Parts of one segment: ten times what a segment of a target has.
const PARTS_MAX: usize = 512;
/// Segments that are declared gaps in a row; when more are missing the window begins anew.
const GAPS_MAX: u64 = 16;
/// A stream may be overtaken by the next one for this long before it is asked for, milliseconds.
const REORDER_MS: u64 = 100;
/// Between two requests for the same segment, milliseconds.
const ASK_AGAIN_MS: u64 = 1_000;
/// Requests for the same segment.
const ASKS_MAX: u8 = 3;
/// What another node has of a segment that its packager left open comes within this, milliseconds, or never.
const CUT_MS: u64 = 400;

/// Where a track is.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Everything up to this segment is in the window, or never will be.
    done: Option<u64>,
    /// The segment that the window has open.
    open: Option<u64>,
    /// Where the newest whole segment of the window ends.
    last: Option<Last>,
    pending: BTreeMap<u64, Pending>,
    /// Segments up to this were dropped, because too much waited.
    dropped: Option<u64>,
    floor: Option<u64>,
    settle: Option<(u64, Settled)>,
    /// A source sends each once.
    sections: Sections<SECTIONS_MAX>,
    next_part: u64,
    /// Discontinuities up to the newest segment that the window began, its own one counted.
    breaks: Option<u64>,
    /// The next segment is the first one since the stream has another epoch.
    joint: bool,
    /// The segment that was open when another node took over: it ends with what came of it.
    cut: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    mark: Mark,
    duration_us: i64,
}

impl Line {
    /// Where somebody else left a window.
    pub(super) fn behind(newest: &LeftTrack) -> Self {
        let &LeftTrack { mark, duration_us, next_part } = newest;
        Self {
            done: Some(mark.msn),
            last: Some(Last { mark, duration_us }),
            breaks: Some(breaks_after(mark)),
            next_part,
            ..Self::default()
        }
    }

    pub(super) fn place(&self) -> Option<Place> {
        let msn = self.open.or(self.done)?;
        Some(Place { msn, whole: self.open.is_none(), next_part: self.next_part })
    }

    pub(super) fn expect(&mut self, floor: u64, newest_whole: Option<u64>, settled: Settled) {
        self.floor = Some(floor);
        self.settle = Some((newest_whole.unwrap_or(0), settled));
    }

    /// The streams of before are gone with their subscription.
    pub(super) fn streams_gone(&mut self) {
        for pending in self.pending.values_mut() {
            pending.streams = 0;
            pending.asked = 0;
        }
    }

    /// Another node continues. What it numbers below what is here is not taken; of the open segment it may have
    /// more, and then every copy is to have that.
    pub(super) fn joint(&mut self) {
        self.take_back();
        let open = self.open;
        self.pending.retain(|msn, pending| Some(*msn) == open && pending.begun());
        self.cut = open.filter(|open| self.pending.contains_key(open));
        if self.cut.is_none() {
            self.done = self.open.take().or(self.done);
        }
        self.settle = None;
        self.dropped = None;
        self.joint = true;
    }

    /// An open segment without a part was told nobody: its number may be used again.
    fn take_back(&mut self) {
        let bare = |msn: &mut u64| self.pending.get(msn).is_some_and(|open| open.taken == 0);
        if self.open.take_if(bare).is_some() {
            self.breaks = self.last.map(|last| breaks_after(last.mark));
        }
    }

    /// A new show begins, whose numbers go on.
    pub(super) fn forget(&mut self) {
        *self = Self {
            done: self.open.or(self.done),
            sections: std::mem::take(&mut self.sections),
            ..Self::default()
        };
    }

    /// The window begins anew with what is pending.
    pub(super) fn start_over(&mut self) {
        self.done = self.open.take().or(self.done);
        (self.last, self.breaks) = (None, None);
        self.settle = None;
    }

    pub(super) fn start_at(&mut self, msn: u64) {
        self.done = msn.checked_sub(1).max(self.done);
    }

    pub(super) fn done_to(&self, msn: u64) -> bool {
        self.done.is_some_and(|done| done >= msn)
    }

    pub(super) fn has(&self, head: &SegmentHead) -> bool {
        let pending = self.pending.get(&head.mark.msn);
        pending.is_some_and(|it| if head.whole { it.whole() } else { it.begun() })
    }

    pub(super) fn has_whole_from(&self, msn: u64) -> bool {
        self.pending.range(msn..).any(|(_, pending)| pending.whole())
    }

    pub(super) fn oldest_begun(&self) -> Option<u64> {
        self.pending.iter().find(|(_, pending)| pending.begun()).map(|(msn, _)| *msn)
    }

    pub(super) fn begin(
        &mut self,
        head: &SegmentHead,
        from_part: u64,
        now: u64,
        tally: &mut Tally,
    ) -> Result<(), Unwanted> {
        let msn = head.mark.msn;
        let foreign = |cut: &Pending| cut.head.as_ref().is_some_and(|own| own.mark != head.mark);
        if self.cut == Some(msn) && self.pending.get(&msn).is_some_and(foreign) {
            // Whoever took over did not know that the number was used.
            self.pending.remove(&msn);
            self.done = self.open.take().or(self.done);
        }
        if self.done_to(msn) || self.was_dropped(msn) {
            return Err(Unwanted);
        }
        if self.pending.len() >= PENDING_MAX && !self.pending.contains_key(&msn) {
            self.drop_oldest(msn, tally)?;
        }
        let pending = self.pending.entry(msn).or_default();
        let next = pending.next_part.or(head.first_part);
        if pending.whole() || next.is_some_and(|next| from_part > next) {
            return Err(Unwanted);
        }
        if pending.head.is_none() {
            pending.begun_at = now;
            pending.head = Some(head.clone());
            let named = head.init.as_ref().and_then(|hash| self.sections.find(hash));
            pending.init = named.cloned();
        }
        pending.next_part = next;
        pending.streams += 1;
        Ok(())
    }

    pub(super) fn init(&mut self, init: Arc<Init>) {
        self.sections.add(Arc::clone(&init));
        // The source knows that it arrived, maybe before it was taken here: other segments count on it, too.
        for pending in self.pending.values_mut() {
            let named = pending.head.as_ref().and_then(|head| head.init.as_ref());
            if named == Some(&init.hash) {
                pending.init = Some(Arc::clone(&init));
            }
        }
    }

    pub(super) fn part(&mut self, part: Part, tally: &mut Tally) -> Result<Option<i64>, Unwanted> {
        if self.done_to(part.msn) {
            return Ok(None);
        }
        let pending = self.pending.get_mut(&part.msn).ok_or(Unwanted)?;
        if pending.end.is_some() || pending.next_part.is_some_and(|next| part.number < next) {
            return Ok(None);
        }
        let hole = pending.next_part.is_some_and(|next| part.number > next);
        if hole || pending.taken >= PARTS_MAX {
            return Err(Unwanted);
        }
        self.make_room(&part, tally)?;
        let pending = self.pending.get_mut(&part.msn).ok_or(Unwanted)?;
        pending.next_part = Some(part.number.saturating_add(1));
        pending.taken += 1;
        pending.bytes += part.data.len();
        pending.us = pending.us.saturating_add(part.duration_us);
        pending.parts.push(part);
        let from = pending.head.as_ref().map_or(0, |head| head.mark.pdt.0);
        Ok(Some(from.saturating_add(pending.us / 1000)))
    }

    /// For a part that has to wait; what is in order does not.
    fn make_room(&mut self, part: &Part, tally: &mut Tally) -> Result<(), Unwanted> {
        let waiting = |line: &Self| line.pending.values().map(|it| it.bytes).sum::<usize>();
        while self.open != Some(part.msn) && waiting(self) + part.data.len() > PENDING_BYTES_MAX {
            self.drop_oldest(part.msn, tally)?;
        }
        Ok(())
    }

    /// The newest is what viewers want: the oldest becomes a gap. An error if that is `newest` itself, or if all are
    /// newer.
    fn drop_oldest(&mut self, newest: u64, tally: &mut Tally) -> Result<(), Unwanted> {
        let oldest = self.pending.keys().copied().find(|old| Some(*old) != self.open);
        let oldest = oldest.filter(|oldest| *oldest <= newest).ok_or(Unwanted)?;
        self.pending.remove(&oldest);
        self.dropped = self.dropped.max(Some(oldest));
        tally.dropped += 1;
        if oldest < newest { Ok(()) } else { Err(Unwanted) }
    }

    fn was_dropped(&self, msn: u64) -> bool {
        self.open != Some(msn) && self.dropped.is_some_and(|dropped| dropped >= msn)
    }

    pub(super) fn end(&mut self, end: SegmentEnd) {
        if let Some(pending) = self.pending.get_mut(&end.msn) {
            pending.end = Some(end);
        }
    }

    /// Whether its segment is not whole.
    pub(super) fn over(&mut self, msn: u64) -> bool {
        let Some(pending) = self.pending.get_mut(&msn) else { return false };
        pending.streams = pending.streams.saturating_sub(1);
        !pending.whole()
    }

    pub(super) fn gone(&mut self, msn: u64) {
        if !self.done_to(msn) {
            self.pending.entry(msn).or_default().gone = true;
        }
    }

    /// Asks for what is missing.
    pub(super) fn ask(&mut self, track: TrackId, now: u64, out: &mut Out) {
        let newest = self.pending.keys().next_back().copied();
        for (msn, pending) in &mut self.pending {
            let due = match pending.asked_at {
                None => now >= pending.begun_at + REORDER_MS,
                Some(at) => now >= at + ASK_AGAIN_MS,
            };
            let missing = !pending.whole() && pending.streams == 0 && !pending.gone;
            if !missing || !due || pending.asked >= ASKS_MAX {
                continue;
            }
            // Behind the newest there may be nothing to ask for: it is being made.
            if Some(*msn) == newest && pending.head.is_none() {
                continue;
            }
            pending.asked += 1;
            pending.asked_at = Some(now);
            out.tally.refetches += 1;
            let first = pending.head.as_ref().and_then(|head| head.first_part);
            let from_part = pending.next_part.or(first).unwrap_or(0);
            out.wants.push(Want { track, msn: *msn, from_part });
        }
    }

    /// Gives the window everything that may follow now.
    pub(super) fn advance(
        &mut self,
        track: TrackId,
        now: u64,
        target_ms: u64,
        late: bool,
        out: &mut Out,
    ) {
        while !out.start_over {
            let went_on = match self.open {
                Some(msn) => self.grow(track, msn, now, target_ms, late, out),
                None => self.open_next(track, now, target_ms, late, out),
            };
            if !went_on {
                return;
            }
        }
    }

    /// More of the open segment; true when it is complete.
    fn grow(
        &mut self,
        track: TrackId,
        msn: u64,
        now: u64,
        target_ms: u64,
        late: bool,
        out: &mut Out,
    ) -> bool {
        let given_up = late || self.given_up(msn, now, target_ms);
        let cut = self.cut == Some(msn);
        let next = self.begun_after(msn).map(|head| head.mark);
        let Some(pending) = self.pending.get_mut(&msn) else {
            self.open = None;
            return true;
        };
        pending.bytes = 0;
        for part in pending.parts.drain(..) {
            out.tally.parts += 1;
            out.tally.bytes += part.data.len() as u64;
            self.next_part = part.number.saturating_add(1);
            out.steps.push(Step::Part(track, part));
        }
        let Some(mark) = pending.head.as_ref().map(|head| head.mark) else { return false };
        let end = match &pending.end {
            Some(end) => SegmentEnd { duration_us: end.duration_us.max(pending.us), ..end.clone() },
            None if given_up && cut && pending.taken > 0 => {
                SegmentEnd { msn, duration_us: pending.us, gap: false }
            }
            None if given_up => {
                out.tally.gaps += 1;
                let us = next.map_or(0, |next| next.pdt.since_ms(mark.pdt).saturating_mul(1000));
                let most = i64::try_from(target_ms).unwrap_or(0) * 1000;
                SegmentEnd { msn, duration_us: us.min(most).max(pending.us), gap: true }
            }
            None => return false,
        };
        self.pending.remove(&msn);
        self.last = Some(Last { mark, duration_us: end.duration_us });
        (self.done, self.open) = (Some(msn), None);
        out.steps.push(Step::End(track, end));
        self.settle(track, msn, out);
        true
    }

    /// The next segment, if it may follow.
    fn open_next(
        &mut self,
        track: TrackId,
        now: u64,
        target_ms: u64,
        late: bool,
        out: &mut Out,
    ) -> bool {
        let done = self.done;
        self.pending.retain(|msn, _| done.is_none_or(|done| *msn > done));
        let next = self.pending.iter().find(|(_, pending)| pending.begun());
        let Some((msn, head)) = next.and_then(|(msn, it)| Some((*msn, it.head.clone()?))) else {
            return false;
        };
        let hole = head.before.filter(|before| done.is_some_and(|done| *before > done));
        if let Some(missing) = hole
            && !late
            && !self.given_up(missing, now, target_ms)
        {
            let begun_at = self.pending.get(&msn).map_or(now, |pending| pending.begun_at);
            self.pending
                .entry(missing)
                .or_insert_with(|| Pending { begun_at, ..Pending::default() });
            return false;
        }
        if !self.fill(track, head.mark, target_ms, out) {
            return false;
        }
        self.start(track, msn, head, out);
        true
    }

    fn start(&mut self, track: TrackId, msn: u64, head: SegmentHead, out: &mut Out) {
        if let Some(floor) = self.floor.take() {
            out.steps.push(Step::Floor(track, floor));
        }
        if let Some(before) = msn.checked_sub(1) {
            self.settle(track, before, out);
        }
        let mark = self.joined(head.mark);
        self.breaks = Some(breaks_after(mark));
        let init = self.pending.get(&msn).and_then(|pending| pending.init.clone());
        out.steps.push(Step::Start(track, mark, init));
        self.pending.retain(|other, _| *other >= msn);
        self.next_part = head.first_part.unwrap_or(self.next_part);
        self.open = Some(msn);
    }

    /// What playlists here say of the first segment of an epoch: what they say at its packager, which continues
    /// nothing if it is another one. Only if the segment that says so is lost, or its number was used before, this
    /// one has to say it.
    fn joined(&mut self, mark: Mark) -> Mark {
        let joint = std::mem::take(&mut self.joint);
        match self.breaks.filter(|breaks| joint && !mark.discontinuity && *breaks < mark.dsn_before)
        {
            Some(dsn_before) => Mark { discontinuity: true, dsn_before, ..mark },
            None => mark,
        }
    }

    fn settle(&mut self, track: TrackId, whole: u64, out: &mut Out) {
        if let Some((_, settled)) = self.settle.take_if(|(until, _)| *until <= whole) {
            out.steps.push(Step::Settle(track, settled));
        }
    }

    /// Declares what is missing before `next`; false when it is too much.
    fn fill(&mut self, track: TrackId, next: Mark, target_ms: u64, out: &mut Out) -> bool {
        let (Some(last), Some(done)) = (self.last, self.done) else { return true };
        let missing = next.msn.saturating_sub(done).saturating_sub(1);
        if missing > GAPS_MAX {
            out.start_over = true;
            return false;
        }
        let from = last.mark.pdt.plus_ms(last.duration_us / 1000);
        let count = i64::try_from(missing).unwrap_or(1).max(1);
        let most = i64::try_from(target_ms).unwrap_or(1);
        let each_ms = (next.pdt.since_ms(from) / count).clamp(1, most.max(1));
        let mut dsn = self.breaks.unwrap_or_else(|| breaks_after(last.mark));
        for (n, msn) in (0..).zip(done + 1..next.msn) {
            // A tag that went with a missing segment stands before the gap.
            let discontinuity = dsn < next.dsn_before && !(self.joint && next.discontinuity);
            let mark = Mark { msn, pdt: from.plus_ms(each_ms * n), discontinuity, dsn_before: dsn };
            dsn = breaks_after(mark);
            self.breaks = Some(dsn);
            let duration_us = each_ms * 1000;
            out.tally.gaps += 1;
            out.steps.push(Step::Start(track, mark, None));
            out.steps.push(Step::End(track, SegmentEnd { msn, duration_us, gap: true }));
            self.last = Some(Last { mark, duration_us });
            self.done = Some(msn);
        }
        true
    }

    fn begun_after(&self, msn: u64) -> Option<&SegmentHead> {
        self.pending.range(msn + 1..).find_map(|(_, pending)| pending.head.as_ref())
    }

    /// Waiting for a segment would hold up newer ones for longer than 1.5 of its length.
    fn given_up(&self, msn: u64, now: u64, target_ms: u64) -> bool {
        let pending = self.pending.get(&msn);
        let gone = pending.is_some_and(|it| it.gone && it.streams == 0 && !it.whole());
        if gone || self.was_dropped(msn) {
            return true;
        }
        let newer = self.pending.range(msn + 1..).find(|(_, pending)| pending.head.is_some());
        let Some((_, newer)) = newer else { return false };
        if self.cut == Some(msn) {
            return now >= newer.begun_at + CUT_MS;
        }
        let own = pending.and_then(|pending| pending.head.as_ref()).map(|head| head.mark.pdt);
        let length = newer.head.as_ref().zip(own).map(|(next, own)| next.mark.pdt.since_ms(own));
        let length = length.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(target_ms);
        now >= newer.begun_at + length.clamp(500, target_ms.max(500)) * 3 / 2
    }
}

/// Discontinuities up to a segment, its own one counted.
const fn breaks_after(mark: Mark) -> u64 {
    mark.dsn_before.saturating_add(mark.discontinuity as u64)
}

#[cfg(test)]
mod tests;
