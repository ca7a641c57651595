//! A store that follows a log: whatever the log says of members, leases and invitations is there again after a
//! restart and in whoever gets a snapshot.

use proptest::prelude::*;
use serde_json::value::to_raw_value;
use weir_model::{InviteId, NodeId, Role, Roles};

use super::super::catalog::testing::{any_command, claim, invite, join, profile, start};
use super::*;

fn asking(index: u64, command: &Command) -> (u64, Vec<Asking>) {
    let command = to_raw_value(command).unwrap();
    (index, vec![Asking { id: (1, 1, index), since: 0, command }])
}

async fn follow(store: &Store, from: u64, commands: &[Command]) -> Vec<String> {
    let entries = (from..).zip(commands).map(|(index, command)| asking(index, command)).collect();
    let replies = store.directory().apply(entries, b"here".to_vec()).await.unwrap();
    replies.iter().flatten().map(|reply| reply.get().to_owned()).collect()
}

fn known(store: &Store) -> (weir_cluster::Directory, Vec<Invite>, u64) {
    let directory = store.cluster();
    ((*directory).clone(), store.invites(), *store.cluster_changes().borrow())
}

async fn restarts_and_installs(before: Vec<Command>, after: Vec<Command>) {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let store = open(dirs[0].path());
    follow(&store, 1, &before).await;
    let state = known(&store);
    drop(store);
    let store = open(dirs[0].path());
    assert_eq!(known(&store), state, "after a restart");

    let other = open(dirs[1].path());
    follow(&other, 1, &after).await;
    let snapshot = store.directory().snapshot().unwrap();
    other.directory().install(&snapshot, b"here".to_vec()).await.unwrap();
    assert_eq!(known(&other), state, "after a snapshot");
    let from = before.len() as u64 + 1;
    assert_eq!(follow(&other, from, &after).await, follow(&store, from, &after).await);
    assert_eq!(known(&other), known(&store), "and from there on");
    let state = known(&other);
    drop((store, other));
    // An operator brings the token of the cluster.
    let [one, two] = dirs.each_ref().map(|dir| dir.path().join("operator.token"));
    std::fs::copy(one, two).unwrap();
    for dir in &dirs {
        let report = check::check(dir.path()).unwrap();
        assert_eq!(report.exit_code(), 0, "{report}");
    }
    assert_eq!(known(&open(dirs[1].path())), state, "what was installed is stored");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_restart_and_a_snapshot_keep_members_leases_and_invitations(
        before in prop::collection::vec(any_command(), 0..60),
        after in prop::collection::vec(any_command(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(restarts_and_installs(before, after));
    }
}

#[tokio::test]
async fn a_change_of_the_cluster_is_told_with_its_index_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut changes = store.cluster_changes();
    assert_eq!(*changes.borrow_and_update(), 0);
    let held = store.cluster();
    let [one, two] = [join(1), start(1, 1)].map(Command::Cluster);
    follow(&store, 5, &[one.clone(), two]).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(*changes.borrow_and_update(), 6);
    assert!(held.members.is_empty(), "what somebody holds stays as it is");
    assert!(store.cluster().members.of(NodeId(1)).unwrap().is_alive());

    let replies = follow(&store, 7, &[one, Command::CreateInvite(invite(1, 0))]).await;
    assert!(replies[0].contains("nothing"), "{replies:?}");
    assert!(!changes.has_changed().unwrap(), "an invitation changes no member");
    let lost = Command::Cluster(claim("a", 9, 1, None));
    assert!(follow(&store, 9, &[lost]).await[0].contains("not_alive"));
    assert!(!changes.has_changed().unwrap(), "nor does a refusal");
}

#[tokio::test]
async fn an_installed_snapshot_is_told_even_when_nothing_is_different() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut changes = store.cluster_changes();
    let state = store.directory().snapshot().unwrap();
    store.directory().install(&state, b"here".to_vec()).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(*changes.borrow_and_update(), 0);
}

#[tokio::test]
async fn only_the_log_of_a_cluster_changes_members_leases_and_invitations() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let now = Timestamp(1);
    let edge = Roles::default().with(Role::Edge);
    for store in [&store, &store.rehearsal()] {
        let refused = [
            store.change_cluster(join(1)).await.err(),
            store.create_invite([1; 32], edge, Timestamp(9), now).await.err(),
            store.use_invite([1; 32], NodeId(1), [1; 32], profile("a"), now).await.err(),
            store.revoke_invite(InviteId(1), now).await.err(),
        ];
        for error in refused {
            assert!(error.unwrap().to_string().contains("needs the log of a cluster"));
        }
    }
    assert!(store.cluster().members.is_empty() && store.invites().is_empty());
}
