//! Follows the directory: runs the sessions that belong on this node, and lets go of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use ractor::Actor;
use weir_cluster::lease::{LeaseCommand, LeaseDone};
use weir_cluster::{Applied, Command};
use weir_model::{Lease, SessionId};
use weir_session::Session;

use super::{Inner, Running, actor_of};
use crate::actors::clock;
use crate::actors::session::{Arguments, Message, Meter, SessionActor, bytes_of};
use crate::actors::tasks::Handle;
use crate::store::StoreError;

/// How often it looks without news whether something is to be done: a claim that was refused is made again, and an actor
/// that died is replaced.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks: changes that come together are looked at together.
const PAUSE: Duration = Duration::from_millis(50);
/// Leases that are claimed or given back at once, when a node died with many.
const LEASES_AT_ONCE: usize = 64;

/// Runs until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let store = own.context.store.clone();
    let (mut sessions, mut leases) = (store.session_changes(), store.cluster_changes());
    loop {
        sessions.mark_unchanged();
        leases.mark_unchanged();
        let work = own.look().await;
        handle.idle(work);
        loop {
            let news = tokio::select! {
                _ = sessions.changed() => true,
                _ = leases.changed() => true,
                () = tokio::time::sleep(LOOK) => false,
                () = handle.stopping() => return own.stop(),
            };
            if news || work > 0 || own.lacks() {
                break;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = handle.stopping() => return own.stop(),
        }
    }
}

impl Inner {
    /// Makes it so; how many sessions began, or went, here.
    async fn look(&self) -> u64 {
        let open = self.context.store.open_sessions();
        let at_work: BTreeMap<SessionId, Arc<Session>> =
            open.into_iter().filter(|one| one.is_at_work()).map(|one| (one.id, one)).collect();
        let (mut wanted, mut kept) = (Vec::new(), BTreeSet::new());
        for (id, session) in &at_work {
            if self.place_of(session) != Some(self.node) {
                continue;
            }
            kept.insert(*id);
            match self.lease(session) {
                Some(lease) if self.is_own(&lease) && self.follows(session, lease.epoch.0) => {}
                lease => wanted.push((Arc::clone(session), lease)),
            }
        }
        let gone = self.let_go(&kept);
        let work = gone.len() + wanted.len();
        let releases = gone.into_iter().map(|session| self.release(session));
        let claims = wanted.into_iter().map(|(session, lease)| self.claim(session, lease));
        let releases = iter(releases).buffer_unordered(LEASES_AT_ONCE).collect::<Vec<()>>();
        let claims = iter(claims).buffer_unordered(LEASES_AT_ONCE).collect::<Vec<()>>();
        tokio::join!(releases, claims);
        work as u64
    }

    /// Whether an actor is gone that has to be there.
    fn lacks(&self) -> bool {
        self.running.read().values().any(Running::is_gone)
    }

    fn lease(&self, session: &Session) -> Option<Lease> {
        self.context.store.cluster().leases.of(&actor_of(session)?).cloned()
    }

    fn is_own(&self, lease: &Lease) -> bool {
        let incarnation = *self.membership.incarnation().borrow();
        lease.node == self.node && lease.incarnation == incarnation
    }

    /// Tells the actor what the directory says; false when none runs under that lease.
    fn follows(&self, session: &Arc<Session>, epoch: u64) -> bool {
        let mut running = self.running.write();
        let Some(one) = running.get_mut(&session.id).filter(|one| one.epoch == epoch) else {
            return false;
        };
        if one.is_gone() {
            return false;
        }
        if !Arc::ptr_eq(&one.session, session) {
            one.session = Arc::clone(session);
            // One that stops at this moment is replaced with the next look.
            let _ = one.actor.cast(Message::Follow(Arc::clone(session)));
        }
        true
    }

    async fn claim(&self, session: Arc<Session>, held: Option<Lease>) {
        let Some(actor) = actor_of(&session) else { return };
        let incarnation = *self.membership.incarnation().borrow();
        let (node, at) = (self.node, clock::now());
        // Its own lease is claimed anew when its actor died: what that one left on its way is fenced off.
        let supersedes = held.map(|lease| lease.epoch);
        let claim = LeaseCommand::Claim { actor, node, incarnation, supersedes, at };
        match self.context.store.change_cluster(Command::Lease(claim)).await {
            Ok(Applied::Lease(LeaseDone::Granted { lease, .. })) => {
                self.begin(session, lease.epoch.0).await;
            }
            // Somebody was quicker; the next look sees who.
            Ok(_) | Err(StoreError::Cluster(_)) => {}
            Err(error) => tracing::debug!(session = %session.id, %error, "no lease of a session"),
        }
    }

    async fn begin(&self, session: Arc<Session>, epoch: u64) {
        let (id, context) = (session.id, self.context.clone());
        let bytes = bytes_of(&context.streams, &session.channel);
        let meter = Arc::new(Meter::new(Arc::clone(&session), epoch, bytes));
        let arguments =
            Arguments { context, session: Arc::clone(&session), meter: Arc::clone(&meter) };
        let supervisor = self.supervisor.get_cell();
        match Actor::spawn_linked(None, SessionActor, arguments, supervisor).await {
            Ok((actor, _)) => {
                let running = Running { actor, epoch, session, meter };
                if let Some(old) = self.running.write().insert(id, running) {
                    old.actor.stop(Some("another one runs the session".into()));
                }
            }
            Err(error) => tracing::error!(session = %id, %error, "session actor did not start"),
        }
    }

    /// Stops what is not `kept`; those have leases to give back.
    fn let_go(&self, kept: &BTreeSet<SessionId>) -> Vec<Arc<Session>> {
        let mut gone = Vec::new();
        self.running.write().retain(|id, one| {
            let stays = kept.contains(id);
            if !stays {
                one.actor.stop(Some("the session is over here".into()));
                gone.push(Arc::clone(&one.session));
            }
            stays
        });
        gone
    }

    async fn release(&self, session: Arc<Session>) {
        let Some(lease) = self.lease(&session).filter(|lease| self.is_own(lease)) else { return };
        let release = LeaseCommand::Release { actor: lease.actor, epoch: lease.epoch };
        if let Err(error) = self.context.store.change_cluster(Command::Lease(release)).await {
            tracing::debug!(session = %session.id, %error, "a lease stays");
        }
    }

    fn stop(&self) {
        for (_, one) in std::mem::take(&mut *self.running.write()) {
            one.actor.stop(Some("the node stops".into()));
        }
    }
}
