//! Streams that come here and go elsewhere, and whoever asked for that waits no longer.

use std::pin::pin;

use futures_util::future::BoxFuture;
use weir_model::Epoch;

use super::*;
use crate::actors::placement::Yielded;

/// Lets nobody own anything before it is told to.
struct Slow {
    asked: Semaphore,
    may: Semaphore,
    taken: AtomicBool,
}

impl Default for Slow {
    fn default() -> Self {
        Self { asked: Semaphore::new(0), may: Semaphore::new(0), taken: AtomicBool::new(false) }
    }
}

impl Owner for Slow {
    fn take<'a>(
        &'a self,
        _: &'a ChannelName,
        _: KeyId,
    ) -> BoxFuture<'a, Result<Taken, PublishRefusal>> {
        Box::pin(async {
            self.asked.add_permits(1);
            self.may.acquire().await.unwrap().forget();
            self.taken.store(true, Ordering::Release);
            Ok(Taken { epoch: Epoch(1), tip: None })
        })
    }

    fn owns(&self, _: &ChannelName) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    fn release(&self, _: &ChannelName) {}
}

/// Begins something and waits for it no longer.
async fn give_up(work: impl Future) {
    tokio::select! {
        biased;
        _ = pin!(work) => panic!("it did not take any time"),
        () = std::future::ready(()) => {}
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, so).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_stream_is_taken_to_the_end_although_its_publisher_waits_no_longer() {
    let slow = Arc::new(Slow::default());
    let owner: Arc<dyn Owner> = Arc::<Slow>::clone(&slow);
    let bench = bench_of(owner).await;
    give_up(bench.publish("a")).await;
    slow.asked.acquire().await.unwrap().forget();
    assert_eq!(bench.streams.totals().publishers, 1, "it counts for as long as that takes");
    slow.may.add_permits(1);
    until("the stream has an actor", || bench.streams.living(&name("a")).is_some()).await;
    until("nobody publishes", || bench.streams.totals().publishers == 0).await;
    let publication = bench.let_in("a").await;
    assert_eq!(*publication.stop.borrow(), None);
    assert_eq!(slow.asked.available_permits(), 0, "it was taken once");
}

#[tokio::test]
async fn a_stream_is_left_to_the_end_whoever_waits_for_that() {
    let bench = bench().await;
    let publication = bench.let_in("a").await;
    let stage = bench.context.stages.find(&name("a")).unwrap();
    give_up(bench.streams.lose(&name("a"), StopReason::Moved)).await;
    assert_eq!(stopped(&publication).await, StopReason::Moved);
    until("the stream is left", || stage.own().is_none()).await;
    assert!(bench.streams.living(&name("a")).is_none());
    assert_eq!(bench.count("stream.ended"), 0, "its show goes on elsewhere");
}

#[tokio::test]
async fn a_stream_that_is_left_late_leaves_a_newer_one_alone() {
    let bench = bench().await;
    let first = bench.let_in("a").await;
    let stage = bench.context.stages.find(&name("a")).unwrap();
    give_up(bench.streams.lose(&name("a"), StopReason::Moved)).await;
    bench.streams.renew(&name("a"), Epoch(2));
    assert_eq!(stopped(&first).await, StopReason::Moved);
    until("the actor of before is gone", || bench.streams.living(&name("a")).is_none()).await;
    assert_eq!(stage.own(), Some(Epoch(2)));
}

#[tokio::test]
async fn a_show_that_may_go_on_elsewhere_goes_on_here_until_it_does() {
    let bench = bench().await;
    let key = bench.context.store.keys(&name("a")).unwrap()[0].id;
    assert_eq!(bench.streams.yields(&name("a"), key).await, None, "nothing is here");
    let publication = bench.let_in("a").await;
    let show = publication.show;
    assert_eq!(bench.streams.yields(&name("a"), key).await, Some(Yielded::Busy));
    drop(publication);
    bench.told("stream.publisher_gone").await;
    let free = bench.streams.yields(&name("a"), key).await;
    assert!(matches!(free, Some(Yielded::Free(_))), "{free:?}");
    let back = bench.let_in("a").await;
    assert_eq!(back.show, show, "the question changed nothing");
}

#[tokio::test]
async fn a_stream_whose_actor_died_is_fed_by_nobody_until_somebody_comes_back() {
    let bench = bench().await;
    let _publication = bench.let_in("a").await;
    let stage = bench.context.stages.find(&name("a")).unwrap();
    bench.streams.give_up_dead(&name("a"));
    assert!(stage.own().is_some(), "it lives");
    bench.context.tasks.kill("stream a packager");
    bench.told("actor.failed").await;
    until("the actor is gone", || bench.streams.living(&name("a")).is_none()).await;
    bench.streams.give_up_dead(&name("a"));
    assert!(stage.own().is_none());
    let _back = bench.let_in_again("a").await;
    assert!(stage.own().is_some());
}
