//! From delivered time to money: how long both sides had each other, and what that costs.

mod bill;
mod overlap;
mod tariff;

pub use bill::{Act, Agreement, Bill, CHECKPOINT_MS, GRACE_MS, Halt, WARNINGS_S};
pub use overlap::{Overlap, PLAYED_MAX_MS, SENT_MAX_MS};
pub use tariff::{InvalidTariff, LONGEST_MS, Mode, Tariff};
