//! The store as its callers see it, on a real disk.

use std::os::unix::fs::PermissionsExt;

use weir_model::{Channel, ChannelName, KeyRefusal};

use super::disk::DATABASE;
use super::entry::Entry;
use super::record::ClusterRecord;
use super::sled::Db;
use super::*;

mod failing;
mod followed;
mod kill;

fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open(dir, Timestamp(1_000)).unwrap()
}

fn token(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("operator.token")).unwrap().trim().to_owned()
}

#[tokio::test]
async fn what_was_made_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (node, operator) = (store.node(), store.operator());
    let made = store.create_channel(name("demo"), "Demo".into(), Timestamp(5)).await.unwrap();
    let (key, secret) =
        store.create_key(&name("demo"), "obs".into(), None, Timestamp(6)).await.unwrap();
    drop(store);

    let store = open(dir.path());
    assert_eq!((store.node(), store.operator()), (node, operator));
    assert_eq!(store.channel(&name("demo")).unwrap(), made);
    assert_eq!(store.channels().unwrap().len(), 1);
    assert_eq!(store.keys(&name("demo")).unwrap(), std::slice::from_ref(&key));
    assert_eq!(store.authenticate(&secret, Timestamp(7)), Ok(key));
    drop(store);
    assert_eq!(check::check(dir.path()).unwrap().exit_code(), 0);
}

#[tokio::test]
async fn a_key_opens_nothing_once_it_is_unknown_revoked_expired_or_its_channel_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let demo = name("demo");
    store.create_channel(demo.clone(), String::new(), Timestamp(0)).await.unwrap();
    let end = Some(Timestamp(100));
    let (key, secret) = store.create_key(&demo, String::new(), end, Timestamp(0)).await.unwrap();
    let refused = |secret: &str, now| store.authenticate(secret, now).unwrap_err();

    assert_eq!(refused("nonsense", Timestamp(1)), (KeyRefusal::Unknown, None));
    assert_eq!(refused("", Timestamp(1)), (KeyRefusal::Unknown, None));
    assert_eq!(refused(&secret, Timestamp(100)), (KeyRefusal::Expired, Some(key.clone())));
    let revoked = store.revoke_key(&demo, key.id, Timestamp(50)).await.unwrap();
    assert_eq!(refused(&secret, Timestamp(51)), (KeyRefusal::Revoked, Some(revoked)));
    store.delete_channel(&demo).await.unwrap();
    assert_eq!(refused(&secret, Timestamp(52)), (KeyRefusal::Unknown, None));
}

#[tokio::test]
async fn rotation_takes_the_old_key_back_and_gives_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let demo = name("demo");
    store.create_channel(demo.clone(), String::new(), Timestamp(0)).await.unwrap();
    let (old, was) = store.create_key(&demo, "obs".into(), None, Timestamp(0)).await.unwrap();
    let (new, is) = store.rotate_key(&demo, old.id, None, None, Timestamp(1)).await.unwrap();
    assert_eq!(new.label, "obs");
    assert_eq!(store.authenticate(&is, Timestamp(2)).unwrap().id, new.id);
    assert_eq!(store.authenticate(&was, Timestamp(2)).unwrap_err().0, KeyRefusal::Revoked);
}

#[tokio::test]
async fn numbers_are_reserved_once_across_restarts_and_deletions() {
    let dir = tempfile::tempdir().unwrap();
    let demo = name("demo");
    let store = open(dir.path());
    store.create_channel(demo.clone(), String::new(), Timestamp(0)).await.unwrap();
    assert_eq!(store.reserve_msn(&demo, 100).await.unwrap(), 0);
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.reserve_msn(&demo, 10).await.unwrap(), 100);
    store.delete_channel(&demo).await.unwrap();
    assert!(matches!(store.reserve_msn(&demo, 1).await, Err(StoreError::NotFound { .. })));
    store.create_channel(demo.clone(), String::new(), Timestamp(0)).await.unwrap();
    assert_eq!(store.reserve_msn(&demo, 1).await.unwrap(), 110);
    assert!(store.reserve_msn(&demo, u64::MAX).await.is_err());
}

#[tokio::test]
async fn a_rehearsal_checks_everything_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let demo = name("demo");
    let dry = store.rehearsal();
    dry.create_channel(demo.clone(), "Demo".into(), Timestamp(0)).await.unwrap();
    assert!(matches!(store.channel(&demo), Err(StoreError::NotFound { .. })));
    store.create_channel(demo.clone(), "Demo".into(), Timestamp(0)).await.unwrap();
    let again = dry.create_channel(demo.clone(), "Demo".into(), Timestamp(0)).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    dry.delete_channel(&demo).await.unwrap();
    assert!(store.channel(&demo).is_ok());
}

#[tokio::test]
async fn changes_that_wait_together_are_all_made() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.create_channel(name("demo"), String::new(), Timestamp(0)).await.unwrap();
    let demo = name("demo");
    let reserve = (0..500).map(|_| store.reserve_msn(&demo, 3));
    let mut firsts: Vec<u64> = futures_util::future::try_join_all(reserve).await.unwrap();
    firsts.sort_unstable();
    assert_eq!(firsts, (0..500).map(|n| n * 3).collect::<Vec<u64>>());
    assert_eq!(store.loop_info().queue, 0);
    assert_eq!(store.loop_info().done, 501);
}

#[test]
fn the_operator_token_is_private_and_only_it_opens() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = open(&data);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store.operator_token_file()), 0o600);
    assert_eq!(mode(&data), 0o700);
    let token = token(&data);
    assert_eq!(token.len(), 52);
    assert!(store.check_operator_token(&token));
    for wrong in ["", "x", &token[1..], &token.to_uppercase()] {
        assert!(!store.check_operator_token(wrong));
    }
}

#[test]
fn a_node_that_joins_keeps_no_token_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.drop_operator_token().unwrap();
    assert!(!store.operator_token_file().exists());
    store.drop_operator_token().unwrap();
}

#[tokio::test]
async fn a_token_that_is_replaced_is_private_and_the_one_before_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut known = vec![token(dir.path())];
    for _ in 0..2 {
        store.replace_operator_token().await.unwrap();
        let new = token(dir.path());
        assert!(store.check_operator_token(&new));
        assert!(known.iter().all(|old| !store.check_operator_token(old)));
        known.push(new);
    }
    let mode = std::fs::metadata(store.operator_token_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left = left.filter(|name| name.to_string_lossy().starts_with("operator.")).count();
    assert_eq!(left, 1, "nothing else is left");
}

#[test]
fn a_token_file_that_was_deleted_or_changed_is_replaced_and_the_old_token_dies() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let first = token(dir.path());
    drop(open(dir.path()));
    assert_eq!(token(dir.path()), first, "a restart keeps it");
    std::fs::remove_file(dir.path().join("operator.token")).unwrap();
    let store = open(dir.path());
    assert!(!store.check_operator_token(&first));
    assert!(store.check_operator_token(&token(dir.path())));
    drop(store);
    std::fs::write(dir.path().join("operator.token"), "guess").unwrap();
    let store = open(dir.path());
    assert!(!store.check_operator_token("guess"));
    assert!(store.check_operator_token(&token(dir.path())));
}

#[test]
fn a_second_node_on_the_same_directory_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let second = Store::open(dir.path(), Timestamp(0)).err().unwrap();
    assert!(second.to_string().contains("in use by another weir-node"), "{second}");
    assert!(matches!(check::check(dir.path()), Err(StoreError::InUse { .. })));
    drop(store);
    open(dir.path());
}

#[test]
fn a_damaged_store_does_not_open_and_names_the_check() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let db = Db::open(&dir.path().join(DATABASE), &to_disk()).unwrap();
    db.commit(vec![(b"channel/demo".to_vec(), Some(vec![99]))]).unwrap();
    drop(db);
    let error = Store::open(dir.path(), Timestamp(0)).err().unwrap().to_string();
    assert!(error.contains("channel/demo: it has version 99"), "{error}");
    assert!(error.contains("weir-node check --data DIR"), "{error}");
    let report = check::check(dir.path()).unwrap();
    assert_eq!(report.exit_code(), 1);
    assert!(report.to_string().contains("error: channel/demo"), "{report}");
}

#[test]
fn a_store_whose_database_was_overwritten_or_lost_is_not_taken_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let database = dir.path().join(DATABASE).join("db");
    let mut bytes = std::fs::read(&database).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&database, bytes).unwrap();
    for _ in 0..2 {
        let error = Store::open(dir.path(), Timestamp(0)).err().unwrap();
        assert!(error.to_string().contains("weir-node check"), "{error}");
        assert!(check::check(dir.path()).is_ok_and(|report| report.exit_code() == 1));
    }
    std::fs::remove_dir_all(dir.path().join(DATABASE)).unwrap();
    assert!(check::check(dir.path()).is_err());
    let error = Store::open(dir.path(), Timestamp(0)).err().unwrap();
    assert!(error.to_string().contains("records are lost"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file, Timestamp(0)).err().unwrap();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_directory_from_before_clusters_keeps_its_keys_and_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let demo = name("demo");
    store.create_channel(demo.clone(), String::new(), Timestamp(0)).await.unwrap();
    let (_, secret) = store.create_key(&demo, String::new(), None, Timestamp(0)).await.unwrap();
    let (first, shared) = (token(dir.path()), store.inner.held.catalog.read().shared());
    let ClusterRecord { hash_secret, operator_token } = shared;
    let node = NodeRecord { hash_secret, operator_token, ..store.inner.node.clone() };
    drop(store);
    // As it was: all in the record of the node.
    let db = Db::open(&dir.path().join(DATABASE), &to_disk()).unwrap();
    db.records().unwrap();
    let node = Entry::Node(node).encode().unwrap();
    db.commit(vec![(b"node".to_vec(), Some(node)), (b"cluster".to_vec(), None)]).unwrap();
    drop(db);

    for _ in 0..2 {
        let store = open(dir.path());
        assert_eq!(token(dir.path()), first);
        assert!(store.check_operator_token(&first));
        assert!(store.authenticate(&secret, Timestamp(1)).is_ok());
        let state = String::from_utf8(store.directory().snapshot().unwrap()).unwrap();
        assert!(state.contains("hash_secret") && !state.contains("\"node\""), "{state}");
        assert!(!state.contains(&secret) && !state.contains(&first), "no secret in clear");
    }
    assert_eq!(check::check(dir.path()).unwrap().exit_code(), 0);
}
