//! CMAF bytes: initialisation sections and fragments (ISO 14496-12, ISO 23000-19).
//!
//! Boxes are written straight into one buffer: a fragment needs five small boxes whose sizes are known
//! beforehand, and the decoder records of the sample entries must pass through untouched, so a box
//! tree would only add copies and a second parser of hostile records. The tests read the result back
//! with an independent box library.

mod boxes;
mod fragment;
mod init;
#[cfg(test)]
mod tests;

pub use fragment::{Sample, fragment};
pub use init::init;

/// The number of the only track of a file.
const TRACK_ID: u32 = 1;

/// `sample_depends_on = 2`: a sample that needs no other (ISO 14496-12 §8.8.3.1).
const FLAGS_SYNC: u32 = 0x0200_0000;

/// `sample_depends_on = 1` and `sample_is_non_sync_sample`.
const FLAGS_NON_SYNC: u32 = 0x0101_0000;
