//! From an invitation to a member.

use parking_lot::Mutex;

use super::*;
use crate::link::invite::admit::SEEDS_MAX;
use crate::link::invite::guests::GUEST_LIFE_MS;
use crate::link::invite::{Admitted, Ask, JoinError, Token, Unwelcome, Wish, join};
use crate::link::trust::Fingerprint;

const KEY: [u8; 32] = [3; 32];

/// What the directory will be: a list of hashes, each good for one node with one key.
#[derive(Default)]
struct Directory {
    open: Mutex<Vec<([u8; 32], Timestamp)>>,
    used: Mutex<Vec<([u8; 32], NodeId, Fingerprint)>>,
    peers: Mutex<Vec<PeerAddress>>,
    asked: Mutex<Vec<Ask>>,
    now: Arc<AtomicI64>,
}

impl Joins for Directory {
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Admitted, Refusal>> {
        let hash = ask.secret.hash(&KEY);
        let by = (hash, ask.node, ask.key.fingerprint());
        let admitted = || Admitted { roles: ask.roles.clone(), peers: self.peers.lock().clone() };
        let mut open = self.open.lock();
        let found = open.iter().position(|(one, _)| *one == hash);
        let answer = match found.map(|at| open.remove(at)) {
            Some((_, expires)) if expires.0 <= self.now.load(Ordering::Relaxed) => {
                Err(Unwelcome::Expired(expires).into())
            }
            Some(_) => {
                self.used.lock().push(by);
                Ok(admitted())
            }
            None if self.used.lock().contains(&by) => Ok(admitted()),
            None if self.used.lock().iter().any(|used| used.0 == hash) => {
                Err(Unwelcome::Used.into())
            }
            None => Err(Unwelcome::Unknown.into()),
        };
        self.asked.lock().push(ask);
        Box::pin(async move { answer })
    }
}

/// A cluster of one voter, node 5, that lets others in as node 2.
pub(super) struct Host {
    pub(super) cluster: Cluster,
    directory: Arc<Directory>,
    pub(super) voter: Node,
}

impl Host {
    pub(super) fn new() -> Self {
        let cluster = Cluster::new();
        let directory =
            Arc::new(Directory { now: Arc::clone(&cluster.time), ..Directory::default() });
        let joins: Arc<dyn Joins> = Arc::clone(&directory) as _;
        let voter = cluster.start(cluster.trust(5, &["voter"], NOON), Some(joins), |_| {});
        directory.peers.lock().push(voter.address());
        Self { cluster, directory, voter }
    }

    pub(super) fn invite(&self) -> Token {
        let expires = Timestamp(NOON + 3_600_000);
        let token = Token::new(self.voter.trust.fingerprint(), expires).unwrap();
        self.directory.open.lock().push((token.secret_hash(&KEY), expires));
        token
    }

    async fn join(&self, token: &Token, words: &[&str]) -> Result<invite::Joined, JoinError> {
        self.join_at(self.voter.socket(), token, &NodeKey::new().unwrap(), words).await
    }

    pub(super) async fn join_at(
        &self,
        door: SocketAddr,
        token: &Token,
        key: &NodeKey,
        words: &[&str],
    ) -> Result<invite::Joined, JoinError> {
        let wish = Wish {
            node: id(2),
            name: "edge-1".into(),
            roles: roles(words),
            addresses: vec!["127.0.0.1:4455".parse().unwrap()],
            program: "test".into(),
        };
        join(door, token, key, wish, clock(&self.cluster.time)).await
    }
}

fn code(joined: Result<invite::Joined, JoinError>) -> String {
    match joined {
        Err(JoinError::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_invited_machine_becomes_a_node() {
    let host = Host::new();
    let token: Token = host.invite().to_string().parse().unwrap();
    let joined = host.join(&token, &["edge"]).await.unwrap();
    assert_eq!(joined.peers, [host.voter.address()]);
    assert!(joined.authority.is_none(), "only voters hold the authority");
    let trust = Arc::new(joined.trust().unwrap());
    assert_eq!((trust.node(), trust.roles()), (id(2), roles(&["edge"])));
    let node = host.cluster.start(trust, None, |_| {});
    meet(&host.voter, &node).await;
    let asked = host.directory.asked.lock();
    assert_eq!((asked[0].name.as_str(), asked[0].node), ("edge-1", id(2)));
}

#[tokio::test]
async fn a_new_voter_gets_the_authority() {
    let host = Host::new();
    let joined = host.join(&host.invite(), &["voter"]).await.unwrap();
    let authority = joined.authority.as_ref().unwrap();
    assert_eq!(authority.fingerprint(), host.cluster.authority.fingerprint());
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_a_while() {
    let host = Host::new();
    let token = host.invite();
    host.join(&token, &["edge"]).await.unwrap();
    assert_eq!(code(host.join(&token, &["edge"]).await), "used_token");
    let stranger = Token::new(token.fingerprint, token.expires_at).unwrap();
    assert_eq!(code(host.join(&stranger, &["edge"]).await), "unknown_token");
    assert_eq!(host.voter.link.refused(Reason::Join), 2);

    let late = host.invite();
    host.cluster.time.store(NOON + 2 * 3_600_000, Ordering::Relaxed);
    assert_eq!(code(host.join(&late, &["edge"]).await), "expired_token");
}

#[tokio::test]
async fn a_newcomer_says_its_secret_only_to_the_cluster_that_invited() {
    let (host, other) = (Host::new(), Host::new());
    let token = other.invite();
    let joined = host.join(&token, &["edge"]).await;
    assert!(matches!(joined, Err(JoinError::AnotherCluster(_))), "{joined:?}");
    assert_eq!(host.directory.asked.lock().len(), 0);
}

#[tokio::test]
async fn a_node_without_the_authority_admits_nobody() {
    let host = Host::new();
    let token = host.invite();
    host.voter.trust.set_authority(None);
    assert_eq!(code(host.join(&token, &["edge"]).await), "not_a_voter");
    host.voter.trust.set_authority(Some(Arc::clone(&host.cluster.authority)));
    host.join(&token, &["edge"]).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let host = Host::new();
    let token = host.invite();
    host.voter.faults.everywhere(fault::Rule::blocked());
    let joining = tokio::time::timeout(PATIENCE * 3, host.join(&token, &["edge"]));
    let sentence = joining.await.unwrap().unwrap_err().to_string();
    assert!(sentence.starts_with(&format!("no answer from {}", host.voter.socket())), "{sentence}");
}

#[tokio::test]
async fn strangers_that_say_nothing_keep_no_member_out() {
    let host = Host::new();
    let places = u32::try_from(invite::admit::JOINING_MAX).unwrap();
    let taken = host.voter.link.mesh.joining.places(places);
    let joined = host.join(&host.invite(), &["edge"]).await;
    let sentence = joined.unwrap_err().to_string();
    assert!(sentence.contains("too many nodes are joining"), "{sentence}");
    let refused = |reason| host.voter.link.refused(reason);
    assert_eq!((refused(Reason::Newcomer), refused(Reason::Join)), (1, 0), "who tells of it");
    let member = host.cluster.node(2);
    meet(&host.voter, &member).await;
    drop(taken);
    host.join(&host.invite(), &["edge"]).await.unwrap();
}

#[tokio::test]
async fn a_join_whose_answer_got_lost_is_asked_again_with_the_same_key_only() {
    let host = Host::new();
    let (token, key) = (host.invite(), NodeKey::new().unwrap());
    let lost = host.join_at(host.voter.socket(), &token, &key, &["edge"]);
    let admitted = async {
        while host.directory.asked.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let first = tokio::select! {
        () = admitted => None,
        answer = lost => Some(answer),
    };
    drop(first);
    assert_eq!(code(host.join(&token, &["edge"]).await), "used_token");
    let again = host.join_at(host.voter.socket(), &token, &key, &["edge"]).await.unwrap();
    assert_eq!(again.peers, [host.voter.address()]);
    let trust = Arc::new(again.trust().unwrap());
    let node = host.cluster.start(trust, None, |_| {});
    meet(&host.voter, &node).await;
}

#[tokio::test]
async fn a_newcomer_is_let_in_before_the_directory_has_it_and_not_for_long() {
    let host = Host::new();
    let joined = host.join(&host.invite(), &["edge"]).await.unwrap();
    let node = host.cluster.start(Arc::new(joined.trust().unwrap()), None, |_| {});
    node.link.set_peers(vec![host.voter.address()]);
    node.sees(id(5), PeerState::Connected).await;
    // Others come and go meanwhile.
    host.voter.link.set_peers(Vec::new());
    host.voter.sees(id(2), PeerState::Connected).await;
    host.cluster.time.store(NOON + GUEST_LIFE_MS, Ordering::Relaxed);
    host.voter.link.set_peers(Vec::new());
    host.voter.until(|voter| voter.link.refused(Reason::Unknown) > 0).await;
    assert_eq!(host.voter.state(id(2)), None);
}

#[tokio::test]
async fn nobody_else_is_let_in_under_the_name_of_a_newcomer() {
    let host = Host::new();
    let joined = host.join(&host.invite(), &["edge"]).await.unwrap();
    let thief = host.cluster.start(host.cluster.trust(2, &["edge"], NOON), None, |_| {});
    thief.link.set_peers(vec![host.voter.address()]);
    host.voter.until(|voter| voter.link.refused(Reason::ForeignKey) > 0).await;
    assert_eq!(host.voter.state(id(2)), None);
    let trust = Arc::new(joined.trust().unwrap());
    let asked = host.directory.asked.lock().pop().unwrap();
    let said = [Some(asked.key), asked.next].map(|key| key.unwrap().fingerprint());
    assert_eq!(trust.keys(), said, "it says beforehand which keys it will show");
    let node = host.cluster.start(trust, None, |_| {});
    node.link.set_peers(vec![host.voter.address()]);
    host.voter.sees(id(2), PeerState::Connected).await;
}

#[tokio::test]
async fn a_newcomer_to_a_large_cluster_is_told_of_some_and_the_answer_fits() {
    let host = Host::new();
    let address = |last: u8| SocketAddr::new([255, 255, 255, last].into(), 65_535);
    let member = |number| PeerAddress {
        node: id(u64::MAX - number),
        addresses: (0..8).map(address).collect(),
    };
    *host.directory.peers.lock() =
        (0..weir_cluster::limits::NODES_MAX as u64).map(member).collect();
    let joined = host.join(&host.invite(), &["edge", "ingest", "voter"]).await.unwrap();
    assert_eq!(joined.peers.len(), SEEDS_MAX);
    assert_eq!(joined.peers[0].node, id(u64::MAX), "the first ones");
}
