//! Playback tokens, the values of `?v=`: which viewing a player is of, and whose. Nobody can invent one, take one to
//! another channel, or add an account to one ([`token`]). The key is the cluster's, so that a player keeps its token
//! when it comes to another edge, and after a restart of this one.
//!
//! A token opens nothing by itself: it says who asks, and [`super::gate`] says whether that one may watch now.

pub mod token;

use std::net::IpAddr;

use parking_lot::RwLock;
use weir_model::address::network;
use weir_model::{ChannelName, Timestamp, ViewingId};

pub use self::token::Token;
use crate::store::Standing;

/// How long a token is good, milliseconds. A viewing that goes on renews it with every playlist.
pub const LIFE_MS: i64 = 600_000;

/// Says what the key is now.
type Source = Box<dyn Fn() -> [u8; 32] + Send + Sync>;

/// Issues and reads tokens.
pub struct Tickets {
    source: Source,
    key: RwLock<[u8; 32]>,
}

/// A token that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// What stands behind `?v=`.
    pub value: String,
    /// The viewing that it begins.
    pub viewing: ViewingId,
    /// When it ends, unless it is used before.
    pub expires_at: Timestamp,
}

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

impl Tickets {
    /// With the key that `source` says.
    #[must_use]
    pub fn new(source: impl Fn() -> [u8; 32] + Send + Sync + 'static) -> Self {
        let key = RwLock::new(source());
        Self { source: Box::new(source), key }
    }

    /// Asks the source again: a node that joins a cluster gets the cluster's key a moment after its start.
    pub fn refresh(&self) {
        let key = (self.source)();
        if *self.key.read() != key {
            *self.key.write() = key;
        }
    }

    /// A token for a new viewing of `channel`, of `holder` if that is known.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn issue_for(
        &self,
        channel: &ChannelName,
        holder: Option<Standing>,
        now: Timestamp,
    ) -> Result<Issued, NoRandomness> {
        self.issue_until(channel, holder, now.plus_ms(LIFE_MS))
    }

    /// The same, good for as long as whoever asks for it wants.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn issue_until(
        &self,
        channel: &ChannelName,
        holder: Option<Standing>,
        expires_at: Timestamp,
    ) -> Result<Issued, NoRandomness> {
        let viewing = ViewingId(getrandom::u64().map_err(NoRandomness)?);
        Ok(self.issued(channel, Token { id: viewing, holder, expires_at }))
    }

    /// A fresh token for a viewing that there is.
    #[must_use]
    pub fn renew(
        &self,
        channel: &ChannelName,
        viewing: ViewingId,
        holder: Option<Standing>,
        now: Timestamp,
    ) -> Issued {
        self.issued(channel, Token { id: viewing, holder, expires_at: now.plus_ms(LIFE_MS) })
    }

    fn issued(&self, channel: &ChannelName, token: Token) -> Issued {
        let Token { id: viewing, expires_at, .. } = token;
        Issued { value: token.write(&self.key.read(), channel), viewing, expires_at }
    }

    /// What a value says, if it was issued for `channel` with this key, at whatever time.
    #[must_use]
    pub fn read(&self, channel: &ChannelName, value: &str) -> Option<Token> {
        Token::read(&self.key.read(), channel, value)
    }

    /// The id of a player that brought none: the same for the same address (IPv6: /64 network) and channel.
    /// What the player calls itself does not count, or one client could be any number of viewers.
    #[must_use]
    pub fn guess(&self, channel: &ChannelName, remote: IpAddr) -> ViewingId {
        let mut hasher = blake3::Hasher::new_keyed(&self.key.read());
        hasher.update(channel.as_str().as_bytes()).update(b"\n");
        match network(remote) {
            IpAddr::V4(four) => hasher.update(&four.octets()),
            IpAddr::V6(six) => hasher.update(&six.octets()),
        };
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        ViewingId(u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn tickets(key: u8) -> Tickets {
        Tickets::new(move || [key; 32])
    }

    fn channel(name: &str) -> ChannelName {
        name.parse().unwrap()
    }

    #[test]
    fn a_token_is_known_again_on_every_edge_of_its_cluster() {
        let (tickets, elsewhere, other_key) = (tickets(1), tickets(1), tickets(2));
        let issued = elsewhere.issue_for(&channel("demo"), None, NOW).unwrap();
        let token = tickets.read(&channel("demo"), &issued.value).unwrap();
        assert_eq!((token.id, token.holder), (issued.viewing, None));
        assert_eq!(token.expires_at, NOW.plus_ms(LIFE_MS));
        assert_eq!(tickets.read(&channel("other"), &issued.value), None);
        assert_eq!(other_key.read(&channel("demo"), &issued.value), None);
    }

    #[test]
    fn the_key_may_come_a_moment_after_the_start() {
        let key = std::sync::Arc::new(RwLock::new([0; 32]));
        let source = std::sync::Arc::clone(&key);
        let joining = Tickets::new(move || *source.read());
        let value = tickets(1).issue_for(&channel("demo"), None, NOW).unwrap().value;
        assert_eq!(joining.read(&channel("demo"), &value), None);
        *key.write() = [1; 32];
        joining.refresh();
        assert!(joining.read(&channel("demo"), &value).is_some());
    }

    #[test]
    fn a_player_without_an_id_is_the_same_viewer_each_time() {
        let tickets = tickets(1);
        let here = IpAddr::from([127, 0, 0, 1]);
        let id = tickets.guess(&channel("demo"), here);
        assert_eq!(tickets.guess(&channel("demo"), here), id);
        assert_ne!(tickets.guess(&channel("other"), here), id);
    }
}
