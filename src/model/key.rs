//! Stream keys: who may publish into a channel. The secret itself is never in these types.

use crate::{ChannelName, KeyId, Timestamp};

/// A stream key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct StreamKey {
    /// Public id, safe in logs and tables.
    pub id: KeyId,
    /// The one channel it publishes into.
    pub channel: ChannelName,
    /// Free text that tells people which encoder holds it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this instant on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Set once it was revoked; never unset.
    pub revoked_at: Option<Timestamp>,
}

/// Why a publisher's key is refused. The sentences never contain the key.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    thiserror::Error,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyRefusal {
    /// Its end date has passed.
    #[error("the stream key has expired")]
    Expired,
    /// An operator took it back.
    #[error("the stream key was revoked")]
    Revoked,
    /// No such key.
    #[error("the stream key is unknown")]
    Unknown,
}

impl StreamKey {
    /// Whether this key may publish at `now`.
    ///
    /// # Errors
    /// The first reason that forbids it; revocation counts before expiry.
    pub fn check(&self, now: Timestamp) -> Result<(), KeyRefusal> {
        if self.revoked_at.is_some() {
            return Err(KeyRefusal::Revoked);
        }
        match self.expires_at {
            Some(end) if now >= end => Err(KeyRefusal::Expired),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(expires: Option<i64>, revoked: Option<i64>) -> StreamKey {
        StreamKey {
            id: KeyId(1),
            channel: "demo".parse().unwrap(),
            label: String::new(),
            created_at: Timestamp(0),
            expires_at: expires.map(Timestamp),
            revoked_at: revoked.map(Timestamp),
        }
    }

    #[test]
    fn a_key_works_until_the_instant_it_expires() {
        assert_eq!(key(Some(10), None).check(Timestamp(9)), Ok(()));
        assert_eq!(key(Some(10), None).check(Timestamp(10)), Err(KeyRefusal::Expired));
        assert_eq!(key(None, None).check(Timestamp(i64::MAX)), Ok(()));
    }

    #[test]
    fn revocation_is_named_even_when_the_key_also_expired() {
        assert_eq!(key(Some(10), Some(5)).check(Timestamp(20)), Err(KeyRefusal::Revoked));
    }
}
