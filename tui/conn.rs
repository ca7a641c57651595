//! The connection: asks the node in the background and hands what it learns to the state.
//!
//! Three loops share one API: the poller (condition, streams, what the open page needs), the follower (events) and
//! the doer (acts). None of them can block the keyboard: requests go in by `try_send`, answers come out by a bounded
//! queue. A lost node is asked again with growing pauses for as long as the console runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use weir_model::charge::LedgerId;
use weir_model::cluster::{
    ClusterFinding, ClusterNode, ClusterStatus, LeaseInfo, LinkInfo, ReplicaInfo,
};
use weir_model::node::NodeStatus;
use weir_model::{ApiError, Channel, ChannelName, Event, StreamInfo, StreamKey, Viewing};

use crate::act::Act;
use crate::act::money::{Tried, Wish};
use crate::state::nav::MoneyPage;
use api::{Answer, Api, Failure};
use money::MoneyTold;

pub mod api;
pub mod client;
pub mod money;
pub mod replay;

/// Pause between two looks at the node: bitrates are per second, so looking more often shows nothing new.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// A node that takes longer than this is shown as lost.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// First pause after a failure; doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest pause: a restarted node is seen within this time.
const RETRY_MAX: Duration = Duration::from_secs(8);
/// Answers on their way to the screen; the loops wait when the screen is slower.
const UPDATES_MAX: usize = 256;
/// Acts under way at once; more are refused at the keyboard and say so.
const ACTS_MAX: usize = 16;

/// What the open page needs beyond condition and streams.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Focus {
    /// Nothing more.
    #[default]
    Overview,
    /// One stream's viewers.
    Stream(ChannelName),
    /// All channels.
    Channels,
    /// One channel's keys.
    Channel(ChannelName),
    /// Nodes of the cluster.
    Nodes,
    /// Links between them.
    Links,
    /// Who owns what.
    Actors,
    /// Copies of streams.
    Replicas,
    /// The agreement.
    Raft,
    /// What a page about money shows.
    Money(MoneyPage),
}

/// What the open page got.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// Nothing was asked.
    None,
    /// Viewings and explanation of a stream.
    Stream(ChannelName, Vec<Viewing>, Vec<String>),
    /// All channels.
    Channels(Vec<Channel>),
    /// All channels and the keys of one.
    Channel(ChannelName, Vec<Channel>, Vec<StreamKey>),
    /// Nodes of the cluster.
    Nodes(Vec<ClusterNode>),
    /// Links between them.
    Links(Vec<LinkInfo>),
    /// Who owns what.
    Actors(Vec<LeaseInfo>),
    /// Copies of streams.
    Replicas(Vec<ReplicaInfo>),
    /// The agreement.
    Raft(Box<ClusterStatus>),
    /// What that page about money shows.
    Money(MoneyPage, MoneyTold),
    /// The node refused and says why.
    Refused(ApiError),
}

/// One look at the node.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Its condition.
    pub status: NodeStatus,
    /// Its cluster's streams.
    pub streams: Vec<StreamInfo>,
    /// What is wrong with its cluster, the worst first.
    pub findings: Vec<ClusterFinding>,
    /// For the open page.
    pub detail: Detail,
}

/// What the connection learned.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The node answered.
    Seen(Box<Snapshot>),
    /// It did not.
    Lost {
        /// Why.
        error: String,
        /// Failures in a row.
        attempt: u32,
        /// Until the next try.
        retry_ms: u64,
    },
    /// Something happened on the node.
    Event(Event),
    /// An act ended.
    Done {
        /// The number it was asked with.
        id: u64,
        /// What the node said, or why it failed.
        result: Result<String, String>,
    },
    /// Something was tried.
    Tried {
        /// The number it was asked with.
        id: u64,
        /// What it would do, or why it would not.
        result: Result<Box<Tried>, String>,
    },
}

/// What the screen asks of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Another page is open.
    Focus(Focus),
    /// Look now.
    Refresh,
    /// Do this; the answer carries the number.
    Act(u64, Act),
    /// Say what this would do under that id; the answer carries the number.
    Try(u64, Wish, LedgerId),
}

/// What waits for its turn at the node.
enum Asked {
    Act(u64, Act),
    Try(u64, Wish, LedgerId),
}

/// The keyboard's end. Dropping it ends the loops.
pub struct Conn {
    focus: watch::Sender<Focus>,
    refresh: Arc<Notify>,
    acts: mpsc::Sender<Asked>,
    _loops: JoinSet<()>,
}

impl Conn {
    /// Starts the loops. Must run inside a tokio runtime.
    pub fn start<A: Api>(api: A) -> (Self, mpsc::Receiver<Update>) {
        let api = Arc::new(api);
        let (updates, receiver) = mpsc::channel(UPDATES_MAX);
        let (focus, focus_seen) = watch::channel(Focus::default());
        let (acts, acts_asked) = mpsc::channel(ACTS_MAX);
        let refresh = Arc::new(Notify::new());
        let mut loops = JoinSet::new();
        loops.spawn(poller(api.clone(), focus_seen, refresh.clone(), updates.clone()));
        loops.spawn(follower(api.clone(), updates.clone()));
        loops.spawn(doer(api, acts_asked, updates));
        (Self { focus, refresh, acts, _loops: loops }, receiver)
    }

    /// Passes a request on without waiting.
    ///
    /// # Errors
    /// The update to show instead, when too many acts are under way.
    pub fn send(&self, request: Request) -> Result<(), Update> {
        match request {
            Request::Focus(focus) => {
                self.focus.send_if_modified(|old| {
                    let new = *old != focus;
                    *old = focus;
                    new
                });
            }
            Request::Refresh => self.refresh.notify_one(),
            Request::Act(id, act) => {
                if self.acts.try_send(Asked::Act(id, act)).is_err() {
                    return Err(Update::Done { id, result: Err(too_many()) });
                }
            }
            Request::Try(id, wish, once) => {
                if self.acts.try_send(Asked::Try(id, wish, once)).is_err() {
                    return Err(Update::Tried { id, result: Err(too_many()) });
                }
            }
        }
        Ok(())
    }
}

fn too_many() -> String {
    format!("not sent: {ACTS_MAX} acts are under way already")
}

/// One look at the node.
///
/// # Errors
/// The node did not answer, or refused the console as a whole.
pub async fn look<A: Api>(api: &A, focus: &Focus) -> Answer<Snapshot> {
    let all =
        async { tokio::try_join!(api.status(), api.streams(), findings(api), detail(api, focus)) };
    let late = |_| Failure::Unreachable(format!("no answer in {} s", CALL_TIMEOUT.as_secs()));
    let (status, streams, findings, detail) = timeout(CALL_TIMEOUT, all).await.map_err(late)??;
    Ok(Snapshot { status, streams, findings, detail })
}

/// What is wrong with the cluster. A node that refuses to say is none that is lost.
async fn findings<A: Api>(api: &A) -> Answer<Vec<ClusterFinding>> {
    match api.check().await {
        Ok(report) => Ok(report.findings),
        Err(Failure::Refused(_)) => Ok(Vec::new()),
        Err(lost) => Err(lost),
    }
}

async fn detail<A: Api>(api: &A, focus: &Focus) -> Answer<Detail> {
    let answer = match focus {
        Focus::Overview => Ok(Detail::None),
        Focus::Stream(name) => tokio::try_join!(api.viewings(name), api.explain(name))
            .map(|(viewings, why)| Detail::Stream(name.clone(), viewings, why)),
        Focus::Channels => api.channels().await.map(Detail::Channels),
        Focus::Channel(name) => tokio::try_join!(api.channels(), api.keys(name))
            .map(|(channels, keys)| Detail::Channel(name.clone(), channels, keys)),
        Focus::Nodes => api.nodes().await.map(Detail::Nodes),
        Focus::Links => api.links().await.map(Detail::Links),
        Focus::Actors => api.actors().await.map(Detail::Actors),
        Focus::Replicas => api.replicas().await.map(Detail::Replicas),
        Focus::Raft => api.cluster().await.map(|status| Detail::Raft(Box::new(status))),
        // It is large, and most pages do without it.
        Focus::Money(page) => Box::pin(money::asked(api, page)).await,
    };
    match answer {
        // A page about something that is gone must not look like a lost node.
        Err(Failure::Refused(error)) => Ok(Detail::Refused(error)),
        other => other,
    }
}

async fn poller<A: Api>(
    api: Arc<A>,
    mut focus: watch::Receiver<Focus>,
    refresh: Arc<Notify>,
    updates: mpsc::Sender<Update>,
) {
    let mut attempt = 0;
    loop {
        let wanted = focus.borrow_and_update().clone();
        let (update, pause) = match look(&*api, &wanted).await {
            Ok(snapshot) => {
                attempt = 0;
                (Update::Seen(Box::new(snapshot)), POLL_EVERY)
            }
            Err(failure) => {
                attempt += 1;
                let pause = retry_pause(attempt);
                let retry_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                (Update::Lost { error: failure.to_string(), attempt, retry_ms }, pause)
            }
        };
        if updates.send(update).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = refresh.notified() => {}
            // While the node is away another page changes nothing: keep to the pauses.
            changed = focus.changed(), if attempt == 0 => if changed.is_err() { return },
        }
    }
}

/// The pause after the given number of failures in a row.
fn retry_pause(attempt: u32) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    doubled.min(RETRY_MAX)
}

async fn follower<A: Api>(api: Arc<A>, updates: mpsc::Sender<Update>) {
    let mut cursor = None;
    let mut attempt = 0;
    loop {
        if let Ok(mut events) = api.follow(cursor).await {
            while let Some(Ok(event)) = events.next().await {
                attempt = 0;
                cursor = Some(event.cursor);
                if updates.send(Update::Event(event)).await.is_err() {
                    return;
                }
            }
        }
        // The poller tells the operator about a lost node; here it is enough to come back.
        attempt += 1;
        sleep(retry_pause(attempt)).await;
    }
}

async fn doer<A: Api>(
    api: Arc<A>,
    mut asked: mpsc::Receiver<Asked>,
    updates: mpsc::Sender<Update>,
) {
    // One after the other: what an operator does in a row must reach the node in that order.
    while let Some(asked) = asked.recv().await {
        let update = match asked {
            Asked::Act(id, act) => {
                let result = match timeout(CALL_TIMEOUT, api.act(&act)).await {
                    Ok(answer) => answer.map_err(|failure| failure.to_string()),
                    Err(_) => Err(act.unanswered().to_owned()),
                };
                Update::Done { id, result }
            }
            Asked::Try(id, wish, once) => {
                let result = match timeout(CALL_TIMEOUT, api.attempt(&wish, once)).await {
                    Ok(answer) => answer.map(Box::new).map_err(|failure| failure.to_string()),
                    Err(_) => Err("no answer in time; nothing was done".to_owned()),
                };
                Update::Tried { id, result }
            }
        };
        if updates.send(update).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
