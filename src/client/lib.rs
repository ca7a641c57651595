//! L1. Client of the operators' API: for the CLI, the console and tests. It knows nothing that the API
//! does not tell.
//!
//! [`discover::discover`] finds the endpoint and the token, [`Client`] has one method per route, and
//! [`Follow`] reads the event log for ever, across restarts of the node. [`filter`] is how operators choose among
//! what it answered, the same in every program.

mod audit;
mod cluster;
pub mod discover;
mod error;
pub mod filter;
mod follow;
mod money;
mod people;
mod routes;
mod sale;
mod session;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::ApiError;
use weir_model::api::{Mutation, SILENT_HEADER};

pub use error::ClientError;
pub use follow::Follow;

/// How long a request may take unless told otherwise: the node's own limit is 15 s.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A host that is there accepts a connection much sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The node sends a sign of life every 10 s to whoever follows events; three lost ones mean that it is gone.
const READ_TIMEOUT: Duration = Duration::from_secs(35);

/// The longest answer is the list of ten thousand viewings or events, a few MB.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Talks to one node. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    timeout: Duration,
    silent: Arc<Mutex<BTreeSet<String>>>,
}

impl Client {
    /// A client of the node at `endpoint`, e.g. `http://127.0.0.1:7070`. Does not connect yet.
    ///
    /// # Errors
    /// When `endpoint` is no `http` or `https` URL.
    pub fn new(endpoint: &str, token: Option<String>) -> Result<Self, ClientError> {
        let wrong = |cause: String| ClientError::Endpoint { endpoint: endpoint.into(), cause };
        let url = Url::parse(endpoint).map_err(|error| wrong(error.to_string()))?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("weir-client/", env!("CARGO_PKG_VERSION")));
        match url.scheme() {
            // Without TLS there is nothing to verify, and a small machine may have no root certificates.
            "http" => builder = builder.tls_certs_only([]),
            "https" => {}
            other => return Err(wrong(format!("`{other}` is neither http nor https"))),
        }
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            // A proxy would look for the node on its own machine.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| wrong(error.to_string()))?;
        let base = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { http, base, token, timeout: TIMEOUT, silent: Arc::default() })
    }

    /// Limits every request to `timeout`; following events has no end.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Where it talks to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.base
    }

    /// The nodes that did not answer the asked one since this was called last: lists may lack what they have.
    #[must_use]
    pub fn take_silent(&self) -> Vec<String> {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *silent).into_iter().collect()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(self.request(Method::GET, path)).await
    }

    async fn query<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::GET, path).query(query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        mutation: &Mutation,
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::POST, path).query(mutation).json(body)).await
    }

    async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        mutation: &Mutation,
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::PUT, path).query(mutation).json(body)).await
    }

    /// A question that has a body and changes nothing.
    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::POST, path).json(body)).await
    }

    async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
        mutation: &Mutation,
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::DELETE, path).query(mutation)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.accepted(request.timeout(self.timeout)).await?;
        if let Some(names) =
            response.headers().get(SILENT_HEADER).and_then(|names| names.to_str().ok())
        {
            let names = names.split(", ").map(str::to_owned);
            self.silent.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
        }
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|error| self.decode(format!("{error}")))
    }

    /// Sends a request and turns every refusal into an error.
    async fn accepted(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.body(response).await?;
        match serde_json::from_slice::<ApiError>(&body) {
            Ok(error) => Err(ClientError::Api { error, status: status.as_u16() }),
            Err(_) => Err(self.decode(format!("it answered {status} in another language"))),
        }
    }

    async fn body(&self, mut response: Response) -> Result<BytesMut, ClientError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.decode("its answer does not end".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn decode(&self, cause: String) -> ClientError {
        ClientError::Decode { endpoint: self.base.clone(), cause }
    }

    fn failed(&self, error: &reqwest::Error) -> ClientError {
        ClientError::transport(&self.base, error)
    }
}

#[cfg(test)]
mod tests;
