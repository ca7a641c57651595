//! L2. What must outlive a process ([`Store`], on sled) and the media window that need not ([`window`]).

pub mod window;

use std::path::Path;

use weir_model::{Channel, ChannelName, KeyId, KeyRefusal, StreamKey, Timestamp};

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is there already.
    #[error("{what} exists already")]
    Exists {
        /// Which thing.
        what: String,
    },
    /// A stored record cannot be read.
    #[error("the database is damaged: {0}; run `weir-node check --data DIR`")]
    Damaged(String),
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

/// The durable part of a node. Cheap to clone; all clones are one store.
/// A write that returned `Ok` survives a power cut.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens the store below `dir`, making it (with its operator account) when it is not there.
    ///
    /// # Errors
    /// When the disk fails or the database is damaged.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let _ = (dir, now);
        unimplemented!()
    }

    /// Makes a channel owned by the operator.
    ///
    /// # Errors
    /// When it exists or too many exist.
    pub async fn create_channel(
        &self,
        name: ChannelName,
        title: String,
        now: Timestamp,
    ) -> Result<Channel, StoreError> {
        let _ = (name, title, now);
        unimplemented!()
    }

    /// Deletes a channel and its keys.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn delete_channel(&self, name: &ChannelName) -> Result<Channel, StoreError> {
        let _ = name;
        unimplemented!()
    }

    /// A channel.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn channel(&self, name: &ChannelName) -> Result<Channel, StoreError> {
        let _ = name;
        unimplemented!()
    }

    /// All channels by name.
    ///
    /// # Errors
    /// When a record is damaged.
    pub fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        unimplemented!()
    }

    /// Makes a key; the secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the channel does not exist or has too many keys.
    pub async fn create_key(
        &self,
        channel: &ChannelName,
        label: String,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(StreamKey, String), StoreError> {
        let _ = (channel, label, expires_at, now);
        unimplemented!()
    }

    /// All keys of a channel, oldest first.
    ///
    /// # Errors
    /// When the channel does not exist.
    pub fn keys(&self, channel: &ChannelName) -> Result<Vec<StreamKey>, StoreError> {
        let _ = channel;
        unimplemented!()
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
        let _ = (channel, key, now);
        unimplemented!()
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
        let _ = (secret, now);
        unimplemented!()
    }

    /// Makes sure that numbers below the answer were never given to a channel's segments, and that
    /// `count` numbers from the answer on never will be again. Durable before it returns.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn reserve_msn(&self, channel: &ChannelName, count: u64) -> Result<u64, StoreError> {
        let _ = (channel, count);
        unimplemented!()
    }
}
