//! A node is believed with a key of its own that is on record. Whoever signs certificates here as the authority does
//! may be anybody who once voted.

use super::*;
use crate::link::trust::{Fingerprint, Forbidden, Issued};

/// Says to `node` that `of` has these keys on record.
fn record(node: &Node, of: u64, keys: &[Fingerprint]) {
    let keys = [(id(of), keys.iter().copied().collect())].into();
    node.trust.forbid(Forbidden { keys, ..Forbidden::default() });
}

fn other_key() -> Fingerprint {
    NodeKey::new().unwrap().public().fingerprint()
}

fn last_error(node: &Node) -> String {
    let peer = node.link.peers().into_iter().next();
    peer.and_then(|peer| peer.last_error).unwrap_or_default()
}

#[tokio::test]
async fn a_key_that_is_not_on_record_is_refused_by_who_is_dialled() {
    let cluster = Cluster::new();
    let (thief, two) = (cluster.node(1), cluster.node(2));
    record(&two, 1, &[other_key()]);
    two.link.set_peers(vec![thief.address()]);
    let mut knocks = two.link.knocks();
    thief.link.set_peers(vec![two.address()]);
    two.until(|two| two.link.refused(Reason::ForeignKey) > 0).await;
    assert!(knocks.has_changed().unwrap(), "whoever has a newer directory is asked");
    knocks.mark_unchanged();
    let refused = two.trust.refusals().newest().pop().unwrap();
    assert_eq!((refused.reason, refused.node), (Reason::ForeignKey, Some(id(1))));
    thief.until(|thief| last_error(thief).contains("key is not on record")).await;
    assert_eq!(two.state(id(1)), Some(PeerState::Awaited));
    assert_eq!(two.link.connected(), []);
}

#[tokio::test]
async fn a_key_that_is_not_on_record_is_refused_by_who_dials_before_it_says_a_word() {
    let cluster = Cluster::new();
    let (one, thief) = (cluster.node(1), cluster.node(2));
    record(&one, 2, &[other_key()]);
    thief.link.set_peers(vec![one.address()]);
    one.link.set_peers(vec![thief.address()]);
    one.until(|one| one.link.refused(Reason::ForeignKey) > 0).await;
    assert!(last_error(&one).contains("key is not on record"), "{}", last_error(&one));
    assert_eq!((one.link.connected(), thief.link.peers()[0].program.as_str()), (vec![], ""));
}

#[tokio::test]
async fn a_node_with_newer_keys_gets_in_as_soon_as_they_are_known() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(1), cluster.node(2));
    record(&one, 2, &[other_key()]);
    record(&two, 1, &[other_key()]);
    one.link.set_peers(vec![two.address()]);
    two.link.set_peers(vec![one.address()]);
    one.until(|one| one.link.refused(Reason::ForeignKey) > 0).await;
    record(&one, 2, &two.trust.keys());
    two.until(|two| two.link.refused(Reason::ForeignKey) > 0).await;
    record(&two, 1, &one.trust.keys());
    two.link.set_peers(vec![one.address()]);
    one.sees(id(2), PeerState::Connected).await;
    two.sees(id(1), PeerState::Connected).await;
}

/// What `node` asks `voter` for when its certificate is due.
async fn renewed(node: &Node, voter: &Node, key: &NodeKey) -> Result<Issued, CallError> {
    let body = Bytes::from(key.public().to_hex());
    let answer = node.link.call(voter.id(), "link.renew", body, PATIENCE).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

#[tokio::test]
async fn a_renewal_is_for_a_key_on_record_ends_no_connection_and_is_believed_by_an_older_copy() {
    let cluster = Cluster::new();
    let voter = cluster.node(2);
    let edge = cluster.start(cluster.trust(1, &["edge"], NOON), None, |_| {});
    let before = edge.trust.keys();
    record(&voter, 1, &before);
    meet(&edge, &voter).await;
    echo(&voter);
    let other = renewed(&edge, &voter, &NodeKey::new().unwrap()).await.unwrap_err();
    assert!(other.to_string().contains("not on record yet"), "{other}");

    let (next, third) = (edge.trust.next_key().unwrap().unwrap(), NodeKey::new().unwrap());
    let issued = renewed(&edge, &voter, &next).await.unwrap();
    edge.trust.renew(Credentials::new(issued, &next).with_next(&third)).unwrap();
    let after = edge.trust.keys();
    assert_eq!(after, [before[1], third.public().fingerprint()]);
    assert_eq!(ask(&edge, &voter, b"still here").await.unwrap(), "still here");
    // The record goes on too; what was begun with the former key does not end by that.
    record(&voter, 1, &after);
    assert_eq!(ask(&edge, &voter, b"and here").await.unwrap(), "and here");
    assert_eq!((edge.link.counts().peers.dials, voter.link.refused(Reason::ForeignKey)), (2, 0));

    // A copy from before the renewal knows the key that was to come.
    record(&voter, 1, &before);
    voter.link.set_peers(Vec::new());
    edge.until(|edge| edge.state(id(2)) == Some(PeerState::Dialing)).await;
    voter.link.set_peers(vec![edge.address()]);
    edge.sees(id(2), PeerState::Connected).await;
    assert_eq!(voter.link.refused(Reason::ForeignKey), 0);
}

#[tokio::test]
async fn who_came_while_its_node_had_no_keys_on_record_goes_when_it_has_others() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair().await;
    record(&two, 1, &one.trust.keys());
    echo(&two);
    assert_eq!(ask(&one, &two, b"with a key of its own").await.unwrap(), "with a key of its own");
    assert_eq!(two.link.refused(Reason::ForeignKey), 0);

    let (thief, four) = (cluster.node(3), cluster.node(4));
    meet(&thief, &four).await;
    record(&four, 3, &[other_key()]);
    four.until(|four| four.link.refused(Reason::ForeignKey) >= 2).await;
    four.until(|four| four.link.connected().is_empty()).await;
}
