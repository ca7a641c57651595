//! L2. Consensus: the durable log.

pub mod log;
