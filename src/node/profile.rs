//! What a node says of itself to the others: where it is reached, what it is there for, how busy it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use parking_lot::Mutex;
use weir_cluster::members::{Keys, Profile};
use weir_model::Roles;
use weir_model::cluster::NodeLoad;
use weir_model::node::Endpoint;

use super::config::Config;
use super::disk::Disk;
use super::joining::Place;
use super::process;
use crate::actors::clock;
use crate::actors::streams::Streams;
use crate::actors::viewings::Viewings;
use crate::store::Store;

/// An address of a network that is for documentation only (RFC 5737): nothing is sent there, the system only
/// says from which of its own addresses it would.
const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// A place that lives as long as the start takes.
pub(super) struct OwnedPlace {
    data: PathBuf,
    name: String,
    roles: Roles,
    link: SocketAddr,
    reached: SocketAddr,
    reserve: u64,
}

impl OwnedPlace {
    pub(super) fn as_ref(&self) -> Place<'_> {
        let Self { data, name, roles, link, reached, reserve } = self;
        let (roles, link, reached) = (*roles, *link, *reached);
        Place { data, name, roles, link, reached, reserve: *reserve }
    }
}

/// What a profile is made of.
pub(super) struct Of<'a> {
    pub(super) config: &'a Config,
    pub(super) endpoints: &'a [Endpoint],
    pub(super) store: &'a Store,
}

impl Of<'_> {
    /// The profile, and what a join needs to know.
    ///
    /// # Errors
    /// When `node.address` has no address.
    pub(super) async fn profile(&self, data: &Path) -> Result<(Profile, OwnedPlace), String> {
        let Config { disk, node, listen, .. } = self.config;
        let name = node.name.clone().unwrap_or_else(|| self.store.node().name);
        let roles: Roles = node.roles.iter().copied().collect();
        let host = node.address.clone().unwrap_or_else(|| own_address(listen.link).to_string());
        let link = join_host(&host, listen.link.port());
        let reached = tokio::net::lookup_host(&link).await.ok().and_then(|mut all| all.next());
        let reached = reached.ok_or_else(|| format!("node.address `{host}` has no address"))?;
        let urls = |schemes: [&str; 2]| {
            let of = self.endpoints.iter().filter(|one| schemes.contains(&one.name.as_str()));
            of.map(|one| at_host(&one.url, &host)).collect()
        };
        let profile = Profile {
            name: name.clone(),
            link,
            publish_urls: urls(["rtmp", "rtmps"]),
            watch_urls: urls(["http", "https"]),
            roles,
            labels: node.labels.clone(),
            weight: 1,
            version: env!("CARGO_PKG_VERSION").into(),
            // Whoever takes part says which they are at the time.
            keys: Keys::default(),
        };
        let (data, reserve) = (data.to_owned(), disk.reserve());
        let place = OwnedPlace { data, name, roles, link: listen.link, reached, reserve };
        Ok((profile, place))
    }
}

/// Where a socket that is bound to `listen` is reached.
fn own_address(listen: SocketAddr) -> IpAddr {
    if !listen.ip().is_unspecified() {
        return listen.ip();
    }
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let outward =
        socket.and_then(|socket| socket.connect(ELSEWHERE).and_then(|()| socket.local_addr()));
    outward.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

fn join_host(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

/// A URL whose loopback address, which stands for every address, is replaced.
fn at_host(url: &str, host: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    url.replacen("127.0.0.1", &host, 1)
}

/// How many cores the node may use: asked once, because the answer is in several files.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// How busy the node is. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Load {
    sources: Arc<OnceLock<(Streams, Viewings, Disk)>>,
    before: Arc<Mutex<(i64, f64)>>,
}

impl Load {
    /// Counts these from now on.
    pub(super) fn of(&self, streams: &Streams, viewings: &Viewings, disk: &Disk) {
        // Set once, at the start.
        let _ = self.sources.set((streams.clone(), viewings.clone(), disk.clone()));
    }

    /// Says how busy the node is whenever it is asked.
    pub(super) fn sampler(&self) -> Box<dyn Fn() -> NodeLoad + Send + Sync> {
        let load = self.clone();
        Box::new(move || load.sample())
    }

    fn sample(&self) -> NodeLoad {
        let Some((streams, viewings, disk)) = self.sources.get() else {
            return NodeLoad::default();
        };
        let totals = streams.totals();
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        NodeLoad {
            cpu: self.cpu(),
            ingest_bitrate: totals.bitrate,
            streams: count(totals.live),
            publishers: count(totals.publishers),
            viewers: count(viewings.total()),
            disk_free: disk.free(),
            disk_low: disk.is_low(),
            ..NodeLoad::default()
        }
    }

    /// Share of all cores since the last look, in thousandths.
    fn cpu(&self) -> u16 {
        let now = (clock::monotonic_us(), process::cpu_seconds());
        let before = std::mem::replace(&mut *self.before.lock(), now);
        let wall = (now.0 - before.0) as f64 / 1e6 * *CORES as f64;
        let share = (now.1 - before.1) / wall.max(1e-3) * 1000.0;
        share.clamp(0.0, 1000.0) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_the_host_that_others_reach() {
        assert_eq!(
            at_host("rtmp://127.0.0.1:1935/live", "a.example"),
            "rtmp://a.example:1935/live"
        );
        assert_eq!(at_host("http://127.0.0.1:8080", "fd00::1"), "http://[fd00::1]:8080");
        assert_eq!(at_host("http://10.0.0.5:8080", "a.example"), "http://10.0.0.5:8080");
        assert_eq!(join_host("fd00::1", 7071), "[fd00::1]:7071");
    }

    #[test]
    fn a_socket_on_one_address_is_reached_there() {
        let listen: SocketAddr = "127.0.0.1:7071".parse().unwrap();
        assert_eq!(own_address(listen), listen.ip());
        assert!(!own_address("0.0.0.0:7071".parse().unwrap()).is_unspecified());
    }
}
