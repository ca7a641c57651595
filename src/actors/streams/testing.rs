//! Streams as the tests run them.

use weir_media::packager::PackagerConfig;
use weir_media::rendition::Timing;
use weir_media::show::ShowConfig;

use super::StreamsConfig;

/// The lengths that a node has by default, for a few publishers.
pub(crate) const CONFIG: StreamsConfig = StreamsConfig {
    packager: PackagerConfig { segment_us: 2_000_000, segment_max_us: 4_000_000, part_us: 200_000 },
    show: ShowConfig { grace_ms: 30_000 },
    window: Timing { target_secs: 4, part_target_us: 200_000, list_us: 12_000_000 },
    publishers_max: 9,
};
