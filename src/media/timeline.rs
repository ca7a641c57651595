//! Timestamps of a publisher, repaired and put on the show's own line.

use crate::Item;
use crate::flv::Tag;

/// Repairs one publisher connection's timestamps.
#[derive(Debug)]
pub struct Timeline {}

impl Timeline {
    /// A time line whose first frame is presented at `start_us` on the show's line (microseconds).
    #[must_use]
    pub fn new(start_us: i64) -> Self {
        let _ = start_us;
        unimplemented!()
    }

    /// Appends the repaired form of `tag` to `out`.
    pub fn push(&mut self, tag: Tag, out: &mut Vec<Item>) {
        let _ = (tag, out);
        unimplemented!()
    }
}
