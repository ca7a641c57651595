//! One track: frames that wait, the open part, the open segment.

use std::collections::VecDeque;
use std::sync::Arc;

use super::line::Segment;
use super::target::BAND_PERCENT;
use super::{gap_segment, ticks, us};
use crate::fmp4::{self, Sample};
use crate::output::{Init, Output, Part, SegmentEnd, SegmentStart};
use crate::{Frame, TrackId, TrackKind};

/// Samples of one part at most, so that a hostile frame rate cannot grow one without end; at the part
/// target this is more than 5,000 frames per second.
const PART_SAMPLES_MAX: usize = 1024;

/// Longest duration assumed for a frame that no frame follows, microseconds.
const NOMINAL_MAX_US: i64 = 1_000_000;

/// Duration of a frame of which nothing is known, microseconds: 30 per second.
const NOMINAL_US: i64 = 33_333;

/// How far the first sample of a segment may lie from the boundary before the segment states its own
/// start, microseconds: the tolerance of players for programme date-times.
pub(super) const START_TOLERANCE_US: i64 = 100_000;

/// The same for sound, whose times are exact. Two of these and the rounding of a date stay below the 50 ms by which
/// the dates of two segments may miss the length of the first (RFC 8216bis §4.4.4.6 and what players tolerate).
const SOUND_TOLERANCE_US: i64 = 22_000;

/// How much earlier than the publisher said a picture may be decoded, microseconds: a few lost pictures,
/// and little enough that no segment gets longer than its rounded duration shows.
const EARLY_MAX_US: i64 = 100_000;

/// How far a key frame of a second video track may lie before the boundary it belongs to: encoders
/// of one ladder round times differently.
const KEY_TOLERANCE_US: i64 = 20_000;

#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: TrackId,
    pub(super) init: Arc<Init>,
    /// Frames not placed yet; the duration of the last one is unknown.
    pub(super) queue: VecDeque<Frame>,
    /// Others went on without it; its next frame ends that.
    pub(super) stalled: bool,
    /// The segment it is in, once it takes part in the line.
    pub(super) cursor: Option<u64>,
    pub(super) open: Option<Open>,
    /// No sample was placed since the line began.
    pub(super) fresh: bool,
    /// Pictures are dropped until the next key frame.
    pub(super) spoilt: bool,
    timescale: u32,
    part: Vec<Sample>,
    part_start: i64,
    /// Tick at which the last placed sample ended.
    end: Option<i64>,
    last_dts: Option<i64>,
    last_step: i64,
    /// How far the picture trails the line of decoding; see [`Self::shift_of`].
    shift: i64,
    next_part: u64,
    joined: bool,
    /// Where the last segment ended that was left without a sample, on the show's line, microseconds.
    gap_until_us: Option<i64>,
    /// Frames are refused until the next key frame.
    pub(super) wait_key: bool,
}

/// The open segment of a track that has samples in it.
#[derive(Debug)]
pub(super) struct Open {
    /// Decoding tick of the first sample.
    pub(super) start: i64,
    pub(super) independent: bool,
    duration_us: i64,
}

/// What placing needs to know of the stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) part_target_us: i64,
    pub(super) bias_s: i64,
}

impl Track {
    pub(super) fn new(id: TrackId, init: Arc<Init>, first_part: u64) -> Self {
        Self {
            id,
            timescale: init.config.timescale.max(1),
            init,
            queue: VecDeque::new(),
            stalled: false,
            cursor: None,
            open: None,
            fresh: true,
            spoilt: false,
            part: Vec::new(),
            part_start: 0,
            end: None,
            last_dts: None,
            last_step: 0,
            shift: 0,
            next_part: first_part,
            joined: false,
            gap_until_us: None,
            wait_key: false,
        }
    }

    /// It was one before this packager.
    pub(super) fn rendition(self) -> Self {
        Self { joined: true, ..self }
    }

    pub(super) fn reconfigure(&mut self, init: Arc<Init>) {
        self.timescale = init.config.timescale.max(1);
        self.init = init;
        self.last_step = 0;
        self.shift = 0;
    }

    /// It is a rendition: it has had a segment.
    pub(super) fn joined(&self) -> bool {
        self.joined
    }

    /// It has had a frame since the line was cut last.
    pub(super) fn used(&self) -> bool {
        self.last_dts.is_some()
    }

    pub(super) fn next_part(&self) -> u64 {
        self.next_part
    }

    /// Frames not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() + self.part.len()
    }

    pub(super) fn is_video(&self) -> bool {
        self.id.kind == TrackKind::Video
    }

    /// Whether `frame` continues the track; notes its time if so.
    pub(super) fn takes(&mut self, frame: &Frame, bias_s: i64, probing: bool) -> bool {
        let lowest = -bias_s * i64::from(self.timescale);
        let late = self.last_dts.is_some_and(|last| frame.dts <= last) || self.overlaps(frame);
        if late || (frame.dts < lowest && !probing) {
            // A picture that is missing spoils those that refer to it.
            self.wait_key = self.is_video();
            return false;
        }
        if self.wait_key && !frame.key {
            return false;
        }
        self.wait_key = false;
        if let Some(last) = self.last_dts {
            self.last_step = frame.dts - last;
        }
        self.last_dts = Some(frame.dts);
        true
    }

    /// How far `frame` lies behind the frame before it, microseconds.
    pub(super) fn jump_us(&self, frame: &Frame) -> i64 {
        self.last_dts.map_or(0, |last| us(frame.dts.saturating_sub(last), self.timescale))
    }

    /// Ticks that a frame lasts which no other follows.
    pub(super) fn nominal(&self) -> i64 {
        let fixed = self.init.config.audio.map_or(0, |audio| i64::from(audio.frame_samples));
        let step = if self.last_step > 0 { self.last_step } else { self.to_ticks(NOMINAL_US) };
        let known = if fixed > 0 { fixed } else { step };
        known.min(self.to_ticks(NOMINAL_MAX_US)).max(1)
    }

    pub(super) fn to_us(&self, ticks: i64) -> i64 {
        us(ticks, self.timescale)
    }

    pub(super) fn to_ticks(&self, us: i64) -> i64 {
        ticks(us, self.timescale)
    }

    /// When the presentation of `frame` ends, microseconds.
    pub(super) fn end_of(&self, frame: &Frame) -> i64 {
        self.to_us(frame.pts + self.nominal())
    }

    /// Where a segment that begins with `frame` begins on the show's line, microseconds.
    pub(super) fn boundary_us(&self, frame: &Frame) -> i64 {
        if !self.is_video() {
            return self.to_us(frame.pts);
        }
        let shift = if frame.key { self.shift_of(frame) } else { self.shift };
        self.to_us(frame.dts + shift)
    }

    /// How far the picture trails the line of decoding from the key frame `frame` on. Pictures that are
    /// decoded after an open key frame and shown before it belong to its segment, so the least of all key
    /// frames counts.
    fn shift_of(&self, frame: &Frame) -> i64 {
        let own = frame.pts - frame.dts;
        if self.fresh { own } else { own.min(self.shift) }
    }

    /// Where what was placed so far ends on the show's line, microseconds.
    pub(super) fn placed_until_us(&self) -> Option<i64> {
        self.end.map(|end| self.to_us(end + self.shift))
    }

    /// Whether `frame` lies in the segment that begins at `boundary` or in a later one.
    pub(super) fn belongs_after(&self, frame: &Frame, boundary: Segment) -> bool {
        let early_us = if self.is_video() && frame.key { KEY_TOLERANCE_US } else { 0 };
        self.boundary_us(frame) + early_us >= boundary.start_us
    }

    /// Whether `frame` is sound of a time that was said to have none: its segment would state a start before the
    /// end of the one before it.
    pub(super) fn lies_in_gap(&self, frame: &Frame) -> bool {
        let own_us = self.boundary_us(frame).saturating_add(SOUND_TOLERANCE_US);
        !self.is_video() && self.gap_until_us.is_some_and(|until_us| own_us < until_us)
    }

    /// Whether `frame` begins before what was placed has ended.
    pub(super) fn overlaps(&self, frame: &Frame) -> bool {
        self.end.is_some_and(|end| frame.dts < end)
    }

    /// Ticks that `frame` lasts if it is shown until `until_us`.
    pub(super) fn reach(&self, frame: &Frame, until_us: i64) -> i64 {
        let ticks = self.to_ticks(until_us) - self.shift - frame.dts;
        if ticks > 0 { ticks } else { self.nominal() }
    }

    /// Ticks that the front picture lasts so that parts stay inside their band, at most `ticks`. A picture
    /// that stays longer, because the rate varies or one was lost, lets the next one be decoded earlier;
    /// when that one is shown does not change. One that stays much longer is a part of its own.
    pub(super) fn fit(&mut self, ticks: i64, rules: Rules) -> i64 {
        let (true, Some(front)) = (self.is_video(), self.queue.front()) else { return ticks };
        let target_us = rules.part_target_us;
        let span_us = match self.part.first() {
            Some(_) if self.end == Some(front.dts) => self.span_us(front.dts),
            _ => 0,
        };
        let is_enough = span_us * 100 >= target_us * BAND_PERCENT;
        let room_us = if is_enough { target_us } else { target_us - span_us };
        let fitting = self.to_ticks(room_us).max(1);
        let end = front.dts + ticks;
        match self.queue.get_mut(1) {
            Some(next) if fitting < ticks && next.dts == end => {
                let early = ticks - fitting;
                if us(early, self.timescale) > EARLY_MAX_US {
                    return ticks;
                }
                next.dts -= early;
                fitting
            }
            _ => ticks,
        }
    }

    /// Puts `frame` into `segment`; it lasts `duration` ticks.
    pub(super) fn place(
        &mut self,
        frame: Frame,
        duration: i64,
        segment: Segment,
        rules: Rules,
        out: &mut Vec<Output>,
    ) {
        if frame.key {
            self.shift = if self.is_video() { self.shift_of(&frame) } else { 0 };
        }
        if self.open.is_none() {
            self.begin(&frame, segment, out);
        }
        let duration = duration.clamp(1, i64::from(u32::MAX));
        let end = frame.dts + duration;
        if self.end != Some(frame.dts) || self.span_us(end) > rules.part_target_us {
            self.end_part(segment, rules, out);
        }
        if self.part.is_empty() {
            self.part_start = frame.dts;
        }
        self.part.push(Sample {
            duration: u32::try_from(duration).unwrap_or(u32::MAX),
            offset: offset(&frame),
            key: frame.key,
            payload: frame.payload,
        });
        self.end = Some(end);
        self.fresh = false;
        if self.is_full(duration, rules.part_target_us) {
            self.end_part(segment, rules, out);
        }
    }

    /// The next frame, if it lasts as long as this one, would cross the target: waiting for it would only
    /// make the part late.
    fn is_full(&self, duration: i64, target_us: i64) -> bool {
        let span_us = self.end.map_or(0, |end| self.span_us(end));
        let enough = span_us * 100 >= target_us * BAND_PERCENT;
        enough && span_us + self.to_us(duration) > target_us || self.part.len() >= PART_SAMPLES_MAX
    }

    fn span_us(&self, end: i64) -> i64 {
        self.to_us(end) - self.to_us(self.part_start)
    }

    fn begin(&mut self, frame: &Frame, segment: Segment, out: &mut Vec<Output>) {
        // No boundary to come lies before the decoding time.
        let own_us = if frame.key { self.boundary_us(frame) } else { self.to_us(frame.dts) };
        let off_us = own_us.saturating_sub(segment.start_us);
        // A show that begins with a picture may have sound from before it.
        let apart = match self.is_video() {
            true => off_us > START_TOLERANCE_US,
            false => off_us.saturating_abs() > SOUND_TOLERANCE_US,
        };
        let start_us = if apart { own_us } else { segment.start_us };
        let Segment { msn, discontinuity, .. } = segment;
        let init = Some(Arc::clone(&self.init));
        out.push(Output::Start(self.id, SegmentStart { msn, start_us, discontinuity, init }));
        self.open = Some(Open { start: frame.dts, independent: frame.key, duration_us: 0 });
        self.joined = true;
    }

    fn end_part(&mut self, segment: Segment, rules: Rules, out: &mut Vec<Output>) {
        let (Some(first), Some(end)) = (self.part.first(), self.end) else { return };
        let duration_us = self.span_us(end);
        let tfdt = self.part_start + rules.bias_s * i64::from(self.timescale);
        let part = Part {
            number: self.next_part,
            msn: segment.msn,
            duration_us,
            independent: first.key,
            // The sequence number only has to rise inside a file.
            data: fmp4::fragment(
                u32::try_from(self.next_part & u64::from(u32::MAX)).unwrap_or(0),
                u64::try_from(tfdt).unwrap_or(0),
                &self.part,
            ),
        };
        self.next_part += 1;
        self.part.clear();
        if let Some(open) = &mut self.open {
            open.duration_us += duration_us;
        }
        out.push(Output::Part(self.id, part));
    }

    /// Leaves `segment`, which ends at `until_us` on the show's line.
    pub(super) fn leave(
        &mut self,
        segment: Segment,
        until_us: i64,
        longest_us: i64,
        rules: Rules,
        out: &mut Vec<Output>,
    ) {
        self.end_part(segment, rules, out);
        let Segment { msn, start_us, discontinuity } = segment;
        if let Some(open) = self.open.take() {
            let end = SegmentEnd { msn, duration_us: open.duration_us, gap: false };
            out.push(Output::End(self.id, end));
        } else if self.joined {
            let from_us = self.quiet_from_us(start_us);
            let duration_us = until_us.saturating_sub(from_us).clamp(1, longest_us.max(1));
            gap_segment(self.id, msn, from_us, duration_us, discontinuity, out);
            self.gap_until_us = Some(until_us);
        }
        self.cursor = Some(msn + 1);
    }

    /// Where a gap begins whose segment begins at `start_us` for the others: right behind sound that ended a little
    /// before that. Nothing follows it that would make up for what its segment lacks.
    fn quiet_from_us(&self, start_us: i64) -> i64 {
        let placed_us = self.placed_until_us().filter(|_| self.gap_until_us.is_none());
        let lacks = |placed_us: &i64| (0..START_TOLERANCE_US).contains(&(start_us - placed_us));
        placed_us.filter(lacks).unwrap_or(start_us)
    }

    /// Forgets the line; numbering and configuration stay.
    pub(super) fn reset(&mut self) {
        self.queue.clear();
        self.stalled = false;
        self.cursor = None;
        self.gap_until_us = None;
        self.fresh = true;
        self.spoilt = false;
        self.end = None;
        self.last_dts = None;
        self.wait_key = false;
    }
}

/// Presentation minus decoding time as `trun` holds it.
fn offset(frame: &Frame) -> i32 {
    let offset = frame.pts - frame.dts;
    i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX })
}
