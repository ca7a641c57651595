//! What takes two people over the API: nothing moves until another account confirms it, once.

use weir_ledger::request::Outcome;
use weir_model::AccountRole;
use weir_people::{Decision, Step};

use super::sessions::Log;
use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef";
const CONFIRM: &str = "/v1/approvals/0123456789abcdef0123456789abcdef/confirm";
const REJECT: &str = "/v1/approvals/0123456789abcdef0123456789abcdef/reject";

/// Bench on which more than 50.00 takes two, with the operators `ann` and `ben`, the viewer `fan`, and the streamer `star`
/// with channel `hers`; tokens of `ann` (two) and `ben`.
async fn stage() -> (Bench, [String; 3]) {
    let mut bench = Bench::new();
    bench.ctx.approve_above = Some("50.00".into());
    bench.ctx.store.attach(Arc::new(Log(bench.ctx.store.clone(), Mutex::default())));
    let ann = bench.somebody("ann", &[AccountRole::Operator], &["all"]).await;
    let ben = bench.somebody("ben", &[AccountRole::Operator], &["all"]).await;
    bench.somebody("fan", &[AccountRole::Viewer], &["all"]).await;
    bench.somebody("star", &[AccountRole::Streamer], &["all"]).await;
    bench.ask("POST", "/v1/channels", Some(json!({"name": "hers", "owner": "star"}))).await;
    let end = crate::actors::clock::now().plus_ms(3_600_000);
    let body = json!({"account": "ann", "scopes": ["money"], "expires_at": end});
    let other = bench.ask("POST", "/v1/tokens", Some(body)).await;
    (bench, [ann, other.json["token"].as_str().unwrap().to_owned(), ben])
}

fn credit(amount: &str) -> Option<Value> {
    Some(json!({"id": ID, "amount": amount}))
}

impl Bench {
    async fn propose(&self, token: &str) -> Answer {
        self.ask_as(token, "POST", "/v1/wallets/fan/credit?reason=win", credit("50.01")).await
    }

    async fn available(&self) -> Value {
        self.ask("GET", "/v1/wallets/fan", None).await.json["available"].clone()
    }

    async fn newest_proposal(&self) -> Value {
        self.ask("GET", "/v1/approvals", None).await.json[0].clone()
    }
}

#[tokio::test]
async fn above_the_limit_nothing_moves_until_another_account_confirms_it_and_then_once() {
    let (bench, [ann, other, ben]) = stage().await;
    let small = json!({"amount": "50.00"});
    let done = bench.ask_as(&ann, "POST", "/v1/wallets/fan/credit", Some(small)).await;
    assert_eq!((done.status, &done.json["amount"]), (StatusCode::OK, &json!("50.00")));
    for _ in 0..2 {
        let proposed = bench.propose(&ann).await;
        assert_eq!(proposed.status, StatusCode::ACCEPTED, "{}", proposed.json);
        assert_eq!((&proposed.json["id"], &proposed.json["state"]), (&json!(ID), &json!("open")));
        let next = proposed.json["next"].as_str().unwrap();
        assert!(next.contains(&format!("weir approval confirm {ID}")), "{next}");
    }
    assert_eq!(bench.ask("GET", "/v1/approvals", None).await.json.as_array().unwrap().len(), 1);
    for own in [&ann, &other] {
        for path in [CONFIRM, REJECT, &format!("{CONFIRM}?dry_run=true")] {
            let refused = bench.ask_as(own, "POST", path, None).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {}", refused.json);
        }
    }
    let tried = bench.ask_as(&ben, "POST", &format!("{CONFIRM}?dry_run=true"), None).await;
    let wallet = &tried.json["changes"].to_string();
    assert!(wallet.contains("100.01"), "{}", tried.json);
    assert_eq!(bench.available().await, "50.00");
    let first = bench.ask_as(&ben, "POST", CONFIRM, None).await;
    assert_eq!((first.status, &first.json["replayed"]), (StatusCode::OK, &json!(false)));
    let again = bench.ask_as(&ben, "POST", CONFIRM, None).await;
    assert_eq!((again.status, &again.json["replayed"]), (StatusCode::OK, &json!(true)));
    assert_eq!(bench.available().await, "100.01");
    let known = bench.newest_proposal().await;
    assert_eq!((&known["state"], &known["seq"]), (&json!("done"), &first.json["seq"]));
    let told = bench.propose(&ann).await;
    assert_eq!((told.status, &told.json["replayed"]), (StatusCode::OK, &json!(true)));
    let kinds = bench.kinds();
    for (kind, times) in
        [("approval.proposed", 1), ("approval.confirmed", 1), ("wallet.credited", 2)]
    {
        assert_eq!(kinds.iter().filter(|one| *one == kind).count(), times, "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn what_is_rejected_or_not_decided_in_time_never_happens() {
    let (bench, [ann, _, ben]) = stage().await;
    bench.propose(&ann).await;
    let rejected = bench.ask_as(&ben, "POST", REJECT, None).await;
    assert_eq!((rejected.status, &rejected.json["state"]), (StatusCode::OK, &json!("rejected")));
    for refused in [bench.ask_as(&ben, "POST", CONFIRM, None).await, bench.propose(&ann).await] {
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.json);
    }
    let other = "11111111111111111111111111111111";
    let body = json!({"id": other, "amount": "60.00"});
    bench.ask_as(&ann, "POST", "/v1/wallets/fan/credit", Some(body)).await;
    // The directory goes by the time of whoever decides: of a day later here.
    let me = bench.ask_as(&ben, "GET", "/v1/auth/me", None).await.json;
    let by = me["account"]["id"].as_str().unwrap().parse().unwrap();
    let at = crate::actors::clock::now().plus_ms(weir_people::limits::APPROVAL_MS);
    let late = Step::Confirm(Decision { by, at });
    let refused = bench.ctx.store.decide_approval(other.parse().unwrap(), late).await;
    assert!(refused.unwrap_err().to_string().contains("nobody decided in time"));
    assert_eq!(bench.available().await, "0.00");
}

#[tokio::test]
async fn a_crash_between_the_decision_and_the_ledger_loses_nothing_and_doubles_nothing() {
    let (bench, [ann, _, ben]) = stage().await;
    bench.propose(&ann).await;
    let me = bench.ask_as(&ben, "GET", "/v1/auth/me", None).await.json;
    let by = me["account"]["id"].as_str().unwrap().parse().unwrap();
    let confirm = Step::Confirm(Decision { by, at: crate::actors::clock::now() });
    bench.ctx.store.decide_approval(ID.parse().unwrap(), confirm).await.unwrap();
    let known = bench.newest_proposal().await;
    assert_eq!(known["state"], "confirmed");
    assert!(known["next"].as_str().unwrap().contains("asks the ledger again"), "{known}");
    let late = bench.ask("POST", REJECT, None).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.json);
    for _ in 0..2 {
        assert_eq!(bench.ask_as(&ben, "POST", CONFIRM, None).await.status, StatusCode::OK);
    }
    assert_eq!(
        (bench.available().await, bench.newest_proposal().await["state"].clone()),
        (json!("50.01"), json!("done"))
    );
}

#[tokio::test]
async fn refunds_payouts_and_what_others_pay_take_two_and_a_token_needs_the_right_itself() {
    let (bench, [ann, _, ben]) = stage().await;
    bench.propose(&ann).await;
    bench.ask_as(&ben, "POST", CONFIRM, None).await;
    let ask = async |path: &str, body: Value| {
        let asked = bench.ask_as(&ann, "POST", path, Some(body)).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{path} {}", asked.json);
        asked.json
    };
    let confirm = async |proposal: &Value| {
        let path = format!("/v1/approvals/{}/confirm", proposal["id"].as_str().unwrap());
        let done = bench.ask_as(&ben, "POST", &path, None).await;
        assert_eq!(done.status, StatusCode::OK, "{path} {}", done.json);
        done.json
    };
    let tip = json!({"channel": "hers", "amount": "50.01", "from": "fan"});
    let tip = confirm(&ask("/v1/tips", tip).await).await;
    assert_eq!(bench.available().await, "0.00");
    let back = ask("/v1/refunds", json!({"charge": tip["charge"]})).await;
    assert_eq!((&back["amount"], &back["right"]), (&json!("50.01"), &json!("refund")));
    let end = crate::actors::clock::now().plus_ms(3_600_000);
    let body = json!({"account": "ben", "scopes": ["approval.decide"], "expires_at": end});
    let narrow = bench.ask("POST", "/v1/tokens", Some(body)).await.json["token"].clone();
    let path = format!("/v1/approvals/{}/confirm", back["id"].as_str().unwrap());
    let refused = bench.ask_as(narrow.as_str().unwrap(), "POST", &path, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.json);
    confirm(&back).await;
    assert_eq!(bench.available().await, "50.01");
    let more = json!({"amount": "50.00"});
    bench.ask_as(&ann, "POST", "/v1/wallets/fan/credit", Some(more)).await;
    confirm(&ask("/v1/tips", json!({"channel": "hers", "amount": "90.00", "from": "fan"})).await)
        .await;
    bench.alone.later_ms.store(8 * 24 * 3_600_000, Ordering::Relaxed);
    let asked = ask("/v1/payouts", json!({"amount": "60.00", "account": "star"})).await;
    let payout = confirm(&asked).await["payout"].as_str().unwrap().to_owned();
    let paid = format!("/v1/payouts/{payout}/paid");
    let proposal = ask(&paid, json!({})).await;
    assert_eq!(ask(&paid, json!({})).await["id"], proposal["id"], "it is proposed once");
    let twin = bench.ask_as(&ben, "POST", &paid, Some(json!({}))).await;
    assert_eq!(twin.status, StatusCode::CONFLICT, "{}", twin.json);
    confirm(&proposal).await;
    assert_eq!(bench.ask("GET", "/v1/payouts", None).await.json[0]["state"], "paid");
}

#[tokio::test]
async fn the_audit_log_has_the_proposal_the_refusals_and_the_decision() {
    let (bench, [ann, _, ben]) = stage().await;
    bench.audit.acts.lock().clear();
    bench.propose(&ann).await;
    bench.ask_as(&ann, "POST", CONFIRM, None).await;
    bench.ask_as(&ben, "POST", CONFIRM, None).await;
    bench.ask_as(&ben, "POST", REJECT, None).await;
    let acts = bench.audit.acts.lock();
    let told: Vec<_> = acts
        .iter()
        .map(|(_, _, act)| {
            (act.action.as_str(), act.target.as_str(), act.outcome == Outcome::Begun)
        })
        .collect();
    let decide = "approval.decide";
    let expected = [
        ("wallet.change", "/v1/wallets/fan/credit", true),
        (decide, CONFIRM, true),
        (decide, CONFIRM, false),
        (decide, CONFIRM, true),
        (decide, REJECT, true),
        (decide, REJECT, false),
    ];
    assert_eq!(told, expected);
    assert!(acts[0].0 != acts[3].0 && acts[0].0 == acts[1].0, "each under its own account");
}
