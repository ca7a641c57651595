//! Channels, their keys and their numbers, as the store's callers see them.

use weir_model::text::one_line;
use weir_model::{AccountId, Channel, ChannelName, KeyId, KeyRefusal, StreamKey, Timestamp};

use super::catalog::{Command, NewKey};
use super::identity::Purpose;
use super::record::Hex32;
use super::{Store, StoreError, identity};

impl Store {
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
        self.create_channel_of(self.operator(), name, title, now).await
    }

    /// Makes a channel owned by `owner`.
    ///
    /// # Errors
    /// When it exists or too many exist, or the title is not one short line.
    pub async fn create_channel_of(
        &self,
        owner: AccountId,
        name: ChannelName,
        title: String,
        now: Timestamp,
    ) -> Result<Channel, StoreError> {
        let title = one_line("title", &title)?;
        let command = Command::CreateChannel { name, title, owner, created_at: now };
        self.change(command).await?.channel()
    }

    /// Deletes a channel and its keys.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn delete_channel(&self, name: &ChannelName) -> Result<Channel, StoreError> {
        self.change(Command::DeleteChannel { name: name.clone() }).await?.channel()
    }

    /// A channel.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn channel(&self, name: &ChannelName) -> Result<Channel, StoreError> {
        self.inner.held.catalog.read().channel(name).map(Channel::from)
    }

    /// All channels by name.
    ///
    /// # Errors
    /// None today: records are read when the store opens.
    pub fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        Ok(self.inner.held.catalog.read().channels.values().map(Channel::from).collect())
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
        let (secret, key) = self.new_key(one_line("label", &label)?, expires_at, now)?;
        let channel = channel.clone();
        let made = self.change(Command::CreateKey { channel, key }).await?.key()?;
        Ok((made, secret))
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
        let command = Command::RotateKey { channel, old: key, label, key: new };
        Ok((self.change(command).await?.key()?, secret))
    }

    /// All keys of a channel, oldest first.
    ///
    /// # Errors
    /// When the channel does not exist.
    pub fn keys(&self, channel: &ChannelName) -> Result<Vec<StreamKey>, StoreError> {
        let catalog = self.inner.held.catalog.read();
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
        self.change(Command::RevokeKey { channel, key, at: now }).await?.key()
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
        let catalog = self.inner.held.catalog.read();
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
        self.change(Command::ReserveMsn { channel, count }).await?.number()
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
        let shared = self.inner.held.catalog.read().shared();
        identity::hash(&shared.hash_secret, Purpose::StreamKey, secret)
    }
}
