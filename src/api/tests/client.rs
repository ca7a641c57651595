//! The client and the API understand each other on every route, over a real connection.

use weir_client::{Client, ClientError};
use weir_model::api::{CreateChannel, CreateKey, EventQuery, Kick, Mutation, ViewingQuery};

use super::*;

struct Served {
    bench: Bench,
    client: Client,
    tasks: Tasks,
}

async fn served() -> Served {
    let bench = Bench::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (ctx, tasks) = (bench.ctx.clone(), bench.ctx.tasks.clone());
    tasks.spawn("api listener", move |_| serve(listener, ctx));
    let client = Client::new(&endpoint, Some(bench.token.clone())).unwrap();
    Served { bench, client, tasks }
}

#[tokio::test]
async fn every_route_is_spoken_by_the_client() {
    let Served { client, tasks, .. } = served().await;
    let (how, name): (Mutation, ChannelName) = (Mutation::default(), "demo".parse().unwrap());
    let body = CreateChannel { name: "demo".into(), title: Some("Demo".into()), owner: None };
    let made = client.create_channel(&body, &how).await.unwrap();
    assert_eq!(client.channels().await.unwrap(), std::slice::from_ref(&made));
    let first = client.create_key(&name, &CreateKey::default(), &how).await.unwrap();
    assert_eq!(first.key.len(), 26);
    let second =
        client.rotate_key(&name, first.info.id, &CreateKey::default(), &how).await.unwrap();
    let revoked = client.revoke_key(&name, second.info.id, &how).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(client.keys(&name).await.unwrap().len(), 2);
    assert_eq!(client.channel(&name).await.unwrap().keys.len(), 2);

    assert_eq!(client.streams().await.unwrap(), [client.stream(&name).await.unwrap()]);
    assert!(!client.explain_stream(&name).await.unwrap().sentences.is_empty());
    let why = Kick { reason: Some("spam".into()) };
    assert_eq!(client.kick_stream(&name, &why, &how).await.unwrap().kicked, "demo");
    let viewing = client.viewings(&ViewingQuery::default()).await.unwrap().remove(0);
    client.kick_viewing(viewing.id, &why, &how).await.unwrap();

    assert_eq!(client.status().await.unwrap(), node_status());
    assert_eq!(client.version().await.unwrap().api, "v1");
    assert!(client.openapi().await.unwrap()["paths"].is_object());
    let kicked = EventQuery { kind: Some("*.kicked".into()), ..EventQuery::default() };
    assert_eq!(client.events(&kicked).await.unwrap().len(), 2);
    assert_eq!(client.delete_channel(&name, &how).await.unwrap(), made);
    tasks.shutdown(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_refusal_arrives_with_the_request_id_and_a_dry_run_changes_nothing() {
    let Served { bench, client, tasks } = served().await;
    let error = client.stream(&"nobody".parse().unwrap()).await.unwrap_err();
    let ClientError::Api { error, status: 404 } = error else { panic!("{error}") };
    assert!(error.request_id.unwrap().starts_with("req_"));
    let body = CreateChannel { name: "demo".into(), title: None, owner: None };
    let dry = Mutation { dry_run: true, reason: None };
    client.create_channel(&body, &dry).await.unwrap();
    assert!(bench.ctx.store.channels().unwrap().is_empty());
    tasks.shutdown(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn events_are_followed_over_the_wire() {
    let Served { bench, client, tasks } = served().await;
    bench.ctx.events.emit("stream.live", None, "before", &[]);
    let query = EventQuery { kind: Some("stream.*".into()), ..EventQuery::default() };
    let mut follow = client.follow(EventQuery { limit: Some(1), ..query });
    assert_eq!(follow.next().await.unwrap().unwrap().text, "before");
    bench.ctx.events.emit("viewing.kicked", None, "not wanted", &[]);
    bench.ctx.events.emit("stream.ended", None, "after", &[]);
    assert_eq!(follow.next().await.unwrap().unwrap().text, "after");
    tasks.shutdown(std::time::Duration::from_secs(5)).await;
}
