//! Requests and answers about accounts, tokens and rights.

use crate::account::{Account, AccountName, AccountRole, AccountRoles, Token};
use crate::secret::Secret;
use crate::{ChannelName, Timestamp};

/// `POST /v1/accounts`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// Public name; see `AccountName`.
    pub name: String,
    /// What it is there for; `viewer` when absent.
    pub roles: Option<Vec<AccountRole>>,
    /// With it the account can sign in on the watch pages. Hashed by the node that is asked.
    pub password: Option<Secret>,
}

/// `PUT /v1/accounts/{id}/roles`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRoles {
    /// All roles from now on.
    pub roles: Vec<AccountRole>,
}

/// `PUT /v1/accounts/{id}/password`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// The new one. Every token of the account ends with the old one.
    pub password: Secret,
}

/// `GET /v1/accounts`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// Only accounts whose name comes after this one: the last of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub after: Option<AccountName>,
    /// At most this many, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `GET /v1/tokens`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TokenQuery {
    /// Whose, by name or id; one's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// `POST /v1/tokens`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Whose it will be, by name or id; one's own when absent.
    pub account: Option<String>,
    /// Which program holds it.
    pub label: Option<String>,
    /// What it is limited to: `all`, `read`, `moderate`, `operate`, `money`, or single actions.
    pub scopes: Vec<String>,
    /// The only channel it is good for.
    pub channel: Option<ChannelName>,
    /// When it stops to work: at most a year from now.
    pub expires_at: Timestamp,
}

/// The only answer that ever holds a token's secret.
#[derive(Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct CreatedToken {
    /// The secret, shown this once.
    pub token: String,
    /// The stored token.
    #[serde(flatten)]
    pub info: Token,
}

/// `POST /v1/auth/can-i`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CanI {
    /// What, e.g. `key.create`.
    pub action: String,
    /// In which channel; anywhere when absent.
    pub channel: Option<ChannelName>,
    /// Who, by name or id; oneself when absent.
    pub account: Option<String>,
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Permission {
    /// Whether.
    pub allowed: bool,
    /// What was asked.
    pub action: String,
    /// Who.
    pub account: AccountName,
    /// Why, or why not and which role would do.
    pub text: String,
}

/// `GET /v1/auth/me`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// Who asks.
    pub account: Account,
    /// By which token; absent for the operator's token.
    pub token: Option<Token>,
}

/// `POST /auth/login` and `POST /auth/register` on the viewers' address.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The account's name.
    pub name: String,
    /// Its password.
    pub password: Secret,
    /// When registering: `viewer`, or `streamer` where that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<AccountRole>,
}

/// `GET /auth/me` on the viewers' address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Visitor {
    /// Who is signed in, if anybody.
    pub account: Option<VisitorAccount>,
    /// Who may register here: `closed`, `viewers` or `streamers`.
    pub registration: String,
}

/// What a page shows of whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VisitorAccount {
    /// Public name.
    pub name: AccountName,
    /// What it is there for.
    pub roles: AccountRoles,
}
