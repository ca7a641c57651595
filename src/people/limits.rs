//! Limits of accounts and tokens, each with its reason.

/// Accounts of the cluster. All of them are in every node's memory and in one snapshot: some 30 MB of it.
pub const ACCOUNTS_MAX: usize = 100_000;

/// Tokens of one account. Signing in once more forgets the oldest log-in; tokens made on purpose are refused beyond.
pub const TOKENS_PER_ACCOUNT_MAX: usize = 32;

/// Tokens of the cluster: four per account, so that those who sign in everywhere cannot fill the memory of all nodes.
pub const TOKENS_MAX: usize = 400_000;

/// Expired tokens that one change forgets when there are too many: a change stays one small entry of the log.
pub const FORGOTTEN_AT_ONCE_MAX: usize = 64;

/// The longest life of a token made on purpose, a year in milliseconds: nobody remembers what an older one is for.
pub const API_TOKEN_MS_MAX: i64 = 365 * 86_400_000;

/// The longest life of a log-in, 30 days in milliseconds.
pub const LOGIN_TOKEN_MS_MAX: i64 = 30 * 86_400_000;

/// Keys of which a budget remembers failures, on one node: a few MB.
pub const BUDGET_KEYS_MAX: usize = 65_536;

/// A proposal that nobody decides about is over after a day, in milliseconds: whoever proposed it knows what it was for.
pub const APPROVAL_MS: i64 = 24 * 3_600_000;

/// Proposals that wait at once; staff reads all of them. One more is refused.
pub const APPROVALS_OPEN_MAX: usize = 256;

/// Proposals that are listed, those that are over included. The oldest that is over makes room; what became of it stands
/// in the ledger and in the audit log.
pub const APPROVALS_KEPT_MAX: usize = 2 * APPROVALS_OPEN_MAX;
