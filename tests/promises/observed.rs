//! Metrics and logs from the first day: enough to see, nothing secret, nothing without bound.

use std::time::Duration;

use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, eventually};

#[tokio::test]
async fn ingest_packaging_delivery_store_and_process_are_measured() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    player.playlist(&player.first().await).await;
    let metrics = node.metrics().await;
    for family in [
        "weir_ingest_",
        "weir_window_",
        "weir_edge_",
        "weir_store_",
        "weir_raft_",
        "weir_link_",
        "weir_members",
        "process_",
    ] {
        assert!(
            metrics.lines().any(|line| line.starts_with(family)),
            "no series begins with {family}"
        );
    }
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(!series.contains("demo"), "a label that grows with the channels: {series}");
    }
}

#[tokio::test]
async fn the_log_is_json_when_nobody_reads_it_at_a_terminal() {
    let node = Node::start().await;
    node.channel("demo").await;
    let log = eventually("something is logged", Duration::from_secs(5), async || {
        let log = node.log();
        log.contains('{').then_some(log)
    })
    .await;
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
    for line in lines {
        let entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(entry.get("level").is_some(), "{line}");
    }
}

#[tokio::test]
async fn every_background_loop_is_listed_and_none_has_failed() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    node.player("demo").playable().await;
    let status = node.api().status().await.unwrap();
    assert!(status.loops.iter().any(|one| one.name.contains("rtmp")), "{:?}", status.loops);
    assert!(status.loops.iter().any(|one| one.name.contains("demo")), "{:?}", status.loops);
    for one in &status.loops {
        assert_eq!(one.last_error, None, "{}", one.name);
    }
    assert_eq!((status.streams_live, status.publishers), (1, 1));
    assert!(status.rss_bytes > 0 && status.cpu_seconds > 0.0);
}
