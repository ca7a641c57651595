//! Who is connected with whom, and who is not.

use weir_cluster::liveness::Welcome;

use super::*;
use crate::link::fault::Rule;
use crate::link::trust::Forbidden;

#[tokio::test]
async fn two_nodes_that_know_each_other_have_two_connections() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let seen = one.link.peers();
    assert_eq!((seen.len(), seen[0].node, seen[0].protocol), (1, two.id(), 1));
    assert_eq!((seen[0].incarnation, seen[0].program.as_str()), (1, "test"));
    assert_eq!(seen[0].roles, ["ingest", "voter"]);
    assert!(seen[0].control.is_some() && seen[0].media.is_some() && seen[0].bytes_in > 0);
    assert_eq!((one.link.connected(), two.link.connected()), (vec![id(2)], vec![id(1)]));
    assert_eq!(one.link.counts().peers.dials, 2);
    assert_eq!(two.link.counts().peers.dials, 0, "the lower id dials");
}

#[tokio::test]
async fn three_nodes_make_a_full_mesh_and_one_that_leaves_is_let_go() {
    let cluster = Cluster::new();
    let nodes = [cluster.node(3), cluster.node(1), cluster.node(2)];
    for node in &nodes {
        node.link.set_peers(nodes.iter().map(Node::address).collect());
    }
    for node in &nodes {
        for other in nodes.iter().filter(|other| other.id() != node.id()) {
            node.sees(other.id(), PeerState::Connected).await;
        }
    }
    nodes[1].link.set_peers(vec![nodes[2].address()]);
    assert_eq!(nodes[1].state(id(3)), None);
    nodes[0].sees(id(1), PeerState::Awaited).await;
}

#[tokio::test]
async fn a_peer_that_stops_is_noticed_at_once_and_dialled_again() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.stop.send(true).unwrap();
    one.sees(id(2), PeerState::Dialing).await;
    assert_eq!(one.link.connected(), []);
    let address = two.socket();
    one.until(|node| node.link.counts().peers.dials_failed > 0).await;
    assert!(one.link.peers()[0].last_error.is_some());
    drop(two);
    let again = cluster.start(cluster.trust(2, &["voter"], NOON), None, |config| {
        config.incarnation = 2;
    });
    assert_ne!(again.socket(), address);
    again.link.set_peers(vec![one.address()]);
    one.link.set_peers(vec![again.address()]);
    one.sees(id(2), PeerState::Connected).await;
    assert_eq!(one.link.peers()[0].incarnation, 2);
}

#[tokio::test]
async fn a_node_that_died_and_starts_again_resets_what_others_still_hold_of_it() {
    let cluster = Cluster::new();
    let (one, dir) = (cluster.node(1), tempfile::tempdir().unwrap());
    let start = |listen: SocketAddr, incarnation| {
        cluster.start(cluster.trust(2, &["voter"], NOON), None, |config| {
            (config.listen, config.incarnation) = (listen, incarnation);
            config.data_dir = Some(dir.path().to_owned());
        })
    };
    let two = start("127.0.0.1:0".parse().unwrap(), 1);
    meet(&one, &two).await;
    // It dies without a word, and is there again before anybody misses it.
    let address = two.socket();
    two.faults.to(one.socket(), Rule::blocked());
    two.stop.send(true).unwrap();
    drop(two);
    let is_free = async {
        while std::net::UdpSocket::bind(address).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, is_free).await.unwrap();
    let again = start(address, 2);
    again.link.set_peers(vec![one.address()]);
    one.until(|node| {
        let error = node.link.peers()[0].last_error.clone();
        error.is_some_and(|error| error.contains("reset by peer"))
    })
    .await;
    one.until(|node| node.link.peers()[0].incarnation == 2).await;
}

#[tokio::test]
async fn a_new_start_of_a_node_drops_the_connections_of_the_one_before() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    let next =
        cluster.start(cluster.trust(1, &["voter"], NOON), None, |config| config.incarnation = 9);
    next.link.set_peers(vec![two.address()]);
    next.sees(id(2), PeerState::Connected).await;
    two.until(|node| node.link.peers()[0].incarnation == 9).await;
    one.until(|node| node.state(id(2)) != Some(PeerState::Connected)).await;
    two.until(|node| node.link.refused(Reason::OldIncarnation) > 0).await;
    one.until(|node| {
        let error = node.link.peers()[0].last_error.clone();
        error.is_some_and(|error| error.contains("two nodes with one data directory"))
    })
    .await;
    assert_eq!(next.state(id(2)), Some(PeerState::Connected));
}

#[tokio::test]
async fn versions_one_apart_understand_each_other_and_others_are_refused_with_a_sentence() {
    let cluster = Cluster::new();
    let with = |number, protocols: &[u16]| {
        let protocols = protocols.to_vec();
        cluster.start(cluster.trust(number, &["edge"], NOON), None, move |config| {
            config.protocols = protocols;
        })
    };
    let (old, new, newest) = (with(1, &[2, 1]), with(2, &[3, 2]), with(3, &[5, 4]));
    meet(&old, &new).await;
    assert_eq!(old.link.peers()[0].protocol, 2);
    newest.link.set_peers(vec![new.address()]);
    new.link.set_peers(vec![newest.address()]);
    newest.until(|node| node.link.refused(Reason::Version) > 0).await;
    new.until(|node| {
        let peers = node.link.peers();
        let error = peers.iter().find(|peer| peer.node == id(3)).unwrap().last_error.clone();
        error.is_some_and(|error| error.contains("no protocol version in common"))
    })
    .await;
}

#[tokio::test]
async fn a_certificate_of_another_cluster_is_refused_and_counted() {
    let (ours, theirs) = (Cluster::new(), Cluster::new());
    let (one, two) = (ours.node(2), theirs.node(1));
    two.link.set_peers(vec![one.address()]);
    two.until(|node| node.link.refused(Reason::Stranger) > 0).await;
    // The other way round the stranger is the one who is dialled: it sees our certificate first, and we its.
    let three = ours.node(0);
    three.link.set_peers(vec![PeerAddress { node: id(1), addresses: vec![two.socket()] }]);
    three.until(|node| node.link.refused(Reason::Stranger) > 0).await;
    assert_eq!(one.link.peers(), []);
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_counted() {
    let cluster = Cluster::new();
    let old = cluster.start(cluster.trust(1, &["edge"], NOON - 40 * DAY_MS), None, |_| {});
    let good = cluster.node(2);
    old.link.set_peers(vec![good.address()]);
    good.until(|node| node.link.refused(Reason::Expired) > 0).await;
    old.until(|node| node.link.peers()[0].last_error.is_some()).await;
    assert_ne!(old.state(id(2)), Some(PeerState::Connected));
    assert_eq!(good.link.peers(), []);
}

#[tokio::test]
async fn a_node_that_is_dialled_must_be_the_one_that_was_meant() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(1), cluster.node(2));
    one.link.set_peers(vec![PeerAddress { node: id(7), addresses: vec![two.socket()] }]);
    one.until(|node| node.link.refused(Reason::AnotherNode) > 0).await;
}

#[tokio::test]
async fn a_removed_node_loses_its_connections_at_once_and_gets_no_new_ones() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    two.trust.forbid(Forbidden { nodes: [id(1)].into(), ..Forbidden::default() });
    two.until(|node| node.state(id(1)) == Some(PeerState::Awaited)).await;
    let told = two.link.refused(Reason::Revoked);
    assert!(told >= 2, "both live connections are counted: {told}");
    two.until(|node| node.link.refused(Reason::Revoked) > told).await;
    assert_eq!(two.state(id(1)), Some(PeerState::Awaited));
    assert_eq!(two.trust.refusals().newest().last().unwrap().node, Some(id(1)));
    one.until(|node| node.state(id(2)) == Some(PeerState::Dialing)).await;
    let refused = Welcome { refused_by: [id(2)].into(), ..Welcome::default() };
    one.until(|node| node.link.welcome() == refused).await;
    assert_eq!(two.link.welcome(), Welcome::default(), "who refuses is not refused");
    two.trust.forbid(Forbidden::default());
    one.sees(id(2), PeerState::Connected).await;
    let taken = Welcome { taken_by: [id(2)].into(), ..Welcome::default() };
    one.until(|node| node.link.welcome() == taken).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_used_for_new_connections_and_drops_none() {
    let cluster = Cluster::new();
    let voter = cluster.node(2);
    let edge = cluster.start(cluster.trust(1, &["edge"], NOON), None, |_| {});
    meet(&edge, &voter).await;
    let old = serial(&edge);
    let key = NodeKey::new().unwrap();
    let body = Bytes::from(key.public().to_hex());
    let answer = edge.link.call(id(2), "link.renew", body, PATIENCE).await.unwrap();
    let issued: trust::Issued = serde_json::from_slice(&answer).unwrap();
    edge.trust.renew(Credentials::new(issued, &key)).unwrap();
    assert_ne!(serial(&edge), old);
    assert_eq!(edge.trust.roles(), roles(&["edge"]));
    echo(&voter);
    assert_eq!(ask(&edge, &voter, b"still here").await.unwrap(), "still here");
    // Whoever forbids the old certificate meets the new one.
    voter.trust.forbid(Forbidden { serials: [old].into(), ..Forbidden::default() });
    voter.until(|node| node.link.refused(Reason::Revoked) == 2).await;
    edge.until(|node| node.link.counts().peers.dials == 4).await;
    edge.sees(id(2), PeerState::Connected).await;
}

fn serial(node: &Node) -> String {
    let shown = node.trust.shown();
    trust::certificate::identity(shown.cert.first().unwrap()).unwrap().serial
}

#[tokio::test]
async fn an_ageing_certificate_renews_itself() {
    let cluster = Cluster::new();
    let dir = tempfile::tempdir().unwrap();
    let trust = cluster.trust(1, &["voter"], NOON - 21 * DAY_MS);
    let before = trust.keys();
    let node = cluster.start(trust, None, |config| config.data_dir = Some(dir.path().to_owned()));
    node.until(|node| node.trust.issued().not_before == Timestamp(NOON)).await;
    let kept = async {
        while Credentials::open(dir.path()).unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, kept).await.unwrap();
    let after = node.trust.keys();
    assert_eq!((after[0], after.len()), (before[1], 2), "the key that was ready, and another one");
    assert!(!before.contains(&after[1]));
}

#[tokio::test]
async fn handshakes_beyond_the_limit_are_refused_and_counted() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(1), cluster.node(2));
    let all = u32::try_from(endpoint::HANDSHAKES_MAX).unwrap();
    let taken = two.link.mesh.handshakes.try_acquire_many(all).unwrap();
    two.link.set_peers(vec![one.address()]);
    one.link.set_peers(vec![two.address()]);
    two.until(|node| node.link.refused(Reason::Handshakes) > 0).await;
    drop(taken);
    one.sees(id(2), PeerState::Connected).await;
}

#[tokio::test]
async fn a_stranger_without_a_certificate_is_refused_and_counted() {
    let cluster = Cluster::new();
    let node = cluster.node(1);
    let fingerprint = node.trust.fingerprint();
    let config = invite::join::pinned(fingerprint, clock(&cluster.time), endpoint::ALPN).unwrap();
    let stranger = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let name = trust::certificate::MEMBER_NAME;
    let connection = stranger.connect_with(config, node.socket(), name).unwrap().await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, connection.closed()).await.unwrap().to_string();
    assert!(closed.contains("a certificate of this cluster is needed"), "{closed}");
    assert_eq!(node.link.refused(Reason::Anonymous), 1);
    assert_eq!(node.link.peers(), []);
}

/// What `node` says of why it has no connection with `other`.
fn last_error(node: &Node, other: &Node) -> String {
    let peers = node.link.peers();
    let peer = peers.into_iter().find(|peer| peer.node == other.id());
    peer.and_then(|peer| peer.last_error).unwrap_or_default()
}

#[tokio::test]
async fn a_certificate_alone_lets_nobody_in_until_the_node_is_named() {
    let cluster = Cluster::new();
    // As good as any: the authority made it, or somebody who once held the authority.
    let (one, two) = (cluster.node(1), cluster.node(2));
    one.link.set_peers(vec![two.address()]);
    two.until(|node| node.link.refused(Reason::Unknown) > 0).await;
    one.until(|one| last_error(one, &two).contains("invite it again")).await;
    assert_eq!(two.link.peers(), [], "it takes no place either");
    assert_eq!(two.trust.refusals().newest().last().unwrap().node, Some(id(1)));
    // It was only too early: it tries again by itself, and the newer list lets it in.
    two.link.set_peers(vec![one.address()]);
    one.sees(id(2), PeerState::Connected).await;
    two.sees(id(1), PeerState::Connected).await;
    // Whoever is not in the list any more is let go, and stays out.
    let told = two.link.refused(Reason::Unknown);
    two.link.set_peers(Vec::new());
    one.until(|one| one.state(id(2)) == Some(PeerState::Dialing)).await;
    two.until(|node| node.link.refused(Reason::Unknown) > told).await;
    assert_eq!(two.link.peers(), []);
}

#[tokio::test]
async fn an_unknown_node_that_knocks_is_told_of_at_once() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(1), cluster.node(2));
    let mut knocks = two.link.knocks();
    one.link.set_peers(vec![two.address()]);
    tokio::time::timeout(PATIENCE, knocks.changed()).await.unwrap().unwrap();
    two.link.set_peers(vec![one.address()]);
    one.sees(id(2), PeerState::Connected).await;
}

#[tokio::test]
async fn unknown_nodes_that_wait_keep_nobody_out() {
    let cluster = Cluster::new();
    let (one, two, three) = (cluster.node(1), cluster.node(2), cluster.node(3));
    let waiting = u32::try_from(peers::UNKNOWN_MAX).unwrap();
    let _taken = three.link.mesh.unknown.try_acquire_many(waiting).unwrap();
    meet(&one, &three).await;
    two.link.set_peers(vec![three.address()]);
    three.until(|node| node.link.refused(Reason::Unknown) > 0).await;
    three.link.set_peers(vec![one.address(), two.address()]);
    two.sees(id(3), PeerState::Connected).await;
}

#[tokio::test]
async fn there_is_room_for_as_many_peers_as_a_cluster_has_nodes() {
    let cluster = Cluster::new();
    let node = cluster.node(0);
    let nobody = |number| PeerAddress { node: id(number), addresses: Vec::new() };
    let most = weir_cluster::limits::NODES_MAX as u64;
    node.link.set_peers((1..=most).map(nobody).collect());
    assert_eq!((node.link.peers().len() as u64, node.link.refused(Reason::Peers)), (most, 0));
    node.link.set_peers((1..=most + 1).map(nobody).collect());
    assert_eq!((node.link.peers().len() as u64, node.link.refused(Reason::Peers)), (most, 1));
}
