//! Three voters and those who join them.

use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_founder_held_reaches_everybody_and_every_node_takes_changes() {
    let (_, nodes) = three().await;
    for (n, node) in nodes.iter().enumerate() {
        assert_eq!(add(&node.running(), 1).await, Ok(1_001 + n as u64));
    }
    for node in &nodes {
        node.running().read_barrier(PATIENCE).await.unwrap();
        assert_eq!(node.machine().total(), 1_003);
    }
    for node in &nodes {
        node.stop().await;
    }
    for node in &nodes {
        *node.machine.lock() = Arc::default();
        node.start().await;
    }
    assert_eq!(add(&nodes[1].running(), 1).await, Ok(1_004), "all were off, with machines lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_while_leaders_die_and_answers_vanish() {
    let (mesh, nodes) = three().await;
    mesh.loss.store(20, Ordering::Relaxed);
    let clock = AtomicU64::new(1);
    let tick = || clock.fetch_add(1, Ordering::SeqCst);
    let done = AtomicBool::new(false);
    let history = Mutex::new(Vec::new());
    let write = async |nth: usize| {
        while !done.load(Ordering::Relaxed) {
            let node = mesh.nodes.read().get(&nodes[nth % 3].id).cloned();
            let Some(node) = node else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let begin = tick();
            // Unanswered ones may have been made; only answers are promises.
            if let Ok(value) = add(&node, 1).await {
                history.lock().push((begin, tick(), value));
            }
        }
    };
    let faults = async {
        let ids = [1, 2, 3];
        for round in 0..4 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let leader = nodes.iter().find(|node| node.running().leads());
            let leader = leader.unwrap_or(&nodes[0]);
            if round % 2 == 0 {
                mesh.isolate(leader.id, &ids);
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                mesh.heal();
            } else {
                leader.stop().await;
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                leader.start().await;
            }
        }
        mesh.loss.store(0, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        done.store(true, Ordering::Relaxed);
    };
    let writers = join_all((0..12).map(write));
    tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(faults, writers) })
        .await
        .unwrap();
    let history = history.into_inner();
    check_history(&history);
    assert!(history.len() > 100, "{}", history.len());
    let mut totals = Vec::new();
    for node in &nodes {
        node.running().read_barrier(PATIENCE).await.unwrap();
        totals.push(node.machine().total());
    }
    assert!(totals.iter().all(|total| *total == totals[0]), "{totals:?}");
    let newest = history.iter().map(|(_, _, value)| *value).max().unwrap();
    assert!(totals[0] >= newest && totals[0] >= 1_000 + history.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_off_leader_promises_nothing_and_reads_nothing_old() {
    let (mesh, nodes) = three().await;
    let leader = nodes.iter().find(|node| node.running().leads()).unwrap();
    mesh.isolate(leader.id, &[1, 2, 3]);
    let old = leader.running();
    let command = serde_json::value::to_raw_value(&1).unwrap();
    let short = Duration::from_millis(700);
    let (written, read) =
        tokio::join!(old.propose(command, Purpose::Wish, short), old.read_barrier(short));
    assert!(written.is_err() && read.is_err(), "{written:?} {read:?}");
    let other = nodes.iter().find(|node| node.id != leader.id).unwrap();
    assert!(add(&other.running(), 1).await.is_ok());
    mesh.heal();
    old.read_barrier(PATIENCE).await.unwrap();
    other.running().read_barrier(PATIENCE).await.unwrap();
    until(&[&old, &other.running()], "all is applied", |now| now.applied == now.last_log).await;
    assert_eq!(leader.machine().total(), other.machine().total());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_without_room_says_so_to_whoever_asks_where_ever() {
    let (_mesh, nodes) = three().await;
    let leader = nodes.iter().find(|node| node.running().leads()).unwrap();
    leader.full.store(true, Ordering::Relaxed);
    for node in &nodes {
        let refused = add(&node.running(), 1).await;
        assert_eq!(refused, Err(ProposeError::NoRoom("its disk is full".into())));
    }
    leader.full.store(false, Ordering::Relaxed);
    let follower = nodes.iter().find(|node| node.id != leader.id).unwrap();
    follower.full.store(true, Ordering::Relaxed);
    let made = add(&follower.running(), 1).await;
    assert!(made.is_ok(), "a follower's room is no reason to refuse: {made:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_made_by_the_leader_that_took_it_or_by_nobody() {
    let (mesh, nodes) = three().await;
    let one = || serde_json::value::to_raw_value(&1).unwrap();
    let leader = nodes.iter().find(|node| node.running().leads()).unwrap();
    let other = nodes.iter().find(|node| node.id != leader.id).unwrap();
    let by_another = other.running().decide(one(), PATIENCE).await;
    assert_eq!(by_another.unwrap_err(), ProposeError::NoLeader);
    let made = leader.running().decide(one(), PATIENCE).await;
    assert_eq!(made.unwrap().get(), "1001");

    mesh.isolate(leader.id, &[1, 2, 3]);
    let short = Duration::from_millis(300);
    let cut_off = leader.running().decide(one(), short).await;
    assert!(cut_off.is_err(), "{cut_off:?}");
    assert_eq!(add(&other.running(), 10).await, Ok(1_011));
    mesh.heal();
    leader.running().read_barrier(PATIENCE).await.unwrap();
    assert_eq!(leader.machine().total(), 1_011, "the next leader did not make it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_gets_the_snapshot_follows_votes_is_demoted_and_leaves() {
    let (mesh, nodes) = three().await;
    let leader = nodes.iter().find(|node| node.running().leads()).unwrap().running();
    let fourth = Node::new(4, &mesh);
    let running = fourth.start().await;
    leader.change(Change::AddLearner(NodeId(4))).await.unwrap();
    until(&[&running], "it learns", |now| now.part == Part::Learner && now.snapshot.is_some())
        .await;
    assert_eq!(add(&running, 1).await, Ok(1_001), "a learner forwards");
    running.read_barrier(PATIENCE).await.unwrap();
    assert_eq!(fourth.machine().total(), 1_001);

    // By way of a follower: the leader makes it.
    let follower = nodes.iter().find(|node| !node.running().leads()).unwrap().running();
    follower.change(Change::Promote(NodeId(4))).await.unwrap();
    until(&[&leader], "it votes", |now| now.voters.len() == 4).await;
    let again = leader.change(Change::Promote(NodeId(4))).await;
    assert!(matches!(again, Err(ChangeError::Forbidden(_))), "{again:?}");
    follower.change(Change::Demote(NodeId(4))).await.unwrap();
    until(&[&leader], "it learns", |now| now.learners == [NodeId(4)]).await;
    leader.change(Change::Remove(NodeId(4))).await.unwrap();
    until(&[&leader], "it left", |now| now.learners.is_empty() && now.voters.len() == 3).await;
    let unknown = leader.change(Change::Promote(NodeId(9))).await;
    assert!(unknown.unwrap_err().to_string().contains("is not in the cluster"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_demoted_leads_no_longer_and_is_taken_back_by_the_next() {
    let (_mesh, nodes) = three().await;
    let old = nodes.iter().find(|node| node.running().leads()).unwrap();
    let others: Vec<_> = nodes.iter().filter(|node| node.id != old.id).map(Node::running).collect();
    let gone = NodeId(old.id);
    // Asked of another one, so that the answer comes while the old one may still lead.
    others[0].change(Change::Demote(gone)).await.unwrap();
    let back = old.running().change(Change::AddLearner(gone)).await;
    assert!(back.is_err(), "a leader that has left takes itself back");
    let led = |now: &Status| now.leader.is_some_and(|leader| leader != gone);
    until(&[&others[0], &others[1]], "another one leads", led).await;
    others[0].change(Change::AddLearner(gone)).await.unwrap();
    until(&[&old.running()], "it learns", |now| now.part == Part::Learner && led(now)).await;
    assert_eq!(add(&old.running(), 1).await, Ok(1_001));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_was_away_catches_up() {
    let (mesh, nodes) = three().await;
    let away = nodes.iter().find(|node| !node.running().leads()).unwrap();
    mesh.isolate(away.id, &[1, 2, 3]);
    let leader = nodes.iter().find(|node| node.running().leads()).unwrap().running();
    for _ in 0..200 {
        add(&leader, 1).await.unwrap();
    }
    mesh.heal();
    away.running().read_barrier(PATIENCE).await.unwrap();
    assert_eq!(away.machine().total(), 1_200);
}
