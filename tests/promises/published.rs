//! A streamer publishes, a viewer plays: the first promise.

use std::time::Duration;

use weir_model::StreamState;

use crate::harness::conformance::{self, Violations};
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, eventually, rtmp};

#[tokio::test]
async fn what_ffmpeg_publishes_is_a_conforming_low_latency_stream() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let list = player.playable().await;
    let codecs = list.codecs();
    assert!(codecs.contains("avc1.") && codecs.contains("mp4a.40.2"), "{codecs}");
    assert_eq!(list.media_playlists().len(), 2, "one video track, one audio group");
    assert_eq!(conformance::follow(&player, 25).await, Violations::new());
    let video = player.playlist(&player.first().await).await;
    assert!(video.independent, "every segment begins with a key frame here:\n{}", video.text);
}

#[tokio::test]
async fn the_operator_sees_what_is_live() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let offline = node.api().stream("demo").await.unwrap();
    assert_eq!((offline.state, offline.playable), (StreamState::Offline, false));
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    node.player("demo").playable().await;
    let live =
        eventually("the connection has measured itself", Duration::from_secs(10), async || {
            let stream = node.api().stream("demo").await.unwrap();
            (stream.bitrate > 0 && stream.tracks.len() == 2).then_some(stream)
        })
        .await;
    assert_eq!((live.state, live.playable), (StreamState::Live, true));
    let video = &live.tracks[0];
    assert_eq!((video.id.as_str(), video.width, video.height), ("v0", Some(640), Some(360)));
    assert_eq!((live.tracks[1].sample_rate, live.tracks[1].channels), (Some(48_000), Some(2)));
    let publisher = live.publisher.expect("a publisher");
    assert_eq!(publisher.protocol, "rtmp");
    let explained = node.api().explain("demo").await.unwrap();
    assert!(!explained.sentences.is_empty());
    let placement = explained.placement.expect("why it is here");
    assert!(placement.rule.ends_with("a stream is where its publisher is connected."));
    assert_eq!(placement.current, Some(placement.scores[0].node));
    let kinds: Vec<String> =
        node.api().events().await.unwrap().into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&"stream.live".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_kicked_publisher_is_gone_within_a_second() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let mut publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
    publisher.send_all(&crate::harness::flv::Tags::of(&clip::STANDARD), 0).await.unwrap();
    node.api().kick_stream("demo", "test of the kick").await.unwrap();
    let second = Duration::from_secs(1);
    crate::harness::within("the kicked publisher is closed", second, publisher.closed()).await;
    let missing = node.api().kick_stream("nobody", "x").await.unwrap_err();
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_query_behind_the_key_is_ignored() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let key = format!("{key}?token=abc&clientConfigId=1");
    rtmp::publish(node.rtmp(), &key).await.accepted();
}
