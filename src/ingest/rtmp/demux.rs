//! Tag bodies of one publisher to items of its stream's feed, with its health watched on the way.

use bytes::Bytes;
use weir_media::Item;
use weir_media::flv::{Demuxer, FlvError, Tag};
use weir_media::health::Monitor;
use weir_media::timeline::Timeline;

use crate::actors::streams::IngestReport;

use super::session::MediaKind;

/// Malformed tags in a row after which the publisher is ended: a short burst is a broken frame, a long one
/// an encoder that will not recover.
pub const MALFORMED_IN_A_ROW_MAX: u32 = 100;

/// What stands between a publisher's messages and its feed.
pub struct Demux {
    demuxer: Demuxer,
    timeline: Timeline,
    monitor: Monitor,
    tags: Vec<Tag>,
    items: Vec<Item>,
    malformed_in_a_row: u32,
}

/// What became of a tag body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Its items wait in [`Demux::items`].
    Whole,
    /// It was malformed and left out.
    LeftOut,
}

impl Demux {
    /// For a publisher whose first frame is presented at `start_us` on the show's line (microseconds).
    #[must_use]
    pub fn new(start_us: i64) -> Self {
        Self {
            demuxer: Demuxer::default(),
            timeline: Timeline::new(start_us),
            monitor: Monitor::default(),
            tags: Vec::new(),
            items: Vec::new(),
            malformed_in_a_row: 0,
        }
    }

    /// Takes a tag body that arrived at `now_us` (monotonic microseconds).
    ///
    /// # Errors
    /// When the publisher cannot be carried: a codec that is not known, or nothing but malformed tags.
    pub fn take(
        &mut self,
        kind: MediaKind,
        timestamp: u32,
        body: Bytes,
        now_us: i64,
    ) -> Result<Taken, FlvError> {
        let read = match kind {
            MediaKind::Audio => self.demuxer.audio(timestamp, body, &mut self.tags),
            MediaKind::Video => self.demuxer.video(timestamp, body, &mut self.tags),
        };
        for tag in self.tags.drain(..) {
            self.monitor.observe(&tag, now_us);
            self.timeline.push(tag, &mut self.items);
        }
        match read {
            Ok(()) => {
                self.malformed_in_a_row = 0;
                Ok(Taken::Whole)
            }
            Err(error @ FlvError::UnsupportedCodec { .. }) => Err(error),
            Err(error) => {
                self.malformed_in_a_row += 1;
                if self.malformed_in_a_row > MALFORMED_IN_A_ROW_MAX {
                    return Err(error);
                }
                Ok(Taken::LeftOut)
            }
        }
    }

    /// The publisher announced its bitrate, bits per second.
    pub fn announce(&mut self, bits_per_second: u64) {
        self.monitor.announce(bits_per_second);
    }

    /// The publisher is gone: what was still held becomes items.
    pub fn finish(&mut self) {
        self.timeline.finish(&mut self.items);
    }

    /// The items made since they were last drained.
    pub const fn items(&mut self) -> &mut Vec<Item> {
        &mut self.items
    }

    /// What the operator is told at `now_us`, `bytes` after the publisher began.
    #[must_use]
    pub fn report(&self, bytes: u64, now_us: i64) -> IngestReport {
        let tracks = self.monitor.tracks(now_us);
        IngestReport { tracks, bytes, findings: self.monitor.findings(now_us) }
    }
}
