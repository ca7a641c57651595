//! Ingest health: rules that watch what a publisher sends and say in plain words what is wrong.

use weir_model::stream::{Finding, TrackInfo};

use crate::flv::Tag;

/// Watches one publisher connection.
#[derive(Debug, Default)]
pub struct Monitor {}

impl Monitor {
    /// Notes a tag that arrived at `now_us` (monotonic microseconds).
    pub fn observe(&mut self, tag: &Tag, now_us: i64) {
        let _ = (tag, now_us);
        unimplemented!()
    }

    /// The tracks as measured at `now_us`.
    #[must_use]
    pub fn tracks(&self, now_us: i64) -> Vec<TrackInfo> {
        let _ = now_us;
        unimplemented!()
    }

    /// What is wrong at `now_us`, worst first.
    #[must_use]
    pub fn findings(&self, now_us: i64) -> Vec<Finding> {
        let _ = now_us;
        unimplemented!()
    }
}
