//! Who places which frame when: the leader at once, the others behind it.

use super::line::Segment;
use super::track::{Rules, START_TOLERANCE_US};
use super::{Packager, Track};
use crate::TrackId;
use crate::output::Output;

/// How far one track may run ahead of the leader before it goes on without it, microseconds of media.
/// Publishers interleave within a few hundred milliseconds.
const HOLD_US: i64 = 1_000_000;

/// Frames of one track that wait at most; an audio track of 2.5 ms frames has 400 in [`HOLD_US`].
pub(super) const PENDING_MAX: usize = 512;

/// Longest hole inside a show, microseconds; a jump beyond it is a new line.
const HOLE_MAX_US: i64 = 30_000_000;

/// Key frames that come so much early still end a segment, microseconds: millisecond clocks round.
const KEY_EARLY_US: i64 = 2_000;

/// A key frame of a leader that comes back so much behind the boundary begins its own segment.
const LATE_US: i64 = 20_000;

/// How much longer than allowed a segment may be rather than leave a sliver behind it, at the end of a
/// show or of a hole, microseconds; below half a second, so that its rounded duration stays within the
/// target duration.
const SLACK_US: i64 = 300_000;

/// What a track may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Makes boundaries.
    Lead,
    /// Keeps to the boundaries there are and does not go where one could still come.
    Follow,
    /// Nothing more will come: places all it has.
    Drain,
}

impl Packager {
    /// Places every frame whose place is certain.
    pub(super) fn drive(&mut self, out: &mut Vec<Output>) {
        // Each round but the last marks one track as stalled.
        for _ in 0..=self.tracks.len() {
            let leader = self.leader();
            self.run(leader, Role::Lead, out);
            let held_us = self.tracks.get(leader).and_then(|track| {
                track.queue.front().map(|frame| track.to_us(frame.dts.min(frame.pts)))
            });
            self.horizon_us = self.horizon_us.max(held_us.unwrap_or(i64::MIN));
            if !self.outruns(leader) {
                break;
            }
            if let Some(track) = self.tracks.get_mut(leader) {
                track.stalled = true;
            }
        }
        let leader = self.leader();
        for at in (0..self.tracks.len()).filter(|at| *at != leader) {
            self.run(at, Role::Follow, out);
        }
        self.forget();
    }

    /// Ends the open segment with what it has: it is overdue, because media comes slower than real time. What
    /// follows goes on in the next one, with or without a key frame.
    pub(super) fn cut_short(&mut self, out: &mut Vec<Output>) {
        let leader = self.leader();
        let Some(track) = self.tracks.get(leader).filter(|track| track.open.is_some()) else {
            return;
        };
        let Some(front) = track.queue.front() else { return };
        self.cut(leader, track.boundary_us(front), out);
        self.drive(out);
    }

    /// Whether other renditions have left the segment that `id` is in.
    pub(super) fn lags(&self, id: TrackId) -> bool {
        let at = self.tracks.binary_search_by_key(&id, |one| one.id);
        at.is_ok_and(|at| self.is_behind(at))
    }

    /// Ends the segments that other renditions have left, with what came of them.
    pub(super) fn settle(&mut self, out: &mut Vec<Output>) {
        for at in 0..self.tracks.len() {
            while self.is_behind(at) && self.step(at, Role::Drain, out).is_some() {}
        }
    }

    fn is_behind(&self, at: usize) -> bool {
        self.segment_of(at).is_some_and(|segment| self.line.find(segment.msn + 1).is_some())
    }

    /// Places all frames and closes all segments; the line is empty afterwards.
    pub(super) fn drain(&mut self, out: &mut Vec<Output>) {
        for at in 0..self.tracks.len() {
            self.run(at, Role::Drain, out);
        }
        let until_us = self.tracks.iter().filter_map(Track::placed_until_us).max();
        for at in 0..self.tracks.len() {
            while let Some(segment) = self.segment_of(at) {
                let next_us = self.line.find(segment.msn + 1).map(|one| one.start_us);
                let end_us = next_us.or(until_us).unwrap_or(segment.start_us);
                self.leave(at, segment, end_us, out);
            }
        }
        self.line.clear();
        self.horizon_us = i64::MIN;
        self.tracks.iter_mut().for_each(Track::reset);
    }

    fn leader(&self) -> usize {
        self.tracks.iter().position(|track| !track.stalled).unwrap_or(0)
    }

    /// Whether a track has run too far ahead of the leader.
    fn outruns(&self, leader: usize) -> bool {
        let others = || self.tracks.iter().enumerate().filter(|(at, _)| *at != leader);
        if others().any(|(_, track)| track.queue.len() > PENDING_MAX) {
            return true;
        }
        let oldest_us =
            || others().filter_map(|(_, one)| one.queue.front().map(|f| one.to_us(f.pts))).min();
        let from_us = match self.horizon_us {
            i64::MIN => oldest_us().unwrap_or(i64::MAX),
            horizon_us => horizon_us,
        };
        others()
            .filter_map(|(_, track)| track.queue.back().map(|frame| track.to_us(frame.pts)))
            .any(|newest_us| newest_us.saturating_sub(from_us) > HOLD_US)
    }

    /// Places what `role` lets track `at` place.
    fn run(&mut self, at: usize, role: Role, out: &mut Vec<Output>) {
        while self.step(at, role, out).is_some() {}
    }

    /// One frame placed or one boundary passed; none when there is nothing to do.
    fn step(&mut self, at: usize, role: Role, out: &mut Vec<Output>) -> Option<()> {
        self.enter(at, role)?;
        let segment = self.segment_of(at)?;
        let next = self.line.find(segment.msn + 1);
        let overdue =
            |end_us: i64| role == Role::Drain || self.horizon_us >= end_us.saturating_add(HOLD_US);
        let track = self.tracks.get(at)?;
        let Some(front) = track.queue.front() else {
            let boundary = next.filter(|one| overdue(one.start_us))?;
            self.leave(at, segment, boundary.start_us, out);
            return Some(());
        };
        match (next, role) {
            (Some(boundary), _) if track.belongs_after(front, boundary) => {
                self.leave(at, segment, boundary.start_us, out);
            }
            (Some(boundary), _) => {
                let longest_us = segment.start_us.saturating_add(self.config.segment_max_us);
                let until_us = boundary.start_us.min(longest_us);
                let ticks = track.duration(Some(until_us), overdue(boundary.start_us))?;
                self.place(at, ticks, segment, out);
            }
            (None, Role::Follow) => {
                let settled_us = track.boundary_us(front);
                if settled_us >= self.horizon_us {
                    return None;
                }
                // A picture waits for its successor or a boundary: it stays on the screen.
                let lost = !track.is_video() && overdue(track.end_of(front));
                let ticks = track.duration(None, lost)?;
                // One that stays long may have to be cut short by a boundary.
                let length_us = track.to_us(ticks);
                if length_us > SLACK_US && settled_us + length_us >= self.horizon_us {
                    return None;
                }
                self.place(at, ticks, segment, out);
            }
            (None, Role::Lead | Role::Drain) => self.lead(at, role, segment, out)?,
        }
        Some(())
    }

    /// Gives a track that takes part in the line for the first time its place.
    fn enter(&mut self, at: usize, role: Role) -> Option<()> {
        let track = self.tracks.get(at)?;
        if track.cursor.is_none() {
            let front = track.queue.front()?;
            if self.line.oldest().is_none() {
                if role == Role::Follow {
                    return None;
                }
                let start_us = track.boundary_us(front);
                let msn = self.line.begin(start_us).msn;
                // Every rendition has every number, with media or without.
                for one in self.tracks.iter_mut().filter(|one| one.joined()) {
                    one.cursor = Some(msn);
                }
            }
            let oldest = self.line.oldest()?.msn;
            self.tracks.get_mut(at)?.cursor.get_or_insert(oldest);
        }
        self.trim(at);
        Some(())
    }

    /// Drops what comes too late for the segment that is open: other tracks went on without it. Sound
    /// from well before the first picture is too late as well: it would be heard with nothing to see.
    fn trim(&mut self, at: usize) {
        let Some(segment) = self.segment_of(at) else { return };
        let next = self.line.find(segment.msn + 1);
        // Between two lines; only a track that is far away from the others has frames there.
        let longest_us = segment.start_us.saturating_add(self.config.segment_max_us);
        let Some(track) = self.tracks.get_mut(at) else { return };
        while let Some(front) = track.queue.front() {
            let until_us = match track.fresh && !track.is_video() {
                true => track.end_of(front),
                false => track.boundary_us(front),
            };
            let late = until_us.saturating_add(START_TOLERANCE_US) < segment.start_us
                || track.overlaps(front)
                || track.lies_in_gap(front)
                || next.is_some_and(|next| !track.belongs_after(front, next))
                    && track.boundary_us(front) >= longest_us;
            // A picture that is missing spoils those that refer to it.
            track.spoilt = track.is_video() && (late || track.spoilt && !front.key);
            if !late && !track.spoilt {
                break;
            }
            track.queue.pop_front();
            self.dropped += 1;
        }
    }

    /// The leader's next step at the end of the line.
    fn lead(
        &mut self,
        at: usize,
        role: Role,
        segment: Segment,
        out: &mut Vec<Output>,
    ) -> Option<()> {
        let track = self.tracks.get(at)?;
        let front = track.queue.front()?;
        let boundary_us = track.boundary_us(front);
        if role == Role::Lead && front.key && self.is_due(track, segment) {
            self.cut(at, boundary_us, out);
            return Some(());
        }
        // What is left at the end may make the last segment a little longer, not one more.
        let slack_us = if role == Role::Drain { SLACK_US } else { 0 };
        let max_us = self.config.segment_max_us + slack_us;
        if boundary_us.saturating_sub(segment.start_us) > max_us {
            self.cut(at, boundary_us, out);
            return Some(());
        }
        let ticks = match track.queue.get(1) {
            Some(next) => next.dts - front.dts,
            None if role == Role::Drain => track.nominal(),
            None => return None,
        };
        let length_us = track.to_us(ticks);
        let own_us = track
            .open
            .as_ref()
            .map_or(0, |o| track.to_us(front.dts + ticks) - track.to_us(o.start));
        let line_us = boundary_us.saturating_add(length_us).saturating_sub(segment.start_us);
        if own_us > max_us || line_us > max_us && boundary_us > segment.start_us {
            self.cut(at, boundary_us, out);
        } else if length_us > max_us {
            let until_us = track.queue.get(1).map(|next| track.boundary_us(next))?;
            self.extend(until_us);
        } else {
            self.place(at, ticks, segment, out);
        }
        Some(())
    }

    /// Whether the key frame at the front of the leader `track` begins a segment.
    fn is_due(&self, track: &Track, segment: Segment) -> bool {
        let Some(front) = track.queue.front() else { return false };
        let boundary_us = track.boundary_us(front);
        let Some(open) = &track.open else {
            return track.is_video() && boundary_us.saturating_sub(segment.start_us) > LATE_US;
        };
        // While pictures of the open segment can still come, sound alone ends it only when it must.
        let pictured = self.tracks.iter().any(|one| one.is_video() && one.open.is_some());
        let limit_us = match pictured && !track.is_video() {
            true => self.config.segment_max_us,
            false => self.config.segment_us,
        };
        let own_us = track.to_us(front.dts) - track.to_us(open.start);
        // Its decoding time may have been moved forward to fit a part.
        let span_us = own_us.max(track.to_us(front.pts) - segment.start_us);
        !open.independent || span_us + KEY_EARLY_US >= limit_us
    }

    /// Begins a segment at `boundary_us` and takes track `at` there.
    fn cut(&mut self, at: usize, boundary_us: i64, out: &mut Vec<Output>) {
        self.extend(boundary_us);
        while let Some(segment) = self.segment_of(at)
            && let Some(next) = self.line.find(segment.msn + 1)
        {
            self.leave(at, segment, next.start_us, out);
        }
    }

    /// Begins a segment at `until_us`, and before it as many as no segment may be longer.
    fn extend(&mut self, until_us: i64) {
        let until_us = until_us.max(self.horizon_us);
        let max_us = self.config.segment_max_us.max(1);
        let newest_us = |line: &super::Line| line.newest().map_or(until_us, |one| one.start_us);
        if until_us.saturating_sub(newest_us(&self.line)) > HOLE_MAX_US {
            self.line.break_here();
        } else {
            while until_us - newest_us(&self.line) > max_us + SLACK_US {
                self.line.begin(newest_us(&self.line) + max_us);
            }
        }
        self.line.begin(until_us);
    }

    fn place(&mut self, at: usize, ticks: i64, segment: Segment, out: &mut Vec<Output>) {
        let rules = self.rules();
        if let Some(track) = self.tracks.get_mut(at)
            && let ticks = track.fit(ticks, rules)
            && let Some(frame) = track.queue.pop_front()
        {
            track.place(frame, ticks, segment, rules, out);
        }
    }

    fn leave(&mut self, at: usize, segment: Segment, until_us: i64, out: &mut Vec<Output>) {
        let (rules, longest_us) = (self.rules(), self.config.segment_max_us);
        if let Some(track) = self.tracks.get_mut(at) {
            track.leave(segment, until_us, longest_us, rules, out);
        }
    }

    fn rules(&self) -> Rules {
        let part_target_us = self.part_target_us.unwrap_or(self.config.part_us);
        Rules { part_target_us, bias_s: self.bias_s }
    }

    fn segment_of(&self, at: usize) -> Option<Segment> {
        self.line.find(self.tracks.get(at)?.cursor?)
    }

    fn forget(&mut self) {
        if let Some(msn) = self.tracks.iter().filter_map(|track| track.cursor).min() {
            self.line.forget_before(msn);
        }
    }

    /// Whether `frame` of track `at` jumps so far that it cannot belong to the same line.
    pub(super) fn jumps(&self, at: usize, frame: &crate::Frame) -> bool {
        self.tracks.get(at).is_some_and(|track| track.jump_us(frame) > HOLE_MAX_US)
    }
}

impl Track {
    /// Ticks that the frame at the front lasts, in a segment that ends at `until_us` if that is known;
    /// none when its successor must be awaited.
    fn duration(&self, until_us: Option<i64>, must: bool) -> Option<i64> {
        let front = self.queue.front()?;
        let natural = self.queue.get(1).map(|next| next.dts - front.dts);
        let fits = |ticks: &i64| match until_us {
            _ if !self.is_video() => self.to_us(*ticks) <= SLACK_US,
            Some(us) => self.reach(front, us) + self.to_ticks(SLACK_US) >= *ticks,
            None => true,
        };
        if let Some(ticks) = natural.filter(fits) {
            return Some(ticks);
        }
        if natural.is_none() && !must {
            return None;
        }
        let alone = match until_us {
            Some(us) if self.is_video() => self.reach(front, us),
            _ => self.nominal(),
        };
        Some(natural.map_or(alone, |ticks| ticks.min(alone)))
    }
}
