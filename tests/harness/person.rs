//! Somebody who is signed in, as the pages of a node have it: by a cookie.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Node;
use super::hls::Player;

/// Nodes answer in milliseconds; a loaded machine takes longer.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// Somebody at a browser, or at a program that acts like one.
pub(crate) struct Person {
    pub(crate) http: reqwest::Client,
    pub(crate) cookie: Option<String>,
}

impl Person {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_LIMIT).build().unwrap();
        Self { http, cookie: None }
    }

    /// Sends what a page for signing in would, and keeps the cookie.
    pub(crate) async fn post(
        &mut self,
        node: &Node,
        what: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let request = self.http.post(node.http(&format!("/auth/{what}"))).json(body);
        let answer = self.with_cookie(request).send().await.unwrap();
        if let Some(line) = answer.headers().get("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
            self.cookie = line.split(';').next().map(str::to_owned);
        }
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn login(
        &mut self,
        node: &Node,
        name: &str,
        password: &str,
    ) -> (StatusCode, Value) {
        self.post(node, "login", &json!({"name": name, "password": password})).await
    }

    /// Sends what a page would that takes part in a private session: `join`, `beat` or `leave`.
    pub(crate) async fn meet(&self, node: &Node, what: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.http.post(node.http(&format!("/session/{what}"))).json(body);
        let answer = self.with_cookie(request).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// What a page is told of a channel's private session.
    pub(crate) async fn session(&self, node: &Node, channel: &str) -> Value {
        let request = self.http.get(node.http(&format!("/session/state?channel={channel}")));
        self.with_cookie(request).send().await.unwrap().json().await.unwrap()
    }

    /// Who this is, for a node.
    pub(crate) async fn name(&self, node: &Node) -> Option<String> {
        let request = self.with_cookie(self.http.get(node.http("/auth/me")));
        let me: Value = request.send().await.unwrap().json().await.unwrap();
        me["account"]["name"].as_str().map(str::to_owned)
    }

    /// His player of a channel.
    pub(crate) fn player(&self, node: &Node, channel: &str) -> Player {
        let url = node.http(&format!("/live/{channel}/index.m3u8"));
        Player::known_by(url, self.cookie.as_deref())
    }

    pub(crate) fn with_cookie(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}
