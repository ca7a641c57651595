//! The connection against a node that fails on command; time is simulated.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::BoxStream;
use weir_model::ErrorCode;
use weir_model::cluster::CheckReport;

use super::*;
use crate::act::money::Deed;
use crate::fixture;

fn gone() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is no channel gone")
}

/// A recorded node with a switch.
struct Flaky {
    up: Arc<AtomicBool>,
    followed: mpsc::UnboundedSender<Option<u64>>,
    node: replay::Recording,
    ledger_is_silent: bool,
}

impl Flaky {
    fn start() -> (Arc<AtomicBool>, Conn, mpsc::Receiver<Update>) {
        let mut node = fixture::recording();
        node.events.clear();
        let (flaky, _) = Self::new(node);
        let up = flaky.up.clone();
        let (conn, updates) = Conn::start(flaky);
        (up, conn, updates)
    }

    fn new(node: replay::Recording) -> (Self, mpsc::UnboundedReceiver<Option<u64>>) {
        let (followed, asked) = mpsc::unbounded_channel();
        let up = Arc::new(AtomicBool::new(true));
        (Self { up, followed, node, ledger_is_silent: false }, asked)
    }

    fn check(&self) -> Answer<()> {
        if self.up.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Failure::Unreachable("connection refused".into()))
    }
}

impl Api for Flaky {
    async fn status(&self) -> Answer<NodeStatus> {
        self.check()?;
        self.node.status().await
    }
    async fn streams(&self) -> Answer<Vec<StreamInfo>> {
        self.node.streams().await
    }
    async fn viewings(&self, channel: &ChannelName) -> Answer<Vec<Viewing>> {
        if channel.as_str() == "gone" {
            return Err(Failure::Refused(gone()));
        }
        self.node.viewings(channel).await
    }
    async fn explain(&self, channel: &ChannelName) -> Answer<Vec<String>> {
        self.node.explain(channel).await
    }
    async fn channels(&self) -> Answer<Vec<Channel>> {
        self.node.channels().await
    }
    async fn keys(&self, channel: &ChannelName) -> Answer<Vec<StreamKey>> {
        self.node.keys(channel).await
    }
    async fn nodes(&self) -> Answer<Vec<ClusterNode>> {
        self.node.nodes().await
    }
    async fn links(&self) -> Answer<Vec<LinkInfo>> {
        self.node.links().await
    }
    async fn actors(&self) -> Answer<Vec<LeaseInfo>> {
        self.node.actors().await
    }
    async fn replicas(&self) -> Answer<Vec<ReplicaInfo>> {
        self.node.replicas().await
    }
    async fn cluster(&self) -> Answer<ClusterStatus> {
        self.node.cluster().await
    }
    async fn money(&self, page: &MoneyPage) -> Answer<MoneyTold> {
        if self.ledger_is_silent {
            return std::future::pending().await;
        }
        self.node.money(page).await
    }
    async fn check(&self) -> Answer<CheckReport> {
        self.node.check().await
    }
    async fn follow(&self, after: Option<u64>) -> Answer<BoxStream<'static, Answer<Event>>> {
        // Every connection lives for one event.
        let _ = self.followed.send(after);
        let next = self.node.events.iter().find(|e| after.is_none_or(|c| e.cursor > c));
        Ok(futures_util::stream::iter(next.cloned().map(Ok)).boxed())
    }
    async fn attempt(&self, wish: &Wish, once: LedgerId) -> Answer<Tried> {
        self.check()?;
        self.node.attempt(wish, once).await
    }
    async fn act(&self, _: &Act) -> Answer<String> {
        self.check()?;
        std::future::pending().await
    }
}

fn kick() -> Act {
    Act::KickStream { channel: "demo".parse().unwrap(), reason: "test".into() }
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_is_asked_again_until_it_answers() {
    let (up, _conn, mut updates) = Flaky::start();
    assert!(matches!(updates.recv().await, Some(Update::Seen(_))));
    up.store(false, Ordering::Relaxed);
    for expected in [1, 2, 3] {
        let update = updates.recv().await;
        assert!(matches!(update, Some(Update::Lost { attempt, .. }) if attempt == expected));
    }
    up.store(true, Ordering::Relaxed);
    assert!(matches!(updates.recv().await, Some(Update::Seen(_))));
}

#[tokio::test(start_paused = true)]
async fn an_act_while_the_node_is_away_fails_and_says_so() {
    let (up, conn, mut updates) = Flaky::start();
    updates.recv().await.unwrap();
    up.store(false, Ordering::Relaxed);
    conn.send(Request::Act(7, kick())).unwrap();
    let done = loop {
        if let Some(Update::Done { id, result }) = updates.recv().await {
            break (id, result);
        }
    };
    assert_eq!(done, (7, Err("connection refused".into())));
}

#[tokio::test(start_paused = true)]
async fn an_act_without_an_answer_ends_as_failed() {
    let (_up, conn, mut updates) = Flaky::start();
    conn.send(Request::Act(1, kick())).unwrap();
    let result = loop {
        if let Some(Update::Done { result, .. }) = updates.recv().await {
            break result;
        }
    };
    assert!(result.unwrap_err().contains("no answer in time"));
}

#[tokio::test(start_paused = true)]
async fn events_are_resumed_after_the_last_one_that_came() {
    let (flaky, mut asked) = Flaky::new(fixture::recording());
    let (_conn, mut updates) = Conn::start(flaky);
    for expected in [None, Some(1), Some(2), Some(3)] {
        assert_eq!(asked.recv().await, Some(expected));
    }
    let mut cursors = Vec::new();
    while cursors.len() < 4 {
        if let Some(Update::Event(event)) = updates.recv().await {
            cursors.push(event.cursor);
        }
    }
    assert_eq!(cursors, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn acts_beyond_the_limit_are_refused_at_the_keyboard() {
    let (_up, conn, _updates) = Flaky::start();
    let refused = (0..64).filter_map(|id| conn.send(Request::Act(id, kick())).err()).count();
    assert_eq!(refused, 64 - ACTS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_page_about_something_gone_is_not_a_lost_node() {
    let (_up, conn, mut updates) = Flaky::start();
    conn.send(Request::Focus(Focus::Stream("gone".parse().unwrap()))).unwrap();
    let Some(Update::Seen(snapshot)) = updates.recv().await else { panic!("lost") };
    assert_eq!(snapshot.detail, Detail::Refused(gone()));
}

fn money(once: LedgerId) -> Act {
    let deed = Deed::Credit { account: "fan".into(), amount: "1.00".into() };
    Act::Money { deed, once, reason: "test".into() }
}

#[tokio::test(start_paused = true)]
async fn money_that_nobody_answered_for_may_have_moved_and_its_line_is_safe_to_repeat() {
    let (_up, conn, mut updates) = Flaky::start();
    let once = LedgerId::new(7).unwrap();
    conn.send(Request::Act(1, money(once))).unwrap();
    let result = loop {
        if let Some(Update::Done { result, .. }) = updates.recv().await {
            break result;
        }
    };
    let told = result.unwrap_err();
    assert!(told.contains("may have been done") && told.contains("once"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_waits_for_the_acts_before_it_and_says_why_it_would_not_be_done() {
    let (_up, conn, mut updates) = Flaky::start();
    let once = LedgerId::new(7).unwrap();
    conn.send(Request::Act(1, kick())).unwrap();
    conn.send(Request::Try(2, Wish::RefundOf { seq: 4, amount: None }, once)).unwrap();
    let mut told = Vec::new();
    while told.len() < 2 {
        match updates.recv().await.unwrap() {
            Update::Done { id, result } => told.push((id, result.unwrap_err())),
            Update::Tried { id, result } => told.push((id, result.unwrap_err())),
            _ => {}
        }
    }
    assert_eq!((told[0].0, told[1].0), (1, 2));
    assert_eq!(told[1].1, "this is a recording, nothing can be tried");
}

#[tokio::test(start_paused = true)]
async fn a_silent_ledger_is_said_on_its_page_and_is_not_a_lost_node() {
    let (mut flaky, _asked) = Flaky::new(fixture::recording());
    flaky.ledger_is_silent = true;
    let snapshot = look(&flaky, &Focus::Money(MoneyPage::Sessions)).await.unwrap();
    let Detail::Refused(error) = snapshot.detail else { panic!("{:?}", snapshot.detail) };
    assert_eq!(error.message, "The ledger has not answered in 4 s; it is asked again.");
    assert!(!snapshot.streams.is_empty());
}

#[test]
fn pauses_grow_to_a_bound() {
    let pauses: Vec<_> = (1..=7).map(|n| retry_pause(n).as_millis()).collect();
    assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    assert_eq!(retry_pause(u32::MAX), RETRY_MAX);
}
