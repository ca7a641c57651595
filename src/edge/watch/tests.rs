//! The pages over a real socket.

use reqwest::StatusCode;
use weir_model::StreamState;

use crate::edge::Config;
use crate::edge::testing::Edge;

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
    let first = String::from_utf8(events.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let state: serde_json::Value =
        serde_json::from_str(first.trim().strip_prefix("data: ").unwrap()).unwrap();
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
