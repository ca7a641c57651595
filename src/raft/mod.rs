//! L2. Consensus: the same changes in the same order on every node, by openraft, on a durable [`log`].
//!
//! Flow of a change: [`Consensus::propose`] → batch of all that waits → the leader, here or by [`Network`] →
//! entry in the log of a majority, synced → [`Machine::apply`] on every node, voter or not → reply.
//! One node alone is a cluster of one voter. What the changes mean is the machine's matter.
//!
//! A snapshot and the log behind it are all that a node needs; the first snapshot is made when a cluster is
//! founded, so that what the machine held before is in it and comes to every node that joins later.

mod ask;
pub mod log;
mod machine;
mod membership;
mod network;
mod propose;
mod read;
#[cfg(feature = "fault")]
pub mod small;
mod snapshot;
mod status;
mod storage;
mod types;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use openraft::error::{Fatal, InitializeError, RaftError};
use tokio::sync::mpsc;
use weir_model::NodeId;

use self::log::{Log, LogError, LogReport};
use self::machine::Applier;
use self::propose::{Figures, Office, Proposer, Waiting};
use self::read::{Resumed, resumed};
use self::snapshot::Snapshots;
use self::storage::Storage;
use self::types::Core;

pub use self::machine::{Committed, Machine, MachineError};
pub use self::membership::{Change, ChangeError};
pub use self::network::{
    APPEND, BODY_BYTES_MAX, CHANGE, CallError, KINDS, Network, OF_VOTERS, PROPOSE, READ_INDEX,
    SNAPSHOT, VOTE,
};
pub use self::propose::{COMMAND_BYTES_MAX, Now, ProposeError, Purpose, Room};
pub use self::status::{Part, PeerStatus, Status};
pub use self::types::{Reply, Request, RequestId};

/// Folder of the log's segments.
const LOG: &str = "log";
/// A founding node leads after one election among itself; a slow disk may take its time for the snapshot.
const FOUNDING_PATIENCE: Duration = Duration::from_secs(30);
/// Starts a named background loop.
pub type Spawn = Arc<dyn Fn(&str, BoxFuture<'static, ()>) + Send + Sync>;

/// What a node's consensus is made of.
pub struct Parts {
    /// Folder of log and snapshot.
    pub dir: PathBuf,
    /// This node.
    pub node: NodeId,
    /// Larger at each start of the process; numbers of changes are unique with it.
    pub incarnation: u64,
    /// What makes the changes.
    pub machine: Arc<dyn Machine>,
    /// The way to other nodes.
    pub network: Arc<dyn Network>,
    /// Starts loops.
    pub spawn: Spawn,
    /// Whether the disk takes more.
    pub room: Room,
    /// The wall clock.
    pub now: Now,
}

/// One node's part in consensus. Cheap to clone.
#[derive(Clone)]
pub struct Consensus {
    inner: Arc<Inner>,
}

struct Inner {
    node: NodeId,
    incarnation: u64,
    numbers: AtomicU64,
    core: Core,
    office: Office,
    log: Log,
    network: Arc<dyn Network>,
    wishes: mpsc::Sender<Waiting>,
    upkeep: mpsc::Sender<Waiting>,
    batches: Proposer,
    figures: Arc<Figures>,
    resumed: Option<Resumed>,
}

/// What a check of a node's log and snapshot found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The log.
    pub log: LogReport,
    /// Bytes of the snapshot's state.
    pub snapshot: Option<u64>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let LogReport { frames, entries, torn } = &self.log;
        write!(f, "log: {frames} groups, {entries} entries")?;
        if *torn {
            write!(f, ", a torn end that the next start cuts off")?;
        }
        match self.snapshot {
            Some(bytes) => write!(f, "; snapshot: {bytes} bytes"),
            None => write!(f, "; no snapshot"),
        }
    }
}

/// Reads log and snapshot below `dir` while no node uses them, and changes nothing.
///
/// # Errors
/// When one of them is damaged or cannot be read.
pub fn check(dir: &Path) -> Result<Report, LogError> {
    Ok(Report { log: log::check(&dir.join(LOG))?, snapshot: snapshot::check(dir)? })
}

impl Consensus {
    /// Opens log and snapshot, brings the machine up to them and takes part.
    ///
    /// # Errors
    /// When they are damaged, do not belong to the machine's state, or the disk fails.
    pub async fn open(parts: Parts) -> Result<Self, LogError> {
        let dir = parts.dir.clone();
        let opened = tokio::task::spawn_blocking(move || open_files(&dir)).await;
        let (log, snapshots) = opened.map_err(|error| LogError::Failed(error.to_string()))??;
        Self::open_on(log, snapshots, parts).await
    }

    async fn open_on(log: Log, snapshots: Snapshots, parts: Parts) -> Result<Self, LogError> {
        let Parts { node, incarnation, machine, network, spawn, room, now, .. } = parts;
        let failed = |error: &dyn ToString| LogError::Failed(error.to_string());
        let applier = Applier::open(machine, Arc::new(snapshots), &log).await?;
        check_fit(&log, &applier)?;
        let resumed = resumed(&log, node);
        let settings = Arc::new(types::settings().map_err(|error| failed(&error))?);
        let peers = network::Peers(Arc::clone(&network));
        let storage = Storage::new(log.clone());
        let core = Core::new(node.0, settings, peers, storage, applier).await;
        let core = core.map_err(|error| failed(&error))?;
        let figures = Arc::new(Figures::default());
        let office = Office { core: core.clone(), room, now };
        let proposer = |purpose| {
            let (office, network) = (office.clone(), Arc::clone(&network));
            Proposer { id: node, office, network, figures: Arc::clone(&figures), purpose }
        };
        let queue = |name: &str, purpose| {
            let (queue, waiting) = mpsc::channel(propose::WAITING_MAX);
            spawn(name, Box::pin(proposer(purpose).run(waiting)));
            queue
        };
        let inner = Inner {
            node,
            incarnation,
            numbers: AtomicU64::new(0),
            wishes: queue("raft proposals", Purpose::Wish),
            upkeep: queue("raft upkeep", Purpose::Upkeep),
            batches: proposer(Purpose::Wish),
            core,
            office,
            log,
            network,
            figures,
            resumed,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes this node a cluster of one, unless it is in a cluster already. Returns once it leads and its
    /// first snapshot holds what the machine had before.
    ///
    /// # Errors
    /// When the disk fails or it takes too long.
    pub async fn found(&self) -> Result<(), LogError> {
        let failed = |error: &dyn ToString| LogError::Failed(error.to_string());
        let core = &self.inner.core;
        if !self.is_member().await? {
            match core.initialize(BTreeSet::from([self.inner.node.0])).await {
                Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        let wait = core.wait(Some(FOUNDING_PATIENCE));
        if core.metrics().borrow().snapshot.is_some() {
            return Ok(());
        }
        let applied = wait.metrics(|now| now.last_applied.is_some(), "the first entry");
        applied.await.map_err(|error| failed(&error))?;
        self.snapshot().await
    }

    /// Makes a snapshot now and has the log forget what is in it.
    ///
    /// # Errors
    /// When the disk fails or it takes too long.
    pub async fn snapshot(&self) -> Result<(), LogError> {
        let failed = |error: &dyn ToString| LogError::Failed(error.to_string());
        let core = &self.inner.core;
        let applied = core.metrics().borrow().last_applied;
        core.trigger().snapshot().await.map_err(|error| failed(&error))?;
        let wait = core.wait(Some(FOUNDING_PATIENCE));
        let made = wait.metrics(|now| now.snapshot >= applied, "a snapshot").await;
        let upto = made.map_err(|error| failed(&error))?.snapshot.map_or(0, |id| id.index);
        core.trigger().purge_log(upto).await.map_err(|error| failed(&error))?;
        let purged =
            wait.metrics(|now| now.purged.is_some_and(|id| id.index >= upto), "the purge").await;
        purged.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Whether this node was in a cluster before: it then takes part again by itself.
    ///
    /// # Errors
    /// When consensus has stopped.
    pub async fn is_member(&self) -> Result<bool, LogError> {
        let known = self.inner.core.is_initialized().await;
        known.map_err(|error| LogError::Failed(error.to_string()))
    }

    /// Changes who takes part, by way of the leader.
    ///
    /// # Errors
    /// When the state forbids it, or nobody answered in time.
    pub async fn change(&self, change: Change) -> Result<(), ChangeError> {
        let leader = self.inner.core.metrics().borrow().current_leader;
        let leader = leader.ok_or(ChangeError::NoLeader)?;
        if leader == self.inner.node.0 {
            return membership::make(&self.inner.core, change).await;
        }
        let body = network::encode(&change).map_err(|_| ChangeError::NoLeader)?;
        let patience = membership::PATIENCE;
        let call = self.inner.network.call(NodeId(leader), CHANGE, body, patience);
        match call.await {
            Ok(answer) => network::decode(&answer).unwrap_or(Err(ChangeError::Unknown)),
            Err(CallError::Unreachable(_) | CallError::Refused(_)) => Err(ChangeError::NoLeader),
            Err(CallError::TimedOut) => Err(ChangeError::Unknown),
        }
    }

    /// Whether the leader would make `change` now. Only the leader knows how far others are: elsewhere what depends
    /// on that is not refused.
    ///
    /// # Errors
    /// When the state forbids it.
    pub fn allowed(&self, change: Change) -> Result<(), ChangeError> {
        if matches!(change, Change::Promote(_)) && !self.leads() {
            return Ok(());
        }
        membership::allowed(&self.inner.core.metrics().borrow(), change)
    }

    /// Answers a request of another node, one of [`KINDS`]. Who asks was checked by who carried it.
    ///
    /// # Errors
    /// When it is malformed or this node cannot answer it.
    pub async fn handle(&self, kind: &str, body: &[u8]) -> Result<Bytes, CallError> {
        let core = &self.inner.core;
        match kind {
            PROPOSE => network::encode(&self.inner.office.answer(body).await?),
            READ_INDEX => network::encode(&self.inner.led_index().await),
            CHANGE => network::encode(&membership::answer(core, body).await?),
            other => network::answer(core, other, body).await,
        }
    }

    /// Consensus as operators see it.
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = &self.inner;
        Status::of(&inner.core.metrics().borrow(), inner.log.figures(), &inner.figures)
    }

    /// How many nodes vote, as far as this one knows.
    #[must_use]
    pub fn voters(&self) -> usize {
        self.inner.core.metrics().borrow().membership_config.voter_ids().count()
    }

    /// Index of the newest entry that was made here.
    #[must_use]
    pub fn applied(&self) -> Option<u64> {
        self.inner.core.metrics().borrow().last_applied.map(|id| id.index)
    }

    /// Who leads, as far as this node knows.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.inner.core.metrics().borrow().current_leader.map(NodeId)
    }

    /// Whether this node leads, as far as it knows.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.inner.core.metrics().borrow().current_leader == Some(self.inner.node.0)
    }

    /// Returns once consensus has stopped here by itself, with the reason; never after [`Self::shutdown`].
    pub async fn failed(&self) -> String {
        let mut metrics = self.inner.core.metrics();
        // Fails when the task has ended without a word.
        let _ = metrics.wait_for(|now| now.running_state.is_err()).await;
        let reason = match &metrics.borrow().running_state {
            Err(Fatal::Stopped) => None,
            Err(error) => Some(error.to_string()),
            Ok(()) => Some("its task has ended".into()),
        };
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Takes part no longer; what was acknowledged stays.
    pub async fn shutdown(&self) {
        // Fails only when its task has panicked, and then it has ended too.
        let _ = self.inner.core.shutdown().await;
    }
}

fn open_files(dir: &Path) -> Result<(Log, Snapshots), LogError> {
    Ok((Log::open(&dir.join(LOG))?, Snapshots::open(dir)?))
}

/// Log and state have to be of one history.
fn check_fit(log: &Log, applier: &Applier) -> Result<(), LogError> {
    let damaged = |text: &str| LogError::Damaged { file: LOG.into(), at: 0, text: text.into() };
    if applier.applied().is_some() && log.vote().is_none() {
        return Err(damaged("it is empty, but the state beside it was made by a log"));
    }
    if applier.applied().map(log::Point::from) < log.purged() {
        return Err(damaged("its oldest entries are newer than the state beside it"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
