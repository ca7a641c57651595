//! Taking part in private sessions over a real socket, kindly and not.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use weir_model::SessionId;
use weir_session::Session;

use crate::edge::testing::Edge;
use crate::edge::testing::meetings::AVAILABLE;
use crate::edge::testing::session::Person;

/// What a page can do.
const DEEDS: [&str; 3] = ["join", "beat", "leave"];

/// A session that Alice alone is invited to.
struct Stage {
    edge: Edge,
    session: SessionId,
    alice: Person,
    bob: Person,
}

impl Stage {
    async fn invited() -> Self {
        let edge = Edge::playing().await;
        let (host, alice) = (edge.person("host").await, edge.person("alice").await);
        let bob = edge.person("bob").await;
        let session = edge.invite(&host, &[&alice]);
        Self { edge, session, alice, bob }
    }

    /// The same, and she joined.
    async fn joined() -> Self {
        let stage = Self::invited().await;
        let joined = stage.deed("join", Some(&stage.alice)).send().await.unwrap();
        assert_eq!(joined.status(), StatusCode::OK);
        stage
    }

    /// What a page sends.
    fn deed(&self, what: &str, who: Option<&Person>) -> RequestBuilder {
        let mut body = json!({ "session": self.session });
        if what == "join" {
            body["price"] = json!({
                "name": "guest", "rate": "6.00", "count": "second", "minimum_seconds": 0,
                "free_seconds": 0, "places": 8, "taken": 0,
            });
            body["cap"] = json!(AVAILABLE);
        }
        let cookie = who.map(|who| who.cookie.as_str());
        self.edge.post(&format!("/session/{what}"), cookie).body(body.to_string())
    }

    async fn state(&self, query: &str, who: Option<&Person>) -> Value {
        let cookie = who.map_or("", |who| who.cookie.as_str());
        let answer = self.edge.get_as(&format!("/session/state?{query}"), cookie).await;
        assert_eq!(answer.status(), StatusCode::OK, "{query}");
        said(answer).await
    }

    fn by_id(&self) -> String {
        format!("session={}", self.session)
    }

    /// The session, and who is said to play.
    fn stand(&self) -> (Session, usize) {
        let meetings = &self.edge.meetings;
        (meetings.session(self.session), meetings.played().len())
    }
}

/// What a page is told, which nobody keeps.
async fn said(answer: Response) -> Value {
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    answer.json().await.unwrap()
}

#[tokio::test]
async fn what_another_site_asks_for_is_not_done() {
    let stage = Stage::invited().await;
    let before = stage.stand();
    for deed in DEEDS {
        let foreign = [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ];
        for (name, value) in foreign {
            let answer =
                stage.deed(deed, Some(&stage.alice)).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{deed}, {name}: {value}");
            assert_eq!(said(answer).await["code"], "forbidden", "{deed}, {name}: {value}");
        }
    }
    assert_eq!(stage.stand(), before);
    let own = format!("http://{}", stage.edge.address);
    for deed in DEEDS {
        let answer = stage.deed(deed, Some(&stage.alice)).header("origin", &own);
        assert_eq!(answer.send().await.unwrap().status(), StatusCode::OK, "{deed}");
    }
}

#[tokio::test]
async fn who_is_not_signed_in_takes_no_part() {
    let stage = Stage::joined().await;
    let before = stage.stand();
    let unknown = "weir_session=wt_00000000000000000000000000";
    let out = &stage.bob;
    stage.edge.store.log_out(out.account).await.unwrap();
    for deed in DEEDS {
        for cookie in [None, Some(unknown), Some(out.cookie.as_str())] {
            let mut request = stage.deed(deed, None);
            if let Some(cookie) = cookie {
                request = request.header("cookie", cookie);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{deed} by {cookie:?}");
            assert_eq!(said(answer).await["code"], "unauthorized", "{deed} by {cookie:?}");
        }
    }
    assert_eq!(stage.stand(), before);
}

#[tokio::test]
async fn a_party_joins_plays_and_leaves_and_is_told_how_it_stands() {
    let stage = Stage::joined().await;
    let joined = stage.state("channel=demo", Some(&stage.alice)).await;
    let you = &joined["you"];
    assert_eq!((&you["price"], &you["cap"]), (&json!("guest"), &json!(AVAILABLE)));
    let beat = stage.deed("beat", Some(&stage.alice)).send().await.unwrap();
    assert_eq!(said(beat).await["you"], *you);
    assert_eq!(stage.edge.meetings.played(), [(stage.session, stage.alice.account)]);
    let left = stage.deed("leave", Some(&stage.alice)).send().await.unwrap();
    assert_eq!(said(left).await["you"]["left"], "viewer");
    let dear = stage.deed("join", Some(&stage.alice)).body(
        json!({
            "session": stage.session, "cap": AVAILABLE,
            "price": {
                "name": "guest", "rate": "5.00", "count": "second", "minimum_seconds": 0,
                "free_seconds": 0, "places": 8, "taken": 0,
            },
        })
        .to_string(),
    );
    assert_eq!(dear.send().await.unwrap().status(), StatusCode::CONFLICT, "another price");
}

#[tokio::test]
async fn what_a_stranger_does_changes_nothing_and_tells_him_nothing() {
    let stage = Stage::joined().await;
    let before = stage.edge.meetings.session(stage.session);
    let nothing = json!({ "session": null, "you": null, "available": null });
    let beat = stage.deed("beat", Some(&stage.bob)).send().await.unwrap();
    assert_eq!(beat.status(), StatusCode::OK);
    assert_eq!(said(beat).await, nothing);
    for deed in ["join", "leave"] {
        let answer = stage.deed(deed, Some(&stage.bob)).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{deed}: {answer:?}");
    }
    assert_eq!(stage.edge.meetings.session(stage.session), before);
    let told = stage.edge.meetings.played();
    assert!(told.iter().all(|(_, account)| *account != stage.alice.account), "{told:?}");
}

#[tokio::test]
async fn a_session_by_invitation_is_told_to_its_people_only() {
    let stage = Stage::invited().await;
    let nothing = json!({ "session": null, "you": null, "available": null });
    for query in ["channel=demo".to_owned(), stage.by_id()] {
        for stranger in [None, Some(&stage.bob)] {
            for query in [query.clone(), format!("{query}&available")] {
                assert_eq!(stage.state(&query, stranger).await, nothing, "{query}");
            }
        }
        let told = stage.state(&query, Some(&stage.alice)).await;
        let is = (&told["session"]["stage"], &told["session"]["open_to_you"]);
        assert_eq!(is, (&json!("offered"), &json!(true)), "{query}");
    }
    assert_eq!(stage.edge.meetings.asked(), 0, "nobody's wallet was looked at for that");
    let wrong = stage.edge.get("/session/state?channel=demo&session=1").await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_ledger_is_asked_what_somebody_can_spend_only_when_he_wants_to_know_it() {
    let stage = Stage::invited().await;
    let asked = || stage.edge.meetings.asked();
    let told = stage.state("channel=demo", Some(&stage.alice)).await;
    assert_eq!((&told["available"], asked()), (&Value::Null, 0));
    let told = stage.state("channel=demo&available", Some(&stage.alice)).await;
    assert_eq!((&told["available"], asked()), (&json!(AVAILABLE), 1));
    let joined = stage.deed("join", Some(&stage.alice)).send().await.unwrap();
    assert_eq!(joined.status(), StatusCode::OK);
    let told = stage.state("channel=demo&available", Some(&stage.alice)).await;
    assert_eq!((&told["available"], asked()), (&Value::Null, 1), "she has agreed already");
}
