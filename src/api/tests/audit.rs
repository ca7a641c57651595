//! Whatever staff change stands in the audit log before it is done.

use weir_ledger::request::Outcome;

use super::*;

impl Bench {
    /// The newest acts: action, target and what came of it.
    fn acts(&self) -> Vec<(String, String, Outcome)> {
        let acts = self.audit.acts.lock();
        acts.iter()
            .map(|(_, _, act)| (act.action.clone(), act.target.clone(), act.outcome.clone()))
            .collect()
    }
}

#[tokio::test]
async fn what_an_operator_does_is_recorded_with_its_reason_and_without_secrets() {
    let bench = Bench::new();
    let body = json!({"name": "alice", "password": "correct horse battery"});
    let made = bench.ask("POST", "/v1/accounts?reason=she+asked", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (by, reason, act) = bench.audit.acts.lock()[0].clone();
    assert_eq!((by, reason.as_str()), (bench.ctx.store.operator(), "she asked"));
    assert_eq!((act.action.as_str(), act.target.as_str()), ("account.manage", "/v1/accounts"));
    assert_eq!(act.from, "operator");
    assert!(act.detail.contains("alice") && !act.detail.contains("horse"), "{}", act.detail);
}

#[tokio::test]
async fn what_came_to_nothing_is_recorded_as_that() {
    let bench = Bench::new();
    bench.ask("DELETE", "/v1/channels/nobody", None).await;
    let (action, target) = ("channel.delete".to_owned(), "/v1/channels/nobody".to_owned());
    let why = "channel `nobody` does not exist".to_owned();
    let begun = (action.clone(), target.clone(), Outcome::Begun);
    assert_eq!(bench.acts(), [begun, (action, target, Outcome::Failed { begun: 1, why })]);
}

#[tokio::test]
async fn questions_and_dry_runs_are_no_acts_and_what_people_do_to_their_own_is_none_of_staff() {
    let bench = Bench::with_demo().await;
    let before = bench.acts().len();
    bench.ask("GET", "/v1/channels", None).await;
    bench.ask("DELETE", "/v1/channels/demo?dry_run=true", None).await;
    bench.ask("POST", "/v1/auth/can-i", Some(json!({"action": "key.read"}))).await;
    assert_eq!(bench.acts().len(), before);
}

#[tokio::test]
async fn nothing_is_done_that_cannot_be_recorded() {
    let bench = Bench::with_demo().await;
    *bench.audit.is_away.lock() = true;
    let refused = bench.ask("DELETE", "/v1/channels/demo", None).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(bench.ctx.store.channel(&"demo".parse().unwrap()).is_ok());
}
