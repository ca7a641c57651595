//! How much a rendition needs.

use super::{Segment, Timing};

/// What was measured over a show, for the multivariant playlist.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    /// The highest bit rate of a stretch that is long enough to count, bits per second.
    pub peak: u64,
    /// Media bytes.
    pub bytes: u64,
    /// Microseconds that had media.
    pub duration_us: i64,
    /// Samples.
    pub samples: u64,
    /// Bytes and microseconds of segments too short to count on their own.
    short: (u64, i64),
}

impl Rate {
    /// A peak counts over at least a quarter of a target: the rate of a segment that a discontinuity cut
    /// after its key frame says nothing about what a player must download (RFC 8216bis §4.4.6.2 takes
    /// stretches from half a target on).
    pub(super) fn add(&mut self, timing: &Timing, segment: &Segment) {
        if segment.gap || segment.duration_us <= 0 {
            return;
        }
        self.bytes += segment.bytes as u64;
        self.duration_us = self.duration_us.saturating_add(segment.duration_us);
        self.samples += segment.samples;
        let bytes = self.short.0 + segment.bytes as u64;
        let us = self.short.1 + segment.duration_us;
        if us < timing.target_us() / 4 {
            self.short = (bytes, us);
            return;
        }
        self.short = (0, 0);
        self.peak = self.peak.max(bits_per_second(bytes, us));
    }

    /// Bits per second over the whole show.
    #[must_use]
    pub fn average(&self) -> u64 {
        bits_per_second(self.bytes, self.duration_us)
    }

    /// Samples per second over the whole show; none before the first one.
    #[must_use]
    pub fn samples_per_second(&self) -> Option<f64> {
        let seconds = self.duration_us as f64 / 1e6;
        (self.samples > 0 && seconds > 0.0).then(|| self.samples as f64 / seconds)
    }
}

fn bits_per_second(bytes: u64, us: i64) -> u64 {
    let us = u128::try_from(us.max(1)).unwrap_or(1);
    u64::try_from(u128::from(bytes) * 8_000_000 / us).unwrap_or(u64::MAX)
}
