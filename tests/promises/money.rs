//! Money: what is paid in, given on and given back stands in the ledger once, adds up, and is as it was made.

use std::time::Duration;

use serde_json::{Value, json};
use weir_client::discover::Wanted;
use weir_model::charge::LedgerId;
use weir_model::money::PersonalAccount;
use weir_tui::act::Act;
use weir_tui::act::money::{Deed, Wish};
use weir_tui::conn::api::Api as _;
use weir_tui::conn::client::Live;

use crate::harness::cli::Cli;
use crate::harness::{Node, eventually};

/// The ledger is founded by the node that leads, soon after its start; a loaded machine takes its time.
const SOON: Duration = Duration::from_secs(20);
const ID: &str = "6f1a2b3c-0000-4000-8000-00000000cafe";

/// A node whose platform keeps a fifth, with the viewer `fan` and the streamer `star`, whose channel is `hers`.
async fn platform() -> (Node, Cli) {
    let node = Node::start_configured("[ledger]\ncurrency = \"EUR\"\nfee_bps = 2000\n").await;
    let cli = Cli::new(&node);
    for (name, role) in [("fan", "viewer"), ("star", "streamer")] {
        cli.json(&["account", "create", name, "--role", role]);
    }
    cli.json(&["channel", "create", "hers", "--owner", "star"]);
    eventually("the ledger is founded", SOON, async || {
        (cli.json(&["ledger", "show"])["currency"] == "EUR").then_some(())
    })
    .await;
    (node, cli)
}

fn has(cli: &Cli, account: &str, what: &str) -> Value {
    cli.json(&["wallet", "show", account])[what].clone()
}

fn records(cli: &Cli) -> u64 {
    cli.json(&["ledger", "show"])["seq"].as_u64().unwrap()
}

/// What is on all accounts of each class together, in cents: assets and expenses are what liabilities and income are.
fn assert_even(cli: &Cli) {
    assert_eq!(cli.json(&["ledger", "show"])["is_even"], true);
    let balances = cli.json(&["ledger", "trial-balance"]);
    let cents = |text: &Value| -> i64 { text.as_str().unwrap().replace('.', "").parse().unwrap() };
    let sum = balances.as_array().unwrap().iter().fold(0, |sum, one| {
        let debit = ["assets", "expenses"].contains(&one["class"].as_str().unwrap());
        if debit { sum + cents(&one["balance"]) } else { sum - cents(&one["balance"]) }
    });
    assert_eq!(sum, 0, "{balances:#}");
}

#[tokio::test]
async fn what_is_paid_in_tipped_and_refunded_adds_up_to_the_cent() {
    let (_node, cli) = platform().await;
    let paid = cli.json(&["wallet", "credit", "fan", "20.00", "--reason", "bank transfer 7"]);
    assert_eq!((&paid["available"], &paid["durability"]), (&json!("20.00"), &json!("local")));
    let tip = cli.json(&["tip", "hers", "5.00", "--from", "fan", "--message", "great show"]);
    assert_eq!(has(&cli, "fan", "available"), "15.00");
    assert_eq!(has(&cli, "star", "pending"), "4.00", "the platform keeps a fifth");
    let seq = tip["seq"].to_string();
    let explained = cli.run(&["ledger", "explain", &seq]).out;
    let charge = tip["charge"].as_str().unwrap();
    assert!(explained.contains(charge) && explained.contains("great show"), "{explained}");
    let back = cli.json(&["refund", charge, "2.50", "--yes", "--reason", "half of it"]);
    assert_eq!((&back["amount"], &back["available"]), (&json!("2.50"), &json!("17.50")));
    assert_eq!(has(&cli, "star", "pending"), "2.00");
    let statement = cli.json(&["wallet", "statement", "fan"]);
    let lines: Vec<&str> = statement["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    assert_eq!(lines, ["top-up", "tip", "refund"]);
    assert_eq!((&statement["opening"], &statement["closing"]), (&json!("0.00"), &json!("17.50")));
    assert_even(&cli);
    let verified = cli.json(&["ledger", "verify"]);
    assert_eq!((&verified["fault"], &verified["checked"]), (&Value::Null, &json!(records(&cli))));
}

#[tokio::test]
async fn the_same_id_is_one_record_also_after_a_restart() {
    let (mut node, cli) = platform().await;
    let credit = ["wallet", "credit", "fan", "20.00", "--id", ID];
    let first = cli.json(&credit);
    let asked = 2;
    let made = records(&cli);
    for _ in 0..asked {
        let again = cli.json(&credit);
        assert_eq!((&again["replayed"], &again["seq"]), (&json!(true), &first["seq"]));
        node.stop().await;
        node.run().await;
        eventually("the ledger answers", SOON, async || {
            (cli.run(&["ledger", "show"]).code == 0).then_some(())
        })
        .await;
    }
    // What was asked again stands in the audit log, and nowhere else.
    assert_eq!((records(&cli), has(&cli, "fan", "available")), (made + asked, json!("20.00")));
    let other = cli.run(&["wallet", "credit", "fan", "21.00", "--id", ID]);
    assert_eq!(other.code, 5, "another request has that id: {other:?}");
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_and_what_cannot_be_is_refused_in_words() {
    let (_node, cli) = platform().await;
    cli.json(&["wallet", "credit", "fan", "20.00"]);
    let made = records(&cli);
    let tried = cli.json(&["tip", "hers", "5.00", "--from", "fan", "--dry-run"]);
    let changes = tried["changes"].as_array().unwrap();
    let wallet = changes.iter().find(|one| one["account"].as_str().unwrap().ends_with(":wallet"));
    let wallet = wallet.unwrap();
    let shown = (&wallet["before"]["balance"], &wallet["after"]["balance"]);
    assert_eq!(shown, (&json!("20.00"), &json!("15.00")));
    assert_eq!((records(&cli), has(&cli, "fan", "available")), (made, json!("20.00")));
    let refused = cli.run(&["tip", "hers", "20.01", "--from", "fan"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.contains("has 20.00 EUR left"), "{refused:?}");
    cli.json(&["wallet", "freeze", "fan", "--yes", "--reason", "stolen card"]);
    let frozen = cli.run(&["tip", "hers", "5.00", "--from", "fan"]);
    assert_eq!(frozen.code, 5, "{frozen:?}");
    assert!(frozen.err.contains("weir wallet unfreeze"), "{frozen:?}");
    cli.json(&["wallet", "unfreeze", "fan"]);
    assert_eq!(cli.json(&["tip", "hers", "5.00", "--from", "fan"])["available"], "15.00");
    assert_eq!(cli.run(&["refund", "tip:7"]).code, 2);
    assert_even(&cli);
}

#[tokio::test]
async fn the_console_shows_of_money_what_the_command_line_says() {
    let (_node, cli) = platform().await;
    cli.json(&["wallet", "credit", "fan", "20.00", "--reason", "bank transfer 7"]);
    cli.json(&["tip", "hers", "5.00", "--from", "fan", "--message", "great show"]);
    let offered = cli.json(&["session", "start", "hers", "--rate", "6.00", "--with", "fan"]);
    let session = format!("session/{}", offered["id"].as_str().unwrap());
    for (view, told) in [
        ("sessions", "offered"),
        (session.as_str(), "guest: 6.00 EUR a minute"),
        ("people", "star"),
        ("wallet/fan", "available 15.00 EUR"),
        ("payouts", "Nobody has asked for a payout yet."),
        ("ledger", "great show"),
        ("audit", "wallet.change"),
    ] {
        let ran = cli.console(&["--once", "--view", view]);
        assert!(ran.code == 0 && ran.out.contains(told), "{view}: {ran:?}");
    }
    assert_eq!(cli.console(&["--once", "--view", "wallet/nobody"]).code, 3, "there is nobody");
}

#[tokio::test]
async fn the_console_tries_what_it_does_with_money_and_does_it_once() {
    let (node, cli) = platform().await;
    cli.json(&["wallet", "credit", "fan", "20.00"]);
    let tip = cli.json(&["tip", "hers", "5.00", "--from", "fan"]);
    let (endpoint, token_file) = (Some(node.api_url()), Some(node.token_file()));
    let console = Live::new(&Wanted { endpoint, token_file, ..Wanted::default() }).unwrap();
    let once = LedgerId::new(7).unwrap();
    let of = |seq| Wish::RefundOf { seq, amount: Some("2.50".into()) };
    let tried = console.attempt(&of(tip["seq"].as_u64().unwrap()), once).await.unwrap();
    let wallet = tried.receipt.changes.iter().find(|one| one.account.ends_with(":wallet"));
    let wallet = wallet.unwrap();
    assert_eq!((&*wallet.before.balance, &*wallet.after.balance), ("15.00", "17.50"));
    assert_eq!(has(&cli, "fan", "available"), "15.00", "it was only tried");
    let refund = Act::Money { deed: tried.deed, once, reason: "half of it".into() };
    console.act(&refund).await.unwrap();
    let again = console.act(&refund).await.unwrap();
    assert!(again.contains("it was done before"), "{again}");
    assert_eq!(has(&cli, "fan", "available"), "17.50");
    let none = console.attempt(&of(1), once).await.unwrap_err().to_string();
    assert!(none.contains("record 1 is about no payment"), "{none}");
    let deed = Deed::Stand { account: "fan".into(), of: PersonalAccount::Wallet, frozen: true };
    let tried = console.attempt(&Wish::Deed(deed), LedgerId::new(8).unwrap()).await.unwrap();
    assert_eq!(tried.receipt.changes[0].after.standing, "frozen");
    assert_eq!(has(&cli, "fan", "standing"), "open");
}

#[tokio::test]
async fn a_private_session_is_offered_joined_and_ended_from_the_command_line() {
    let (_node, cli) = platform().await;
    cli.json(&["wallet", "credit", "fan", "20.00"]);
    let offered =
        cli.json(&["session", "start", "hers", "--rate", "6.00", "--with", "fan", "--free", "10s"]);
    let id = offered["id"].as_str().unwrap();
    assert_eq!((&offered["state"], &offered["fee_bps"]), (&json!("offered"), &json!(2_000)));
    let dear = cli.run(&["session", "join", id, "--as", "fan", "--cap", "12", "--rate", "5.00"]);
    assert_eq!(dear.code, 5, "nobody joins at another price: {dear:?}");
    cli.json(&["session", "join", id, "--as", "fan", "--cap", "12.00", "--rate", "6.00"]);
    eventually("the first minute is reserved and the stream is theirs", SOON, async || {
        let shown = cli.json(&["session", "show", id]);
        let party = &shown["parties"][0];
        (shown["state"] == "live" && party["billed"] == "0.00" && party["left_seconds"].is_u64())
            .then_some(())
    })
    .await;
    assert_eq!(has(&cli, "fan", "reserved"), "6.00");
    cli.json(&["session", "end", id, "--yes", "--reason", "test"]);
    eventually("the party has its receipt", SOON, async || {
        let shown = cli.json(&["session", "show", id]);
        (shown["parties"][0]["settled"] == true).then_some(())
    })
    .await;
    let ended = cli.json(&["session", "list", "--state", "ended"]);
    assert_eq!(
        (&ended[0]["ended_why"], &ended[0]["parties"][0]["billed"]),
        (&json!("operator"), &json!("0.00"))
    );
    assert_eq!(has(&cli, "fan", "available"), "20.00", "nothing was delivered, nothing is billed");
    assert_even(&cli);
}
