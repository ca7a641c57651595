//! The log as consensus sees it, and as a power cut leaves it.

use super::*;

mod cut;
pub(in crate::raft) mod disk;

fn point(term: u64, index: u64) -> Point {
    Point { term, node: 1, index }
}

fn entry(term: u64, index: u64, body: &str) -> Record {
    Record::Entry(point(term, index), body.as_bytes().into())
}

fn texts(log: &Log, range: impl RangeBounds<u64>) -> Vec<String> {
    let bodies = log.entries(range, usize::MAX).unwrap();
    bodies.iter().map(|body| String::from_utf8(body.to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    log.write(vec![Record::Vote((*b"me").into()), entry(1, 0, "a"), entry(1, 1, "b")])
        .await
        .unwrap();
    log.write(vec![entry(1, 2, "c"), Record::Truncate(1), entry(2, 1, "d")]).await.unwrap();
    log.write(vec![Record::Committed(Some(point(2, 1)))]).await.unwrap();
    drop(log);
    let log = Log::open(dir.path()).unwrap();
    assert_eq!(texts(&log, ..), ["a", "d"]);
    assert_eq!(texts(&log, 1..2), ["d"]);
    assert!(texts(&log, 2..2).is_empty());
    assert_eq!((log.last(), log.committed()), (Some(point(2, 1)), Some(point(2, 1))));
    assert_eq!(log.vote().as_deref(), Some(&b"me"[..]));
}

#[tokio::test]
async fn a_purge_frees_old_segments_and_loses_neither_vote_nor_place() {
    let dir = tempfile::tempdir().unwrap();
    let files: Arc<dyn Files> = Arc::new(Folder::open(dir.path()).unwrap());
    let log = Log::open_on(Arc::clone(&files), 4096).unwrap();
    log.write(vec![Record::Vote((*b"me").into())]).await.unwrap();
    for index in 0..100 {
        log.write(vec![entry(1, index, &"x".repeat(300))]).await.unwrap();
    }
    let before = files.list().unwrap().len();
    assert!(before > 9, "{before}");
    log.write(vec![Record::Purge(point(1, 94))]).await.unwrap();
    // Nobody waits for the removal; the thread that does it ends with the log.
    drop(log);
    assert!(files.list().unwrap().len() <= 2);
    let log = Log::open_on(Arc::clone(&files), 4096).unwrap();
    assert_eq!(texts(&log, ..).len(), 5);
    assert_eq!((log.purged(), log.last()), (Some(point(1, 94)), Some(point(1, 99))));
    assert!(log.vote().is_some());
    log.write(vec![Record::Purge(point(1, 99))]).await.unwrap();
    assert_eq!((texts(&log, ..).len(), log.last()), (0, Some(point(1, 99))));
    drop(log);
    assert_eq!(check(dir.path()).unwrap().entries, 0);
}

#[tokio::test]
async fn entries_that_left_the_memory_are_read_from_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let body = |index: u64| format!("{index}{}", "x".repeat(500 << 10));
    for index in 0..20 {
        log.write(vec![entry(1, index, &body(index))]).await.unwrap();
    }
    let in_memory = |log: &Log| {
        let state = log.inner.shared.state.read();
        state.entries.values().filter(|slot| slot.body.is_some()).count()
    };
    assert_eq!(in_memory(&log), 8);
    for index in 0..20 {
        assert_eq!(texts(&log, index..=index), [body(index)]);
    }
    assert_eq!(log.entries(3..9, 1100 << 10).unwrap().len(), 2);
    assert_eq!(log.entries(3..9, 1).unwrap().len(), 1);
    drop(log);
    assert_eq!(in_memory(&Log::open(dir.path()).unwrap()), 8);
}

#[tokio::test]
async fn damage_before_the_end_is_refused_with_a_sentence_and_a_torn_end_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    for index in 0..3 {
        log.write(vec![entry(1, index, "body")]).await.unwrap();
    }
    let file = dir.path().join(log.inner.files.list().unwrap().pop().unwrap());
    drop(log);
    let sound = std::fs::read(&file).unwrap();
    let bodies: Vec<usize> =
        (0..sound.len() - 4).filter(|at| &sound[*at..at + 4] == b"body").collect();
    let damage = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    };
    damage(bodies[1]);
    let error = Log::open(dir.path()).err().unwrap().to_string();
    assert!(error.contains("cannot be read, but what follows"), "{error}");
    assert_eq!(check(dir.path()).unwrap_err().to_string(), error);

    damage(bodies[2]);
    assert_eq!(check(dir.path()), Ok(LogReport { frames: 3, entries: 2, torn: true }));
    let log = Log::open(dir.path()).unwrap();
    assert_eq!(texts(&log, ..).len(), 2);
    drop(log);
    assert!(!check(dir.path()).unwrap().torn);
}

#[tokio::test]
async fn writes_that_wait_together_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let writes = (0..60).map(|index| log.write(vec![entry(1, index, "x")]));
    futures_util::future::try_join_all(writes).await.unwrap();
    let figures = log.figures();
    assert_eq!((figures.records, figures.errors), (60, 0));
    assert!(figures.groups < 60, "{figures:?}");
    assert_eq!(texts(&log, ..).len(), 60);
}
