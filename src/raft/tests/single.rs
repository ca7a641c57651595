//! A cluster of one.

use super::*;

#[tokio::test]
async fn one_node_is_a_cluster_of_one_and_keeps_everything_across_restarts() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(7, &mesh);
    let running = node.start().await;
    assert!(!running.is_member().await.unwrap());
    running.found().await.unwrap();
    running.found().await.unwrap();
    for n in 1..=10 {
        assert_eq!(add(&running, 1).await, Ok(n));
    }
    assert_eq!(running.status().part, Part::Leader);
    drop(running);
    node.stop().await;

    let running = node.start().await;
    assert!(running.is_member().await.unwrap());
    assert_eq!(add(&running, 1).await, Ok(11));
    drop(running);
    node.stop().await;
    let report = check(node.dir.path()).unwrap();
    assert!(report.snapshot.is_some() && report.log.entries >= 11, "{report:?}");
}

#[tokio::test]
async fn a_machine_that_lost_its_store_is_made_again_from_snapshot_and_log() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(7, &mesh);
    node.machine().0.lock().total = 500;
    let running = node.start().await;
    running.found().await.unwrap();
    assert_eq!(add(&running, 1).await, Ok(501));
    drop(running);
    node.stop().await;
    *node.machine.lock() = Arc::default();
    let running = node.start().await;
    running.read_barrier(PATIENCE).await.unwrap();
    assert_eq!(node.machine().total(), 501);
    assert_eq!(add(&running, 1).await, Ok(502));
}

#[tokio::test]
async fn a_log_that_vanished_is_not_taken_for_a_new_one() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(7, &mesh);
    let running = node.start().await;
    running.found().await.unwrap();
    drop(running);
    node.stop().await;
    std::fs::remove_dir_all(node.dir.path().join(LOG)).unwrap();
    let opened = Consensus::open(Parts {
        dir: node.dir.path().to_owned(),
        node: NodeId(7),
        incarnation: 9,
        machine: node.machine(),
        network: Arc::new(Way { from: 7, mesh: Arc::clone(&mesh) }),
        spawn: spawn(),
        room: node.room(),
        now: || weir_model::Timestamp(0),
    });
    let error = opened.await.err().unwrap().to_string();
    assert!(error.contains("it is empty, but the state beside it"), "{error}");
}

#[tokio::test]
async fn a_node_in_no_cluster_says_that_nothing_was_changed() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(7, &mesh);
    let running = node.start().await;
    let command = serde_json::value::to_raw_value(&1).unwrap();
    let short = Duration::from_millis(200);
    let answer = running.propose(command, Purpose::Wish, short).await;
    assert_eq!(answer.unwrap_err(), ProposeError::NoLeader);
    assert_eq!(running.read_barrier(short).await, Err(ProposeError::NoLeader));
    let large = serde_json::value::to_raw_value(&"x".repeat(200 << 10)).unwrap();
    let answer = running.propose(large, Purpose::Wish, short).await;
    assert!(matches!(answer, Err(ProposeError::TooLarge(_))));
}

#[tokio::test]
async fn without_room_a_wish_is_refused_and_what_runs_goes_on() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(7, &mesh);
    let running = node.start().await;
    running.found().await.unwrap();
    node.full.store(true, Ordering::Relaxed);
    assert_eq!(add(&running, 1).await, Err(ProposeError::NoRoom("its disk is full".into())));
    let one = serde_json::value::to_raw_value(&1).unwrap();
    let kept = running.propose(one, Purpose::Upkeep, PATIENCE).await.unwrap();
    assert_eq!(kept.get(), "1");
    node.full.store(false, Ordering::Relaxed);
    assert_eq!(add(&running, 1).await, Ok(2));
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_is_stopped_has_not_failed() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(7, &mesh);
    let running = node.start().await;
    running.found().await.unwrap();
    running.shutdown().await;
    let told = tokio::time::timeout(Duration::from_millis(200), running.failed()).await;
    assert!(told.is_err(), "{told:?}");
}
