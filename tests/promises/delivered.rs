//! What players and caches rely on: blocking reloads, hints, deltas, refusals, headers (RFC 8216bis, 6.2.5 and 6.2.6).

use std::time::{Duration, Instant};

use reqwest::{Method, Url};

use crate::harness::hls::{Player, Playlist, with_query};
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip};

/// A node with a stream that plays, its player and the address of the first media playlist.
async fn live() -> (Node, Ffmpeg, Player, Url) {
    live_on(Node::start().await).await
}

async fn live_on(node: Node) -> (Node, Ffmpeg, Player, Url) {
    let key = node.channel("demo").await;
    let ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let url = player.first().await;
    (node, ffmpeg, player, url)
}

async fn status(player: &Player, url: &Url, query: &str) -> u16 {
    player.get(&with_query(url, query)).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_blocking_reload_answers_with_the_part_it_waited_for() {
    let (_node, _ffmpeg, player, url) = live().await;
    let mut list = player.playlist(&url).await;
    let start = Instant::now();
    for _ in 0..10 {
        let (msn, part) = list.next_part();
        list = player.playlist_with(&url, (msn, part)).await;
        assert!(
            list.next_part() > (msn, part),
            "{:?} is not after {msn}, {part}",
            list.next_part()
        );
    }
    // Ten parts of 200 ms; somebody who answers early answers without the part.
    assert!(start.elapsed() > Duration::from_millis(1200), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    let whole = player.playlist(&with_query(&url, &format!("_HLS_msn={}", list.end()))).await;
    assert!(whole.end() > list.end());
    let past =
        player.playlist(&with_query(&url, &format!("_HLS_msn={}&_HLS_part=0", list.msn))).await;
    assert!(past.end() >= list.end(), "the past is answered at once");
}

#[tokio::test]
async fn impossible_reloads_are_refused_at_once() {
    let (_node, _ffmpeg, player, url) = live().await;
    let end = player.playlist(&url).await.end();
    let start = Instant::now();
    for query in [
        "_HLS_part=1".into(),
        format!("_HLS_msn={}", end + 50),
        "_HLS_msn=x".into(),
        "_HLS_msn=-1".into(),
    ] {
        assert_eq!(status(&player, &url, &query).await, 400, "{query}");
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn the_hinted_part_can_be_asked_for_before_it_is_there() {
    let (_node, _ffmpeg, player, url) = live().await;
    for _ in 0..12 {
        let list = player.playlist(&url).await;
        let hint = list.hints[0]["URI"].clone();
        let bytes = player.bytes(&url, &hint).await;
        assert!(!bytes.is_empty());
        let later = player.playlist_with(&url, list.next_part()).await;
        let parts = later.segments.iter().flat_map(|one| &one.parts).chain(&later.open);
        assert!(parts.into_iter().any(|part| part.uri == hint), "{hint} never came");
    }
}

#[tokio::test]
async fn a_delta_update_leaves_out_what_the_player_has() {
    // By default less is listed than may be skipped, and a delta is the whole list.
    let node = Node::start_configured("[stream]\nlisted_ms = 40000\n").await;
    let (_node, _ffmpeg, player, url) = live_on(node).await;
    let old = long_enough_to_skip(&player, &url).await;
    let query = format!("_HLS_msn={}&_HLS_part=0&_HLS_skip=YES", old.end());
    let delta = player.playlist(&with_query(&url, &query)).await;
    assert!(delta.skipped > 0, "nothing was skipped:\n{}", delta.text);
    for one in &delta.segments {
        let same = old.segments.iter().find(|other| other.msn == one.msn);
        assert!(same.is_none_or(|other| other.uri == one.uri), "{}", one.msn);
    }
    assert!(delta.text.len() < old.text.len());
}

/// A list whose oldest segments are further from the end than CAN-SKIP-UNTIL.
async fn long_enough_to_skip(player: &Player, url: &Url) -> Playlist {
    let far = |list: &Playlist| {
        let skip: f64 = list.control["CAN-SKIP-UNTIL"].trim_end_matches('s').parse().unwrap();
        list.seconds() > skip + 4.0
    };
    let mut list = player.playlist(url).await;
    let start = Instant::now();
    while !far(&list) && start.elapsed() < Duration::from_secs(45) {
        list = player.playlist(&with_query(url, &format!("_HLS_msn={}", list.end()))).await;
    }
    list
}

#[tokio::test]
async fn every_answer_can_be_read_by_a_page_of_another_site() {
    let (node, _ffmpeg, player, url) = live().await;
    let list = player.playlist(&url).await;
    let segment = url.join(&list.segments[0].uri).unwrap();
    let missing: Url = node.http("/live/nobody/index.m3u8").parse().unwrap();
    let wrong = with_query(&url, "_HLS_part=1");
    for (url, expected) in [(&url, 200), (&segment, 200), (&missing, 404), (&wrong, 400)] {
        let answer = player.get(url).await.unwrap();
        assert_eq!(answer.status(), expected, "{url}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{url}");
        assert!(answer.headers().contains_key("cache-control"), "{url}");
    }
    let asked = reqwest::Client::new().request(Method::OPTIONS, url).send().await.unwrap();
    assert!(asked.status().is_success());
    assert!(asked.headers().contains_key("access-control-allow-methods"));
}

#[tokio::test]
async fn media_never_changes_and_playlists_are_compressed() {
    let (_node, _ffmpeg, player, url) = live().await;
    let list = player.playlist(&url).await;
    let segment = url.join(&list.segments[0].uri).unwrap();
    let answer = player.get(&segment).await.unwrap();
    assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(answer.headers()["content-type"], "video/mp4");
    let http = reqwest::Client::new();
    let zipped = http.get(url.clone()).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    assert_eq!(zipped.headers()["content-type"], "application/vnd.apple.mpegurl");
    let range = http.get(segment.clone()).header("range", "bytes=0-7").send().await.unwrap();
    assert_eq!(range.status(), 206);
    assert_eq!(range.bytes().await.unwrap().len(), 8);
    let head = http.head(segment).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.headers().contains_key("content-length"));
}

#[tokio::test]
async fn a_channel_that_is_not_live_has_no_playlist() {
    let node = Node::start().await;
    node.channel("demo").await;
    let player = node.player("demo");
    assert_eq!(player.get(player.url()).await.unwrap().status(), 404);
    assert!(player.multivariant().await.is_none());
}
