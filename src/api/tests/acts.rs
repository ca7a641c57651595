//! What is done with money over the API: once, for whoever may, with a rehearsal before it.

use std::sync::atomic::Ordering;

use weir_ledger::request::{PayoutCommand, Provider, Refs};
use weir_ledger::row::PayoutState;
use weir_model::AccountRole;

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef";

/// Bench with the viewer `fan` who has 100.00, and the streamer `star` with channel `hers`; tokens in that order.
async fn stage() -> (Bench, [String; 2]) {
    let bench = Bench::new();
    let fan = bench.somebody("fan", &[AccountRole::Viewer], &["all"]).await;
    let star = bench.somebody("star", &[AccountRole::Streamer], &["all"]).await;
    bench.ask("POST", "/v1/channels", Some(json!({"name": "hers", "owner": "star"}))).await;
    let done = bench.act("/v1/wallets/fan/credit", json!({"amount": "100.00"})).await;
    assert_eq!((&done["what"], &done["available"]), (&json!("top-up"), &json!("100.00")));
    (bench, [fan, star])
}

impl Bench {
    /// Has it done by the operator.
    async fn act(&self, path: &str, body: Value) -> Value {
        let done = self.ask("POST", path, Some(body)).await;
        assert_eq!(done.status, StatusCode::OK, "{path} {}", done.json);
        done.json
    }

    async fn records(&self) -> u64 {
        self.ask("GET", "/v1/ledger", None).await.json["seq"].as_u64().unwrap()
    }

    async fn has(&self, account: &str, what: &str) -> Value {
        self.ask("GET", &format!("/v1/wallets/{account}"), None).await.json[what].clone()
    }
}

#[tokio::test]
async fn a_tip_is_split_with_the_platform_and_refunded_by_the_name_that_explain_prints() {
    let (bench, [fan, _]) = stage().await;
    let body = json!({"id": ID, "channel": "hers", "amount": "10", "message": "great song"});
    let tip = bench.ask_as(&fan, "POST", "/v1/tips", Some(body)).await.json;
    let said = (&tip["what"], &tip["seq"], &tip["replayed"], &tip["durability"], &tip["available"]);
    assert_eq!(said, (&json!("tip"), &json!(3), &json!(false), &json!("local"), &json!("90.00")));
    assert_eq!((&tip["id"], &tip["charge"]), (&json!(ID), &json!(format!("tip:{ID}"))));
    assert_eq!(bench.has("star", "pending").await, "7.00");
    let explained = bench.ask("GET", "/v1/ledger/records/3", None).await.json;
    let printed = format!("`weir refund` takes tip:{ID}.");
    assert!(explained["sentences"].to_string().contains(&printed), "{explained}");
    assert_eq!(
        (&explained["reason"], &explained["charges"]),
        (&json!("great song"), &json!([tip["charge"]]))
    );
    let part = json!({"charge": tip["charge"], "amount": "2.50"});
    assert_eq!(bench.act("/v1/refunds?reason=late", part).await["amount"], "2.50");
    let rest = bench.act("/v1/refunds", json!({"charge": tip["charge"]})).await;
    assert_eq!((&rest["amount"], &rest["available"]), (&json!("7.50"), &json!("100.00")));
    assert_eq!(bench.has("star", "pending").await, "0.00");
    let kinds = bench.kinds();
    for kind in ["wallet.credited", "tip.sent", "payment.refunded"] {
        assert!(kinds.iter().any(|one| one == kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn the_same_id_is_done_once_and_answers_as_it_did() {
    let (bench, [fan, _]) = stage().await;
    let body = json!({"id": ID, "channel": "hers", "amount": "10.00"});
    let once = bench.ask_as(&fan, "POST", "/v1/tips", Some(body.clone())).await.json;
    let records = bench.records().await;
    let again = bench.ask_as(&fan, "POST", "/v1/tips", Some(body.clone())).await.json;
    assert_eq!((&again["replayed"], &again["seq"]), (&json!(true), &once["seq"]));
    let tried = bench.ask_as(&fan, "POST", "/v1/tips?dry_run=true", Some(body)).await.json;
    assert_eq!((&tried["replayed"], &tried["changes"]), (&json!(true), &json!([])));
    let other = json!({"id": ID, "channel": "hers", "amount": "11.00"});
    let refused = bench.ask_as(&fan, "POST", "/v1/tips", Some(other)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.json["hint"].as_str().unwrap().contains("ledger explain 3"),
        "{}",
        refused.json
    );
    // A refund of all that is left is the same request when nothing is left any more, or less than was paid.
    let part = json!({"charge": once["charge"], "amount": "2.50"});
    bench.act("/v1/refunds", part).await;
    let back = json!({"id": "11111111-1111-1111-1111-111111111111", "charge": once["charge"]});
    assert_eq!(bench.act("/v1/refunds", back.clone()).await["amount"], "7.50");
    let told = bench.act("/v1/refunds", back).await;
    assert_eq!((&told["replayed"], &told["amount"]), (&json!(true), &json!("7.50")));
    assert_eq!(bench.records().await, records + 2);
    let sent = bench.kinds().iter().filter(|kind| *kind == "tip.sent").count();
    assert_eq!(sent, 1, "what is told again has happened once");
}

#[tokio::test]
async fn a_dry_run_shows_the_balances_before_and_after_and_changes_nothing() {
    let (bench, [fan, _]) = stage().await;
    let (records, kinds) = (bench.records().await, bench.kinds());
    let body = json!({"id": ID, "channel": "hers", "amount": "10.00"});
    let path = "/v1/tips?dry_run=true";
    let own = bench.ask_as(&fan, "POST", path, Some(body.clone())).await.json;
    assert_eq!((&own["seq"], &own["durability"]), (&json!(records + 1), &Value::Null));
    let shown = own["changes"].as_array().unwrap();
    assert_eq!(shown.len(), 1, "what others have is nobody else's business: {own}");
    assert!(shown[0]["account"].as_str().unwrap().ends_with(":wallet"));
    let body = json!({"id": ID, "channel": "hers", "amount": "10.00", "from": "fan"});
    let tried = bench.act(path, body).await;
    let changes = tried["changes"].as_array().unwrap();
    let of = |part: &str| {
        let one =
            changes.iter().find(|one| one["account"].as_str().unwrap().contains(part)).unwrap();
        (one["before"]["balance"].clone(), one["after"]["balance"].clone())
    };
    assert_eq!(of(":wallet"), (json!("100.00"), json!("90.00")));
    assert_eq!(of(":pending"), (json!("0.00"), json!("7.00")));
    assert_eq!(of("platform:fees"), (json!("0.00"), json!("3.00")));
    let tried = bench.act("/v1/wallets/fan/freeze?dry_run=true", json!({})).await;
    let standing = &tried["changes"][0];
    assert_eq!(
        (&standing["before"]["standing"], &standing["after"]["standing"]),
        (&json!("open"), &json!("frozen"))
    );
    let much = json!({"channel": "hers", "amount": "100.01", "from": "fan"});
    let refused = bench.ask("POST", "/v1/tips?dry_run=true", Some(much)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.json);
    assert_eq!((bench.records().await, bench.kinds()), (records, kinds));
}

#[tokio::test]
async fn a_gift_of_the_platform_is_spent_first_and_has_an_end() {
    let (bench, _) = stage().await;
    let end = crate::actors::clock::now().plus_ms(3 * 3_600_000).to_string();
    let given = bench
        .act("/v1/wallets/fan/credit", json!({"amount": "5.00", "grant": true, "expires_at": end}))
        .await;
    assert_eq!((&given["what"], &given["available"]), (&json!("grant"), &json!("105.00")));
    let tip = json!({"from": "fan", "channel": "hers", "amount": "4.00"});
    let tried = bench.act("/v1/tips?dry_run=true", tip).await;
    assert!(
        tried["changes"].to_string().contains(":promo")
            && !tried["changes"].to_string().contains(":wallet")
    );
    for body in [
        json!({"amount": "5.00", "expires_at": end}),
        json!({"amount": "0"}),
        json!({"amount": "5.00", "id": "7"}),
        json!({"amount": "5.00", "grant": true, "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        let refused = bench.ask("POST", "/v1/wallets/fan/credit", Some(body.clone())).await;
        assert!([400, 409].contains(&refused.status.as_u16()), "{body} {}", refused.json);
    }
}

#[tokio::test]
async fn what_is_frozen_pays_nothing_until_it_is_opened_again() {
    let (bench, [fan, _]) = stage().await;
    bench.act("/v1/wallets/fan/freeze?reason=stolen", json!({})).await;
    assert_eq!(bench.has("fan", "standing").await, "frozen");
    let tip = || Some(json!({"channel": "hers", "amount": "10.00"}));
    let refused = bench.ask_as(&fan, "POST", "/v1/tips", tip()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.json["hint"].as_str().unwrap().contains("unfreeze"), "{}", refused.json);
    bench.act("/v1/wallets/fan/unfreeze", json!({})).await;
    assert_eq!(bench.ask_as(&fan, "POST", "/v1/tips", tip()).await.status, 200);
    let wrong = bench.ask("POST", "/v1/wallets/fan/freeze", Some(json!({"of": "debt"}))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn everybody_spends_his_own_and_only_operators_move_what_is_others() {
    let (bench, [fan, star]) = stage().await;
    let tip = json!({"from": "star", "channel": "hers", "amount": "1.00"});
    let charge = format!("tip:{ID}");
    for (token, path, body) in [
        (&fan, "/v1/tips", tip),
        (&star, "/v1/tips", json!({"channel": "hers", "amount": "1.00"})),
        (&fan, "/v1/wallets/fan/credit", json!({"amount": "1.00"})),
        (&star, "/v1/refunds", json!({"charge": charge})),
        (&fan, "/v1/payouts", json!({"amount": "1.00"})),
        (&star, "/v1/payouts", json!({"amount": "1.00", "account": "fan"})),
    ] {
        let refused = bench.ask_as(token, "POST", path, Some(body.clone())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {body} {}", refused.json);
    }
    let unknown = bench.ask("POST", "/v1/refunds", Some(json!({"charge": charge}))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.json);
    let himself = json!({"from": "star", "channel": "hers", "amount": "1.00"});
    assert_eq!(bench.ask("POST", "/v1/tips", Some(himself)).await.status, StatusCode::BAD_REQUEST);
    let own = bench.ask_as(&star, "GET", "/v1/payouts", None).await;
    assert_eq!((own.status, own.json), (StatusCode::OK, json!([])));
    assert_eq!(bench.ask_as(&fan, "GET", "/v1/payouts?account=star", None).await.status, 403);
}

#[tokio::test]
async fn what_is_due_is_payable_in_a_dry_run_too() {
    let (bench, [fan, star]) = stage().await;
    let tip = json!({"channel": "hers", "amount": "10.00"});
    bench.ask_as(&fan, "POST", "/v1/tips", Some(tip)).await;
    let ask =
        async |path: &str| bench.ask_as(&star, "POST", path, Some(json!({"amount": "7.00"}))).await;
    assert_eq!(ask("/v1/payouts?dry_run=true").await.status, StatusCode::CONFLICT);
    bench.alone.later_ms.store(8 * 24 * 3_600_000, Ordering::Relaxed);
    // The ledger's own time goes on with what it records.
    bench.act("/v1/wallets/fan/credit", json!({"amount": "1.00"})).await;
    let records = bench.records().await;
    let tried = ask("/v1/payouts?dry_run=true").await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.json);
    let accounts: Vec<_> = tried.json["changes"].as_array().unwrap().iter().collect();
    let of = |part: &str| {
        let one = accounts.iter().find(|one| one["account"].as_str().unwrap().ends_with(part));
        let one = one.unwrap_or_else(|| panic!("{part}: {accounts:?}"));
        (one["before"]["balance"].clone(), one["after"]["balance"].clone())
    };
    assert_eq!(of(":pending"), (json!("7.00"), json!("0.00")));
    assert_eq!(bench.records().await, records);
    assert_eq!(ask("/v1/payouts").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_payout_that_is_open_is_listed_however_many_came_after_it() {
    let (bench, [fan, star]) = stage().await;
    let tip = json!({"channel": "hers", "amount": "10.00"});
    bench.ask_as(&fan, "POST", "/v1/tips", Some(tip)).await;
    bench.alone.later_ms.store(8 * 24 * 3_600_000, Ordering::Relaxed);
    let body = json!({"amount": "1.00", "id": ID});
    assert_eq!(bench.ask_as(&star, "POST", "/v1/payouts", Some(body)).await.status, 200);
    let me = bench.ask_as(&star, "GET", "/v1/wallets/star", None).await.json;
    let creator = me["account"].as_str().unwrap().parse().unwrap();
    let (amount, provider) = (100.try_into().unwrap(), Provider::MANUAL);
    for id in 1..600 {
        let ask = PayoutCommand::Request { creator, amount, provider };
        let end = PayoutCommand::End { payout: id, state: PayoutState::Failed };
        for (id, command) in [(id, ask), (0, end)] {
            let (reason, refs) = (String::new(), Refs::default());
            let command = weir_ledger::Command::Payout(command);
            let request = weir_ledger::Request { id, by: creator, reason, refs, command };
            bench.alone.apply(&request).result.unwrap();
        }
    }
    for path in ["/v1/payouts?limit=3", "/v1/payouts?limit=3&account=star"] {
        let listed = bench.ask("GET", path, None).await.json;
        let all = listed.as_array().unwrap();
        assert_eq!((all.len(), &all[2]["id"]), (3, &json!(ID)), "{path}: {listed}");
        assert_eq!((&all[2]["state"], &all[0]["state"]), (&json!("open"), &json!("failed")));
    }
}

#[tokio::test]
async fn a_message_and_a_reason_are_both_kept() {
    let (bench, _) = stage().await;
    let tip = json!({"channel": "hers", "amount": "1.00", "from": "fan", "message": "great song"});
    let sent = bench.act("/v1/tips?reason=by+phone", tip).await;
    let record = bench.ask("GET", &format!("/v1/ledger/records/{}", sent["seq"]), None).await;
    assert_eq!(record.json["reason"], "great song (by phone)");
}

#[tokio::test]
async fn a_payout_is_asked_for_paid_and_may_come_back() {
    let (bench, [fan, star]) = stage().await;
    let tip = json!({"channel": "hers", "amount": "10.00"});
    bench.ask_as(&fan, "POST", "/v1/tips", Some(tip)).await;
    let early = bench.ask_as(&star, "POST", "/v1/payouts", Some(json!({"amount": "7.00"}))).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "it is payable after a week: {}", early.json);
    assert!(
        early.json["message"].as_str().unwrap().ends_with("has 0.00 EUR left"),
        "{}",
        early.json
    );
    bench.alone.later_ms.store(8 * 24 * 3_600_000, Ordering::Relaxed);
    let body = json!({"amount": "7.00", "id": ID});
    let asked = bench.ask_as(&star, "POST", "/v1/payouts", Some(body)).await;
    assert_eq!(
        (asked.status, &asked.json["payout"]),
        (StatusCode::OK, &json!(ID)),
        "{}",
        asked.json
    );
    let state = async || bench.ask("GET", "/v1/payouts", None).await.json[0]["state"].clone();
    let own = bench.ask_as(&star, "GET", "/v1/payouts", None).await.json;
    assert_eq!(
        (&own[0]["id"], &own[0]["amount"], &own[0]["provider"]),
        (&json!(ID), &json!("7.00"), &json!("manual"))
    );
    assert_eq!(state().await, "open");
    let path = format!("/v1/payouts/{ID}");
    assert_eq!(bench.act(&format!("{path}/paid"), json!({})).await["replayed"], false);
    assert_eq!(bench.act(&format!("{path}/paid"), json!({})).await["replayed"], true);
    assert_eq!(state().await, "paid");
    bench.act(&format!("{path}/fail"), json!({})).await;
    assert_eq!(
        (state().await, bench.has("star", "payable").await),
        (json!("failed"), json!("7.00"))
    );
    let over = bench.ask("POST", &format!("{path}/paid"), Some(json!({}))).await;
    assert_eq!(over.status, StatusCode::CONFLICT, "{}", over.json);
}
