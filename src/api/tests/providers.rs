//! What payment providers send: believed when it is signed, counted once, and visible while it is not counted.

use weir_provider::signature::{HEADER, Secrets};

use super::*;
use crate::actors::clock;
use crate::actors::providers;

const SECRET: &str = "the-secret-of-acme-and-ours";
const HOOK: &str = "/v1/webhooks/acme";

/// A bench with the provider `acme` and the account `fan`, by its id.
async fn acme() -> (Bench, String) {
    let mut bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, SECRET).unwrap();
    let config = providers::Config { secret_files: vec![file], ..providers::Config::default() };
    bench.ctx.providers = Providers::load(&[("acme".to_owned(), config)].into()).unwrap();
    let made = bench.ask("POST", "/v1/accounts", Some(json!({"name": "fan"}))).await;
    let id = made.json["id"].as_str().unwrap().to_owned();
    (bench, id)
}

fn event(id: &str, kind: &str, data: Value) -> String {
    json!({"id": id, "type": kind, "created": 1_700_000_000, "data": data}).to_string()
}

fn paid(id: &str, account: &str) -> String {
    let data =
        json!({"payment": "pay_1", "account": account, "amount": "20.00", "currency": "EUR"});
    event(id, "topup.paid", data)
}

async fn post(bench: &Bench, path: &str, signature: &str, body: &str) -> Answer {
    let request = Request::builder().method("POST").uri(path).header(HEADER, signature);
    read(bench.send(request.body(Body::from(body.to_owned())).unwrap()).await).await
}

fn signed(body: &str, seconds_ago: i64) -> String {
    let now = u64::try_from(clock::now().0 / 1_000 - seconds_ago).unwrap();
    Secrets::new([SECRET]).unwrap().sign(now, body.as_bytes())
}

async fn send(bench: &Bench, body: &str) -> Answer {
    post(bench, HOOK, &signed(body, 0), body).await
}

async fn records(bench: &Bench) -> Value {
    bench.ask("GET", "/v1/ledger", None).await.json["seq"].clone()
}

#[tokio::test]
async fn inv_29_a_signed_event_is_a_record_once_and_its_repetition_is_well_too() {
    let (bench, fan) = acme().await;
    let body = paid("evt_1", &fan);
    let first = send(&bench, &body).await;
    assert_eq!((first.status, &first.json["duplicate"]), (StatusCode::OK, &json!(false)));
    let before = records(&bench).await;
    let again = send(&bench, &body).await;
    assert_eq!((again.status, &again.json["duplicate"]), (StatusCode::OK, &json!(true)));
    assert_eq!(records(&bench).await, before);
    let wallet = bench.ask("GET", "/v1/wallets/fan", None).await.json;
    assert_eq!(wallet["available"], "20.00");
    let known = bench.ask("GET", "/v1/providers", None).await.json;
    assert_eq!((&known[0]["name"], &known[0]["pending"]), (&json!("acme"), &json!("20.00")));
    assert_eq!((&known[0]["taken"], &known[0]["refused"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn inv_29_what_is_not_signed_late_malformed_or_of_nobody_is_refused_without_a_record() {
    let (bench, fan) = acme().await;
    let (body, before) = (paid("evt_1", &fan), records(&bench).await);
    let other = Secrets::new(["somebody-elses-long-secret"]).unwrap();
    let now = u64::try_from(clock::now().0 / 1_000).unwrap();
    let nobody = paid("evt_2", "acc_00000000000000ff");
    let dollars = body.replace("EUR", "USD");
    let long = format!("{body}{}", " ".repeat(256 << 10));
    let unknown_payout =
        event("evt_3", "payout.paid", json!({"payout": "00000000000000000000000000000009"}));
    for (what, path, signature, body, status) in [
        ("none", HOOK, String::new(), body.as_str(), 400),
        ("wrong", HOOK, other.sign(now, body.as_bytes()), &body, 400),
        ("of other bytes", HOOK, signed("{}", 0), &body, 400),
        ("late", HOOK, signed(&body, 400), &body, 400),
        ("early", HOOK, signed(&body, -400), &body, 400),
        ("malformed", HOOK, signed("{}", 0), "{}", 400),
        ("of nobody", HOOK, signed(&nobody, 0), &nobody, 404),
        ("of no payout", HOOK, signed(&unknown_payout, 0), &unknown_payout, 404),
        ("in dollars", HOOK, signed(&dollars, 0), &dollars, 400),
        ("too long", HOOK, signed(&long, 0), &long, 400),
        ("of no provider", "/v1/webhooks/other", signed(&body, 0), &body, 404),
    ] {
        let answer = post(&bench, path, &signature, body).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.json);
        assert!(!answer.json.to_string().contains(SECRET));
    }
    assert_eq!(records(&bench).await, before);
    assert_eq!(send(&bench, &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_waits_is_shown_until_it_is_counted_or_put_aside() {
    let (bench, fan) = acme().await;
    let won = event("evt_9", "dispute.won", json!({"dispute": "dp_1"}));
    let settled = |id: &str| {
        let data = json!({"payment": "pay_1", "amount": "20.00", "fee": "0.80", "currency": "EUR"});
        event(id, "topup.settled", data)
    };
    for body in [&won, &settled("evt_2"), &settled("evt_3")] {
        assert_eq!(send(&bench, body).await.status, StatusCode::OK);
    }
    let shown = bench.ask("GET", "/v1/providers/acme", None).await.json;
    assert_eq!(
        (&shown["provider"]["waiting"], shown["events"][0]["event"].as_str()),
        (&json!(3), Some("evt_9"))
    );
    send(&bench, &paid("evt_1", &fan)).await;
    let shown = bench.ask("GET", "/v1/providers/acme", None).await.json["provider"].clone();
    assert_eq!((&shown["waiting"], &shown["stopped"]), (&json!(1), &json!(1)));
    assert_eq!((&shown["pending"], &shown["available"]), (&json!("0.00"), &json!("19.20")));
    let events = bench.ask("GET", "/v1/providers/acme", None).await.json["events"].clone();
    for event in events.as_array().unwrap() {
        let path = format!("/v1/providers/acme/events/{}/dismiss", event["id"].as_str().unwrap());
        assert_eq!(bench.ask("POST", &path, Some(json!({}))).await.status, StatusCode::OK);
    }
    let shown = bench.ask("GET", "/v1/providers/acme", None).await.json["events"].clone();
    assert_eq!(shown, json!([]));
}

#[tokio::test]
async fn a_provider_without_an_address_is_asked_for_no_page() {
    let (bench, _) = acme().await;
    for (provider, status) in [("acme", 409), ("other", 404)] {
        let body = json!({"account": "fan", "amount": "20.00", "provider": provider});
        let answer = bench.ask("POST", "/v1/topups", Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.json);
    }
}
