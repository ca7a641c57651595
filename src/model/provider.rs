//! Payment providers as operators and their own programs see them.

use crate::Timestamp;
use crate::charge::LedgerId;

/// A payment provider that is configured on the node that was asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ProviderInfo {
    /// Which.
    pub name: String,
    /// Where it is told of payouts; by hand when absent.
    pub url: Option<String>,
    /// Events that wait for what they are about.
    pub waiting: usize,
    /// Events that the books contradict: staff looks at them.
    pub stopped: usize,
    /// Since when the oldest of both is there.
    pub oldest_at: Option<Timestamp>,
    /// The newest record of money at the provider, and when that was.
    pub seq: Option<u64>,
    /// When that was.
    pub at: Option<Timestamp>,
    /// What it holds by our books and does not let us take out yet.
    pub pending: String,
    /// What it holds by our books for us to take out.
    pub available: String,
    /// The same by its own newest report.
    pub reported: Option<Reported>,
    /// Events that this node took since its start, those that came again included.
    pub taken: u64,
    /// Events that it refused since then: unsigned, malformed, of nobody.
    pub refused: u64,
}

/// What a provider said that it holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Reported {
    /// When, by its own clock.
    pub at: Timestamp,
    /// What it does not let us take out yet.
    pub pending: String,
    /// What is ours to take out.
    pub available: String,
}

/// A provider, and what of its events is not counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ProviderDetail {
    /// The provider.
    pub provider: ProviderInfo,
    /// The oldest events that are not counted.
    pub events: Vec<ParkedEvent>,
}

/// Why an event is not counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ParkedState {
    /// What it is about is not there yet.
    Waiting,
    /// The books say otherwise.
    Stopped,
}

/// An event that is not counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ParkedEvent {
    /// The ledger's name of it.
    pub id: LedgerId,
    /// The provider's.
    pub event: String,
    /// What it says.
    pub what: String,
    /// Why it is not counted.
    pub state: ParkedState,
    /// What it waits for, or what is against it.
    pub why: String,
    /// When it happened, by the provider.
    pub created: Timestamp,
    /// When it came.
    pub since: Timestamp,
}

/// What became of an event that a provider sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Heard {
    /// The record that keeps it; none when it was there before.
    pub seq: Option<u64>,
    /// It was there before.
    pub duplicate: bool,
}

/// `POST /v1/topups`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTopUp {
    /// Asked of the provider once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// Whose wallet, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How much, decimal text in the ledger's currency.
    pub amount: String,
    /// By which provider.
    pub provider: String,
}

/// Where something is paid.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TopUpPage {
    /// Our name of it.
    pub reference: LedgerId,
    /// The provider's page; none in a dry run.
    pub url: Option<String>,
}
