//! A node that died comes back with everything it had acknowledged.

use std::process::Command;
use std::time::Duration;

use crate::harness::process::Process;
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, eventually, rtmp};

#[tokio::test]
async fn after_kill_9_keys_work_and_numbers_go_on() {
    let mut node = Node::start().await;
    let key = node.channel("demo").await;
    let ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let before = player.playlist(&player.first().await).await;
    let token = std::fs::read_to_string(node.token_file()).unwrap();
    node.kill();
    drop(ffmpeg);
    node.run().await;
    assert_eq!(std::fs::read_to_string(node.token_file()).unwrap(), token);
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let after = player.playlist(&player.first().await).await;
    assert!(after.msn >= before.end(), "segment {} came again as {}", before.end(), after.msn);
}

#[tokio::test]
async fn a_write_that_was_acknowledged_survives_kill_9() {
    let mut node = Node::start().await;
    for round in 0..5 {
        let name = format!("channel-{round}");
        let key = node.channel(&name).await;
        node.kill();
        node.run().await;
        node.api().channel(&name).await.unwrap();
        rtmp::publish(node.rtmp(), &key).await.accepted();
    }
}

#[tokio::test]
async fn a_node_stops_cleanly_with_publishers_and_viewers_on_it() {
    let mut node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    let player = node.player("demo");
    let url = player.first().await;
    let list = player.playlist(&url).await;
    let waiting = tokio::spawn(async move {
        let far = crate::harness::hls::with_query(&url, &format!("_HLS_msn={}", list.end() + 1));
        player.get(&far).await.map(|answer| answer.status())
    });
    node.stop().await;
    // Answered or cut off; never left hanging.
    crate::harness::within("the waiting viewer is let go", Duration::from_secs(5), waiting)
        .await
        .unwrap()
        .ok();
}

#[tokio::test]
async fn a_second_node_on_the_same_data_says_so_and_leaves() {
    let node = Node::start().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir-node"));
    command.arg("--data").arg(node.data()).args(["--port-base", "33000"]);
    command.env("XDG_STATE_HOME", node.data().join("state"));
    let mut second = Process::start("second node", &mut command);
    let status = second.wait(Duration::from_secs(20)).await;
    assert!(!status.success());
    assert!(!second.log().is_empty(), "it left without a word");
    node.api().status().await.unwrap();
}

#[tokio::test]
async fn viewers_get_404_and_then_the_stream_again() {
    let mut node = Node::start().await;
    let key = node.channel("demo").await;
    node.kill();
    node.run().await;
    let player = node.player("demo");
    assert_eq!(player.get(player.url()).await.unwrap().status(), 404);
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::STANDARD);
    eventually("the stream is there again", Duration::from_secs(20), async || {
        player.multivariant().await
    })
    .await;
}
