//! What the ledger says over the API.

use weir_ledger::request::{
    Act, Command, IncomeCommand, Outcome, PaymentCommand, Provider, Refs, Terms,
};
use weir_ledger::split::{Recipient, Share, Split};
use weir_model::{AccountId, AccountRole};

use super::*;
use crate::actors::clock;

impl Bench {
    /// Somebody pays that many cents in.
    pub(super) async fn top_up(&self, user: AccountId, units: u64) {
        self.paid_in(user, 0xfeed, units).await;
    }

    async fn paid_in(&self, user: AccountId, id: u128, units: u64) {
        let (amount, provider) = (units.try_into().unwrap(), Provider::MANUAL);
        let command = Command::Income(IncomeCommand::TopUp { user, amount, provider });
        let (reason, refs) = (String::new(), Refs::default());
        let request = weir_ledger::Request { id, by: user, reason, refs, command };
        self.ctx.money.act(&request).await.unwrap().answer.result.unwrap();
    }

    /// Somebody with 100.00 who tips a streamer 10.00 of it; both by id.
    async fn with_a_tip(&self) -> (AccountId, AccountId) {
        let mut ids = Vec::new();
        for name in ["fan", "star"] {
            let made = self.ask("POST", "/v1/accounts", Some(json!({"name": name}))).await;
            ids.push(made.json["id"].as_str().unwrap().parse().unwrap());
        }
        let (fan, star) = (ids[0], ids[1]);
        let units = |units: u64| units.try_into().unwrap();
        let provider = Provider::named("test").unwrap();
        let top_up = IncomeCommand::TopUp { user: fan, amount: units(10_000), provider };
        let share = Share { to: Recipient::Platform, bps: 3_000 };
        let split = Split::new(vec![share], Recipient::Creator(star)).unwrap();
        let terms = Terms { payer: fan, cap: units(1_000), split };
        let tip = PaymentCommand::Tip { terms, amount: units(1_000) };
        let commands = [Command::Income(top_up), Command::Payment(tip)];
        let requests = commands.into_iter().zip(1..).map(|(command, id)| weir_ledger::Request {
            id,
            by: fan,
            reason: "for the song".into(),
            refs: Refs::default(),
            command,
        });
        for request in requests {
            self.ctx.money.act(&request).await.unwrap().answer.result.unwrap();
        }
        (fan, star)
    }
}

#[tokio::test]
async fn a_tip_is_seen_in_the_ledger_on_both_sides_and_in_other_programs_words() {
    let bench = Bench::new();
    let (fan, star) = bench.with_a_tip().await;
    let ask = async |path: &str| bench.ask("GET", path, None).await;
    let stand = ask("/v1/ledger").await.json;
    assert_eq!((&stand["seq"], &stand["is_even"]), (&json!(3), &json!(true)));
    let records = ask("/v1/ledger/records?limit=1").await.json;
    assert_eq!((&records[0]["seq"], &records[0]["what"]), (&json!(3), &json!("tip")));
    assert_eq!(records[0]["reason"], "for the song");
    let first = ask("/v1/ledger/records?from=2&limit=1").await.json;
    assert_eq!(first[0]["what"], "top-up");
    let told = ask("/v1/ledger/records/3").await.json;
    let sentences = told["sentences"].to_string();
    for part in [format!("user:{fan}:wallet"), format!("creator:{star}:pending"), "7.00".into()] {
        assert!(sentences.contains(&part), "{part}: {sentences}");
    }
    assert_eq!(ask("/v1/ledger/records/4").await.status, StatusCode::NOT_FOUND);
    let balances = ask("/v1/ledger/trial-balance").await.json;
    let of = |name: &str| {
        let all = balances.as_array().unwrap();
        all.iter().find(|one| one["account"] == name).unwrap()["balance"].clone()
    };
    assert_eq!(
        (of("platform:fees"), of(&format!("user:{fan}:wallet"))),
        (json!("3.00"), json!("90.00"))
    );
    let all = balances.as_array().unwrap().len();
    let rest = ask("/v1/ledger/trial-balance?from=1&limit=99").await.json;
    assert_eq!(rest.as_array().unwrap().len(), all - 1);
    assert_eq!(ask(&format!("/v1/ledger/trial-balance?from={all}")).await.json, json!([]));
    let piece = ask("/v1/ledger/export?format=csv").await.json;
    assert_eq!(piece["text"].as_str().unwrap().lines().count(), 1 + 2 + 3);
    assert_eq!(piece["next"], Value::Null);
    // Whoever begins later has the names of the columns too, once.
    let piece = ask("/v1/ledger/export?format=csv&from=3").await.json;
    assert!(piece["text"].as_str().unwrap().starts_with("seq,at,what,"), "{piece}");
    let piece = ask("/v1/ledger/export?format=csv&from=3&continues=true").await.json;
    assert!(piece["text"].as_str().unwrap().starts_with("3,"), "{piece}");
    let found = ask("/v1/ledger/verification").await.json;
    assert_eq!((&found["checked"], &found["fault"]), (&json!(3), &Value::Null));
}

#[tokio::test]
async fn everybody_reads_his_own_wallet_and_auditors_every_one() {
    let bench = Bench::new();
    let (fan, star) = bench.with_a_tip().await;
    let body =
        json!({"account": "fan", "scopes": ["all"], "expires_at": clock::now().plus_ms(3_600_000)});
    let made = bench.ask("POST", "/v1/tokens", Some(body)).await;
    let token = made.json["token"].as_str().unwrap().to_owned();
    let own = bench.ask_as(&token, "GET", "/v1/wallets/fan", None).await.json;
    assert_eq!((&own["available"], &own["account"]), (&json!("90.00"), &json!(fan.to_string())));
    let statement = bench.ask_as(&token, "GET", "/v1/wallets/fan/statement", None).await.json;
    assert_eq!((&statement["opening"], &statement["closing"]), (&json!("0.00"), &json!("90.00")));
    assert_eq!(statement["lines"].as_array().unwrap().len(), 2);
    // Neither that of another nor whether there is one.
    for path in
        ["/v1/wallets/star", "/v1/wallets/nobody_here", "/v1/ledger", "/v1/wallets/star/statement"]
    {
        let refused = bench.ask_as(&token, "GET", path, None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    let auditor = bench.somebody("audrey", &[AccountRole::Auditor], &["all"]).await;
    let path = format!("/v1/wallets/{star}");
    let earned = bench.ask_as(&auditor, "GET", &path, None).await.json;
    assert_eq!((&earned["pending"], &earned["payable"]), (&json!("7.00"), &json!("0.00")));
    let pending =
        bench.ask_as(&auditor, "GET", "/v1/wallets/star/statement?of=pending", None).await;
    assert_eq!(pending.json["lines"][0]["credit"], "7.00");
    assert_eq!(bench.ask_as(&auditor, "GET", "/v1/wallets/nobody_here", None).await.status, 404);
}

#[tokio::test]
async fn a_page_of_the_audit_log_goes_on_where_the_one_before_ended() {
    let bench = Bench::new();
    let (fan, _) = bench.with_a_tip().await;
    for id in 10..15 {
        let act = Act {
            action: format!("act.{id}"),
            target: "/v1/channels/demo".into(),
            detail: String::new(),
            from: "operator".into(),
            outcome: Outcome::Begun,
        };
        let (by, reason, refs) = (bench.ctx.store.operator(), String::new(), Refs::default());
        let request = weir_ledger::Request { id, by, reason, refs, command: Command::Act(act) };
        bench.ctx.money.act(&request).await.unwrap().answer.result.unwrap();
        // Something between two entries.
        bench.paid_in(fan, id, 1).await;
    }
    let page = async |query: String| {
        let entries = bench.ask("GET", &format!("/v1/audit?{query}"), None).await.json;
        let all = entries.as_array().unwrap().clone();
        let actions: Vec<String> =
            all.iter().map(|one| one["action"].as_str().unwrap().to_owned()).collect();
        (actions, all.first().map_or(0, |one| one["seq"].as_u64().unwrap()))
    };
    let (actions, first) = page("limit=2".into()).await;
    assert_eq!(actions, ["act.13", "act.14"]);
    let (actions, second) = page(format!("limit=2&before={first}")).await;
    assert_eq!(actions, ["act.11", "act.12"]);
    // A record that is no entry is a place to begin at too.
    assert_eq!(page(format!("limit=2&before={}", second - 1)).await.0, ["act.10"]);
    assert_eq!(page("before=1".into()).await, (Vec::new(), 0));
}
