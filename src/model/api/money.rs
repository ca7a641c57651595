//! Questions about money, and what is done with it.
//!
//! What moves money has an id. The same id of the same account is done once, for ever: asked again, it is answered as
//! it was the first time. Without one a new id is made, and asking again does it again.

use crate::charge::{ChargeName, LedgerId};
use crate::money::{ExportFormat, PersonalAccount};
use crate::{ChannelName, Timestamp};

/// `GET /v1/ledger/records`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// The first record. Without it: the newest ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// At most this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `GET /v1/ledger/export`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// In whose words.
    #[param(inline)]
    pub format: ExportFormat,
    /// The first record; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// It goes on where another piece ended, so it has no header.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
}

/// `GET /v1/ledger/trial-balance`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// So many accounts are left out, from the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<usize>,
    /// At most this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `GET /v1/wallets/{account}/statement`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// Which account.
    #[param(inline)]
    pub of: PersonalAccount,
    /// Nothing behind this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upto: Option<u64>,
    /// At most this many lines, the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `POST /v1/wallets/{account}/credit`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct CreditWallet {
    /// Done once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// How much, decimal text in the ledger's currency.
    pub amount: String,
    /// It is the platform's gift, spent before paid money and never paid out. Else it was paid in by hand.
    #[serde(default)]
    pub grant: bool,
    /// When the rest of a gift is gone, by the end of that hour; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `POST /v1/wallets/{account}/freeze` and `…/unfreeze`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct SetStanding {
    /// Done once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// What somebody pays with (`wallet`) or is paid (`payable`).
    #[serde(default)]
    pub of: PersonalAccount,
}

/// `POST /v1/tips`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendTip {
    /// Done once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// To the owner of this channel.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// How much, decimal text in the ledger's currency.
    pub amount: String,
    /// Who pays, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What is said with it; kept as the record's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `POST /v1/refunds`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundCharge {
    /// Done once under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// Which payment: `tip:ID`, `session:ID`.
    pub charge: ChargeName,
    /// How much of it, decimal text; all that is left when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// `GET /v1/payouts`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayoutQuery {
    /// Only those of this account, by name or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// At most this many, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `POST /v1/payouts`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestPayout {
    /// Done once under this id, which is the payout's name then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<LedgerId>,
    /// To whom, by name or id; whoever asks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How much, decimal text in the ledger's currency.
    pub amount: String,
    /// The payment provider that pays, 1 to 15 small letters and digits; `manual` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}
