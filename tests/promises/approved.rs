//! Two people: what staff moves beyond the limit happens when a second one confirms it, and once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::cli::Cli;
use crate::harness::{Node, eventually};

/// The ledger is founded by the node that leads, soon after its start; a loaded machine takes its time.
const SOON: Duration = Duration::from_secs(20);
const ID: &str = "6f1a2b3c00004000800000000000cafe";

/// A node on which more than 500.00 takes two, with the viewer `fan`; the founding operator and the operator `ben`.
async fn platform() -> (Node, Cli, Cli) {
    let node = Node::start_configured("[ledger]\napprove_above = \"500.00\"\n").await;
    let founder = Cli::new(&node);
    eventually("the ledger is founded", SOON, async || {
        (founder.json(&["ledger", "show"])["currency"] == "EUR").then_some(())
    })
    .await;
    founder.json(&["account", "create", "fan", "--role", "viewer"]);
    founder.json(&["account", "create", "ben", "--role", "operator"]);
    let made =
        founder.json(&["token", "create", "--account", "ben", "--scope", "all", "--expires", "1h"]);
    let file = node.token_file().with_file_name("ben.token");
    std::fs::write(&file, made["token"].as_str().unwrap()).unwrap();
    let ben = Cli::new(&node).token_file(file);
    (node, founder, ben)
}

fn available(cli: &Cli) -> Value {
    cli.json(&["wallet", "show", "fan"])["available"].clone()
}

#[tokio::test]
async fn above_the_limit_nothing_moves_until_a_second_operator_confirms_it() {
    let (mut node, founder, ben) = platform().await;
    founder.json(&["wallet", "credit", "fan", "500.00"]);
    let credit = ["wallet", "credit", "fan", "500.01", "--id", ID, "--reason", "prize"];
    let said = founder.run(&credit);
    assert_eq!(said.code, 0, "{said:?}");
    let proposal = founder.json(&credit);
    assert_eq!((&proposal["id"], &proposal["state"]), (&json!(ID), &json!("open")));
    let confirm = ["approval", "confirm", ID, "--yes"];
    let own = founder.run(&confirm);
    assert_eq!(own.code, 4, "{own:?}");
    assert_eq!(available(&founder), "500.00");
    node.stop().await;
    node.run().await;
    eventually("the proposal is known after a restart", SOON, async || {
        let ran = ben.run(&["approval", "list", "--filter", "state==open"]);
        (ran.code == 0 && ran.out.contains(ID)).then_some(())
    })
    .await;
    let first = eventually("the ledger does it", SOON, async || {
        let ran = ben.run(&["approval", "confirm", ID, "--yes", "-o", "json"]);
        (ran.code == 0).then(|| serde_json::from_str::<Value>(&ran.out).unwrap())
    })
    .await;
    let again = ben.json(&confirm);
    assert_eq!((&again["replayed"], &again["seq"]), (&json!(true), &first["seq"]));
    assert_eq!(available(&founder), "1000.01");
    let other = "6f1a2b3c00004000800000000000beef";
    founder.json(&["wallet", "credit", "fan", "600.00", "--id", other]);
    assert_eq!(ben.json(&["approval", "reject", other])["state"], "rejected");
    assert_eq!(ben.run(&["approval", "confirm", other, "--yes"]).code, 5);
    assert_eq!(available(&founder), "1000.01");
    let audit = founder.json(&["audit", "list", "--limit", "100"]);
    let has =
        |name: &str, target: &str, outcome: &str| {
            audit.as_array().unwrap().iter().any(|one| {
                one["name"] == name && one["target"] == target && one["outcome"] == outcome
            })
        };
    let founders = proposal["name"].as_str().unwrap();
    let target = format!("/v1/approvals/{ID}/confirm");
    assert!(has(founders, "/v1/wallets/fan/credit", "begun"), "{audit:#}");
    assert!(has(founders, &target, "failed") && has("ben", &target, "begun"), "{audit:#}");
    assert!(has("ben", &format!("/v1/approvals/{other}/reject"), "begun"), "{audit:#}");
}
