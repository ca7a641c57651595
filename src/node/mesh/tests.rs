//! Whole places in a cluster: certificate, link, log and heartbeats, several in one process.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::*;
use crate::actors::membership::Standing;
use crate::link::invite::{self, Token, Wish};
use crate::link::trust::{Credentials, NodeKey};

/// Elections and joins take seconds at the most; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A machine; it keeps its disk and its address when the node on it stops.
struct Machine {
    name: &'static str,
    roles: Roles,
    data: TempDir,
    link: SocketAddr,
}

/// A node that runs on it.
struct Running {
    store: Store,
    mesh: Mesh,
    membership: Membership,
    events: Events,
    tasks: Tasks,
}

impl Machine {
    fn new(name: &'static str, roles: Roles) -> Self {
        // A port that was free a moment ago.
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let link = socket.local_addr().unwrap();
        Self { name, roles, data: tempfile::tempdir().unwrap(), link }
    }

    async fn start(&self, joining: Option<Joining>) -> Result<Running, String> {
        let store = Store::open(self.data.path(), clock::now()).unwrap();
        let (events, tasks) = (Events::new(), Tasks::new());
        let (name, roles, link) = (self.name, self.roles, self.link.to_string());
        let mesh = Mesh::start(self.place(), joining, &store, &events, &tasks).await?;
        let profile = Profile { name: name.into(), link, roles, ..Profile::default() };
        let load = Box::new(NodeLoad::default);
        let membership = mesh.take_part(&store, &events, &tasks, profile, load);
        Ok(Running { store, mesh, membership, events, tasks })
    }

    fn place(&self) -> Place<'_> {
        let (name, roles, link) = (self.name, self.roles, self.link);
        Place { data: self.data.path(), name, roles, link, reached: link, reserve: 0 }
    }

    fn new_id(&self) -> NodeId {
        Store::open(self.data.path(), clock::now()).unwrap().node().id
    }

    /// Is admitted by `host` and falls asleep before it speaks with anybody else.
    async fn only_admitted(&self, host: &Running) -> NodeId {
        let id = self.new_id();
        joining::trust(&self.place(), Some(host.invite(self.roles).await), id).await.unwrap();
        id
    }

    /// Joins at `host`, and is counted on.
    async fn join(&self, host: &Running) -> Running {
        let running = self.start(Some(host.invite(self.roles).await)).await.unwrap();
        running.granted().await;
        running
    }
}

impl Running {
    async fn granted(&self) {
        let mut standing = self.membership.standing();
        let granted = standing.wait_for(|now| *now == Standing::Granted);
        tokio::time::timeout(PATIENCE, granted).await.unwrap().unwrap();
    }

    async fn invite(&self, roles: Roles) -> Joining {
        let expires = clock::now().plus_ms(600_000);
        let token = Token::new(self.mesh.trust.fingerprint(), expires).unwrap();
        let hash = token.secret_hash(&self.store.invitation_key());
        self.store.create_invite(hash, roles, expires, clock::now()).await.unwrap();
        Joining { at: self.mesh.link.local_addr().unwrap().to_string(), token }
    }

    fn id(&self) -> NodeId {
        self.membership.node()
    }

    /// Changes the log's members once it can be.
    async fn change(&self, change: raft::Change) {
        until("the change of the log's members", || async {
            self.mesh.consensus.change(change).await.is_ok()
        })
        .await;
    }

    async fn stop(self) {
        self.mesh.stop().await;
        self.tasks.shutdown(Duration::from_secs(10)).await;
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

fn edge() -> Roles {
    Roles::default().with(Role::Edge)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_that_slept_while_a_stranger_became_the_leader_finds_it() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let sleeper = Machine::new("sleeper", edge());
    let id = sleeper.only_admitted(&founder).await;
    let next = Machine::new("next", Roles::all());
    let next = next.join(&founder).await;
    founder.change(raft::Change::Promote(next.id())).await;
    founder.change(raft::Change::Demote(founder.id())).await;
    until("the new leader", || async { next.mesh.consensus.leads() }).await;
    next.granted().await;

    let awake = sleeper.start(None).await.unwrap();
    assert_eq!(awake.id(), id);
    assert!(awake.store.cluster().members.of(next.id()).is_none(), "it has not heard of it");
    awake.granted().await;
    assert!(awake.store.cluster().members.of(next.id()).is_some());
    for node in [awake, next, founder] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_the_authority_but_is_no_member_is_refused_with_an_event() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let (stranger, node) = (Machine::new("stranger", edge()), NodeId(1));
    let key = NodeKey::new().unwrap();
    let words = [Role::Edge.as_str().to_owned()].into();
    let authority = founder.mesh.trust.authority().unwrap();
    let issued = authority.issue(node, &words, &key.public(), clock::now()).unwrap();
    let trust = Arc::new(Trust::new(Credentials::new(issued, &key), None).unwrap());
    let tasks = Tasks::new();
    let config = link::Config::new(stranger.link, 1, "test");
    let forged = Link::start(config, trust, None, world(&tasks)).unwrap();
    forged.set_peers(vec![link::peers::PeerAddress {
        node: founder.id(),
        addresses: vec![founder.mesh.link.local_addr().unwrap()],
    }]);
    until("the event", || async {
        founder.events.newest(100).iter().any(|event| {
            event.kind == "link.refused"
                && event.fields.get("why").is_some_and(|why| why == "unknown")
                && event.fields.get("node") == Some(&node.to_string())
                && event.text.contains("invite it")
        })
    })
    .await;
    assert_eq!(founder.mesh.link.peers(), []);
    tasks.shutdown(Duration::from_secs(10)).await;
    founder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_broke_off_is_repeated_on_the_same_machine_with_the_same_invitation() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let (machine, invitation) = (Machine::new("guest", edge()), founder.invite(edge()).await);
    let id = machine.new_id();
    let kept = machine.data.path().join(joining::JOIN_KEY);
    let key = NodeKey::open_or_new(&kept).unwrap();
    let wish = Wish {
        node: id,
        name: machine.name.into(),
        roles: [Role::Edge.as_str().to_owned()].into(),
        addresses: vec![machine.link],
        program: "test".into(),
    };
    let door = founder.mesh.link.local_addr().unwrap();
    let answer = invite::join(door, &invitation.token, &key, wish, Arc::new(clock::now)).await;
    // The machine dies between the cluster's answer and its own disk.
    drop(answer.unwrap());
    let thief = Machine::new("thief", edge()).start(Some(invitation.clone())).await;
    let refused = thief.err().unwrap();
    assert!(refused.contains("used already"), "{refused}");
    let events = founder.events.newest(100);
    assert!(events.iter().any(|event| event.kind == "node.refused"), "{events:?}");

    let running = machine.start(Some(invitation)).await.unwrap();
    running.granted().await;
    assert_eq!((running.id(), running.store.cluster().members.len()), (id, 2));
    assert!(!kept.exists(), "it is of no use any more");
    running.stop().await;
    founder.stop().await;
}
