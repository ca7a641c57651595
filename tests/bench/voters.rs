//! Voters in this process: each with its store, its ledger, its log on disk and its link, and without doors.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weir::actors::clock;
use weir::actors::events::Events;
use weir::actors::membership::{Membership, Standing};
use weir::actors::tasks::Tasks;
use weir::actors::teller::found;
use weir::link::invite::Token;
use weir::node::joining::{Joining, Place};
use weir::node::mesh::Mesh;
use weir::raft;
use weir::store::Store;
use weir_cluster::members::Profile;
use weir_ledger::Currency;
use weir_ledger::row::Founding;
use weir_model::Roles;
use weir_model::cluster::NodeLoad;

/// Everything of a cluster's start takes less.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who joins gets every record there is and makes it again.
const JOINING_PATIENCE: Duration = Duration::from_secs(120);

/// A voter without doors.
pub(crate) struct Voter {
    pub(crate) store: Store,
    pub(crate) mesh: Mesh,
    pub(crate) membership: Membership,
    pub(crate) events: Events,
    pub(crate) tasks: Tasks,
    _dir: TempDir,
}

impl Voter {
    /// Starts one; `at` is where it joins a cluster.
    pub(crate) async fn start(name: &str, at: Option<(SocketAddr, Token)>) -> Self {
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
        let currency = Currency::new("EUR", 2).unwrap();
        let founding = found::Parts {
            ledger: mesh.ledger.clone(),
            consensus: mesh.consensus.clone(),
            founding: Founding { ledger: 1, currency },
        };
        mesh.teller.found(founding, &tasks).await;
        Self { store, mesh, membership, events, tasks, _dir: dir }
    }

    /// Starts another one that votes too.
    pub(crate) async fn another(&self, name: &str) -> Self {
        let voter = Self::start(name, Some(self.invite().await)).await;
        let begin = Instant::now();
        let promotion = raft::Change::Promote(voter.membership.node());
        while let Err(error) = self.mesh.consensus.change(promotion).await {
            assert!(begin.elapsed() < JOINING_PATIENCE, "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        voter
    }

    /// An invitation for the next one, and where to use it.
    async fn invite(&self) -> (SocketAddr, Token) {
        let expires = clock::now().plus_ms(60_000);
        let token = Token::new(self.mesh.trust.fingerprint(), expires).unwrap();
        let hash = token.secret_hash(&self.store.invitation_key());
        self.store.create_invite(hash, Roles::all(), expires, clock::now()).await.unwrap();
        (self.mesh.link.local_addr().unwrap(), token)
    }

    /// Takes part no longer.
    pub(crate) async fn stop(&self) {
        self.membership.leave().await;
        self.mesh.stop().await;
    }
}

/// Every voter has what the leader has: who has just joined would be measured catching up.
pub(crate) async fn in_step(voters: &[Voter]) {
    let begin = Instant::now();
    let applied = |voter: &Voter| voter.mesh.consensus.applied();
    while voters.iter().any(|voter| applied(voter) != applied(&voters[0])) {
        assert!(begin.elapsed() < PATIENCE, "the voters are not in step");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A port that was free a moment ago.
fn free_address() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}
