//! Puts the pieces of a window together in the order in which a window takes them. Pure: time is an argument.
//!
//! Segments come on streams of their own, in any order, twice, broken off, or not at all. Each track is a [`Line`]
//! that goes on by segment number only: a segment is given to the window while it comes, the next one when it is
//! whole. What is missing is asked for again; what cannot be had in time becomes a declared gap, so that the
//! playlist goes on. A cold start collects the listed segments for a moment first, because a playlist cannot grow
//! at its old end.

mod line;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use weir_media::replica::{Left, Outline, SegmentHead, ShowStatus, Step, TrackOutline};
use weir_media::{Init, Part, SegmentEnd, TrackId};
use weir_model::ShowId;

use self::line::Line;
use super::super::replicate::wire::Place;

/// How long a cold start waits for the segments of before, milliseconds: with a round trip for the answer and some
/// for the tick this is less than the 300 ms that the first part may take.
const HISTORY_MS: u64 = 200;
/// For so long it waits for one whole segment of each track, milliseconds: without any there is no playlist.
const ONE_WHOLE_MS: u64 = 1_000;
/// A cold start of which nothing that was announced came takes what it has, milliseconds.
const DESPERATE_MS: u64 = 2_000;
/// Renditions of a stream; more are refused.
const TRACKS_MAX: usize = weir_media::ladder::RENDITIONS_MAX;

/// Segments that a window may be ahead of the next owner of its show.
const AHEAD_MAX: u64 = 1;

/// What happened to segments, for the operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Parts given to the window.
    pub parts: u64,
    /// Media bytes given to the window.
    pub bytes: u64,
    /// Segments declared gaps, because they could not be had in time.
    pub gaps: u64,
    /// Requests for a segment again.
    pub refetches: u64,
    /// Pieces that came twice, or belonged to something past.
    pub unwanted: u64,
    /// Segments dropped, because too many or too large ones waited for one before them.
    pub dropped: u64,
    /// Streams that broke off, were reset, or were damaged.
    pub broken: u64,
    /// Times the window was begun anew, because too much was missing.
    pub started_over: u64,
    /// Subscriptions refused, because their epoch was lower than one seen before.
    pub stale_epochs: u64,
    /// Nodes that the owner named and that were left for others: dead, late, or wanted no more.
    pub left: u64,
}

impl Tally {
    /// What is counted as trouble, each with a word for it.
    #[must_use]
    pub const fn troubles(&self) -> [(&'static str, u64); 8] {
        [
            ("gap", self.gaps),
            ("refetch", self.refetches),
            ("unwanted", self.unwanted),
            ("dropped", self.dropped),
            ("broken", self.broken),
            ("started_over", self.started_over),
            ("stale_epoch", self.stale_epochs),
            ("source_left", self.left),
        ]
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.parts += other.parts;
        self.bytes += other.bytes;
        self.gaps += other.gaps;
        self.refetches += other.refetches;
        self.unwanted += other.unwanted;
        self.dropped += other.dropped;
        self.broken += other.broken;
        self.started_over += other.started_over;
        self.stale_epochs += other.stale_epochs;
        self.left += other.left;
    }
}

/// A segment to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) track: TrackId,
    pub(super) msn: u64,
    pub(super) from_part: u64,
}

/// A segment's stream is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwanted;

#[derive(Debug)]
enum Phase {
    /// Nothing is followed yet.
    Idle,
    /// A cold start, since then.
    Collecting { since: u64, outline: Outline },
    /// The window grows.
    Running,
}

/// One channel's window as it comes.
#[derive(Debug)]
pub(super) struct Assembly {
    epoch: Option<u64>,
    show: Option<u64>,
    /// The show that the source said last was on.
    said: Option<u64>,
    id: Option<ShowId>,
    phase: Phase,
    lines: BTreeMap<TrackId, Line>,
    /// The show is over at the source, known since then.
    ending: Option<(u64, BTreeMap<TrackId, u64>)>,
    finished: bool,
    /// The window holds something of a show.
    told: bool,
    target_ms: u64,
    out: Out,
}

/// What the lines say.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) steps: Vec<Step>,
    pub(super) wants: Vec<Want>,
    pub(super) tally: Tally,
    /// Too much is missing: the window begins anew.
    pub(super) start_over: bool,
}

impl Assembly {
    pub(super) fn new() -> Self {
        Self {
            epoch: None,
            show: None,
            said: None,
            id: None,
            phase: Phase::Idle,
            lines: BTreeMap::new(),
            ending: None,
            finished: false,
            // What the window holds from before is not known.
            told: true,
            target_ms: 4_000,
            out: Out::default(),
        }
    }

    /// The window holds what somebody else fed it under `epoch`: what players were told of the show stays, and the
    /// copy goes on behind it.
    pub(super) fn inherit(&mut self, left: &Left, epoch: u64) {
        self.epoch = Some(epoch);
        (self.show, self.said, self.id) = (Some(left.show), Some(left.show), left.id);
        self.phase = Phase::Running;
        let tracks = left.tracks.iter().take(TRACKS_MAX);
        self.lines = tracks.map(|(track, newest)| (*track, Line::behind(newest))).collect();
    }

    /// The window holds segments that the next owner of the show does not know and will number only after a long
    /// while: it would stand still until then.
    pub(super) fn is_ahead_of(&self, outline: &Outline, epoch: u64) -> bool {
        let taken_over = self.epoch.is_some_and(|seen| seen < epoch);
        let ahead = |track: &TrackOutline| {
            let newest = track.segments.last().map(|newest| newest.mark.msn);
            let line = self.lines.get(&track.track);
            newest.zip(line).is_some_and(|(newest, line)| line.done_to(newest + 1 + AHEAD_MAX))
        };
        taken_over && self.show == outline.show && outline.tracks.iter().any(ahead)
    }

    /// Begins anew, with an empty window.
    pub(super) fn begin_anew(&mut self) {
        let mut anew = Self::new();
        anew.out.tally = self.out.tally;
        anew.out.tally.started_over += 1;
        *self = anew;
    }

    pub(super) const fn tally(&self) -> Tally {
        self.out.tally
    }

    /// The highest epoch seen.
    pub(super) const fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// How far each track has come, for a subscription that goes on.
    pub(super) fn places(&self) -> BTreeMap<TrackId, Place> {
        self.lines.iter().filter_map(|(track, line)| Some((*track, line.place()?))).collect()
    }

    /// Steps for the window, in order.
    pub(super) fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.out.steps)
    }

    /// What to ask the source for.
    pub(super) fn take_wants(&mut self) -> Vec<Want> {
        std::mem::take(&mut self.out.wants)
    }

    /// A subscription was answered.
    pub(super) fn outline(
        &mut self,
        outline: Outline,
        epoch: u64,
        now: u64,
    ) -> Result<(), Unwanted> {
        if self.epoch.is_some_and(|seen| epoch < seen) {
            self.out.tally.stale_epochs += 1;
            return Err(Unwanted);
        }
        self.target_ms = u64::from(outline.timing.target_secs) * 1000;
        let taken_over = self.epoch.is_some_and(|seen| seen < epoch);
        self.epoch = Some(epoch);
        self.said = outline.show;
        for line in self.lines.values_mut() {
            line.streams_gone();
        }
        if self.show == outline.show && !taken_over && !matches!(self.phase, Phase::Idle) {
            return Ok(());
        }
        let goes_on = outline.show.is_some() && outline.show == self.show;
        if taken_over && self.told && !self.finished && goes_on {
            self.id = outline.id;
            self.ending = None;
            self.phase = Phase::Running;
            self.lines.values_mut().for_each(Line::joint);
            return Ok(());
        }
        self.forget();
        (self.show, self.id) = (outline.show, outline.id);
        for track in outline.tracks.iter().take(TRACKS_MAX) {
            let line = self.lines.entry(track.track).or_default();
            let newest = track.segments.iter().rfind(|segment| segment.whole);
            line.expect(track.floor_msn, newest.map(|it| it.mark.msn), track.settled);
        }
        self.show_step(outline.timing.part_target_us);
        self.phase = Phase::Collecting { since: now, outline };
        self.advance(now);
        Ok(())
    }

    /// A stream of a segment begins.
    pub(super) fn begin(
        &mut self,
        head: &SegmentHead,
        show: u64,
        part_target_us: i64,
        from_part: u64,
        now: u64,
    ) -> Result<(), Unwanted> {
        if self.show.is_none_or(|known| known < show) {
            self.forget();
            (self.show, self.id) = (Some(show), None);
            self.show_step(part_target_us);
            self.phase = Phase::Running;
        }
        let room = self.lines.contains_key(&head.track) || self.lines.len() < TRACKS_MAX;
        if self.show != Some(show) || !room || self.finished {
            self.out.tally.unwanted += 1;
            return Err(Unwanted);
        }
        let line = self.lines.entry(head.track).or_default();
        let begun = line.begin(head, from_part, now, &mut self.out.tally);
        self.out.tally.unwanted += u64::from(begun.is_err());
        self.advance(now);
        begun
    }

    /// A cold start is under way: it ends with time, too.
    pub(super) const fn collecting(&self) -> bool {
        matches!(self.phase, Phase::Collecting { .. })
    }

    /// The window has left a segment behind: neither it nor any before it is wanted any more.
    pub(super) fn past(&self, track: TrackId, msn: u64) -> bool {
        self.lines.get(&track).is_some_and(|line| line.done_to(msn))
    }

    /// A section, which came with the first segment that needs it.
    pub(super) fn init(&mut self, track: TrackId, init: Arc<Init>) {
        if let Some(line) = self.lines.get_mut(&track) {
            line.init(init);
        }
    }

    /// A part; the capture time of its end when it is news. An error means that one before it is missing.
    pub(super) fn part(
        &mut self,
        track: TrackId,
        part: Part,
        now: u64,
    ) -> Result<Option<i64>, Unwanted> {
        let Some(line) = self.lines.get_mut(&track) else { return Err(Unwanted) };
        let taken = line.part(part, &mut self.out.tally);
        if taken == Ok(None) {
            self.out.tally.unwanted += 1;
        }
        self.advance(now);
        taken
    }

    /// The end of a segment.
    pub(super) fn end(&mut self, track: TrackId, end: SegmentEnd, now: u64) {
        if let Some(line) = self.lines.get_mut(&track) {
            line.end(end);
        }
        self.advance(now);
    }

    /// A segment's stream is over, for whatever reason.
    pub(super) fn over(&mut self, track: TrackId, msn: u64, now: u64) {
        if let Some(line) = self.lines.get_mut(&track) {
            self.out.tally.broken += u64::from(line.over(msn));
        }
        self.advance(now);
    }

    /// The source has a segment no more.
    pub(super) fn gone(&mut self, track: TrackId, msn: u64, now: u64) {
        if let Some(line) = self.lines.get_mut(&track) {
            line.gone(msn);
        }
        self.advance(now);
    }

    /// Where the show stands at the source.
    pub(super) fn status(&mut self, status: &ShowStatus, now: u64) {
        let said = std::mem::replace(&mut self.said, status.show);
        // The next show's segments may have overtaken the news that the one before it is over.
        if status.show.is_none() && self.show.is_some() && self.show == said {
            self.forget();
            self.show = None;
            self.phase = Phase::Running;
        }
        if status.show == self.show && status.id.is_some() && status.id != self.id {
            self.id = status.id;
            self.show_step(status.part_target_us);
        }
        let same = status.show.is_some() && status.show == self.show;
        if same && status.ended && self.ending.is_none() {
            self.ending = Some((now, status.last.clone()));
        }
        self.advance(now);
    }

    /// Time passed.
    pub(super) fn tick(&mut self, now: u64) {
        self.advance(now);
        for (track, line) in &mut self.lines {
            line.ask(*track, now, &mut self.out);
        }
    }

    fn show_step(&mut self, part_target_us: i64) {
        if let Some(show) = self.show {
            let id = self.id;
            self.out.steps.push(Step::Show { show, id, part_target_us });
        }
    }

    /// A new show begins.
    fn forget(&mut self) {
        if self.told {
            self.out.steps.push(Step::Forget);
        }
        self.told = false;
        self.finished = false;
        self.ending = None;
        self.lines.values_mut().for_each(Line::forget);
    }

    fn advance(&mut self, now: u64) {
        if let Phase::Collecting { since, outline } = &self.phase {
            let Some(from) = self.ready(outline, now.saturating_sub(*since)) else { return };
            for line in self.lines.values_mut() {
                line.start_at(from);
            }
            self.phase = Phase::Running;
        }
        if !matches!(self.phase, Phase::Running) {
            return;
        }
        let late = self
            .ending
            .as_ref()
            .is_some_and(|(since, _)| now.saturating_sub(*since) > 2 * self.target_ms);
        for (track, line) in &mut self.lines {
            line.advance(*track, now, self.target_ms, late, &mut self.out);
        }
        self.told |= !self.out.steps.is_empty();
        if std::mem::take(&mut self.out.start_over) {
            self.start_over(now);
        }
        self.finish(late);
    }

    /// Begins the window anew where the lines are.
    fn start_over(&mut self, now: u64) {
        self.out.tally.started_over += 1;
        self.out.steps.push(Step::Forget);
        if let Some(show) = self.show {
            // The part target of a window does not change while it has anything; it stays what it was.
            let id = self.id;
            self.out.steps.push(Step::Show { show, id, part_target_us: 0 });
        }
        self.lines.values_mut().for_each(Line::start_over);
        for (track, line) in &mut self.lines {
            line.advance(*track, now, self.target_ms, false, &mut self.out);
        }
    }

    fn finish(&mut self, late: bool) {
        let Some((_, last)) = &self.ending else { return };
        let whole = |(track, msn): (&TrackId, &u64)| {
            self.lines.get(track).is_some_and(|line| line.done_to(*msn))
        };
        if !self.finished && (late || last.iter().all(whole)) {
            self.finished = true;
            self.out.steps.push(Step::Finish);
        }
    }

    /// The number that a cold start begins with, once it can.
    fn ready(&self, outline: &Outline, waited: u64) -> Option<u64> {
        let announced = outline.tracks.iter().filter(|track| !track.segments.is_empty());
        let all = announced.clone().all(|track| {
            let line = self.lines.get(&track.track);
            line.is_some_and(|line| track.segments.iter().all(|head| line.has(head)))
        });
        if !all && waited < HISTORY_MS {
            return None;
        }
        let from = |track: &TrackOutline| {
            let line = self.lines.get(&track.track)?;
            let there = track.segments.iter().rev().take_while(|head| line.has(head));
            there.last().map(|head| head.mark.msn)
        };
        let starts: Option<Vec<u64>> = announced.clone().map(from).collect();
        let any = || self.lines.values().filter_map(Line::oldest_begun).max();
        match starts {
            Some(starts) => {
                let from = starts.into_iter().max().unwrap_or(0);
                let useful = announced.clone().all(|track| {
                    let line = self.lines.get(&track.track);
                    let none = track.segments.iter().all(|head| !head.whole);
                    none || line.is_some_and(|line| line.has_whole_from(from))
                });
                (useful || waited >= ONE_WHOLE_MS).then_some(from)
            }
            None if waited >= DESPERATE_MS => any(),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests;
