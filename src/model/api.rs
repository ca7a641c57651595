//! Requests and answers of `/v1` that are not nouns of their own.

pub mod audit;
pub mod meet;
pub mod money;
pub mod people;
pub mod sale;
pub mod session;

use crate::cluster::PlacementInfo;
use crate::{ActorKind, Channel, ChannelName, StreamInfo, StreamKey, Timestamp};

/// Header that names the nodes that did not answer, behind a list that may lack what they have.
pub const SILENT_HEADER: &str = "x-weir-silent";

/// `POST /v1/channels`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateChannel {
    /// Public name; see `ChannelName`.
    pub name: String,
    /// Shown to viewers; the name when absent.
    pub title: Option<String>,
    /// The account that owns it, by name or id; whoever makes it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// `GET /v1/channels/{name}`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ChannelDetail {
    /// The channel.
    #[serde(flatten)]
    pub channel: Channel,
    /// Its keys, without secrets.
    pub keys: Vec<StreamKey>,
    /// Its stream right now.
    pub stream: StreamInfo,
    /// The watch page.
    pub watch_url: String,
    /// The multivariant playlist.
    pub playlist_url: String,
}

/// `POST /v1/channels/{name}/keys` and `…/keys/{id}/rotate`.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Which encoder holds it.
    pub label: Option<String>,
    /// When it stops to work; never when absent.
    pub expires_at: Option<Timestamp>,
}

/// The only answer that ever holds a secret.
#[derive(Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct CreatedKey {
    /// The secret, shown this once.
    pub key: String,
    /// The server address for the encoder, without the key.
    pub server: String,
    /// The stored key.
    #[serde(flatten)]
    pub info: StreamKey,
}

/// Body of every kick.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Kick {
    /// Told to the kicked side where the protocol can, and kept in the event.
    pub reason: Option<String>,
}

/// Query of every mutating request. A misspelt parameter is refused: it could have been `dry_run`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Mutation {
    /// Validate fully, change nothing, answer with the would-be result.
    pub dry_run: bool,
    /// Why; kept in the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /v1/viewings`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ViewingQuery {
    /// Only viewings of this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub channel: Option<ChannelName>,
    /// At most this many, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `GET /v1/actors`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActorQuery {
    /// Only actors of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActorKind>,
    /// Only actors of this node, by name or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// `GET /v1/events`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::IntoParams,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only events after this cursor, oldest first. Without it: the newest ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// At most this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only kinds that match, e.g. `stream.*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Keep the answer open and send every further event as a line of JSON.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub follow: bool,
}

/// What a kick did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Kicked {
    /// The channel or viewing that was kicked.
    pub kicked: String,
    /// The reason that was given.
    pub reason: String,
    /// Names of nodes that did not answer. A viewing is refused there too as soon as they are heard again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
}

/// `GET /v1/version`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Version {
    /// Program version.
    pub version: String,
    /// API version, `v1`.
    pub api: String,
}

/// `GET /v1/streams/{channel}/explain`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct StreamExplanation {
    /// The stream.
    pub stream: StreamInfo,
    /// Plain sentences, most important first: what happens, why, and what to do.
    pub sentences: Vec<String>,
    /// On which node it is, and why; absent when the node that was asked cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<PlacementInfo>,
}
