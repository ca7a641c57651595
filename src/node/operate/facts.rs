//! One look at everything this node knows of its cluster, so that an answer is of one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_cluster::Directory;
use weir_cluster::members::Members;
use weir_cluster::placement::{Rules, View};
use weir_cluster::views::{Agreement, Facts};
use weir_model::cluster::{LinkInfo, LinkState, RaftRole};
use weir_model::{NodeId, Timestamp};

use crate::actors::clock;
use crate::actors::membership::{Known, Membership, Standing};
use crate::link::peers::{LaneInfo, PeerInfo, PeerState};
use crate::node::mesh::Mesh;
use crate::raft::{Part, Status};
use crate::store::Store;

/// A share of lost packets is told from this many sent on: before, one lost packet is several percent.
const LOSS_PACKETS_MIN: u64 = 100;

/// What facts borrow from.
pub(super) struct Look {
    pub(super) me: NodeId,
    pub(super) directory: Arc<Directory>,
    pub(super) links: Vec<LinkInfo>,
    now: Timestamp,
    known: Known,
    rules: Rules,
    agreement: Agreement,
    granted: bool,
    removed: bool,
}

impl Look {
    pub(super) fn at(
        store: &Store,
        mesh: &Mesh,
        membership: &Membership,
        lags: &BTreeMap<NodeId, u64>,
    ) -> Self {
        let (me, directory) = (membership.node(), store.cluster());
        Self {
            me,
            links: links(me, &directory.members, &mesh.link.peers(), lags),
            directory,
            now: clock::now(),
            known: membership.known(),
            rules: Rules::default(),
            agreement: agreement(&mesh.consensus.status()),
            granted: membership.may_act(),
            removed: *membership.standing().borrow() == Standing::Removed,
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        let Known { loads, now_ms, .. } = &self.known;
        View { directory: &self.directory, loads, rules: &self.rules, now_ms: *now_ms }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            me: self.me,
            now: self.now,
            view: self.view(),
            agreement: &self.agreement,
            links: &self.links,
            heard_ms: &self.known.heard_ms,
            skews_ms: &self.known.skews_ms,
            granted: self.granted,
            removed: self.removed,
            held_back: &self.known.held_back,
        }
    }
}

fn agreement(status: &Status) -> Agreement {
    let role = match status.part {
        Part::Leader => RaftRole::Leader,
        Part::Follower => RaftRole::Follower,
        Part::Candidate => RaftRole::Candidate,
        Part::Learner => RaftRole::Learner,
        Part::Stopped => RaftRole::Stopped,
    };
    let lags = status.peers.iter().filter_map(|peer| Some((peer.node, peer.lag?)));
    Agreement {
        role,
        leader: status.leader,
        term: status.term,
        last_log: status.last_log.unwrap_or_default(),
        applied: status.applied.unwrap_or_default(),
        snapshot: status.snapshot,
        quorum_age_ms: status.quorum_age_ms,
        lags: lags.collect(),
    }
}

/// The links with members; who was removed, or is not known yet, has none worth a look.
fn links(
    me: NodeId,
    members: &Members,
    peers: &[PeerInfo],
    lags: &BTreeMap<NodeId, u64>,
) -> Vec<LinkInfo> {
    let mut all = Vec::with_capacity(peers.len() * 2);
    for peer in peers {
        let Some(member) = members.of(peer.node) else { continue };
        let at = member.profile.link.as_str();
        let lanes = [
            ("control", &peer.control, peer.control_since, peer.requests_in_flight, None),
            ("media", &peer.media, peer.media_since, peer.streams_open, lags.get(&peer.node)),
        ];
        for (lane, info, since, streams, lag) in lanes {
            let streams = u32::try_from(streams).unwrap_or(u32::MAX);
            let link = link(me, peer, lane, info.as_ref());
            let remote = info.as_ref().map_or_else(|| at.to_owned(), |one| one.address.to_string());
            all.push(LinkInfo { remote, since, streams, lag_ms: lag.copied(), ..link });
        }
    }
    all
}

fn link(me: NodeId, peer: &PeerInfo, lane: &str, info: Option<&LaneInfo>) -> LinkInfo {
    let state = match (info, peer.state, &peer.last_error) {
        (Some(_), ..) => LinkState::Up,
        (None, PeerState::Dialing, None) | (None, _, None) => LinkState::Connecting,
        (None, _, Some(_)) => LinkState::Down,
    };
    LinkInfo {
        from: me,
        from_name: String::new(),
        to: peer.node,
        to_name: String::new(),
        remote: String::new(),
        lane: lane.to_owned(),
        state,
        since: Timestamp::default(),
        rtt_us: info.map_or(0, |one| one.rtt_us),
        loss_ppm: info.map_or(0, loss_ppm),
        sent_bytes: info.map_or(0, |one| one.bytes_out),
        received_bytes: info.map_or(0, |one| one.bytes_in),
        streams: 0,
        lag_ms: None,
        protocol: u32::from(peer.protocol),
        last_error: peer.last_error.clone(),
    }
}

fn loss_ppm(lane: &LaneInfo) -> u32 {
    if lane.packets_sent < LOSS_PACKETS_MIN {
        return 0;
    }
    let ppm = lane.packets_lost.saturating_mul(1_000_000) / lane.packets_sent;
    u32::try_from(ppm).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(packets_sent: u64, packets_lost: u64) -> LaneInfo {
        LaneInfo {
            address: "127.0.0.1:1".parse().unwrap(),
            rtt_us: 250,
            congestion_window: 0,
            congestion_events: 0,
            mtu: 1200,
            bytes_in: 3,
            bytes_out: 4,
            packets_sent,
            packets_lost,
        }
    }

    #[test]
    fn a_few_packets_are_no_share_that_says_anything() {
        assert_eq!(loss_ppm(&lane(99, 50)), 0);
        assert_eq!(loss_ppm(&lane(1000, 50)), 50_000);
    }
}
