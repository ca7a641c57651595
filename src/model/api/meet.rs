//! Private sessions as a viewer's page meets them. Amounts are decimal text in the ledger's currency.

use crate::{ChannelName, SessionId};

/// What one may join for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MeetPrice {
    /// What it is called: `guest`, `onlooker`.
    pub name: String,
    /// What a minute costs.
    pub rate: String,
    /// How time is counted: `second`, `6 seconds`, `minute` (whole ones), `started minute`.
    pub count: String,
    /// Seconds that a viewer who ends it pays at the least.
    pub minimum_seconds: u32,
    /// Seconds at the beginning that cost nothing.
    pub free_seconds: u64,
    /// How many may have it at once.
    pub places: u32,
    /// How many have it.
    pub taken: u32,
}

/// A session as it is offered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MeetInfo {
    /// Which.
    pub id: SessionId,
    /// On whose stream.
    pub channel: ChannelName,
    /// `offered`, `live` or `ended`.
    pub stage: String,
    /// What one may join for.
    pub prices: Vec<MeetPrice>,
    /// What amounts are in.
    pub currency: String,
    /// Whether whoever asks was invited, or everybody is.
    pub open_to_you: bool,
}

/// Whoever asks, as a party of the session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MeetYou {
    /// Which price was agreed to.
    pub price: String,
    /// Pays so much at most.
    pub cap: String,
    /// Billed so far; what was taken, once it is settled.
    pub billed: String,
    /// Seconds that both sides had.
    pub delivered_seconds: u64,
    /// What the money left lasts, when it was last warned of; seconds.
    pub left_seconds: Option<u32>,
    /// Why time does not count at the moment.
    pub paused: Option<String>,
    /// Why it is over for this one.
    pub left: Option<String>,
    /// It is over, and nothing more is taken.
    pub settled: bool,
}

/// What a page knows of a channel's session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MeetState {
    /// The session, if there is one.
    pub session: Option<MeetInfo>,
    /// Whoever asks, if he takes part or did.
    pub you: Option<MeetYou>,
    /// What he can spend, if that was asked for and he may still join.
    pub available: Option<String>,
}

/// Agrees to a price.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeetJoin {
    /// To which session.
    pub session: SessionId,
    /// The price as it was shown; another one is refused.
    pub price: MeetPrice,
    /// Pays so much at most.
    pub cap: String,
}

/// Names a session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeetWhich {
    /// Which.
    pub session: SessionId,
}
