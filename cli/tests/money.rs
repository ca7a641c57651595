//! What the node of these tests says of sessions and of money.

use weir_model::session::{
    Counting, SessionHalt, SessionInfo, SessionParty, SessionPrice, SessionState,
};
use weir_model::{AccountId, SessionId};

use super::*;

const SESSION: &str = "/v1/sessions/ses_0000000000000001";

/// Whether a path is about sessions or money.
pub(crate) fn knows(path: &str) -> bool {
    path.contains("/v1/sessions")
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
        _ => json(&session()),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_ms(-1000 * seconds)
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
