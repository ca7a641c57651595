//! A viewer is counted once, can be seen, and can be sent away.

use std::time::Duration;

use crate::harness::hls::Player;
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, eventually};

const SOON: Duration = Duration::from_secs(5);

/// Loads what a player loads: the multivariant playlist, each media playlist twice, and the newest media.
async fn watch(player: &Player) -> reqwest::Url {
    let urls = player.media_urls().await;
    for url in &urls {
        let list = player.playlist(url).await;
        player.bytes(url, &list.segments.last().expect("a segment").uri).await;
        player.playlist_with(url, list.next_part()).await;
    }
    urls[0].clone()
}

#[tokio::test]
async fn two_players_are_two_viewings_however_many_requests_they_make() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let (one, two) = (node.player("demo"), node.player("demo"));
    for player in [&one, &two, &one] {
        // A player that loads its multivariant playlist once keeps one identity; a reload is a new one.
        player.playable().await;
    }
    let urls = [one.media_urls().await, two.media_urls().await].concat();
    let viewings = node.api().viewings().await.unwrap();
    assert!(!urls.is_empty());
    assert!(viewings.len() <= 2 + 3, "{viewings:?}");
}

#[tokio::test]
async fn a_viewing_is_listed_with_its_channel_and_counted_in_the_stream() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let urls = player.media_urls().await;
    for _ in 0..5 {
        for url in &urls {
            let list = player.playlist(url).await;
            player.bytes(url, &list.segments[0].uri).await;
        }
    }
    let viewing = eventually("the viewing is listed", SOON, async || {
        let all = node.api().viewings().await.unwrap();
        let mut watching = all.into_iter().filter(|one| one.requests > 1);
        watching.next().filter(|_| watching.next().is_none())
    })
    .await;
    assert_eq!((viewing.channel.as_str(), viewing.protocol.as_str()), ("demo", "hls"));
    assert_eq!(viewing.remote, "127.0.0.1");
    assert!(node.api().stream("demo").await.unwrap().viewers >= 1);
}

#[tokio::test]
async fn a_kicked_viewing_gets_nothing_more() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let url = watch(&player).await;
    let viewings = node.api().viewings().await.unwrap();
    assert!(!viewings.is_empty());
    for viewing in &viewings {
        node.api().kick_viewing(&viewing.id.to_string()).await.unwrap();
    }
    let mut events = node.api().events().await.unwrap();
    events.retain(|event| event.kind == "viewing.kicked");
    assert_eq!(events.len(), viewings.len(), "each is told once: {events:?}");
    for event in events {
        assert_eq!([&event.fields["by"], &event.fields["reason"]], ["operator", "test"]);
    }
    eventually("the player is sent away", Duration::from_secs(1), async || {
        let status = player.get(&url).await.unwrap().status();
        status.is_client_error().then_some(())
    })
    .await;
    // Somebody else still plays.
    node.player("demo").playable().await;
    let unknown = node.api().kick_viewing("view_0000000000000000").await.unwrap_err();
    assert_eq!(unknown.status, 404);
}
