//! What the operator sees of the mesh.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::Connection;
use weir_model::{NodeId, Timestamp};

use super::{Live, Mesh, Peer, PeerCounts, Wanted};
use crate::link::endpoint::HANDSHAKES_MAX;
use crate::link::trust::Reason;
use crate::link::{request, stream};

/// How a peer is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// Both connections are there.
    Connected,
    /// One is there.
    Partial,
    /// This node dials.
    Dialing,
    /// The other node, with the lower id, is to dial.
    Awaited,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LaneInfo {
    /// The other end.
    pub address: SocketAddr,
    /// Round trip, smoothed, microseconds.
    pub rtt_us: u64,
    /// Congestion window, bytes.
    pub congestion_window: u64,
    /// Congestion events.
    pub congestion_events: u64,
    /// Largest datagram, bytes.
    pub mtu: u16,
    /// Bytes received in datagrams on this connection.
    pub bytes_in: u64,
    /// Bytes sent in datagrams.
    pub bytes_out: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets sent and lost.
    pub packets_lost: u64,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PeerInfo {
    /// Which.
    pub node: NodeId,
    /// Its roles, from its certificate.
    pub roles: Vec<String>,
    /// How it is connected.
    pub state: PeerState,
    /// The start of it that is connected or was last.
    pub incarnation: u64,
    /// The protocol version that is spoken.
    pub protocol: u16,
    /// Its program version.
    pub program: String,
    /// The connection of requests.
    pub control: Option<LaneInfo>,
    /// The connection of bulk.
    pub media: Option<LaneInfo>,
    /// When the connection of requests came or went.
    pub control_since: Timestamp,
    /// When the connection of bulk came or went.
    pub media_since: Timestamp,
    /// Requests under way to it.
    pub requests_in_flight: usize,
    /// Streams open to it.
    pub streams_open: usize,
    /// Bytes received in datagrams, over all connections.
    pub bytes_in: u64,
    /// Bytes sent in datagrams.
    pub bytes_out: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets sent and lost.
    pub packets_lost: u64,
    /// Why the newest connection ended or dial failed.
    pub last_error: Option<String>,
    /// Counters.
    pub counts: PeerCounts,
}

/// The whole link.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Sums over the peers that are known now.
    pub peers: PeerCounts,
    /// Handshakes under way.
    pub handshakes: usize,
    /// Requests of others that are being answered.
    pub serving: usize,
    /// Streams of others that are being read.
    pub reading: usize,
    /// Refused connections by reason.
    pub refused: Vec<(Reason, u64)>,
}

/// Traffic of one or several connections.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    bytes_in: u64,
    bytes_out: u64,
    sent: u64,
    lost: u64,
}

impl Totals {
    pub(super) fn add(&mut self, connection: &Connection) {
        let stats = connection.stats();
        self.bytes_in += stats.udp_rx.bytes;
        self.bytes_out += stats.udp_tx.bytes;
        self.sent += stats.path.sent_packets;
        self.lost += stats.path.lost_packets;
    }
}

impl Mesh {
    pub(in crate::link) fn infos(&self) -> Vec<PeerInfo> {
        let peers: Vec<Arc<Peer>> = self.peers.lock().values().cloned().collect();
        peers.iter().map(|peer| self.info(peer)).collect()
    }

    fn info(&self, peer: &Peer) -> PeerInfo {
        let state = peer.state.lock();
        let lanes = [&state.control, &state.media];
        let mut totals = state.past;
        lanes.into_iter().flatten().for_each(|live| totals.add(&live.connection));
        let listed = matches!(*peer.wanted.borrow(), Wanted::At(_));
        let connected = match lanes.into_iter().flatten().count() {
            2 => PeerState::Connected,
            1 => PeerState::Partial,
            _ if listed && self.trust.node() < peer.node => PeerState::Dialing,
            _ => PeerState::Awaited,
        };
        let identity = lanes.into_iter().flatten().next().map(|live| &live.identity);
        PeerInfo {
            node: peer.node,
            roles: identity.map(|one| one.roles.iter().cloned().collect()).unwrap_or_default(),
            state: connected,
            incarnation: state.incarnation,
            protocol: state.protocol,
            program: state.program.clone(),
            control: state.control.as_ref().map(lane),
            media: state.media.as_ref().map(lane),
            control_since: state.control_since,
            media_since: state.media_since,
            requests_in_flight: request::IN_FLIGHT_PER_PEER_MAX
                - peer.in_flight.available_permits(),
            streams_open: stream::OPEN_PER_PEER_MAX - peer.writing.available_permits(),
            bytes_in: totals.bytes_in,
            bytes_out: totals.bytes_out,
            packets_sent: totals.sent,
            packets_lost: totals.lost,
            last_error: state.last_error.clone(),
            counts: peer.counts.now(),
        }
    }

    pub(in crate::link) fn counts(&self) -> Counts {
        let mut peers = PeerCounts::default();
        self.peers.lock().values().for_each(|peer| peers.add(peer.counts.now()));
        Counts {
            peers,
            handshakes: HANDSHAKES_MAX - self.handshakes.available_permits(),
            serving: request::IN_FLIGHT_MAX - self.serving.available_permits(),
            reading: stream::READING_MAX - self.reading.available_permits(),
            refused: self.trust.refusals().all(),
        }
    }
}

fn lane(live: &Live) -> LaneInfo {
    let stats = live.connection.stats();
    LaneInfo {
        address: live.connection.remote_address(),
        rtt_us: u64::try_from(stats.path.rtt.as_micros()).unwrap_or(u64::MAX),
        congestion_window: stats.path.cwnd,
        congestion_events: stats.path.congestion_events,
        mtu: stats.path.current_mtu,
        bytes_in: stats.udp_rx.bytes,
        bytes_out: stats.udp_tx.bytes,
        packets_sent: stats.path.sent_packets,
        packets_lost: stats.path.lost_packets,
    }
}
