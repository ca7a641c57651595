//! L2. What must outlive a process ([`Store`], on sled) and the media window that need not ([`window`]).
//!
//! Reads come from memory ([`catalog`]), changes go through one thread ([`writer`]) that makes them durable
//! before it answers. What is decided is pure and sees neither disk nor clock; what touches the disk
//! decides nothing.

mod approvals;
mod catalog;
mod census;
mod channels;
pub mod check;
mod cluster;
mod directory;
mod disk;
mod entry;
mod error;
mod identity;
mod invite;
pub mod ledger;
mod open;
mod passes;
mod people;
mod record;
mod sessions;
mod sled;
mod standing;
pub mod window;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;
use weir_model::node::LoopInfo;
use weir_model::{AccountId, Incarnation, NodeId, Timestamp};

use self::sled::{SyncFile, to_disk};
use catalog::{Answer, Catalog, Command};
use identity::Purpose;
use open::Lock;
use record::NodeRecord;

pub use directory::{Asking, Directory, Proposer};
pub use error::StoreError;
pub use invite::{Admission, Invite, InviteRefusal};
pub use people::{Bearer, Credential, NewToken, PasswordHash, TokenRefusal};
pub use record::Approval;
pub use standing::Standing;

/// The folder beside the database with log and snapshot of the cluster. What the nodes share can be made
/// again from there, so a database beside it may be lost.
pub const LOG_DIR: &str = "raft";

/// A change that was acknowledged is here within milliseconds. After this time the answer goes out all the same: it is
/// made, and this node is the one that is late.
const HERE_MAX: Duration = Duration::from_secs(2);

/// A node's lasting identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// Never changes.
    pub id: NodeId,
    /// Given at the first start, from the id.
    pub name: String,
}

/// The durable part of a node. Cheap to clone; all clones are one store.
/// A write that returned `Ok` survives a power cut. Dropping the last clone closes the database.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Changes are planned and answered, but not made.
    rehearsal: bool,
}

struct Inner {
    dir: PathBuf,
    node: NodeRecord,
    operator: AccountId,
    held: Arc<Held>,
    /// Set once this node's changes go through the log of a cluster.
    proposer: OnceLock<Arc<dyn Proposer>>,
}

/// What the store and the machine of the log share.
struct Held {
    node: NodeRecord,
    catalog: Arc<RwLock<Catalog>>,
    /// Tells the index of the newest change of members or leases.
    changed: watch::Sender<u64>,
    /// Tells who had the operator token replaced.
    replaced: watch::Sender<Option<NodeId>>,
    /// Tells how many changes of accounts and tokens the log has brought.
    people: watch::Sender<u64>,
    /// Tells how many changes of private sessions the log has brought.
    sessions: watch::Sender<u64>,
    /// Tells how many changes of passes the log has brought.
    passes: watch::Sender<u64>,
    // Before the lock: the database is closed when another process may open it.
    writer: writer::Writer,
    _lock: Lock,
}

impl Store {
    /// Opens the store below `dir`, making it (with its operator account) when it is not there. Blocks.
    ///
    /// # Errors
    /// When another node uses it, the disk fails or the database is damaged.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_on(dir, now, to_disk())
    }

    /// [`Self::open`] with another way to make a file durable: tests let it fail.
    pub(crate) fn open_on(
        dir: &Path,
        now: Timestamp,
        sync_file: SyncFile,
    ) -> Result<Self, StoreError> {
        Ok(Self { inner: Arc::new(open::open(dir, now, &sync_file)?), rehearsal: false })
    }

    /// What makes the log's requests in this store.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::new(Arc::clone(&self.inner.held))
    }

    /// From now on, changes go through `proposer` and come back by [`Self::directory`]. Once only.
    pub fn attach(&self, proposer: Arc<dyn Proposer>) {
        if self.inner.proposer.set(proposer).is_err() {
            tracing::warn!("the store has its proposer already; the new one is not used");
        }
    }

    /// Makes a new operator token when its file is missing or holds another one. For a node that is alone
    /// in its cluster: elsewhere a missing file only means that the token was not brought here.
    ///
    /// # Errors
    /// When the file cannot be written or the change is not made.
    pub async fn renew_operator_token(&self) -> Result<(), StoreError> {
        let shared = self.inner.held.catalog.read().shared();
        if identity::token_fits(&self.inner.dir, &shared) {
            return Ok(());
        }
        let hash = identity::new_token(&self.inner.dir, &shared)?;
        self.change(Command::SetOperatorToken { hash }).await.map(|_| ())
    }

    /// Makes a new operator token whatever the one before is, and puts its file where that one's was. The secret is on
    /// the disk before the change is asked for, and under its name once it is made: a crash loses neither token.
    ///
    /// # Errors
    /// When a file cannot be written or the change is not made; then the file of the old token is as it was.
    pub async fn replace_operator_token(&self) -> Result<(), StoreError> {
        let shared = self.inner.held.catalog.read().shared();
        let hash = identity::next_token(&self.inner.dir, &shared)?;
        self.change(Command::SetOperatorToken { hash }).await?;
        identity::take_next_token(&self.inner.dir)
    }

    /// Changes whenever the log brings another operator token; names the node that asked for it, when that is known.
    #[must_use]
    pub fn operator_token_changes(&self) -> watch::Receiver<Option<NodeId>> {
        self.inner.held.replaced.subscribe()
    }

    /// Takes away the file of the operator token that this node made when it began. For a node that joins a cluster:
    /// there, that of the cluster is good.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn drop_operator_token(&self) -> Result<(), StoreError> {
        identity::drop_token(&self.inner.dir)
    }

    /// The same store for a dry run: its changes are fully checked and answered, but not made.
    #[must_use]
    pub fn rehearsal(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), rehearsal: true }
    }

    /// Who this node is.
    #[must_use]
    pub fn node(&self) -> NodeIdentity {
        NodeIdentity { id: self.inner.node.id, name: self.inner.node.name.clone() }
    }

    /// Numbers this start of the process: larger than all before. Blocks; call it once.
    ///
    /// # Errors
    /// When the number cannot be written.
    pub fn begin_start(&self, now: Timestamp) -> Result<Incarnation, StoreError> {
        identity::next_start(&self.inner.dir, now)
    }

    /// The account that owns what operators make.
    #[must_use]
    pub fn operator(&self) -> AccountId {
        let known = self.inner.held.catalog.read().people.operator();
        known.unwrap_or(self.inner.operator)
    }

    /// The file that holds the operator token.
    #[must_use]
    pub fn operator_token_file(&self) -> PathBuf {
        identity::token_file(&self.inner.dir)
    }

    /// Whether `token` is the operator's. Takes the same time for every wrong token.
    #[must_use]
    pub fn check_operator_token(&self, token: &str) -> bool {
        let shared = self.inner.held.catalog.read().shared();
        let hash = identity::hash(&shared.hash_secret, Purpose::OperatorToken, token);
        identity::same(&hash, &shared.operator_token)
    }

    /// The writing thread, as operators see every loop.
    #[must_use]
    pub fn loop_info(&self) -> LoopInfo {
        self.inner.held.writer.info()
    }

    /// Whether changes are refused now because the disk failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.inner.held.writer.is_failing()
    }

    async fn change(&self, command: Command) -> Result<Answer, StoreError> {
        let held = &self.inner.held;
        let proposer = self.inner.proposer.get();
        if proposer.is_none() && command.needs_log() {
            return Err(without_log());
        }
        if self.rehearsal {
            let next = directory::NO_INDEX;
            return held.catalog.read().plan(command, next).map(|(_, answer)| answer);
        }
        match proposer {
            Some(proposer) => directory::propose(&**proposer, &command).await,
            None => held.writer.write(|catalog| catalog.plan(command, directory::NO_INDEX)).await,
        }
    }

    /// Waits until this node has what the log was told to bring, at most [`HERE_MAX`]; `changes` tells of each change
    /// of its sort.
    async fn until_here(
        &self,
        mut changes: watch::Receiver<u64>,
        is_here: impl Fn(&Catalog) -> bool,
    ) {
        if self.rehearsal {
            return;
        }
        let catalog = &self.inner.held.catalog;
        let came = async {
            while !is_here(&catalog.read()) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(HERE_MAX, came).await.is_err() {
            tracing::warn!("a change was made, but has not reached this node yet");
        }
    }
}

fn without_log() -> StoreError {
    StoreError::Conflict("this needs the log of a cluster, which does not run here".into())
}

#[cfg(test)]
mod tests;
