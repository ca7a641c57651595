//! `weir`: what a script may rely on. Exit codes: 0 ok, 2 usage, 3 not found, 4 not allowed, 5 conflict, 8 unreachable.

use crate::harness::cli::Cli;
use crate::harness::{Node, rtmp};

#[tokio::test]
async fn a_channel_and_a_key_from_making_to_deleting() {
    let node = Node::start().await;
    let weir = Cli::new(&node);
    assert_eq!(weir.run(&["channel", "create", "demo"]).code, 0);
    let key = weir.json(&["key", "create", "demo"]);
    let secret = key["key"].as_str().expect("the key").to_owned();
    drop(rtmp::publish(node.rtmp(), &secret).await.accepted());
    let listed = weir.json(&["key", "list", "demo"]);
    assert!(listed.to_string().contains(key["id"].as_str().unwrap()));
    assert!(!listed.to_string().contains(&secret), "a key is shown once");
    assert!(weir.json(&["channel", "list"]).to_string().contains("demo"));
    assert!(weir.json(&["channel", "show", "demo"]).to_string().contains("/live/demo/index.m3u8"));
    let rotated = weir.json(&["key", "rotate", "demo", key["id"].as_str().unwrap(), "--yes"]);
    rtmp::publish(node.rtmp(), &secret).await.refused();
    let id = rotated["id"].as_str().unwrap();
    assert_eq!(weir.run(&["key", "revoke", "demo", id, "--yes"]).code, 0);
    assert_eq!(weir.run(&["channel", "delete", "demo", "--yes"]).code, 0);
    assert_eq!(weir.run(&["channel", "show", "demo"]).code, 3);
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() {
    let node = Node::start().await;
    let weir = Cli::new(&node);
    assert_eq!(weir.run(&["channel", "create", "demo"]).code, 0);
    assert_eq!(weir.run(&["channel", "create", "demo"]).code, 5, "conflict");
    assert_eq!(weir.run(&["stream", "show", "nobody"]).code, 3, "not found");
    assert_eq!(weir.run(&["no-such-noun"]).code, 2, "usage");
    let refused = weir.run(&["channel", "delete", "demo"]);
    assert_eq!(refused.code, 2, "no question without a terminal: {refused:?}");
    assert!(refused.err.contains("--yes"), "{refused:?}");
    let wrong = node.data().join("wrong.token");
    std::fs::write(&wrong, "wrong").unwrap();
    assert_eq!(Cli::new(&node).token_file(wrong).run(&["status"]).code, 4, "not allowed");
    let nowhere = Cli::new(&node).endpoint("http://127.0.0.1:1");
    assert_eq!(nowhere.run(&["status"]).code, 8, "unreachable");
}

#[tokio::test]
async fn one_frame_of_the_console_ends_with_the_same_exit_codes() {
    let node = Node::start().await;
    let weir = Cli::new(&node);
    let shown = weir.console(&["--once", "--view", "streams"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{shown:?}");
    for view in ["stream/nobody", "channel/nobody"] {
        let ran = weir.console(&["--once", "--view", view]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "not found: {ran:?}");
        assert!(ran.err.contains("nobody"), "{ran:?}");
    }
    assert_eq!(weir.console(&["--once", "--view", "nowhere"]).code, 2, "usage");
    let nowhere = Cli::new(&node).endpoint("http://127.0.0.1:1");
    assert_eq!(nowhere.console(&["--once"]).code, 8, "unreachable");
}

#[tokio::test]
async fn errors_are_json_for_those_who_read_json_and_never_on_standard_output() {
    let node = Node::start().await;
    let ran = Cli::new(&node).run(&["channel", "show", "nobody", "-o", "json"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("one JSON object");
    assert_eq!(error["code"], "not_found");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()));
}

#[tokio::test]
async fn every_list_has_a_table_and_a_json_form() {
    let node = Node::start().await;
    node.channel("demo").await;
    let weir = Cli::new(&node);
    for noun in [["stream", "list"], ["channel", "list"], ["viewing", "list"]] {
        assert_eq!(weir.run(&noun).code, 0, "{noun:?}");
        assert!(weir.json(&noun).is_array(), "{noun:?}");
    }
    assert!(weir.json(&["status"]).get("loops").is_some());
    assert!(weir.run(&["version"]).out.contains(env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        assert!(weir.run(&["completion", shell]).out.contains("weir"), "{shell}");
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let node = Node::start().await;
    let weir = Cli::new(&node);
    assert_eq!(weir.run(&["channel", "create", "demo", "--dry-run"]).code, 0);
    assert_eq!(weir.run(&["channel", "show", "demo"]).code, 3);
}
