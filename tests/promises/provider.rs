//! Money from outside: what a payment provider sends is counted once, in whatever order and whatever is killed in between.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use weir_provider::signature::{HEADER, Secrets};

use crate::harness::cli::Cli;
use crate::harness::{Node, eventually};

/// A node that was killed answers soon after its start; a loaded machine takes its time.
const SOON: Duration = Duration::from_secs(20);
const SECRET: &str = "the-secret-of-acme-and-ours";

fn secrets() -> Secrets {
    Secrets::new([SECRET]).unwrap()
}

fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn configured(dir: &Path) -> String {
    let file = dir.join("acme.secret");
    std::fs::write(&file, SECRET).unwrap();
    format!("[provider.acme]\nsecret_files = ['{}']\n", file.display())
}

/// A node with the viewer `fan`, the streamer `star` and her channel `hers`; with the viewer's id.
async fn platform(config: &str) -> (Node, Cli, String) {
    let node = Node::start_configured(config).await;
    let cli = Cli::new(&node);
    for (name, role) in [("fan", "viewer"), ("star", "streamer")] {
        cli.json(&["account", "create", name, "--role", role]);
    }
    cli.json(&["channel", "create", "hers", "--owner", "star"]);
    founded(&cli).await;
    let fan = cli.json(&["account", "show", "fan"])["id"].as_str().unwrap().to_owned();
    (node, cli, fan)
}

async fn founded(cli: &Cli) {
    eventually("the ledger is founded", SOON, async || {
        let shown = cli.run(&["ledger", "show", "-o", "json"]);
        shown.out.contains("\"EUR\"").then_some(())
    })
    .await;
}

fn event(id: &str, kind: &str, data: &Value) -> String {
    json!({"id": id, "type": kind, "created": 1_700_000_000, "data": data}).to_string()
}

/// Sends it, signed with that secret; answers with the status.
async fn send(node: &Node, secret: &Secrets, body: &str) -> u16 {
    let url = format!("{}/v1/webhooks/acme", node.api_url());
    let request = reqwest::Client::new().request(Method::POST, url);
    let request = request.header(HEADER, secret.sign(seconds(), body.as_bytes()));
    request.body(body.to_owned()).send().await.map_or(0, |answer| answer.status().as_u16())
}

/// As a provider does: until it is taken.
async fn insist(node: &Node, body: &str) {
    eventually("the event is taken", SOON, async || {
        (send(node, &secrets(), body).await == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn signed_events_in_any_order_and_again_after_a_kill_are_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, cli, fan) = platform(&configured(dir.path())).await;
    let money = |rest: Value| {
        let mut data = json!({"payment": "pay_1", "amount": "20.00", "currency": "EUR"});
        data.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        data
    };
    let events = [
        event("evt_4", "dispute.won", &json!({"dispute": "dp_1"})),
        event("evt_3", "dispute.opened", &money(json!({"dispute": "dp_1", "fee": "15.00"}))),
        event("evt_2", "topup.settled", &money(json!({"fee": "0.80"}))),
        event("evt_1", "topup.paid", &money(json!({"account": fan}))),
    ];
    let wrong = Secrets::new(["somebody-elses-long-secret"]).unwrap();
    assert_eq!(send(&node, &wrong, &events[3]).await, 400);
    for (at, body) in events.iter().enumerate() {
        insist(&node, body).await;
        if at == 1 {
            let waiting = cli.json(&["provider", "show", "acme"])["provider"]["waiting"].clone();
            assert_eq!(waiting, 2);
        }
        // What was answered is on the disk.
        node.kill();
        node.run().await;
    }
    for body in &events {
        insist(&node, body).await;
    }
    founded(&cli).await;
    let acme = cli.json(&["provider", "list"])[0].clone();
    assert_eq!((&acme["waiting"], &acme["stopped"]), (&json!(0), &json!(0)), "{acme}");
    assert_eq!((&acme["pending"], &acme["available"]), (&json!("0.00"), &json!("4.20")), "{acme}");
    assert_eq!(cli.json(&["wallet", "show", "fan"])["available"], "20.00");
    assert_eq!(cli.json(&["ledger", "verify"])["fault"], Value::Null);
}
