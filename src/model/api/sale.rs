//! What is sold in public: access of channels, memberships, tickets, and tokens for players of other pages.
//!
//! What moves money has an id, as in [`super::money`].

use crate::charge::LedgerId;
use crate::{AccountId, AccountName, ChannelName, Timestamp};

/// `PUT /v1/channels/{name}/access`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SetAccess {
    /// Everybody may watch.
    Public,
    /// Members may.
    Members {
        /// What a period costs, decimal text in the ledger's currency.
        price: String,
        /// How long a period is, from a minute to 366 days.
        period_secs: u64,
    },
    /// Whoever has a ticket may, while its event is open.
    Ticket {
        /// Which event: one of the channel's owner that is open.
        event: LedgerId,
    },
}

/// Something that tickets are sold for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TicketEvent {
    /// Its name in the ledger.
    pub id: LedgerId,
    /// What a ticket costs, decimal text.
    pub price: String,
    /// Of this currency.
    pub currency: String,
    /// Tickets there are.
    pub capacity: u32,
    /// Tickets that were sold and not given back.
    pub sold: u32,
    /// What became of it.
    pub state: TicketEventState,
    /// Who is paid for it when it has taken place.
    pub creator: Option<AccountId>,
}

/// What became of an event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TicketEventState {
    /// Tickets are sold, and open its channel.
    Open,
    /// It took place: what was paid is its creator's.
    Delivered,
    /// It did not: what was paid is given back.
    Cancelled,
}

/// `POST /v1/channels/{name}/memberships`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct JoinMembers {
    /// Done once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// Who pays, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What a period costs as it was shown, decimal text: nobody pays another price.
    pub price: String,
    /// To whom it is given, by name or id; the payer himself becomes a member when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Of a gift: whoever is a member already is left out and not paid for; else nobody gets anything.
    #[serde(default)]
    pub partial: bool,
    /// Each further period is paid when it is due, as long as its price stays the same.
    #[serde(default)]
    pub renew: bool,
}

/// `GET /v1/channels/{name}/memberships`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MemberQuery {
    /// At most this many, those who stay longest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A member of a channel.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MemberInfo {
    /// Which channel.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// Who.
    pub account: AccountId,
    /// The account's name.
    #[schema(value_type = Option<String>)]
    pub name: Option<AccountName>,
    /// Until then.
    pub until: Option<Timestamp>,
    /// The next period is paid when it is due.
    pub renews: bool,
}

/// `POST /v1/ticket-events`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTicketEvent {
    /// Done once under this id, which is the event's name then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// Its owner is paid.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// What a ticket costs, decimal text in the ledger's currency.
    pub price: String,
    /// How many there are.
    pub capacity: u32,
}

/// `POST /v1/ticket-events/{id}/tickets`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct BuyTicket {
    /// Done once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// Who pays and watches, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// `POST /v1/ticket-events/{id}/end`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndTicketEvent {
    /// It did not take place: what was paid is given back. Else it is its creator's.
    #[serde(default)]
    pub cancelled: bool,
}

/// `POST /v1/playback-tokens`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePlaybackToken {
    /// What is watched with it.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// When a player can begin with it no longer, a day ahead at most; ten minutes ahead when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A token that a player shows who has no cookie.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PlaybackToken {
    /// What stands behind `?v=` of the playlist's address.
    pub token: String,
    /// The playlist with it.
    pub playlist_url: String,
    /// When a player can begin with it no longer.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for PlaybackToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlaybackToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
