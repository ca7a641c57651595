//! L1. Payment providers as pure functions: what their events say to the ledger, whether a signature is theirs, what
//! they are asked for, and when they are told again.
//!
//! A provider's events come in any order and more than once. [`event`] makes each of them a request to the ledger, which
//! counts it once, in the record that keeps it; what comes too early waits there. The Stripe-like [`signature`] covers
//! what is sent in both directions. [`Provider`](intent::PaymentProvider) is the seam behind which a processor lies, and
//! [`telling`] says when it is told of a payout.

pub mod event;
pub mod intent;
pub mod signature;
pub mod telling;
#[cfg(test)]
mod tests;
