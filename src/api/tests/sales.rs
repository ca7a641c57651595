//! What is sold in public over the API: who says what it costs, who buys, who sees who has bought.

use weir_model::AccountRole;

use super::*;

/// Bench with the streamer `star`, her channel `hers`, and the viewers `fan`, who has 20.00, and `other`; their tokens.
async fn stage() -> (Bench, [String; 3]) {
    let bench = Bench::new();
    let star = bench.somebody("star", &[AccountRole::Streamer], &["all"]).await;
    let fan = bench.somebody("fan", &[AccountRole::Viewer], &["all"]).await;
    let other = bench.somebody("other", &[AccountRole::Viewer], &["all"]).await;
    for (channel, owner) in [("hers", "star"), ("demo", "operator")] {
        let body = json!({"name": channel, "owner": owner});
        assert_eq!(bench.ask("POST", "/v1/channels", Some(body)).await.status, StatusCode::CREATED);
    }
    let fan_id = bench.ctx.store.account("fan").unwrap().id;
    bench.top_up(fan_id, 2_000).await;
    (bench, [star, fan, other])
}

fn members() -> Value {
    json!({"kind": "members", "price": "4.99", "period_secs": 60})
}

#[tokio::test]
async fn a_streamer_says_what_her_own_channel_costs() {
    let (bench, [star, fan, _]) = stage().await;
    let put = async |token: &str, path: &str, body: Value| {
        bench.ask_as(token, "PUT", path, Some(body)).await
    };
    let hers = "/v1/channels/hers/access";
    let dry = put(&star, &format!("{hers}?dry_run=true"), members()).await;
    assert_eq!((dry.status, &dry.json["access"]["price"]), (StatusCode::OK, &json!("4.99")));
    assert_eq!(bench.ask_as(&fan, "GET", hers, None).await.json, json!({"kind": "public"}));
    let set = put(&star, hers, json!({"kind": "members", "price": "5", "period_secs": 60})).await;
    assert_eq!(set.json["access"]["price"], "5.00", "{}", set.json);
    assert_eq!(bench.ask_as(&fan, "GET", hers, None).await.json["kind"], "members");
    for (token, path, body, status) in [
        (&star, "/v1/channels/demo/access", members(), 403),
        (&fan, hers, members(), 403),
        (&star, hers, json!({"kind": "members", "price": "0", "period_secs": 60}), 400),
        (&star, hers, json!({"kind": "members", "price": "1.00", "period_secs": 59}), 400),
        (&star, hers, json!({"kind": "ticket", "event": "0".repeat(31) + "9"}), 404),
        (&star, hers, json!({"kind": "sold"}), 400),
    ] {
        let refused = put(token, path, body.clone()).await;
        assert_eq!(refused.status.as_u16(), status, "{body} {}", refused.json);
    }
}

#[tokio::test]
async fn whoever_joins_pays_the_price_that_he_saw_and_only_from_his_own_wallet() {
    let (bench, [star, fan, other]) = stage().await;
    let path = "/v1/channels/hers/memberships";
    let join = async |token: &str, body: Value| {
        bench.ask_as(token, "POST", &format!("{path}?dry_run=true"), Some(body)).await
    };
    let public = join(&fan, json!({"price": "4.99"})).await;
    assert_eq!(public.status, StatusCode::CONFLICT, "{}", public.json);
    bench.ask_as(&star, "PUT", "/v1/channels/hers/access", Some(members())).await;
    let paid = join(&fan, json!({"price": "4.99", "renew": true})).await;
    assert_eq!((paid.status, &paid.json["amount"]), (StatusCode::OK, &json!("4.99")));
    let charge = paid.json["charge"].as_str().unwrap();
    assert!(charge.starts_with("period:") && charge.ends_with(":1"), "{charge}");
    let gift = join(&fan, json!({"price": "4.99", "to": ["other", "star"]})).await;
    assert_eq!((gift.status, &gift.json["amount"]), (StatusCode::OK, &json!("9.98")));
    for (token, body, status) in [
        (&fan, json!({"price": "4.98"}), 409),
        (&fan, json!({"price": "4.99", "account": "other"}), 403),
        (&fan, json!({"price": "4.99", "to": ["nobody"]}), 404),
        (&fan, json!({"price": "4.99", "to": ["other"], "renew": true}), 400),
        (&fan, json!({"price": "4.99", "to": ["other", "other"]}), 400),
        (&other, json!({"price": "4.99"}), 409),
        (&star, json!({"price": "4.99"}), 403),
        (&fan, json!({}), 400),
    ] {
        let refused = join(token, body.clone()).await;
        assert_eq!(refused.status.as_u16(), status, "{body} {}", refused.json);
    }
    assert_eq!(bench.ask_as(&fan, "GET", path, None).await.json, json!([]), "nothing was done");
}

#[tokio::test]
async fn an_event_is_opened_and_ended_by_whoever_it_pays() {
    let (bench, [star, fan, _]) = stage().await;
    let id = "0".repeat(31) + "9";
    let open = json!({"id": id, "channel": "hers", "price": "3.00", "capacity": 9});
    for token in [&star, &fan] {
        let elsewhere = json!({"channel": "demo", "price": "3.00", "capacity": 9});
        let refused = bench.ask_as(token, "POST", "/v1/ticket-events", Some(elsewhere)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let opened = bench.ask_as(&star, "POST", "/v1/ticket-events", Some(open)).await;
    assert_eq!((opened.status, &opened.json["id"]), (StatusCode::OK, &json!(id)));
    let set = json!({"kind": "ticket", "event": id});
    let demo = bench.ask("PUT", "/v1/channels/demo/access", Some(set.clone())).await;
    assert_eq!(demo.status, StatusCode::CONFLICT, "it pays somebody else: {}", demo.json);
    let hers = bench.ask_as(&star, "PUT", "/v1/channels/hers/access", Some(set)).await;
    assert_eq!(hers.json["access"]["price"], "3.00", "{}", hers.json);
    let buy = format!("/v1/ticket-events/{id}/tickets?dry_run=true");
    let ticket = bench.ask_as(&fan, "POST", &buy, None).await;
    assert_eq!((ticket.status, &ticket.json["available"]), (StatusCode::OK, &json!("17.00")));
    let end = format!("/v1/ticket-events/{id}/end");
    assert_eq!(bench.ask_as(&fan, "POST", &end, None).await.status, StatusCode::FORBIDDEN);
    let ended = bench.ask_as(&star, "POST", &end, Some(json!({"cancelled": true}))).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.json);
    let list = bench.ask_as(&fan, "GET", "/v1/ticket-events", None).await.json;
    assert_eq!((&list[0]["state"], &list[0]["sold"]), (&json!("cancelled"), &json!(0)));
}

#[tokio::test]
async fn a_playback_token_is_for_a_while_and_for_a_channel_that_there_is() {
    let (bench, [_, fan, _]) = stage().await;
    let ask =
        async |body: Value| bench.ask_as(&fan, "POST", "/v1/playback-tokens", Some(body)).await;
    let made = ask(json!({"channel": "hers"})).await;
    let url = "http://127.0.0.1:8080/live/hers/index.m3u8?v=hers-token";
    assert_eq!((made.status, &made.json["playlist_url"]), (StatusCode::OK, &json!(url)));
    let at = |ms| crate::actors::clock::now().plus_ms(ms).to_string();
    for (body, status) in [
        (json!({"channel": "none"}), 404),
        (json!({"channel": "hers", "expires_at": at(-1)}), 400),
        (json!({"channel": "hers", "expires_at": at(90_000_000)}), 400),
        (json!({"channel": "hers", "expires_at": at(3_600_000)}), 200),
    ] {
        assert_eq!(ask(body.clone()).await.status.as_u16(), status, "{body}");
    }
}
