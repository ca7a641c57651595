//! A real `weir-node` on free ports with a data directory of its own.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use weir_model::ChannelName;

use super::api::Api;
use super::hls::Player;
use super::process::Process;
use super::strace;
use super::wait::eventually;

/// Ports of one node: see `--port-base`.
const PORTS: u16 = 8;
/// Where free ports are looked for: below the range that the kernel gives to outgoing connections.
const FIRST_PORT: u16 = 12_000;
const LAST_PORT: u16 = 32_000;
/// A node opens its store and its listeners in well under a second; a loaded machine takes longer.
const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The node and what it needs to be started again.
pub(crate) struct Node {
    process: Option<Process>,
    base: u16,
    data: TempDir,
    arguments: Vec<String>,
    /// Kept for as long as the node may be started again.
    config: Option<TempDir>,
    /// Where the calls are written that it makes to the kernel.
    trace: Option<PathBuf>,
}

impl Node {
    /// Starts one on an empty data directory and waits until it answers.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let arguments = arguments.iter().map(|one| (*one).to_owned()).collect();
        let mut node = Self::on(data, arguments, None);
        node.run().await;
        node
    }

    /// One that also speaks TLS.
    pub(crate) async fn start_with_certificate(cert: &Path, key: &Path) -> Self {
        let (cert, key) = (cert.display(), key.display());
        Self::start_configured(&format!("[tls]\ncertificate = \"{cert}\"\nkey = \"{key}\"\n")).await
    }

    /// One with a configuration of its own.
    pub(crate) async fn start_configured(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.toml");
        std::fs::write(&path, config).unwrap();
        let mut node = Self::start_with(&["--config", path.to_str().unwrap()]).await;
        node.config = Some(folder);
        node
    }

    /// One that is not started yet, with a configuration of its own.
    pub(crate) fn prepared(config: &str) -> Self {
        Self::prepared_on(tempfile::tempdir().unwrap(), config)
    }

    /// The same on data that is there.
    pub(crate) fn prepared_on(data: TempDir, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.toml");
        std::fs::write(&path, config).unwrap();
        let arguments = vec!["--config".to_owned(), path.to_str().unwrap().to_owned()];
        Self::on(data, arguments, Some(folder))
    }

    fn on(data: TempDir, arguments: Vec<String>, config: Option<TempDir>) -> Self {
        Self { process: None, base: free_port_base(), data, arguments, config, trace: None }
    }

    /// From its next start on, its calls to the kernel are written to `file`.
    pub(crate) fn trace_to(&mut self, file: PathBuf) {
        self.trace = Some(file);
    }

    /// More of its command line, for when it is started next.
    pub(crate) fn add_arguments(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(|one| (*one).to_owned()));
    }

    /// Starts a program that is expected to end by itself, and answers what it said.
    pub(crate) async fn run_in_vain(&mut self) -> String {
        let mut process = Process::start("weir-node", &mut self.command());
        let status = process.wait(START_LIMIT).await;
        assert!(!status.success(), "it should not have worked:\n{}", process.log());
        process.whole_log().await
    }

    /// Starts it (again) on the same ports and data, and waits until it answers.
    pub(crate) async fn run(&mut self) {
        self.process = Some(Process::start("weir-node", &mut self.command()));
        let api = self.api_without_token();
        eventually("the node answers", START_LIMIT, async || {
            if let Some(status) = self.process().ended() {
                panic!("the node ended at once: {status}");
            }
            api.version().await.ok()
        })
        .await;
    }

    /// Looks for the others there too when it is started next.
    pub(crate) fn look_at(&mut self, door: &str) {
        let join = self.arguments.iter().position(|one| one == "--join");
        let join = join.expect("who was invited was told where to join");
        door.clone_into(&mut self.arguments[join + 1]);
    }

    /// Other ports, for when it is started next: its machine has another address.
    pub(crate) fn move_away(&mut self) {
        self.base = free_port_base();
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_weir-node");
        let mut command = match &self.trace {
            Some(file) => strace::command(file, program),
            None => Command::new(program),
        };
        command.arg("--data").arg(self.data.path());
        // Where a node tells its user's other programs of itself: not to this user's, who may run one.
        command.env("XDG_STATE_HOME", self.data.path().join("state"));
        command.arg("--port-base").arg(self.base.to_string()).args(&self.arguments);
        command
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process().kill();
        self.process = None;
    }

    /// Asks it to stop as a service manager does; it must end by itself, well.
    pub(crate) async fn stop(&mut self) {
        let mut process = self.process.take().expect("a running node");
        process.signal("TERM");
        let status = process.wait(STOP_LIMIT).await;
        assert!(status.success(), "the node stopped with {status}\n{}", process.log());
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a running node")
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("a running node").id()
    }

    /// Everything it logged since it was started last.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.data.path().join("operator.token")
    }

    pub(crate) fn rtmp(&self) -> SocketAddr {
        self.address(0)
    }

    /// The server part that an encoder is given.
    pub(crate) fn rtmp_url(&self, key: &str) -> String {
        format!("rtmp://{}/live/{key}", self.rtmp())
    }

    /// A URL of the viewers' side.
    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address(3))
    }

    pub(crate) fn http_address(&self) -> SocketAddr {
        self.address(3)
    }

    pub(crate) fn https_address(&self) -> SocketAddr {
        self.address(4)
    }

    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.address(5))
    }

    /// Where other nodes reach it.
    pub(crate) fn link_address(&self) -> SocketAddr {
        self.address(6)
    }

    /// The metrics page.
    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.address(7));
        reqwest::get(url).await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// The operators' side, with the operator's token.
    pub(crate) fn api(&self) -> Api {
        let token = std::fs::read_to_string(self.token_file()).expect("the operator's token");
        Api::new(self.api_url(), Some(token.trim().to_owned()))
    }

    pub(crate) fn api_without_token(&self) -> Api {
        Api::new(self.api_url(), None)
    }

    /// A viewer of a channel.
    pub(crate) fn player(&self, channel: &str) -> Player {
        Player::new(self.http(&format!("/live/{channel}/index.m3u8")))
    }

    /// Makes a channel with one key and answers the key's secret.
    pub(crate) async fn channel(&self, name: &str) -> String {
        let name: ChannelName = name.parse().unwrap();
        self.api().create_channel(name.as_str()).await.unwrap();
        self.api().create_key(name.as_str(), None).await.unwrap().key
    }

    fn address(&self, offset: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.base + offset))
    }
}

/// A base with eight free ports. Tests of one run take turns, and each run starts elsewhere.
fn free_port_base() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let groups = (LAST_PORT - FIRST_PORT) / PORTS;
    let offset = u16::try_from(std::process::id() % u32::from(groups)).unwrap();
    for _ in 0..groups {
        let group = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset) % groups;
        let base = FIRST_PORT + group * PORTS;
        if (base..base + PORTS).all(is_free) {
            return base;
        }
    }
    panic!("no eight free ports between {FIRST_PORT} and {LAST_PORT}");
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}
