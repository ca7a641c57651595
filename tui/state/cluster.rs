//! How each thing of the cluster is found, filtered and sorted.

use std::cmp::Ordering;

use serde_json::Value;
use weir_client::filter::fields::{self, Fields};
use weir_model::cluster::{ClusterNode, LeaseInfo, LinkInfo, RaftPeer, ReplicaInfo};

use super::list::Row;
use super::rows::fields_of;

impl Row for ClusterNode {
    const COLUMNS: &'static [&'static str] = &[
        "NODE", "STATE", "DUTY", "ROLES", "VOTE", "CPU", "STRM", "VIEW", "ACT", "LAG", "LINKS",
        "HEARD", "SKEW", "ZONE", "VERSION", "LINK", "ID",
    ];
    const EXTRAS: usize = 5;
    const FIELDS: Fields = fields::NODE;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        let (state, duty) = (self.state.as_str(), self.duty.as_str());
        let zone = self.zone.as_deref().unwrap_or_default();
        format!("{} {state} {duty} {} {} {zone} {}", self.name, self.roles, vote(self), self.id)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.state.as_str().cmp(other.state.as_str()),
            2 => self.duty.as_str().cmp(other.duty.as_str()),
            3 => self.roles.to_string().cmp(&other.roles.to_string()),
            4 => (other.leader, other.voter).cmp(&(self.leader, self.voter)),
            5 => load(self, |l| u64::from(l.cpu)).cmp(&load(other, |l| u64::from(l.cpu))),
            6 => load(self, |l| u64::from(l.streams)).cmp(&load(other, |l| u64::from(l.streams))),
            7 => load(self, |l| u64::from(l.viewers)).cmp(&load(other, |l| u64::from(l.viewers))),
            8 => self.leases.cmp(&other.leases),
            9 => self.lag.cmp(&other.lag),
            10 => (self.links_down, self.links_up).cmp(&(other.links_down, other.links_up)),
            11 => self.heard_ms.cmp(&other.heard_ms),
            12 => self.clock_skew_ms.cmp(&other.clock_skew_ms),
            13 => self.zone.cmp(&other.zone),
            14 => self.version.cmp(&other.version),
            15 => self.link.cmp(&other.link),
            16 => self.id.cmp(&other.id),
            _ => self.name.cmp(&other.name),
        };
        by.then_with(|| (&self.name, self.id).cmp(&(&other.name, other.id)))
    }
}

/// A figure of a node's load; none when it did not say lately.
#[must_use]
pub fn load(
    node: &ClusterNode,
    figure: impl Fn(&weir_model::cluster::NodeLoad) -> u64,
) -> Option<u64> {
    node.load.as_ref().map(figure)
}

/// The word for a node's part in the agreement.
#[must_use]
pub const fn vote(node: &ClusterNode) -> &'static str {
    match (node.leader, node.voter) {
        (true, _) => "leader",
        (false, true) => "voter",
        (false, false) => "-",
    }
}

impl Row for LinkInfo {
    const COLUMNS: &'static [&'static str] = &[
        "TO", "LANE", "STATE", "FOR", "RTT", "LOSS", "SENT", "RECV", "STRM", "LAG", "ERROR",
        "REMOTE", "PROTO",
    ];
    const EXTRAS: usize = 2;
    const FIELDS: Fields = fields::LINK;

    fn id(&self) -> String {
        format!("{} {} {}", self.from, self.to, self.lane)
    }

    fn text(&self) -> String {
        let error = self.last_error.as_deref().unwrap_or_default();
        let (to, lane, state) = (&self.to_name, &self.lane, self.state.as_str());
        format!("{to} {lane} {state} {} {error}", self.remote)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.lane.cmp(&other.lane),
            2 => self.state.as_str().cmp(other.state.as_str()),
            // The longest began first.
            3 => other.since.cmp(&self.since),
            4 => self.rtt_us.cmp(&other.rtt_us),
            5 => self.loss_ppm.cmp(&other.loss_ppm),
            6 => self.sent_bytes.cmp(&other.sent_bytes),
            7 => self.received_bytes.cmp(&other.received_bytes),
            8 => self.streams.cmp(&other.streams),
            9 => self.lag_ms.cmp(&other.lag_ms),
            10 => self.last_error.cmp(&other.last_error),
            11 => self.remote.cmp(&other.remote),
            12 => self.protocol.cmp(&other.protocol),
            _ => Ordering::Equal,
        };
        by.then_with(|| (&self.to_name, &self.lane).cmp(&(&other.to_name, &other.lane)))
    }
}

impl Row for LeaseInfo {
    const COLUMNS: &'static [&'static str] =
        &["ACTOR", "NODE", "STATE", "FOR", "EPOCH", "INCARNATION"];
    const EXTRAS: usize = 1;
    const FIELDS: Fields = fields::LEASE;

    fn id(&self) -> String {
        self.actor.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.actor, self.node_name, owned(self))
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.node_name.cmp(&other.node_name),
            2 => owned(self).cmp(owned(other)),
            3 => other.since.cmp(&self.since),
            4 => self.epoch.cmp(&other.epoch),
            5 => self.incarnation.cmp(&other.incarnation),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.actor.cmp(&other.actor))
    }
}

/// Whether an actor has a node, in one word.
#[must_use]
pub const fn owned(lease: &LeaseInfo) -> &'static str {
    if lease.node.is_some() { "owned" } else { "vacant" }
}

impl Row for ReplicaInfo {
    const COLUMNS: &'static [&'static str] =
        &["CHANNEL", "NODE", "ROLE", "FROM", "HOPS", "LAG", "SEGMENT", "VIEW"];
    const FIELDS: Fields = fields::REPLICA;

    fn id(&self) -> String {
        format!("{} {}", self.channel, self.node)
    }

    fn text(&self) -> String {
        let from = self.from_name.as_deref().unwrap_or_default();
        format!("{} {} {} {from}", self.channel, self.node_name, self.role.as_str())
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.node_name.cmp(&other.node_name),
            2 => self.role.cmp(&other.role),
            3 => self.from_name.cmp(&other.from_name),
            4 => self.hops.len().cmp(&other.hops.len()),
            5 => self.lag_ms.cmp(&other.lag_ms),
            6 => self.msn.cmp(&other.msn),
            7 => self.viewers.cmp(&other.viewers),
            _ => Ordering::Equal,
        };
        let key = |replica: &Self| (replica.channel.clone(), replica.role, replica.node);
        by.then_with(|| key(self).cmp(&key(other)))
    }
}

impl Row for RaftPeer {
    const COLUMNS: &'static [&'static str] = &["NODE", "ROLE", "VOTES", "MATCHED", "LAG"];
    const FIELDS: Fields = fields::PEER;

    fn id(&self) -> String {
        self.node.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.name, self.role.as_str(), self.node)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.role.cmp(&other.role),
            2 => other.voter.cmp(&self.voter),
            3 => self.matched.cmp(&other.matched),
            4 => self.lag.cmp(&other.lag),
            _ => Ordering::Equal,
        };
        by.then_with(|| (&self.name, self.node).cmp(&(&other.name, other.node)))
    }
}
