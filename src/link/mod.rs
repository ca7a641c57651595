//! The mesh between nodes: QUIC with mutual TLS, two connections per pair of nodes.
//!
//! The control connection carries typed requests, each on a stream of its own; the media connection carries
//! bulk on one-way streams with priorities. So neither a large transfer nor a lost packet of one request
//! makes another wait.
//!
//! 1. `trust` founds the cluster's authority or loads the node's certificate; or `invite::join` gets one.
//! 2. [`Link::start`] binds the socket (`endpoint`), accepts (`accept`) and renews the certificate.
//! 3. [`Link::on_request`] and [`Link::on_stream`] register what others may ask for.
//! 4. [`Link::set_peers`] names the others: the node with the lower id dials (`peers`), hellos are exchanged.
//! 5. [`Link::ask`] → `request`; [`Link::open`] → `stream`; [`Link::peers`] → the operator's screen.
//! 6. `replicate` sends the windows of streams to the nodes that ask for them, `fetch` asks for them.
//!
//! Who a peer is comes from its verified certificate only. The spawner, the stop signal and the wall clock
//! are arguments, because the layers above own them.

mod accept;
mod congestion;
pub mod endpoint;
#[cfg(any(test, feature = "fault"))]
pub mod fault;
pub mod fetch;
pub mod invite;
pub mod peers;
pub mod replicate;
pub mod request;
pub mod stream;
pub mod trust;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use weir_cluster::liveness::Welcome;
use weir_model::{NodeId, Timestamp};

use endpoint::EndpointError;
use invite::Joins;
use peers::{Mesh, PeerAddress, PeerInfo};
use request::{CallError, Caller, Kind, Refusal};
use stream::{Reader, StreamError, Writer};
use trust::{Reason, Trust};

/// Starts a background loop under a name. Names are [`LOOPS`] for what lives as long as the node, and
/// [`UNLISTED`] for what lives as long as a connection, a request or a stream.
pub type Spawn = Arc<dyn Fn(&str, BoxFuture<'static, ()>) + Send + Sync>;
/// The wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Becomes true when the node stops.
pub type Stop = watch::Receiver<bool>;

/// Loops as long as the node; operators see these.
pub const LOOPS: [&str; 3] = ["link accept", "link revocation", "link renewal"];
/// The name of everything shorter; counted by the mesh instead of listed.
pub const UNLISTED: &str = "link";

/// What the link needs of the program around it.
#[derive(Clone)]
pub struct World {
    /// Starts loops.
    pub spawn: Spawn,
    /// Wall clock.
    pub clock: Clock,
    /// Stop signal.
    pub stop: Stop,
}

impl World {
    pub(in crate::link) fn short(&self, future: impl Future<Output = ()> + Send + 'static) {
        (self.spawn)(UNLISTED, Box::pin(future));
    }
}

/// How a link is started.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the UDP socket is bound.
    pub listen: SocketAddr,
    /// Largest datagram that is tried, bytes of UDP payload; what a path does not carry is found out. Larger than
    /// [`DATAGRAM_BYTES_MAX`](endpoint::DATAGRAM_BYTES_MAX) where all links between nodes have jumbo frames.
    pub datagram_bytes_max: u16,
    /// Larger at each start of the process: milliseconds since the epoch at the start.
    pub incarnation: u64,
    /// Program version, for the operator.
    pub program: String,
    /// Protocol versions that this program speaks; [`PROTOCOLS`](peers::PROTOCOLS) but for tests.
    pub protocols: Vec<u16>,
    /// Where the stateless-reset key and renewed certificates are kept; none keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// Faults between this node's socket and the network.
    #[cfg(any(test, feature = "fault"))]
    pub faults: Option<fault::Faults>,
}

impl Config {
    /// The usual settings.
    #[must_use]
    pub fn new(listen: SocketAddr, incarnation: u64, program: &str) -> Self {
        Self {
            listen,
            datagram_bytes_max: endpoint::DATAGRAM_BYTES_MAX,
            incarnation,
            program: program.to_owned(),
            protocols: peers::PROTOCOLS.to_vec(),
            data_dir: None,
            #[cfg(any(test, feature = "fault"))]
            faults: None,
        }
    }
}

/// A node's end of the mesh; clones are the same.
#[derive(Clone)]
pub struct Link {
    mesh: Arc<Mesh>,
}

impl Link {
    /// Binds the socket and starts to accept. Must be called inside a tokio runtime. `joins` decides about
    /// newcomers; without it every join is refused.
    ///
    /// # Errors
    /// When the socket cannot be bound or the certificate cannot be used.
    pub fn start(
        config: Config,
        trust: Arc<Trust>,
        joins: Option<Arc<dyn Joins>>,
        world: World,
    ) -> Result<Self, EndpointError> {
        let mesh = Mesh::start(config, trust, joins, world)?;
        Ok(Self { mesh })
    }

    /// Where the socket is bound.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.mesh.endpoint.local_addr()
    }

    /// Replaces the set of nodes to be connected with. Connections with nodes that are no longer in it close, and
    /// only who is in it is let in: a certificate alone says that the authority once made it. Beside them only
    /// newcomers that were admitted here a moment ago. Who is refused tries again, and gets in when it is named.
    pub fn set_peers(&self, peers: Vec<PeerAddress>) {
        self.mesh.set_peers(peers);
    }

    /// Changes when a node with a good certificate came that is not among the peers, or whose key is not on record: what
    /// is known of them may be out of date.
    #[must_use]
    pub fn knocks(&self) -> watch::Receiver<u64> {
        self.mesh.knocks.subscribe()
    }

    /// Every peer, as the operator sees it.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.mesh.infos()
    }

    /// The peers that both connections are with now.
    #[must_use]
    pub fn connected(&self) -> Vec<NodeId> {
        self.mesh.connected()
    }

    /// What the peers made of this node when they last spoke with it.
    #[must_use]
    pub fn welcome(&self) -> Welcome {
        self.mesh.welcome()
    }

    /// Counters of the whole link.
    #[must_use]
    pub fn counts(&self) -> peers::Counts {
        self.mesh.counts()
    }

    /// How often a connection was refused for `reason`.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.mesh.trust.refusals().of(reason)
    }

    /// A value that changes whenever a peer comes or goes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.mesh.changed.subscribe()
    }

    /// Answers requests of a kind from now on. Callers hold themselves to the limits that they registered too,
    /// so a kind with limits other than the default is registered on every node. The handler's future is dropped when the caller gives up.
    pub fn on_request<F>(&self, kind: &'static str, limits: Kind, handler: F)
    where
        F: Fn(Caller, Bytes) -> BoxFuture<'static, Result<Bytes, Refusal>> + Send + Sync + 'static,
    {
        self.mesh.requests.write().insert(kind.to_owned(), (limits, Arc::new(handler)));
    }

    /// Takes streams of a kind from now on.
    pub fn on_stream<F>(&self, kind: &'static str, handler: F)
    where
        F: Fn(Caller, serde_json::Value, Reader) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        self.mesh.streams.write().insert(kind.to_owned(), Arc::new(handler));
    }

    /// Asks `to` and waits for the answer, at most `deadline`. Dropping the future takes the request back.
    ///
    /// # Errors
    /// See [`CallError`]; at once when there is no connection.
    pub async fn call(
        &self,
        to: NodeId,
        kind: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, CallError> {
        request::call(&self.mesh, to, kind, body, deadline).await
    }

    /// [`Self::call`] with a question and an answer in JSON.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Unclear`] when the answer is not one to this question.
    pub async fn ask<Q: Serialize + ?Sized + Sync, A: DeserializeOwned>(
        &self,
        to: NodeId,
        kind: &'static str,
        question: &Q,
        deadline: Duration,
    ) -> Result<A, CallError> {
        let body = request::encoded(question).map_err(CallError::Refused)?;
        let answer = self.call(to, kind, body, deadline).await?;
        request::understood(to, &answer)
    }

    /// Opens a stream for bulk to `to`. Larger priorities are sent first.
    ///
    /// # Errors
    /// See [`StreamError`]; at once when there is no connection.
    pub async fn open(
        &self,
        to: NodeId,
        kind: &'static str,
        header: &serde_json::Value,
        priority: i32,
    ) -> Result<Writer, StreamError> {
        stream::open(&self.mesh, to, kind, header, priority).await
    }
}

#[cfg(test)]
pub(crate) mod tests;
