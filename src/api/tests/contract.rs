//! What holds for every route.

use std::collections::BTreeSet;

use super::*;

/// Every route of the API; the description must list the same.
const ROUTES: [(&str, &str); 88] = [
    ("GET", "/v1/accounts"),
    ("POST", "/v1/accounts"),
    ("GET", "/v1/accounts/{id}"),
    ("POST", "/v1/accounts/{id}/disable"),
    ("POST", "/v1/accounts/{id}/enable"),
    ("POST", "/v1/accounts/{id}/log-out"),
    ("PUT", "/v1/accounts/{id}/password"),
    ("PUT", "/v1/accounts/{id}/roles"),
    ("GET", "/v1/actors"),
    ("GET", "/v1/actors/{kind}/{key}/explain"),
    ("POST", "/v1/actors/{kind}/{key}/move"),
    ("GET", "/v1/approvals"),
    ("POST", "/v1/approvals/{id}/confirm"),
    ("POST", "/v1/approvals/{id}/reject"),
    ("POST", "/v1/auth/can-i"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/auth/me"),
    ("GET", "/v1/channels"),
    ("POST", "/v1/channels"),
    ("GET", "/v1/channels/{name}"),
    ("DELETE", "/v1/channels/{name}"),
    ("GET", "/v1/channels/{name}/access"),
    ("PUT", "/v1/channels/{name}/access"),
    ("GET", "/v1/channels/{name}/keys"),
    ("POST", "/v1/channels/{name}/keys"),
    ("DELETE", "/v1/channels/{name}/keys/{id}"),
    ("POST", "/v1/channels/{name}/keys/{id}/rotate"),
    ("GET", "/v1/channels/{name}/memberships"),
    ("POST", "/v1/channels/{name}/memberships"),
    ("DELETE", "/v1/channels/{name}/memberships/{account}/renewal"),
    ("GET", "/v1/cluster"),
    ("GET", "/v1/cluster/check"),
    ("POST", "/v1/cluster/rebalance"),
    ("GET", "/v1/events"),
    ("GET", "/v1/ledger"),
    ("GET", "/v1/ledger/export"),
    ("GET", "/v1/ledger/records"),
    ("GET", "/v1/ledger/records/{seq}"),
    ("GET", "/v1/ledger/trial-balance"),
    ("GET", "/v1/ledger/verification"),
    ("POST", "/v1/ledger/verification"),
    ("GET", "/v1/links"),
    ("GET", "/v1/nodes"),
    ("GET", "/v1/nodes/invites"),
    ("POST", "/v1/nodes/invites"),
    ("DELETE", "/v1/nodes/invites/{id}"),
    ("GET", "/v1/nodes/{id}"),
    ("POST", "/v1/nodes/{id}/{change}"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/payouts"),
    ("POST", "/v1/payouts"),
    ("POST", "/v1/payouts/{id}/fail"),
    ("POST", "/v1/payouts/{id}/paid"),
    ("POST", "/v1/playback-tokens"),
    ("GET", "/v1/providers"),
    ("GET", "/v1/providers/{name}"),
    ("POST", "/v1/providers/{name}/events/{event}/dismiss"),
    ("POST", "/v1/refunds"),
    ("GET", "/v1/replicas"),
    ("GET", "/v1/sessions"),
    ("POST", "/v1/sessions"),
    ("GET", "/v1/sessions/{id}"),
    ("POST", "/v1/sessions/{id}/end"),
    ("POST", "/v1/sessions/{id}/join"),
    ("POST", "/v1/sessions/{id}/leave"),
    ("GET", "/v1/status"),
    ("GET", "/v1/streams"),
    ("GET", "/v1/streams/{channel}"),
    ("GET", "/v1/streams/{channel}/explain"),
    ("POST", "/v1/streams/{channel}/kick"),
    ("GET", "/v1/ticket-events"),
    ("POST", "/v1/ticket-events"),
    ("POST", "/v1/ticket-events/{id}/end"),
    ("POST", "/v1/ticket-events/{id}/tickets"),
    ("POST", "/v1/tips"),
    ("GET", "/v1/tokens"),
    ("POST", "/v1/tokens"),
    ("DELETE", "/v1/tokens/{id}"),
    ("POST", "/v1/topups"),
    ("GET", "/v1/version"),
    ("GET", "/v1/viewings"),
    ("POST", "/v1/viewings/{id}/kick"),
    ("GET", "/v1/wallets/{account}"),
    ("POST", "/v1/wallets/{account}/credit"),
    ("POST", "/v1/wallets/{account}/freeze"),
    ("POST", "/v1/wallets/{account}/unfreeze"),
    ("GET", "/v1/wallets/{account}/statement"),
    ("POST", "/v1/webhooks/{provider}"),
];

/// Need no token, and answer everybody.
pub(super) const OPEN: [&str; 2] = ["/v1/openapi.json", "/v1/version"];

/// Change nothing that is stored: a question with a body, a token that is signed, and looking at every record again.
const QUESTIONS: [&str; 3] = ["/v1/auth/can-i", "/v1/ledger/verification", "/v1/playback-tokens"];

/// Believes signatures and no tokens; events are facts, and nobody rehearses them.
pub(super) const SIGNED: &str = "/v1/webhooks/{provider}";

pub(super) fn filled(path: &str) -> String {
    let id = match path {
        path if path.contains("viewings") => "view_0000000000000001",
        path if path.contains("sessions") => "ses_0000000000000001",
        path if path.contains("tokens") => "tok_0000000000000001",
        _ => "key_0000000000000001",
    };
    let path = path.replace("{change}", "cordon").replace("{kind}", "stream");
    path.replace("{key}", "demo")
        .replace("{name}", "nobody")
        .replace("{channel}", "nobody")
        .replace("{provider}", "nobody")
        .replace("{event}", "00000000000000000000000000000001")
        .replace("{id}", id)
}

#[tokio::test]
async fn the_description_lists_every_route_and_no_other() {
    let bench = Bench::new();
    let answer = bench.ask("GET", "/v1/openapi.json", None).await;
    let mut described = BTreeSet::new();
    for (path, item) in answer.json["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let expected = ROUTES.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(described, BTreeSet::from(expected));
    let schemas = &answer.json["components"]["schemas"];
    assert!(schemas["StreamInfo"].is_object());
    assert!(schemas["StreamExplanation"]["properties"]["placement"].is_object());
}

#[tokio::test]
async fn every_change_is_described_with_its_dry_run_and_every_path_with_its_parts() {
    let described = serde_json::to_value(openapi::openapi()).unwrap();
    for (method, path) in ROUTES {
        let operation = &described["paths"][path][method.to_lowercase()];
        let none = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&none);
        let names: Vec<&str> = parameters.iter().map(|one| one["name"].as_str().unwrap()).collect();
        if method != "GET" && !QUESTIONS.contains(&path) && path != SIGNED {
            assert!(names.contains(&"dry_run"), "{method} {path}: {names:?}");
        }
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let part = part.trim_end_matches('}');
            assert!(names.contains(&part), "{method} {path}: {names:?}");
        }
    }
}

#[tokio::test]
async fn every_route_needs_the_token_but_version_and_description() {
    let bench = Bench::new();
    for (method, path) in ROUTES.into_iter().filter(|(_, path)| *path != SIGNED) {
        let path = filled(path);
        for bearer in [None, Some("Bearer wrong"), Some("Basic b3A6b3A="), Some("Bearer")] {
            let mut request = Request::builder().method(method).uri(&path);
            if let Some(bearer) = bearer {
                request = request.header(header::AUTHORIZATION, bearer);
            }
            let answer = read(bench.send(request.body(Body::empty()).unwrap()).await).await;
            if OPEN.contains(&path.as_str()) {
                assert_eq!(answer.status, StatusCode::OK, "{path}");
                continue;
            }
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {bearer:?}");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(answer.json["code"], "unauthorized");
            assert!(answer.json["hint"].as_str().unwrap().contains("operator.token"));
        }
    }
    assert!(bench.told().is_empty());
}

#[tokio::test]
async fn every_refusal_is_one_json_object_with_the_request_id_of_its_header() {
    let bench = Bench::with_demo().await;
    let long = format!("/v1/channels/demo?reason={}", "x".repeat(201));
    for (method, path, body, status, code) in [
        ("GET", "/v2/nothing", None, 404, "not_found"),
        ("PUT", "/v1/status", None, 405, "invalid"),
        ("GET", "/v1/channels/nobody", None, 404, "not_found"),
        ("GET", "/v1/channels/Not%20A%20Name", None, 400, "invalid"),
        ("DELETE", "/v1/channels/demo/keys/view_0000000000000001", None, 400, "invalid"),
        ("DELETE", "/v1/channels/demo/keys/key_0000000000000001", None, 404, "not_found"),
        ("DELETE", "/v1/channels/demo?dryrun=true", None, 400, "invalid"),
        ("DELETE", "/v1/channels/demo?dry_run=maybe", None, 400, "invalid"),
        ("DELETE", &long, None, 400, "invalid"),
        ("POST", "/v1/channels", None, 400, "invalid"),
        ("POST", "/v1/channels", Some(json!({"name": "a b"})), 400, "invalid"),
        ("POST", "/v1/channels", Some(json!({"name": "a", "colour": "red"})), 400, "invalid"),
        ("POST", "/v1/channels", Some(json!({"name": "a", "title": "x\ny"})), 400, "invalid"),
        ("POST", "/v1/channels", Some(json!({"name": "demo"})), 409, "conflict"),
        ("POST", "/v1/channels", Some(json!({"name": "x".repeat(20_000)})), 400, "invalid"),
        ("GET", "/v1/events?since=x", None, 400, "invalid"),
        ("GET", "/v1/streams/nobody/explain", None, 404, "not_found"),
    ] {
        let answer = bench.ask(method, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {}", answer.json);
        assert_eq!(answer.json["code"], code, "{method} {path}");
        assert!(!answer.json["message"].as_str().unwrap().is_empty());
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(answer.json["request_id"], id, "{method} {path}");
    }
    assert!(bench.ctx.store.channel(&"demo".parse().unwrap()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let bench = Bench::new();
    let endless = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let request = bench.request("POST", "/v1/channels").body(Body::from_stream(endless)).unwrap();
    let answer = read(bench.send(request).await).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.json["code"], "timeout");
}

#[tokio::test]
async fn a_panic_in_a_handler_is_an_answer_and_not_a_dead_connection() {
    let mut bench = Bench::new();
    bench.ctx.status = Arc::new(|| Box::pin(async { panic!("on purpose") }));
    let answer = bench.ask("GET", "/v1/status", None).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json["code"], "internal");
}

#[tokio::test]
async fn the_listener_serves_and_ends_with_the_node() {
    let bench = Bench::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = bench.ctx.tasks.clone();
    let served = tasks.spawn("api listener", {
        let ctx = bench.ctx.clone();
        move |_| serve(listener, ctx)
    });
    let answer = reqwest::get(format!("http://{address}/v1/version")).await.unwrap();
    assert_eq!(answer.status(), 200);
    tasks.shutdown(std::time::Duration::from_secs(5)).await;
    served.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
