//! A disk that fails for a while, and forgets what it could not write, as Linux does (a page that failed
//! once counts as written): nothing acknowledged is lost, nothing refused comes back, and the node takes
//! changes again by itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::*;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a power cut would leave of each file, by inode, and whether the disk fails.
#[derive(Default)]
struct Platter {
    failing: AtomicBool,
    durable: Mutex<std::collections::HashMap<u64, Vec<u8>>>,
}

impl Platter {
    fn sync(&self, file: &File) -> std::io::Result<()> {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
        let mut file = File::options().read(true).write(true).open(path)?;
        let inode = file.metadata()?.ino();
        let mut durable = self.durable.lock();
        if !self.failing.load(Ordering::Relaxed) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            durable.insert(inode, bytes);
            return Ok(());
        }
        let bytes = durable.entry(inode).or_default();
        file.set_len(bytes.len() as u64)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(bytes)?;
        Err(std::io::Error::other("the disk is broken"))
    }
}

fn open_on(dir: &Path, platter: &Arc<Platter>) -> Store {
    let platter = Arc::clone(platter);
    Store::open_on(dir, Timestamp(1_000), Arc::new(move |file| platter.sync(file))).unwrap()
}

async fn make(store: &Store, text: &str) -> Result<Channel, StoreError> {
    store.create_channel(name(text), String::new(), Timestamp(0)).await
}

async fn works_again(store: &Store) {
    let wait = async {
        while store.is_failing() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_fails_for_a_while_loses_nothing_acknowledged_and_keeps_nothing_refused() {
    let dir = tempfile::tempdir().unwrap();
    let platter = Arc::new(Platter::default());
    let store = open_on(dir.path(), &platter);
    let mut kept = BTreeSet::new();
    for round in 0..3 {
        for n in 0..5 {
            let channel = format!("good-{round}-{n}");
            make(&store, &channel).await.unwrap();
            kept.insert(name(&channel));
        }
        platter.failing.store(true, Ordering::Relaxed);
        let victim = kept.first().unwrap().clone();
        assert!(store.delete_channel(&victim).await.is_err());
        let refused = make(&store, &format!("bad-{round}")).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Io(text) if text.contains("tried every 1 s")));
        assert!(store.is_failing());
        assert_eq!(store.loop_info().state, weir_model::node::LoopState::Stopped);
        let shown: BTreeSet<_> =
            store.channels().unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(shown, kept, "what was not made is not shown");
        platter.failing.store(false, Ordering::Relaxed);
        works_again(&store).await;
    }
    make(&store, "last").await.unwrap();
    kept.insert(name("last"));
    assert_eq!(store.loop_info().errors, 6);
    drop(store);
    let store = open(dir.path());
    let found: BTreeSet<_> = store.channels().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(found, kept);
    drop(store);
    assert_eq!(check::check(dir.path()).unwrap().exit_code(), 0);
}

#[tokio::test]
async fn questions_that_need_no_write_are_answered_while_the_disk_fails() {
    let dir = tempfile::tempdir().unwrap();
    let platter = Arc::new(Platter::default());
    let store = open_on(dir.path(), &platter);
    make(&store, "demo").await.unwrap();
    let demo = name("demo");
    let (key, _) = store.create_key(&demo, String::new(), None, Timestamp(0)).await.unwrap();
    let revoked = store.revoke_key(&demo, key.id, Timestamp(1)).await.unwrap();
    platter.failing.store(true, Ordering::Relaxed);
    assert!(store.reserve_msn(&demo, 10).await.is_err());
    assert_eq!(store.revoke_key(&demo, key.id, Timestamp(2)).await.unwrap(), revoked);
    assert!(matches!(make(&store, "demo").await, Err(StoreError::Exists { .. })));
    let gone = store.reserve_msn(&name("other"), 10).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    platter.failing.store(false, Ordering::Relaxed);
    works_again(&store).await;
    assert_eq!(store.reserve_msn(&demo, 10).await.unwrap(), 0, "the failed one was never given");
}
