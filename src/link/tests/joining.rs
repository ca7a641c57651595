//! From an invitation to a member.

use parking_lot::Mutex;

use super::*;
use crate::link::invite::{Admitted, Ask, JoinError, Token, Unwelcome, Wish, join};

const KEY: [u8; 32] = [3; 32];

/// What the directory will be: a list of hashes, each good once.
#[derive(Default)]
struct Directory {
    open: Mutex<Vec<([u8; 32], Timestamp)>>,
    used: Mutex<Vec<[u8; 32]>>,
    peers: Mutex<Vec<PeerAddress>>,
    asked: Mutex<Vec<Ask>>,
    now: Arc<AtomicI64>,
}

impl Joins for Directory {
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Admitted, Refusal>> {
        let hash = ask.secret.hash(&KEY);
        let mut open = self.open.lock();
        let found = open.iter().position(|(one, _)| *one == hash);
        let answer = match found.map(|at| open.remove(at)) {
            Some((_, expires)) if expires.0 <= self.now.load(Ordering::Relaxed) => {
                Err(Unwelcome::Expired(expires).into())
            }
            Some(_) => {
                self.used.lock().push(hash);
                Ok(Admitted { roles: ask.roles.clone(), peers: self.peers.lock().clone() })
            }
            None if self.used.lock().contains(&hash) => Err(Unwelcome::Used.into()),
            None => Err(Unwelcome::Unknown.into()),
        };
        self.asked.lock().push(ask);
        Box::pin(async move { answer })
    }
}

/// A cluster of one voter that lets others in.
struct Host {
    cluster: Cluster,
    directory: Arc<Directory>,
    voter: Node,
}

impl Host {
    fn new() -> Self {
        let cluster = Cluster::new();
        let directory =
            Arc::new(Directory { now: Arc::clone(&cluster.time), ..Directory::default() });
        let joins: Arc<dyn Joins> = Arc::clone(&directory) as _;
        let voter = cluster.start(cluster.trust(1, &["voter"], NOON), Some(joins), |_| {});
        directory.peers.lock().push(voter.address());
        Self { cluster, directory, voter }
    }

    fn invite(&self) -> Token {
        let expires = Timestamp(NOON + 3_600_000);
        let token = Token::new(self.voter.trust.fingerprint(), expires).unwrap();
        self.directory.open.lock().push((token.secret_hash(&KEY), expires));
        token
    }

    async fn join(&self, token: &Token, words: &[&str]) -> Result<invite::Joined, JoinError> {
        let wish = Wish {
            node: id(2),
            name: "edge-1".into(),
            roles: roles(words),
            addresses: vec!["127.0.0.1:4455".parse().unwrap()],
            program: "test".into(),
        };
        join(self.voter.socket(), token, wish, clock(&self.cluster.time)).await
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
    assert_eq!(host.voter.link.refused(Reason::Join), 1);
    let member = host.cluster.node(2);
    meet(&host.voter, &member).await;
    drop(taken);
    host.join(&host.invite(), &["edge"]).await.unwrap();
}
