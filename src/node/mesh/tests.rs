//! Whole places in a cluster: certificate, link, log and heartbeats, several in one process.

use std::net::SocketAddr;

use tempfile::TempDir;
use weir_cluster::Command;
use weir_cluster::members::{Change, KeyPrint, Keys};

use super::*;
use crate::actors::membership::Standing;
use crate::link::invite::{self, Token, Wish};
use crate::link::trust::{Authority, Credentials, NodeKey};

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
        self.only_admitted_by(host.invite(self.roles).await).await
    }

    async fn only_admitted_by(&self, invitation: Joining) -> NodeId {
        let id = self.new_id();
        joining::trust(&self.place(), Some(invitation), id).await.unwrap();
        id
    }

    /// Knocks at `host` as `node`, with a certificate that this copy of the authority made.
    fn forges(&self, authority: &Authority, node: NodeId, host: &Running, tasks: &Tasks) {
        let key = NodeKey::new().unwrap();
        let words = [Role::Edge.as_str().to_owned()].into();
        let issued = authority.issue(node, &words, &key.public(), clock::now()).unwrap();
        let trust = Arc::new(Trust::new(Credentials::new(issued, &key), None).unwrap());
        // The newest start of any.
        let config = link::Config::new(self.link, u64::MAX, "test");
        let forged = Link::start(config, trust, None, world(tasks)).unwrap();
        forged.set_peers(vec![link::peers::PeerAddress {
            node: host.id(),
            addresses: vec![host.mesh.link.local_addr().unwrap()],
        }]);
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
        Joining { at: self.mesh.link.local_addr().unwrap().to_string(), token: Some(token) }
    }

    fn id(&self) -> NodeId {
        self.membership.node()
    }

    /// Whether an event says that a connection with `node` was refused, and why.
    fn refuses(&self, node: NodeId, why: &str, text: &str) -> bool {
        self.events.newest(100).iter().any(|event| {
            let field = |name: &str| event.fields.get(name).cloned().unwrap_or_default();
            let fits = field("why") == why && field("node") == node.to_string();
            event.kind == "link.refused" && fits && event.text.contains(text)
        })
    }

    /// The keys of `of`, as this one's copy of the directory has them.
    fn keys(&self, of: NodeId) -> Keys {
        let directory = self.store.cluster();
        directory.members.of(of).map(|member| member.profile.keys.clone()).unwrap_or_default()
    }

    /// Waits until this one's copy of the directory has the keys that `of` shows.
    async fn knows_keys(&self, of: &Self) {
        let shown: Keys = of.mesh.trust.keys().into_iter().map(|key| KeyPrint(key.0)).collect();
        until("the keys on record", || async { self.keys(of.id()) == shown }).await;
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
    let hears = || async { awake.store.cluster().members.of(next.id()).is_some() };
    until("the newcomer hears of it", hears).await;
    for node in [awake, next, founder] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_the_authority_but_is_no_member_is_refused_with_an_event() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let (stranger, node, tasks) = (Machine::new("stranger", edge()), NodeId(1), Tasks::new());
    let authority = founder.mesh.trust.authority().unwrap();
    stranger.forges(&authority, node, &founder, &tasks);
    until("the event", || async { founder.refuses(node, "unknown", "invite it") }).await;
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
    let answer =
        invite::join(door, &invitation.token.unwrap(), &key, wish, Arc::new(clock::now)).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joined_once_minds_its_own_invitation_not_and_refuses_another_one() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let (machine, first) = (Machine::new("guest", edge()), founder.invite(edge()).await);
    let id = machine.only_admitted_by(first.clone()).await;
    let again = joining::trust(&machine.place(), Some(first), id).await;
    assert!(again.is_ok_and(|standing| standing.joined));
    let other = founder.invite(edge()).await;
    let refused = joining::trust(&machine.place(), Some(other), id).await.err().unwrap();
    assert!(refused.contains("empty the directory"), "{refused}");
    founder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_and_kept_the_authority_cannot_speak_as_a_member() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let gone = Machine::new("gone", Roles::all()).join(&founder).await;
    let member = Machine::new("member", edge()).join(&founder).await;
    for node in [&founder, &gone, &member] {
        founder.knows_keys(node).await;
        member.knows_keys(node).await;
    }
    let authority = gone.mesh.trust.authority().unwrap();
    let removal = Command::Member(Change::Remove { id: gone.id() });
    founder.store.change_cluster(removal).await.unwrap();
    gone.stop().await;

    // Of two nodes the one with the lower id dials: it is that one's name that is taken.
    let by_id = if founder.id() < member.id() { [&founder, &member] } else { [&member, &founder] };
    let ([taken, asked], tasks) = (by_id, Tasks::new());
    until("the link", || async { asked.mesh.link.connected().contains(&taken.id()) }).await;
    Machine::new("thief", edge()).forges(&authority, taken.id(), asked, &tasks);
    until("the event", || async {
        asked.refuses(taken.id(), "foreign_key", "the authority may be in wrong hands")
    })
    .await;
    assert!(asked.mesh.link.connected().contains(&taken.id()), "the true one is still there");
    tasks.shutdown(Duration::from_secs(10)).await;
    member.stop().await;
    founder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_whose_keys_are_not_on_record_names_them_while_it_runs() {
    let founder = Machine::new("founder", Roles::all()).start(None).await.unwrap();
    founder.granted().await;
    let member = Machine::new("member", edge()).join(&founder).await;
    founder.knows_keys(&member).await;
    // As a version recorded it that knows of no keys.
    let directory = founder.store.cluster();
    let (id, known) = (member.id(), directory.members.of(member.id()).unwrap());
    let (incarnation, keys) = (known.incarnation, Keys::default());
    let profile = Profile { keys, ..known.profile.clone() };
    drop(directory);
    let start = Command::Member(Change::Start { id, incarnation, profile });
    founder.store.change_cluster(start).await.unwrap();
    founder.knows_keys(&member).await;
    assert_eq!(*member.membership.incarnation().borrow(), incarnation, "it is the same start");

    // A renewal.
    let (trust, before) = (&member.mesh.trust, founder.keys(id));
    let key = NodeKey::new().unwrap();
    let authority = founder.mesh.trust.authority().unwrap();
    let issued = authority.issue(id, &trust.roles(), &key.public(), clock::now()).unwrap();
    let renewed = Credentials::new(issued, &key).with_next(&NodeKey::new().unwrap());
    trust.renew(renewed).unwrap();
    let said = trust.keys().into_iter().map(|key| KeyPrint(key.0)).collect();
    until("the renewal on record", || async { founder.keys(id) == before.after(&said) }).await;
    member.stop().await;
    founder.stop().await;
}
