//! Small changes of the directory: three voters, each with its store, its log on disk and its link, in this process.
//!
//! There is no rival: what stands beside each figure is the bar of CLUSTER.md. A change goes the whole way of the
//! product: proposed, batched, synced by most voters, made in each store, answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tempfile::TempDir;
use weir::actors::clock;
use weir::actors::events::Events;
use weir::actors::membership::{Membership, Standing};
use weir::actors::tasks::Tasks;
use weir::link::invite::Token;
use weir::node::joining::{Joining, Place};
use weir::node::mesh::Mesh;
use weir::raft;
use weir::store::Store;
use weir_cluster::members::Profile;
use weir_model::cluster::NodeLoad;
use weir_model::{ChannelName, Roles};

use crate::Effort;
use crate::report::{Report, percentile};

const IN_FLIGHT: usize = 200;
/// Everything of a cluster's start takes less.
const PATIENCE: Duration = Duration::from_secs(30);

/// A voter without doors.
struct Voter {
    store: Store,
    mesh: Mesh,
    membership: Membership,
    _tasks: Tasks,
    _dir: TempDir,
}

impl Voter {
    async fn start(name: &str, at: Option<(SocketAddr, Token)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), clock::now()).unwrap();
        let (events, tasks) = (Events::new(), Tasks::new());
        let link = free_address();
        let roles = Roles::all();
        let place = Place { data: dir.path(), name, roles, link, reached: link, reserve: 0 };
        let joining = at.map(|(at, token)| Joining { at: at.to_string(), token: Some(token) });
        let mesh = Mesh::start(place, joining, &store, &events, &tasks).await.unwrap();
        let link = link.to_string();
        let profile = Profile { name: name.into(), link, roles, ..Profile::default() };
        let load = Box::new(NodeLoad::default);
        let membership = mesh.take_part(&store, &events, &tasks, profile, load);
        let mut standing = membership.standing();
        let granted = standing.wait_for(|now| *now == Standing::Granted);
        tokio::time::timeout(PATIENCE, granted).await.unwrap().unwrap();
        Self { store, mesh, membership, _tasks: tasks, _dir: dir }
    }

    /// An invitation for the next one, and where to use it.
    async fn invite(&self) -> (SocketAddr, Token) {
        let expires = clock::now().plus_ms(60_000);
        let token = Token::new(self.mesh.trust.fingerprint(), expires).unwrap();
        let hash = token.secret_hash(&self.store.invitation_key());
        self.store.create_invite(hash, Roles::all(), expires, clock::now()).await.unwrap();
        (self.mesh.link.local_addr().unwrap(), token)
    }
}

/// A port that was free a moment ago.
fn free_address() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

pub(crate) async fn run(effort: Effort) -> Report {
    let default = if effort.quick { 1 } else { 10 };
    let length = Duration::from_secs(effort.seconds.unwrap_or(default));
    let mut report = Report::new("directory");
    let founder = Voter::start("one", None).await;
    let channel: ChannelName = "bench".parse().unwrap();
    founder.store.create_channel(channel.clone(), String::new(), clock::now()).await.unwrap();
    let alone = measure(&founder.store, &channel, length).await;
    report.row("1 voter: writes a second", alone.rate, None);
    report.row("1 voter: p99, ms", alone.p99_ms, None);
    let mut voters = vec![founder];
    for name in ["two", "three"] {
        let invitation = voters[0].invite().await;
        let voter = Voter::start(name, Some(invitation)).await;
        promote(&voters[0], &voter).await;
        voters.push(voter);
    }
    in_step(&voters).await;
    let follower = measure(&voters[1].store, &channel, length).await;
    report.row("3 voters, by way of a follower: writes a second", follower.rate, None);
    report.row("3 voters, by way of a follower: p99, ms", follower.p99_ms, None);
    in_step(&voters).await;
    let three = measure(&voters[0].store, &channel, length).await;
    report.row("3 voters: writes a second", three.rate, None);
    report.row("3 voters: p50, ms", three.p50_ms, None);
    report.row("3 voters: p99, ms", three.p99_ms, None);
    report.at_least("3 voters: writes a second", three.rate, 5_000.0);
    report.at_most("3 voters: p99, ms", three.p99_ms, 20.0);
    for voter in &voters {
        voter.membership.leave().await;
        voter.mesh.stop().await;
    }
    report
}

async fn promote(leader: &Voter, voter: &Voter) {
    let begin = Instant::now();
    while let Err(error) =
        leader.mesh.consensus.change(raft::Change::Promote(voter.membership.node())).await
    {
        assert!(begin.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every voter has what the leader has: who has just joined would be measured catching up.
async fn in_step(voters: &[Voter]) {
    let begin = Instant::now();
    let applied = |voter: &Voter| voter.mesh.consensus.applied();
    while voters.iter().any(|voter| applied(voter) != applied(&voters[0])) {
        assert!(begin.elapsed() < PATIENCE, "the voters are not in step");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Figures {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// [`IN_FLIGHT`] writers, each with one change at a time.
async fn measure(store: &Store, channel: &ChannelName, length: Duration) -> Figures {
    let took = Mutex::new(Vec::new());
    let made = AtomicUsize::new(0);
    let begin = Instant::now();
    let writer = async |_| {
        while begin.elapsed() < length {
            let asked = Instant::now();
            store.reserve_msn(channel, 1).await.unwrap();
            took.lock().push(asked.elapsed().as_secs_f64() * 1e3);
            made.fetch_add(1, Ordering::Relaxed);
        }
    };
    futures_util::future::join_all((0..IN_FLIGHT).map(writer)).await;
    let rate = made.into_inner() as f64 / begin.elapsed().as_secs_f64();
    let mut took = took.into_inner();
    let (p50_ms, p99_ms) = (percentile(&mut took, 50.0), percentile(&mut took, 99.0));
    Figures { rate, p50_ms, p99_ms }
}
