//! Who is let through which route, and what accounts and tokens do over the API.

use weir_model::AccountRole;
use weir_people::limits::API_TOKEN_MS_MAX;

use super::*;
use crate::api::auth::ACTION_EXTENSION;

/// Far from any clock of a test, and less than a year from it.
fn soon() -> String {
    crate::actors::clock::now().plus_ms(3_600_000).to_string()
}

impl Bench {
    /// An account with these roles and a token of it with these scopes; the token's secret.
    pub(super) async fn somebody(
        &self,
        name: &str,
        roles: &[AccountRole],
        scopes: &[&str],
    ) -> String {
        let body = json!({"name": name, "roles": roles});
        let made = self.ask("POST", "/v1/accounts", Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
        let body = json!({"account": name, "scopes": scopes, "expires_at": soon()});
        let made = self.ask("POST", "/v1/tokens", Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
        made.json["token"].as_str().unwrap().to_owned()
    }

    /// Asks with another token than the operator's.
    pub(super) async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        read(self.send(request.body(body).unwrap()).await).await
    }
}

/// Every route that needs a token, with the action that it says it is.
fn described() -> Vec<(String, String, String)> {
    let document = serde_json::to_value(openapi::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let action = operation[ACTION_EXTENSION].as_str().unwrap_or_default().to_owned();
            routes.push((method.to_uppercase(), path.clone(), action));
        }
    }
    let is_open = |path: &str| contract::OPEN.contains(&path) || path == contract::SIGNED;
    routes.retain(|(_, path, _)| !is_open(path));
    routes
}

#[tokio::test]
async fn every_route_names_its_action_and_refuses_whoever_has_no_right() {
    let bench = Bench::with_demo().await;
    let nobody = bench.somebody("nobody_at_all", &[], &["all"]).await;
    let told = bench.told();
    let routes = described();
    assert!(routes.len() > 40);
    for (method, path, action) in routes {
        assert!(action.parse::<Action>().is_ok(), "{method} {path}: `{action}`");
        let path = contract::filled(&path);
        let answer = bench.ask_as(&nobody, &method, &path, None).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {}", answer.json);
        assert_eq!(answer.json["code"], "forbidden", "{method} {path}");
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.contains("(no role)") && message.contains("takes the role"), "{message}");
        assert_eq!(bench.ask_as("wt_wrong", &method, &path, None).await.status, 401, "{path}");
    }
    assert_eq!(bench.told(), told, "nothing was done");
}

#[tokio::test]
async fn an_auditor_and_a_token_to_read_change_nothing() {
    let bench = Bench::with_demo().await;
    let auditor = bench.somebody("audrey", &[AccountRole::Auditor], &["all"]).await;
    let reader = bench.somebody("reader", &[AccountRole::Operator], &["read"]).await;
    for (method, path, action) in described() {
        let path = contract::filled(&path);
        let action: Action = action.parse().unwrap();
        for token in [&auditor, &reader] {
            let refused = bench.ask_as(token, &method, &path, None).await.status == 403;
            // His own tokens an auditor may end; whose the token in the path is, nobody knows.
            assert!(refused != action.only_reads(), "{method} {path} {action}");
        }
    }
}

#[tokio::test]
async fn a_streamer_sees_and_changes_what_is_his_and_a_moderator_the_peace_only() {
    let bench = Bench::with_demo().await;
    let alice = bench.somebody("alice", &[AccountRole::Streamer], &["all"]).await;
    let body = json!({"name": "hers", "owner": "alice"});
    assert_eq!(bench.ask("POST", "/v1/channels", Some(body)).await.status, 201);
    let channels = bench.ask_as(&alice, "GET", "/v1/channels", None).await.json;
    assert_eq!(channels.as_array().unwrap().len(), 1);
    assert_eq!(channels[0]["name"], "hers");
    for (path, status) in [("/v1/channels/hers/keys", 201), ("/v1/channels/demo/keys", 403)] {
        let made = bench.ask_as(&alice, "POST", path, Some(json!({"label": "OBS"}))).await;
        assert_eq!(made.status.as_u16(), status, "{path} {}", made.json);
    }
    // The stream that there is belongs to the operator's channel; who watches is nobody's business but a moderator's.
    assert_eq!(bench.ask_as(&alice, "GET", "/v1/streams", None).await.json, json!([]));
    let refused = bench.ask_as(&alice, "GET", "/v1/viewings?channel=hers", None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let moderator = bench.somebody("molly", &[AccountRole::Moderator], &["all"]).await;
    let ask =
        async |method, path| bench.ask_as(&moderator, method, path, None).await.status.as_u16();
    assert_eq!(ask("GET", "/v1/viewings").await, 200);
    assert_eq!(ask("GET", "/v1/accounts").await, 200);
    assert_eq!(ask("POST", "/v1/viewings/view_0000000000000001/kick").await, 200);
    assert_eq!(ask("POST", "/v1/streams/demo/kick").await, 403);
    assert_eq!(ask("GET", "/v1/cluster").await, 403);
    let shown = bench.ask_as(&moderator, "GET", "/v1/channels/hers", None).await;
    assert_eq!((shown.status.as_u16(), &shown.json["keys"]), (200, &json!([])));
    let events = bench.ctx.events.newest(100);
    let kicked = events.iter().find(|event| event.kind == "viewing.kicked").unwrap();
    assert_eq!(kicked.fields["by"], "molly");
}

#[tokio::test]
async fn a_token_of_one_channel_is_good_there_only_and_makes_no_others() {
    let bench = Bench::with_demo().await;
    bench.ask("POST", "/v1/channels", Some(json!({"name": "other"}))).await;
    let body =
        json!({"scopes": ["operate"], "channel": "demo", "expires_at": soon(), "label": "ci"});
    let made = bench.ask("POST", "/v1/tokens", Some(body.clone())).await;
    let token = made.json["token"].as_str().unwrap();
    let ask =
        async |method, path, body| bench.ask_as(token, method, path, body).await.status.as_u16();
    assert_eq!(ask("GET", "/v1/channels/demo/keys", None).await, 200);
    assert_eq!(ask("GET", "/v1/channels/other/keys", None).await, 403);
    assert_eq!(ask("GET", "/v1/cluster", None).await, 403);
    let viewings = bench.ask_as(token, "GET", "/v1/viewings?limit=1", None).await;
    assert_eq!(viewings.json.as_array().map(Vec::len), Some(1), "{}", viewings.json);
    let elsewhere = bench.ask_as(token, "GET", "/v1/viewings?channel=other", None).await;
    assert_eq!(elsewhere.json, json!([]));
    assert_eq!(ask("POST", "/v1/tokens", Some(body)).await, 403);
    let me = bench.ask_as(token, "GET", "/v1/auth/me", None).await.json;
    assert_eq!((&me["account"]["name"], &me["token"]["label"]), (&"operator".into(), &"ci".into()));
    let id = made.json["id"].as_str().unwrap();
    assert_eq!(bench.ask("DELETE", &format!("/v1/tokens/{id}"), None).await.status, 200);
    assert_eq!(ask("GET", "/v1/auth/me", None).await, 401);
    assert_eq!(bench.ask("DELETE", &format!("/v1/tokens/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn a_disabled_account_and_one_that_was_logged_out_have_no_token_left() {
    let bench = Bench::with_demo().await;
    for (name, verb) in [("alice", "disable"), ("bobby", "log-out")] {
        let token = bench.somebody(name, &[AccountRole::Operator], &["all"]).await;
        let me = async || bench.ask_as(&token, "GET", "/v1/auth/me", None).await.status.as_u16();
        let path = format!("/v1/accounts/{name}/{verb}");
        assert_eq!(bench.ask("POST", &format!("{path}?dry_run=true"), None).await.status, 200);
        assert_eq!(me().await, 200, "a dry run");
        assert_eq!(bench.ask("POST", &path, None).await.status, 200);
        assert_eq!(me().await, 401, "{verb}");
    }
    let founder = bench.ask("POST", "/v1/accounts/operator/disable", None).await;
    assert_eq!(founder.status, StatusCode::CONFLICT);
    // Whoever has no rights over others may still end his own.
    let carol = bench.somebody("carol", &[AccountRole::Viewer], &["all"]).await;
    let out = async |path| bench.ask_as(&carol, "POST", path, None).await.status.as_u16();
    assert_eq!(out("/v1/accounts/alice/log-out").await, 403);
    assert_eq!(out("/v1/accounts/carol/log-out").await, 200);
}

#[tokio::test]
async fn accounts_are_made_listed_in_pages_and_changed_and_no_hash_is_ever_shown() {
    let bench = Bench::new();
    let password = "correct horse battery";
    for name in ["alice", "bobby", "carol"] {
        let body = json!({"name": name, "roles": ["viewer"], "password": password});
        let made = bench.ask("POST", "/v1/accounts", Some(body)).await;
        assert_eq!((made.status.as_u16(), &made.json["password"]), (201, &true.into()));
    }
    let first = bench.ask("GET", "/v1/accounts?limit=2", None).await.json;
    let second = bench.ask("GET", "/v1/accounts?limit=2&after=bobby", None).await.json;
    let names = |page: &Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(
        (names(&first), names(&second)),
        (vec!["alice".into(), "bobby".into()], vec!["carol".into(), "operator".into()],)
    );
    let changed =
        bench.ask("PUT", "/v1/accounts/alice/roles", Some(json!({"roles": ["auditor"]}))).await;
    assert_eq!(changed.json["roles"], json!(["auditor"]));
    let body = json!({"password": "another horse battery"});
    assert_eq!(bench.ask("PUT", "/v1/accounts/alice/password", Some(body)).await.status, 200);
    let shown = bench.ask("GET", "/v1/accounts/alice", None).await.json;
    let events = serde_json::to_string(&bench.ctx.events.newest(100)).unwrap();
    for text in [first.to_string(), shown.to_string(), events] {
        assert!(!text.contains("argon2") && !text.contains("horse"), "{text}");
    }
    let kinds = bench.kinds();
    for kind in ["account.created", "account.roles_changed", "account.password_changed"] {
        assert!(kinds.iter().any(|one| one == kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_an_account_or_a_token_is_refused_in_words() {
    let bench = Bench::with_demo().await;
    let year = crate::actors::clock::now().plus_ms(API_TOKEN_MS_MAX + 60_000).to_string();
    for (method, path, body, status) in [
        ("POST", "/v1/accounts", json!({"name": "a"}), 400),
        ("POST", "/v1/accounts", json!({"name": "admin"}), 400),
        ("POST", "/v1/accounts", json!({"name": "alice", "password": "short"}), 400),
        ("POST", "/v1/accounts", json!({"name": "alice", "roles": ["pope"]}), 400),
        ("POST", "/v1/accounts", json!({"name": "operator"}), 400),
        ("PUT", "/v1/accounts/operator/roles", json!({"roles": ["viewer"]}), 409),
        ("PUT", "/v1/accounts/nobody_here/roles", json!({"roles": []}), 404),
        ("POST", "/v1/tokens", json!({"scopes": [], "expires_at": soon()}), 400),
        ("POST", "/v1/tokens", json!({"scopes": ["rad"], "expires_at": soon()}), 400),
        ("POST", "/v1/tokens", json!({"scopes": ["token.create"], "expires_at": soon()}), 400),
        ("POST", "/v1/tokens", json!({"scopes": ["all"], "expires_at": year}), 400),
        ("POST", "/v1/tokens", json!({"scopes": ["all"]}), 400),
        (
            "POST",
            "/v1/tokens",
            json!({"scopes": ["read"], "channel": "no", "expires_at": soon()}),
            404,
        ),
        ("POST", "/v1/auth/can-i", json!({"action": "fly"}), 400),
        ("POST", "/v1/channels", json!({"name": "x", "owner": "nobody_here"}), 404),
    ] {
        let answer = bench.ask(method, path, Some(body.clone())).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body} {}", answer.json);
        assert!(answer.json["message"].as_str().unwrap().len() > 10);
    }
}

#[tokio::test]
async fn one_may_ask_what_one_may_and_of_others_whoever_may_read_them() {
    let bench = Bench::with_demo().await;
    let alice = bench.somebody("alice", &[AccountRole::Streamer], &["all"]).await;
    bench.ask("POST", "/v1/channels", Some(json!({"name": "hers", "owner": "alice"}))).await;
    for (action, channel, allowed) in [
        ("key.create", Some("hers"), true),
        ("key.create", Some("demo"), false),
        ("key.create", None, false),
        ("wallet.read", None, true),
        ("cluster.change", None, false),
    ] {
        let body = json!({"action": action, "channel": channel});
        let own = bench.ask_as(&alice, "POST", "/v1/auth/can-i", Some(body.clone())).await.json;
        assert_eq!(own["allowed"], allowed, "{own}");
        let body = json!({"action": action, "channel": channel, "account": "alice"});
        let asked = bench.ask("POST", "/v1/auth/can-i", Some(body.clone())).await.json;
        assert_eq!(asked, own);
        let other = json!({"action": action, "account": "operator"});
        let refused = bench.ask_as(&alice, "POST", "/v1/auth/can-i", Some(other)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}
