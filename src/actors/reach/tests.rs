//! Three nodes in one process, each with streams of its own.

use std::future::pending;
use std::net::IpAddr;

use bytes::Bytes;
use parking_lot::Mutex;
use weir_model::{Incarnation, StreamState, Timestamp};

use super::*;
use crate::actors::events::Events;
use crate::actors::placement::Alone;
use crate::actors::stages::Stages;
use crate::actors::streams::testing::CONFIG;
use crate::actors::streams::{Context, Publication, PublishRequest, StopReason};
use crate::actors::tasks::Tasks;
use crate::actors::viewings::{Limits, Verdict, Visit};
use crate::link::request::{CallError, Kind};
use crate::link::tests::{Cluster, Node, PATIENCE};

/// A node with everything that [`Reach`] reaches.
struct Station {
    node: Node,
    streams: Streams,
    viewings: Viewings,
    reach: Reach,
    roll: Arc<Mutex<BTreeMap<NodeId, String>>>,
    placed: Arc<Mutex<Places>>,
    secret: String,
    key: KeyId,
    _dir: tempfile::TempDir,
}

fn channel() -> ChannelName {
    "demo".parse().unwrap()
}

fn names(ids: &[u64]) -> BTreeMap<NodeId, String> {
    ids.iter().map(|id| (NodeId(*id), format!("n{id}"))).collect()
}

impl Station {
    async fn of(node: Node) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Timestamp(0)).unwrap();
        store.create_channel(channel(), String::new(), Timestamp(0)).await.unwrap();
        let key = store.create_key(&channel(), String::new(), None, Timestamp(0)).await;
        let (key, secret) = key.unwrap();
        let (events, tasks) = (Events::new(), Tasks::new());
        let viewings = Viewings::new(events.clone(), Limits { total: 9, per_address: 9 });
        let context = Context {
            stages: Stages::new(CONFIG.window),
            owner: Arc::new(Alone),
            config: CONFIG,
            events,
            store,
            tasks: tasks.clone(),
            viewings: viewings.clone(),
        };
        let streams = Streams::start(context).await.unwrap();
        let (id, link) = (node.id(), &node.link);
        let audience = Audience::start(link, &viewings, &tasks, id, Incarnation(1));
        let roll = Arc::new(Mutex::new(names(&[1, 2, 3])));
        let placed = Arc::new(Mutex::new(Vec::new()));
        let (expected, directory) = (Arc::clone(&roll), Arc::clone(&placed));
        let known = Known {
            roll: Arc::new(move || expected.lock().clone()),
            placed: Arc::new(move || directory.lock().clone()),
        };
        let reach = Reach::start(id, link, &streams, &viewings, &audience, known);
        Self { node, streams, viewings, reach, roll, placed, secret, key: key.id, _dir: dir }
    }

    async fn publish(&self) -> Publication {
        let request = PublishRequest {
            secret: self.secret.clone(),
            protocol: "rtmp",
            remote: ([192, 0, 2, 1], 4000).into(),
            encoder: "test".into(),
        };
        self.streams.publish(request).await.unwrap()
    }

    fn touch(&self, id: u64) -> Verdict {
        let (channel, remote) = (channel(), IpAddr::from([192, 0, 2, 1]));
        let visit = Visit { channel: &channel, account: None, protocol: "hls", remote, player: "" };
        self.viewings.touch(ViewingId(id), visit)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}");
    }
}

/// Nodes 1, 2 and 3, each linked with the others.
async fn three() -> [Station; 3] {
    let cluster = Cluster::new();
    let nodes = [cluster.node(1), cluster.node(2), cluster.node(3)];
    for node in &nodes {
        node.link.set_peers(nodes.iter().map(Node::address).collect());
    }
    let [one, two, three] = nodes;
    let stations = [Station::of(one).await, Station::of(two).await, Station::of(three).await];
    for station in &stations {
        let connected = |station: &Station| {
            station.node.link.peers().iter().filter(|peer| peer.control.is_some()).count() == 2
        };
        station.until("the links", connected).await;
    }
    stations
}

async fn why_stopped(publication: &Publication) -> StopReason {
    let mut stop = publication.stop.clone();
    let told = tokio::time::timeout(PATIENCE, stop.wait_for(Option::is_some)).await.unwrap();
    told.unwrap().clone().unwrap()
}

#[tokio::test]
async fn a_stream_is_listed_and_shown_by_every_node_with_its_node_and_all_its_viewers() {
    let stations = three().await;
    let [one, two, three] = &stations;
    let publication = two.publish().await;
    assert_eq!(
        (one.touch(1), three.touch(1), three.touch(2)),
        (Verdict::Go, Verdict::Go, Verdict::Go)
    );
    for station in &stations {
        station.until("the viewers", |one| one.viewings.watching(&channel()) == 2).await;
        let listed = station.reach.streams().await;
        assert_eq!((listed.found.len(), listed.silent), (1, Vec::new()));
        let stream = &listed.found[0];
        assert_eq!((&stream.channel, stream.viewers), (&channel(), 2));
        assert_eq!(stream.node, Some(NodeRef { id: NodeId(2), name: "n2".into() }));
        assert!(stream.publisher.is_some());
        // Time goes on between the two answers.
        let mut shown = station.reach.stream(&channel()).await.found;
        shown.bitrate_history.clone_from(&stream.bitrate_history);
        assert_eq!(shown, *stream);
    }
    let quiet = one.reach.stream(&"quiet".parse().unwrap()).await;
    assert_eq!((quiet.found.state, quiet.found.node), (StreamState::Offline, None));
    let viewings = one.reach.viewings(Some(&channel()), 9).await.found;
    assert_eq!(viewings.len(), 2);
    assert_eq!(one.reach.viewings(None, 1).await.found.len(), 1);
    drop(publication);
}

#[tokio::test]
async fn a_publisher_is_dropped_wherever_it_is() {
    let [one, two, three] = three().await;
    let publication = two.publish().await;
    assert!(!one.reach.withdraw_key(&channel(), KeyId(7)).await.found, "another key");
    assert!(one.reach.withdraw_key(&channel(), two.key).await.found);
    assert_eq!(why_stopped(&publication).await, StopReason::KeyWithdrawn);
    let publication = two.publish().await;
    assert!(three.reach.kick_stream(&channel(), "spam").await.found);
    assert_eq!(why_stopped(&publication).await, StopReason::Kicked("spam".into()));
    assert!(!three.reach.kick_stream(&channel(), "spam").await.found, "nobody is left");
    let publication = two.publish().await;
    assert!(one.reach.remove_stream(&channel()).await.found);
    assert_eq!(why_stopped(&publication).await, StopReason::KeyWithdrawn);
    assert_eq!(three.reach.streams().await.found, []);
}

#[tokio::test]
async fn a_viewing_is_kicked_wherever_it_is() {
    let [one, two, three] = three().await;
    one.touch(1);
    three.until("the viewing", |one| one.reach.channel_of(ViewingId(1)).is_some()).await;
    three.roll.lock().extend(names(&[9]));
    let kicked = three.reach.kick_viewing(ViewingId(1)).await;
    assert_eq!(kicked, Gathered { found: true, silent: vec!["n9".into()] });
    for station in [&one, &two, &three] {
        assert_eq!(station.touch(1), Verdict::Kicked);
    }
    let unknown = three.reach.kick_viewing(ViewingId(2)).await;
    assert_eq!(unknown, Gathered { found: false, silent: Vec::new() });
}

#[tokio::test]
async fn who_does_not_answer_or_answers_nonsense_is_named_and_keeps_nobody_from_the_rest() {
    let [one, two, three] = three().await;
    let _publication = one.publish().await;
    one.roll.lock().extend(names(&[9]));
    let limits = Kind { answer_bytes_max: 16 << 20, ..Kind::default() };
    two.node.link.on_request(wire::STREAMS, limits, |_, _| Box::pin(pending()));
    three.node.link.on_request(wire::STREAMS, limits, |_, _| {
        Box::pin(async { Ok(Bytes::from_static(b"[{\"channel\":7}]")) })
    });
    let listed = one.reach.streams().await;
    assert_eq!(
        (listed.found.len(), listed.silent),
        (1, ["n2", "n3", "n9"].map(String::from).into())
    );
    let kicked = one.reach.kick_stream(&channel(), "spam").await;
    assert_eq!(kicked, Gathered { found: true, silent: vec!["n9".into()] });
}

#[tokio::test]
async fn a_stream_whose_node_is_silent_or_gone_is_listed_as_what_it_is() {
    let [one, two, _three] = three().await;
    let _publication = two.publish().await;
    one.roll.lock().extend(names(&[9]));
    let owned = |name: &str, node: u64| {
        let channel: ChannelName = name.parse().unwrap();
        let actor = weir_model::ActorId::new(ActorKind::Stream, (&channel).into());
        let (node, since) = (NodeId(node), Timestamp(7));
        let lease =
            Lease { actor, node, incarnation: Incarnation(1), epoch: weir_model::Epoch(3), since };
        (channel, Some(lease))
    };
    // The second node has its stream; the third one begins one at this moment.
    let mut placed = vec![owned("demo", 2), owned("hung", 9), owned("begun", 3)];
    placed.push(("left".parse().unwrap(), None));
    *one.placed.lock() = placed;
    let listed = one.reach.streams().await.found;
    let brief: Vec<_> = listed
        .iter()
        .map(|one| {
            let node = one.node.as_ref().map(|node| node.name.clone()).unwrap_or_default();
            let codes: Vec<&str> = one.findings.iter().map(|one| one.code.as_str()).collect();
            (one.channel.as_str(), one.state, node, codes.join(" "))
        })
        .filter(|(channel, ..)| *channel != "demo")
        .collect();
    let live = StreamState::Live;
    let expected = [
        ("hung", live, "n9".to_owned(), "node_silent".to_owned()),
        ("left", live, String::new(), "node_gone".to_owned()),
    ];
    assert_eq!(brief, expected);
    assert_eq!(listed[0].node.as_ref().unwrap().name, "n2");
    let left = one.reach.stream(&"left".parse().unwrap()).await.found;
    assert_eq!((left.state, left.publisher), (live, None));
    let begun = one.reach.stream(&"begun".parse().unwrap()).await.found;
    assert_eq!(begun.state, StreamState::Offline);
}

#[tokio::test]
async fn questions_that_break_the_rules_are_refused_and_do_nothing() {
    let [one, two, _] = three().await;
    let publication = two.publish().await;
    let long =
        format!(r#"{{"channel":"demo","deed":{{"kick":{{"reason":"{}"}}}}}}"#, "x".repeat(3000));
    for (kind, body, code) in [
        (wire::STREAMS, "", "malformed"),
        (wire::STREAMS, r#"{"channel":"../demo"}"#, "malformed"),
        (wire::STREAMS, r#"{"more":1}"#, "malformed"),
        (wire::VIEWINGS, r#"{"limit":-1}"#, "malformed"),
        (wire::ACT, r#"{"channel":"demo","deed":"kick"}"#, "malformed"),
        (wire::ACT, r#"{"channel":"demo","deed":{"kick":{"reason":"a\u001b[2J"}}}"#, "malformed"),
        (wire::ACT, r#"{"channel":"demo","deed":{"format":{}}}"#, "malformed"),
        (wire::ACT, &long, "malformed"),
    ] {
        let asked = Bytes::from(body.to_owned());
        let answer = one.node.link.call(NodeId(2), kind, asked, PATIENCE).await;
        let Err(CallError::Refused(refusal)) = answer else { panic!("{body}: {answer:?}") };
        assert_eq!(refusal.code, code, "{body}");
    }
    assert_eq!(*publication.stop.borrow(), None);
    let many = Bytes::from(r#"{"limit":18446744073709551615}"#);
    assert!(one.node.link.call(NodeId(2), wire::VIEWINGS, many, PATIENCE).await.is_ok());
}
