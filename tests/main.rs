//! The one integration binary: the rules of the house (`tidy`), what we promise to streamers, viewers and operators
//! (`promises`), each against the real programs, the ledger beside another program's arithmetic (`booked`), the console beside the command line (`tables`), and the cluster in a
//! world without chance (`sim`).

// Helpers of tests are not `#[test]` functions themselves, so clippy's exemptions for tests miss them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod booked;
mod harness;
mod promises;
mod sim;

mod tables;
mod tidy;
