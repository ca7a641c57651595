//! Limits that several layers share, each with its reason.

/// A channel name is a URL path part and a label in tables: short and plain.
pub const CHANNEL_NAME_CHARS_MAX: usize = 64;

/// Free text given by operators (titles, labels, reasons): one line in a table.
pub const TEXT_CHARS_MAX: usize = 200;

/// Channels of one node; a table scan of them stays below a millisecond.
pub const CHANNELS_MAX: usize = 10_000;

/// Keys of one channel, revoked ones included, so that rotation cannot fill the disk.
pub const KEYS_PER_CHANNEL_MAX: usize = 64;

/// A stream key's secret: 128 random bits as 26 characters of base 32.
pub const KEY_SECRET_BYTES: usize = 16;

/// An actor's key is a channel's name and at most as much again to say what of it.
pub const ACTOR_KEY_CHARS_MAX: usize = 128;

/// The shortest period of a membership: below, a page would be told of a renewal more often than of anything else.
pub const PERIOD_SECS_MIN: u64 = 60;

/// The longest one: a leap year.
pub const PERIOD_SECS_MAX: u64 = 366 * 86_400;

/// A price or a currency as text.
pub const PRICE_CHARS_MAX: usize = 32;
/// Rows of one answer about money and sessions, which hold much text each.
pub const ANSWER_ROWS_MAX: usize = 1_000;

/// Accounts of the ledger of one answer; each is some hundred bytes of JSON.
pub const ANSWER_ACCOUNTS_MAX: usize = 5_000;
