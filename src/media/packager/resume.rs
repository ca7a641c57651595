//! Going on behind gaps that were declared while the publisher stayed connected.
//!
//! Its times know nothing of the gaps: an encoder that froze, or whose frames waited on their way, goes
//! on where it stopped, in the middle of them. So everything it sends from then on is moved by one
//! distance, which keeps its tracks together. Frames that lie behind the gaps by themselves, because the
//! encoder's clock ran on, are not moved.

use super::{Packager, ticks};
use crate::Frame;
use crate::output::Output;

impl Packager {
    /// Media comes again after gaps were declared: its first frame belongs at `at_us` on the show's line
    /// (microseconds), and not before the end of the gaps. What follows is a discontinuity.
    pub fn resume(&mut self, at_us: i64, out: &mut Vec<Output>) {
        self.close(out);
        self.resume_us = Some(at_us.max(self.end_us));
    }

    /// Another publisher follows, whose times are places on the show's line.
    pub const fn attach(&mut self) {
        self.offset_us = 0;
        self.resume_us = None;
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
