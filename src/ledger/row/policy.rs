//! What a ledger is, and the rules that its operators may change.

use super::Id;
use crate::amount::Currency;

/// The newest rules that this program knows: what flows do is decided by the number in force, so that records of
/// another time are made again as they were.
pub const RULES: u16 = 1;

/// What a ledger is, for ever.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Founding {
    /// Its name: no record of another ledger is taken for one of this.
    pub ledger: Id,
    /// What it counts.
    pub currency: Currency,
}

/// Rules of a ledger that its operators may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Policy {
    /// Which rules flows follow. A program that does not know them cannot go on.
    pub rules: u16,
    /// Hours until what a creator earned becomes payable.
    pub pending_hours: u16,
    /// Corrections above this need a second person.
    pub correction_max: u64,
    /// What was spent of a payment whose dispute is lost comes from whoever got it, and not from the platform.
    pub claws_back: bool,
}

impl Default for Policy {
    /// Seven days, two people, and the platform bears losses.
    fn default() -> Self {
        Self { rules: RULES, pending_hours: 7 * 24, correction_max: 0, claws_back: false }
    }
}
