//! The pages over a real socket.

use reqwest::StatusCode;
use weir_model::StreamState;

use crate::edge::Config;
use crate::edge::testing::Edge;

/// The next state that a page is told.
async fn told(events: &mut reqwest::Response) -> serde_json::Value {
    let text = String::from_utf8(events.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    serde_json::from_str(text.trim().strip_prefix("data: ").unwrap()).unwrap()
}

#[tokio::test]
async fn pages_allow_no_inline_script_and_hold_nothing_of_a_channel() {
    let edge = Edge::playing().await;
    for path in [
        "/",
        "/watch/demo",
        "/watch/quiet/",
        "/assets/player.js",
        "/assets/account.js",
        "/assets/style.css",
    ] {
        let page = edge.get(path).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = page.text().await.unwrap();
        assert!(!text.contains("<script>") && !text.contains(" style=\""), "{path}");
        assert!(path.starts_with("/assets/") || !text.contains("title</b>"), "{path}");
    }
    assert_eq!(edge.get("/watch/none").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(edge.get("/watch/%3Cb%3E").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_is_told_of_every_change() {
    let edge = Edge::playing().await;
    let mut events = edge.get("/live/demo/state").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let state = told(&mut events).await;
    assert_eq!((&state["state"], &state["playable"]), (&"live".into(), &true.into()));
    assert_eq!(state["title"], "A <b>title</b>");
    edge.state.send_modify(|state| state.state = StreamState::Ended);
    let next = events.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&next).contains("\"ended\""));
}

#[tokio::test]
async fn pages_beyond_the_limit_are_told_to_ask() {
    let edge = Edge::start(Config { pages_max: 1, ..Config::default() }).await;
    let _first = edge.get("/live/quiet/state").await;
    let second = edge.get("/live/quiet/state").await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(edge.context.metrics.pages_refused.get(), 1);
    assert!(edge.text("/live/quiet/state.json").await.contains("\"offline\""));
    assert_eq!(edge.get("/live/none/state").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_holds_what_is_live() {
    let edge = Edge::playing().await;
    assert!(edge.text("/live.json").await.contains("\"channel\":\"demo\""));
    edge.state.send_modify(|state| state.state = StreamState::Ended);
    assert_eq!(edge.text("/live.json").await, "{\"streams\":[]}");
}

#[tokio::test]
async fn a_page_says_that_a_session_is_on_to_whoever_is_not_of_it_until_it_is_over() {
    let edge = Edge::playing().await;
    let (host, alice) = (edge.person("host").await, edge.person("alice").await);
    let session = edge.offer(&host, &[&alice]);
    let state = |state: &serde_json::Value| (state["state"].clone(), state["playable"].clone());
    let (live, private) = ("live".into(), "private".into());
    let mut public = edge.get("/live/demo/state").await;
    let mut party = edge.get_as("/live/demo/state", &alice.cookie).await;
    assert_eq!(state(&told(&mut public).await), (live, true.into()));
    assert_eq!(told(&mut party).await["state"], "live");

    edge.begin(session, 2);
    let now = told(&mut public).await;
    assert_eq!(state(&now), (private, false.into()));
    assert_eq!(now["viewers"], 0, "how many meet there is their own affair");
    let asked = async |cookie: &str| -> serde_json::Value {
        edge.get_as("/live/demo/state.json", cookie).await.json().await.unwrap()
    };
    for (cookie, expected) in [("", "private"), (&*alice.cookie, "live"), (&*host.cookie, "live")] {
        let now = asked(cookie).await;
        assert_eq!(
            (&now["state"], &now["playable"]),
            (&expected.into(), &(expected == "live").into())
        );
    }
    let list: serde_json::Value = edge.get("/live.json").await.json().await.unwrap();
    assert_eq!(list["streams"][0]["state"], "private");

    edge.unveil(session, 4);
    assert_eq!(state(&told(&mut public).await), ("live".into(), false.into()), "nothing of it yet");
    assert_eq!(state(&told(&mut party).await), ("live".into(), false.into()));
    (3..5).for_each(|msn| edge.segment(msn, 10));
    assert_eq!(state(&told(&mut public).await), ("live".into(), true.into()));
}

#[tokio::test]
async fn a_program_is_told_in_a_word_why_it_may_not_watch() {
    let edge = Edge::playing().await;
    let host = edge.person("host").await;
    let alice = edge.person("alice").await;
    let session = edge.offer(&host, &[&alice]);
    edge.begin(session, 2);
    let refused = edge.get("/live/demo/index.m3u8").await;
    assert_eq!(refused.headers()["weir-refused"], "private");
    let exposed = refused.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("Weir-Refused"));
}
