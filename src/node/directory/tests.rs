//! A store on a cluster's log.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use parking_lot::RwLock;
use weir_cluster::lease::{LeaseCommand, LeaseRefusal};
use weir_cluster::members::{Change as MemberChange, Profile};
use weir_cluster::{Command, Refusal};
use weir_ledger::account::Account;
use weir_ledger::request::{Command as Money, ControlCommand, IncomeCommand, Provider, Refs};
use weir_ledger::row::Founding;
use weir_ledger::{Currency, Request};
use weir_model::{AccountId, ApiError, ChannelName, Epoch, ErrorCode, Incarnation, NodeId, Roles};

use super::*;
use crate::actors::tasks::Tasks;
use crate::actors::teller::{Durability, Teller};
use crate::raft::{CallError, Change, Part};
use crate::store::{Admission, InviteRefusal};

mod private;

const PATIENCE: Duration = Duration::from_secs(20);

/// Carries requests inside one process.
#[derive(Default, Clone)]
struct Wire(Arc<RwLock<HashMap<u64, Consensus>>>, Arc<RwLock<Vec<Ledger>>>);

impl History for Wire {
    fn fetch(&self, seq: u64) -> BoxFuture<'_, Result<Bytes, String>> {
        let full = self.1.read().iter().max_by_key(|ledger| ledger.head().seq).cloned();
        let piece = full
            .ok_or("nobody is there")
            .and_then(|ledger| ledger.offer(seq).map_err(|_| "it cannot be read"));
        Box::pin(std::future::ready(piece.map(Bytes::from).map_err(String::from)))
    }
}

impl Network for Wire {
    fn call(
        &self,
        to: NodeId,
        kind: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        let node = self.0.read().get(&to.0).cloned();
        Box::pin(async move {
            let node = node.ok_or_else(|| CallError::Unreachable("it is off".into()))?;
            let answer = tokio::time::timeout(deadline, node.handle(kind, &body)).await;
            answer.unwrap_or(Err(CallError::TimedOut))
        })
    }
}

struct Running {
    store: Store,
    consensus: Consensus,
    ledger: Ledger,
    teller: Teller,
    wire: Wire,
    _tasks: Tasks,
}

impl Running {
    async fn start(dir: &Path, wire: &Wire, incarnation: u64, joining: bool) -> Self {
        let store = Store::open(dir, Timestamp(1)).unwrap();
        Self::open(store, dir, wire, incarnation, joining).await.unwrap()
    }

    async fn open(
        store: Store,
        dir: &Path,
        wire: &Wire,
        incarnation: u64,
        joining: bool,
    ) -> Result<Self, LogError> {
        let (tasks, own) = (Tasks::new(), Tasks::new());
        let spawn: Spawn = Arc::new(move |name: &str, body| drop(tasks.spawn(name, |_| body)));
        let network = Arc::new(wire.clone());
        let now = || Timestamp(7);
        let room: Room = Arc::new(|| Ok(()));
        let ledger = Ledger::open(dir).unwrap();
        wire.1.write().push(ledger.clone());
        let history = Arc::new(wire.clone());
        let kept = Some(ledger.clone());
        let begin =
            Start { dir, incarnation, now, network, spawn, room, joining, ledger: kept, history };
        let consensus = start(&store, begin).await?;
        wire.0.write().insert(store.node().id.0, consensus.clone());
        let teller = Teller::start(consensus.clone(), &own);
        if !joining {
            teller.ask(&found()).await.unwrap();
        }
        Ok(Self { store, consensus, ledger, teller, wire: wire.clone(), _tasks: own })
    }

    async fn stop(self) {
        self.wire.0.write().remove(&self.store.node().id.0);
        self.consensus.shutdown().await;
    }

    async fn read(&self) {
        self.consensus.read_barrier(PATIENCE).await.unwrap();
    }
}

/// A directory may be in use for a moment by what is being closed.
async fn closed(dir: &Path) {
    let free = async {
        while Store::open(dir, Timestamp(1)).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the store is closed");
}

fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

fn token(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("operator.token")).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_log_is_taken_over_with_its_keys_and_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Timestamp(1)).unwrap();
    let demo = name("demo");
    store.create_channel(demo.clone(), "Demo".into(), Timestamp(1)).await.unwrap();
    let (key, secret) = store.create_key(&demo, "obs".into(), None, Timestamp(1)).await.unwrap();
    assert_eq!(store.reserve_msn(&demo, 50).await.unwrap(), 0);
    let before = token(dir.path());
    drop(store);

    let wire = Wire::default();
    for incarnation in 1..=3 {
        let node = Running::start(dir.path(), &wire, incarnation, false).await;
        assert_eq!(node.store.authenticate(&secret, Timestamp(2)), Ok(key.clone()));
        assert!(node.store.check_operator_token(&before));
        assert_eq!(token(dir.path()), before);
        let next = node.store.reserve_msn(&demo, 10).await.unwrap();
        assert_eq!(next, 40 + 10 * incarnation);
        let made = node.store.create_channel(name("late"), String::new(), Timestamp(2)).await;
        assert_eq!(made.is_ok(), incarnation == 1, "{made:?}");
        let dry = node.store.rehearsal();
        dry.create_channel(name("never"), String::new(), Timestamp(2)).await.unwrap();
        assert!(node.store.channel(&name("never")).is_err());
        drop(dry);
        node.stop().await;
        closed(dir.path()).await;
    }
    assert_eq!(crate::store::check::check(dir.path()).unwrap().exit_code(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_token_whose_file_was_deleted_is_renewed_through_the_log() {
    let (dir, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    Running::start(dir.path(), &wire, 1, false).await.stop().await;
    closed(dir.path()).await;
    let before = token(dir.path());
    std::fs::remove_file(dir.path().join("operator.token")).unwrap();
    let node = Running::start(dir.path(), &wire, 2, false).await;
    assert!(!node.store.check_operator_token(&before));
    assert!(node.store.check_operator_token(&token(dir.path())));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_joins_has_every_key_and_its_changes_are_made_everywhere() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let wire = Wire::default();
    let first = Running::start(dirs[0].path(), &wire, 1, false).await;
    let demo = name("demo");
    first.store.create_channel(demo.clone(), String::new(), Timestamp(1)).await.unwrap();
    let (key, secret) =
        first.store.create_key(&demo, "a".into(), None, Timestamp(1)).await.unwrap();
    let second = Running::start(dirs[1].path(), &wire, 1, true).await;
    let id = second.store.node().id;
    first.consensus.change(Change::AddLearner(id)).await.unwrap();
    let joined = async {
        while second.consensus.status().part != Part::Learner
            || second.consensus.applied() < first.consensus.applied()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, joined).await.unwrap();
    second.read().await;
    assert_eq!(second.store.authenticate(&secret, Timestamp(2)), Ok(key));
    assert!(second.store.check_operator_token(&token(dirs[0].path())));
    assert_eq!(second.store.node().id, id, "it stays itself");

    let (_, other) = second.store.create_key(&demo, "b".into(), None, Timestamp(2)).await.unwrap();
    first.read().await;
    assert!(first.store.authenticate(&other, Timestamp(3)).is_ok());
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_operator_token_is_the_clusters_with_a_quorum_and_nobody_loses_one_without() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let wire = Wire::default();
    let first = Running::start(dirs[0].path(), &wire, 1, false).await;
    let second = Running::start(dirs[1].path(), &wire, 1, true).await;
    let mut told = second.store.operator_token_changes();
    let two = second.store.node().id;
    first.consensus.change(Change::AddLearner(two)).await.unwrap();
    until(async || first.consensus.change(Change::Promote(two)).await.is_ok()).await;
    second.read().await;
    assert!(!told.has_changed().unwrap(), "that of the cluster it joins is not a new one");
    let before = token(dirs[0].path());
    second.store.replace_operator_token().await.unwrap();
    let new = token(dirs[1].path());
    for node in [&first, &second] {
        // It is answered by the leader, wherever that is.
        node.read().await;
        assert!(node.store.check_operator_token(&new));
        assert!(!node.store.check_operator_token(&before));
    }
    tokio::time::timeout(PATIENCE, told.changed()).await.unwrap().unwrap();
    assert_eq!(*told.borrow(), Some(two));

    first.stop().await;
    second.store.replace_operator_token().await.unwrap_err();
    assert_eq!(token(dirs[1].path()), new, "what may be good stays");
    assert!(second.store.check_operator_token(&new));
    let first = Running::start(dirs[0].path(), &wire, 2, false).await;
    until(async || second.store.replace_operator_token().await.is_ok()).await;
    first.read().await;
    assert!(!first.store.check_operator_token(&new));
    assert!(first.store.check_operator_token(&token(dirs[1].path())));
    second.stop().await;
    first.stop().await;
}

/// Waits for what takes an election or a newcomer's catching up.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it holds in the end");
}

/// The name of a node in this test.
fn profile(store: &Store) -> Profile {
    Profile { name: store.node().id.to_string(), ..Profile::default() }
}

fn start_of(store: &Store) -> Command {
    let (id, roles) = (store.node().id, Roles::all());
    let profile = Profile { roles, ..profile(store) };
    Command::Member(MemberChange::Start { id, incarnation: Incarnation(1), profile })
}

fn claim(store: &Store, supersedes: Option<Epoch>) -> Command {
    Command::Lease(LeaseCommand::Claim {
        actor: "stream/demo".parse().unwrap(),
        node: store.node().id,
        incarnation: Incarnation(1),
        supersedes,
        at: Timestamp(2),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_admits_one_node_and_a_lease_has_one_owner_whoever_is_asked() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let wire = Wire::default();
    let first = Running::start(dirs[0].path(), &wire, 1, false).await;
    let own = MemberChange::Join { id: first.store.node().id, profile: profile(&first.store) };
    first.store.change_cluster(Command::Member(own)).await.unwrap();
    first.store.change_cluster(start_of(&first.store)).await.unwrap();
    let second = Running::start(dirs[1].path(), &wire, 1, true).await;
    first.consensus.change(Change::AddLearner(second.store.node().id)).await.unwrap();
    let mut told = second.store.cluster_changes();
    let one_member = told.wait_for(|_| second.store.cluster().members.len() == 1);
    tokio::time::timeout(PATIENCE, one_member).await.unwrap().unwrap();
    assert_eq!(first.store.invitation_key(), second.store.invitation_key());
    assert_eq!(first.store.ticket_key(), second.store.ticket_key());
    assert_ne!(first.store.ticket_key(), first.store.invitation_key());

    let made = first.store.create_invite([7; 32], Roles::all(), Timestamp(99), Timestamp(1));
    let made = made.await.unwrap();
    let (id, newcomer) = (second.store.node().id, profile(&second.store));
    let admit = |by: &Store, node| {
        let (by, profile) = (by.clone(), newcomer.clone());
        async move { by.use_invite([7; 32], node, [1; 32], profile, Timestamp(2)).await }
    };
    let admission = admit(&second.store, id).await.unwrap();
    assert_eq!(admission, Admission { invite: made.id, roles: Roles::all() });
    assert_eq!(admit(&first.store, id).await.unwrap(), admission, "the answer was lost");
    let again = admit(&first.store, NodeId(5)).await.unwrap_err();
    assert!(matches!(again, StoreError::Invite(InviteRefusal::Used)), "{again}");
    assert_eq!(first.store.invites()[0].used_by, Some(id));

    second.store.change_cluster(start_of(&second.store)).await.unwrap();
    let wish = |of: &Running, epoch| {
        let (store, wish) = (of.store.clone(), claim(&of.store, epoch));
        async move { store.change_cluster(wish).await }
    };
    let (one, two) = tokio::join!(wish(&first, None), wish(&second, None));
    assert!(one.is_ok() != two.is_ok(), "one owner: {one:?} {two:?}");
    let refusal = one.and(two).unwrap_err();
    let StoreError::Cluster(Refusal::Lease(LeaseRefusal::Held(held))) = refusal else {
        panic!("{refusal}")
    };
    second.read().await;
    assert_eq!(second.store.cluster().leases.of(&held.actor), Some(&held));
    let by = if held.node == id { &first } else { &second };
    wish(by, Some(held.epoch)).await.unwrap();
    first.read().await;
    second.read().await;
    assert_eq!(first.store.cluster(), second.store.cluster());
    assert_eq!(first.store.cluster().leases.newest(), Epoch(*told.borrow_and_update()));
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_lost_or_damaged_is_made_again_from_snapshot_and_log() {
    let (dir, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let node = Running::start(dir.path(), &wire, 1, false).await;
    let (id, demo, before) = (node.store.node(), name("demo"), token(dir.path()));
    node.store.create_channel(demo.clone(), String::new(), Timestamp(1)).await.unwrap();
    let (key, secret) = node.store.create_key(&demo, "a".into(), None, Timestamp(1)).await.unwrap();
    node.stop().await;
    closed(dir.path()).await;
    let database = dir.path().join("db");
    for incarnation in 2..=3 {
        if incarnation == 2 {
            std::fs::remove_dir_all(&database).unwrap();
        } else {
            let mut bytes = std::fs::read(database.join("db")).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
            std::fs::write(database.join("db"), bytes).unwrap();
        }
        let node = Running::start(dir.path(), &wire, incarnation, false).await;
        assert_eq!(node.store.node(), id);
        assert_eq!(node.store.authenticate(&secret, Timestamp(2)), Ok(key.clone()));
        assert!(node.store.check_operator_token(&before));
        node.stop().await;
        closed(dir.path()).await;
    }
}

/// A request that brings `units` to a user.
fn top_up(id: u128, units: u64) -> Request {
    let provider = Provider::named("test").unwrap();
    let amount = units.try_into().unwrap();
    let command = IncomeCommand::TopUp { user: AccountId(5), amount, provider };
    let (reason, refs) = ("test".into(), Refs::default());
    Request { id, by: AccountId(1), reason, refs, command: Money::Income(command) }
}

/// The request that founds the ledger, as its first record.
fn found() -> Request {
    let currency = Currency::new("EUR", 2).unwrap();
    let command = Money::Control(ControlCommand::Found(Founding { ledger: 7, currency }));
    Request { id: 0, command, ..top_up(0, 1) }
}

fn wealth(of: &Running) -> u128 {
    of.ledger.read(|state| state.balance(&Account::wallet(AccountId(5))).available())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_acknowledged_once_and_is_there_after_a_start_and_after_the_log_forgot_it() {
    let (dir, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let node = Running::start(dir.path(), &wire, 1, false).await;
    let told = node.teller.ask(&top_up(1, 100)).await.unwrap();
    assert_eq!((told.answer.seq, told.answer.replayed), (Some(2), false));
    assert_eq!(told.durability, Durability::Local);
    let again = node.teller.ask(&top_up(1, 100)).await.unwrap();
    assert_eq!((again.answer.seq, again.answer.replayed), (Some(2), true));
    let other = node.teller.ask(&top_up(1, 101)).await.unwrap();
    assert!(other.answer.result.is_err());
    node.stop().await;
    wire.1.write().clear();
    closed(dir.path()).await;

    // A power cut takes what was not synced; the log brings it back.
    let journal = dir.path().join("ledger/0000000000000001.journal");
    std::fs::write(&journal, []).unwrap();
    let node = Running::start(dir.path(), &wire, 2, false).await;
    assert_eq!(wealth(&node), 100);
    node.consensus.snapshot().await.unwrap();
    node.teller.ask(&top_up(2, 10)).await.unwrap();
    node.stop().await;
    wire.1.write().clear();
    closed(dir.path()).await;

    // What the log has forgotten it cannot bring back, and nobody goes on without it.
    std::fs::write(&journal, []).unwrap();
    let store = Store::open(dir.path(), Timestamp(1)).unwrap();
    let error = Running::open(store, dir.path(), &wire, 3, false).await.err().unwrap();
    assert!(error.to_string().contains("the ledger beside the log is older"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_waits_for_shares_few_batches_and_is_made_all_the_same() {
    let (dir, wire) = (tempfile::tempdir().unwrap(), Wire::default());
    let node = Running::start(dir.path(), &wire, 1, false).await;
    let before = node.teller.figures().batches.load(Ordering::Relaxed);
    let requests: Vec<Request> = (1..=100).map(|id| top_up(id, 1)).collect();
    let asked = requests.iter().map(|request| node.teller.ask_unhurried(request));
    let told = futures_util::future::join_all(asked).await;
    assert!(told.iter().all(|told| told.as_ref().is_ok_and(|told| told.answer.result.is_ok())));
    assert_eq!(wealth(&node), 100);
    let batches = node.teller.figures().batches.load(Ordering::Relaxed) - before;
    assert!((1..=50).contains(&batches), "{batches} batches");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_joins_fetches_the_records_that_the_log_forgot() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let wire = Wire::default();
    let first = Running::start(dirs[0].path(), &wire, 1, false).await;
    for id in 1..=300 {
        first.teller.ask(&top_up(id, 10)).await.unwrap();
    }
    first.consensus.snapshot().await.unwrap();
    first.teller.ask(&top_up(301, 10)).await.unwrap();
    let second = Running::start(dirs[1].path(), &wire, 1, true).await;
    let two = second.store.node().id;
    first.consensus.change(Change::AddLearner(two)).await.unwrap();
    until(async || first.consensus.change(Change::Promote(two)).await.is_ok()).await;
    let told = second.teller.ask(&top_up(302, 10)).await.unwrap();
    assert_eq!((told.answer.seq, told.durability), (Some(303), Durability::Quorum));
    second.read().await;
    first.read().await;
    assert_eq!((wealth(&first), wealth(&second)), (3_020, 3_020));
    assert_eq!(first.ledger.head(), second.ledger.head());
    let all = |of: &Running| of.ledger.records(1, usize::MAX).unwrap();
    assert_eq!(all(&first), all(&second));
    second.stop().await;
    first.stop().await;
}

#[test]
fn a_change_of_unknown_outcome_is_told_apart_from_one_that_was_not_made() {
    let code = |error: &ProposeError| ApiError::from(refused(error)).code;
    assert_eq!(code(&ProposeError::Unknown), ErrorCode::Timeout);
    for not_made in [
        ProposeError::NoLeader,
        ProposeError::NoRoom("the disk is full".into()),
        ProposeError::Stopped("damaged".into()),
    ] {
        assert_eq!(code(&not_made), ErrorCode::Unavailable, "{not_made}");
    }
    assert_eq!(code(&ProposeError::TooLarge(1 << 20)), ErrorCode::Invalid);
}
