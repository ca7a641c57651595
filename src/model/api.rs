//! Requests and answers of `/v1` that are not nouns of their own.

use crate::{Channel, StreamInfo, StreamKey, Timestamp};

/// `POST /v1/channels`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateChannel {
    /// Public name; see `ChannelName`.
    pub name: String,
    /// Shown to viewers; the name when absent.
    pub title: Option<String>,
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

/// Query of every mutating request.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Mutation {
    /// Validate fully, change nothing, answer with the would-be result.
    pub dry_run: bool,
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
}
