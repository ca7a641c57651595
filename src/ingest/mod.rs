//! L4. Publishers: one folder per protocol.

pub mod metrics;
pub mod rtmp;
