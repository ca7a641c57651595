//! The loop of one channel: finds the source, subscribes, asks for what is missing, ends when nobody wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use weir_cluster::replication::admit;
use weir_media::replica::Shade;
use weir_model::{ChannelName, NodeId};

use super::assembly::{Assembly, Tally, Want};
use super::route::{Denied, RELAY_ANSWER_MAX, Route};
use super::{Incoming, Inner, Replica};
use crate::link::replicate::wire::{
    Answer, FETCH, Fetch, SUBSCRIBE, Subscribe, Subscribed, UNSUBSCRIBE, Unsubscribe,
};
use crate::link::request::CallError;

/// How often a pull looks at the time: what is missing is noticed this much later at most.
const TICK: Duration = Duration::from_millis(50);
/// The same at a cold start, where a viewer waits.
const TICK_COLD: Duration = Duration::from_millis(10);
/// First and longest pause between two attempts to subscribe: a source that begins itself is there in a moment.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A source answers a subscription from memory.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(2);
/// A source says where the show stands every second; one that does not is dead or deaf.
const SILENT_MS: u64 = 3_500;

/// A channel that is pulled.
pub(super) struct Pull {
    pub(super) channel: ChannelName,
    pub(super) state: Mutex<State>,
    /// The subscription whose outline is known.
    pub(super) ready: watch::Sender<u64>,
    pub(super) wake: Notify,
    subscriptions: AtomicU64,
    failures: AtomicU64,
}

/// What changes together.
pub(super) struct State {
    pub(super) assembly: Assembly,
    pub(super) window: Option<Arc<dyn Replica>>,
    pub(super) sub: u64,
    pub(super) source: Option<NodeId>,
    pub(super) heard: u64,
    /// Age of the newest part when it arrived; none before the first one.
    pub(super) lag_ms: Option<u64>,
    /// The status stream of the subscription is over.
    pub(super) cut: bool,
    pub(super) route: Route,
    path: Option<Vec<NodeId>>,
    /// Its window is fed in another way now.
    forgotten: bool,
    wanted: usize,
    idle_since: u64,
    problem: Option<String>,
}

impl State {
    fn tally(&self) -> Tally {
        Tally { left: self.route.left, ..self.assembly.tally() }
    }

    /// Tells the window for whom it is made.
    pub(super) fn shade(&self, shade: Shade) {
        if let Some(window) = &self.window {
            window.take_shade(shade);
        }
    }

    /// Gives the window what is in order.
    pub(super) fn flush(&mut self) {
        let mut steps = self.assembly.take_steps();
        if let Some(window) = self.window.as_ref().filter(|_| !steps.is_empty()) {
            window.step(&mut steps);
        }
    }
}

impl Pull {
    pub(super) fn new(channel: ChannelName) -> Self {
        let state = State {
            assembly: Assembly::new(),
            window: None,
            sub: 0,
            source: None,
            heard: 0,
            lag_ms: None,
            cut: false,
            route: Route::default(),
            path: None,
            forgotten: false,
            wanted: 0,
            idle_since: 0,
            problem: None,
        };
        Self {
            channel,
            state: Mutex::new(state),
            ready: watch::Sender::new(0),
            wake: Notify::new(),
            subscriptions: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    pub(super) fn want(&self) {
        self.state.lock().wanted += 1;
    }

    pub(super) fn release(&self, now: u64) {
        let mut state = self.state.lock();
        state.wanted = state.wanted.saturating_sub(1);
        state.idle_since = now;
    }

    pub(super) fn path(&self) -> Option<(u64, Vec<NodeId>)> {
        let state = self.state.lock();
        let path = state.path.as_ref().filter(|_| !state.assembly.collecting());
        Some((state.assembly.epoch()?, path?.clone()))
    }

    /// Who was asked for a subscription and has not given one yet.
    pub(super) fn asks(&self) -> Option<NodeId> {
        let state = self.state.lock();
        state.source.filter(|_| state.path.is_none())
    }

    pub(super) fn epoch(&self) -> Option<u64> {
        self.state.lock().assembly.epoch()
    }

    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        state.forgotten = true;
        state.window = None;
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn info(&self) -> Incoming {
        let state = self.state.lock();
        Incoming {
            channel: self.channel.clone(),
            source: state.source,
            epoch: state.assembly.epoch(),
            wanted: state.wanted,
            lag_ms: state.lag_ms,
            subscriptions: self.subscriptions.load(Relaxed),
            failures: self.failures.load(Relaxed),
            problem: state.problem.clone(),
            tally: state.tally(),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.state.lock().tally()
    }

    fn idle(&self, now: u64, linger: Duration) -> bool {
        let state = self.state.lock();
        let idle = Duration::from_millis(now.saturating_sub(state.idle_since));
        state.forgotten || (state.wanted == 0 && idle >= linger)
    }

    pub(super) fn failed(&self, problem: String) {
        self.failures.fetch_add(1, Relaxed);
        self.state.lock().problem = Some(problem);
    }
}

impl Inner {
    pub(super) async fn pull(self: Arc<Self>, pull: Arc<Pull>) {
        let mut stop = self.link.mesh.world.stop.clone();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.pull_while_wanted(&pull) => {}
        }
    }

    async fn pull_while_wanted(self: &Arc<Self>, pull: &Arc<Pull>) {
        let mut pause = RETRY_MIN;
        while !self.let_go(pull) {
            let own = self.node();
            let source = self.sources.source(&pull.channel).filter(|(node, _)| *node != own);
            let Some((owner, epoch)) = source else {
                pull.state.lock().path = None;
                tokio::time::sleep(RETRY_MIN).await;
                continue;
            };
            // A source that died is not waited for once another one is known.
            let outcome = tokio::select! {
                outcome = self.join(pull, owner, epoch) => outcome,
                () = self.moved(pull, owner, epoch) => continue,
            };
            match outcome {
                Ok(node) => {
                    tracing::debug!(channel = %pull.channel, %node, epoch, "subscribed");
                    pause = RETRY_MIN;
                    self.stay(pull, node, (owner, epoch)).await;
                }
                Err(problem) => {
                    tracing::debug!(channel = %pull.channel, %owner, epoch, problem, "no subscription");
                    pull.failed(problem);
                    // Another source may be there at once.
                    let moved = tokio::time::timeout(pause, self.moved(pull, owner, epoch)).await;
                    pause = if moved.is_ok() { RETRY_MIN } else { (pause * 2).min(RETRY_MAX) };
                }
            }
        }
    }

    /// A copy that begins goes on with what the window holds from before.
    pub(super) fn inherit(&self, pull: &Pull) {
        if pull.epoch().is_none()
            && let Some((left, epoch)) = self.replicas.left(&pull.channel)
        {
            pull.state.lock().assembly.inherit(&left, epoch);
        }
    }

    /// Until there is another source.
    async fn moved(&self, pull: &Pull, owner: NodeId, epoch: u64) {
        while !self.has_moved(pull, owner, epoch) {
            tokio::time::sleep(TICK).await;
        }
    }

    fn has_moved(&self, pull: &Pull, owner: NodeId, epoch: u64) -> bool {
        self.sources.source(&pull.channel).is_some_and(|now| now != (owner, epoch))
    }

    /// Whether nobody wants it any more; then it is forgotten, before anybody can want it again.
    fn let_go(&self, pull: &Arc<Pull>) -> bool {
        let mut pulls = self.pulls.lock();
        let idle = pull.idle(self.now(), self.linger);
        let current = pulls.get(&pull.channel).is_some_and(|known| Arc::ptr_eq(known, pull));
        if idle && current {
            pulls.remove(&pull.channel);
            *self.past.lock() += pull.tally();
        }
        idle
    }

    /// Subscribes at a node, or is told whom to pull from instead. Who was `sent` to it is told no more.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        pull: &Arc<Pull>,
        node: NodeId,
        epoch: u64,
        sent: bool,
    ) -> Result<Option<NodeId>, Denied> {
        let sub = self.next_sub.fetch_add(1, Relaxed);
        let asked = {
            let mut state = pull.state.lock();
            if state.source != Some(node) {
                state.path = None;
            }
            (state.sub, state.source, state.cut) = (sub, Some(node), false);
            let (from, hops) = (state.assembly.places(), vec![self.node()]);
            let avoid = (!sent).then(|| state.route.avoided(self.now()));
            let (channel, epoch) = (pull.channel.clone(), Some(epoch));
            Subscribe { channel, sub, epoch, from, hops, avoid, sent }
        };
        let deadline = if sent { RELAY_ANSWER_MAX } else { ANSWER_MAX };
        match self.link.ask(node, SUBSCRIBE, &asked, deadline).await? {
            Answer::Elsewhere(elsewhere) => Ok(Some(elsewhere.instead)),
            // Questions and media have a connection each: without the one for media, an answer is of no use.
            Answer::Here(_) if !self.link.mesh.carries_media(node) => Err(Denied::NotYet(format!(
                "the connection for media with {node} is not there yet"
            ))),
            Answer::Here(answer) => {
                let taken = self.subscribed(pull, node, sub, *answer);
                taken.map(|()| None).map_err(Denied::No)
            }
        }
    }

    fn subscribed(
        &self,
        pull: &Pull,
        node: NodeId,
        sub: u64,
        answer: Subscribed,
    ) -> Result<(), String> {
        admit(self.node(), &answer.path).map_err(|refusal| refusal.to_string())?;
        let timing = answer.outline.timing;
        let window = self.replicas.replica(&pull.channel, &timing);
        let mut state = pull.state.lock();
        let now = self.now();
        // Who is fed itself may be behind for a moment.
        let by_owner = answer.path.len() <= 1;
        if by_owner && state.assembly.is_ahead_of(&answer.outline, answer.epoch) {
            state.assembly.begin_anew();
            drop(state);
            self.replicas.renew(&pull.channel);
            return Err(format!("{node} goes on far behind what is here, which is given up"));
        }
        let outlined = state.assembly.outline(answer.outline, answer.epoch, now);
        outlined.map_err(|_| format!("{node} still sends epoch {}", answer.epoch))?;
        if state.forgotten {
            return Err("its window is fed in another way now".into());
        }
        state.window = Some(window);
        state.path = Some(answer.path);
        state.heard = now;
        state.route.subscribed(timing.part_target_us, now);
        state.problem = None;
        state.flush();
        drop(state);
        pull.subscriptions.fetch_add(1, Relaxed);
        pull.ready.send_replace(sub);
        Ok(())
    }

    /// Until the subscription is over.
    async fn stay(self: &Arc<Self>, pull: &Arc<Pull>, node: NodeId, owner: (NodeId, u64)) {
        let relayed = node != owner.0;
        let mut tick = TICK_COLD;
        loop {
            let _ = tokio::time::timeout(tick, pull.wake.notified()).await;
            let now = self.now();
            let (wants, sub, over, renew, past) = {
                let mut state = pull.state.lock();
                state.assembly.tick(now);
                state.flush();
                tick = if state.assembly.collecting() { TICK_COLD } else { TICK };
                let over = state.cut || now.saturating_sub(state.heard) > SILENT_MS;
                let hops = state.path.as_ref().map_or(0, Vec::len);
                let renew = relayed.then(|| state.route.due(hops, now)).flatten();
                let past = relayed && state.route.leads_past(node);
                (state.assembly.take_wants(), state.sub, over, renew, past)
            };
            for want in wants {
                self.fetch(pull, node, sub, want);
            }
            if let Some(silent) = renew {
                self.renew(pull, node, owner, silent);
            }
            let moved = self.has_moved(pull, owner.0, owner.1) || past;
            let idle = pull.idle(now, self.linger);
            if idle || moved {
                // Whether it is heard makes no difference here: the source may be dead.
                self.unsubscribe(pull, node, sub);
            }
            if idle && relayed {
                self.unsubscribe(pull, owner.0, sub);
            }
            if idle || moved || over {
                return;
            }
        }
    }

    fn unsubscribe(self: &Arc<Self>, pull: &Pull, node: NodeId, sub: u64) {
        let (own, channel) = (Arc::clone(self), pull.channel.clone());
        self.link.mesh.world.short(async move {
            let body = Unsubscribe { channel, sub };
            let _ = own.link.ask::<_, ()>(node, UNSUBSCRIBE, &body, ANSWER_MAX).await;
        });
    }

    fn fetch(self: &Arc<Self>, pull: &Arc<Pull>, node: NodeId, sub: u64, want: Want) {
        let (own, pull) = (Arc::clone(self), Arc::clone(pull));
        self.link.mesh.world.short(async move {
            let Want { track, msn, from_part } = want;
            let body = Fetch { channel: pull.channel.clone(), sub, track, msn, from_part };
            let answer = own.link.ask::<_, ()>(node, FETCH, &body, ANSWER_MAX).await;
            if matches!(answer, Err(CallError::Refused(refusal)) if refusal.code == "gone") {
                let mut state = pull.state.lock();
                if state.sub == sub {
                    state.assembly.gone(track, msn, own.now());
                    state.flush();
                }
            }
        });
    }
}
