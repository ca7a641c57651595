//! The ids of viewings as they travel in a playlist's query: 64 random bits and a keyed check over them and the
//! channel, so that nobody can invent one, or take one to another channel. The key is the cluster's, so that a
//! player keeps its id when it comes to another edge, and after a restart of this one.

use std::net::IpAddr;

use parking_lot::RwLock;
use weir_model::address::network;
use weir_model::{ChannelName, ViewingId};

/// Hexadecimal digits of the id and of its check.
const ID_DIGITS: usize = 16;
const CHECK_DIGITS: usize = 12;

/// Says what the key is now.
type Source = Box<dyn Fn() -> [u8; 32] + Send + Sync>;

/// Issues and checks ids.
pub struct Tickets {
    source: Source,
    key: RwLock<[u8; 32]>,
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

    /// A new id for a player of `channel`, as query value.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn issue(&self, channel: &ChannelName) -> Result<String, NoRandomness> {
        let id = ViewingId(getrandom::u64().map_err(NoRandomness)?);
        Ok(format!("{:016x}{}", id.0, self.check_digits(channel, id)))
    }

    /// The id in a query value, if it was issued for `channel` with this key.
    #[must_use]
    pub fn check(&self, channel: &ChannelName, value: &str) -> Option<ViewingId> {
        if value.len() != ID_DIGITS + CHECK_DIGITS || !value.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return None;
        }
        let (id, check) = value.split_at_checked(ID_DIGITS)?;
        let id = ViewingId(u64::from_str_radix(id, 16).ok()?);
        let expected = self.check_digits(channel, id);
        let wrong = expected.bytes().zip(check.bytes()).fold(0, |wrong, (a, b)| wrong | (a ^ b));
        (wrong == 0).then_some(id)
    }

    /// The id of a player that brought none: the same for the same address (IPv6: /64 network) and channel.
    /// What the player calls itself does not count, or one client could be any number of viewers.
    #[must_use]
    pub fn guess(&self, channel: &ChannelName, remote: IpAddr) -> ViewingId {
        let mut hasher = self.hasher();
        hasher.update(channel.as_str().as_bytes()).update(b"\n");
        match network(remote) {
            IpAddr::V4(four) => hasher.update(&four.octets()),
            IpAddr::V6(six) => hasher.update(&six.octets()),
        };
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        ViewingId(u64::from_be_bytes(first))
    }

    fn check_digits(&self, channel: &ChannelName, id: ViewingId) -> String {
        let mut hasher = self.hasher();
        hasher.update(&id.0.to_be_bytes()).update(channel.as_str().as_bytes());
        let hex = hasher.finalize().to_hex();
        hex.get(..CHECK_DIGITS).unwrap_or_default().to_owned()
    }

    fn hasher(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.key.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets(key: u8) -> Tickets {
        Tickets::new(move || [key; 32])
    }

    fn channel(name: &str) -> ChannelName {
        name.parse().unwrap()
    }

    #[test]
    fn an_issued_id_is_known_again_in_its_channel_only() {
        let (tickets, elsewhere, other_key) = (tickets(1), tickets(1), tickets(2));
        let value = elsewhere.issue(&channel("demo")).unwrap();
        let id = tickets.check(&channel("demo"), &value).unwrap();
        assert!(value.starts_with(&format!("{:016x}", id.0)));
        assert_eq!(tickets.check(&channel("other"), &value), None);
        assert_eq!(other_key.check(&channel("demo"), &value), None);
    }

    #[test]
    fn the_key_may_come_a_moment_after_the_start() {
        let key = std::sync::Arc::new(RwLock::new([0; 32]));
        let source = std::sync::Arc::clone(&key);
        let joining = Tickets::new(move || *source.read());
        let value = tickets(1).issue(&channel("demo")).unwrap();
        assert_eq!(joining.check(&channel("demo"), &value), None);
        *key.write() = [1; 32];
        joining.refresh();
        assert!(joining.check(&channel("demo"), &value).is_some());
    }

    #[test]
    fn an_id_cannot_be_invented() {
        let tickets = tickets(1);
        let value = tickets.issue(&channel("demo")).unwrap();
        for at in 0..value.len() {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(tickets.check(&channel("demo"), &forged), None, "{forged}");
        }
        for value in ["", "0", "é", &"0".repeat(28), &"+".repeat(28)] {
            assert_eq!(tickets.check(&channel("demo"), value), None, "{value}");
        }
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
