//! What the time line had to repair or drop, for operators.

/// Counters of one connection; they only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimelineStats {
    /// Frames of tracks without a configuration, dropped.
    pub without_config: u64,
    /// Video frames before the first key frame or before the line begins, dropped.
    pub video_before_key: u64,
    /// Audio frames before the first picture, or before the line after a jump, dropped.
    pub audio_before_start: u64,
    /// Frames whose time was far off and whose successors were not, stamped anew.
    pub restamped: u64,
    /// Frames with times that fit nothing, dropped.
    pub unplaceable: u64,
    /// Times the connection's clock jumped.
    pub jumps: u64,
    /// Frames of the time before a jump that came after it, dropped.
    pub stragglers: u64,
    /// Tracks that were put where the line stands because their clock has a base of its own.
    pub rebased: u64,
    /// Video frames whose decoding time did not rise and was moved.
    pub dts_moved: u64,
    /// Video frames whose presentation time was before their decoding time, or absurd, and was moved.
    pub pts_moved: u64,
    /// Holes in the sound.
    pub audio_holes: u64,
    /// Frames of silence put into them.
    pub audio_silent: u64,
    /// Audio frames that came where there was sound already, dropped.
    pub audio_overlap: u64,
    /// Samples by which the sound was stretched or squeezed to follow the publisher's clock.
    pub audio_steered: u64,
    /// Frames held at the start whose configuration was replaced, dropped.
    pub reconfigured: u64,
    /// Configuration changes after the start.
    pub config_changes: u64,
}
