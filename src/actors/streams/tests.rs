//! Who is let in, and what becomes of a stream whose disk, loop or node fails.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex as Lock};
use weir_media::codec::aac;
use weir_media::{Frame, Item, TrackId};
use weir_model::{Event, Timestamp};

use super::*;
use crate::actors::placement::Alone;
use crate::actors::viewings::Limits;

mod moving;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a write does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Writes {
    #[default]
    Work,
    Fail,
    Hang,
}

#[derive(Default)]
struct Disk {
    writes: Lock<Writes>,
    changed: Condvar,
}

impl Disk {
    fn set(&self, writes: Writes) {
        *self.writes.lock() = writes;
        self.changed.notify_all();
    }

    fn sync(&self) -> std::io::Result<()> {
        let mut writes = self.writes.lock();
        self.changed.wait_while(&mut writes, |writes| *writes == Writes::Hang);
        match *writes {
            Writes::Fail => Err(std::io::Error::other("on purpose")),
            _ => Ok(()),
        }
    }
}

struct Bench {
    streams: Streams,
    context: Context,
    disk: Arc<Disk>,
    secrets: BTreeMap<&'static str, String>,
    _dir: tempfile::TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.disk.set(Writes::Work);
    }
}

fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

async fn bench() -> Bench {
    bench_of(Arc::new(Alone)).await
}

async fn bench_of(owner: Arc<dyn Owner>) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let sync = Arc::clone(&disk);
    let store = Store::open_on(dir.path(), Timestamp(0), Arc::new(move |_| sync.sync())).unwrap();
    let mut secrets = BTreeMap::new();
    for channel in ["a", "b"] {
        store.create_channel(name(channel), String::new(), Timestamp(0)).await.unwrap();
        let key = store.create_key(&name(channel), String::new(), None, Timestamp(0)).await;
        secrets.insert(channel, key.unwrap().1);
    }
    let (events, tasks) = (Events::new(), Tasks::new());
    let viewings = Viewings::new(events.clone(), Limits { total: 9, per_address: 9 });
    let config = testing::CONFIG;
    let context = Context {
        stages: Stages::new(config.window),
        owner,
        config,
        events,
        store,
        tasks,
        viewings,
    };
    let streams = Streams::start(context.clone()).await.unwrap();
    Bench { streams, context, disk, secrets, _dir: dir }
}

impl Bench {
    async fn publish(&self, channel: &str) -> Result<Publication, PublishRefusal> {
        let request = PublishRequest {
            secret: self.secrets[channel].clone(),
            protocol: "rtmp",
            remote: ([192, 0, 2, 1], 4000).into(),
            encoder: "test".into(),
        };
        self.streams.publish(request).await
    }

    async fn let_in(&self, channel: &str) -> Publication {
        self.publish(channel).await.unwrap_or_else(|why| panic!("{channel}: {why}"))
    }

    /// Tries until it is let in.
    async fn let_in_again(&self, channel: &str) -> Publication {
        let again = async {
            loop {
                if let Ok(publication) = self.publish(channel).await {
                    return publication;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, again).await.unwrap()
    }

    /// How often it was told so far.
    fn count(&self, kind: &str) -> usize {
        let events = self.context.events.after(0, usize::MAX);
        events.iter().filter(|event| event.kind == kind).count()
    }

    async fn told(&self, kind: &str) -> Event {
        let mut cursor = self.context.events.cursor();
        let wait = async {
            loop {
                cursor.mark_unchanged();
                let events = self.context.events.after(0, usize::MAX);
                if let Some(event) = events.into_iter().find(|event| event.kind == kind) {
                    return event;
                }
                cursor.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{kind} is not told"))
    }
}

async fn stopped(publication: &Publication) -> StopReason {
    let mut stop = publication.stop.clone();
    let told = tokio::time::timeout(PATIENCE, stop.wait_for(Option::is_some)).await.unwrap();
    told.unwrap().clone().unwrap()
}

#[tokio::test]
async fn a_hanging_disk_keeps_only_publishers_of_new_channels_waiting() {
    let bench = bench().await;
    drop(bench.let_in("a").await);
    bench.disk.set(Writes::Hang);
    let admitted = tokio::select! {
        biased;
        _ = bench.publish("b") => panic!("b has no numbers"),
        admitted = bench.let_in_again("a") => admitted,
    };
    assert_eq!(admitted.channel, name("a"));
}

#[tokio::test]
async fn without_reserved_numbers_the_show_ends_and_goes_on_once_the_disk_works() {
    let bench = bench().await;
    let publication = bench.let_in("a").await;
    let public = bench.streams.public(&name("a")).unwrap();
    bench.disk.set(Writes::Fail);
    // As after an hour of renewals that failed.
    let next = public.gauge.next_msn.load(Ordering::Relaxed);
    public.gauge.msn_end.store(next, Ordering::Relaxed);
    assert_eq!(stopped(&publication).await, StopReason::StoreFails);
    assert_eq!(bench.told("stream.ended").await.channel, Some(name("a")));
    assert!(bench.told("stream.numbers_failing").await.fields["error"].contains("on purpose"));
    for channel in ["a", "b"] {
        let refused = bench.publish(channel).await.err();
        assert_eq!(refused, Some(PublishRefusal::Unavailable("its database failed")), "{channel}");
    }
    bench.disk.set(Writes::Work);
    let again = bench.let_in_again("a").await;
    assert_eq!(again.channel, name("a"));
    let end = public.gauge.msn_end.load(Ordering::Relaxed);
    assert!(public.gauge.numbers().may_begin());
    let after = bench.context.store.reserve_msn(&name("a"), 1).await.unwrap();
    assert!(end <= after, "{end} is used and {after} is given away");
}

/// Sound without a picture.
fn sound(seconds: i64) -> Vec<Item> {
    let config = aac::config(&[0x11, 0x90]).unwrap();
    let frames = (0..seconds * 48_000 / 1024).map(|n| {
        Item::Frame(Frame {
            track: TrackId::AUDIO,
            pts: n * 1024,
            dts: n * 1024,
            key: true,
            payload: vec![0; 32].into(),
        })
    });
    std::iter::once(Item::Config(TrackId::AUDIO, Arc::new(config))).chain(frames).collect()
}

#[tokio::test]
async fn nothing_is_published_under_a_number_that_was_not_reserved() {
    let bench = bench().await;
    let (with, without) = (bench.let_in("a").await, bench.let_in("b").await);
    let [public_with, public_without] =
        ["a", "b"].map(|channel| bench.streams.public(&name(channel)).unwrap());
    bench.disk.set(Writes::Fail);
    public_without.gauge.msn_end.store(1000, Ordering::Relaxed);
    without.feed.push(sound(6));
    with.feed.push(sound(6));
    assert!(public_with.window.wait_playable(0, PATIENCE).await);
    assert_eq!(stopped(&without).await, StopReason::StoreFails);
    assert!(public_without.gauge.bytes.load(Ordering::Relaxed) > 0);
    assert_eq!(public_without.window.newest_msn(), None);
}

#[tokio::test]
async fn numbers_are_renewed_long_before_they_are_used_up() {
    let bench = bench().await;
    let publication = bench.let_in("a").await;
    let gauge = Arc::clone(&bench.streams.public(&name("a")).unwrap().gauge);
    let first_end = gauge.msn_end.load(Ordering::Relaxed);
    gauge.next_msn.store(first_end / 2, Ordering::Relaxed);
    let renewed = async {
        while gauge.msn_end.load(Ordering::Relaxed) == first_end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.unwrap();
    assert_eq!(*publication.stop.borrow(), None);
}

#[tokio::test]
async fn a_channel_that_was_deleted_refuses_its_key_as_unknown_and_leaves_no_stream() {
    let bench = bench().await;
    let unknown = Some(PublishRefusal::Key(KeyRefusal::Unknown));
    bench.disk.set(Writes::Hang);
    let doomed = name("a");
    let delete = async {
        // The deletion waits for the disk together with the numbers of the publisher, before them.
        let deleted = bench.context.store.delete_channel(&doomed);
        tokio::pin!(deleted);
        tokio::select! {
            biased;
            _ = &mut deleted => panic!("the disk hangs"),
            () = tokio::task::yield_now() => {}
        }
        bench.disk.set(Writes::Work);
        deleted.await
    };
    let (deleted, refused) = tokio::join!(biased; delete, bench.publish("a"));
    deleted.unwrap();
    assert_eq!(refused.err(), unknown);
    assert!(bench.streams.public(&name("a")).is_none());
    let events = bench.context.events.after(0, usize::MAX);
    assert!(events.iter().all(|event| event.kind != "actor.failed"), "{events:?}");
}

#[tokio::test]
async fn a_stream_whose_channel_is_gone_goes_off_the_air() {
    let bench = bench().await;
    let publication = bench.let_in("a").await;
    bench.context.store.delete_channel(&name("a")).await.unwrap();
    assert_eq!(stopped(&publication).await, StopReason::KeyWithdrawn);
    let gauge = Arc::clone(&bench.streams.public(&name("a")).unwrap().gauge);
    gauge.next_msn.store(gauge.msn_end.load(Ordering::Relaxed) - 2000, Ordering::Relaxed);
    bench.told("stream.ended").await;
    let events = bench.context.events.after(0, usize::MAX);
    assert!(events.iter().all(|event| !event.kind.contains("fail")), "{events:?}");
}

#[tokio::test]
async fn a_dead_media_loop_is_replaced_and_its_numbers_go_on() {
    let bench = bench().await;
    let first = bench.let_in("a").await;
    let stream = bench.streams.public(&name("a")).unwrap();
    let before = stream.gauge.msn_end.load(Ordering::Relaxed);
    bench.context.tasks.kill("stream a packager");
    bench.told("actor.failed").await;
    drop(first);
    let second = bench.let_in_again("a").await;
    let again = bench.streams.public(&name("a")).unwrap();
    assert!(Arc::ptr_eq(&stream, &again), "viewers stay where they are");
    assert!(stream.gauge.next_msn.load(Ordering::Relaxed) >= before);
    assert!(stream.gauge.msn_end.load(Ordering::Relaxed) > before);
    assert_eq!(*second.stop.borrow(), None);
}

#[tokio::test]
async fn the_end_of_a_show_is_told_once() {
    let bench = bench().await;
    let _publication = bench.let_in("a").await;
    assert!(bench.streams.end(&name("a"), StopReason::NodeStops).await);
    assert_eq!(bench.count("stream.ended"), 1);
    // As when its channel is deleted, or the node stops, afterwards.
    assert!(!bench.streams.end(&name("a"), StopReason::KeyWithdrawn).await);
    assert_eq!(bench.count("stream.ended"), 1);
    let _next = bench.let_in("a").await;
    assert!(bench.streams.end(&name("a"), StopReason::NodeStops).await);
    assert_eq!(bench.count("stream.ended"), 2, "the next show has an end of its own");
}

#[tokio::test]
async fn nobody_is_let_in_while_the_node_closes() {
    let bench = bench().await;
    let publication = bench.let_in("a").await;
    bench.streams.close().await;
    assert_eq!(stopped(&publication).await, StopReason::NodeStops);
    for channel in ["a", "b"] {
        let refused = bench.publish(channel).await.err();
        assert_eq!(refused, Some(PublishRefusal::Unavailable("it stops")), "{channel}");
    }
    assert!(bench.streams.public(&name("b")).is_none());
}
