//! The record of what takes two people.

use weir_ledger::Request;
use weir_model::ChannelName;
use weir_people::Proposal;

use super::Record;

/// A proposal with all that is done when somebody confirms it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who proposed it, and what became of it.
    pub proposal: Proposal,
    /// What the ledger is asked for: by whoever proposed it, under an id that is done once.
    pub request: Request,
    /// How much that moves, decimal text.
    pub amount: String,
    /// In what.
    pub currency: String,
    /// The kind of the event once it is done.
    pub event: String,
    /// What that says.
    pub text: String,
    /// On which channel.
    pub channel: Option<ChannelName>,
}

impl Record for Approval {
    const VERSION: u8 = 1;
}
