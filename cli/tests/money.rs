//! What the node of these tests says of sessions and of money.

use weir_model::api::sale::{MemberInfo, TicketEvent, TicketEventState};
use weir_model::approval::{ApprovalInfo, ApprovalState};
use weir_model::charge::{ChargeName, LedgerId};
use weir_model::money::{
    BalanceChange, BalanceState, Durability, MoneyReceipt, PayoutInfo, PayoutState, TellingInfo,
    TellingState,
};
use weir_model::provider::{
    ParkedEvent, ParkedState, ProviderDetail, ProviderInfo, Reported, TopUpPage,
};
use weir_model::session::{
    Counting, SessionHalt, SessionInfo, SessionParty, SessionPrice, SessionState,
};
use weir_model::{Access, AccountId, Channel, SessionId};

use super::*;

const SESSION: &str = "/v1/sessions/ses_0000000000000001";

/// Whether a path is about sessions or money.
pub(crate) fn knows(path: &str) -> bool {
    let nouns = ["/v1/sessions", "/v1/payouts", "/v1/tips", "/v1/refunds", "/v1/wallets"];
    let sold = ["/access", "/memberships", "/v1/ticket-events"];
    let outside = ["/v1/providers", "/v1/topups", "/v1/approvals"];
    nouns.iter().chain(&sold).chain(&outside).any(|noun| path.contains(noun))
}

/// The body for `METHOD /path`.
pub(crate) fn answer(path: &str) -> String {
    match path {
        "GET /v1/sessions" => json(&[session()]),
        "POST /v1/sessions" => json(&SessionInfo {
            state: SessionState::Offered,
            parties: Vec::new(),
            began_at: None,
            ..session()
        }),
        path if path == format!("POST {SESSION}/end") => json(&SessionInfo {
            state: SessionState::Ended,
            ended_at: Some(NOW),
            ended_why: Some(SessionHalt::Operator),
            ..session()
        }),
        path if path.contains("/v1/sessions") => json(&session()),
        "GET /v1/payouts" => json(&[payout()]),
        "GET /v1/approvals" => json(&[proposal()]),
        "POST /v1/refunds" => json(&proposal()),
        path if path.contains("/v1/approvals") && path.ends_with("/reject") => {
            let (state, next) = (ApprovalState::Rejected, String::new());
            json(&ApprovalInfo { state, next, ..proposal() })
        }
        "GET /v1/ticket-events" => json(&[event()]),
        path if path.starts_with("GET") && path.ends_with("/access") => json(&members()),
        path if path.starts_with("PUT") && path.ends_with("/access") => {
            json(&Channel { access: members(), ..answers::channel() })
        }
        path if path.starts_with("GET") && path.ends_with("/memberships") => json(&[member()]),
        path if path.ends_with("/renewal") => json(&MemberInfo { renews: false, ..member() }),
        path if path.contains("/memberships") => json(&receipt("subscription")),
        path if path.contains("/v1/ticket-events") => {
            json(&MoneyReceipt { charge: None, ..receipt("ticket") })
        }
        path if path.ends_with("/freeze") => json(&MoneyReceipt {
            seq: Some(9),
            durability: None,
            changes: vec![frozen()],
            ..receipt("standing")
        }),
        path if path.contains("/v1/payouts") => json(&MoneyReceipt {
            replayed: true,
            charge: None,
            payout: LedgerId::new(7),
            id: None,
            ..receipt("payout ended")
        }),
        "GET /v1/providers" => json(&[provider()]),
        "GET /v1/providers/acme" => {
            json(&ProviderDetail { provider: provider(), events: vec![parked()] })
        }
        "POST /v1/topups" => json(&TopUpPage {
            reference: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            url: Some("https://pay.example.com/7".into()),
        }),
        path if path.contains("/v1/providers") => {
            json(&MoneyReceipt { charge: None, id: None, ..receipt("event put aside") })
        }
        _ => json(&receipt("tip")),
    }
}

fn proposal() -> ApprovalInfo {
    ApprovalInfo {
        id: "0123456789abcdef0123456789abcdef".parse().unwrap(),
        what: "refund".into(),
        amount: "750.00".into(),
        currency: "EUR".into(),
        then: "tip:0123456789abcdef0123456789abcdef was refunded".into(),
        reason: "sent twice".into(),
        right: "refund".into(),
        by: AccountId(2),
        name: Some("alice".parse().unwrap()),
        at: ago(3_600),
        expires_at: ago(3_600 - 86_400),
        state: ApprovalState::Open,
        decided_by: None,
        decided_at: None,
        seq: None,
        next: "nothing has moved; another account confirms it".into(),
    }
}

fn members() -> Access {
    let (price, currency) = ("4.99".into(), "EUR".into());
    Access::Members { price, currency, period_secs: 30 * 86_400 }
}

fn member() -> MemberInfo {
    MemberInfo {
        channel: "demo".parse().unwrap(),
        account: AccountId(2),
        name: Some("alice".parse().unwrap()),
        until: Some(NOW.plus_ms(7 * 86_400_000)),
        renews: true,
    }
}

fn event() -> TicketEvent {
    TicketEvent {
        id: LedgerId::new(9).unwrap(),
        price: "3.00".into(),
        currency: "EUR".into(),
        capacity: 500,
        sold: 123,
        state: TicketEventState::Open,
        creator: Some(AccountId(1)),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_ms(-1000 * seconds)
}

fn receipt(what: &str) -> MoneyReceipt {
    MoneyReceipt {
        what: what.into(),
        id: LedgerId::new(1),
        seq: Some(8),
        replayed: false,
        durability: Some(Durability::Quorum),
        amount: "5.00".into(),
        available: "95.00".into(),
        currency: "EUR".into(),
        charge: Some(ChargeName::Tip(1)),
        payout: None,
        changes: Vec::new(),
    }
}

fn frozen() -> BalanceChange {
    let state = |standing: &str| BalanceState {
        balance: "95.00".into(),
        reserved: "0.00".into(),
        standing: standing.into(),
    };
    let account = "user:acc_0000000000000002:wallet".into();
    BalanceChange { account, before: state("open"), after: state("frozen") }
}

fn provider() -> ProviderInfo {
    ProviderInfo {
        name: "acme".into(),
        url: None,
        waiting: 1,
        stopped: 0,
        oldest_at: Some(ago(300)),
        seq: Some(7),
        at: Some(ago(60)),
        pending: "20.00".into(),
        available: "-1.00".into(),
        reported: Some(Reported {
            at: ago(600),
            pending: "20.00".into(),
            available: "0.00".into(),
        }),
        taken: 9,
        refused: 1,
    }
}

fn parked() -> ParkedEvent {
    ParkedEvent {
        id: "0123456789abcdef0123456789abcdef".parse().unwrap(),
        event: "evt_7".into(),
        what: "dispute.opened".into(),
        state: ParkedState::Waiting,
        why: "payment 00000000000000000000000000000007".into(),
        created: ago(400),
        since: ago(300),
    }
}

fn payout() -> PayoutInfo {
    PayoutInfo {
        id: "0123456789abcdef0123456789abcdef".parse().unwrap(),
        account: AccountId(1),
        amount: "50.00".into(),
        provider: "manual".into(),
        state: PayoutState::Open,
        told: Some(TellingInfo {
            state: TellingState::Failed,
            tries: 3,
            at: ago(60),
            error: Some("the provider cannot be reached".into()),
        }),
        seq: 7,
        at: ago(600),
    }
}

fn price(name: &str, rate: &str) -> SessionPrice {
    SessionPrice {
        name: name.into(),
        rate: rate.into(),
        count: Counting::Second,
        min_seconds: 60,
        free_seconds: 10,
        places: 5,
        taken: 1,
    }
}

fn party(id: u64, name: &str, price: &str) -> SessionParty {
    SessionParty {
        account: AccountId(id),
        name: name.parse().ok(),
        price: price.into(),
        cap: "20.00".into(),
        charge: format!("session:{id:032x}"),
        joined_at: ago(80),
        left_at: None,
        left_why: None,
        settled: false,
        billed: Some("2.50".into()),
        delivered_seconds: Some(35),
        paused: Some(SessionHalt::StreamerGone),
        left_seconds: Some(175),
    }
}

fn session() -> SessionInfo {
    let gone = SessionParty {
        left_at: Some(ago(5)),
        left_why: Some(SessionHalt::Balance),
        settled: true,
        paused: None,
        left_seconds: None,
        ..party(3, "bobby", "onlooker")
    };
    SessionInfo {
        id: SessionId(1),
        channel: "demo".parse().unwrap(),
        host: AccountId(1),
        state: SessionState::Live,
        currency: Some("EUR".into()),
        fee_bps: 3_000,
        prices: vec![price("guest", "6.00"), price("onlooker", "0.60")],
        invited: vec![AccountId(2)],
        parties: vec![party(2, "alice", "guest"), gone],
        offered_at: ago(90),
        began_at: Some(ago(75)),
        ended_at: None,
        ended_why: None,
    }
}

#[tokio::test]
async fn a_session_is_joined_at_the_price_that_was_looked_up_or_given() {
    let ran = piped("session join ses_0000000000000001 --cap 20.00 --price onlooker --yes").await;
    let body = r#"{"price":"onlooker","rate":"0.60","cap":"20.00"}"#;
    let asked = [format!("GET {SESSION}"), format!("POST {SESSION}/join?dry_run=false {body}")];
    assert_eq!((ran.exit, ran.asked), (Exit::Ok, asked.to_vec()));
    let unasked = piped("session join ses_0000000000000001 --cap 20.00").await;
    assert_eq!((unasked.exit, unasked.asked.len()), (Exit::Usage, 1), "nobody agreed to the price");
    let ran = piped("session join ses_0000000000000001 --cap 20.00 --rate 6.00 --as alice").await;
    let body = r#"{"account":"alice","rate":"6.00","cap":"20.00"}"#;
    assert_eq!(ran.asked, [format!("POST {SESSION}/join?dry_run=false {body}")]);
    let ran = piped("session start demo --rate 6.00 --free 1500ms").await;
    assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0), "{}", ran.err);
}

#[tokio::test]
async fn money_is_asked_for_again_under_the_same_id_until_somebody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let seen = Asked::default();
    let log = Arc::clone(&seen);
    tokio::runtime::Handle::current().spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (_, body) = request(&mut socket).await;
            log.lock().unwrap().push(body);
        }
    });
    let ran = alone(&format!("tip demo 5.00 --endpoint {endpoint}")).await;
    assert_eq!(ran.exit, Exit::Unreachable);
    let hint = "is the node running? name its API with --endpoint or WEIR_ENDPOINT; it may have been done: \
                type the same command with --id 0123456789abcdef0123456789abcdef, and it is done once";
    assert!(ran.err.contains(hint), "{}", ran.err);
    let said = "done once under the id 0123456789abcdef0123456789abcdef\n";
    assert!(ran.err.starts_with(said), "it is known before anything is asked: {}", ran.err);
    let seen = seen.lock().unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|body| *body == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn what_is_typed_of_money_and_sessions_is_what_the_node_is_asked() {
    for (line, asked) in [
        (
            "session start demo --rate 6.00 --with alice,bobby --minimum 1m --free 10s --onlookers 5 --onlooker-rate 0.60 --count 6s",
            r#"POST /v1/sessions?dry_run=false {"channel":"demo","rate":"6.00","count":"6s","min_seconds":60,"free_seconds":10,"places":1,"onlookers":{"rate":"0.60","places":5},"invited":["alice","bobby"]}"#,
        ),
        (
            "session end ses_0000000000000001 --dry-run --reason R",
            "POST /v1/sessions/ses_0000000000000001/end?dry_run=true&reason=R null",
        ),
        (
            "tip demo 5.00 --from alice --message thanks",
            r#"POST /v1/tips?dry_run=false {"id":"0123456789abcdef0123456789abcdef","channel":"demo","amount":"5.00","from":"alice","message":"thanks"}"#,
        ),
        (
            "refund tip:0123456789abcdef0123456789abcdef --yes --id 11111111-1111-1111-1111-111111111111",
            r#"POST /v1/refunds?dry_run=false {"id":"11111111111111111111111111111111","charge":"tip:0123456789abcdef0123456789abcdef"}"#,
        ),
        (
            "wallet credit alice 5.00 --grant --expires 1h --dry-run",
            r#"POST /v1/wallets/alice/credit?dry_run=true {"id":"0123456789abcdef0123456789abcdef","amount":"5.00","grant":true,"expires_at":"2023-11-14T23:13:20.000Z"}"#,
        ),
        (
            "payout fail 0123456789abcdef0123456789abcdef --yes",
            "POST /v1/payouts/0123456789abcdef0123456789abcdef/fail?dry_run=false null",
        ),
        ("session list --state live --limit 3", "GET /v1/sessions?state=live&limit=3"),
        (
            "price set demo --members 4.99 --every 7d",
            r#"PUT /v1/channels/demo/access?dry_run=false {"kind":"members","price":"4.99","period_secs":604800}"#,
        ),
        (
            "price set demo --public --dry-run",
            r#"PUT /v1/channels/demo/access?dry_run=true {"kind":"public"}"#,
        ),
        (
            "member join demo --price 4.99 --as alice --renew",
            r#"POST /v1/channels/demo/memberships?dry_run=false {"id":"0123456789abcdef0123456789abcdef","account":"alice","price":"4.99","partial":false,"renew":true}"#,
        ),
        (
            "member gift demo --price 4.99 --to alice,bobby --partial",
            r#"POST /v1/channels/demo/memberships?dry_run=false {"id":"0123456789abcdef0123456789abcdef","price":"4.99","to":["alice","bobby"],"partial":true,"renew":false}"#,
        ),
        (
            "member lapse demo --as alice",
            "DELETE /v1/channels/demo/memberships/alice/renewal?dry_run=false",
        ),
        (
            "ticket open demo 3.00 --places 500",
            r#"POST /v1/ticket-events?dry_run=false {"id":"0123456789abcdef0123456789abcdef","channel":"demo","price":"3.00","capacity":500}"#,
        ),
        (
            "ticket buy 00000000000000000000000000000009 --as alice",
            r#"POST /v1/ticket-events/00000000000000000000000000000009/tickets?dry_run=false {"id":"0123456789abcdef0123456789abcdef","account":"alice"}"#,
        ),
        (
            "ticket end 00000000000000000000000000000009 --cancelled --yes",
            r#"POST /v1/ticket-events/00000000000000000000000000000009/end?dry_run=false {"cancelled":true}"#,
        ),
    ] {
        let ran = piped(line).await;
        assert_eq!(ran.exit, Exit::Ok, "{line}: {}", ran.err);
        assert_eq!(ran.asked, [asked], "{line}");
    }
}

#[tokio::test]
async fn what_takes_two_people_is_decided_by_its_id() {
    for (line, asked) in [
        (
            "approval confirm 0123456789abcdef0123456789abcdef --dry-run",
            "POST /v1/approvals/0123456789abcdef0123456789abcdef/confirm?dry_run=true null",
        ),
        (
            "approval reject 0123456789abcdef0123456789abcdef --reason R",
            "POST /v1/approvals/0123456789abcdef0123456789abcdef/reject?dry_run=false&reason=R null",
        ),
    ] {
        let ran = piped(line).await;
        assert_eq!(ran.exit, Exit::Ok, "{line}: {}", ran.err);
        assert_eq!(ran.asked, [asked], "{line}");
    }
}

/// A node in trouble: it says so, or what nobody understands.
fn troubled(line: &str) -> (&'static str, String) {
    let refuse = |status, code| {
        (status, json(&weir_model::ApiError::new(code, "no").hint("do something else")))
    };
    match line {
        _ if line.contains("/v1/tips") => ("200 OK", "nonsense".into()),
        _ if line.contains("/v1/refunds") => {
            refuse("500 Internal Server Error", weir_model::ErrorCode::Internal)
        }
        _ if line.contains("/paid") => {
            refuse("503 Service Unavailable", weir_model::ErrorCode::Unavailable)
        }
        _ => refuse("409 Conflict", weir_model::ErrorCode::Conflict),
    }
}

#[tokio::test]
async fn whatever_may_have_been_done_says_how_it_is_asked_for_again() {
    const ID: &str = "0123456789abcdef0123456789abcdef";
    let with_id = format!("type the same command with --id {ID}, and it is done once");
    for (line, asked, hint) in [
        ("tip demo 5.00".to_owned(), 1, Some(with_id.clone())),
        (
            format!("refund tip:{ID} --yes"),
            3,
            Some(format!("hint: do something else; it may have been done: {with_id}")),
        ),
        (
            format!("payout paid {ID} --yes"),
            3,
            Some("type the same command again, and it is done once".into()),
        ),
        (format!("refund tip:{ID} --dry-run"), 3, Some("; nothing was changed".into())),
        (format!("payout fail {ID} --yes"), 1, None),
    ] {
        let ran = told_by(troubled, &line).await;
        assert_eq!(ran.asked.len(), asked, "{line}: {}", ran.err);
        match hint {
            Some(hint) => assert!(ran.err.contains(&hint), "{line}: {}", ran.err),
            None => assert!(!ran.err.contains("it may have been done"), "{line}: {}", ran.err),
        }
    }
}

#[tokio::test]
async fn only_what_can_be_frozen_is_frozen() {
    let ran = piped("wallet freeze alice --of debt --yes").await;
    assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0));
    assert!(ran.err.contains("wallet and payable are"), "{}", ran.err);
}
