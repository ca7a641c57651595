//! Cuts frames into parts and segments by media time alone.
//!
//! One track *leads*: the first video track, or the first audio track where there is no video (or
//! where video has fallen silent). The leader decides where segments begin ([`line`]); every other track
//! waits until the leader has passed a moment and then cuts at the leader's boundaries ([`drive`]).
//! Parts are cut by each track for itself ([`track`]) below one part target for the whole show
//! ([`target`]), because HLS wants every part to be between 85 % and 100 % of what is announced.
//!
//! Nothing here knows the wall clock: two nodes given the same items and numbering write the same bytes.

mod catchup;
mod drive;
mod line;
pub mod live;
mod pace;
mod resume;
mod target;
#[cfg(test)]
mod tests;
mod track;

use std::sync::Arc;

use self::line::Line;
use self::target::Probe;
use self::track::Track;
use crate::fmp4;
use crate::output::{Init, Output, SegmentEnd, SegmentStart};
use crate::{CodecConfig, Frame, Item, TrackId};

/// Tracks of one stream; further ones are ignored. Enhanced RTMP could name 256, no publisher sends
/// more than a ladder of five and a few languages.
pub const TRACKS_MAX: usize = 16;

/// Ticks beyond which a frame is refused: far more than any show, far less than what overflows.
const TICKS_MAX: i64 = 1 << 52;

/// Lengths the packager aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackagerConfig {
    /// A segment ends at the first key frame after this, microseconds.
    pub segment_us: i64,
    /// No segment is longer than this, key frame or not, microseconds. The target duration of the playlists.
    pub segment_max_us: i64,
    /// Part target, microseconds. What is announced may differ, see [`Packager::part_target_us`].
    pub part_us: i64,
}

/// Frames in, parts and segments out.
#[derive(Debug)]
pub struct Packager {
    config: PackagerConfig,
    first_part: u64,
    /// Frames held until the part target is chosen; none afterwards.
    probe: Option<Probe>,
    part_target_us: Option<i64>,
    /// Whole seconds added to every decoding time on its way into `tfdt`, which cannot be negative.
    bias_s: i64,
    /// Sorted by id: video before audio, main track first.
    tracks: Vec<Track>,
    line: Line,
    /// Every boundary to come lies at or after this, microseconds.
    horizon_us: i64,
    end_us: i64,
    /// Added to the times of every frame, microseconds; see [`Self::resume`].
    offset_us: i64,
    /// Where the next frame goes, once, microseconds.
    resume_us: Option<i64>,
    dropped: u64,
}

impl Packager {
    /// A packager whose first segment is `first_msn` and whose first part is `first_part` in every rendition.
    #[must_use]
    pub fn new(config: PackagerConfig, first_msn: u64, first_part: u64) -> Self {
        Self {
            config,
            first_part,
            probe: Some(Probe::default()),
            part_target_us: None,
            bias_s: 0,
            tracks: Vec::new(),
            line: Line::new(first_msn),
            horizon_us: i64::MIN,
            end_us: 0,
            offset_us: 0,
            resume_us: None,
            dropped: 0,
        }
    }

    /// Goes on with a show whose playlists announce this part target, microseconds: nothing is held to choose one.
    #[must_use]
    pub fn with_part_target(mut self, part_target_us: i64) -> Self {
        (self.probe, self.part_target_us) = (None, Some(part_target_us));
        self
    }

    /// Goes on with a show that ends at `end_us` on its line so far: each of its renditions has every number from here
    /// on, with media or without.
    #[must_use]
    pub fn with_renditions(mut self, inits: Vec<Arc<Init>>, end_us: i64) -> Self {
        let first_part = self.first_part;
        let rendition = |init: Arc<Init>| Track::new(init.track, init, first_part).rendition();
        self.tracks = inits.into_iter().take(TRACKS_MAX).map(rendition).collect();
        self.tracks.sort_by_key(|track| track.id);
        self.end_us = end_us;
        self
    }

    /// Takes one item; appends what became complete to `out`.
    pub fn push(&mut self, item: Item, out: &mut Vec<Output>) {
        match item {
            Item::Config(id, config) => self.configure(id, config, out),
            Item::Discontinuity => self.close(out),
            Item::Frame(frame) => self.accept(frame, out),
        }
    }

    /// The publisher is gone: closes what is open. What follows is a discontinuity.
    pub fn close(&mut self, out: &mut Vec<Output>) {
        self.end_probe(out);
        self.drain(out);
        self.line.break_here();
    }

    /// Declares `duration_us` without media in every rendition.
    ///
    /// Closes what is open. Spans longer than a segment may be become several segments of equal length.
    pub fn gap(&mut self, duration_us: i64, out: &mut Vec<Output>) {
        self.close(out);
        let duration_us = duration_us.max(0);
        let begin_us = self.end_us;
        self.end_us = self.end_us.saturating_add(duration_us);
        if duration_us == 0 || !self.tracks.iter().any(Track::joined) {
            return;
        }
        let max_us = self.config.segment_max_us.max(1);
        let count = duration_us / max_us + i64::from(duration_us % max_us != 0);
        let mut from_us = begin_us;
        for n in 1..=count {
            // Telescopes: the ends are rounded, not the lengths.
            let until_us = begin_us + mul_div(duration_us, n, count);
            let msn = self.line.skip();
            for track in self.tracks.iter().filter(|one| one.joined()) {
                gap_segment(track.id, msn, from_us, until_us - from_us, false, out);
            }
            from_us = until_us;
        }
    }

    /// Where the show's line ends so far, microseconds: the latest presentation end of any frame
    /// that was taken, or the end of the gap declared last.
    #[must_use]
    pub fn end_us(&self) -> i64 {
        self.end_us
    }

    /// Number of the segment that begins next.
    #[must_use]
    pub fn next_msn(&self) -> u64 {
        self.line.next_msn()
    }

    /// Number of a part that no rendition has used yet: `first_part` of the show that follows.
    ///
    /// Parts are numbered without holes in each rendition, so that the one after the last can be
    /// hinted; renditions with shorter parts are ahead of others.
    #[must_use]
    pub fn next_part(&self) -> u64 {
        self.tracks.iter().map(Track::next_part).fold(self.first_part, u64::max)
    }

    /// The part target to announce (`EXT-X-PART-INF`), microseconds, whole milliseconds.
    ///
    /// It is chosen from the first frames, so that whole numbers of frames of every track fit
    /// between 85 % and 100 % of it (RFC 8216bis §4.4.4.9). Known before the first [`Output`] and the
    /// same from then on, whatever a publisher that reconnects sends.
    #[must_use]
    pub fn part_target_us(&self) -> Option<i64> {
        self.part_target_us
    }

    /// Frames that could not be placed: of a track without configuration, or not after the frame
    /// before them, or alone before the first picture.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Frames that wait for their place or their part: what the packager holds of the media.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.probe.as_ref().map_or(0, Probe::len)
            + self.tracks.iter().map(Track::waiting).sum::<usize>()
    }

    fn configure(&mut self, id: TrackId, config: Arc<CodecConfig>, out: &mut Vec<Output>) {
        match self.tracks.binary_search_by_key(&id, |one| one.id) {
            Ok(at) => {
                if self.tracks.get(at).is_some_and(|one| one.init.config == config) {
                    return;
                }
                if self.tracks.get(at).is_some_and(Track::used) {
                    self.close(out);
                }
                let init = Arc::new(fmp4::init(id, &config));
                if let Some(track) = self.tracks.get_mut(at) {
                    track.reconfigure(init);
                }
            }
            Err(at) if self.tracks.len() < TRACKS_MAX => {
                let init = Arc::new(fmp4::init(id, &config));
                self.tracks.insert(at, Track::new(id, init, self.first_part));
            }
            Err(_) => {}
        }
    }

    fn accept(&mut self, frame: Frame, out: &mut Vec<Output>) {
        let Ok(at) = self.tracks.binary_search_by_key(&frame.track, |one| one.id) else {
            self.dropped += 1;
            return;
        };
        let frame = self.moved(at, frame);
        if self.jumps(at, &frame) {
            self.close(out);
        }
        let Some(track) = self.tracks.get_mut(at) else { return };
        if !in_range(&frame) || !track.takes(&frame, self.bias_s, self.probe.is_some()) {
            self.dropped += 1;
            return;
        }
        self.end_us = self.end_us.max(track.end_of(&frame));
        if let Some(probe) = &mut self.probe {
            if probe.push(frame, &self.tracks) {
                self.end_probe(out);
            }
            return;
        }
        track.queue.push_back(frame);
        track.stalled = false;
        self.drive(out);
    }

    /// Chooses the part target and lets the held frames go their way.
    fn end_probe(&mut self, out: &mut Vec<Output>) {
        if self.probe.as_ref().is_none_or(Probe::is_empty) {
            return;
        }
        let Some(probe) = self.probe.take() else { return };
        self.part_target_us = Some(probe.part_target_us(self.config.part_us, &self.tracks));
        self.bias_s = probe.bias_s(&self.tracks);
        for frame in probe.into_frames() {
            if let Ok(at) = self.tracks.binary_search_by_key(&frame.track, |one| one.id)
                && let Some(track) = self.tracks.get_mut(at)
            {
                track.queue.push_back(frame);
                self.drive(out);
            }
        }
    }
}

/// A segment without media, from start to end.
fn gap_segment(
    track: TrackId,
    msn: u64,
    start_us: i64,
    duration_us: i64,
    discontinuity: bool,
    out: &mut Vec<Output>,
) {
    let start = SegmentStart { msn, start_us, discontinuity, init: None };
    out.push(Output::Start(track, start));
    out.push(Output::End(track, SegmentEnd { msn, duration_us, gap: true }));
}

fn in_range(frame: &Frame) -> bool {
    let range = -TICKS_MAX..TICKS_MAX;
    range.contains(&frame.pts) && range.contains(&frame.dts)
}

/// `value * times / over` without overflow for what occurs here (`times <= over`).
fn mul_div(value: i64, times: i64, over: i64) -> i64 {
    let wide = i128::from(value) * i128::from(times) / i128::from(over.max(1));
    i64::try_from(wide).unwrap_or(i64::MAX)
}

/// Ticks as microseconds, rounded down.
fn us(ticks: i64, timescale: u32) -> i64 {
    let scale = i64::from(timescale.max(1));
    let seconds = ticks.div_euclid(scale).saturating_mul(1_000_000);
    seconds.saturating_add(ticks.rem_euclid(scale) * 1_000_000 / scale)
}

/// Microseconds as ticks, rounded down.
fn ticks(us: i64, timescale: u32) -> i64 {
    let scale = i64::from(timescale.max(1));
    let seconds = us.div_euclid(1_000_000).saturating_mul(scale);
    seconds.saturating_add(us.rem_euclid(1_000_000) * scale / 1_000_000)
}
