//! Limits of RTMP connections that operators may set.

use std::time::Duration;

/// Limits of each RTMP listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Connections open at once; further ones are closed at once. Each takes one file descriptor and,
    /// before it publishes, some 10 KiB.
    pub connections_max: u32,
    /// Connections open at once from one IPv4 address or IPv6 /64 network. Half of the total by default, so
    /// that no single address can lock out everybody else.
    pub connections_per_address_max: u32,
    /// Time for the TLS and RTMP handshakes, milliseconds.
    pub handshake_ms: u64,
    /// Time from the handshake to `publish`, milliseconds.
    pub publish_ms: u64,
    /// Silence after which the publisher is asked whether it lives, milliseconds.
    pub ping_ms: u64,
    /// Silence after which the publisher counts as gone, milliseconds. Frees the stream of a publisher
    /// whose network vanished.
    pub silence_ms: u64,
    /// Time a peer may take to receive an answer, milliseconds.
    pub write_ms: u64,
    /// Time given to a peer to read why its connection ends, milliseconds.
    pub linger_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections_max: 4000,
            connections_per_address_max: 2000,
            handshake_ms: 5000,
            publish_ms: 10_000,
            ping_ms: 5000,
            silence_ms: 20_000,
            write_ms: 1000,
            linger_ms: 500,
        }
    }
}

impl Config {
    pub(super) const fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    pub(super) const fn publish(&self) -> Duration {
        Duration::from_millis(self.publish_ms)
    }

    pub(super) const fn write(&self) -> Duration {
        Duration::from_millis(self.write_ms)
    }

    pub(super) const fn linger(&self) -> Duration {
        Duration::from_millis(self.linger_ms)
    }
}
