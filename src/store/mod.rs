//! L2. What must outlive a process ([`Store`], on sled) and the media window that need not ([`window`]).
//!
//! Reads come from memory ([`catalog`]), changes go through one thread ([`writer`]) that makes them durable
//! before it answers. What is decided is pure and sees neither disk nor clock; what touches the disk
//! decides nothing.

mod catalog;
mod census;
pub mod check;
mod disk;
mod entry;
mod identity;
mod record;
mod sled;
pub mod window;
mod writer;

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use weir_model::node::LoopInfo;
use weir_model::text::{InvalidText, one_line};
use weir_model::{
    AccountId, Channel, ChannelName, KeyId, KeyRefusal, NodeId, StreamKey, Timestamp,
};

use self::sled::{Db, Raw, RawChange, Records, SyncFile, to_disk};
use catalog::{Catalog, NewKey, Planned};
use disk::{DATABASE, Disk};
use entry::{Change, Entry};
use identity::Purpose;
use record::{ChannelRecord, Hex32, NodeRecord};

/// Why the store did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The state forbids it.
    #[error("{0}")]
    Conflict(String),
    /// It is there already.
    #[error("{what} exists already")]
    Exists {
        /// Which thing.
        what: String,
    },
    /// A stored record cannot be read.
    #[error("the database is damaged: {0}; run `weir-node check --data DIR`")]
    Damaged(String),
    /// Another process has it open.
    #[error(
        "{} is in use by another weir-node; stop that one or choose another directory with --data",
        dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// A value that cannot be stored.
    #[error("{0}")]
    Invalid(String),
    /// The disk or the database failed; nothing was acknowledged.
    #[error("the database failed: {0}")]
    Io(String),
    /// A named limit is reached.
    #[error("{what}: at most {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// How many.
        limit: usize,
    },
    /// No such thing.
    #[error("{what} does not exist")]
    NotFound {
        /// Which thing.
        what: String,
    },
}

impl From<InvalidText> for StoreError {
    fn from(error: InvalidText) -> Self {
        Self::Invalid(error.to_string())
    }
}

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
    catalog: Arc<RwLock<Catalog>>,
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
        make_private_dir(dir)?;
        let lock = Lock::take(dir)?;
        let mut disk = Disk::open(dir, sync_file)?;
        let (mut catalog, mut report) = check::load(&disk.records()?);
        report.problems.extend(check::marker_problem(dir, &catalog));
        refuse_fatal(&report)?;
        let (node, operator) = first_start(&mut disk, &mut catalog, now)?;
        if identity::marked(dir).is_none() {
            identity::mark(dir, node.id)?;
        }
        let node = fitting_token(&mut disk, &mut catalog, dir, node)?;
        let catalog = Arc::new(RwLock::new(catalog));
        let writer = writer::Writer::start(disk, Arc::clone(&catalog), now)?;
        let dir = dir.to_owned();
        let inner = Inner { dir, node, operator, catalog, writer, _lock: lock };
        Ok(Self { inner: Arc::new(inner), rehearsal: false })
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

    /// The account that owns what operators make.
    #[must_use]
    pub fn operator(&self) -> AccountId {
        self.inner.operator
    }

    /// The file that holds the operator token.
    #[must_use]
    pub fn operator_token_file(&self) -> PathBuf {
        identity::token_file(&self.inner.dir)
    }

    /// Whether `token` is the operator's. Takes the same time for every wrong token.
    #[must_use]
    pub fn check_operator_token(&self, token: &str) -> bool {
        let node = &self.inner.node;
        let hash = identity::hash(&node.hash_secret, Purpose::OperatorToken, token);
        identity::same(&hash, &node.operator_token)
    }

    /// The writing thread, as operators see every loop.
    #[must_use]
    pub fn loop_info(&self) -> LoopInfo {
        self.inner.writer.info()
    }

    /// Whether changes are refused now because the disk failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.inner.writer.is_failing()
    }

    /// Makes a channel owned by the operator.
    ///
    /// # Errors
    /// When it exists or too many exist, or the title is not one short line.
    pub async fn create_channel(
        &self,
        name: ChannelName,
        title: String,
        now: Timestamp,
    ) -> Result<Channel, StoreError> {
        let title = one_line("title", &title)?;
        let owner = self.inner.operator;
        let record = ChannelRecord { name, title, owner, created_at: now };
        self.write(move |catalog| catalog.plan_channel(record)).await
    }

    /// Deletes a channel and its keys.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn delete_channel(&self, name: &ChannelName) -> Result<Channel, StoreError> {
        let name = name.clone();
        self.write(move |catalog| catalog.plan_deletion(&name)).await
    }

    /// A channel.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn channel(&self, name: &ChannelName) -> Result<Channel, StoreError> {
        self.inner.catalog.read().channel(name).map(Channel::from)
    }

    /// All channels by name.
    ///
    /// # Errors
    /// None today: records are read when the store opens.
    pub fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        Ok(self.inner.catalog.read().channels.values().map(Channel::from).collect())
    }

    /// Makes a key; the secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the channel does not exist or has too many keys that work, the label is not one short line, or
    /// the end has passed.
    pub async fn create_key(
        &self,
        channel: &ChannelName,
        label: String,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(StreamKey, String), StoreError> {
        let (secret, new) = self.new_key(one_line("label", &label)?, expires_at, now)?;
        let channel = channel.clone();
        let key = self.write(move |catalog| catalog.plan_key(&channel, new)).await?;
        Ok((key, secret))
    }

    /// Revokes a key and makes one in its place, in one step. Label and end are those of the old key
    /// unless others are given.
    ///
    /// # Errors
    /// When there is no such key in the channel, or it is revoked already or expired and no new end is given.
    pub async fn rotate_key(
        &self,
        channel: &ChannelName,
        key: KeyId,
        label: Option<String>,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(StreamKey, String), StoreError> {
        let label = label.map(|label| one_line("label", &label)).transpose()?;
        let (secret, new) = self.new_key(String::new(), expires_at, now)?;
        let channel = channel.clone();
        let made =
            self.write(move |catalog| catalog.plan_rotation(&channel, key, label, new)).await?;
        Ok((made, secret))
    }

    /// All keys of a channel, oldest first.
    ///
    /// # Errors
    /// When the channel does not exist.
    pub fn keys(&self, channel: &ChannelName) -> Result<Vec<StreamKey>, StoreError> {
        let catalog = self.inner.catalog.read();
        catalog.channel(channel)?;
        Ok(catalog.keys_of(channel).into_iter().map(StreamKey::from).collect())
    }

    /// Revokes a key; revoking twice changes nothing.
    ///
    /// # Errors
    /// When there is no such key in the channel.
    pub async fn revoke_key(
        &self,
        channel: &ChannelName,
        key: KeyId,
        now: Timestamp,
    ) -> Result<StreamKey, StoreError> {
        let channel = channel.clone();
        self.write(move |catalog| catalog.plan_revocation(&channel, key, now)).await
    }

    /// The key that `secret` opens at `now`.
    ///
    /// # Errors
    /// Why it opens nothing, with the key's id and channel when they are known.
    pub fn authenticate(
        &self,
        secret: &str,
        now: Timestamp,
    ) -> Result<StreamKey, (KeyRefusal, Option<StreamKey>)> {
        let hash = self.hash(secret);
        let catalog = self.inner.catalog.read();
        let found = catalog.key_by_hash(&hash);
        // A key whose channel is gone can only be what a check calls a problem.
        let Some(record) = found.filter(|key| catalog.channels.contains_key(&key.channel)) else {
            return Err((KeyRefusal::Unknown, None));
        };
        let key = StreamKey::from(record);
        match key.check(now) {
            Ok(()) => Ok(key),
            Err(refusal) => Err((refusal, Some(key))),
        }
    }

    /// Makes sure that numbers below the answer were never given to a channel's segments, and that
    /// `count` numbers from the answer on never will be again. Durable before it returns.
    ///
    /// # Errors
    /// When the disk fails or the channel was deleted.
    pub async fn reserve_msn(&self, channel: &ChannelName, count: u64) -> Result<u64, StoreError> {
        let channel = channel.clone();
        self.write(move |catalog| catalog.plan_reservation(&channel, count)).await
    }

    async fn write<T, P>(&self, plan: P) -> Result<T, StoreError>
    where
        T: Send + 'static,
        P: FnOnce(&Catalog) -> Planned<T> + Send + 'static,
    {
        if self.rehearsal {
            return plan(&self.inner.catalog.read()).map(|(_, answer)| answer);
        }
        self.inner.writer.write(plan).await
    }

    fn new_key(
        &self,
        label: String,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(String, NewKey), StoreError> {
        let secret = identity::key_secret()?;
        let id = KeyId(identity::id()?);
        let hash = self.hash(&secret);
        Ok((secret, NewKey { id, hash, label, expires_at, now }))
    }

    fn hash(&self, secret: &str) -> Hex32 {
        identity::hash(&self.inner.node.hash_secret, Purpose::StreamKey, secret)
    }
}

/// Keeps a second process out of a data directory.
struct Lock {
    file: File,
}

impl Lock {
    fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| at(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => Err(at(&path, &error)),
        }
    }
}

impl Drop for Lock {
    /// Closing the file would not be enough while a process that is just being started still has a copy.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

fn make_private_dir(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| at(dir, &error))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Makes new names in `dir` survive a power cut.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| at(dir, &error))
}

fn at(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

fn refuse_fatal(report: &check::Report) -> Result<(), StoreError> {
    for problem in report.problems.iter().filter(|problem| !problem.fatal) {
        tracing::warn!(%problem, "the store holds something that does not fit; it is ignored");
    }
    let mut fatal = report.problems.iter().filter(|problem| problem.fatal);
    let Some(first) = fatal.next() else { return Ok(()) };
    let more = match fatal.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(StoreError::Damaged(format!("{}: {}{more}", first.at, first.text)))
}

/// The node's record and its operator; made, in one step, when the store is new.
fn first_start(
    disk: &mut Disk,
    catalog: &mut Catalog,
    now: Timestamp,
) -> Result<(NodeRecord, AccountId), StoreError> {
    if let Some(node) = catalog.node.clone() {
        let operator = catalog.operator();
        let missing = || StoreError::Damaged("no account has the role `operator`".into());
        return Ok((node, operator.ok_or_else(missing)?));
    }
    let (node, operator) = identity::new_node(now)?;
    let id = operator.id;
    make(disk, catalog, vec![Entry::Account(operator), Entry::Node(node.clone())])?;
    Ok((node, id))
}

/// Replaces the operator token when its file is missing or holds another one.
fn fitting_token(
    disk: &mut Disk,
    catalog: &mut Catalog,
    dir: &Path,
    mut node: NodeRecord,
) -> Result<NodeRecord, StoreError> {
    if !identity::token_fits(dir, &node) {
        node.operator_token = identity::new_token(dir, &node)?;
        make(disk, catalog, vec![Entry::Node(node.clone())])?;
    }
    Ok(node)
}

fn make(disk: &mut Disk, catalog: &mut Catalog, entries: Vec<Entry>) -> Result<(), StoreError> {
    let changes: Vec<Change> = entries.into_iter().map(Change::Put).collect();
    let raw: Result<Vec<_>, _> = changes.iter().map(Change::raw).collect();
    disk.commit(raw.map_err(|error| StoreError::Io(error.to_string()))?)?;
    changes.iter().for_each(|change| catalog.apply(change));
    Ok(())
}

#[cfg(test)]
mod tests;
