//! HLS over a real socket.

mod private;
mod sold;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use weir_model::StreamState;

use crate::edge::Config;
use crate::edge::testing::Edge;

fn header<'a>(reply: &'a reqwest::Response, name: &str) -> &'a str {
    reply.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn each_player_gets_an_id_of_its_own_and_counts_once() {
    let edge = Edge::playing().await;
    let (one, two) =
        (edge.text("/live/demo/index.m3u8").await, edge.text("/live/demo/index.m3u8").await);
    assert_ne!(one, two);
    let uri = |text: &str| text.lines().last().unwrap().to_owned();
    for _ in 0..3 {
        let text = edge.text(&format!("/live/demo/{}", uri(&one))).await;
        assert!(!text.contains("?v="), "a media playlist is the same for everybody");
    }
    edge.get(&format!("/live/demo/{}", uri(&two))).await;
    let channel = "demo".parse().unwrap();
    assert_eq!(edge.context.viewings.count(&channel), 2);
    let again =
        edge.text(&format!("/live/demo/index.m3u8?{}", uri(&one).split_once('?').unwrap().1)).await;
    let id = |text: &str| {
        let value = uri(text).split_once("?v=").unwrap().1.to_owned();
        edge.context.tickets.read(&channel, &value).unwrap().id
    };
    assert_eq!(id(&again), id(&one));
    assert_ne!(id(&two), id(&one));
}

#[tokio::test]
async fn a_kicked_viewer_is_refused_with_a_sentence() {
    let edge = Edge::playing().await;
    let uri = edge.text("/live/demo/index.m3u8").await.lines().last().unwrap().to_owned();
    let path = format!("/live/demo/{uri}");
    assert_eq!(edge.get(&path).await.status(), StatusCode::OK);
    let id = edge.context.viewings.list(None, 1)[0].id;
    assert!(edge.context.viewings.kick(id));
    let refused = edge.get(&path).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(header(&refused, "access-control-allow-origin"), "*");
    assert_eq!(refused.text().await.unwrap(), "an operator ended this viewing\n");
}

#[tokio::test]
async fn a_forged_id_is_the_address() {
    let edge = Edge::playing().await;
    for n in 0..5 {
        edge.get(&format!("/live/demo/v0/index.m3u8?v={n:032}")).await;
    }
    assert_eq!(edge.context.viewings.total(), 1);
}

#[tokio::test]
async fn a_player_without_an_id_is_its_address_whatever_it_calls_itself() {
    let edge = Edge::playing().await;
    for player in ["one/1", "two/2", ""] {
        let ask = edge.client.get(edge.url("/live/demo/v0/index.m3u8"));
        let reply = ask.header("user-agent", player).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
    }
    let listed = edge.context.viewings.list(None, 9);
    assert_eq!((listed.len(), listed[0].requests), (1, 3));
    assert_eq!(listed[0].player, "one/1");
}

#[tokio::test]
async fn who_asks_for_heads_starts_no_viewing() {
    let edge = Edge::playing().await;
    let uri = edge.text("/live/demo/index.m3u8").await.lines().last().unwrap().to_owned();
    let path = format!("/live/demo/{uri}");
    let head = async || edge.client.head(edge.url(&path)).send().await.unwrap().status();
    assert_eq!(head().await, StatusCode::OK);
    assert_eq!(edge.context.viewings.total(), 0);
    edge.get(&path).await;
    let id = edge.context.viewings.list(None, 1)[0].id;
    assert!(edge.context.viewings.kick(id));
    assert_eq!(head().await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn one_address_cannot_take_every_place_by_asking_for_many_ids() {
    let config = Config { viewings_per_address_max: 2, ..Config::default() };
    let edge = Edge::start(config).await;
    edge.segment(0, 10);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let uri = edge.text("/live/demo/index.m3u8").await.lines().last().unwrap().to_owned();
        answers.push(edge.get(&format!("/live/demo/{uri}")).await);
    }
    let refused = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().await.unwrap().contains("from your address"));
    assert_eq!(edge.context.viewings.totals().refused_address, 1);
}

#[tokio::test]
async fn a_full_node_says_so() {
    let edge = Edge::start(Config { viewings_max: 0, ..Config::default() }).await;
    edge.segment(0, 10);
    let refused = edge.get("/live/demo/v0/index.m3u8").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&refused, "retry-after"), "1");
}

#[tokio::test]
async fn h15_headers_say_what_may_be_kept_and_by_whom() {
    let edge = Edge::playing().await;
    for (path, kind, cache) in [
        ("/live/demo/index.m3u8", "application/vnd.apple.mpegurl", "no-store"),
        ("/live/demo/v0/index.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        (
            "/live/demo/v0/index.m3u8?_HLS_msn=1",
            "application/vnd.apple.mpegurl",
            "public, max-age=24",
        ),
        ("/live/demo/v0/s1.m4s", "video/mp4", "public, max-age=3600, immutable"),
        ("/live/demo/a0/p20.m4s", "audio/mp4", "public, max-age=3600, immutable"),
        ("/live/demo/v0/init-00aa.mp4", "video/mp4", "public, max-age=3600, immutable"),
    ] {
        let reply = edge.get(path).await;
        assert_eq!(reply.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&reply, "content-type"), kind, "{path}");
        assert_eq!(header(&reply, "cache-control"), cache, "{path}");
        assert_eq!(header(&reply, "access-control-allow-origin"), "*", "{path}");
        let head = edge.client.head(edge.url(path)).send().await.unwrap();
        assert_eq!(header(&head, "content-length"), header(&reply, "content-length"), "{path}");
        assert!(head.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn h15_errors_have_cors_and_are_kept_for_a_moment() {
    let edge = Edge::playing().await;
    for path in [
        "/live/demo/v0/s99.m4s",
        "/live/demo/v0/no-such-segment-0.m4s",
        "/live/none/index.m3u8",
        "/live/quiet/index.m3u8",
        "/live/demo/v7/index.m3u8",
        "/live/A%20B/index.m3u8",
        "/nothing",
    ] {
        let reply = edge.get(path).await;
        assert_eq!(reply.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&reply, "access-control-allow-origin"), "*", "{path}");
        assert_eq!(header(&reply, "cache-control"), "max-age=1", "{path}");
    }
    let options = edge
        .client
        .request(Method::OPTIONS, edge.url("/live/demo/v0/p1.m4s"))
        .send()
        .await
        .unwrap();
    assert_eq!(options.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&options, "access-control-allow-methods"), "GET, HEAD, OPTIONS");
    let post = edge.client.post(edge.url("/live/demo/index.m3u8")).send().await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn h15_ranges_cross_parts() {
    let edge = Edge::playing().await;
    let whole = edge.text("/live/demo/v0/s0.m4s").await;
    assert!(whole.starts_with("<part 0><part 1>") && whole.ends_with("<part 9>"));
    let range = |value: &'static str| {
        edge.client.get(edge.url("/live/demo/v0/s0.m4s")).header("range", value).send()
    };
    let some = range("bytes=5-11").await.unwrap();
    assert_eq!(some.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&some, "content-range"), "bytes 5-11/80");
    assert_eq!(some.text().await.unwrap(), whole[5..12]);
    let none = range("bytes=80-").await.unwrap();
    assert_eq!(none.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&none, "content-range"), "bytes */80");
}

#[tokio::test]
async fn h15_playlists_are_compressed_for_whoever_takes_it_and_validated() {
    let edge = Edge::playing().await;
    for path in ["/live/demo/index.m3u8", "/live/demo/v0/index.m3u8"] {
        let ask = edge.client.get(edge.url(path)).header("accept-encoding", "br, gzip;q=0.5");
        let reply = ask.send().await.unwrap();
        assert_eq!(header(&reply, "content-encoding"), "gzip");
        assert_eq!(header(&reply, "vary"), "Accept-Encoding");
        let mut text = String::new();
        let packed = reply.bytes().await.unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text)
            .unwrap();
        assert!(text.starts_with("#EXTM3U"));
        let plain =
            edge.client.get(edge.url(path)).header("accept-encoding", "gzip;q=0").send().await;
        assert_eq!(header(&plain.unwrap(), "content-encoding"), "");
    }
    let etag = header(&edge.get("/live/demo/v0/index.m3u8").await, "etag").to_owned();
    let ask = || {
        edge.client.get(edge.url("/live/demo/v0/index.m3u8")).header("if-none-match", &etag).send()
    };
    assert_eq!(ask().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    edge.part(21, 2);
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn h11_h13_blocked_requests_are_answered_by_the_part() {
    let edge = Edge::playing().await;
    let playlist = edge.text("/live/demo/v0/index.m3u8?_HLS_msn=2&_HLS_part=1");
    let hinted = edge.text("/live/demo/v0/p21.m4s");
    let publish = async {
        while edge.window.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        edge.part(21, 2);
    };
    let (playlist, hinted, ()) = tokio::join!(playlist, hinted, publish);
    assert!(playlist.contains("URI=\"p21.m4s\"") && playlist.contains("URI=\"p22.m4s\""));
    assert_eq!(hinted, "<part 21>");
    for query in ["_HLS_part=0", "_HLS_msn=9", "_HLS_msn=x", "_HLS_msn=2&_HLS_part=99"] {
        let reply = edge.get(&format!("/live/demo/v0/index.m3u8?{query}")).await;
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_viewer_who_leaves_waits_no_longer() {
    let edge = Edge::playing().await;
    let ask =
        edge.client.get(edge.url("/live/demo/v0/p21.m4s")).timeout(Duration::from_millis(100));
    assert!(ask.send().await.is_err());
    while edge.window.waiting() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn h16_a_starting_show_is_waited_for_and_then_refused_for_a_moment() {
    let edge = Edge::start(Config { start_hold_secs: 0, ..Config::default() }).await;
    let reply = edge.get("/live/demo/index.m3u8").await;
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&reply, "retry-after"), "1");
    let edge = Edge::start(Config::default()).await;
    let publish = async {
        while edge.window.waiting() < 1 {
            tokio::task::yield_now().await;
        }
        edge.segment(0, 10);
    };
    let (reply, ()) = tokio::join!(edge.get("/live/demo/index.m3u8"), publish);
    assert_eq!(reply.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_ended_show_is_served_until_it_is_offline() {
    let edge = Edge::playing().await;
    edge.window.end();
    edge.state.send_modify(|state| state.state = StreamState::Ended);
    assert!(edge.text("/live/demo/v0/index.m3u8").await.ends_with("#EXT-X-ENDLIST\n"));
    edge.state.send_modify(|state| state.state = StreamState::Offline);
    assert_eq!(edge.get("/live/demo/v0/index.m3u8").await.status(), StatusCode::NOT_FOUND);
}
