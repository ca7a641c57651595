//! Private sessions over the API: who offers, who joins, who sees what, and what it costs until now.

use serde_json::value::RawValue;
use weir_ledger::meter::Halt;
use weir_model::{AccountId, AccountRole};
use weir_session::{Command, Settled, Standing};

use super::*;
use crate::store::{Asking, Proposer, StoreError};

/// The log of a cluster of one: what is proposed is made at once.
pub(super) struct Log(pub(super) Store, pub(super) Mutex<u64>);

impl Log {
    fn entry(&self, command: Box<RawValue>) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>> {
        let index = {
            let mut index = self.1.lock();
            *index += 1;
            *index
        };
        let asking = Asking { id: (1, 1, index), since: 0, command };
        Box::pin(async move {
            let replies = self.0.directory().apply(vec![(index, vec![asking])], Vec::new()).await?;
            Ok(replies.into_iter().flatten().next().unwrap())
        })
    }
}

impl Proposer for Log {
    fn propose(
        &self,
        command: Box<RawValue>,
        _: bool,
    ) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>> {
        self.entry(command)
    }

    fn decide(&self, command: Box<RawValue>) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>> {
        self.entry(command)
    }
}

/// Bench with the streamer `star`, her channel `hers`, and the viewers `fan` and `other`; tokens in that order.
async fn stage() -> (Bench, [String; 3]) {
    let bench = Bench::new();
    bench.ctx.store.attach(Arc::new(Log(bench.ctx.store.clone(), Mutex::default())));
    let star = bench.somebody("star", &[AccountRole::Streamer], &["all"]).await;
    let fan = bench.somebody("fan", &[AccountRole::Viewer], &["all"]).await;
    let other = bench.somebody("other", &[AccountRole::Viewer], &["all"]).await;
    let made =
        bench.ask("POST", "/v1/channels", Some(json!({"name": "hers", "owner": "star"}))).await;
    assert_eq!(made.status, StatusCode::CREATED);
    (bench, [star, fan, other])
}

fn offer() -> Value {
    json!({"channel": "hers", "rate": "6.00", "min_seconds": 60, "free_seconds": 10,
        "onlookers": {"rate": "0.60", "places": 5}})
}

impl Bench {
    async fn offered(&self, token: &str, body: Value) -> String {
        let made = self.ask_as(token, "POST", "/v1/sessions", Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
        format!("/v1/sessions/{}", made.json["id"].as_str().unwrap())
    }
}

#[tokio::test]
async fn a_streamer_offers_on_her_own_channel_and_a_viewer_joins_for_himself() {
    let (bench, [star, fan, _]) = stage().await;
    bench.ask("POST", "/v1/channels", Some(json!({"name": "demo"}))).await;
    let elsewhere = json!({"channel": "demo", "rate": "6.00"});
    let refused = bench.ask_as(&star, "POST", "/v1/sessions", Some(elsewhere)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.json);
    let refused = bench.ask_as(&fan, "POST", "/v1/sessions", Some(offer())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let path = bench.offered(&star, offer()).await;
    let shown = bench.ask_as(&fan, "GET", &path, None).await.json;
    let said =
        (&shown["state"], &shown["currency"], &shown["fee_bps"], &shown["prices"][1]["rate"]);
    assert_eq!(said, (&json!("offered"), &json!("EUR"), &json!(3_000), &json!("0.60")));
    assert_eq!(shown["prices"][0]["count"], "second");
    for (body, status) in [
        (json!({"rate": "5.99", "cap": "20"}), 409),
        (json!({"rate": "6.00", "cap": "0"}), 400),
        (json!({"rate": "6.00", "cap": "20", "price": "vip"}), 400),
        (json!({"rate": "6.00", "cap": "20", "account": "other"}), 403),
        (json!({"rate": "6.00"}), 400),
    ] {
        let refused = bench.ask_as(&fan, "POST", &format!("{path}/join"), Some(body.clone())).await;
        assert_eq!(refused.status.as_u16(), status, "{body} {}", refused.json);
    }
    let body = json!({"rate": "6", "cap": "20.00"});
    let joined = bench.ask_as(&fan, "POST", &format!("{path}/join?reason=hi"), Some(body)).await;
    let party = &joined.json["parties"][0];
    assert_eq!(
        (&party["name"], &party["cap"], &party["settled"]),
        (&json!("fan"), &json!("20.00"), &json!(false))
    );
    assert!(party["charge"].as_str().unwrap().starts_with("session:"), "{party}");
    assert_eq!(
        bench.kinds()[8..],
        ["session.offered", "session.joined"].map(String::from),
        "{:?}",
        bench.kinds()
    );
}

#[tokio::test]
async fn an_operator_joins_anybody_and_others_see_only_what_is_theirs() {
    let (bench, [star, fan, other]) = stage().await;
    let path = bench.offered(&star, offer()).await;
    for name in ["fan", "other"] {
        let price = if name == "fan" { ("guest", "6.00") } else { ("onlooker", "0.60") };
        let body = json!({"account": name, "price": price.0, "rate": price.1, "cap": "20.00"});
        let joined = bench.ask("POST", &format!("{path}/join"), Some(body)).await;
        assert_eq!(joined.status, StatusCode::OK, "{}", joined.json);
    }
    let parties = async |token: &str| -> usize {
        let shown = bench.ask_as(token, "GET", &path, None).await;
        shown.json["parties"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((parties(&star).await, parties(&fan).await, parties(&other).await), (2, 1, 1));
    let nobody = bench.somebody("nobody_yet", &[AccountRole::Viewer], &["all"]).await;
    assert_eq!(bench.ask_as(&nobody, "GET", &path, None).await.json["parties"], json!([]));
    let body = json!({"channel": "hers"});
    assert_eq!(bench.ask_as(&star, "POST", &format!("{path}/end"), Some(body)).await.status, 200);
    let hidden = bench.ask_as(&nobody, "GET", &path, None).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "it is over and was not his");
    assert_eq!(bench.ask_as(&nobody, "GET", "/v1/sessions", None).await.json, json!([]));
    let listed =
        bench.ask_as(&fan, "GET", "/v1/sessions?channel=hers&state=ended", None).await.json;
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["ended_why"]),
        (1, &json!("streamer"))
    );
    assert_eq!(bench.ask("GET", "/v1/sessions?state=over", None).await.status, 400);
    assert_eq!(bench.ask("GET", "/v1/sessions?state=live", None).await.json, json!([]));
}

#[tokio::test]
async fn a_running_session_says_what_it_cost_until_now_and_one_that_ended_has_receipts() {
    let (bench, [star, fan, _]) = stage().await;
    let path = bench.offered(&star, offer()).await;
    let body = json!({"rate": "6.00", "cap": "20.00"});
    let joined = bench.ask_as(&fan, "POST", &format!("{path}/join"), Some(body)).await.json;
    let account: AccountId = joined["parties"][0]["account"].as_str().unwrap().parse().unwrap();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let standing = Standing {
        billed: 250,
        delivered_ms: 35_900,
        paused: Some(Halt::StreamerGone),
        left_s: None,
    };
    bench.boards.0.lock().insert(account, standing);
    let shown = bench.ask_as(&star, "GET", &path, None).await.json;
    let party = &shown["parties"][0];
    assert_eq!((&party["billed"], &party["delivered_seconds"]), (&json!("2.50"), &json!(35)));
    assert_eq!((&party["paused"], &party["left_seconds"]), (&json!("streamer_gone"), &json!(0)));
    let listed = bench.ask_as(&star, "GET", "/v1/sessions", None).await.json;
    assert_eq!(listed[0]["parties"][0]["billed"], "2.50", "a list says it too: {listed}");
    // With money in the wallet it lasts until what was agreed at most is spent: 17.50 at 10 cents a second.
    bench.top_up(account, 10_000).await;
    let shown = bench.ask_as(&star, "GET", &path, None).await.json;
    assert_eq!(shown["parties"][0]["left_seconds"], 175);
    let left = bench.ask_as(&fan, "POST", &format!("{path}/leave"), None).await.json;
    assert_eq!(
        (&left["parties"][0]["left_why"], &left["parties"][0]["billed"]),
        (&json!("viewer"), &Value::Null)
    );
    let settled = Settled { billed: 600, delivered_ms: 36_000 };
    let settle = Command::Settle { session: id, party: 0, settled };
    bench.ctx.store.change_session(settle).await.unwrap();
    let ended = bench.ask("POST", &format!("{path}/end"), None).await.json;
    let party = &ended["parties"][0];
    assert_eq!((&party["billed"], &party["settled"]), (&json!("6.00"), &json!(true)));
    assert_eq!((&ended["state"], &ended["ended_why"]), (&json!("ended"), &json!("operator")));
    let again = bench.ask("POST", &format!("{path}/end"), None).await;
    assert_eq!((again.status, &again.json["ended_at"]), (StatusCode::OK, &ended["ended_at"]));
    let kinds = bench.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "session.ended").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn a_dry_run_of_a_session_answers_like_the_change_and_changes_nothing() {
    let (bench, [star, fan, _]) = stage().await;
    let tried = bench.ask_as(&star, "POST", "/v1/sessions?dry_run=true", Some(offer())).await;
    assert_eq!((tried.status, &tried.json["state"]), (StatusCode::OK, &json!("offered")));
    assert!(bench.ctx.store.sessions().is_empty());
    let path = bench.offered(&star, offer()).await;
    let kinds = bench.kinds();
    let busy = bench.ask_as(&star, "POST", "/v1/sessions?dry_run=true", Some(offer())).await;
    assert_eq!(busy.status, StatusCode::CONFLICT, "{}", busy.json);
    let body = json!({"rate": "6.00", "cap": "20.00"});
    let tried = bench.ask_as(&fan, "POST", &format!("{path}/join?dry_run=true"), Some(body)).await;
    assert_eq!(
        (tried.status, tried.json["parties"].as_array().map(Vec::len)),
        (StatusCode::OK, Some(1))
    );
    let tried = bench.ask_as(&star, "POST", &format!("{path}/end?dry_run=true"), None).await;
    assert_eq!((tried.status, &tried.json["state"]), (StatusCode::OK, &json!("ended")));
    let shown = bench.ask_as(&star, "GET", &path, None).await.json;
    assert_eq!((&shown["state"], &shown["parties"]), (&json!("offered"), &json!([])));
    assert_eq!(bench.kinds(), kinds);
}

#[tokio::test]
async fn what_cannot_be_a_session_is_refused_in_words() {
    let (bench, [_, fan, _]) = stage().await;
    let with = |name: &str, value: Value| {
        let mut body = offer();
        body[name] = value;
        body
    };
    for (body, status) in [
        (with("rate", json!("6.001")), 400),
        (with("rate", json!(6)), 400),
        (with("count", json!("hour")), 400),
        (with("places", json!(0)), 400),
        (with("min_seconds", json!(100_000)), 400),
        (with("channel", json!("nothing")), 404),
        (with("invited", json!(["nobody_here"])), 404),
        (with("colour", json!("red")), 400),
    ] {
        let refused = bench.ask("POST", "/v1/sessions", Some(body.clone())).await;
        assert_eq!(refused.status.as_u16(), status, "{body} {}", refused.json);
    }
    let path = bench.offered(&bench.token, with("invited", json!(["other", "other"]))).await;
    assert_eq!(
        bench.ask("GET", &path, None).await.json["invited"].as_array().map(Vec::len),
        Some(1)
    );
    let hidden = bench.ask_as(&fan, "GET", &path, None).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "who is not invited is not told");
    let stranger =
        bench.ask("POST", &format!("{path}/leave"), Some(json!({"account": "fan"}))).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND, "{}", stranger.json);
}
