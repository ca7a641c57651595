//! The answers of several nodes as one.

use std::collections::BTreeMap;

use weir_model::node::NodeRef;
use weir_model::stream::{Finding, HealthLevel};
use weir_model::{ChannelName, Lease, StreamInfo, StreamState, Timestamp, Viewing, ViewingId};

use crate::actors::streams::offline;

/// By channel name. A stream that several nodes know is where it is most alive: its publisher may have gone from one
/// node to another.
pub(super) fn streams(answers: Vec<(NodeRef, Vec<StreamInfo>)>) -> Vec<StreamInfo> {
    let mut found: BTreeMap<ChannelName, StreamInfo> = BTreeMap::new();
    for (node, streams) in answers {
        for mut stream in streams {
            let has_it = stream.state != StreamState::Offline;
            stream.node = has_it.then(|| node.clone());
            let better = |known: &StreamInfo| life(&stream) > life(known);
            if found.get(&stream.channel).is_none_or(better) {
                found.insert(stream.channel.clone(), stream);
            }
        }
    }
    found.into_values().collect()
}

/// Adds streams that no node has told of: each with the silent node that owns it, or none while it waits for one.
pub(super) fn add_lost(
    found: &mut Vec<StreamInfo>,
    lost: Vec<(ChannelName, Option<(Lease, NodeRef)>)>,
) {
    for (channel, owner) in lost {
        let known = found.iter_mut().find(|stream| stream.channel == channel);
        match known {
            // A show that another node still has, or that has ended there since.
            Some(stream) if stream.state != StreamState::Offline => {}
            Some(stream) => *stream = lost_one(&channel, owner),
            None => found.push(lost_one(&channel, owner)),
        }
    }
    found.sort_by(|a, b| a.channel.cmp(&b.channel));
}

fn lost_one(channel: &ChannelName, owner: Option<(Lease, NodeRef)>) -> StreamInfo {
    let (code, text, advice) = match &owner {
        Some((_, node)) => (
            "node_silent",
            format!("{} owns this stream and does not answer.", node.name),
            "Wait some seconds: a node that stays silent is given up, and the show waits for its publisher.",
        ),
        None => (
            "node_gone",
            "The node of this stream is gone; copies serve what they have, and the show waits for its publisher.".to_owned(),
            "Let the encoder connect again, to any ingest: the show goes on. Without it the show is over after the grace period.",
        ),
    };
    let (code, advice) = (code.to_owned(), advice.to_owned());
    let (since, node) = owner.map(|(lease, node)| (lease.since, node)).unzip();
    StreamInfo {
        state: StreamState::Live,
        since,
        node,
        health: HealthLevel::Bad,
        findings: vec![Finding { code, level: HealthLevel::Bad, text, advice }],
        ..offline(channel)
    }
}

fn life(stream: &StreamInfo) -> (u8, bool, Option<Timestamp>) {
    let state = match stream.state {
        StreamState::Offline => 0,
        StreamState::Ended => 1,
        StreamState::Live => 2,
    };
    (state, stream.publisher.is_some(), stream.since)
}

/// Oldest first. A viewing that several nodes know is one, at the node that its player asked last.
pub(super) fn viewings(answers: Vec<(NodeRef, Vec<Viewing>)>, limit: usize) -> Vec<Viewing> {
    let mut found: BTreeMap<ViewingId, Viewing> = BTreeMap::new();
    for (node, viewings) in answers {
        for mut viewing in viewings {
            viewing.node = Some(node.clone());
            let known = found.remove(&viewing.id);
            let one = known.map_or_else(|| viewing.clone(), |known| joined(known, viewing.clone()));
            found.insert(viewing.id, one);
        }
    }
    let mut found: Vec<Viewing> = found.into_values().collect();
    found.sort_by_key(|one| (one.since, one.id));
    found.truncate(limit);
    found
}

fn joined(one: Viewing, other: Viewing) -> Viewing {
    let (since, requests) =
        (one.since.min(other.since), one.requests.saturating_add(other.requests));
    let newest = if other.last_seen > one.last_seen { other } else { one };
    Viewing { since, requests, ..newest }
}

#[cfg(test)]
mod tests {
    use weir_model::NodeId;

    use super::*;

    fn node(id: u64) -> NodeRef {
        NodeRef { id: NodeId(id), name: format!("n{id}") }
    }

    fn stream(channel: &str, state: StreamState, since: i64) -> StreamInfo {
        let info = offline(&channel.parse().unwrap());
        StreamInfo { state, since: Some(Timestamp(since)), ..info }
    }

    fn viewing(id: u64, since: i64, last_seen: i64) -> Viewing {
        Viewing {
            id: ViewingId(id),
            channel: "a".parse().unwrap(),
            node: None,
            protocol: "hls".into(),
            remote: "192.0.2.1".into(),
            player: format!("seen at {last_seen}"),
            since: Timestamp(since),
            last_seen: Timestamp(last_seen),
            requests: 2,
        }
    }

    #[test]
    fn a_stream_is_where_it_is_most_alive() {
        use StreamState::{Ended, Live, Offline};
        let one = vec![stream("a", Ended, 9), stream("b", Live, 1), stream("c", Offline, 0)];
        let other = vec![stream("a", Live, 1), stream("b", Live, 2), stream("d", Ended, 1)];
        let both = [
            vec![(node(1), one.clone()), (node(2), other.clone())],
            vec![(node(2), other), (node(1), one)],
        ];
        for answers in both {
            let found = streams(answers);
            let at = |one: &StreamInfo| one.node.as_ref().map(|node| node.id.0);
            let found: Vec<(&str, Option<u64>)> =
                found.iter().map(|one| (one.channel.as_str(), at(one))).collect();
            assert_eq!(found, [("a", Some(2)), ("b", Some(2)), ("c", None), ("d", Some(2))]);
        }
    }

    #[test]
    fn a_viewing_that_two_nodes_know_is_one() {
        let answers = vec![
            (node(1), vec![viewing(1, 10, 20), viewing(2, 5, 6)]),
            (node(2), vec![viewing(1, 15, 30), viewing(3, 1, 2)]),
            (node(3), vec![viewing(1, 12, 25)]),
        ];
        let found = viewings(answers, 3);
        let ids: Vec<u64> = found.iter().map(|one| one.id.0).collect();
        assert_eq!(ids, [3, 2, 1]);
        let one = &found[2];
        assert_eq!((one.since, one.last_seen, one.requests), (Timestamp(10), Timestamp(30), 6));
        assert_eq!(one.node, Some(node(2)));
        assert_eq!(one.player, "seen at 30");
    }
}
