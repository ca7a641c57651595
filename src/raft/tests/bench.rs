//! How many small changes a second: prints, and fails only far below the bar.

use std::sync::atomic::AtomicUsize;

use futures_util::future::join_all;

use super::*;

const IN_FLIGHT: usize = 200;
const CHANGES: usize = 20_000;

async fn measure(name: &str, node: &Consensus) -> f64 {
    let left = AtomicUsize::new(CHANGES);
    let took = Mutex::new(Vec::with_capacity(CHANGES));
    let begin = tokio::time::Instant::now();
    let worker = async |_| {
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
        {
            let begin = tokio::time::Instant::now();
            add(node, 1).await.unwrap();
            took.lock().push(begin.elapsed());
        }
    };
    join_all((0..IN_FLIGHT).map(worker)).await;
    let rate = CHANGES as f64 / begin.elapsed().as_secs_f64();
    let mut took = took.into_inner();
    took.sort_unstable();
    let at = |share: f64| took[(took.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name}: {rate:.0}/s, p50 {:.1} ms, p99 {:.1} ms", at(0.5), at(0.99));
    rate
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; wants a machine of its own"]
async fn directory_writes_per_second() {
    let mesh = Arc::new(Mesh::default());
    let alone = Node::new(9, &mesh);
    let running = alone.start().await;
    running.found().await.unwrap();
    let one = measure("1 voter, 200 in flight", &running).await;
    let begin = tokio::time::Instant::now();
    for _ in 0..200 {
        add(&running, 1).await.unwrap();
    }
    println!("1 voter, one after the other: {:.2} ms each", begin.elapsed().as_secs_f64() * 5.0);
    drop(running);
    alone.stop().await;
    let begin = tokio::time::Instant::now();
    add(&alone.start().await, 1).await.unwrap();
    println!("1 voter, start to first write: {} ms", begin.elapsed().as_millis());
    alone.stop().await;
    let (_, nodes) = three().await;
    let leader = nodes.iter().find(|node| node.running().leads()).unwrap();
    let three = measure("3 voters, 200 in flight", &leader.running()).await;
    let follower = nodes.iter().find(|node| !node.running().leads()).unwrap();
    measure("3 voters, by way of a follower", &follower.running()).await;
    assert!(one > 500.0 && three > 500.0);
}
