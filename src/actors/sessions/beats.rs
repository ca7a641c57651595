//! What players prove, on its way from the edge they play at to the node that runs their session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use weir_ledger::meter::Halt;
use weir_model::{AccountId, NodeId, SessionId};
use weir_session::Standing;

use super::Inner;
use crate::actors::clock::monotonic_ms as now_ms;
use crate::actors::tasks::Handle;
use crate::link::request::{Kind, Refusal, encoded, parsed};

/// Kind of the request that carries beats.
const BEATS: &str = "session.beats";
/// How often they are sent: players beat once a second, and silence of three ends what is billed.
const EVERY: Duration = Duration::from_millis(500);
/// An answer that comes later is of no use.
const PATIENCE: Duration = Duration::from_secs(1);
/// Players of this node in sessions; of one more nothing is proved, and nothing billed.
const PLAYERS_MAX: usize = 20_000;
/// Beats of one request.
pub(super) const PER_REQUEST_MAX: usize = 4_000;
/// What was heard longer ago is forgotten, milliseconds.
const HEARD_MS: u64 = 10_000;

/// Beats of this node's players that wait, and what was said of them.
#[derive(Default)]
pub(super) struct Beats {
    waiting: Mutex<BTreeMap<(SessionId, AccountId), u64>>,
    heard: Mutex<BTreeMap<(SessionId, AccountId), (u64, Standing)>>,
    dropped: AtomicU64,
    /// Nodes that have not answered yet.
    asked: Mutex<BTreeSet<NodeId>>,
    /// There was no room since what waits was taken the last time.
    is_full: AtomicBool,
}

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Beat {
    session: SessionId,
    account: AccountId,
    /// How long ago it was, milliseconds.
    age_ms: u64,
}

/// How an account stands, on its way between nodes.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Told {
    session: SessionId,
    account: AccountId,
    billed: u64,
    delivered_ms: u64,
    paused: Option<Halt>,
    left_s: Option<u32>,
}

impl Told {
    pub(super) const fn of(session: SessionId, account: AccountId, standing: Standing) -> Self {
        let Standing { billed, delivered_ms, paused, left_s } = standing;
        Self { session, account, billed, delivered_ms, paused, left_s }
    }

    pub(super) const fn standing(self) -> (AccountId, Standing) {
        let Self { account, billed, delivered_ms, paused, left_s, .. } = self;
        (account, Standing { billed, delivered_ms, paused, left_s })
    }
}

impl Beats {
    /// Somebody played now.
    pub(super) fn note(&self, session: SessionId, account: AccountId, now_ms: u64) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < PLAYERS_MAX || waiting.contains_key(&(session, account)) {
            waiting.insert((session, account), now_ms);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            if !self.is_full.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    most = PLAYERS_MAX,
                    "too many players in sessions of other nodes; of further ones nothing is billed"
                );
            }
        }
    }

    /// Those that there was no room for.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What was last said of somebody.
    pub(super) fn heard(
        &self,
        session: SessionId,
        account: AccountId,
        now_ms: u64,
    ) -> Option<Standing> {
        let heard = self.heard.lock();
        let (at_ms, standing) = heard.get(&(session, account))?;
        (now_ms.saturating_sub(*at_ms) <= HEARD_MS).then_some(*standing)
    }

    fn take(&self) -> BTreeMap<(SessionId, AccountId), u64> {
        let mut waiting = self.waiting.lock();
        if waiting.len() < PLAYERS_MAX {
            self.is_full.store(false, Ordering::Relaxed);
        }
        std::mem::take(&mut *waiting)
    }

    fn hear(&self, all: Vec<Told>, now_ms: u64) {
        let mut heard = self.heard.lock();
        heard.retain(|_, (at_ms, _)| now_ms.saturating_sub(*at_ms) <= HEARD_MS);
        for told in all.into_iter().take(PER_REQUEST_MAX) {
            let (account, standing) = told.standing();
            heard.insert((told.session, account), (now_ms, standing));
        }
    }
}

/// A request to a node that is on its way, also when it ends early.
struct Asked<'a> {
    beats: &'a Beats,
    node: NodeId,
}

impl<'a> Asked<'a> {
    /// None when there is one.
    fn begin(beats: &'a Beats, node: NodeId) -> Option<Self> {
        beats.asked.lock().insert(node).then_some(Self { beats, node })
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.beats.asked.lock().remove(&self.node);
    }
}

/// Sends what waits until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = handle.stopping() => return,
        }
        let waiting = own.beats.take();
        handle.idle(waiting.len() as u64);
        for (node, beats) in own.by_node(waiting) {
            if node == own.node {
                own.take_beats(&beats);
            } else {
                own.context.tasks.spawn_unlisted(Arc::clone(&own).send(node, beats));
            }
        }
    }
}

impl Inner {
    fn by_node(
        &self,
        waiting: BTreeMap<(SessionId, AccountId), u64>,
    ) -> BTreeMap<NodeId, Vec<Beat>> {
        let now_ms = now_ms();
        let mut by_node: BTreeMap<NodeId, Vec<Beat>> = BTreeMap::new();
        for ((session, account), at_ms) in waiting {
            let known = self.context.store.session(session);
            // A session that nobody runs bills nothing either.
            let Some(node) = known.and_then(|known| self.place_of(&known)) else { continue };
            let age_ms = now_ms.saturating_sub(at_ms);
            by_node.entry(node).or_default().push(Beat { session, account, age_ms });
        }
        by_node
    }

    /// One request at a time for each node: a slow one makes nobody else's beats late.
    async fn send(self: Arc<Self>, node: NodeId, beats: Vec<Beat>) {
        // The next ones are newer.
        let Some(_asked) = Asked::begin(&self.beats, node) else { return };
        for some in beats.chunks(PER_REQUEST_MAX) {
            match self.link.ask::<_, Vec<Told>>(node, BEATS, some, PATIENCE).await {
                Ok(told) => self.beats.hear(told, now_ms()),
                // Not proved, not billed; the next ones may arrive.
                Err(error) => tracing::debug!(%node, %error, "beats of players were lost"),
            }
        }
    }

    fn take_beats(&self, beats: &[Beat]) -> Vec<Told> {
        let (running, now_ms) = (self.running.read(), now_ms());
        let mut told = Vec::new();
        for Beat { session, account, age_ms } in beats.iter().copied() {
            let Some(one) = running.get(&session) else { continue };
            if one.meter.played(account, now_ms.saturating_sub(age_ms))
                && let Some(standing) = one.meter.standing(account)
            {
                told.push(Told::of(session, account, standing));
            }
        }
        told
    }
}

/// Takes what players of other nodes prove.
pub(super) fn serve(own: &Arc<Inner>) {
    let weak = Arc::downgrade(own);
    own.link.on_request(BEATS, Kind::default(), move |_, body| {
        let answer = weak.upgrade().map_or_else(
            || Err(Refusal::new("stopping", "the node stops")),
            |own| {
                let beats: Vec<Beat> = parsed(&body)?;
                if beats.len() > PER_REQUEST_MAX {
                    return Err(Refusal::new("malformed", "more beats than a request has"));
                }
                encoded(&own.take_beats(&beats))
            },
        );
        Box::pin(std::future::ready(answer))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_that_there_is_no_room_for_are_counted_and_known_ones_go_on() {
        let beats = Beats::default();
        for nth in 0..PLAYERS_MAX as u64 + 3 {
            beats.note(SessionId(1), AccountId(nth), 1);
        }
        assert_eq!(beats.dropped(), 3);
        beats.note(SessionId(1), AccountId(7), 2);
        assert_eq!((beats.dropped(), beats.take().len()), (3, PLAYERS_MAX));
        beats.note(SessionId(1), AccountId(PLAYERS_MAX as u64), 3);
        assert_eq!((beats.dropped(), beats.take().len()), (3, 1), "there is room again");
    }
}
