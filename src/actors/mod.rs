//! L3. Actors: one per stream, thin. They receive, ask a noun what to do, and do it.
//!
//! Media bytes never pass through a mailbox; they flow from [`crate::feed`] to [`crate::store::window`].

pub mod audience;
pub mod audit;
pub mod books;
pub mod clock;
pub mod events;
pub mod membership;
mod numbers;
pub mod packager;
pub mod passes;
pub mod people;
pub mod placement;
pub mod providers;
pub mod reach;
pub mod replication;
pub mod session;
pub mod sessions;
pub mod slots;
pub mod stages;
pub mod stream;
pub mod streams;
pub mod supervisor;
pub mod tasks;
pub mod teller;
pub mod viewings;
