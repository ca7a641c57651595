//! `cluster.toml`: one documented struct per table. The file at the root of the repository is complete,
//! holds the defaults and is compared with these structs by a test.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_media::packager::PackagerConfig;
use weir_media::rendition::Timing;
use weir_media::show::ShowConfig;
use weir_model::Role;

use crate::actors::streams::StreamsConfig;
use crate::actors::teller::found;
use crate::actors::{people, placement, providers};
use crate::{edge, ingest};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The disk of the data directory.
    pub disk: DiskConfig,
    /// Viewers.
    pub edge: edge::Config,
    /// Money.
    pub ledger: found::Config,
    /// Addresses.
    pub listen: ListenConfig,
    /// What is logged and how.
    pub log: LogConfig,
    /// The node itself.
    pub node: NodeConfig,
    /// Accounts.
    pub people: people::Config,
    /// Payment providers by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub provider: BTreeMap<String, providers::Config>,
    /// Publishers by RTMP and RTMPS.
    pub rtmp: ingest::rtmp::Config,
    /// Shows, segments and parts.
    pub stream: StreamConfig,
    /// Certificate of RTMPS and HTTPS.
    pub tls: TlsConfig,
}

/// `[disk]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskConfig {
    /// MiB of the data directory's disk that are kept free.
    pub reserve_mib: u32,
}

/// `[node]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Host name or address under which others reach the node; that of the way out when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Free labels; `zone` is the failure domain.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How the node calls itself; the name it was given at its first start when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the node is there for.
    pub roles: Vec<Role>,
}

/// `[listen]`: where the node listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// Publishers.
    pub rtmp: SocketAddr,
    /// Publishers over TLS.
    pub rtmps: SocketAddr,
    /// Viewers.
    pub http: SocketAddr,
    /// Viewers over TLS.
    pub https: SocketAddr,
    /// Operators.
    pub api: SocketAddr,
    /// Other nodes of the cluster, UDP.
    pub link: SocketAddr,
    /// Prometheus.
    pub metrics: SocketAddr,
}

/// `[tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// PEM file with the certificate chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file with its private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// `[stream]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Segment target.
    pub segment_ms: u32,
    /// Part target.
    pub part_ms: u32,
    /// Media that playlists list at the least.
    pub listed_ms: u32,
    /// Grace period.
    pub grace_ms: u32,
    /// Publishers at once.
    pub publishers_max: u32,
    /// Nodes that hold each stream.
    pub copies: u8,
    /// Nodes that one node feeds with each stream.
    pub fan_out: u16,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A `tracing` filter.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that makes no sense.
    #[error("configuration: {0}")]
    Invalid(String),
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {error}{hint}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        error: Box<toml::de::Error>,
        /// The nearest known key.
        hint: String,
    },
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self { reserve_mib: 128 }
    }
}

impl DiskConfig {
    /// In bytes.
    pub(super) fn reserve(self) -> u64 {
        u64::from(self.reserve_mib) << 20
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self { address: None, labels: BTreeMap::new(), name: None, roles: Role::ALL.to_vec() }
    }
}

impl Default for ListenConfig {
    fn default() -> Self {
        let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let here = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            rtmp: everywhere(1935),
            rtmps: everywhere(1936),
            http: everywhere(8080),
            https: everywhere(8443),
            api: here(7070),
            link: everywhere(7071),
            metrics: here(9464),
        }
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            segment_ms: 2_000,
            part_ms: 200,
            listed_ms: 12_000,
            grace_ms: 30_000,
            publishers_max: 1_000,
            copies: 2,
            fan_out: 16,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Auto }
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// With the place in the file and, for an unknown key, the nearest known one.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read { path: path.to_owned(), error })?;
        let config: Self = toml::from_str(&text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            hint: nearest_key(error.message()),
            error: Box::new(error),
        })?;
        config.check()?;
        Ok(config)
    }

    /// Puts the ports at `base` … `base + 7` in the order RTMP, RTMPS, RTSP, HTTP, HTTPS, API,
    /// node-to-node, metrics.
    ///
    /// # Errors
    /// When they do not fit below 65536.
    pub fn set_port_base(&mut self, base: u16) -> Result<(), ConfigError> {
        if base == 0 || base > u16::MAX - 7 {
            return Err(ConfigError::Invalid("--port-base must be 1 to 65528".into()));
        }
        let listen = &mut self.listen;
        listen.rtmp.set_port(base);
        listen.rtmps.set_port(base + 1);
        listen.http.set_port(base + 3);
        listen.https.set_port(base + 4);
        listen.api.set_port(base + 5);
        listen.link.set_port(base + 6);
        listen.metrics.set_port(base + 7);
        Ok(())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let stream = self.stream;
        let invalid = |text: &str| Err(ConfigError::Invalid(text.into()));
        if !(1_000..=10_000).contains(&stream.segment_ms) || !stream.segment_ms.is_multiple_of(500)
        {
            return invalid("stream.segment_ms must be 1000 to 10000, in steps of 500");
        }
        if !(100..=1_000).contains(&stream.part_ms) || stream.part_ms * 2 > stream.segment_ms {
            return invalid("stream.part_ms must be 100 to 1000 and at most half a segment");
        }
        if stream.listed_ms > 120_000 {
            return invalid("stream.listed_ms must be at most 120000: the window is in memory");
        }
        if !(1..=7).contains(&stream.copies) {
            return invalid("stream.copies must be 1 to 7: the owner's window is one of them");
        }
        if !(2..=512).contains(&stream.fan_out) {
            return invalid("stream.fan_out must be 2 to 512: with one there is no tree");
        }
        if self.node.roles.is_empty() {
            return invalid("node.roles names no role; leave it out to have all");
        }
        if stream.publishers_max == 0 {
            return invalid("stream.publishers_max must be at least 1");
        }
        self.people.check().map_err(|text| ConfigError::Invalid(text.into()))?;
        self.ledger.check().map_err(ConfigError::Invalid)?;
        providers::check(&self.provider).map_err(ConfigError::Invalid)?;
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return invalid("tls.certificate and tls.key belong together: set both or neither");
        }
        Ok(())
    }
}

impl StreamConfig {
    /// How copies are kept.
    #[must_use]
    pub fn placement(&self) -> placement::Config {
        placement::Config {
            copies: usize::from(self.copies),
            fan_out: u32::from(self.fan_out),
            grace_ms: i64::from(self.grace_ms),
        }
    }

    /// The form in which the actors want it.
    #[must_use]
    pub fn streams(&self) -> StreamsConfig {
        let segment_us = i64::from(self.segment_ms) * 1000;
        StreamsConfig {
            packager: PackagerConfig {
                segment_us,
                segment_max_us: segment_us * 2,
                part_us: i64::from(self.part_ms) * 1000,
            },
            show: ShowConfig { grace_ms: i64::from(self.grace_ms) },
            window: Timing {
                target_secs: self.segment_ms * 2 / 1000,
                part_target_us: i64::from(self.part_ms) * 1000,
                list_us: i64::from(self.listed_ms) * 1000,
            },
            publishers_max: self.publishers_max as usize,
        }
    }
}

/// ` (did you mean …?)` for serde's "unknown field" sentence, which lists what it expected.
fn nearest_key(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    let Some(unknown) = words.next().filter(|_| message.starts_with("unknown field")) else {
        return String::new();
    };
    let likeness = |known: &&str| (strsim::jaro_winkler(unknown, known) * 1e6) as u64;
    words.max_by_key(likeness).map(|known| format!("(did you mean `{known}`?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_in_the_repository_holds_exactly_the_defaults() {
        let text = include_str!("../../cluster.toml");
        let file: toml::Table = toml::from_str(text).unwrap();
        let structs = toml::Table::try_from(Config::default()).unwrap();
        assert_eq!(file, structs);
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_nearest_known_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.toml");
        std::fs::write(&path, "[stream]\nsegmnt_ms = 2000\n").unwrap();
        let error = Config::read(&path).unwrap_err().to_string();
        assert!(error.contains("did you mean `segment_ms`"), "{error}");
    }

    #[test]
    fn values_that_make_no_sense_are_refused_with_their_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.toml");
        for text in [
            "stream.segment_ms = 1",
            "stream.part_ms = 5000",
            "stream.fan_out = 1",
            "tls.key = '/x'",
            "people.login_hours = 721",
            "people.failures_per_account = 0",
            "people.failure_refill_secs = 0",
            "ledger.approve_above = '1.234'",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Config::read(&path), Err(ConfigError::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn a_port_base_moves_every_port_in_the_documented_order() {
        let mut config = Config::default();
        config.set_port_base(20_000).unwrap();
        assert_eq!(config.listen.http.port(), 20_003);
        assert_eq!(config.listen.metrics.port(), 20_007);
        assert!(config.set_port_base(65_529).is_err());
    }
}
