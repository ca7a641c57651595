//! Limits of sessions, each with its reason.

/// Prices of one session: the guest's, an onlooker's, and some more; a page shows them in one row.
pub const PRICES_MAX: usize = 4;

/// Parties of one session, those that left included: its record is written whole with every change.
pub const PARTIES_MAX: usize = 256;

/// Parties of one session that one account can be, one after the other: nobody uses up the session alone.
pub const JOINS_MAX: usize = 8;

/// Accounts that an offer names.
pub const INVITED_MAX: usize = 64;

/// Sessions of a channel that are over and still listed. The ledger keeps what was paid for ever.
pub const ENDED_KEPT: usize = 32;

/// Sessions of the cluster that are not over: each has a lease.
pub const OPEN_MAX: usize = 20_000;

/// Passes of the cluster: as many as there are accounts. All of them are in every node's memory and in one snapshot.
pub const PASSES_MAX: usize = 100_000;

/// Passes beyond which nothing is sold: what is being paid for at that moment still finds a place.
pub const PASSES_SOLD_MAX: usize = PASSES_MAX - 4_096;

/// Passes that one change makes or takes: a change stays one small entry of the log.
pub const PASSES_AT_ONCE_MAX: usize = 256;

/// Members of the cluster who asked that it goes on.
pub const RENEWALS_MAX: usize = 100_000;
