//! A show survives its publisher: reconnects inside the grace period continue it, strangers cannot take it.

use std::time::Duration;

use tokio::task::JoinHandle;
use weir_model::{StreamInfo, StreamState};

use crate::harness::conformance::{self, Violations};
use crate::harness::flv::Tags;
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, eventually, rtmp, within};

/// Shorter than the default of 30 s, so that a test can wait for its end.
const SHORT_GRACE: &str = "[stream]\ngrace_ms = 4000\n";
const SOON: Duration = Duration::from_secs(10);

/// Publishes at the speed of life in the background; aborting it drops the connection.
async fn playing(node: &Node, key: &str) -> JoinHandle<std::io::Error> {
    let mut publisher = rtmp::publish(node.rtmp(), key).await.accepted();
    let tags = Tags::of(&clip::STANDARD);
    tokio::spawn(async move { publisher.play(&tags).await })
}

async fn stream_once(node: &Node, what: &str, is: impl Fn(&StreamInfo) -> bool) -> StreamInfo {
    eventually(what, SOON, async || Some(node.api().stream("demo").await.unwrap()).filter(&is))
        .await
}

#[tokio::test]
async fn a_publisher_that_comes_back_continues_the_show_behind_a_discontinuity() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let first = playing(&node, &key).await;
    let player = node.player("demo");
    let url = player.first().await;
    let before = player.playlist(&url).await;
    let show = node.api().stream("demo").await.unwrap().show;
    first.abort();
    stream_once(&node, "the publisher is gone", |stream| stream.publisher.is_none()).await;
    let _second = playing(&node, &key).await;
    let after = eventually("a segment after the reconnect", SOON, async || {
        let list = player.playlist(&url).await;
        list.segments.iter().any(|one| one.discontinuity && one.msn >= before.end()).then_some(list)
    })
    .await;
    assert_eq!(conformance::of_update(&before, &after), Violations::new());
    assert!(!after.ended);
    let stream = node.api().stream("demo").await.unwrap();
    assert_eq!((stream.show, stream.reconnects, stream.state), (show, 1, StreamState::Live));
    assert_eq!(conformance::follow(&player, 10).await, Violations::new());
}

#[tokio::test]
async fn ten_killed_encoders_do_not_take_the_numbering_back() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let mut ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let url = player.first().await;
    let mut old = player.playlist(&url).await;
    let show = node.api().stream("demo").await.unwrap().show;
    for round in 0..10 {
        ffmpeg.kill();
        ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
        let new = eventually("the show goes on", SOON, async || {
            let list = player.playlist(&url).await;
            (list.next_part() > old.next_part() && list.end() > old.end()).then_some(list)
        })
        .await;
        assert_eq!(conformance::of_update(&old, &new), Violations::new(), "round {round}");
        old = new;
    }
    assert_eq!(node.api().stream("demo").await.unwrap().show, show);
}

#[tokio::test]
async fn the_same_key_takes_over_from_a_connection_that_fell_silent() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let mut silent = rtmp::publish(node.rtmp(), &key).await.accepted();
    silent.send_all(&Tags::of(&clip::STANDARD), 0).await.unwrap();
    // Its host is gone, but nobody has told the node. An encoder that comes back tries until it is let in.
    let mut second = eventually("the second connection is let in", SOON, async || {
        match rtmp::publish(node.rtmp(), &key).await {
            rtmp::Attempt::Accepted(publisher) => Some(publisher),
            rtmp::Attempt::Refused(_) => None,
        }
    })
    .await;
    within("the silent connection is closed", Duration::from_secs(2), silent.closed()).await;
    second.send_all(&Tags::of(&clip::STANDARD), 0).await.unwrap();
    let stream = stream_once(&node, "a new publisher", |one| one.publisher.is_some()).await;
    assert_eq!((stream.reconnects, second.is_closed()), (1, false));
}

#[tokio::test]
async fn the_same_key_cannot_be_used_twice_at_once() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let first = playing(&node, &key).await;
    node.player("demo").playable().await;
    let status = rtmp::publish(node.rtmp(), &key).await.refused();
    assert_eq!(status.code, "NetStream.Publish.BadName", "{status:?}");
    assert!(!first.is_finished(), "the first publisher was disturbed");
}

#[tokio::test]
async fn a_second_publisher_with_another_key_is_refused_and_disturbs_nobody() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let other = node.api().create_key("demo", None).await.unwrap().key;
    let first = playing(&node, &key).await;
    node.player("demo").playable().await;
    let status = rtmp::publish(node.rtmp(), &other).await.refused();
    assert_eq!(status.code, "NetStream.Publish.BadName", "{status:?}");
    assert!(!first.is_finished(), "the first publisher was disturbed");
    let stream = node.api().stream("demo").await.unwrap();
    assert_eq!((stream.reconnects, stream.state), (0, StreamState::Live));
}

#[tokio::test]
async fn a_show_ends_after_its_grace_period_and_the_next_one_keeps_counting() {
    let node = Node::start_configured(SHORT_GRACE).await;
    let key = node.channel("demo").await;
    let mut ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let url = player.first().await;
    let show = node.api().stream("demo").await.unwrap().show;
    ffmpeg.stop().await;
    let grace = stream_once(&node, "the grace period", |one| one.grace_until.is_some()).await;
    assert_eq!(grace.state, StreamState::Live);
    let last = eventually("the playlist ends", SOON, async || {
        Some(player.playlist(&url).await).filter(|list| list.ended)
    })
    .await;
    assert_eq!(node.api().stream("demo").await.unwrap().state, StreamState::Ended);
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let next = eventually("the next show", SOON, async || {
        let list = player.playlist(&player.first().await).await;
        (!list.ended && list.segments.iter().any(|one| !one.gap)).then_some(list)
    })
    .await;
    // A young playlist is filled with gaps; nothing that can be played has a number that was used before.
    let mut played = next.segments.iter().filter(|one| !one.gap);
    assert!(played.all(|one| one.msn >= last.end()), "after {}:\n{}", last.end(), next.text);
    assert_ne!(node.api().stream("demo").await.unwrap().show, show);
}
