//! Questions about private sessions, and what is asked of them.

use crate::ChannelName;
use crate::session::{Counting, SessionState};

/// `GET /v1/sessions`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// Only sessions of this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub channel: Option<ChannelName>,
    /// Only sessions that are so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub state: Option<SessionState>,
    /// At most this many, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `POST /v1/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferSession {
    /// On whose stream.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// What a minute costs a guest, decimal text in the ledger's currency.
    pub rate: String,
    /// How time is counted; by seconds when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Counting>,
    /// What a guest pays at least when he ends it himself, seconds.
    #[serde(default)]
    pub min_seconds: u32,
    /// What is not billed, once for each account, seconds.
    #[serde(default)]
    pub free_seconds: u32,
    /// How many guests there may be at once; one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<u32>,
    /// Those who only watch, for another price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onlookers: Option<Onlookers>,
    /// Who may join, by name or id; everybody when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invited: Vec<String>,
}

/// Those who only watch. Their time is counted like a guest's, with as much of it free and no minimum.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Onlookers {
    /// What a minute costs each of them, decimal text.
    pub rate: String,
    /// How many there may be at once.
    pub places: u32,
}

/// `POST /v1/sessions/{id}/join`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinSession {
    /// Who joins, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The name of the price; the first when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// What a minute costs as it was shown, decimal text: nobody joins at another price.
    pub rate: String,
    /// Pays so much at most, decimal text.
    pub cap: String,
}

/// `POST /v1/sessions/{id}/leave`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct LeaveSession {
    /// Who leaves, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}
