//! A segment on its way into the window.

use std::sync::Arc;

use weir_media::replica::SegmentHead;
use weir_media::{Init, Part, SegmentEnd};

/// A segment that is not in the window as a whole.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) head: Option<SegmentHead>,
    pub(super) begun_at: u64,
    pub(super) init: Option<Arc<Init>>,
    /// Parts that the window does not have yet.
    pub(super) parts: Vec<Part>,
    /// Their bytes.
    pub(super) bytes: usize,
    pub(super) next_part: Option<u64>,
    pub(super) taken: usize,
    pub(super) us: i64,
    pub(super) end: Option<SegmentEnd>,
    pub(super) streams: u32,
    pub(super) asked: u8,
    pub(super) asked_at: Option<u64>,
    pub(super) gone: bool,
}

impl Pending {
    fn lacks_section(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.init.is_some()) && self.init.is_none()
    }

    pub(super) fn whole(&self) -> bool {
        self.head.is_some() && self.end.is_some() && !self.lacks_section()
    }

    /// The window can begin with it.
    pub(super) fn begun(&self) -> bool {
        self.head.is_some() && !self.lacks_section()
    }
}
