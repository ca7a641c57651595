//! Outputs made by hand, for the tests of windows and playlists.

use std::sync::Arc;

use bytes::Bytes;
use weir_model::Timestamp;

use crate::output::{Init, Part, SegmentEnd, SegmentStart};
use crate::rendition::{Mark, Rendition, Timing};
use crate::{AudioParams, Codec, CodecConfig, TrackId, VideoParams};

/// The product's own lengths.
pub(crate) const TIMING: Timing =
    Timing { target_secs: 4, part_target_us: 200_000, list_us: 15_000_000 };

/// 2023-11-14T22:13:20.000Z
pub(crate) const ANCHOR: Timestamp = Timestamp(1_700_000_000_000);

/// A mark without a discontinuity, segments being 2 s long.
pub(crate) fn mark(msn: u64) -> Mark {
    Mark { msn, pdt: ANCHOR.plus_ms(msn as i64 * 2000), discontinuity: false, dsn_before: 0 }
}

pub(crate) fn start(msn: u64, init: Option<Arc<Init>>) -> SegmentStart {
    SegmentStart { msn, start_us: msn as i64 * 2_000_000, discontinuity: false, init }
}

pub(crate) fn part(number: u64, msn: u64, duration_us: i64, independent: bool) -> Part {
    let data = Bytes::from(format!("part {number} of segment {msn};"));
    Part { number, msn, duration_us, independent, data }
}

/// A video section whose hash is `hash`.
pub(crate) fn init(hash: &str) -> Arc<Init> {
    init_of(TrackId::VIDEO, hash, "avc1.64001f")
}

pub(crate) fn init_of(track: TrackId, hash: &str, rfc6381: &str) -> Arc<Init> {
    let video = track == TrackId::VIDEO;
    let config = CodecConfig {
        codec: if video { Codec::Avc } else { Codec::Aac },
        record: Bytes::new(),
        rfc6381: rfc6381.into(),
        timescale: 90_000,
        video: video.then_some(VideoParams { width: 1280, height: 720, sar: (1, 1) }),
        audio: (!video).then_some(AudioParams {
            sample_rate: 48_000,
            channels: 2,
            frame_samples: 1024,
        }),
    };
    let data = Bytes::from(format!("section {hash}"));
    Arc::new(Init { track, config: Arc::new(config), hash: hash.into(), data })
}

/// A whole segment of `parts` parts, numbered on from the last one.
pub(crate) fn fed(rendition: &mut Rendition, msn: u64, parts: u64, part_us: i64) {
    rendition.start(&TIMING, mark(msn), &start(msn, Some(init("aa"))));
    for n in 0..parts {
        rendition.part(part(msn * parts + n, msn, part_us, n == 0));
    }
    let duration_us = parts as i64 * part_us;
    rendition.end(&TIMING, &SegmentEnd { msn, duration_us, gap: false });
}
