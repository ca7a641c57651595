//! Requests: answers, refusals, and every bound.

use futures_util::future::join_all;
use quinn::{RecvStream, SendStream};
use tokio::sync::mpsc;

use super::*;
use crate::link::endpoint::STREAM_WINDOW_BYTES;
use crate::link::request::{BODY_BYTES_MAX, IN_FLIGHT_PER_PEER_MAX, encoded, parsed};
use crate::link::wire;

#[tokio::test]
async fn both_ends_of_a_pair_ask_and_answer() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    echo(&one);
    echo(&two);
    assert_eq!(ask(&one, &two, b"one").await.unwrap(), "one");
    assert_eq!(ask(&two, &one, b"two").await.unwrap(), "two");
    let large = Bytes::from(vec![7; BODY_BYTES_MAX]);
    assert_eq!(one.link.call(id(2), "echo", large.clone(), PATIENCE).await.unwrap(), large);
}

#[tokio::test]
async fn the_handler_learns_the_caller_from_its_certificate() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.link.on_request("who", Kind::default(), |caller, _| {
        Box::pin(async move {
            assert_eq!(*caller.roles, roles(&["ingest", "voter"]));
            Ok(Bytes::from(caller.node.to_string()))
        })
    });
    let answer = one.link.call(id(2), "who", Bytes::new(), PATIENCE).await.unwrap();
    assert_eq!(answer, id(1).to_string());
}

#[tokio::test]
async fn a_refusal_arrives_with_code_and_sentence() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.link.on_request("no", Kind::default(), |_, _| {
        Box::pin(async { Err(Refusal::new("not_leader", "ask node 3")) })
    });
    let refused = one.link.call(id(2), "no", Bytes::new(), PATIENCE).await;
    assert_eq!(refused, Err(CallError::Refused(Refusal::new("not_leader", "ask node 3"))));
    let Err(CallError::Refused(unknown)) = ask(&one, &two, b"").await else {
        panic!("nobody registered `echo`")
    };
    assert_eq!(unknown.code, "unknown_kind");
    assert_eq!(two.link.counts().peers.served_refused, 1);
}

#[tokio::test]
async fn a_body_longer_than_its_kind_is_refused_at_both_ends() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let small = Kind { request_bytes_max: 10, answer_bytes_max: 10 };
    two.link.on_request("small", small, |_, body| Box::pin(async move { Ok(body) }));
    let call =
        |length: usize| one.link.call(id(2), "small", Bytes::from(vec![0; length]), PATIENCE);
    let too_long = call(BODY_BYTES_MAX + 1).await;
    assert_eq!(too_long, Err(CallError::TooLong(BODY_BYTES_MAX + 1, BODY_BYTES_MAX)));
    let Err(CallError::Refused(refusal)) = call(BODY_BYTES_MAX).await else { panic!("accepted") };
    assert_eq!(refusal.code, "too_long");
    assert_eq!(call(10).await.unwrap().len(), 10);
}

/// Says when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// A handler that never answers; the receivers tell of begins and of drops.
fn hang(node: &Node) -> (mpsc::UnboundedReceiver<()>, mpsc::UnboundedReceiver<()>) {
    let ((begun, begins), (dropped, drops)) =
        (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    node.link.on_request("hang", Kind::default(), move |_, _| {
        let (begun, guard) = (begun.clone(), Dropped(dropped.clone()));
        Box::pin(async move {
            let _ = begun.send(());
            let _guard = guard;
            std::future::pending().await
        })
    });
    (begins, drops)
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_request_back() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let (mut begins, mut drops) = hang(&two);
    let call = one.link.call(id(2), "hang", Bytes::new(), PATIENCE);
    tokio::select! {
        _ = call => panic!("nobody answers"),
        begun = begins.recv() => begun.unwrap(),
    }
    tokio::time::timeout(PATIENCE, drops.recv()).await.unwrap().unwrap();
    two.until(|node| node.link.counts().peers.cancelled == 1).await;
    assert_eq!(one.link.peers()[0].requests_in_flight, 0);
}

#[tokio::test]
async fn a_deadline_ends_a_request_at_both_ends() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let (_begins, mut drops) = hang(&two);
    let short = Duration::from_millis(50);
    let late = one.link.call(id(2), "hang", Bytes::new(), short).await;
    assert_eq!(late, Err(CallError::Deadline(id(2), short)));
    tokio::time::timeout(PATIENCE, drops.recv()).await.unwrap().unwrap();
    assert_eq!(one.link.counts().peers.deadlines, 1);
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    echo(&two);
    two.link.on_request("panic", Kind::default(), |_, _| panic!("on purpose"));
    let broken = one.link.call(id(2), "panic", Bytes::new(), PATIENCE).await;
    assert!(matches!(broken, Err(CallError::Refused(refusal)) if refusal.code == "panicked"));
    assert_eq!(ask(&one, &two, b"goes on").await.unwrap(), "goes on");
    assert_eq!(two.link.counts().peers.panicked, 1);
}

#[tokio::test]
async fn too_many_requests_in_flight_are_refused_at_once_and_counted() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let (mut begins, _drops) = hang(&two);
    let calls = join_all(
        (0..IN_FLIGHT_PER_PEER_MAX).map(|_| one.link.call(id(2), "hang", Bytes::new(), PATIENCE)),
    );
    let one_more = async {
        for _ in 0..IN_FLIGHT_PER_PEER_MAX {
            begins.recv().await.unwrap();
        }
        assert_eq!(one.link.peers()[0].requests_in_flight, IN_FLIGHT_PER_PEER_MAX);
        ask(&one, &two, b"").await
    };
    tokio::select! {
        _ = calls => panic!("nobody answers"),
        more = one_more => assert_eq!(more, Err(CallError::Busy(id(2)))),
    }
    assert_eq!(one.link.counts().peers.requests_refused, 1);
    echo(&two);
    assert!(ask(&one, &two, b"again").await.is_ok());
}

#[tokio::test]
async fn a_node_without_a_connection_is_told_so_at_once() {
    let cluster = Cluster::new();
    let one = cluster.node(1);
    let call = one.link.call(id(5), "echo", Bytes::new(), PATIENCE).await;
    assert_eq!(call, Err(CallError::NotConnected(id(5))));
}

#[tokio::test]
async fn a_question_and_its_answer_are_typed_and_an_answer_that_is_none_is_named() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.link.on_request("double", Kind::default(), |_, body| {
        let answer = parsed::<u32>(&body).and_then(|number| encoded(&(number * 2)));
        Box::pin(std::future::ready(answer))
    });
    two.link.on_request("silent", Kind::default(), |_, _| Box::pin(async { Ok(Bytes::new()) }));
    let link = &one.link;
    assert_eq!(link.ask(id(2), "double", &21, PATIENCE).await, Ok(42));
    assert_eq!(link.ask(id(2), "silent", &(), PATIENCE).await, Ok(()));
    let unclear = link.ask::<_, String>(id(2), "double", &21, PATIENCE).await;
    assert!(matches!(unclear, Err(CallError::Unclear(NodeId(2), _))), "{unclear:?}");
    let unclear = link.ask::<_, u32>(id(2), "silent", &(), PATIENCE).await;
    assert!(matches!(unclear, Err(CallError::Unclear(NodeId(2), _))), "{unclear:?}");
    let refused = link.ask::<_, u32>(id(2), "double", "three", PATIENCE).await;
    assert!(matches!(refused, Err(CallError::Refused(why)) if why.code == "malformed"));
}

/// Asks for an answer that does not fit into its stream unless it is read, and does not read it.
async fn ask_and_not_read(from: &Node, to: &Node, deadline: Duration) -> (SendStream, RecvStream) {
    let (handled, mut handlings) = mpsc::unbounded_channel();
    to.link.on_request("large", Kind::default(), move |_, _| {
        handled.send(()).unwrap();
        let answer = Bytes::from(vec![0; 2 * STREAM_WINDOW_BYTES as usize]);
        Box::pin(std::future::ready(Ok(answer)))
    });
    let control = from.link.mesh.peer(to.id()).unwrap().control().unwrap();
    let (mut send, recv) = control.open_bi().await.unwrap();
    let deadline_ms = deadline.as_millis() as u64;
    let asked = serde_json::json!({ "kind": "large", "length": 0, "deadline_ms": deadline_ms });
    send.write_all(&wire::header(&asked).unwrap()).await.unwrap();
    send.finish().unwrap();
    tokio::time::timeout(PATIENCE, handlings.recv()).await.unwrap().unwrap();
    (send, recv)
}

#[tokio::test]
async fn an_answer_that_is_not_read_holds_its_place_until_the_caller_is_gone() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let asked = ask_and_not_read(&one, &two, PATIENCE).await;
    echo(&two);
    assert_eq!(ask(&one, &two, b"beside it").await.unwrap(), "beside it");
    two.until(|node| node.link.counts().serving == 1).await;
    assert_eq!(two.link.counts().peers.cancelled, 0);
    drop(asked);
    two.until(|node| node.link.counts().serving == 0).await;
    assert_eq!(two.link.counts().peers.cancelled, 1);
}

#[tokio::test]
async fn an_answer_that_is_not_read_gives_its_place_back_at_the_deadline() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let _asked = ask_and_not_read(&one, &two, Duration::from_millis(300)).await;
    two.until(|node| node.link.counts().peers.cancelled == 1).await;
    assert_eq!(two.link.counts().serving, 0);
}
