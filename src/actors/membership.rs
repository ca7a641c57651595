//! This node among the nodes of its cluster: it says that it lives, and is told what it may own.
//!
//! [`Membership::start`] begins the loops of its parts. [`beat`](self::beat) sends heartbeats to the leader, and with the
//! answers prolongs what this node may own. [`office`](self::office) is the leader's side: it hears the others,
//! fences who is silent and brings the log's membership in step with the directory. [`peers`](self::peers) reads
//! the directory and links with whoever is in it; [`news`](self::news) asks others when it may be too old for that. What is decided stands in [`weir_cluster::liveness`].

mod beat;
mod beside;
mod joins;
mod lookup;
mod news;
mod office;
mod peers;
mod refusals;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use weir_cluster::directory::Command;
use weir_cluster::liveness::{Fencings, NodeLease};
use weir_cluster::load::Loads;
use weir_cluster::members::{Change, KeyPrint, Keys, Member, Profile, WhyFenced};
use weir_model::cluster::NodeLoad;
use weir_model::{Incarnation, NodeId, Role};

use super::clock::monotonic_ms as now_ms;
use super::events::Events;
use super::tasks::Tasks;
use crate::link::Link;
use crate::link::trust::Trust;
use crate::raft::Consensus;
use crate::store::Store;

pub use beat::BeatCounts;
pub use joins::Admission;
pub use peers::prepare;
pub use told::Asked;
pub use weir_cluster::liveness::Standing;

/// A node that stops says so, but does not wait for long.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// What membership is made of.
pub struct Parts {
    /// The way to other nodes.
    pub link: Link,
    /// The log.
    pub consensus: Consensus,
    /// Members and leases.
    pub store: Store,
    /// Whom the link believes.
    pub trust: Arc<Trust>,
    /// Where things are told.
    pub events: Events,
    /// Runs the loops.
    pub tasks: Tasks,
    /// What this node says of itself.
    pub profile: Profile,
    /// How busy it is now.
    pub load: Box<dyn Fn() -> NodeLoad + Send + Sync>,
    /// This start of the process.
    pub incarnation: Incarnation,
    /// Where any of the others may be, beside where they said that they are.
    pub doors: Vec<SocketAddr>,
}

/// A node's place in its cluster. Cheap to clone.
#[derive(Clone)]
pub struct Membership {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    node: NodeId,
    lease: Mutex<NodeLease>,
    incarnation: watch::Sender<Incarnation>,
    standing: watch::Sender<Standing>,
    figures: Mutex<Figures>,
    office: Mutex<Option<office::Office>>,
    /// Who was given up lately, for when this node begins to lead.
    fencings: Mutex<Fencings>,
    /// Why the leader does not enter this start in the directory.
    refused: Mutex<Option<String>>,
    /// Changes that an operator asks of this node.
    asked: told::Told,
    /// Members that other members told of and the directory here does not have yet.
    news: watch::Sender<news::News>,
    /// There is something for the office to do at once.
    wake: Notify,
    /// The node stops; it asks for nothing any more.
    leaving: AtomicBool,
    /// Nodes came or went since the log's members were compared with the directory's.
    moved: AtomicBool,
    unanswered: AtomicU64,
    lapses: AtomicU64,
}

/// What the leader last told of all nodes.
#[derive(Default)]
struct Figures {
    loads: Loads,
    heard_ms: BTreeMap<NodeId, u64>,
    skews_ms: BTreeMap<NodeId, i64>,
    held_back: BTreeSet<NodeId>,
}

/// What is known of the nodes beside the directory, with its age counted in.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// How busy they are.
    pub loads: Loads,
    /// Time since the leader heard from each, milliseconds.
    pub heard_ms: BTreeMap<NodeId, u64>,
    /// Their wall clocks minus this node's, milliseconds.
    pub skews_ms: BTreeMap<NodeId, i64>,
    /// Silent nodes that the leader would give up but for the brake.
    pub held_back: BTreeSet<NodeId>,
    /// Now, on the clock of `loads`.
    pub now_ms: u64,
}

impl Membership {
    /// Begins to take part.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let incarnation = parts.incarnation;
        let inner = Arc::new(Inner {
            node: parts.store.node().id,
            parts,
            lease: Mutex::new(NodeLease::new(incarnation)),
            incarnation: watch::Sender::new(incarnation),
            standing: watch::Sender::new(Standing::Waiting),
            figures: Mutex::default(),
            office: Mutex::new(None),
            fencings: Mutex::default(),
            refused: Mutex::default(),
            asked: told::Told::default(),
            news: watch::Sender::default(),
            wake: Notify::new(),
            leaving: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            unanswered: AtomicU64::new(0),
            lapses: AtomicU64::new(0),
        });
        office::serve(&inner);
        news::serve(&inner);
        let tasks = inner.parts.tasks.clone();
        let own = Arc::clone(&inner);
        tasks.spawn("cluster peers", |handle| peers::run(own, handle));
        let own = Arc::clone(&inner);
        tasks.spawn("cluster news", |handle| news::run(own, handle));
        let own = Arc::clone(&inner);
        tasks.spawn("cluster refusals", |handle| refusals::run(own, handle));
        let own = Arc::clone(&inner);
        tasks.spawn("cluster office", |handle| office::run(own, handle));
        let own = Arc::clone(&inner);
        tasks.spawn("cluster heartbeat", |handle| beat::run(own, handle));
        Self { inner }
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// Under which start this node owns things. Changes when it was given up and came back: what it owned
    /// before is then no longer its own.
    #[must_use]
    pub fn incarnation(&self) -> watch::Receiver<Incarnation> {
        self.inner.incarnation.subscribe()
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.inner.standing.subscribe()
    }

    /// Waits until the leader counts on this node, at most `limit`; whether it does.
    pub async fn entered(&self, limit: Duration) -> bool {
        let mut standing = self.standing();
        let granted = standing.wait_for(|now| *now == Standing::Granted);
        matches!(tokio::time::timeout(limit, granted).await, Ok(Ok(_)))
    }

    /// Whether another node can go on with what this one does for publishers.
    #[must_use]
    pub fn has_successor(&self) -> bool {
        let goes_on = |member: &Member| {
            let other = member.id != self.inner.node;
            other && member.takes_work() && member.profile.roles.contains(Role::Ingest)
        };
        self.inner.parts.store.cluster().members.iter().any(goes_on)
    }

    /// The node stops: whatever it owns is free for others at once, instead of when they miss it.
    pub async fn leave(&self) {
        self.inner.leaving.store(true, Ordering::Release);
        let (id, incarnation) = (self.inner.node, *self.inner.incarnation.borrow());
        let gone = Command::Member(Change::Fence { id, incarnation, why: WhyFenced::Leave });
        let told = self.inner.parts.store.change_cluster(gone);
        if !matches!(tokio::time::timeout(LEAVE_MAX, told).await, Ok(Ok(_))) {
            tracing::warn!("the others will learn only from this node's silence that it is gone");
        }
    }

    /// Waits until everything that was acknowledged anywhere before this call is in the directory here, at most
    /// `limit`; whether it is.
    pub async fn newest(&self, limit: Duration) -> bool {
        self.inner.parts.consensus.read_barrier(limit).await.is_ok()
    }

    /// Whether this node may act on what it owns now; false from the moment on at which another may own it.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.inner.lease.lock().is_valid(now_ms())
    }

    /// How its heartbeats fared.
    #[must_use]
    pub fn beats(&self) -> BeatCounts {
        BeatCounts {
            unanswered: self.inner.unanswered.load(Ordering::Relaxed),
            lapses: self.inner.lapses.load(Ordering::Relaxed),
        }
    }

    /// What is known of the nodes beside the directory.
    #[must_use]
    pub fn known(&self) -> Known {
        let figures = self.inner.figures.lock();
        Known {
            loads: figures.loads.clone(),
            heard_ms: figures.heard_ms.clone(),
            skews_ms: figures.skews_ms.clone(),
            held_back: figures.held_back.clone(),
            now_ms: now_ms(),
        }
    }

    /// An operator is about to make this change at this node, whose API tells of it with its reason: when it is
    /// seen in the directory here, nothing more is said of it.
    #[must_use]
    pub fn asked(&self, change: &Change) -> Asked<'_> {
        self.inner.asked.expect(change)
    }
}

impl Inner {
    /// The keys that this node shows, now and next.
    fn keys(&self) -> Keys {
        self.parts.trust.keys().into_iter().map(|key| KeyPrint(key.0)).collect()
    }

    /// Whether this start of the node stands in the directory, with these keys.
    fn is_entered(&self, keys: &Keys) -> bool {
        let directory = self.parts.store.cluster();
        directory.members.of(self.node).is_some_and(|member| {
            member.incarnation == *self.incarnation.borrow() && member.profile.keys.has(keys)
        })
    }
}
