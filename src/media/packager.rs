//! Cuts frames into parts and segments by media time alone.

use crate::Item;
use crate::output::Output;

/// Lengths the packager aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackagerConfig {
    /// A segment ends at the first key frame after this, microseconds.
    pub segment_us: i64,
    /// No segment is longer than this, key frame or not, microseconds. The target duration of the playlists.
    pub segment_max_us: i64,
    /// Part target, microseconds.
    pub part_us: i64,
}

/// Frames in, parts and segments out.
#[derive(Debug)]
pub struct Packager {}

impl Packager {
    /// A packager whose first segment is `first_msn` and whose first part is `first_part` in every rendition.
    #[must_use]
    pub fn new(config: PackagerConfig, first_msn: u64, first_part: u64) -> Self {
        let _ = (config, first_msn, first_part);
        unimplemented!()
    }

    /// Takes one item; appends what became complete to `out`.
    pub fn push(&mut self, item: Item, out: &mut Vec<Output>) {
        let _ = (item, out);
        unimplemented!()
    }

    /// The publisher is gone: closes what is open. What follows is a discontinuity.
    pub fn close(&mut self, out: &mut Vec<Output>) {
        let _ = out;
        unimplemented!()
    }

    /// Declares `duration_us` without media in every rendition.
    pub fn gap(&mut self, duration_us: i64, out: &mut Vec<Output>) {
        let _ = (duration_us, out);
        unimplemented!()
    }

    /// Where the show's line ends so far, microseconds.
    #[must_use]
    pub fn end_us(&self) -> i64 {
        unimplemented!()
    }

    /// Number of the segment that begins next.
    #[must_use]
    pub fn next_msn(&self) -> u64 {
        unimplemented!()
    }
}
