//! Signing in over a real socket, kindly and not.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::edge::Config;
use crate::edge::testing::Edge;

const GOOD: &str = "correct horse battery";

impl Edge {
    /// Registers somebody; the whole line of the cookie.
    async fn register(&self, name: &str) -> String {
        let body = json!({"name": name, "password": GOOD}).to_string();
        let made = self.post("/auth/register", None).body(body).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
        assert_eq!(made.headers()["cache-control"], "no-store");
        assert!(!made.headers().contains_key("access-control-allow-origin"));
        made.headers()["set-cookie"].to_str().unwrap().to_owned()
    }

    /// The name of whoever is signed in.
    async fn who(&self, cookie: &str) -> Value {
        let request = self.client.get(self.url("/auth/me")).header("cookie", cookie);
        let me: Value = request.send().await.unwrap().json().await.unwrap();
        me["account"]["name"].clone()
    }
}

fn pair(line: &str) -> &str {
    line.split(';').next().unwrap()
}

#[tokio::test]
async fn the_cookie_is_for_this_host_only_and_no_script_sees_it() {
    let edge = Edge::playing().await;
    let line = edge.register("Alice").await;
    assert!(line.starts_with("weir_session=wt_"), "{line}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=1209"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("Secure") && !line.contains("Domain"), "{line}");
    assert_eq!(edge.who(pair(&line)).await, "alice");
    assert_eq!(edge.who("weir_session=wt_00000000000000000000000000").await, Value::Null);
}

#[tokio::test]
async fn logging_out_ends_this_log_in_and_everywhere_all_of_them() {
    let edge = Edge::playing().await;
    let one = edge.register("alice").await;
    let login = json!({"name": "alice", "password": GOOD}).to_string();
    let mut more = Vec::new();
    for _ in 0..2 {
        let made = edge.post("/auth/login", None).body(login.clone()).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::OK);
        more.push(made.headers()["set-cookie"].to_str().unwrap().to_owned());
    }
    let out = edge.post("/auth/logout", Some(pair(&one))).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::OK);
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(edge.who(pair(&one)).await, Value::Null);
    assert_eq!(edge.who(pair(&more[0])).await, "alice");
    let out = edge.post("/auth/logout-everywhere", Some(pair(&more[0]))).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::OK);
    for cookie in &more {
        assert_eq!(edge.who(pair(cookie)).await, Value::Null);
    }
}

#[tokio::test]
async fn a_log_in_takes_the_place_of_the_one_before_on_the_same_page() {
    let edge = Edge::playing().await;
    let (alice, _) = (edge.register("alice").await, edge.register("bobby").await);
    let login = json!({"name": "bobby", "password": GOOD}).to_string();
    let made = edge.post("/auth/login", Some(pair(&alice))).body(login).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::OK);
    assert_eq!(edge.who(pair(&alice)).await, Value::Null);
}

#[tokio::test]
async fn what_another_site_causes_or_a_form_can_send_is_refused() {
    let edge = Edge::playing().await;
    let body = json!({"name": "alice", "password": GOOD}).to_string();
    let post = || edge.post("/auth/register", None).body(body.clone());
    for request in [
        post().header("origin", "https://evil.example"),
        post().header("sec-fetch-site", "cross-site"),
        post().header("origin", "null"),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    let form = edge.client.post(edge.url("/auth/register")).body(body.clone());
    let form = form.header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(form.status(), StatusCode::BAD_REQUEST);
    let own = post().header("origin", format!("http://{}", edge.address)).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn hostile_bodies_are_refused_in_json_and_repeat_nothing() {
    let edge = Edge::start(Config::default()).await;
    let long = format!("{{\"name\":\"alice\",\"password\":\"{}\"}}", "x".repeat(5000));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("null", 400),
        ("[1,2]", 400),
        (r#"{"name":"alice"}"#, 400),
        (r#"{"name":7,"password":"hunter2 hunter2"}"#, 400),
        (r#"{"name":"alice","password":"hunter2 hunter2","admin":true}"#, 400),
        (r#"{"name":"al\u0000ice","password":"hunter2 hunter2"}"#, 400),
        (r#"{"name":"alice","password":"hunter2\u0000hunter2"}"#, 400),
        (r#"{"name":"alice\r\nSet-Cookie: a=b","password":"hunter2 hunter2"}"#, 400),
        (r#"{"name":"alice","password":"hunter2 hunter2","role":"operator"}"#, 403),
        (r#"{"name":"alice","password":"hunter2 hunter2","role":"pope"}"#, 400),
        (long.as_str(), 400),
    ] {
        let refused = edge.post("/auth/register", None).body(body.to_owned()).send().await.unwrap();
        assert_eq!(refused.status(), status, "{body:.60}");
        assert!(!refused.headers().contains_key("set-cookie"));
        let text = refused.text().await.unwrap();
        let error: Value = serde_json::from_str(&text).unwrap();
        assert!(
            error["message"].as_str().unwrap().len() > 10 && !text.contains("hunter2"),
            "{text}"
        );
    }
    for (method, path, status) in [
        ("GET", "/auth/login", 400),
        ("POST", "/auth/me", 400),
        ("PUT", "/auth/register", 400),
        ("POST", "/auth/", 404),
        ("GET", "/auth/../me", 404),
    ] {
        let request = edge.client.request(method.parse().unwrap(), edge.url(path));
        let answer = request.send().await.unwrap().status();
        assert!(answer == status || path.contains(".."), "{method} {path}: {answer}");
    }
}
