//! One method per route.

use weir_model::api::{
    ChannelDetail, CreateChannel, CreateKey, CreatedKey, EventQuery, Kick, Kicked, Mutation,
    StreamExplanation, Version, ViewingQuery,
};
use weir_model::node::NodeStatus;
use weir_model::{Channel, ChannelName, Event, KeyId, StreamInfo, StreamKey, Viewing, ViewingId};

use crate::{Client, ClientError};

pub(crate) type Answer<T> = Result<T, ClientError>;

/// Every method fails with the node's refusal or with what went wrong on the way.
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// `GET /v1/version`. Needs no token.
    pub async fn version(&self) -> Answer<Version> {
        self.read("/v1/version").await
    }

    /// `GET /v1/openapi.json`. Needs no token.
    pub async fn openapi(&self) -> Answer<serde_json::Value> {
        self.read("/v1/openapi.json").await
    }

    /// `GET /v1/status`.
    pub async fn status(&self) -> Answer<NodeStatus> {
        self.read("/v1/status").await
    }

    /// `GET /v1/channels`.
    pub async fn channels(&self) -> Answer<Vec<Channel>> {
        self.read("/v1/channels").await
    }

    /// `POST /v1/channels`.
    pub async fn create_channel(&self, body: &CreateChannel, how: &Mutation) -> Answer<Channel> {
        self.post("/v1/channels", body, how).await
    }

    /// `GET /v1/channels/{name}`.
    pub async fn channel(&self, name: &ChannelName) -> Answer<ChannelDetail> {
        self.read(&format!("/v1/channels/{name}")).await
    }

    /// `DELETE /v1/channels/{name}`.
    pub async fn delete_channel(&self, name: &ChannelName, how: &Mutation) -> Answer<Channel> {
        self.delete(&format!("/v1/channels/{name}"), how).await
    }

    /// `GET /v1/channels/{name}/keys`.
    pub async fn keys(&self, channel: &ChannelName) -> Answer<Vec<StreamKey>> {
        self.read(&format!("/v1/channels/{channel}/keys")).await
    }

    /// `POST /v1/channels/{name}/keys`.
    pub async fn create_key(
        &self,
        channel: &ChannelName,
        body: &CreateKey,
        how: &Mutation,
    ) -> Answer<CreatedKey> {
        self.post(&format!("/v1/channels/{channel}/keys"), body, how).await
    }

    /// `POST /v1/channels/{name}/keys/{id}/rotate`.
    pub async fn rotate_key(
        &self,
        channel: &ChannelName,
        key: KeyId,
        body: &CreateKey,
        how: &Mutation,
    ) -> Answer<CreatedKey> {
        self.post(&format!("/v1/channels/{channel}/keys/{key}/rotate"), body, how).await
    }

    /// `DELETE /v1/channels/{name}/keys/{id}`.
    pub async fn revoke_key(
        &self,
        channel: &ChannelName,
        key: KeyId,
        how: &Mutation,
    ) -> Answer<StreamKey> {
        self.delete(&format!("/v1/channels/{channel}/keys/{key}"), how).await
    }

    /// `GET /v1/streams`.
    pub async fn streams(&self) -> Answer<Vec<StreamInfo>> {
        self.read("/v1/streams").await
    }

    /// `GET /v1/streams/{channel}`.
    pub async fn stream(&self, channel: &ChannelName) -> Answer<StreamInfo> {
        self.read(&format!("/v1/streams/{channel}")).await
    }

    /// `GET /v1/streams/{channel}/explain`.
    pub async fn explain_stream(&self, channel: &ChannelName) -> Answer<StreamExplanation> {
        self.read(&format!("/v1/streams/{channel}/explain")).await
    }

    /// `POST /v1/streams/{channel}/kick`.
    pub async fn kick_stream(
        &self,
        channel: &ChannelName,
        body: &Kick,
        how: &Mutation,
    ) -> Answer<Kicked> {
        self.post(&format!("/v1/streams/{channel}/kick"), body, how).await
    }

    /// `GET /v1/viewings`.
    pub async fn viewings(&self, query: &ViewingQuery) -> Answer<Vec<Viewing>> {
        self.query("/v1/viewings", query).await
    }

    /// `POST /v1/viewings/{id}/kick`.
    pub async fn kick_viewing(&self, id: ViewingId, body: &Kick, how: &Mutation) -> Answer<Kicked> {
        self.post(&format!("/v1/viewings/{id}/kick"), body, how).await
    }

    /// `GET /v1/events`, once; see [`Client::follow`] for the endless form.
    pub async fn events(&self, query: &EventQuery) -> Answer<Vec<Event>> {
        self.query("/v1/events", &EventQuery { follow: false, ..query.clone() }).await
    }
}
