//! Limits of the edge, as they stand in `cluster.toml` under `[edge]`.

use std::time::Duration;

use weir_cluster::limits::VIEWINGS_MAX;
use weir_cluster::viewings as counting;

use crate::actors::viewings::Limits;

/// `[edge]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Viewers' connections at a time; further ones are closed at once.
    pub connections_max: u32,
    /// Connections at a time from one address (IPv6: /64 network): many viewers sit behind one, but not all.
    pub connections_per_address_max: u32,
    /// Viewings at a time; further ones are answered 503.
    pub viewings_max: usize,
    /// Viewings at a time from one IPv4 address or IPv6 /64 network; further ones are answered 503. An eighth
    /// of the total by default: a provider's network address translation may stand for thousands.
    pub viewings_per_address_max: usize,
    /// Viewings of one channel at a time, on all nodes together; further ones are answered 503. Nodes that admit
    /// viewers in the same second may exceed it by those.
    pub viewings_per_channel_max: u64,
    /// Viewings of one account at a time, on all nodes together; further ones are answered 503, but for those that
    /// begin in the same second. Those who are not signed in are counted by address only.
    pub viewings_per_account_max: u64,
    /// Watch pages that are told of changes at a time; further ones ask every few seconds instead.
    pub pages_max: usize,
    /// A connection that sends no whole request head for so long is closed, an idle one too; one that was used
    /// before stays up to twice as long. Seconds.
    pub idle_secs: u64,
    /// A connection that takes no byte of its answer for so long is closed. Seconds.
    pub write_secs: u64,
    /// How long a playlist request is held while a show starts, before it is answered 503. Seconds.
    pub start_hold_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            connections_per_address_max: 5_000,
            viewings_max: 20_000,
            viewings_per_address_max: 2_500,
            viewings_per_channel_max: VIEWINGS_MAX as u64,
            viewings_per_account_max: 10,
            pages_max: 5_000,
            idle_secs: 30,
            write_secs: 20,
            start_hold_secs: 8,
        }
    }
}

impl Config {
    /// The limits of this node's viewings.
    #[must_use]
    pub const fn viewings(&self) -> Limits {
        Limits { total: self.viewings_max, per_address: self.viewings_per_address_max }
    }

    /// The limits of the cluster's viewings.
    #[must_use]
    pub const fn shared(&self) -> counting::Limits {
        counting::Limits {
            per_channel: Some(self.viewings_per_channel_max),
            per_account: Some(self.viewings_per_account_max),
        }
    }

    /// [`Self::idle_secs`] as a duration, at least one second.
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_secs.max(1))
    }

    /// [`Self::write_secs`] as a duration, at least one second.
    #[must_use]
    pub fn write(&self) -> Duration {
        Duration::from_secs(self.write_secs.max(1))
    }

    /// [`Self::start_hold_secs`] as a duration.
    #[must_use]
    pub const fn start_hold(&self) -> Duration {
        Duration::from_secs(self.start_hold_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_and_missing_ones_have_defaults() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        assert_eq!(toml::from_str::<Config>("idle_secs = 5").unwrap().idle_secs, 5);
        assert!(toml::from_str::<Config>("idle_seconds = 5").is_err());
    }
}
