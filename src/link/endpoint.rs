//! The UDP socket and the settings of QUIC and TLS on it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    AckFrequencyConfig, AsyncUdpSocket, ClientConfig, Endpoint, EndpointConfig, MtuDiscoveryConfig,
    Runtime, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use rustls::client::Resumption;
use rustls::server::NoServerSessionStorage;
use socket2::SockRef;

use super::congestion::Patient;
use super::request::IN_FLIGHT_PER_PEER_MAX;
use super::stream::OPEN_PER_PEER_MAX;
use super::trust::verify::{Newest, Now, Verifier, provider};
use super::trust::{Trust, TrustError, files};
use super::{Clock, Config, World};

/// The protocol between nodes. It names the framing of hello; what is spoken after that is agreed in hello.
pub(super) const ALPN: &[u8] = b"weir/1";
/// The protocol of a node that has no certificate yet.
pub(super) const ALPN_JOIN: &[u8] = b"weir-join/1";

/// A burst of a key frame to many peers fits; the usual 208 KiB lost thousands of packets.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// A peer that says nothing for so long is gone.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Until it is measured: a third of what the standard supposes, because a node that was just started may miss the
/// first packet of a handshake, and the second one follows after three round trips.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Four tries in an idle timeout.
pub const KEEP_ALIVE: Duration = Duration::from_millis(750);
/// Requests that a peer may have open on one connection: a quarter more than it will, because quinn gives the
/// places of ended streams back an eighth at a time.
pub const REQUEST_STREAMS_MAX: u32 = (IN_FLIGHT_PER_PEER_MAX * 5 / 4) as u32;
/// Bulk streams that a peer may have open on one connection; likewise.
pub const BULK_STREAMS_MAX: u32 = (OPEN_PER_PEER_MAX * 5 / 4) as u32;
/// One stream fills 300 Mbit/s at a round trip of 100 ms.
pub(super) const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// What one connection may hold in memory before it is read.
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// Largest datagram that is tried, unless configured otherwise: Ethernet with IPv6.
pub const DATAGRAM_BYTES_MAX: u16 = 1452;
/// What any peer takes whatever it is configured to send; quinn's default.
const DATAGRAM_BYTES_TAKEN: u16 = 1472;
/// Packets that may come before they are acknowledged, or 25 ms. Without it a network that does not bundle datagrams
/// gets an acknowledgement for each two, 1.4 % of the bytes.
const PACKETS_UNACKNOWLEDGED: u32 = 9;
/// When so many came behind one that is missing, that is told at once: then its sender takes it for lost (RFC 9002
/// §6.1.1). A word sooner would be of no use, and the next one late.
const PACKETS_REORDERED: u32 = 3;
/// Handshakes that may run at once; more are refused before any cryptography.
pub const HANDSHAKES_MAX: usize = 64;
/// From here on an address must prove that it can receive before it costs cryptography.
pub(super) const HANDSHAKES_UNPROVEN_MAX: usize = 16;
/// A handshake with its hello takes three round trips.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
const RESET_KEY_FILE: &str = "link-reset.key";

/// Why the link cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The socket.
    #[error(
        "the cluster socket cannot be bound to {0}: {1}; choose another address or stop its user"
    )]
    Bind(SocketAddr, std::io::Error),
    /// Certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// TLS settings.
    #[error("the link's TLS cannot be set up: {0}")]
    Tls(String),
}

impl EndpointError {
    pub(super) fn tls(error: impl std::fmt::Display) -> Self {
        Self::Tls(error.to_string())
    }
}

/// Binds the socket and returns the endpoint with the settings for dialling.
pub(super) fn open(
    config: &Config,
    trust: &Arc<Trust>,
    world: &World,
) -> Result<(Endpoint, ClientConfig), EndpointError> {
    let transport = Arc::new(transport(config));
    let mut server = server(trust, &world.clock)?;
    server.transport_config(Arc::clone(&transport)).max_incoming(HANDSHAKES_MAX * 2);
    let mut client = client(trust, &world.clock)?;
    client.transport_config(transport);
    let socket = bind(config.listen)?;
    let socket = TokioRuntime
        .wrap_udp_socket(socket)
        .map_err(|error| EndpointError::Bind(config.listen, error))?;
    let key = reset_key(config)?;
    let ids = ids_key(&key);
    let mut settings = EndpointConfig::new(Arc::new(key));
    settings
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)))
        .max_udp_payload_size(config.datagram_bytes_max.max(DATAGRAM_BYTES_TAKEN))
        .map_err(EndpointError::tls)?;
    let endpoint = Endpoint::new_with_abstract_socket(
        settings,
        Some(server),
        faulty(config, socket, world),
        Arc::new(TokioRuntime),
    );
    Ok((endpoint.map_err(|error| EndpointError::Bind(config.listen, error))?, client))
}

#[cfg(any(test, feature = "fault"))]
fn faulty(
    config: &Config,
    socket: Arc<dyn AsyncUdpSocket>,
    world: &World,
) -> Arc<dyn AsyncUdpSocket> {
    match &config.faults {
        Some(faults) => super::fault::wrap(faults, socket, world),
        None => socket,
    }
}

#[cfg(not(any(test, feature = "fault")))]
fn faulty(_: &Config, socket: Arc<dyn AsyncUdpSocket>, _: &World) -> Arc<dyn AsyncUdpSocket> {
    socket
}

/// A restarted node resets the connections of its former self only with the same key.
fn reset_key(config: &Config) -> Result<hmac::Key, EndpointError> {
    let bytes = match &config.data_dir {
        Some(dir) => files::lasting_random(&dir.join(RESET_KEY_FILE))?,
        None => files::random()?,
    };
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// A datagram whose connection id is not of this key is dropped without a reset, so it has to last as long.
fn ids_key(key: &hmac::Key) -> u64 {
    let bytes = hmac::sign(key, b"connection ids");
    bytes.as_ref().iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// A UDP socket with large buffers.
pub(super) fn bind(listen: SocketAddr) -> Result<UdpSocket, EndpointError> {
    let socket = UdpSocket::bind(listen).map_err(|error| EndpointError::Bind(listen, error))?;
    let options = SockRef::from(&socket);
    let _ = options.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = options.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    warn_if_small("net.core.rmem_max", options.recv_buffer_size());
    warn_if_small("net.core.wmem_max", options.send_buffer_size());
    Ok(socket)
}

/// Linux gives at most the limit and counts its own bookkeeping in: twice what was asked is all of it.
fn warn_if_small(sysctl: &str, size: std::io::Result<usize>) {
    if let Some(limit) = lower_limit(size.unwrap_or(0)) {
        tracing::warn!(
            "the kernel limits a UDP buffer of the cluster socket to {limit} bytes; bursts will be lost: \
             sysctl -w {sysctl}={SOCKET_BUFFER_BYTES}"
        );
    }
}

/// The kernel's limit, when it is lower than what we asked for.
const fn lower_limit(size: usize) -> Option<usize> {
    if size < SOCKET_BUFFER_BYTES * 2 { Some(size / 2) } else { None }
}

fn transport(config: &Config) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(config.datagram_bytes_max);
    let mut acknowledging = AckFrequencyConfig::default();
    acknowledging
        .ack_eliciting_threshold(VarInt::from_u32(PACKETS_UNACKNOWLEDGED))
        .reordering_threshold(VarInt::from_u32(PACKETS_REORDERED));
    transport
        .max_idle_timeout(IDLE_TIMEOUT.try_into().ok())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .max_concurrent_bidi_streams(VarInt::from_u32(REQUEST_STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(BULK_STREAMS_MAX))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(u64::from(CONNECTION_WINDOW_BYTES))
        .mtu_discovery_config(Some(discovery))
        .ack_frequency_config(Some(acknowledging))
        // Nothing uses datagrams.
        .datagram_receive_buffer_size(None)
        .congestion_controller_factory(Arc::new(Patient::default()));
    transport
}

fn server(trust: &Arc<Trust>, clock: &Clock) -> Result<ServerConfig, EndpointError> {
    let mut tls =
        rustls::ServerConfig::builder_with_details(provider(), Arc::new(Now(Arc::clone(clock))))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(EndpointError::tls)?
            .with_client_cert_verifier(Arc::new(Verifier(Arc::clone(trust))))
            .with_cert_resolver(Arc::new(Newest(Arc::clone(trust))));
    tls.alpn_protocols = vec![ALPN.to_vec(), ALPN_JOIN.to_vec()];
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    let tls = QuicServerConfig::try_from(tls).map_err(EndpointError::tls)?;
    Ok(ServerConfig::with_crypto(Arc::new(tls)))
}

fn client(trust: &Arc<Trust>, clock: &Clock) -> Result<ClientConfig, EndpointError> {
    let mut tls =
        rustls::ClientConfig::builder_with_details(provider(), Arc::new(Now(Arc::clone(clock))))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(EndpointError::tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier(Arc::clone(trust))))
            .with_client_cert_resolver(Arc::new(Newest(Arc::clone(trust))));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.resumption = Resumption::disabled();
    let tls = QuicClientConfig::try_from(tls).map_err(EndpointError::tls)?;
    Ok(ClientConfig::new(Arc::new(tls)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_limit_is_told_when_it_is_lower() {
        assert_eq!(lower_limit(2 * 212_992), Some(212_992));
        assert_eq!(lower_limit(2 * SOCKET_BUFFER_BYTES), None);
    }

    #[test]
    fn the_reset_key_outlives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new("127.0.0.1:0".parse().unwrap(), 1, "test");
        config.data_dir = Some(dir.path().to_owned());
        let tag = |config: &Config| {
            hmac::sign(&reset_key(config).unwrap(), b"connection").as_ref().to_vec()
        };
        assert_eq!(tag(&config), tag(&config));
        config.data_dir = None;
        assert_ne!(tag(&config), tag(&config));
    }
}
