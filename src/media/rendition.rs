//! The window of one rendition: its newest segments and parts, in the order of their numbers.
//!
//! A segment passes three places: *open* (its parts are listed, its end is not known), *listed* (a whole
//! segment in the playlist) and *held* (gone from the playlist, still answered, because a player may
//! have read the older playlist: RFC 8216bis §6.2.2). Time is media time: it advances by what the packager
//! puts out, so a stalled publisher never makes a listed segment vanish.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use weir_model::Timestamp;

use crate::output::{Init, Part, SegmentEnd, SegmentStart};
use crate::reload::Tip;
use crate::trun;

mod rate;

pub use rate::Rate;

/// Segments of one rendition that are kept, whatever their length: 16 per second for the 36 s that a
/// default window lasts. A publisher that changes its configuration with every frame cannot exceed it.
pub const SEGMENTS_MAX: usize = 576;

/// Media bytes of one rendition that are kept: 50 Mbit/s for the 36 s that a default window lasts.
/// Beyond it held segments go early, then listed ones; [`Rendition::squeezed`] counts them.
pub const BYTES_MAX: usize = 225 << 20;

/// Lengths that shape the playlists of a stream. They never change while the stream lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Timing {
    /// `EXT-X-TARGETDURATION`, seconds: no segment is longer.
    pub target_secs: u32,
    /// `PART-TARGET`, microseconds: no part is longer.
    pub part_target_us: i64,
    /// Whole segments that stay listed, microseconds; three targets if that is more.
    pub list_us: i64,
}

impl Timing {
    /// The target duration in microseconds.
    #[must_use]
    pub const fn target_us(&self) -> i64 {
        self.target_secs as i64 * 1_000_000
    }

    /// What must stay listed, microseconds (RFC 8216bis §6.2.2: at least three targets).
    #[must_use]
    pub const fn listed_us(&self) -> i64 {
        let three = 3 * self.target_us();
        if self.list_us > three { self.list_us } else { three }
    }
}

/// Gaps that stand for the time before a rendition begins, each one target long: a playlist that does not
/// begin with number 0 is at least three targets long from its first segment on (RFC 8216bis §6.2.2).
const LEADING_GAPS: u64 = 3;

/// What every rendition of a stream says alike about one media sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mark {
    /// The media sequence number.
    pub msn: u64,
    /// When it was captured, as `EXT-X-PROGRAM-DATE-TIME`.
    pub pdt: Timestamp,
    /// `EXT-X-DISCONTINUITY` stands before it.
    pub discontinuity: bool,
    /// Discontinuity tags before it, its own one not counted.
    pub dsn_before: u64,
}

/// A segment, whole or open.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its numbers and its date.
    pub mark: Mark,
    /// Microseconds; of an open segment: of its parts so far.
    pub duration_us: i64,
    /// It holds no media.
    pub gap: bool,
    /// The section that decodes it.
    pub init: Option<Arc<Init>>,
    /// Its parts in order.
    pub parts: Vec<Part>,
    /// The bytes of its parts, in order: what its URL answers.
    pub body: Arc<[Bytes]>,
    /// Media bytes.
    pub bytes: usize,
    /// Samples, where the parts say so.
    pub samples: u64,
    /// Media time at which a segment that is no longer listed may be forgotten.
    forget_us: i64,
}

impl Segment {
    fn open(mark: Mark, start: &SegmentStart) -> Self {
        Self {
            mark,
            duration_us: 0,
            gap: false,
            init: start.init.clone(),
            parts: Vec::new(),
            body: Arc::from([]),
            bytes: 0,
            samples: 0,
            forget_us: 0,
        }
    }

    /// Time that was over before the rendition began, `targets` targets ahead of `first`.
    fn before(first: Mark, timing: &Timing, targets: u64) -> Self {
        let ahead_ms =
            i64::try_from(targets).unwrap_or(0).saturating_mul(timing.target_us()) / 1000;
        let mark = Mark {
            msn: first.msn - targets,
            pdt: first.pdt.plus_ms(-ahead_ms),
            discontinuity: false,
            dsn_before: first.dsn_before,
        };
        Self {
            mark,
            duration_us: timing.target_us(),
            gap: true,
            init: None,
            parts: Vec::new(),
            body: Arc::from([]),
            bytes: 0,
            samples: 0,
            forget_us: 0,
        }
    }

    /// A decoder can start at its first sample; true for a segment without media, which starts nothing.
    #[must_use]
    pub fn independent(&self) -> bool {
        self.parts.first().is_none_or(|part| part.independent)
    }
}

/// The window of one rendition.
#[derive(Debug, Default)]
pub struct Rendition {
    /// Whole segments: those before `listed` are held only.
    whole: VecDeque<Segment>,
    listed: usize,
    open: Option<Segment>,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    dsn: u64,
    next_msn: u64,
    /// No number below this is listed again.
    floor_msn: u64,
    /// The first segment with a beginning of its own; those before it are leading gaps.
    first_msn: u64,
    next_part: Option<u64>,
    /// Media time put out so far, microseconds.
    clock_us: i64,
    listed_us: i64,
    longest_us: i64,
    bytes: usize,
    squeezed: u64,
    rate: Rate,
}

impl Rendition {
    /// A segment begins. An open one that never ended is closed with what it has; without anything it is a gap, as
    /// its number was told.
    pub fn start(&mut self, timing: &Timing, mark: Mark, start: &SegmentStart) {
        // Told nobody so far, and begun again by another packager.
        self.open.take_if(|open| open.parts.is_empty() && open.mark.msn == mark.msn);
        if let Some(open) = self.open.as_mut().filter(|open| open.parts.is_empty()) {
            let us = mark.pdt.since_ms(open.mark.pdt).saturating_mul(1000);
            (open.gap, open.duration_us) = (true, us.clamp(1000, timing.target_us()));
        }
        if let Some(open) = self.open.take() {
            self.append(timing, open);
        }
        if self.is_empty() {
            self.dsn = mark.dsn_before;
            self.lead_in(timing, mark);
        }
        self.next_msn = mark.msn;
        let mut open = Segment::open(mark, start);
        if open.init.is_none() {
            // What a playlist says of a listed gap stays when the segment before it has left the playlist.
            open.init = self.whole.back().and_then(|last| last.init.clone());
        }
        self.open = Some(open);
    }

    /// A part of the open segment is complete. One that names no open segment is dropped.
    pub fn part(&mut self, part: Part) {
        let Some(open) = self.open.as_mut().filter(|open| open.mark.msn == part.msn) else {
            return;
        };
        if self.next_part.is_some_and(|next| part.number < next) {
            // Numbers are never given twice; a second part of the same name would break caches.
            return;
        }
        self.next_part = Some(part.number.saturating_add(1));
        self.clock_us = self.clock_us.saturating_add(part.duration_us);
        self.bytes += part.data.len();
        open.bytes += part.data.len();
        open.duration_us = open.duration_us.saturating_add(part.duration_us);
        open.samples += trun::samples(&part.data);
        open.parts.push(part);
    }

    /// The open segment is complete.
    pub fn end(&mut self, timing: &Timing, end: &SegmentEnd) {
        let Some(mut segment) = self.open.take() else { return };
        if segment.mark.msn != end.msn {
            self.open = Some(segment);
            return;
        }
        let unseen = end.duration_us.saturating_sub(segment.duration_us).max(0);
        self.clock_us = self.clock_us.saturating_add(unseen);
        segment.duration_us = end.duration_us;
        segment.gap = end.gap;
        self.append(timing, segment);
    }

    /// The show is over: what is open becomes a whole segment.
    pub fn finish(&mut self, timing: &Timing) {
        self.close_open(timing);
    }

    /// Forgets all media; every number goes on where it stands.
    pub fn forget(&mut self) {
        *self = Self {
            next_msn: self.tip().next_msn,
            next_part: self.next_part,
            floor_msn: if self.is_empty() { self.floor_msn } else { self.media_sequence() },
            squeezed: self.squeezed,
            ..Self::default()
        };
    }

    /// Neither a whole nor an open segment is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.open.is_none()
    }

    /// Whole segments of the playlist, oldest first.
    pub fn listed(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.whole.iter().skip(self.listed)
    }

    /// Whole segments of the playlist.
    #[must_use]
    pub fn listed_len(&self) -> usize {
        self.whole.len() - self.listed
    }

    /// The segment that is growing.
    #[must_use]
    pub const fn open_segment(&self) -> Option<&Segment> {
        self.open.as_ref()
    }

    /// `EXT-X-DISCONTINUITY-SEQUENCE`: tags that left the playlist.
    #[must_use]
    pub const fn discontinuity_sequence(&self) -> u64 {
        self.dsn
    }

    /// `EXT-X-DISCONTINUITY-SEQUENCE` of a playlist that begins with the listed segment `msn`.
    #[must_use]
    pub fn discontinuity_sequence_at(&self, msn: u64) -> u64 {
        let before = self.listed().take_while(|segment| segment.mark.msn < msn);
        let left = before.filter(|segment| segment.mark.discontinuity).count() as u64;
        let first = self.listed().find(|segment| segment.mark.msn >= msn);
        // As when those before it leave the playlist for good.
        let told = first.filter(|_| left > 0).map_or(0, |first| first.mark.dsn_before);
        (self.dsn + left).max(told)
    }

    /// `EXT-X-MEDIA-SEQUENCE`: number of the first listed segment.
    #[must_use]
    pub fn media_sequence(&self) -> u64 {
        self.listed().next().map_or(self.next_msn, |segment| segment.mark.msn)
    }

    /// Number of the part that comes next; unknown before the first one.
    #[must_use]
    pub const fn next_part(&self) -> Option<u64> {
        self.next_part
    }

    /// Where the playlist ends, for blocking reloads and rendition reports.
    #[must_use]
    pub fn tip(&self) -> Tip {
        let open = self.open.as_ref();
        let last = self.whole.back();
        Tip {
            next_msn: open.map_or(self.next_msn, |segment| segment.mark.msn),
            open_parts: open.map_or(0, |segment| segment.parts.len() as u64),
            last_parts: last.map_or(0, |segment| segment.parts.len() as u64),
        }
    }

    /// A whole segment that is listed or held.
    #[must_use]
    pub fn segment(&self, msn: u64) -> Option<&Segment> {
        let at = self.whole.binary_search_by_key(&msn, |segment| segment.mark.msn).ok()?;
        self.whole.get(at).filter(|segment| !segment.gap)
    }

    /// A part that is listed or belongs to a segment that is.
    #[must_use]
    pub fn find_part(&self, number: u64) -> Option<&Part> {
        let newest_first = self.open.iter().chain(self.whole.iter().rev());
        let holder = newest_first
            .filter(|segment| !segment.parts.is_empty())
            .find(|segment| segment.parts.first().is_some_and(|first| first.number <= number))?;
        let at = holder.parts.binary_search_by_key(&number, |part| part.number).ok()?;
        holder.parts.get(at)
    }

    /// An initialisation section that a listed, held or open segment from number `from` on needs.
    #[must_use]
    pub fn init(&self, hash: &str, from: u64) -> Option<&Arc<Init>> {
        self.open
            .iter()
            .chain(self.whole.iter().rev())
            .filter(|segment| segment.mark.msn >= from)
            .filter_map(|segment| segment.init.as_ref())
            .find(|init| init.hash == hash)
    }

    /// Initialisation sections that the playlist names, newest first, each once.
    #[must_use]
    pub fn inits(&self) -> Vec<&Arc<Init>> {
        let mut seen: Vec<&Arc<Init>> = Vec::new();
        let newest_first = self.open.iter().chain(self.listed().rev());
        for init in newest_first.filter_map(|segment| segment.init.as_ref()) {
            if !seen.iter().any(|known| known.hash == init.hash) {
                seen.push(init);
            }
        }
        seen
    }

    /// A segment that is not a leading gap is whole.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.listed().next_back().is_some_and(|newest| newest.mark.msn >= self.first_msn)
    }

    /// At least one listed segment holds media.
    #[must_use]
    pub fn has_media(&self) -> bool {
        self.has_media_from(0)
    }

    /// At least one listed segment from number `from` on holds media.
    #[must_use]
    pub fn has_media_from(&self, from: u64) -> bool {
        let mut newest_first = self.listed().rev().take_while(|segment| segment.mark.msn >= from);
        newest_first.any(|segment| !segment.gap && segment.init.is_some())
    }

    /// What was measured over the show.
    #[must_use]
    pub const fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Media bytes kept.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Segments that went early because [`BYTES_MAX`] or [`SEGMENTS_MAX`] was reached.
    #[must_use]
    pub const fn squeezed(&self) -> u64 {
        self.squeezed
    }

    fn lead_in(&mut self, timing: &Timing, first: Mark) {
        self.first_msn = first.msn;
        let room = first.msn.saturating_sub(self.floor_msn);
        for targets in (1..=LEADING_GAPS.min(room)).rev() {
            self.append(timing, Segment::before(first, timing, targets));
        }
    }

    fn close_open(&mut self, timing: &Timing) {
        if let Some(segment) = self.open.take()
            && !segment.parts.is_empty()
        {
            self.append(timing, segment);
        }
    }

    fn append(&mut self, timing: &Timing, mut segment: Segment) {
        segment.body = segment.parts.iter().map(|part| part.data.clone()).collect();
        self.rate.add(timing, &segment);
        self.next_msn = segment.mark.msn.saturating_add(1);
        self.listed_us = self.listed_us.saturating_add(segment.duration_us);
        self.whole.push_back(segment);
        self.unlist(timing);
        self.longest_us = self.longest_us.max(self.listed_us);
        self.drop_held();
    }

    /// Takes the oldest segments off the playlist while enough stays listed without them.
    fn unlist(&mut self, timing: &Timing) {
        while self.listed_len() > 1 {
            let Some(oldest) = self.whole.get_mut(self.listed) else { return };
            let rest_us = self.listed_us.saturating_sub(oldest.duration_us);
            if rest_us < timing.listed_us() {
                return;
            }
            // §6.2.2: available for its own duration and that of the longest playlist that listed it.
            let keep_us = oldest.duration_us.saturating_add(self.longest_us);
            oldest.forget_us = self.clock_us.saturating_add(keep_us);
            self.dsn += u64::from(oldest.mark.discontinuity);
            self.listed_us = rest_us;
            self.listed += 1;
            self.follow_marks();
        }
    }

    /// Another node that took the stream over counts discontinuities in its own way, never lower.
    fn follow_marks(&mut self) {
        if let Some(first) = self.whole.get(self.listed) {
            self.dsn = self.dsn.max(first.mark.dsn_before);
        }
    }

    fn drop_held(&mut self) {
        while let Some(oldest) = self.whole.front() {
            let due = self.listed > 0 && oldest.forget_us <= self.clock_us;
            let over = self.bytes > BYTES_MAX || self.whole.len() > SEGMENTS_MAX;
            let may_go = due || (over && self.whole.len() > 1);
            if !may_go {
                return;
            }
            self.squeezed += u64::from(!due);
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(gone) = self.whole.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(gone.bytes);
        if self.listed > 0 {
            self.listed -= 1;
        } else {
            self.listed_us = self.listed_us.saturating_sub(gone.duration_us);
            self.dsn += u64::from(gone.mark.discontinuity);
        }
    }
}

mod replica;
#[cfg(test)]
mod tests;
