//! The one integration binary: the rules of the house (`tidy`), what we promise to streamers, viewers and operators
//! (`promises`), each against the real programs, and the console beside the command line (`tables`).

// Helpers of tests are not `#[test]` functions themselves, so clippy's exemptions for tests miss them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod harness;
mod promises;

mod tables;
mod tidy;
