//! The client against a server that says what it was told to say.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir_model::ErrorCode;
use weir_model::api::{EventQuery, ViewingQuery};

use super::*;

/// A server that gives one connection each of `answers`, in order, and tells what it was asked.
async fn server(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::runtime::Handle::current().spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            asked.push(String::from_utf8(head).unwrap());
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (endpoint, asked)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// An answer without a length: its end is the connection's.
fn stream(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{headers}\r\n{body}")
}

fn event(cursor: u64) -> String {
    format!(
        r#"{{"cursor":{cursor},"at":"1970-01-01T00:00:00Z","kind":"a.b","channel":null,"text":"","fields":{{}}}}"#
    )
}

#[tokio::test]
async fn a_request_carries_the_token_and_its_answer_is_typed() {
    let body = r#"[{"name":"demo","title":"Demo","owner":"acc_0000000000000001",
        "created_at":"1970-01-01T00:00:00.000Z"}]"#;
    let (endpoint, asked) = server(vec![answer("200 OK", body)]).await;
    let client = Client::new(&format!("{endpoint}/"), Some("secret".into())).unwrap();
    assert_eq!(client.channels().await.unwrap()[0].title, "Demo");
    let asked = asked.await.unwrap().remove(0).to_lowercase();
    assert!(asked.starts_with("get /v1/channels http/1.1"), "{asked}");
    assert!(asked.contains("authorization: bearer secret"), "{asked}");
}

#[tokio::test]
async fn nodes_that_did_not_answer_are_told_once() {
    let with = |headers: &str| stream(&format!("{headers}content-length: 2\r\n"), "[]");
    let answers = vec![with("x-weir-silent: n2, n3\r\n"), with("x-weir-silent: n3\r\n"), with("")];
    let (endpoint, _asked) = server(answers).await;
    let client = Client::new(&endpoint, None).unwrap();
    for _ in 0..2 {
        assert_eq!(client.streams().await.unwrap(), []);
    }
    assert_eq!(client.take_silent(), ["n2", "n3"]);
    client.viewings(&ViewingQuery::default()).await.unwrap();
    assert!(client.take_silent().is_empty());
}

#[tokio::test]
async fn a_refusal_is_the_nodes_own_words() {
    let body = r#"{"code":"not_found","message":"gone","hint":"look","request_id":"req_1"}"#;
    let (endpoint, _asked) = server(vec![answer("404 Not Found", body)]).await;
    let error = Client::new(&endpoint, None).unwrap().streams().await.unwrap_err();
    let ClientError::Api { error: refusal, status } = &error else { panic!("{error}") };
    assert_eq!((refusal.code, *status), (ErrorCode::NotFound, 404));
    assert_eq!((error.to_string().as_str(), error.hint()), ("gone", Some("look")));
}

#[tokio::test]
async fn what_is_no_weir_node_is_said_to_be_none() {
    let answers = vec![answer("502 Bad Gateway", "<html>"), answer("200 OK", "<html>")];
    let (endpoint, _asked) = server(answers).await;
    let client = Client::new(&endpoint, None).unwrap();
    for _ in 0..2 {
        assert!(matches!(client.version().await, Err(ClientError::Decode { .. })));
    }
}

#[tokio::test]
async fn nobody_there_and_no_answer_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(&endpoint, None).unwrap().timeout(Duration::from_millis(50));
    assert!(matches!(client.version().await, Err(ClientError::Timeout { .. })));
    drop(listener);
    let error = client.version().await.unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { cause, .. } if cause.contains("refused")));
    assert!(Client::new("ftp://x", None).is_err());
    assert!(Client::new("127.0.0.1:7070", None).is_err());
}

#[tokio::test]
async fn following_resumes_after_the_last_event_that_arrived() {
    let (first, second) = (event(8), event(9));
    let (endpoint, asked) = server(vec![
        // Ends in the middle of the second event, which must come again.
        stream("x-weir-cursor: 7\r\n", &format!("\n{first}\n{}", &second[..20])),
        stream("", &format!("{second}\n")),
    ])
    .await;
    let mut follow = Client::new(&endpoint, None).unwrap().follow(EventQuery::default());
    assert_eq!(follow.next().await.unwrap().unwrap().cursor, 8);
    assert_eq!(follow.next().await.unwrap().unwrap().cursor, 9);
    assert_eq!(follow.cursor(), Some(9));
    let asked = asked.await.unwrap();
    assert!(asked[0].starts_with("GET /v1/events?follow=true "), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /v1/events?since=8&follow=true "), "{}", asked[1]);
}

#[tokio::test]
async fn following_knows_where_it_began_even_before_its_first_event() {
    let answers = vec![stream("x-weir-cursor: 7\r\n", ""), stream("", &format!("{}\n", event(8)))];
    let (endpoint, asked) = server(answers).await;
    let mut follow = Client::new(&endpoint, None).unwrap().follow(EventQuery::default());
    assert_eq!(follow.next().await.unwrap().unwrap().cursor, 8);
    assert!(asked.await.unwrap()[1].contains("since=7"));
}

#[tokio::test]
async fn following_goes_on_after_an_outage_and_ends_at_a_refusal() {
    let refusal = r#"{"code":"unauthorized","message":"no","hint":null,"request_id":null}"#;
    let busy = r#"{"code":"unavailable","message":"full","hint":null,"request_id":null}"#;
    let answers =
        vec![answer("503 Service Unavailable", busy), answer("401 Unauthorized", refusal)];
    let (endpoint, asked) = server(answers).await;
    let mut follow = Client::new(&endpoint, None).unwrap().follow(EventQuery::default());
    assert!(follow.next().await.unwrap().unwrap_err().is_transient());
    assert!(!follow.next().await.unwrap().unwrap_err().is_transient());
    assert!(follow.next().await.is_none());
    asked.await.unwrap();
}
