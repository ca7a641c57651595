//! Video on the line: decoding times that rise, presentation times that are never before them.

use super::track::{Clock, Track};
use super::{Raw, TimelineStats, ticks};
use crate::codec::VIDEO_TIMESCALE;

/// Least distance of two decoding times, ticks: the millisecond that the wire counts in. Frames with
/// equal times are spread by it; nothing shorter is safe in every player.
const STEP_MIN: i64 = 90;

/// Composition offsets beyond this are errors, not reordering: 16 reference frames at 4 per second.
const OFFSET_MAX: i64 = 4 * 90_000;

/// Distance that is assumed until two frames are known, ticks: 30 per second.
const STEP_DEFAULT: i64 = 3000;

/// Longest distance that counts as usual, ticks.
const STEP_MAX: i64 = 90_000;

/// Furthest that decoding times are put earlier, ticks: two reordered frames at 4 per second.
const LEAD_MAX: i64 = 45_000;

#[derive(Debug)]
pub(super) struct VideoClock {
    /// A key frame was seen.
    pub(super) started: bool,
    pub(super) last_dts: Option<i64>,
    /// Last usual distance of two frames, ticks.
    pub(super) step: i64,
    /// Decoding times are put earlier by this, because presentation was seen that far before decoding.
    pub(super) lead: i64,
}

impl Default for VideoClock {
    fn default() -> Self {
        Self { started: false, last_dts: None, step: STEP_DEFAULT, lead: 0 }
    }
}

/// Decoding and presentation time of `raw` at `line_us`, ticks; none when it is before the first key frame.
///
/// Presentation keeps what the wire says, for the sake of sound; decoding gives way. A publisher whose
/// presentation is before decoding (NVENC did that) gets all later decoding times put earlier by as much.
pub(super) fn place(
    track: &mut Track,
    raw: &Raw,
    line_us: i64,
    stats: &mut TimelineStats,
) -> Option<(i64, i64)> {
    let Clock::Video(clock) = &mut track.clock else { return None };
    if !clock.started && !raw.key {
        stats.video_before_key += 1;
        return None;
    }
    clock.started = true;
    let mut offset = i64::from(raw.cts_ms) * i64::from(VIDEO_TIMESCALE / 1000);
    if offset.abs() > OFFSET_MAX {
        stats.pts_moved += 1;
        offset = 0;
    }
    let target = ticks(line_us, VIDEO_TIMESCALE);
    clock.lead = clock.lead.max((-offset).min(LEAD_MAX));
    let mut dts = target - clock.lead;
    if let Some(last) = clock.last_dts {
        if dts < last + STEP_MIN {
            stats.dts_moved += 1;
            dts = last + STEP_MIN;
        } else if dts - last <= STEP_MAX {
            clock.step = dts - last;
        }
    } else {
        dts = target;
    }
    let mut pts = target + offset;
    if pts < dts {
        stats.pts_moved += 1;
        pts = dts;
    }
    clock.last_dts = Some(dts);
    Some((dts, pts))
}
