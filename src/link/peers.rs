//! The other nodes: two connections with each, kept up.
//!
//! The node with the lower id dials both connections and the other one accepts. Only where that lasts too long the
//! other one dials as well: it may have moved, and be looked for where it was. When their dials cross, that of
//! the lower id stays.
//! A node that starts again is found within a keep-alive: its persisted reset key ends the old connections,
//! and its higher incarnation drops what is left of them.

mod counters;
pub(super) mod dial;
pub(super) mod hello;
mod info;
mod serve;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use quinn::{ClientConfig, Connection, Endpoint};
use tokio::sync::{Semaphore, watch};
use weir_cluster::limits::NODES_MAX;
use weir_cluster::liveness::Welcome;
use weir_model::{NodeId, Timestamp};

pub use counters::PeerCounts;
pub use info::{Counts, LaneInfo, PeerInfo, PeerState};

use self::counters::Counters;
use self::hello::{Greeted, Lane};
use self::info::Totals;
use super::endpoint::{self, EndpointError, HANDSHAKES_MAX};
use super::invite::{Joins, admit::Joining, guests::Guests};
use super::request::{self, Caller, Kind};
use super::stream;
use super::trust::{Identity, Reason, Trust};
use super::wire::code;
use super::{Config, LOOPS, World, accept};

/// Versions of what is said between nodes, newest first: this program's and the one before it.
pub const PROTOCOLS: &[u16] = &[1];
/// How long a node that nobody here knows waits at the door: the log is behind by less, and a hello has three times
/// as long.
const UNKNOWN_WAIT: Duration = Duration::from_secs(1);
/// Such nodes that wait at once. Each holds a place of a handshake: most of these are left to members, and whoever
/// finds none is refused at once and comes again.
pub(super) const UNKNOWN_MAX: usize = 8;

/// A node to be connected with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// Which.
    pub node: NodeId,
    /// Where it may be; tried in turn.
    pub addresses: Vec<SocketAddr>,
}

/// Everything that the parts of the link share.
pub(super) struct Mesh {
    pub(super) config: Config,
    pub(super) trust: Arc<Trust>,
    pub(super) world: World,
    pub(super) endpoint: Endpoint,
    pub(super) client: ClientConfig,
    pub(super) peers: Mutex<BTreeMap<NodeId, Arc<Peer>>>,
    pub(super) requests: RwLock<HashMap<String, (Kind, request::Handler)>>,
    pub(super) streams: RwLock<stream::Handlers>,
    pub(super) in_flight: Semaphore,
    pub(super) serving: Semaphore,
    pub(super) reading: Semaphore,
    pub(super) handshakes: Arc<Semaphore>,
    pub(super) joins: Option<Arc<dyn Joins>>,
    pub(super) joining: Joining,
    pub(super) guests: Guests,
    /// Places for nodes that nobody here knows yet; see [`Mesh::known_soon`].
    pub(super) unknown: Semaphore,
    /// How often such a node came.
    pub(super) knocks: watch::Sender<u64>,
    pub(super) changed: watch::Sender<u64>,
}

/// One other node.
pub(super) struct Peer {
    pub(super) node: NodeId,
    pub(super) wanted: watch::Sender<Wanted>,
    pub(super) in_flight: Semaphore,
    pub(super) writing: Arc<Semaphore>,
    /// KiB of what is not urgent that may be under way to it; see [`stream::BACKGROUND_BYTES_MAX`].
    pub(super) background: Arc<Semaphore>,
    pub(super) counts: Counters,
    state: Mutex<State>,
}

/// Whether a peer is one to be connected with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It came by itself.
    Unlisted,
    /// At these addresses.
    At(Vec<SocketAddr>),
    /// No longer; whoever works for it ends.
    Gone,
}

#[derive(Default)]
struct State {
    incarnation: u64,
    protocol: u16,
    program: String,
    control: Option<Live>,
    media: Option<Live>,
    /// When each of them came or went.
    control_since: Timestamp,
    media_since: Timestamp,
    last_error: Option<String>,
    /// It refused this node as a removed one, and took no connection since.
    refused: bool,
    past: Totals,
}

struct Live {
    connection: Connection,
    identity: Identity,
    /// Its key was on record while it lived. Renewals go on from there: it stays when the key no longer is.
    on_record: bool,
}

impl Mesh {
    pub(super) fn start(
        config: Config,
        trust: Arc<Trust>,
        joins: Option<Arc<dyn Joins>>,
        world: World,
    ) -> Result<Arc<Self>, EndpointError> {
        let (endpoint, client) = endpoint::open(&config, &trust, &world)?;
        let mesh = Arc::new(Self {
            config,
            trust,
            world,
            endpoint,
            client,
            peers: Mutex::default(),
            requests: RwLock::default(),
            streams: RwLock::default(),
            in_flight: Semaphore::new(request::IN_FLIGHT_MAX),
            serving: Semaphore::new(request::IN_FLIGHT_MAX),
            reading: Semaphore::new(stream::READING_MAX),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            joins,
            joining: Joining::default(),
            guests: Guests::default(),
            unknown: Semaphore::new(UNKNOWN_MAX),
            knocks: watch::Sender::new(0),
            changed: watch::Sender::new(0),
        });
        let [accepting, revoking, renewing] = LOOPS;
        let spawn = Arc::clone(&mesh.world.spawn);
        spawn(accepting, Box::pin(accept::run(Arc::clone(&mesh))));
        spawn(revoking, Box::pin(serve::revoke(Arc::clone(&mesh))));
        spawn(renewing, Box::pin(super::invite::renewal::keep(&mesh)));
        Ok(mesh)
    }

    pub(super) fn peer(&self, node: NodeId) -> Option<Arc<Peer>> {
        self.peers.lock().get(&node).cloned()
    }

    /// Whether media can come from a node and go to it now.
    pub(super) fn carries_media(&self, node: NodeId) -> bool {
        self.peer(node).is_some_and(|peer| peer.media().is_some())
    }

    /// Who both connections are with.
    pub(super) fn connected(&self) -> Vec<NodeId> {
        let peers = self.peers.lock();
        peers.values().filter(|peer| peer.is_connected()).map(|peer| peer.node).collect()
    }

    /// What the peers made of this node when they last spoke with it.
    pub(super) fn welcome(&self) -> Welcome {
        let mut welcome = Welcome::default();
        for peer in self.peers.lock().values() {
            let state = peer.state.lock();
            if state.refused {
                welcome.refused_by.insert(peer.node);
            } else if state.control.is_some() || state.media.is_some() {
                welcome.taken_by.insert(peer.node);
            }
        }
        welcome
    }

    pub(super) fn set_peers(self: &Arc<Self>, wanted: Vec<PeerAddress>) {
        let own = self.trust.node();
        let wanted: BTreeMap<_, _> =
            wanted.into_iter().filter(|one| one.node != own).map(|one| (one.node, one)).collect();
        let now = (self.world.clock)();
        let mut peers = self.peers.lock();
        peers.retain(|node, peer| {
            let unlisted = *peer.wanted.borrow() == Wanted::Unlisted;
            let guest = unlisted && self.guests.key(*node, now).is_some();
            let keep = guest || wanted.contains_key(node);
            if !keep {
                peer.wanted.send_replace(Wanted::Gone);
                peer.close(code::LEFT, b"no longer among the peers");
            }
            keep
        });
        for (node, PeerAddress { addresses, .. }) in wanted {
            if peers.len() >= NODES_MAX && !peers.contains_key(&node) {
                self.trust.refusals().count(Reason::Peers, Some(node));
                continue;
            }
            let peer = peers.entry(node).or_insert_with(|| Arc::new(Peer::new(node, now)));
            let (before, now) = (peer.wanted.borrow().clone(), Wanted::At(addresses));
            if before != now {
                peer.wanted.send_replace(now);
            }
            if before == Wanted::Unlisted {
                dial::start(self, peer);
            }
        }
        drop(peers);
        self.note_change();
    }

    pub(super) fn note_change(&self) {
        self.changed.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Whether its key is on record, if it is one of the peers that were named, with a key of its own, or was admitted
    /// a moment ago with this very key.
    fn lets_in(
        &self,
        peers: &BTreeMap<NodeId, Arc<Peer>>,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<bool, Reason> {
        let on_record = self.trust.judge(identity)?;
        let listed = |peer: &Arc<Peer>| matches!(*peer.wanted.borrow(), Wanted::At(_));
        if peers.get(&identity.node).is_some_and(listed) {
            return Ok(on_record);
        }
        match self.guests.key(identity.node, now) {
            Some(key) if key == identity.key => Ok(true),
            Some(_) => Err(Reason::ForeignKey),
            None => Err(Reason::Unknown),
        }
    }

    /// Whether the directory's word on it may change with a newer copy.
    fn is_unknown(&self, identity: &Identity) -> bool {
        let judged = self.lets_in(&self.peers.lock(), identity, (self.world.clock)());
        matches!(judged, Err(Reason::Unknown | Reason::ForeignKey))
    }

    /// Somebody came that this node's copy of the directory may not have yet, or not with its newest keys: whoever
    /// keeps the peers can ask others about it.
    fn knocked(&self) {
        self.knocks.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Waits a moment for a node that this one's copy of the directory may not have yet, and says that it came. It is
    /// not lost if that is too short or too many wait: it is told to come again, and judged anew.
    async fn known_soon(&self, identity: &Identity) {
        let mut changed = self.changed.subscribe();
        if !self.is_unknown(identity) {
            return;
        }
        self.knocked();
        let Ok(_place) = self.unknown.try_acquire() else { return };
        let waiting =
            async { while self.is_unknown(identity) && changed.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(UNKNOWN_WAIT, waiting).await;
    }

    /// Whether this node, which is the one to dial, has a connection with that start of the other one. Who dials it
    /// none the less has lost it, and will find it gone here too before long.
    fn has_own(&self, node: NodeId, hello: &hello::Hello) -> bool {
        let Some(peer) = self.peer(node).filter(|_| self.trust.node() < node) else { return false };
        let mut state = peer.state.lock();
        state.incarnation == hello.incarnation && state.lane(hello.lane).is_some()
    }

    /// Takes a greeted connection in, in the place of what is older.
    fn install(
        &self,
        connection: &Connection,
        identity: Identity,
        hello: &hello::Hello,
        protocol: u16,
    ) -> Result<Greeted, Reason> {
        let node = identity.node;
        let mut peers = self.peers.lock();
        let now = (self.world.clock)();
        let has_room = peers.contains_key(&node) || peers.len() < NODES_MAX;
        let known = peers.get(&node).cloned();
        let peer = known.unwrap_or_else(|| Arc::new(Peer::new(node, now)));
        let caller = Caller { node, roles: Arc::new(identity.roles.clone()) };
        // Under the lock that revocation takes too: either it finds this connection, or we find it out here.
        let mut state = peer.state.lock();
        let on_record = self.lets_in(&peers, &identity, now)?;
        if !has_room {
            return Err(Reason::Peers);
        }
        if hello.incarnation < state.incarnation {
            return Err(Reason::OldIncarnation);
        }
        if hello.incarnation > state.incarnation {
            state.drop_lane(Lane::Control);
            state.drop_lane(Lane::Media);
        }
        state.drop_lane(hello.lane);
        state.incarnation = hello.incarnation;
        state.refused = false;
        state.protocol = protocol;
        state.program.clone_from(&hello.program);
        *state.lane(hello.lane) =
            Some(Live { connection: connection.clone(), identity, on_record });
        state.turned(hello.lane, now);
        drop(state);
        peers.entry(node).or_insert_with(|| Arc::clone(&peer));
        drop(peers);
        self.note_change();
        Ok(Greeted { peer, lane: hello.lane, caller })
    }

    /// Forgets a peer that came by itself and is gone.
    fn forget_unlisted(&self, peer: &Arc<Peer>) {
        let mut peers = self.peers.lock();
        let state = peer.state.lock();
        let gone = state.control.is_none() && state.media.is_none();
        let same = peers.get(&peer.node).is_some_and(|there| Arc::ptr_eq(there, peer));
        if gone && same && *peer.wanted.borrow() == Wanted::Unlisted {
            peers.remove(&peer.node);
        }
    }
}

impl Peer {
    fn new(node: NodeId, now: Timestamp) -> Self {
        let state = State { control_since: now, media_since: now, ..State::default() };
        Self {
            node,
            wanted: watch::Sender::new(Wanted::Unlisted),
            in_flight: Semaphore::new(request::IN_FLIGHT_PER_PEER_MAX),
            writing: Arc::new(Semaphore::new(stream::OPEN_PER_PEER_MAX)),
            background: Arc::new(Semaphore::new(stream::BACKGROUND_BYTES_MAX / 1024)),
            counts: Counters::default(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn control(&self) -> Option<Connection> {
        self.state.lock().control.as_ref().map(|live| live.connection.clone())
    }

    pub(super) fn media(&self) -> Option<Connection> {
        self.state.lock().media.as_ref().map(|live| live.connection.clone())
    }

    /// Whether the connection of a lane is there.
    pub(super) fn has(&self, lane: Lane) -> bool {
        self.state.lock().lane(lane).is_some()
    }

    fn is_connected(&self) -> bool {
        let state = self.state.lock();
        state.control.is_some() && state.media.is_some()
    }

    fn failed(&self, error: String) {
        self.state.lock().last_error = Some(error);
    }

    /// It says that this node was removed.
    fn refused(&self) {
        self.state.lock().refused = true;
    }

    fn close(&self, code: quinn::VarInt, reason: &[u8]) {
        let state = self.state.lock();
        for live in [&state.control, &state.media].into_iter().flatten() {
            live.connection.close(code, reason);
        }
    }
}

impl State {
    const fn lane(&mut self, lane: Lane) -> &mut Option<Live> {
        match lane {
            Lane::Control => &mut self.control,
            Lane::Media => &mut self.media,
        }
    }

    /// The lane came or went.
    const fn turned(&mut self, lane: Lane, now: Timestamp) {
        match lane {
            Lane::Control => self.control_since = now,
            Lane::Media => self.media_since = now,
        }
    }

    fn drop_lane(&mut self, lane: Lane) {
        if let Some(old) = self.lane(lane).take() {
            self.past.add(&old.connection);
            old.connection.close(code::REPLACED, b"a newer connection took the place");
        }
    }
}
