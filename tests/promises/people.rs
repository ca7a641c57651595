//! People: they register and sign in, they are known on every node, and they are no longer as soon as somebody says so.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::api::Api;
use crate::harness::{Cluster, Encoder, Node, Person, clip, eventually, within};

/// A token that was taken back opens nothing at any node after this.
const EVERYWHERE_WITHIN: Duration = Duration::from_secs(1);
/// A loaded machine takes its time.
const SOON: Duration = Duration::from_secs(20);
const PASSWORD: &str = "correct horse battery";

async fn ask(api: &Api, method: Method, path: &str, body: Option<Value>) -> Value {
    api.call(method, path, body).await.unwrap_or_else(|refused| panic!("{path}: {refused:?}"))
}

/// An account made by the operator.
async fn account(api: &Api, name: &str, roles: &[&str]) {
    let body = json!({"name": name, "roles": roles, "password": PASSWORD});
    ask(api, Method::POST, "/v1/accounts", Some(body)).await;
}

/// A token of it, good for an hour: its id and its secret.
async fn token(api: &Api, account: &str, scopes: &[&str]) -> (String, String) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let end = weir_model::Timestamp(i64::try_from(now.as_millis()).unwrap() + 3_600_000);
    let body = json!({"account": account, "scopes": scopes, "expires_at": end});
    let made = ask(api, Method::POST, "/v1/tokens", Some(body)).await;
    (made["id"].as_str().unwrap().into(), made["token"].as_str().unwrap().into())
}

#[tokio::test]
async fn somebody_registers_watches_under_his_name_and_is_known_after_a_restart() {
    let mut node = Node::start().await;
    let key = node.channel("demo").await;
    let _encoder = Encoder::start(vec![node.rtmp()], &key, &clip::STANDARD);
    let mut alice = Person::new();
    let (status, said) =
        alice.post(&node, "register", &json!({"name": "Alice", "password": PASSWORD})).await;
    assert_eq!((status, &said["account"]["name"]), (StatusCode::CREATED, &"alice".into()));
    eventually("the stream is listed for her", SOON, async || {
        let request = alice.http.get(node.http("/live/demo/index.m3u8"));
        let answer = alice.with_cookie(request).send().await.unwrap();
        answer.status().is_success().then_some(())
    })
    .await;
    node.stop().await;
    node.run().await;
    assert_eq!(alice.name(&node).await.as_deref(), Some("alice"), "the log-in outlives a restart");
    assert_eq!(Person::new().login(&node, "alice", PASSWORD).await.0, StatusCode::OK);
    let kinds: Vec<String> =
        node.api().events().await.unwrap().into_iter().map(|event| event.kind).collect();
    assert!(!kinds.contains(&"login.locked".to_owned()), "{kinds:?}");
    let metrics = node.metrics().await;
    for line in ["weir_logins_total{outcome=\"ok\"} 1", "weir_accounts 2", "weir_tokens 2"] {
        assert!(metrics.lines().any(|one| one == line), "{line} is missing:\n{metrics}");
    }
}

#[tokio::test]
async fn an_account_watches_on_so_many_players_as_it_may() {
    let node = Node::start_configured("[edge]\nviewings_per_account_max = 2\n").await;
    let key = node.channel("demo").await;
    let _encoder = Encoder::start(vec![node.rtmp()], &key, &clip::STANDARD);
    let mut alice = Person::new();
    alice.post(&node, "register", &json!({"name": "alice", "password": PASSWORD})).await;
    let playlist = async |person: &Person| -> StatusCode {
        let master = person.with_cookie(person.http.get(node.http("/live/demo/index.m3u8")));
        let text = eventually("the stream plays", SOON, async || {
            let answer = master.try_clone().unwrap().send().await.ok()?;
            if answer.status().is_success() { answer.text().await.ok() } else { None }
        })
        .await;
        let path = text.lines().find(|line| !line.starts_with('#') && !line.is_empty()).unwrap();
        let media = person.http.get(node.http(&format!("/live/demo/{path}")));
        person.with_cookie(media).send().await.unwrap().status()
    };
    assert_eq!(playlist(&alice).await, 200);
    assert_eq!(playlist(&alice).await, 200);
    // Viewings are counted for the whole cluster, by what nodes tell each other once a second.
    eventually("one player more is refused", SOON, async || {
        (playlist(&alice).await == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    assert_eq!(playlist(&Person::new()).await, 200, "who is not signed in is somebody else");
}

#[tokio::test]
async fn what_is_taken_back_is_refused_at_every_node_within_a_second() {
    let cluster = Cluster::start(3, 1).await;
    let (api, edge) = (cluster.api(0), cluster.node(3));
    for name in ["alice", "bobby", "carol"] {
        account(&api, name, &["operator"]).await;
    }
    let mut people = [Person::new(), Person::new(), Person::new()];
    for (person, name) in people.iter_mut().zip(["alice", "bobby", "carol"]) {
        eventually("the account is known at the edge", SOON, async || {
            (person.login(edge, name, PASSWORD).await.0 == StatusCode::OK).then_some(())
        })
        .await;
        // Whoever was let in is known to the node that let him in.
        assert_eq!(person.name(edge).await.as_deref(), Some(name));
    }
    let (id, secret) = token(&api, "carol", &["all"]).await;
    for number in 0..cluster.len() {
        let other = cluster.api(number).with_token(&secret);
        eventually("everybody is known everywhere", SOON, async || {
            let token = other.call::<Value>(Method::GET, "/v1/auth/me", None).await.is_ok();
            let mut known = token;
            for person in &people {
                known &= person.name(cluster.node(number)).await.is_some();
            }
            known.then_some(())
        })
        .await;
    }
    // By three ways, each asked of another node.
    ask(&cluster.api(1), Method::POST, "/v1/accounts/bobby/disable", None).await;
    ask(&cluster.api(2), Method::DELETE, &format!("/v1/tokens/{id}"), None).await;
    people[0].post(edge, "logout-everywhere", &json!({})).await;
    let gone = async {
        for number in 0..cluster.len() {
            let other = cluster.api(number).with_token(&secret);
            eventually("nobody is known", SOON, async || {
                let me = other.call::<Value>(Method::GET, "/v1/auth/me", None).await;
                let unknown = me.is_err_and(|refused| refused.status == 401);
                let names =
                    [&people[0], &people[1]].map(|person| person.name(cluster.node(number)));
                let names = futures_util::future::join_all(names).await;
                (unknown && names == [None, None]).then_some(())
            })
            .await;
        }
    };
    within("every node refuses what was taken back", EVERYWHERE_WITHIN, gone).await;
    assert_eq!(people[2].name(edge).await.as_deref(), Some("carol"), "hers was another token");
    assert_eq!(Person::new().login(edge, "bobby", PASSWORD).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn wrong_passwords_are_slowed_and_the_right_one_works_when_the_budget_is_full_again() {
    let config =
        "[people]\nfailures_per_address = 100\nfailures_per_account = 3\nfailure_refill_secs = 1\n";
    let node = Node::start_configured(config).await;
    account(&node.api(), "alice", &["viewer"]).await;
    let mut person = Person::new();
    let guess = async |person: &mut Person| person.login(&node, "alice", "wrong password").await.0;
    let mut answers = Vec::new();
    // One is let through a second; whatever time this takes, five in a row hold a refusal.
    while answers.len() < 40 && !answers.contains(&StatusCode::TOO_MANY_REQUESTS) {
        answers.push(guess(&mut person).await);
    }
    assert_eq!(answers[..3], [StatusCode::UNAUTHORIZED; 3], "{answers:?}");
    assert!(answers.contains(&StatusCode::TOO_MANY_REQUESTS), "{answers:?}");
    let events = node.api().events().await.unwrap();
    assert!(events.iter().any(|event| event.kind == "login.locked"), "{events:?}");
    eventually("the right password works again", SOON, async || {
        (person.login(&node, "alice", PASSWORD).await.0 == StatusCode::OK).then_some(())
    })
    .await;
    let metrics = node.metrics().await;
    assert!(metrics.contains("weir_logins_total{outcome=\"account_slowed\"}"), "{metrics}");
}

#[tokio::test]
async fn one_address_is_slowed_whatever_names_it_tries() {
    let config = "[people]\nfailures_per_address = 4\nfailure_refill_secs = 3600\n";
    let node = Node::start_configured(config).await;
    let mut person = Person::new();
    for n in 0..4 {
        let (status, _) = person.login(&node, &format!("name{n}"), "wrong password").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let (status, said) = person.login(&node, "another", "wrong password").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(said["code"], "too_many");
    assert!(said["message"].as_str().unwrap().contains("try again in"), "{said}");
}

#[tokio::test]
async fn secrets_stand_nowhere_but_in_the_answer_that_made_them() {
    let mut node = Node::start().await;
    account(&node.api(), "alice", &["streamer"]).await;
    let (_, secret) = token(&node.api(), "alice", &["all"]).await;
    let mut alice = Person::new();
    alice.login(&node, "alice", PASSWORD).await;
    alice.login(&node, "alice", "wrong horse battery").await;
    let cookie = alice.cookie.clone().unwrap();
    let session = cookie.split_once('=').unwrap().1.to_owned();
    let lists = [
        ask(&node.api(), Method::GET, "/v1/accounts", None).await,
        ask(&node.api(), Method::GET, "/v1/tokens?account=alice", None).await,
        serde_json::to_value(node.api().events().await.unwrap()).unwrap(),
    ];
    let mut places: Vec<String> = lists.iter().map(Value::to_string).collect();
    places.extend([node.metrics().await, node.log()]);
    node.stop().await;
    for text in places {
        for secret in [secret.as_str(), &session, PASSWORD, "wrong horse", "$argon2"] {
            assert!(!text.contains(secret), "{secret} stands in {text:.200}");
        }
    }
}

/// What a socket that sends `bytes` is answered, first line only; empty when it is just closed.
async fn raw(node: &Node, bytes: &[u8]) -> String {
    let mut socket = tokio::net::TcpStream::connect(node.http_address()).await.unwrap();
    // A connection that was refused early may be reset.
    let _ = socket.write_all(bytes).await;
    let _ = socket.shutdown().await;
    let mut said = Vec::new();
    let _ = within("an answer or an end", SOON, socket.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn hostile_requests_let_nobody_in_and_break_nothing() {
    let node = Node::start().await;
    account(&node.api(), "alice", &["viewer"]).await;
    let post = |headers: &str, body: &[u8]| -> Vec<u8> {
        let head =
            format!("POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        [head.as_bytes(), body].concat()
    };
    let json = "content-type: application/json\r\n";
    let huge = vec![b'x'; 64 << 10];
    for request in [
        post(&format!("{json}content-length: 65536\r\n"), &huge),
        post(&format!("{json}content-length: 99999999999999999999\r\n"), b"{}"),
        post(&format!("{json}content-length: 100\r\n"), b"{\"name\":"),
        post(&format!("{json}transfer-encoding: chunked\r\n"), b"FFFFFFFFFFFFFFFF\r\n{}"),
        post(&format!("{json}content-length: 4\r\n"), b"\0\0\0\0"),
        post(&format!("{json}content-length: 2\r\ncookie: weir_session=\x7f\x01\r\n"), b"{}"),
        post(
            &format!("{json}content-length: 2\r\norigin: http://x\r\norigin: http://evil\r\n"),
            b"{}",
        ),
        post(&format!("{json}content-length: 2\r\nx: y\nset-cookie: a=b\r\n"), b"{}"),
        b"POST /auth/%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec(),
        b"POST /auth/login HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        let said = raw(&node, &request).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    }
    assert_eq!(Person::new().login(&node, "alice", PASSWORD).await.0, StatusCode::OK);
    assert!(!node.log().contains("panicked"), "{}", node.log());
}

#[tokio::test]
async fn the_command_line_makes_people_and_says_what_they_may() {
    let node = Node::start().await;
    let cli = crate::harness::cli::Cli::new(&node);
    cli.json(&["account", "create", "molly", "--role", "moderator"]);
    let made = cli.json(&[
        "token",
        "create",
        "--account",
        "molly",
        "--scope",
        "moderate",
        "--expires",
        "1h",
    ]);
    let file = node.data().join("molly.token");
    std::fs::write(&file, made["token"].as_str().unwrap()).unwrap();
    let hers = crate::harness::cli::Cli::new(&node).token_file(file);
    assert_eq!(hers.json(&["auth", "me"])["account"]["name"], "molly");
    assert_eq!(hers.run(&["viewing", "list"]).code, 0);
    let refused = hers.run(&["channel", "create", "demo"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.err.contains("takes the role operator"), "{refused:?}");
    assert_eq!(hers.run(&["auth", "can-i", "viewing.kick"]).code, 0);
    let asked = cli.run(&["auth", "can-i", "cluster.change", "--as", "molly"]);
    assert_eq!((asked.code, asked.out.starts_with("no: ")), (4, true), "{asked:?}");
    assert_eq!(cli.run(&["account", "log-out", "molly", "--yes"]).code, 0);
    assert_eq!(hers.run(&["auth", "me"]).code, 4);
}
