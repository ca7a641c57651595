//! Stream keys: who may publish, and how soon that ends.

use std::time::Duration;

use weir_model::Timestamp;

use crate::harness::flv::Tags;
use crate::harness::{Node, clip, eventually, rtmp, within};

/// Revocation reaches a live publisher this soon.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);

/// The reason of the newest refusal that the operator can read.
async fn newest_refusal(node: &Node) -> String {
    eventually("an event about the refusal", Duration::from_secs(5), async || {
        let events = node.api().events().await.unwrap();
        events
            .into_iter()
            .rev()
            .find(|event| event.kind == "publish.refused")
            .map(|event| event.text)
    })
    .await
}

#[tokio::test]
async fn an_unknown_key_is_refused_with_a_reason_and_an_event() {
    let node = Node::start().await;
    node.channel("demo").await;
    let status = rtmp::publish(node.rtmp(), "not-a-key-of-anybody").await.refused();
    assert!(status.code.starts_with("NetStream.Publish."), "{status:?}");
    assert!(status.description.contains("unknown"), "{status:?}");
    let text = newest_refusal(&node).await;
    assert!(text.contains("unknown"), "{text}");
    assert!(!text.contains("not-a-key-of-anybody"), "the event holds the key");
}

#[tokio::test]
async fn an_expired_key_is_refused_by_that_name() {
    let node = Node::start().await;
    node.channel("demo").await;
    let lifetime = Duration::from_millis(700);
    let end = std::time::SystemTime::now() + lifetime;
    let end = end.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let end = Timestamp(i64::try_from(end).unwrap());
    let key = node.api().create_key("demo", Some(end)).await.unwrap().key;
    tokio::time::sleep(lifetime + Duration::from_millis(50)).await;
    let status = rtmp::publish(node.rtmp(), &key).await.refused();
    assert!(status.description.contains("expired"), "{status:?}");
    assert!(newest_refusal(&node).await.contains("expired"));
}

#[tokio::test]
async fn revoking_a_key_drops_its_publisher_and_refuses_it_from_then_on() {
    let node = Node::start().await;
    node.channel("demo").await;
    let key = node.api().create_key("demo", None).await.unwrap();
    let mut publisher = rtmp::publish(node.rtmp(), &key.key).await.accepted();
    publisher.send_all(&Tags::of(&clip::STANDARD), 0).await.unwrap();
    let revoked = node.api().revoke_key("demo", &key.info.id.to_string()).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    within("the publisher is closed", REVOKED_WITHIN, publisher.closed()).await;
    let status = rtmp::publish(node.rtmp(), &key.key).await.refused();
    assert!(status.description.contains("revoked"), "{status:?}");
}

#[tokio::test]
async fn a_rotated_key_stops_and_its_successor_works() {
    let node = Node::start().await;
    node.channel("demo").await;
    let old = node.api().create_key("demo", None).await.unwrap();
    let new = node.api().rotate_key("demo", &old.info.id.to_string()).await.unwrap();
    assert_ne!(old.key, new.key);
    rtmp::publish(node.rtmp(), &old.key).await.refused();
    rtmp::publish(node.rtmp(), &new.key).await.accepted();
}

#[tokio::test]
async fn a_deleted_channel_takes_its_keys_along() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    node.api().delete_channel("demo").await.unwrap();
    rtmp::publish(node.rtmp(), &key).await.refused();
    assert_eq!(node.api().channel("demo").await.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_key_is_shown_once_and_stands_nowhere_else() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    rtmp::publish(node.rtmp(), &key).await.accepted();
    rtmp::publish(node.rtmp(), &format!("{key}x")).await.refused();
    let detail = serde_json::to_string(&node.api().channel("demo").await.unwrap()).unwrap();
    let events = serde_json::to_string(&node.api().events().await.unwrap()).unwrap();
    let metrics = node.metrics().await;
    let log = node.log();
    for (place, text) in [("API", detail), ("events", events), ("metrics", metrics), ("log", log)] {
        assert!(!text.contains(&key), "the key stands in the {place}");
    }
}

#[tokio::test]
async fn the_operators_side_wants_a_token() {
    let node = Node::start().await;
    for api in [node.api_without_token(), node.api().with_token("wrong")] {
        assert_eq!(api.status().await.unwrap_err().status, 401);
        assert_eq!(api.create_channel("demo").await.unwrap_err().status, 401);
    }
    node.api().status().await.unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(node.token_file()).unwrap());
    assert_eq!(mode & 0o777, 0o600, "only its owner reads the operator's token");
}

#[tokio::test]
async fn a_key_revoked_while_its_publishers_knock_leaves_nobody_on_air() {
    const CHANNELS: usize = 24;
    let node = Node::start().await;
    let mut keys = Vec::new();
    for n in 0..CHANNELS {
        let name = format!("race{n}");
        node.channel(&name).await;
        keys.push((node.api().create_key(&name, None).await.unwrap(), name));
    }
    let api = node.api();
    let knocks = keys.iter().map(async |(key, name)| {
        let id = key.info.id.to_string();
        let revoke = api.revoke_key(name, &id);
        let (publisher, revoked) = tokio::join!(rtmp::publish(node.rtmp(), &key.key), revoke);
        revoked.unwrap();
        publisher
    });
    // Kept open: only the node may end them.
    let _publishers = futures_util::future::join_all(knocks).await;
    for (_, name) in &keys {
        eventually("nobody publishes", REVOKED_WITHIN, async || {
            api.stream(name).await.unwrap().publisher.is_none().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_deleted_channel_goes_off_the_air_and_leaves_nothing_to_its_next_owner() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let mut publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
    publisher.send_all(&Tags::of(&clip::STANDARD), 0).await.unwrap();
    let url = node.http("/live/demo/index.m3u8");
    let status = async || reqwest::get(&url).await.unwrap().status();
    eventually("the stream plays", Duration::from_secs(10), async || {
        status().await.is_success().then_some(())
    })
    .await;
    node.api().delete_channel("demo").await.unwrap();
    within("the publisher is closed", REVOKED_WITHIN, publisher.closed()).await;
    assert_eq!(status().await, 404);
    let key = node.channel("demo").await;
    let _publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
    let stream = node.api().stream("demo").await.unwrap();
    assert_eq!((stream.reconnects, stream.playable), (0, false));
}
