//! The ids of viewings as they travel in a playlist's query: 64 random bits and a keyed check over them and the
//! channel, so that nobody can invent one, or take one to another channel. The key lives as long as the
//! process; a player that comes back after a restart gets a new id with the multivariant playlist.

use std::net::IpAddr;

use weir_model::address::network;
use weir_model::{ChannelName, ViewingId};

/// Hexadecimal digits of the id and of its check.
const ID_DIGITS: usize = 16;
const CHECK_DIGITS: usize = 12;

/// Issues and checks ids.
pub struct Tickets {
    key: [u8; 32],
}

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

impl Tickets {
    /// With a key of its own.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(NoRandomness)?;
        Ok(Self { key })
    }

    /// A new id for a player of `channel`, as query value.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn issue(&self, channel: &ChannelName) -> Result<String, NoRandomness> {
        let id = ViewingId(getrandom::u64().map_err(NoRandomness)?);
        Ok(format!("{:016x}{}", id.0, self.check_digits(channel, id)))
    }

    /// The id in a query value, if it was issued for `channel` by this process.
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
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
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
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&id.0.to_be_bytes()).update(channel.as_str().as_bytes());
        let hex = hasher.finalize().to_hex();
        hex.get(..CHECK_DIGITS).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> ChannelName {
        name.parse().unwrap()
    }

    #[test]
    fn an_issued_id_is_known_again_in_its_channel_only() {
        let tickets = Tickets::new().unwrap();
        let value = tickets.issue(&channel("demo")).unwrap();
        let id = tickets.check(&channel("demo"), &value).unwrap();
        assert!(value.starts_with(&format!("{:016x}", id.0)));
        assert_eq!(tickets.check(&channel("other"), &value), None);
        assert_eq!(Tickets::new().unwrap().check(&channel("demo"), &value), None);
    }

    #[test]
    fn an_id_cannot_be_invented() {
        let tickets = Tickets::new().unwrap();
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
        let tickets = Tickets::new().unwrap();
        let here = IpAddr::from([127, 0, 0, 1]);
        let id = tickets.guess(&channel("demo"), here);
        assert_eq!(tickets.guess(&channel("demo"), here), id);
        assert_ne!(tickets.guess(&channel("other"), here), id);
    }
}
