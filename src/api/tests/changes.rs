//! What each change does, says and leaves behind.

use super::*;

#[tokio::test]
async fn a_channel_is_made_shown_and_deleted_with_an_event_each() {
    let bench = Bench::new();
    let body = json!({"name": "studio", "title": "Studio One"});
    let made = bench.ask("POST", "/v1/channels?reason=asked", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json["title"], "Studio One");

    let listed = bench.ask("GET", "/v1/channels", None).await;
    assert_eq!(listed.json, json!([made.json]));
    let shown = bench.ask("GET", "/v1/channels/studio", None).await;
    assert_eq!(shown.json["watch_url"], "http://127.0.0.1:8080/watch/studio");
    assert_eq!(shown.json["playlist_url"], "http://127.0.0.1:8080/live/studio/index.m3u8");
    assert_eq!(shown.json["stream"]["state"], "offline");
    assert_eq!(shown.json["keys"], json!([]));

    let deleted = bench.ask("DELETE", "/v1/channels/studio", None).await;
    assert_eq!((deleted.status, &deleted.json), (StatusCode::OK, &made.json));
    assert_eq!(bench.kinds(), ["channel.created", "channel.deleted"]);
    assert_eq!(bench.ctx.events.newest(2)[0].fields["reason"], "asked");
    assert_eq!(bench.told(), ["remove studio"]);
}

#[tokio::test]
async fn a_key_is_shown_once_and_works() {
    let bench = Bench::with_demo().await;
    let body = json!({"label": "obs", "expires_at": "2999-01-01T00:00:00Z"});
    let made = bench.ask("POST", "/v1/channels/demo/keys", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json["server"], "rtmp://127.0.0.1:1935/live");
    assert_eq!(made.json["expires_at"], "2999-01-01T00:00:00.000Z");
    let secret = made.json["key"].as_str().unwrap();
    assert!(bench.ctx.store.authenticate(secret, Timestamp(0)).is_ok());

    let listed = bench.ask("GET", "/v1/channels/demo/keys", None).await;
    assert_eq!(listed.json[0]["id"], made.json["id"]);
    assert_eq!(listed.json[0]["label"], "obs");
    for text in [listed.json.to_string(), format!("{:?}", bench.ctx.events.newest(9))] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn rotating_and_revoking_drop_the_publisher_of_the_old_key() {
    let bench = Bench::with_demo().await;
    let first = bench.ask("POST", "/v1/channels/demo/keys", None).await;
    let old = first.json["id"].as_str().unwrap();
    let path = format!("/v1/channels/demo/keys/{old}/rotate");
    let second = bench.ask("POST", &path, None).await;
    assert_eq!(second.status, StatusCode::CREATED);
    let new = second.json["id"].as_str().unwrap();
    let path = format!("/v1/channels/demo/keys/{new}");
    let revoked = bench.ask("DELETE", &path, None).await;
    assert!(revoked.json["revoked_at"].is_string());
    assert_eq!(bench.told(), [format!("withdraw demo {old}"), format!("withdraw demo {new}")]);
    let kinds = ["channel.created", "key.created", "key.rotated", "key.revoked"];
    assert_eq!(bench.kinds(), kinds);
    for made in [first, second] {
        let secret = made.json["key"].as_str().unwrap();
        assert!(bench.ctx.store.authenticate(secret, Timestamp(0)).is_err());
    }
}

#[tokio::test]
async fn a_dry_run_answers_like_the_change_and_leaves_nothing_behind() {
    let bench = Bench::with_demo().await;
    let made = bench.ask("POST", "/v1/channels/demo/keys", None).await;
    let key = format!("/v1/channels/demo/keys/{}", made.json["id"].as_str().unwrap());
    let before = (bench.kinds(), bench.ctx.store.keys(&"demo".parse().unwrap()).unwrap());
    for (method, path, body) in [
        ("POST", "/v1/channels", Some(json!({"name": "other"}))),
        ("DELETE", "/v1/channels/demo", None),
        ("POST", "/v1/channels/demo/keys", None),
        ("POST", &format!("{key}/rotate"), None),
        ("DELETE", &key, None),
        ("POST", "/v1/streams/demo/kick", None),
        ("POST", "/v1/viewings/view_0000000000000001/kick", None),
    ] {
        let answer = bench.ask(method, &format!("{path}?dry_run=true"), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path} {}", answer.json);
        assert!(answer.json["key"].as_str().is_none_or(str::is_empty), "{}", answer.json);
    }
    let after = (bench.kinds(), bench.ctx.store.keys(&"demo".parse().unwrap()).unwrap());
    assert_eq!(before, after);
    assert!(bench.told().is_empty());
    let conflict = json!({"name": "demo"});
    let answer = bench.ask("POST", "/v1/channels?dry_run=true", Some(conflict)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "a dry run checks everything");
}

#[tokio::test]
async fn streams_are_listed_explained_and_kicked() {
    let bench = Bench::with_demo().await;
    let listed = bench.ask("GET", "/v1/streams", None).await;
    assert_eq!(listed.json[0]["channel"], "demo");
    assert_eq!(listed.headers["x-weir-silent"], "west");
    let shown = bench.ask("GET", "/v1/streams/demo", None).await;
    assert_eq!(shown.json, listed.json[0]);
    let explained = bench.ask("GET", "/v1/streams/demo/explain", None).await;
    let first = explained.json["sentences"][0].as_str().unwrap();
    assert!(first.starts_with("Channel demo is live"), "{first}");
    let placement = bench.ask("GET", "/v1/actors/stream/demo/explain", None).await.json;
    assert_eq!(explained.json["placement"], placement);
    assert_eq!(placement["scores"].as_array().map(Vec::len), Some(2), "one for each node");

    let body = json!({"reason": "spam"});
    let kicked = bench.ask("POST", "/v1/streams/demo/kick", Some(body)).await;
    assert_eq!(kicked.json, json!({"kicked": "demo", "reason": "spam", "silent": ["west"]}));
    assert_eq!(bench.told(), ["kick demo spam"]);
    assert_eq!(bench.kinds(), ["channel.created", "stream.kicked"]);
}

#[tokio::test]
async fn kicking_a_stream_nobody_feeds_is_a_conflict() {
    let bench = Bench::new();
    bench.ask("POST", "/v1/channels", Some(json!({"name": "quiet"}))).await;
    for query in ["", "?dry_run=true"] {
        let answer = bench.ask("POST", &format!("/v1/streams/quiet/kick{query}"), None).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{query}");
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.ends_with("silent: west"), "{message}");
    }
    assert_eq!(bench.kinds(), ["channel.created"]);
}

#[tokio::test]
async fn viewings_are_listed_by_channel_and_kicked_by_id() {
    let bench = Bench::with_demo().await;
    let listed = bench.ask("GET", "/v1/viewings?channel=demo&limit=5", None).await;
    assert_eq!(listed.json[0]["id"], "view_0000000000000001");
    assert_eq!(bench.ask("GET", "/v1/viewings?limit=0", None).await.json, json!([]));
    let unknown = bench.ask("GET", "/v1/viewings?channel=nobody", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    let path = "/v1/viewings/view_0000000000000001/kick";
    let kicked = bench.ask("POST", path, Some(json!({"reason": "abuse"}))).await;
    assert_eq!((kicked.status, &kicked.json["silent"]), (StatusCode::OK, &json!(["west"])));
    assert_eq!(bench.told(), ["kick view_0000000000000001"]);
    let event = &bench.ctx.events.newest(1)[0];
    let told = ["viewing", "by", "reason"].map(|field| event.fields[field].as_str());
    assert_eq!(told, ["view_0000000000000001", "operator", "abuse"]);
    let gone = bench.ask("POST", "/v1/viewings/view_0000000000000002/kick", None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn status_and_version_answer() {
    let bench = Bench::new();
    assert_eq!(bench.ask("GET", "/v1/status", None).await.json["name"], "node-1");
    let version = bench.ask("GET", "/v1/version", None).await;
    assert_eq!(version.json, json!({"version": env!("CARGO_PKG_VERSION"), "api": "v1"}));
}
