//! From delivered time to money: how long both sides had each other, and what that costs.

mod overlap;
mod tariff;

pub use overlap::{Overlap, PLAYED_MAX_MS, SENT_MAX_MS};
pub use tariff::{InvalidTariff, LONGEST_MS, Mode, Tariff};
