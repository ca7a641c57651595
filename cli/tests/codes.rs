//! Exit codes and the form of errors.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn each_refusal_of_the_node_has_its_exit_code() {
    for (channel, exit, code) in [
        ("conflict", Exit::Conflict, "conflict"),
        ("forbidden", Exit::Denied, "forbidden"),
        ("internal", Exit::Failed, "internal"),
        ("invalid", Exit::Usage, "invalid"),
        ("timeout", Exit::Timeout, "timeout"),
        ("unauthorized", Exit::Denied, "unauthorized"),
        ("toomany", Exit::Unreachable, "too_many"),
        ("unavailable", Exit::Unreachable, "unavailable"),
        ("nobody", Exit::NotFound, "not_found"),
    ] {
        let ran = piped(&format!("stream show {channel} -o json")).await;
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{channel}");
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        let hint = "do something else";
        let expected = json!({"code": code, "message": "the node refused", "hint": hint,
            "request_id": "req_1"});
        assert_eq!(error, expected);
        assert_eq!(ran.err.lines().count(), 1);
    }
}

#[tokio::test]
async fn errors_for_people_are_a_sentence_and_a_hint() {
    let ran = piped("stream show nobody").await;
    assert_eq!(ran.err, "error: the node refused\nhint: do something else\n");
    let ran = piped("stream show internal").await;
    assert_eq!(ran.err, "error: the node refused\nhint: do something else\nrequest: req_1\n");
}

#[tokio::test]
async fn wrong_usage_is_2_in_words_or_in_json() {
    for line in ["stream", "stream kick", "nonsense", "stream show A", "status --timeout 0", ""] {
        let ran = alone(line).await;
        assert_eq!(ran.exit, Exit::Usage, "{line}");
        assert!(!ran.err.is_empty() && ran.out.is_empty(), "{line}");
    }
    for line in ["nonsense -o json", "stream kick --output=json", "stream show A -ojsonl"] {
        let ran = alone(line).await;
        assert_eq!(ran.exit, Exit::Usage, "{line}");
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["code"], "usage", "{line}");
    }
}

#[tokio::test]
async fn a_wrong_filter_is_wrong_usage_and_says_where_before_the_node_is_asked() {
    let ran = piped("stream list --filter bitrat>4M").await;
    assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0));
    let said =
        "at character 1: there is no field `bitrat`; did you mean `bitrate`? fields: channel";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert!(ran.err.contains("\n  bitrat>4M\n  ^^^^^^\n"), "{}", ran.err);
    let ran = alone("event follow --filter text>3 -o json").await;
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert!(error["message"].as_str().unwrap().contains("`text` has no order"), "{error}");
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    for line in ["--help", "help topics", "help stream kick", "stream --help", "--version"] {
        let ran = alone(line).await;
        assert_eq!((ran.exit, ran.err.as_str()), (Exit::Ok, ""), "{line}");
        assert!(!ran.out.is_empty());
    }
}

#[tokio::test]
async fn without_a_terminal_nothing_that_cannot_be_undone_is_done_unasked() {
    for line in [
        "channel delete demo",
        "key rotate demo key_0000000000000001",
        "key revoke demo key_0000000000000001",
        "stream kick demo",
        "viewing kick view_0000000000000001",
        "session end ses_0000000000000001",
        "refund tip:0123456789abcdef0123456789abcdef",
        "wallet freeze alice",
        "payout paid 0123456789abcdef0123456789abcdef",
        "payout fail 0123456789abcdef0123456789abcdef",
        "approval confirm 0123456789abcdef0123456789abcdef",
        "provider dismiss acme 0123456789abcdef0123456789abcdef",
        "session leave ses_0000000000000001",
        "node drain edge-1",
        "node demote edge-1",
        "node remove edge-1",
        "cluster rebalance",
        "actor move stream/demo",
    ] {
        let ran = piped(line).await;
        assert_eq!(ran.exit, Exit::Usage, "{line}");
        assert!(ran.err.contains("--yes"), "{line}: {}", ran.err);
        assert_eq!(ran.asked, [""; 0], "{line}");
    }
}

#[tokio::test]
async fn a_node_that_is_not_there_is_8() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for line in ["status", "event follow"] {
        let ran = alone(&format!("{line} --endpoint {endpoint}")).await;
        assert_eq!(ran.exit, Exit::Unreachable, "{line}");
        assert!(ran.err.contains("cannot be reached"), "{}", ran.err);
    }
    let ran = alone("version").await;
    assert_eq!(ran.exit, Exit::Ok, "the question is about this program too");
    assert!(ran.out.contains("not reachable"), "{}", ran.out);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_6() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let ran = alone(&format!("status --timeout 0.05 --endpoint {endpoint}")).await;
    assert_eq!(ran.exit, Exit::Timeout);
}

#[tokio::test]
async fn a_token_file_that_is_not_there_is_named() {
    let line = "status --endpoint http://127.0.0.1:1 --token-file /nowhere/token";
    let (mut around, _, err) = around(false);
    around.token = None;
    let args = ["weir"].into_iter().chain(line.split(' ')).map(Into::into).collect();
    assert_eq!(run(args, &mut around).await, Exit::Failed);
    assert!(err.text().contains("/nowhere/token"), "{}", err.text());
}

/// A reader that went away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let (mut around, _, err) = around(false);
    around.out = Box::new(Closed);
    let args = ["weir", "topics"].map(Into::into).into();
    assert_eq!(run(args, &mut around).await, Exit::Ok);
    assert_eq!(err.text(), "");
}

#[tokio::test]
async fn the_token_is_never_said() {
    for line in ["status", "stream show nobody -o json", "key create demo"] {
        let ran = on_terminal(line).await;
        assert!(!(ran.out + &ran.err).contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn a_node_that_a_list_may_lack_is_named_beside_it() {
    for format in ["table", "json"] {
        let ran = piped(&format!("viewing list --channel west -o {format}")).await;
        assert_eq!(ran.exit, Exit::Ok);
        assert_eq!(ran.err, "no answer from n7: what is there may be missing\n");
    }
    assert_eq!(piped("stream list").await.err, "");
}
