//! The boundaries of segments on the show's line, shared by all renditions.

use std::collections::VecDeque;

/// One segment as every rendition has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) msn: u64,
    /// Presentation time of its boundary, microseconds.
    pub(super) start_us: i64,
    pub(super) discontinuity: bool,
}

/// Segments that at least one rendition has not left yet; the last one is where the leader is.
#[derive(Debug)]
pub(super) struct Line {
    segments: VecDeque<Segment>,
    next_msn: u64,
    last_start_us: i64,
    broken: bool,
}

impl Line {
    pub(super) fn new(first_msn: u64) -> Self {
        let segments = VecDeque::new();
        Self { segments, next_msn: first_msn, last_start_us: i64::MIN, broken: false }
    }

    pub(super) fn next_msn(&self) -> u64 {
        self.next_msn
    }

    /// The segment that begins next does not continue what came before.
    pub(super) fn break_here(&mut self) {
        self.broken = true;
    }

    /// Begins a segment; it starts after the one before it.
    pub(super) fn begin(&mut self, start_us: i64) -> Segment {
        let start_us = start_us.max(self.last_start_us.saturating_add(1));
        let discontinuity = std::mem::take(&mut self.broken);
        let segment = Segment { msn: self.next_msn, start_us, discontinuity };
        self.next_msn += 1;
        self.last_start_us = start_us;
        self.segments.push_back(segment);
        segment
    }

    /// Uses a number for a segment that no rendition fills.
    pub(super) fn skip(&mut self) -> u64 {
        let msn = self.next_msn;
        self.next_msn += 1;
        msn
    }

    pub(super) fn oldest(&self) -> Option<Segment> {
        self.segments.front().copied()
    }

    pub(super) fn newest(&self) -> Option<Segment> {
        self.segments.back().copied()
    }

    pub(super) fn find(&self, msn: u64) -> Option<Segment> {
        let index = msn.checked_sub(self.oldest()?.msn)?;
        self.segments.get(usize::try_from(index).ok()?).copied()
    }

    /// Forgets the segments before `msn`.
    pub(super) fn forget_before(&mut self, msn: u64) {
        while self.segments.len() > 1 && self.oldest().is_some_and(|one| one.msn < msn) {
            self.segments.pop_front();
        }
    }

    /// Ends the line; the next one may lie anywhere.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.last_start_us = i64::MIN;
    }
}
