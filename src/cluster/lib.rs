//! L1. The cluster as pure functions: who is in it, who owns what, where things go, who pulls from whom.
//!
//! The way of a decision through this crate:
//! a node's heartbeats reach the leader's [`liveness::Watch`], which says whom to suspect, fence or take back;
//! that becomes a [`Command`] in the log, and every node applies it to its [`Directory`] of [`members`] and
//! [`lease`]s. [`placement`] scores nodes for an actor and plans moves; the chosen node claims the actor's lease,
//! and from then on each message about the actor passes [`lease::Leases::check`] or [`lease::EpochGate`].
//! What operators see of all this is made by [`views`].
//! A stream's owner asks [`replication`] who pulls its segments from whom; edges tell [`viewings`] who watches.
//!
//! Only the directory is replicated. Loads, heartbeats, plans and viewings are soft: they may be lost and come again.
//! Time is an argument, in milliseconds: a monotonic clock's where it is a `u64`, the wall clock's where it is a
//! [`weir_model::Timestamp`]. Nothing here draws a random number, and no iteration depends on a hash map's order,
//! so the same inputs give the same decisions on every node and in every simulated run.

pub mod ages;
pub mod directory;
pub mod lease;
pub mod limits;
pub mod liveness;
pub mod load;
pub mod members;
pub mod placement;
mod rendezvous;
pub mod replication;
#[cfg(test)]
mod testing;
pub mod viewings;
pub mod views;

pub use directory::{Applied, Command, Directory, Refusal};
