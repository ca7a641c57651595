//! Figures of the cluster: links, consensus, copies, members. Labels are the nodes' names, so there are as many series as
//! there are nodes; who was removed is gone from the next scrape on.

use std::collections::BTreeMap;

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use weir_model::NodeId;
use weir_model::cluster::NodeState;

use super::{set, signed};
use crate::actors::membership::{BeatCounts, Membership};
use crate::actors::placement::{Copying, Placement};
use crate::link::peers::{PeerInfo, PeerState};
use crate::link::trust::Reason;
use crate::node::mesh::Mesh;
use crate::raft::Status;
use crate::store::Store;

/// How a peer can be connected.
const PEER_STATES: [(PeerState, &str); 4] = [
    (PeerState::Connected, "connected"),
    (PeerState::Partial, "partial"),
    (PeerState::Dialing, "dialing"),
    (PeerState::Awaited, "awaited"),
];
/// How a member can be; who was removed is none.
const MEMBER_STATES: [NodeState; 4] =
    [NodeState::Joining, NodeState::Up, NodeState::Suspect, NodeState::Fenced];

/// What the figures are made of, at one moment.
#[derive(Debug, Clone)]
pub(in crate::node) struct Sample {
    /// The link's peers.
    pub peers: Vec<PeerInfo>,
    /// Refused connections.
    pub refused: Vec<(Reason, u64)>,
    /// Consensus.
    pub raft: Status,
    /// Members with their states.
    pub members: BTreeMap<NodeId, (String, NodeState)>,
    /// Leases held.
    pub leases: usize,
    /// Actors that lost their owner.
    pub vacant: usize,
    /// Whether the leader counts on this node now.
    pub granted: bool,
    /// Its heartbeats.
    pub beats: BeatCounts,
    /// Its part in copying streams.
    pub copying: Copying,
    /// How far what it copies from a node is behind, milliseconds.
    pub lags: BTreeMap<NodeId, u64>,
    /// Bytes free on the disk, and whether they are too few.
    pub disk: (u64, bool),
}

impl Sample {
    /// What is so now.
    pub(in crate::node) fn of(
        store: &Store,
        mesh: &Mesh,
        membership: &Membership,
        placement: &Placement,
    ) -> Self {
        let directory = store.cluster();
        let member =
            |one: &weir_cluster::members::Member| (one.id, (one.profile.name.clone(), one.state));
        Self {
            peers: mesh.link.peers(),
            refused: mesh.trust.refusals().all(),
            raft: mesh.consensus.status(),
            members: directory.members.iter().map(member).collect(),
            leases: directory.leases.iter().count(),
            vacant: directory.leases.vacancies().count(),
            granted: membership.may_act(),
            beats: membership.beats(),
            copying: placement.copying(),
            lags: placement.lags(),
            disk: (mesh.disk.free(), mesh.disk.is_low()),
        }
    }
}

/// The registered figures.
pub(super) struct Cluster {
    links: Links,
    raft: Raft,
    copies: Copies,
    members: IntGaugeVec,
    leases: IntGauge,
    vacant: IntGauge,
    granted: IntGauge,
    unanswered: IntCounter,
    lapses: IntCounter,
    disk_free: IntGauge,
    disk_low: IntGauge,
}

struct Links {
    peers: IntGaugeVec,
    rtt: GaugeVec,
    sent: IntCounterVec,
    received: IntCounterVec,
    packets: IntCounterVec,
    lost: IntCounterVec,
    streams: IntGaugeVec,
    lag: GaugeVec,
    refused: IntCounterVec,
}

struct Raft {
    term: IntGauge,
    leads: IntGauge,
    led: IntGauge,
    applied: IntGauge,
    last_log: IntGauge,
    log_bytes: IntGauge,
    waiting: IntGauge,
    answered: IntCounter,
    retried: IntCounter,
    given_up: IntCounter,
}

struct Copies {
    pulled: IntGauge,
    sent: IntGauge,
    over_fan_out: IntGauge,
    sent_elsewhere: IntCounter,
    bytes: IntCounter,
    troubles: IntCounterVec,
}

/// Registers what it makes.
pub(super) struct Register<'a>(pub(super) &'a Registry);

pub(super) type Made<T> = Result<T, prometheus::Error>;

impl Register<'_> {
    pub(super) fn gauge(&self, name: &str, help: &str) -> Made<IntGauge> {
        self.keep(IntGauge::new(name, help)?)
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> Made<IntCounter> {
        self.keep(IntCounter::new(name, help)?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, label: &str) -> Made<IntGaugeVec> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), &[label])?)
    }

    pub(super) fn counters(&self, name: &str, help: &str, label: &str) -> Made<IntCounterVec> {
        self.keep(IntCounterVec::new(Opts::new(name, help), &[label])?)
    }

    fn keep<T: prometheus::core::Collector + Clone + 'static>(&self, one: T) -> Made<T> {
        self.0.register(Box::new(one.clone()))?;
        Ok(one)
    }
}

impl Cluster {
    pub(super) fn new(registry: &Registry) -> Made<Self> {
        let with = Register(registry);
        Ok(Self {
            links: Links::new(&with)?,
            raft: Raft::new(&with)?,
            copies: Copies::new(&with)?,
            members: with.gauges("weir_members", "Nodes of the cluster by state", "state")?,
            leases: with.gauge("weir_leases", "Actors that have an owner")?,
            vacant: with.gauge("weir_vacancies", "Actors that lost their owner and wait")?,
            granted: with.gauge(
                "weir_node_granted",
                "1 while the cluster counts on this node, 0 while others may take over what it owns",
            )?,
            unanswered: with.counter(
                "weir_heartbeats_unanswered_total",
                "Heartbeats of this node that no leader answered in time",
            )?,
            lapses: with.counter(
                "weir_heartbeat_lapses_total",
                "Times that so many in a row were not answered that this node had to stop acting",
            )?,
            disk_free: with
                .gauge("weir_disk_free_bytes", "Room on the disk of the data directory")?,
            disk_low: with.gauge("weir_disk_low", "1 while less than the reserve is free there")?,
        })
    }

    pub(super) fn show(&self, sample: &Sample) {
        self.links.show(sample);
        self.raft.show(&sample.raft);
        self.copies.show(&sample.copying);
        for state in MEMBER_STATES {
            let count = sample.members.values().filter(|one| one.1 == state).count();
            self.members.with_label_values(&[state.as_str()]).set(signed(count as u64));
        }
        self.leases.set(signed(sample.leases as u64));
        self.vacant.set(signed(sample.vacant as u64));
        self.granted.set(i64::from(sample.granted));
        set(&self.unanswered, sample.beats.unanswered);
        set(&self.lapses, sample.beats.lapses);
        self.disk_free.set(signed(sample.disk.0));
        self.disk_low.set(i64::from(sample.disk.1));
    }
}

impl Links {
    fn new(with: &Register<'_>) -> Made<Self> {
        let rtt = Opts::new("weir_link_rtt_seconds", "Round trip to another node, smoothed");
        let lag = Opts::new(
            "weir_link_lag_seconds",
            "How far what is copied from another node is behind, the latest stream of it",
        );
        Ok(Self {
            peers: with.gauges(
                "weir_link_peers",
                "Other nodes by how they are connected",
                "state",
            )?,
            rtt: with.keep(GaugeVec::new(rtt, &["peer", "lane"])?)?,
            sent: with.counters("weir_link_sent_bytes_total", "Sent to another node", "peer")?,
            received: with.counters(
                "weir_link_received_bytes_total",
                "Received from another node",
                "peer",
            )?,
            packets: with.counters(
                "weir_link_packets_total",
                "Packets sent to another node",
                "peer",
            )?,
            lost: with.counters("weir_link_packets_lost_total", "Of them, lost", "peer")?,
            streams: with.gauges("weir_link_streams", "Media streams open with it", "peer")?,
            lag: with.keep(GaugeVec::new(lag, &["peer"])?)?,
            refused: with.counters(
                "weir_link_refused_total",
                "Connections between nodes that were refused",
                "reason",
            )?,
        })
    }

    fn show(&self, sample: &Sample) {
        for (state, word) in PEER_STATES {
            let count = sample.peers.iter().filter(|peer| peer.state == state).count();
            self.peers.with_label_values(&[word]).set(signed(count as u64));
        }
        self.rtt.reset();
        self.lag.reset();
        self.streams.reset();
        for one in [&self.sent, &self.received, &self.packets, &self.lost] {
            one.reset();
        }
        for peer in &sample.peers {
            // Without a name it is no member: it has just come, or was just removed.
            let Some((name, _)) = sample.members.get(&peer.node) else { continue };
            let lanes = [("control", &peer.control), ("media", &peer.media)];
            for (lane, info) in
                lanes.into_iter().filter_map(|(lane, info)| Some((lane, info.as_ref()?)))
            {
                self.rtt.with_label_values(&[name.as_str(), lane]).set(info.rtt_us as f64 / 1e6);
            }
            let streams = self.streams.with_label_values(&[name.as_str()]);
            streams.set(signed(peer.streams_open as u64));
            if let Some(lag_ms) = sample.lags.get(&peer.node) {
                self.lag.with_label_values(&[name.as_str()]).set(*lag_ms as f64 / 1e3);
            }
            let of = |counters: &IntCounterVec, total| {
                counters.with_label_values(&[name.as_str()]).inc_by(total);
            };
            of(&self.sent, peer.bytes_out);
            of(&self.received, peer.bytes_in);
            of(&self.packets, peer.packets_sent);
            of(&self.lost, peer.packets_lost);
        }
        for (reason, count) in &sample.refused {
            set(&self.refused.with_label_values(&[reason.as_str()]), *count);
        }
    }
}

impl Raft {
    fn new(with: &Register<'_>) -> Made<Self> {
        Ok(Self {
            term: with.gauge("weir_raft_term", "Rises with each election")?,
            leads: with.gauge("weir_raft_leads", "1 on the node that orders all changes")?,
            led: with.gauge("weir_raft_has_leader", "1 while this node knows a leader")?,
            applied: with.gauge("weir_raft_applied_index", "Newest entry that was made here")?,
            last_log: with.gauge("weir_raft_last_log_index", "Newest entry in the log here")?,
            log_bytes: with.gauge("weir_raft_log_bytes", "Size of the log on disk")?,
            waiting: with.gauge("weir_raft_waiting", "Changes that wait here to be agreed on")?,
            answered: with.counter("weir_raft_answered_total", "Changes that were agreed on")?,
            retried: with.counter(
                "weir_raft_retried_total",
                "Attempts that were repeated, mostly because a leader was gone",
            )?,
            given_up: with
                .counter("weir_raft_given_up_total", "Changes whose callers waited no longer")?,
        })
    }

    fn show(&self, status: &Status) {
        self.term.set(signed(status.term));
        self.leads.set(i64::from(status.leader == Some(status.node)));
        self.led.set(i64::from(status.leader.is_some()));
        self.applied.set(signed(status.applied.unwrap_or_default()));
        self.last_log.set(signed(status.last_log.unwrap_or_default()));
        self.log_bytes.set(signed(status.log.bytes));
        self.waiting.set(signed(status.waiting));
        set(&self.answered, status.answered);
        set(&self.retried, status.retried);
        set(&self.given_up, status.given_up);
    }
}

impl Copies {
    fn new(with: &Register<'_>) -> Made<Self> {
        Ok(Self {
            pulled: with.gauge("weir_copies_pulled", "Streams copied from another node")?,
            sent: with.gauge("weir_copies_sent", "Copies of other nodes fed from here")?,
            over_fan_out: with.gauge(
                "weir_copies_over_fan_out",
                "Nodes that feed more others than stream.fan_out with a stream made here",
            )?,
            sent_elsewhere: with.counter(
                "weir_copies_sent_elsewhere_total",
                "Requests for a copy for which another node was named",
            )?,
            bytes: with.counter("weir_copied_bytes_total", "Media taken from other nodes")?,
            troubles: with.counters(
                "weir_copy_troubles_total",
                "Segments and requests between nodes that did not go as they should",
                "kind",
            )?,
        })
    }

    fn show(&self, copying: &Copying) {
        self.pulled.set(signed(copying.pulled as u64));
        self.sent.set(signed(copying.sent as u64));
        self.over_fan_out.set(signed(copying.over_fan_out as u64));
        set(&self.sent_elsewhere, copying.sent_elsewhere);
        set(&self.bytes, copying.tally.bytes);
        let refused = [
            ("pull_refused", copying.pulls_refused),
            ("subscription_refused", copying.subscriptions_refused),
        ];
        for (kind, count) in copying.tally.troubles().into_iter().chain(refused) {
            set(&self.troubles.with_label_values(&[kind]), count);
        }
    }
}
