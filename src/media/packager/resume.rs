//! Going on behind gaps that were declared while the publisher stayed connected.
//!
//! Its times know nothing of the gaps. An encoder that froze goes on where it stopped, in the middle of them; so
//! everything it sends from then on is moved by one distance, which keeps its tracks together. Frames that lie
//! behind the gaps by themselves, because the encoder's clock ran on, are not moved. Media that waited on its
//! way belongs into the gaps and does not get here ([`super::catchup`]).

use super::{Packager, Track, in_range, ticks};
use crate::output::Output;
use crate::{Frame, TrackKind};

impl Packager {
    /// Media comes again after gaps were declared: its first frame belongs at `at_us` on the show's line
    /// (microseconds), and not before the end of the gaps. What follows is a discontinuity. If it is a `key`
    /// frame, every picture track begins with one of its own.
    pub fn resume(&mut self, at_us: i64, key: bool, out: &mut Vec<Output>) {
        self.close(out);
        self.resume_us = Some(at_us.max(self.end_us));
        let pictured = self.tracks.iter_mut().filter(|one| one.is_video());
        pictured.for_each(|one| one.wait_key = key);
    }

    /// Where `frame` ends on the publisher's own line, microseconds; none for an unknown track.
    pub(super) fn own_end_us(&self, frame: &Frame) -> Option<i64> {
        in_range(frame).then(|| self.track(frame).map(|track| track.end_of(frame)))?
    }

    /// Where `frame` lies on the show's line if it is moved like those before it, microseconds.
    pub(super) fn place_us(&self, frame: &Frame) -> i64 {
        let own_us = self.track(frame).map_or(0, |track| track.to_us(frame.pts));
        own_us.saturating_add(self.offset_us)
    }

    /// How far the publisher's line is moved, microseconds.
    pub(super) const fn moved_us(&self) -> i64 {
        self.offset_us
    }

    /// Whether a show can go on with `frame`: a picture that needs no other, or sound without pictures.
    pub(super) fn can_start(&self, frame: &Frame) -> bool {
        let pictured = self.tracks.iter().any(Track::is_video);
        !pictured || frame.key && frame.track.kind == TrackKind::Video
    }

    /// Another publisher follows, whose times are places on the show's line.
    pub const fn attach(&mut self) {
        self.offset_us = 0;
        self.resume_us = None;
    }

    fn track(&self, frame: &Frame) -> Option<&Track> {
        let at = self.tracks.binary_search_by_key(&frame.track, |one| one.id).ok()?;
        self.tracks.get(at)
    }

    /// `frame` of track `at` where it belongs on the show's line.
    pub(super) fn moved(&mut self, at: usize, frame: Frame) -> Frame {
        let Some(track) = self.tracks.get(at) else { return frame };
        if let Some(at_us) = self.resume_us.take() {
            let own_us = track.boundary_us(&frame).saturating_add(self.offset_us);
            if own_us < self.end_us {
                self.offset_us = self.offset_us.saturating_add(at_us.saturating_sub(own_us));
            }
        }
        let by = ticks(self.offset_us, track.init.config.timescale);
        Frame { pts: frame.pts.saturating_add(by), dts: frame.dts.saturating_add(by), ..frame }
    }
}
