//! The operators' API as a test sees it: plain HTTP and the types of the model, so that a fault in our own client cannot
//! hide one in the API. (The command line, which uses that client, has promises of its own.)

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use weir_model::api::{ChannelDetail, CreatedKey, StreamExplanation, Version};
use weir_model::cluster::{ClusterStatus, InvitedNode, LeaseInfo, NodeChange, NodeChanged};
use weir_model::node::NodeStatus;
use weir_model::{ApiError, ErrorCode, Event, StreamInfo, StreamKey, Timestamp, Viewing};

/// The API answers in milliseconds; a loaded machine takes longer.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// A caller with or without a token.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// A refusal, with the HTTP status it came with.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) error: Option<ApiError>,
}

type Answer<T> = Result<T, Refused>;

impl Refused {
    /// A change without a majority promises nothing: there is no leader to take it (503), or one took it and did not
    /// answer in time (504). Which of them depends on whether the node still counts on a leader.
    pub(crate) fn assert_nothing_promised(&self) {
        let code = self.error.as_ref().map(|error| error.code);
        let nothing = match self.status.as_u16() {
            503 => code == Some(ErrorCode::Unavailable),
            504 => code == Some(ErrorCode::Timeout),
            _ => false,
        };
        assert!(nothing, "{self:?}");
    }
}

impl Api {
    pub(crate) fn new(base: String, token: Option<String>) -> Self {
        let http = reqwest::Client::builder().timeout(REQUEST_LIMIT).build().unwrap();
        Self { http, base, token }
    }

    /// The same address with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self::new(self.base.clone(), Some(token.to_owned()))
    }

    pub(crate) async fn version(&self) -> Answer<Version> {
        self.call(Method::GET, "/v1/version", None).await
    }

    pub(crate) async fn status(&self) -> Answer<NodeStatus> {
        self.call(Method::GET, "/v1/status", None).await
    }

    pub(crate) async fn create_channel(&self, name: &str) -> Answer<Value> {
        self.call(Method::POST, "/v1/channels", Some(json!({ "name": name }))).await
    }

    pub(crate) async fn channel(&self, name: &str) -> Answer<ChannelDetail> {
        self.call(Method::GET, &format!("/v1/channels/{name}"), None).await
    }

    pub(crate) async fn delete_channel(&self, name: &str) -> Answer<Value> {
        self.call(Method::DELETE, &format!("/v1/channels/{name}"), None).await
    }

    pub(crate) async fn create_key(
        &self,
        channel: &str,
        expires_at: Option<Timestamp>,
    ) -> Answer<CreatedKey> {
        let body = json!({ "label": "test", "expires_at": expires_at });
        self.call(Method::POST, &format!("/v1/channels/{channel}/keys"), Some(body)).await
    }

    pub(crate) async fn rotate_key(&self, channel: &str, id: &str) -> Answer<CreatedKey> {
        let path = format!("/v1/channels/{channel}/keys/{id}/rotate");
        self.call(Method::POST, &path, Some(json!({}))).await
    }

    pub(crate) async fn revoke_key(&self, channel: &str, id: &str) -> Answer<StreamKey> {
        self.call(Method::DELETE, &format!("/v1/channels/{channel}/keys/{id}"), None).await
    }

    pub(crate) async fn stream(&self, channel: &str) -> Answer<StreamInfo> {
        self.call(Method::GET, &format!("/v1/streams/{channel}"), None).await
    }

    pub(crate) async fn streams(&self) -> Answer<Vec<StreamInfo>> {
        self.call(Method::GET, "/v1/streams", None).await
    }

    pub(crate) async fn explain(&self, channel: &str) -> Answer<StreamExplanation> {
        self.call(Method::GET, &format!("/v1/streams/{channel}/explain"), None).await
    }

    pub(crate) async fn kick_stream(&self, channel: &str, reason: &str) -> Answer<Value> {
        let path = format!("/v1/streams/{channel}/kick");
        self.call(Method::POST, &path, Some(json!({ "reason": reason }))).await
    }

    pub(crate) async fn viewings(&self) -> Answer<Vec<Viewing>> {
        self.call(Method::GET, "/v1/viewings", None).await
    }

    pub(crate) async fn kick_viewing(&self, id: &str) -> Answer<Value> {
        let path = format!("/v1/viewings/{id}/kick");
        self.call(Method::POST, &path, Some(json!({ "reason": "test" }))).await
    }

    pub(crate) async fn events(&self) -> Answer<Vec<Event>> {
        self.call(Method::GET, "/v1/events?limit=1000", None).await
    }

    pub(crate) async fn cluster(&self) -> Answer<ClusterStatus> {
        self.call(Method::GET, "/v1/cluster", None).await
    }

    pub(crate) async fn actors(&self) -> Answer<Vec<LeaseInfo>> {
        self.call(Method::GET, "/v1/actors", None).await
    }

    pub(crate) async fn change_node(
        &self,
        node: &str,
        change: NodeChange,
        how: &str,
    ) -> Answer<NodeChanged> {
        let path = format!("/v1/nodes/{node}/{}?{how}", change.as_str());
        self.call(Method::POST, &path, None).await
    }

    pub(crate) async fn invite(&self, roles: &[&str], ttl_secs: u64) -> Answer<InvitedNode> {
        let body = json!({ "roles": roles, "ttl_secs": ttl_secs });
        self.call(Method::POST, "/v1/nodes/invites", Some(body)).await
    }

    /// Any request; the answer is JSON, or nothing.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer<T> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let gone = Refused { status: StatusCode::BAD_GATEWAY, error: None };
        let Ok(answer) = request.send().await else { return Err(gone) };
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap_or_default();
        if !status.is_success() {
            return Err(Refused { status, error: serde_json::from_slice(&bytes).ok() });
        }
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        let text = String::from_utf8_lossy(bytes);
        Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
    }
}
