//! `weir-node check` reads a store that nobody uses and says whether it is sound.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::Node;

fn check(data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir-node"))
        .arg("check")
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_store_is_sound_after_a_clean_stop_and_after_kill_9() {
    let mut node = Node::start().await;
    node.channel("demo").await;
    node.stop().await;
    let checked = check(node.data());
    assert!(checked.status.success(), "{checked:?}");
    node.run().await;
    node.channel("other").await;
    node.kill();
    let checked = check(node.data());
    assert!(checked.status.success(), "{checked:?}");
}

#[tokio::test]
async fn a_damaged_store_is_named() {
    let mut node = Node::start().await;
    node.channel("demo").await;
    node.stop().await;
    let mut damaged = 0;
    for file in files_below(node.data()) {
        let mut bytes = std::fs::read(&file).unwrap();
        // The database's files only: the token and the notes beside it are text.
        if std::str::from_utf8(&bytes).is_err() {
            bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
            std::fs::write(&file, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "no database was found to damage");
    let checked = check(node.data());
    assert!(!checked.status.success(), "the damage was not seen: {checked:?}");
    assert!(!(checked.stdout.is_empty() && checked.stderr.is_empty()), "it said nothing");
}

#[test]
fn a_directory_without_a_store_is_an_error_and_stays_empty() {
    let empty = tempfile::tempdir().unwrap();
    let checked = check(empty.path());
    assert!(!checked.status.success(), "{checked:?}");
    assert_eq!(files_below(empty.path()), Vec::<std::path::PathBuf>::new());
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
